"""Binance's dialect: what the sandbox's market is like, in the words of Binance's spot REST documentation.

>>> from datetime import UTC
>>> market, noon = Market(1), datetime(2024, 5, 1, 12, tzinfo=UTC)
>>> BinanceDialect().say(market, Question("time", {}, noon))
{'serverTime': 1714564800000}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from assay.venues.binance.spec import SPEC
from assay.venues.sandbox.answers import Document, Question
from assay.venues.sandbox.assets import Listing
from assay.venues.sandbox.bars import to_datetime, to_us
from assay.venues.sandbox.book import MAX_LEVELS
from assay.venues.sandbox.dialects.binance_words import (
    MILLISECOND_US,
    PAGE,
    USUAL,
    interval_of,
    kline_page,
    known,
    limit_of,
    listing_of,
    range_us,
    refusal,
    too_many,
    whole,
    window_of,
)
from assay.venues.sandbox.dialects.wire import milliseconds_of, signed_text
from assay.venues.sandbox.history import newest_trades, read_page
from assay.venues.sandbox.market import Market
from assay.venues.sandbox.replay import NO_REPLAY, Replay
from assay.venues.sandbox.ticker import Ticker
from assay.venues.spec import VenueSpec

_ALSO_TAKEN: Mapping[str, tuple[str, ...]] = {
    "exchange_info": ("symbol", "symbols", "permissions", "showPermissionSets", "symbolStatus"),
    "ticker_24h": ("symbols",),
}
"""Documented parameters that Assay itself does not use, but other clients do."""


class BinanceDialect:
    """Speaks for Binance.

    Parameters
    ----------
    replay : Replay
        Klines that were recorded, served in place of the market's.
    """

    def __init__(self, replay: Replay = NO_REPLAY) -> None:
        self._replay = replay

    @property
    def spec(self) -> VenueSpec:
        """Binance's declaration."""
        return SPEC

    def say(self, market: Market, question: Question) -> Document:
        """Return the answer to a question, or raise Refusal."""
        known = {one.name for one in SPEC.endpoint(question.endpoint).parameters}
        known |= set(_ALSO_TAKEN.get(question.endpoint, ()))
        read, sent = len(known & set(question.params)), len(question.params)
        if read < sent:
            text = f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'."
            raise refusal(-1104, text)
        series = (question.params.get("symbol", ""), question.params.get("interval", ""))
        if question.endpoint == "klines" and series in self._replay:
            return self._replay.page(series, window_of(question), now_us=to_us(question.now))
        return _ANSWERS[question.endpoint](market, question)

    def too_many(self, status: int, until: datetime) -> Document:
        """Return the body that goes with 429 and 418."""
        return too_many(SPEC, status, until)


def _ping(_market: Market, _question: Question) -> Document:
    return {}


def _time(_market: Market, question: Question) -> Document:
    return {"serverTime": milliseconds_of(question.now)}


def _klines(market: Market, question: Question) -> Document:
    listing, interval = listing_of(market, question, SPEC), interval_of(question, SPEC)
    bars = read_page(market, listing.symbol, interval, window=window_of(question), question=question)
    return kline_page(listing, bars)


def _asked_listings(market: Market, question: Question) -> list[Listing] | None:
    """Return the listings named by ``symbols``, or None if that was not sent."""
    text = question.params.get("symbols")
    if text is None:
        return None
    try:
        names = msgspec.json.decode(text, type=list[str])
    except msgspec.DecodeError:
        raise refusal(-1100, "Illegal characters found in parameter 'symbols'.") from None
    return [known(market, name, question.now, spec=SPEC) for name in names]


def _tickers(market: Market, question: Question) -> Document:
    if "symbol" in question.params:
        listing = listing_of(market, question, SPEC)
        if not listing.is_trading(question.now):
            raise refusal(-1121, "Invalid symbol.")
        return _ticker(market.ticker_24h(listing.symbol, question.now))
    asked = _asked_listings(market, question)
    listings = market.listings if asked is None else asked
    trading = [one.symbol for one in listings if one.is_trading(question.now)]
    return [_ticker(market.ticker_24h(symbol, question.now)) for symbol in trading]


