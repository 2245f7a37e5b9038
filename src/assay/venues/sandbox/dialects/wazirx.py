"""WazirX's dialect: the same market in rupees and in dollars, klines in seconds and tickers in milliseconds.

A price in rupees is that in tether times :func:`assay.venues.sandbox.rupees.inr_per_usdt` of the day on which the bar
opens, rounded to the decimals of the price in tether; quantities are the market's. The tether itself is traded for
rupees too: at that price all day long, in a fiftieth of what is paid for bitcoin in tether.

>>> from datetime import UTC, timedelta
>>> market, noon = Market(1), datetime(2024, 5, 1, 12, tzinfo=UTC)
>>> asked = {"symbol": "btcinr", "interval": "1h", "limit": "1"}
>>> [[opened, *_]] = WazirxDialect().say(market, Question("klines", asked, noon + timedelta(minutes=1)))
>>> opened
1714564800
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import numpy as np

from assay.domain.errors import BadInputError
from assay.domain.symbol import Symbol
from assay.venues.sandbox.answers import Document, Question, Refusal
from assay.venues.sandbox.assets import QUOTE, Listing
from assay.venues.sandbox.bars import DAY_US, SECOND_US, Bars, to_datetime
from assay.venues.sandbox.dialects.wire import floats_of, milliseconds_of, whole_number
from assay.venues.sandbox.draws import Integers
from assay.venues.sandbox.history import LATEST_US, Window, read_page
from assay.venues.sandbox.market import Market
from assay.venues.sandbox.rupees import TETHER_TICK, inr_per_usdt
from assay.venues.sandbox.ticker import Ticker
from assay.venues.spec import VenueSpec
from assay.venues.wazirx.spec import SPEC

_PAGE, _USUAL = 2_000, 500
_RUPEES = "INR"
_ONE, _HUNDRED = Decimal(1), 100
_TETHER = Symbol(QUOTE, _RUPEES)
_TETHER_SHARE = 50
"""A unit of tether changes hands for rupees when so many are paid for bitcoin."""


def _refusal(text: str) -> Refusal:
    return Refusal(400, {"code": 1999, "message": text})


class WazirxDialect:
    """Speaks for WazirX."""

    @property
    def spec(self) -> VenueSpec:
        """WazirX's declaration."""
        return SPEC

    def say(self, market: Market, question: Question) -> list[Document]:
        """Return the answer to a question, or raise Refusal."""
        return _klines(market, question) if question.endpoint == "klines" else _tickers(market, question)

    def too_many(self, _status: int, _until: datetime) -> Document:
        """Return the body that goes with 429 and 418."""
        return {"code": 2136, "message": "Too many api request"}


def _listing(market: Market, question: Question) -> tuple[Listing, Symbol]:
    """Return what is traded and the name by which it is asked for; behind the tether stands the first listing."""
    text = question.params.get("symbol", "")
    try:
        symbol = SPEC.symbols.to_symbol(text)
        listing = market.listings[0] if symbol == _TETHER else market.listing(Symbol(symbol.base, QUOTE))
    except BadInputError:
        raise _refusal("symbol does not have a valid value") from None
    if symbol.quote not in (QUOTE, _RUPEES) or question.now < listing.listed_at:
        raise _refusal("symbol does not have a valid value")
    return listing, symbol


def _whole(question: Question, name: str) -> int | None:
    text = question.params.get(name)
    if text is None:
        return None
    number = whole_number(text)
    if number is None:
        raise _refusal(f"{name} is invalid")
    return number


def _klines(market: Market, question: Question) -> list[Document]:
    listing, symbol = _listing(market, question)
    try:
        interval = SPEC.interval(question.params.get("interval", ""))
    except BadInputError:
        raise _refusal("interval does not have a valid value") from None
    first, last = _whole(question, "startTime"), _whole(question, "endTime")
    first_us, last_us = (None if one is None else min(one * SECOND_US, LATEST_US) for one in (first, last))
    limit = _whole(question, "limit")
    if limit == 0:
        raise _refusal("limit does not have a valid value")
    window = Window(first_us, last_us, min(limit or _USUAL, _PAGE))
    bars = read_page(market, listing.symbol, interval, window=window, question=question)
    return _rows(listing, symbol, bars)


