"""Reading the answers of Coinbase Advanced Trade: lists inside objects, every number as text."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from assay.venues import tables
from assay.venues.coinbase.parse import read_trades
from assay.venues.coinbase_advanced.spec import SPEC
from assay.venues.datasets import SERVER_TIME
from assay.venues.errors import VenueError, venue_error
from assay.venues.page import UNREADABLE, Moment, Page, read_one, read_rows
from assay.venues.parsed import Handler, Parsed
from assay.venues.spec import Request

_SECOND_US = 1_000_000
# From 2009-01-03 on, as the numbers of seconds of :data:`assay.venues.page.Seconds` are.
_SecondText = Annotated[str, msgspec.Meta(pattern=r"^1(2[3-9]|[3-9][0-9])[0-9]{7}$|^[2-6][0-9]{9}$")]
_TradeId = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,18}$")]


class _Product(msgspec.Struct, gc=False):
    product_id: str
    base_currency_id: str
    quote_currency_id: str
    status: str
    price: str
    price_percentage_change_24h: str
    volume_24h: str
    base_increment: str
    base_min_size: str
    base_max_size: str
    quote_min_size: str
    price_increment: str
    trading_disabled: bool = False
    is_disabled: bool = False
    high_24h: str = ""
    low_24h: str = ""
    best_bid_price: str = ""
    best_ask_price: str = ""
    approximate_quote_24h_volume: str = ""

    @property
    def is_trading(self) -> bool:
        return self.status == "online" and not (self.trading_disabled or self.is_disabled)


class _Products(msgspec.Struct):
    products: list[msgspec.Raw]


class _Candle(msgspec.Struct, gc=False):
    start: _SecondText
    low: str
    high: str
    open: str
    close: str
    volume: str


class _Candles(msgspec.Struct):
    candles: list[msgspec.Raw]


class _Level(msgspec.Struct, gc=False):
    price: str
    size: str


class _PriceBook(msgspec.Struct):
    bids: list[_Level]
    asks: list[_Level]


class _Book(msgspec.Struct):
    pricebook: _PriceBook


class _Trade(msgspec.Struct, gc=False):
    trade_id: _TradeId
    price: str
    size: str
    time: Moment
    side: Literal["BUY", "SELL"]


class _Trades(msgspec.Struct):
    trades: list[msgspec.Raw]


class _Time(msgspec.Struct):
    iso: Moment


class _NamedError(msgspec.Struct):
    error: str
    message: str = ""


class _CodedError(msgspec.Struct):
    code: int
    message: str


def read_error(body: bytes) -> VenueError | None:
    """Return the error that `body` is, in either form, or None if it is none.

    Wire::

        {"code":3,"message":"granularity argument is invalid","details":[]}

    >>> read_error(b'{"error":"NOT_FOUND","error_details":"no such product","message":"no such product"}').message
    'NOT_FOUND: no such product'
    """
    with suppress(*UNREADABLE):
        coded = msgspec.json.decode(body, type=_CodedError)
        return venue_error(SPEC, coded.code, coded.message)
    with suppress(*UNREADABLE):
        named = msgspec.json.decode(body, type=_NamedError)
        return venue_error(SPEC, 0, f"{named.error}: {named.message}" if named.message else named.error)
    return None


def parse_time(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    """Read the venue's clock.

    Wire::

        {"iso":"2024-03-13T11:10:41Z","epochSeconds":"1710328241","epochMillis":"1710328241270"}
    """
    time = read_one(body, _Time, request=request, read_error=read_error)
    return tables.whole(SERVER_TIME, {"server_time": tables.moments([time.iso])})


def _products(body: bytes, request: Request) -> Page[_Product]:
    return read_rows(read_one(body, _Products, request=request, read_error=read_error).products, _Product)


def parse_products(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    """Read what is traded.

    Wire::

        {"products":[{"product_id":"BTC-USD","price":"65086.18","price_percentage_change_24h":"0.09601107287722",
          "volume_24h":"2867.54532609","volume_percentage_change_24h":"11.16524863692957",
          "base_increment":"0.00000001","quote_increment":"0.01","quote_min_size":"1","quote_max_size":"150000000",
          "base_min_size":"0.00000001","base_max_size":"3400","status":"online","trading_disabled":false,
          "is_disabled":false,"product_type":"SPOT","quote_currency_id":"USD","base_currency_id":"BTC",
          "price_increment":"0.01","approximate_quote_24h_volume":"186637571.25","best_bid_price":"",
          "best_ask_price":"","high_24h":"65252.99","low_24h":"64675.22"}],"num_products":1}
    """
    page = _products(body, request)
    rows = page.rows
    columns = {
        "venue_symbol": tables.texts(row.product_id for row in rows),
        "base": tables.texts(row.base_currency_id for row in rows),
        "quote": tables.texts(row.quote_currency_id for row in rows),
        "status": tables.texts(row.status for row in rows),
        "is_trading": tables.flags(row.is_trading for row in rows),
        "tick_size": tables.texts(_number(row.price_increment) for row in rows),
        "lot_size": tables.texts(_number(row.base_increment) for row in rows),
        "min_quantity": tables.texts(_number(row.base_min_size) for row in rows),
        "max_quantity": tables.texts(_number(row.base_max_size) for row in rows),
        "min_notional": tables.texts(_number(row.quote_min_size) for row in rows),
    }
    return tables.instruments(page, columns)


def parse_tickers(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    """Read the day of every product; there is no time in the answer, and mostly no bid or ask.

    Wire::

        {"products":[{"product_id":"BTC-USD","price":"65086.18","price_percentage_change_24h":"0.09601107287722",
          "volume_24h":"2867.54532609","base_increment":"0.00000001","quote_min_size":"1",
          "base_min_size":"0.00000001","base_max_size":"3400","status":"online","quote_currency_id":"USD",
          "base_currency_id":"BTC","price_increment":"0.01","approximate_quote_24h_volume":"186637571.25",
          "best_bid_price":"","best_ask_price":"","high_24h":"65252.99","low_24h":"64675.22"}],"num_products":1}
    """
    page = _products(body, request)
    rows = page.rows
    columns = {
        "venue_symbol": tables.texts(row.product_id for row in rows),
        "last_price": tables.texts(_number(row.price) for row in rows),
        "high_price": tables.texts(_number(row.high_24h) for row in rows),
        "low_price": tables.texts(_number(row.low_24h) for row in rows),
        "price_change_pct": tables.texts(_number(row.price_percentage_change_24h) for row in rows),
        "bid_price": tables.texts(_number(row.best_bid_price) for row in rows),
        "ask_price": tables.texts(_number(row.best_ask_price) for row in rows),
        "volume": tables.texts(_number(row.volume_24h) for row in rows),
        "quote_volume": tables.texts(_number(row.approximate_quote_24h_volume) for row in rows),
    }
    return tables.tickers(page, columns, symbols=SPEC.symbols)


def _number(text: str) -> str | None:
    """Return the text of a number; empty text means that there is none."""
    return text or None


def parse_candles(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    """Read bars, the newest first; one that closed after `asked_at` is provisional.

    Wire::

        {"candles":[{"start":"1710327600","low":"73241.5","high":"73402.47","open":"73243.33","close":"73370.65",
          "volume":"1.56794406"}]}
    """
    page = read_rows(read_one(body, _Candles, request=request, read_error=read_error).candles, _Candle)
    rows = page.rows
    columns = {
        "open_time": tables.stamps((int(row.start) for row in rows), unit_us=_SECOND_US),
        "open": tables.texts(row.open for row in rows),
        "high": tables.texts(row.high for row in rows),
        "low": tables.texts(row.low for row in rows),
        "close": tables.texts(row.close for row in rows),
        "volume": tables.texts(row.volume for row in rows),
    }
    interval = SPEC.interval(request.param("granularity") or "")
    return tables.klines(page, columns, interval=interval, asked_at=asked_at)


def parse_book(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    """Read an order book, which has a time and no number. It is one row or none.

    Wire::

        {"pricebook":{"product_id":"BTC-USD","bids":[{"price":"73360.34","size":"0.13"}],
          "asks":[{"price":"73369.19","size":"0.02"}],"time":"2024-03-13T11:10:41.270099Z"},"last":"73367.8",
          "mid_market":"73364.765","spread_bps":"1.21","spread_absolute":"8.85"}
    """
    book = read_one(body, _Book, request=request, read_error=read_error).pricebook
    sides = ([(level.price, level.size) for level in side] for side in (book.bids, book.asks))
    return tables.order_book(*sides, update_id=None, page=(request, body))


def parse_trades(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    """Read the newest trades; the venue says on which side the waiting order was, the taker was on the other.

    Wire::

        {"trades":[{"trade_id":"18502034","product_id":"BTC-USDT","price":"73271.63","size":"0.00007448",
          "time":"2024-03-13T11:00:17.710679Z","side":"SELL","exchange":"coinbase"}],"best_bid":"73360.34",
          "best_ask":"73369.19"}
    """
    return read_trades(read_rows(read_one(body, _Trades, request=request, read_error=read_error).trades, _Trade))


HANDLERS: Mapping[str, Handler] = {
    "server_time": parse_time,
    "market_products": parse_products,
    "market_tickers": parse_tickers,
    "market_candles": parse_candles,
    "market_book": parse_book,
    "market_trades": parse_trades,
}
"""Endpoint to its handler."""
