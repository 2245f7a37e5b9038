"""Reading the answers of Coinbase's exchange: candles are numbers, newest first; everything else is decimal text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from assay.venues import tables
from assay.venues.coinbase.spec import SPEC
from assay.venues.datasets import SERVER_TIME
from assay.venues.errors import VenueError, venue_error
from assay.venues.page import UNREADABLE, Count, Moment, Page, Seconds, read_columns, read_list, read_one, read_row
from assay.venues.parsed import Handler, Parsed
from assay.venues.spec import Request

_SECOND_US = 1_000_000
TradeId = Count | Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,18}$")]
_TAKER = {"buy": "sell", "sell": "buy"}
"""The taker's side, by that of the order that was waiting."""


class _Candle(NamedTuple):
    open_time: Seconds
    low: float
    high: float
    open: float
    close: float
    volume: float


class _Product(msgspec.Struct, gc=False):
    id: str
    base_currency: str
    quote_currency: str
    quote_increment: str
    base_increment: str
    status: str
    trading_disabled: bool = False
    base_min_size: str | None = None
    base_max_size: str | None = None
    min_market_funds: str | None = None


class _Ticker(msgspec.Struct):
    price: str
    size: str
    bid: str
    ask: str
    volume: str
    time: Moment
    trade_id: TradeId | None = None


class _Book(msgspec.Struct):
    bids: list[tuple[str, str, int]]
    asks: list[tuple[str, str, int]]
    sequence: Count


class _Trade(msgspec.Struct, gc=False):
    trade_id: TradeId
    side: Literal["buy", "sell"]
    size: str
    price: str
    time: Moment


class _Time(msgspec.Struct):
    iso: Moment


class _Error(msgspec.Struct):
    message: str


def read_error(body: bytes) -> VenueError | None:
    """Return the error that `body` is, or None if it is none.

    Wire::

        {"message":"NotFound"}
    """
    try:
        error = msgspec.json.decode(body, type=_Error)
    except UNREADABLE:
        return None
    return venue_error(SPEC, 0, error.message)


def parse_time(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    """Read the venue's clock.

    Wire::

        {"iso":"2024-03-13T11:10:41.270Z","epoch":1710328241.27}
    """
    time = read_one(body, _Time, request=request, read_error=read_error)
    return tables.whole(SERVER_TIME, {"server_time": tables.moments([time.iso])})


def parse_products(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    """Read what is traded.

    Wire::

        [{"id":"BTC-EUR","base_currency":"BTC","quote_currency":"EUR","base_min_size":"0.0001","base_max_size":"200",
          "quote_increment":"0.01","base_increment":"0.00000001","display_name":"BTC/EUR","min_market_funds":"10",
          "max_market_funds":"600000","margin_enabled":false,"fx_stablecoin":false,"post_only":false,
          "limit_only":false,"cancel_only":false,"trading_disabled":false,"status":"online","status_message":""}]
    """
    page = read_list(body, _Product, request=request, read_error=read_error)
    rows = page.rows
    columns = {
        "venue_symbol": tables.texts(row.id for row in rows),
        "base": tables.texts(row.base_currency for row in rows),
        "quote": tables.texts(row.quote_currency for row in rows),
        "status": tables.texts(row.status for row in rows),
        "is_trading": tables.flags(row.status == "online" and not row.trading_disabled for row in rows),
        "tick_size": tables.texts(row.quote_increment for row in rows),
        "lot_size": tables.texts(row.base_increment for row in rows),
        "min_quantity": tables.texts(row.base_min_size for row in rows),
        "max_quantity": tables.texts(row.base_max_size for row in rows),
        "min_notional": tables.texts(row.min_market_funds for row in rows),
    }
    return tables.instruments(page, columns)


def parse_candles(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    """Read bars, the newest first; one that closed after `asked_at` is provisional.

    Wire::

        [[1710327600,73241.5,73402.47,73243.33,73370.65,1.56794406]]
    """
    page, fields = read_columns(body, _Candle, request=request, read_error=read_error)
    columns = {name: tables.numbers(values) for name, values in fields.items() if name != "open_time"}
    columns["open_time"] = tables.stamps(fields["open_time"], unit_us=_SECOND_US)
    interval = SPEC.interval(request.param("granularity") or "")
    return tables.klines(page, columns, interval=interval, asked_at=asked_at)


def parse_ticker(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    """Read the last trade, the best prices and the volume of the last 24 hours of the product that was asked for.

    Wire::

        {"ask":"73369.19","bid":"73360.34","volume":"1207.50668151","trade_id":18502105,"price":"73367.8",
         "size":"0.00730812","time":"2024-03-13T11:10:41.270099Z","rfq_volume":"7.669923"}
    """
    page = read_row(body, _Ticker, request=request, read_error=read_error)
    (row,) = page.rows
    columns = {
        "venue_symbol": tables.texts([request.param("product_id")]),
        "event_time": tables.moments([row.time]),
        "last_price": tables.texts([row.price]),
        "last_quantity": tables.texts([row.size]),
        "bid_price": tables.texts([row.bid]),
        "ask_price": tables.texts([row.ask]),
        "volume": tables.texts([row.volume]),
        "last_trade_id": tables.counts([None if row.trade_id is None else int(row.trade_id)]),
    }
    return tables.tickers(page, columns, symbols=SPEC.symbols)


def parse_book(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    """Read an order book, its third column the number of orders at a price. It is one row or none.

    Wire::

        {"bids":[["73360.34","0.13",2]],"asks":[["73369.19","0.02",1],["73370.00","1.5",4]],"sequence":13051505638,
         "auction_mode":false,"auction":null,"time":"2024-03-13T11:10:41.270099Z"}
    """
    book = read_one(body, _Book, request=request, read_error=read_error)
    sides = ([level[:2] for level in side] for side in (book.bids, book.asks))
    return tables.order_book(*sides, update_id=book.sequence, page=(request, body))


def parse_trades(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    """Read trades, the newest first; the venue says on which side the waiting order was, the taker was on the other.

    Wire::

        [{"trade_id":18502034,"side":"sell","size":"0.00007448","price":"73271.63000000",
          "time":"2024-03-13T11:00:17.710679Z"}]
    """
    return read_trades(read_list(body, _Trade, request=request, read_error=read_error))


def read_trades(page: Page[Any]) -> Parsed:
    """Return trades told one by one: `trade_id`, `time`, `price`, `size` and `side` mean the same in both APIs."""
    rows = page.rows
    ids = tables.counts(int(row.trade_id) for row in rows)
    columns = {
        **dict.fromkeys(("aggregate_id", "first_trade_id", "last_trade_id"), ids),
        "event_time": tables.moments(row.time for row in rows),
        "price": tables.texts(row.price for row in rows),
        "quantity": tables.texts(row.size for row in rows),
        "side": tables.texts(_TAKER[row.side.lower()] for row in rows),
    }
    return tables.trades(page, columns)


HANDLERS: Mapping[str, Handler] = {
    "time": parse_time,
    "products": parse_products,
    "candles": parse_candles,
    "ticker": parse_ticker,
    "book": parse_book,
    "trades": parse_trades,
}
"""Endpoint to its handler."""