def _rows(listing: Listing, symbol: Symbol, bars: Bars) -> list[Document]:
    """Return bars as lists of six numbers, open times in seconds."""
    if not len(bars):
        return []
    days, day_of = np.unique(bars.open_time // DAY_US, return_inverse=True)
    rates = [_rate(symbol.quote, to_datetime(day * DAY_US)) for day in days.tolist()]
    if symbol == _TETHER:
        prices = [[float(rate) for rate in rates]] * 4
        columns = [[price[day] for day in day_of.tolist()] for price in prices]
        volumes = [float(_tethers(listing, paid)) for paid in bars.quote_volume.tolist()]
    else:
        # Hundredths, which is what the rupee is quoted in; the product is rounded like a Decimal, ties to even.
        hundredths = np.array([int(rate * _HUNDRED) for rate in rates], dtype=np.int64)[day_of]
        columns = [floats_of(_rounded(ticks * hundredths), listing.asset.price_decimals) for ticks in _ticks(bars)]
        volumes = floats_of(bars.volume, listing.asset.quantity_decimals)
    return [list(row) for row in zip((bars.open_time // SECOND_US).tolist(), *columns, volumes, strict=True)]


def _ticks(bars: Bars) -> tuple[Integers, ...]:
    return bars.open, bars.high, bars.low, bars.close


def _rounded(hundredths: Integers) -> Integers:
    """Return hundredths as wholes, ties to even."""
    wholes, rest = np.divmod(hundredths, 100)
    wholes += (rest > 50) | ((rest == 50) & (wholes % 2 == 1))
    return wholes


def _rate(quote: str, moment: datetime) -> Decimal:
    return inr_per_usdt(moment) if quote == _RUPEES else _ONE


def price_in(listing: Listing, ticks: int, rate: Decimal) -> Decimal:
    """Return a price at `rate`, with as many decimals as the price in dollars has.

    >>> price_in(Market(1).listings[0], 4_370_012, Decimal("83.0050"))
    Decimal('3627328.46')
    """
    unit = listing.tick
    return (ticks * unit * rate).quantize(unit)


def _tethers(listing: Listing, paid: int) -> Decimal:
    """Return how many tethers changed hands for rupees while so much was paid for what is listed; two decimals."""
    return (Decimal(listing.notional_text(paid)) / _TETHER_SHARE).quantize(TETHER_TICK)


def _tickers(market: Market, question: Question) -> list[Document]:
    now = question.now
    tickers = [market.ticker_24h(one.symbol, now) for one in market.listings if one.is_trading(now)]
    rows = [_ticker(ticker, quote, now) for ticker in tickers for quote in (_RUPEES, QUOTE)]
    carried = [ticker for ticker in tickers if ticker.listing is market.listings[0]]
    return [*rows, *(_tether_ticker(ticker, now) for ticker in carried)]


def _ticker(ticker: Ticker, quote: str, now: datetime) -> Document:
    listing, rate = ticker.listing, _rate(quote, now)
    names = {
        "openPrice": ticker.open,
        "lowPrice": ticker.low,
        "highPrice": ticker.high,
        "lastPrice": ticker.last,
        "bidPrice": ticker.bid,
        "askPrice": ticker.ask,
    }
    prices = {name: price_in(listing, ticks, rate) for name, ticks in names.items()}
    return _row(Symbol(listing.symbol.base, quote), prices, listing.quantity_text(ticker.volume), now)


def _tether_ticker(ticker: Ticker, now: datetime) -> Document:
    """Return the row of the tether, whose day is as busy as that of the `ticker` behind it."""
    first, last = inr_per_usdt(ticker.open_time), inr_per_usdt(now)
    prices = {
        "openPrice": first,
        "lowPrice": min(first, last),
        "highPrice": max(first, last),
        "lastPrice": last,
        "bidPrice": last - TETHER_TICK,
        "askPrice": last + TETHER_TICK,
    }
    return _row(_TETHER, prices, f"{_tethers(ticker.listing, ticker.quote_volume):f}", now)


def _row(symbol: Symbol, prices: Mapping[str, Decimal], volume: str, now: datetime) -> Document:
    return {
        "symbol": SPEC.symbols.to_wire(symbol),
        "baseAsset": symbol.base.lower(),
        "quoteAsset": symbol.quote.lower(),
        **{name: f"{price:f}" for name, price in prices.items()},
        "volume": volume,
        # Text, as in recordings; the documentation has a number.
        "at": str(milliseconds_of(now)),
    }
