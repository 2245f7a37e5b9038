"""Yahoo's dialect: charts with a list a column, prices as 32-bit floats, volumes in the currency, some of them 0.

A coin in rupees costs what it costs in tether times :func:`assay.venues.sandbox.rupees.inr_per_usd` of the day on which
the bar opens; a tether is a dollar here. One intraday bar in three, by its time alone, has a volume of 0, as recordings
do. Behind the bar in progress stands the price of this minute; of days and longer bars it takes that bar's place.

>>> from datetime import UTC
>>> market, now = Market(1), datetime(2024, 5, 1, 12, 34, 56, tzinfo=UTC)
>>> asked = {"symbol": "BTC-USD", "interval": "1h", "period1": "1714557600", "period2": "1714579200"}
>>> chart = YahooDialect().say(market, Question("chart", asked, now))
>>> chart["chart"]["result"][0]["timestamp"]
[1714557600, 1714561200, 1714564800, 1714566840]
"""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError
from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.venues.sandbox.answers import Document, Question, Refusal
from assay.venues.sandbox.assets import QUOTE, Listing
from assay.venues.sandbox.bars import DAY_US, MINUTE_US, SECOND_US, Bars, to_datetime, to_us
from assay.venues.sandbox.dialects.wire import whole_number
from assay.venues.sandbox.draws import Integers
from assay.venues.sandbox.history import LATEST_US, Window, read_page
from assay.venues.sandbox.market import Market
from assay.venues.sandbox.rupees import inr_per_usd
from assay.venues.spec import VenueSpec
from assay.venues.yahoo.spec import SPEC

_DOLLARS, _RUPEES = "USD", "INR"
_MOST = 20_000
_ONE_IN = 3
_DAY = timedelta(days=1)
_REACH = dict(SPEC.reach)


def _refusal(status: int, code: str, text: str) -> Refusal:
    return Refusal(status, {"chart": {"result": None, "error": {"code": code, "description": text}}})


class YahooDialect:
    """Speaks for Yahoo Finance."""

    @property
    def spec(self) -> VenueSpec:
        """Yahoo's declaration."""
        return SPEC

    def say(self, market: Market, question: Question) -> Document:
        """Return the answer to a question, or raise Refusal."""
        listing, symbol = _listing(market, question)
        interval = _interval(question)
        first, last = (whole_number(question.params.get(name, "")) for name in ("period1", "period2"))
        if first is None or last is None or last < first:
            raise _refusal(400, "Bad Request", "Invalid input - start date cannot be after end date.")
        reach = _REACH.get(interval)
        if reach is not None and question.now - reach - _DAY > to_datetime(min(first * SECOND_US, LATEST_US)):
            text = f"{interval} data not available for startTime={first} and endTime={last}."
            text += f" The requested range must be within the last {reach.days} days."
            raise _refusal(422, "Unprocessable Entity", text)
        window = Window(min(first * SECOND_US, LATEST_US), min(last * SECOND_US, LATEST_US), _MOST)
        bars = read_page(market, listing.symbol, interval, window=window, question=question)
        if not len(bars):
            text = f"Data doesn't exist for startDate = {first}, endDate = {last}"
            raise _refusal(400, "Bad Request", text)
        return _chart(symbol, interval, _columns(listing, symbol, interval, bars=bars, now=question.now))

    def too_many(self, _status: int, _until: datetime) -> Document:
        """Return the body that goes with 429 and 418."""
        return {"finance": {"result": None, "error": {"code": "Too Many Requests", "description": "Edge: 429"}}}


def _listing(market: Market, question: Question) -> tuple[Listing, Symbol]:
    unknown = _refusal(404, "Not Found", "No data found, symbol may be delisted")
    try:
        symbol = SPEC.symbols.to_symbol(question.params["symbol"])
        listing = market.listing(Symbol(symbol.base, QUOTE))
    except BadInputError:
        raise unknown from None
    if symbol.quote not in (_DOLLARS, _RUPEES) or question.now < listing.listed_at:
        raise unknown
    return listing, symbol


def _interval(question: Question) -> Interval:
    wire = question.params.get("interval", "1d")
    try:
        return SPEC.interval(wire)
    except BadInputError:
        known = ", ".join(spelling for _, spelling in SPEC.intervals)
        text = f"Invalid input - interval={wire} is not supported. Valid intervals: [{known}]"
        raise _refusal(422, "Unprocessable Entity", text) from None


def _columns(
    listing: Listing, symbol: Symbol, interval: Interval, *, bars: Bars, now: datetime
) -> dict[str, list[float]]:
    """Return the columns of a chart, the price of this minute among them where the last bar is in progress."""
    asset = listing.asset
    days, day_of = np.unique(bars.open_time // DAY_US, return_inverse=True)
    rates = np.array([_rate(symbol.quote, to_datetime(day * DAY_US)) for day in days.tolist()])[day_of]
    columns: dict[str, list[float]] = {"timestamp": (bars.open_time // SECOND_US).tolist()}
    for name in ("open", "high", "low", "close"):
        columns[name] = _floats(getattr(bars, name) / 10.0**asset.price_decimals * rates)
    paid = bars.quote_volume / 10.0 ** (asset.price_decimals + asset.quantity_decimals) * rates
    is_intraday = interval.duration < _DAY
    if is_intraday:
        paid[_is_untold(bars.open_time, interval)] = 0.0
    columns["volume"] = [int(value) for value in _floats(np.rint(paid))]
    now_us = to_us(now)
    if bars.close_time[-1] > now_us:
        price, minute = columns["close"][-1], now_us // MINUTE_US * MINUTE_US // SECOND_US
        live: dict[str, float] = {"timestamp": minute, **dict.fromkeys(("open", "high", "low", "close"), price)}
        if not is_intraday:
            columns["timestamp"][-1] = minute
        elif minute > columns["timestamp"][-1]:
            for name, values in columns.items():
                values.append(live.get(name, 0))
    return columns


def _is_untold(opened: Integers, interval: Interval) -> NDArray[np.bool_]:
    """Return which bars have no volume: one in three, by a hash of their number, the same whenever one asks."""
    number = opened // interval.microseconds
    is_untold: NDArray[np.bool_] = (number * 2_654_435_761 >> 8) % _ONE_IN == 0
    return is_untold


def _rate(quote: str, moment: datetime) -> float:
    return float(inr_per_usd(moment)) if quote == _RUPEES else 1.0


def _floats(values: NDArray[np.float64]) -> list[float]:
    """Return what is left of the values in 32 bits."""
    floats: list[float] = values.astype(np.float32).astype(np.float64).tolist()
    return floats


def _chart(symbol: Symbol, interval: Interval, columns: dict[str, list[float]]) -> Document:
    meta = {
        "currency": symbol.quote,
        "symbol": SPEC.symbols.to_wire(symbol),
        "exchangeName": "CCC",
        "instrumentType": "CRYPTOCURRENCY",
        "gmtoffset": 0,
        "timezone": "UTC",
        "exchangeTimezoneName": "UTC",
        "regularMarketPrice": columns["close"][-1],
        "dataGranularity": SPEC.wire_interval(interval),
        "range": "",
    }
    quote = {name: columns[name] for name in ("open", "high", "low", "close", "volume")}
    indicators: dict[str, object] = {"quote": [quote]}
    if interval.duration >= _DAY:
        indicators["adjclose"] = [{"adjclose": columns["close"]}]
    result = {"meta": meta, "timestamp": columns["timestamp"], "indicators": indicators}
    return {"chart": {"result": [result], "error": None}}