def _ticker(ticker: Ticker) -> Document:
    listing = ticker.listing
    price, size = listing.price_text, listing.quantity_text
    return {
        "symbol": SPEC.symbols.to_wire(listing.symbol),
        "priceChange": signed_text(price, ticker.change),
        "priceChangePercent": f"{ticker.change_pct:.3f}",
        "weightedAvgPrice": f"{ticker.weighted_average / 10**listing.asset.price_decimals:.8f}",
        "prevClosePrice": price(ticker.previous_close),
        "lastPrice": price(ticker.last),
        "lastQty": size(ticker.last_quantity),
        "bidPrice": price(ticker.bid),
        "bidQty": size(ticker.bid_quantity),
        "askPrice": price(ticker.ask),
        "askQty": size(ticker.ask_quantity),
        "openPrice": price(ticker.open),
        "highPrice": price(ticker.high),
        "lowPrice": price(ticker.low),
        "volume": size(ticker.volume),
        "quoteVolume": listing.notional_text(ticker.quote_volume),
        "openTime": milliseconds_of(ticker.open_time),
        "closeTime": milliseconds_of(ticker.close_time),
        "firstId": ticker.first_id,
        "lastId": ticker.last_id,
        "count": ticker.num_trades,
    }


def _depth(market: Market, question: Question) -> Document:
    listing = listing_of(market, question, SPEC)
    limit = limit_of(question, usual=100, top=MAX_LEVELS)
    if not listing.is_trading(question.now):
        return {"lastUpdateId": 0, "bids": [], "asks": []}
    book = market.depth(listing.symbol, question.now, limit=limit)
    sides = {"bids": (book.bid_price, book.bid_quantity), "asks": (book.ask_price, book.ask_quantity)}
    return {"lastUpdateId": book.update_id} | {
        name: [
            [listing.price_text(price), listing.quantity_text(lots)]
            for price, lots in zip(prices.tolist(), quantities.tolist(), strict=True)
        ]
        for name, (prices, quantities) in sides.items()
    }


def _agg_trades(market: Market, question: Question) -> Document:
    listing = listing_of(market, question, SPEC)
    limit = limit_of(question, usual=USUAL, top=PAGE)
    first_us, last_us = range_us(question)
    from_id = whole(question, "fromId")
    if from_id is not None and (first_us is not None or last_us is not None):
        raise refusal(-1128, "Combination of optional parameters invalid.")
    now = question.now
    end = now if last_us is None else min(now, to_datetime(last_us + MILLISECOND_US))
    if from_id is not None:
        trades = market.agg_trades_from(listing.symbol, from_id, seen_at=now, limit=limit)
    elif first_us is not None:
        start = max(to_datetime(first_us), listing.listed_at)
        trades = market.agg_trades(listing.symbol, start=start, end=end, limit=limit)
    else:
        trades = newest_trades(market, listing, end, limit=limit)
    return [
        {
            "a": number,
            "p": listing.price_text(price),
            "q": listing.quantity_text(lots),
            "f": number,
            "l": number,
            "T": time_us // MILLISECOND_US,
            "m": is_maker,
            "M": True,
        }
        for number, time_us, price, lots, is_maker in trades.rows()
    ]


def _exchange_info(market: Market, question: Question) -> Document:
    single = [listing_of(market, question, SPEC)] if "symbol" in question.params else _asked_listings(market, question)
    listings = [one for one in market.listings if one.listed_at <= question.now] if single is None else single
    limits = [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": SPEC.limits[0].limit},
        {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": SPEC.limits[1].limit},
    ]
    return {
        "timezone": "UTC",
        "serverTime": milliseconds_of(question.now),
        "rateLimits": limits,
        "exchangeFilters": [],
        "symbols": [_instrument(one, question.now) for one in listings],
    }


def _instrument(listing: Listing, now: datetime) -> Document:
    tick, lot = f"{listing.tick_at(now):.8f}", f"{listing.lot:.8f}"
    return {
        "symbol": SPEC.symbols.to_wire(listing.symbol),
        "status": "TRADING" if listing.is_trading(now) else "BREAK",
        "baseAsset": listing.symbol.base,
        "baseAssetPrecision": 8,
        "quoteAsset": listing.symbol.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "MARKET"],
        "icebergAllowed": False,
        "ocoAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000.00000000", "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": "9000000.00000000", "stepSize": lot},
            {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True},
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_MAKER"],
    }


_ANSWERS: Mapping[str, Callable[[Market, Question], Document]] = {
    "ping": _ping,
    "time": _time,
    "exchange_info": _exchange_info,
    "klines": _klines,
    "ticker_24h": _tickers,
    "depth": _depth,
    "agg_trades": _agg_trades,
}
