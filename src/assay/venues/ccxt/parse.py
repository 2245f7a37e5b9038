"""Reading what ccxt made of an answer. It is kept with the exchange's own words beside it, and read without ccxt.

A body is an object: ``exchange`` and the version of ccxt that read it, ``rows`` in ccxt's unified form, and ``raw``,
the bodies that the exchange sent, as text. What ccxt refuses becomes an object with ``error`` and ``message``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec

from assay.domain.interval import Interval
from assay.venues import tables
from assay.venues.errors import VenueError, VenueRefusedError
from assay.venues.page import UNREADABLE, Milliseconds, Page, T, read_one, read_rows
from assay.venues.parsed import Handler, Parsed
from assay.venues.spec import Request
from assay.venues.symbols import SeparatedSymbols

SYMBOLS = SeparatedSymbols("/")


class _Body(msgspec.Struct):
    exchange: str
    rows: list[msgspec.Raw]


class _Candle(NamedTuple):
    open_time: Milliseconds
    open: float
    high: float
    low: float
    close: float
    volume: float


class _Ticker(msgspec.Struct, rename="camel", gc=False):
    symbol: str
    timestamp: Milliseconds | None = None
    open: float | None = None
    high: float | None = None
    low: float | None = None
    last: float | None = None
    bid: float | None = None
    bid_volume: float | None = None
    ask: float | None = None
    ask_volume: float | None = None
    vwap: float | None = None
    change: float | None = None
    percentage: float | None = None
    previous_close: float | None = None
    base_volume: float | None = None
    quote_volume: float | None = None


class _Book(msgspec.Struct, gc=False):
    bids: list[tuple[float, float]]
    asks: list[tuple[float, float]]
    nonce: int | None = None


class _BookBody(msgspec.Struct):
    exchange: str
    rows: tuple[_Book]


class _Market(msgspec.Struct, gc=False):
    symbol: str
    base: str
    quote: str
    active: bool | None = None
    tick: float | None = None
    lot: float | None = None
    min_price: float | None = None
    max_price: float | None = None
    min_amount: float | None = None
    max_amount: float | None = None
    min_cost: float | None = None


class _Error(msgspec.Struct):
    exchange: str
    error: str
    message: str


def read_error(body: bytes) -> VenueError | None:
    """Return the error that `body` is, or None if it is none.

    Wire::

        {"exchange":"kraken","error":"BadSymbol","message":"kraken does not have market symbol NOPE/USD"}
    """
    try:
        error = msgspec.json.decode(body, type=_Error)
    except UNREADABLE:
        return None
    return VenueRefusedError(error.exchange, 0, f"{error.error}: {error.message}")


def _page(body: bytes, row_type: type[T], request: Request) -> Page[T]:
    return read_rows(read_one(body, _Body, request=request, read_error=read_error).rows, row_type)


def parse_markets(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    r"""Read what is traded, in ticks and lots.

    Wire::

        {"exchange":"kraken","ccxt":"4.5.64","rows":[{"symbol":"BTC/USD","base":"BTC","quote":"USD","active":true,
          "tick":0.1,"lot":1e-8,"min_price":null,"max_price":null,"min_amount":0.00005,"max_amount":null,
          "min_cost":0.5}],"raw":["{\"error\":[],\"result\":{}}"]}
    """
    page = _page(body, _Market, request)
    rows = page.rows
    columns = {
        "venue_symbol": tables.texts(row.symbol for row in rows),
        "base": tables.texts(row.base for row in rows),
        "quote": tables.texts(row.quote for row in rows),
        "status": tables.texts(_STATUS[row.active] for row in rows),
        "is_trading": tables.flags(row.active for row in rows),
        "tick_size": tables.numbers(row.tick for row in rows),
        "lot_size": tables.numbers(row.lot for row in rows),
        "min_price": tables.numbers(row.min_price for row in rows),
        "max_price": tables.numbers(row.max_price for row in rows),
        "min_quantity": tables.numbers(row.min_amount for row in rows),
        "max_quantity": tables.numbers(row.max_amount for row in rows),
        "min_notional": tables.numbers(row.min_cost for row in rows),
    }
    return tables.instruments(page, columns)


_STATUS = {True: "active", False: "inactive", None: "not said"}


def parse_klines(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    r"""Read bars; one that closed after `asked_at` is provisional.

    Wire::

        {"exchange":"kraken","ccxt":"4.5.64","rows":[[1710327600000,73243.3,73402.4,73241.5,73370.6,1.56794406]],
         "raw":["{\"error\":[],\"result\":{}}"]}
    """
    page = _page(body, _Candle, request)
    columns = {
        name: tables.numbers(getattr(row, name) for row in page.rows)
        for name in ("open", "high", "low", "close", "volume")
    }
    columns["open_time"] = tables.stamps(row.open_time for row in page.rows)
    interval = Interval.parse(request.param("timeframe") or "")
    return tables.klines(page, columns, interval=interval, asked_at=asked_at)


def parse_tickers(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    r"""Read the rolling day of all symbols, as far as the exchange tells it.

    Wire::

        {"exchange":"kraken","ccxt":"4.5.64","rows":[{"symbol":"BTC/USD","timestamp":1710328241270,"open":72046.0,
          "high":73888.0,"low":71300.5,"last":73367.8,"bid":73360.3,"bidVolume":1.5,"ask":73369.1,"askVolume":0.25,
          "vwap":72900.1,"change":1321.8,"percentage":1.83,"previousClose":null,"baseVolume":1207.5,
          "quoteVolume":88026870.75}],"raw":["{\"error\":[],\"result\":{}}"]}
    """
    page = _page(body, _Ticker, request)
    rows = page.rows
    columns = {
        "venue_symbol": tables.texts(row.symbol for row in rows),
        "event_time": tables.stamps(row.timestamp for row in rows),
        "open_price": tables.numbers(row.open for row in rows),
        "high_price": tables.numbers(row.high for row in rows),
        "low_price": tables.numbers(row.low for row in rows),
        "last_price": tables.numbers(row.last for row in rows),
        "previous_close_price": tables.numbers(row.previous_close for row in rows),
        "weighted_average_price": tables.numbers(row.vwap for row in rows),
        "price_change": tables.numbers(row.change for row in rows),
        "price_change_pct": tables.numbers(row.percentage for row in rows),
        "bid_price": tables.numbers(row.bid for row in rows),
        "bid_quantity": tables.numbers(row.bid_volume for row in rows),
        "ask_price": tables.numbers(row.ask for row in rows),
        "ask_quantity": tables.numbers(row.ask_volume for row in rows),
        "volume": tables.numbers(row.base_volume for row in rows),
        "quote_volume": tables.numbers(row.quote_volume for row in rows),
    }
    return tables.tickers(page, columns, symbols=SYMBOLS)


def parse_book(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    r"""Read an order book, with its number if the exchange has one. It is one row or none.

    Wire::

        {"exchange":"kraken","ccxt":"4.5.64","rows":[{"bids":[[73360.3,1.5]],"asks":[[73369.1,0.25],[73370.0,2.0]],
         "nonce":null}],"raw":["{\"error\":[],\"result\":{}}"]}
    """
    (book,) = read_one(body, _BookBody, request=request, read_error=read_error).rows
    sides = ([(repr(price), repr(quantity)) for price, quantity in side] for side in (book.bids, book.asks))
    return tables.order_book(*sides, update_id=book.nonce, page=(request, body))


HANDLERS: Mapping[str, Handler] = {
    "ccxt_markets": parse_markets,
    "ccxt_klines": parse_klines,
    "ccxt_tickers": parse_tickers,
    "ccxt_book": parse_book,
}
"""Endpoint to its handler."""
