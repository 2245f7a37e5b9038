"""Reading Binance's answers: for every endpoint the documented type, and which field is which column.

Each handler shows the wire beside it; the contract tests read these samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec

from assay.venues import tables
from assay.venues.binance.spec import SPEC
from assay.venues.datasets import PING, SERVER_TIME
from assay.venues.errors import VenueError, venue_error
from assay.venues.page import UNREADABLE, Count, Id, Milliseconds, read_columns, read_list, read_one, read_rows
from assay.venues.parsed import Handler, Parsed
from assay.venues.spec import Request, VenueSpec

_KLINE_TEXTS = (
    "open", "high", "low", "close", "volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume",
)  # fmt: skip


class _Kline(NamedTuple):
    open_time: Milliseconds
    open: str
    high: str
    low: str
    close: str
    volume: str
    close_time: Milliseconds
    quote_volume: str
    num_trades: Count
    taker_buy_volume: str
    taker_buy_quote_volume: str
    ignore: str


class _Ticker(msgspec.Struct, rename="camel", gc=False):
    symbol: str
    price_change: str
    price_change_percent: str
    weighted_avg_price: str
    prev_close_price: str
    last_price: str
    last_qty: str
    bid_price: str
    bid_qty: str
    ask_price: str
    ask_qty: str
    open_price: str
    high_price: str
    low_price: str
    volume: str
    quote_volume: str
    open_time: Milliseconds
    close_time: Milliseconds
    first_id: Id
    last_id: Id
    count: Count


class _Trade(
    msgspec.Struct,
    gc=False,
    rename={
        "aggregate_id": "a",
        "price": "p",
        "quantity": "q",
        "first_trade_id": "f",
        "last_trade_id": "l",
        "traded_at": "T",
        "is_buyer_maker": "m",
    },
):
    aggregate_id: Count
    price: str
    quantity: str
    first_trade_id: Id
    last_trade_id: Id
    traded_at: Milliseconds
    is_buyer_maker: bool


class _Book(msgspec.Struct, rename="camel"):
    last_update_id: Count
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]


class Filter(msgspec.Struct, rename="camel"):
    """A rule of a market; of the bounds, each kind has its own."""

    filter_type: str
    tick_size: str | None = None
    min_price: str | None = None
    max_price: str | None = None
    step_size: str | None = None
    min_qty: str | None = None
    max_qty: str | None = None
    min_notional: str | None = None
    notional: str | None = None


class _Symbol(msgspec.Struct, rename="camel"):
    symbol: str
    status: str
    base_asset: str
    quote_asset: str
    filters: list[Filter]

    def bound(self, kinds: tuple[str, ...], name: str) -> str | None:
        """Return the text of a bound from the first filter of one of the kinds."""
        found = (one for one in self.filters if one.filter_type in kinds)
        return next((getattr(one, name) for one in found), None)


class _ExchangeInfo(msgspec.Struct, rename="camel"):
    server_time: Milliseconds
    symbols: list[msgspec.Raw]


class _Time(msgspec.Struct, rename="camel"):
    server_time: Milliseconds


class _Nothing(msgspec.Struct, forbid_unknown_fields=True):
    pass


class _Error(msgspec.Struct):
    code: int
    msg: str


def read_error(body: bytes) -> VenueError | None:
    """Return the error that `body` is, or None if it is none.

    Wire::

        {"code":-1121,"msg":"Invalid symbol."}
    """
    try:
        error = msgspec.json.decode(body, type=_Error)
    except UNREADABLE:
        return None
    return venue_error(SPEC, error.code, error.msg)


def parse_klines(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    """Read bars. A bar that closed after `asked_at` is provisional, whatever the venue says of it.

    Wire::

        [[1499040000000,"0.01634790","0.80000000","0.01575800","0.01577100","148976.11427815",1499644799999,
          "2434.19055334",308,"1756.87402397","28.46694368","0"]]
    """
    return read_klines(body, request, spec=SPEC, asked_at=asked_at)


def read_klines(body: bytes, request: Request, *, spec: VenueSpec, asked_at: datetime) -> Parsed:
    """Read bars as all of Binance's markets write them; `spec` tells how the interval is spelled."""
    page, fields = read_columns(body, _Kline, request=request, read_error=read_error)
    columns = {name: tables.decimals(fields[name]) for name in _KLINE_TEXTS}
    columns["open_time"] = tables.stamps(fields["open_time"])
    columns["source_close_time"] = tables.stamps(fields["close_time"])
    columns["num_trades"] = tables.counts(fields["num_trades"])
    interval = spec.interval(request.param("interval") or "")
    return tables.klines(page, columns, interval=interval, asked_at=asked_at)


def parse_tickers(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    """Read the rolling day of all symbols, or of the one that was asked for, which comes without a list around it.

    Wire::

        [{"symbol":"BNBBTC","priceChange":"-94.99999800","priceChangePercent":"-95.960",
          "weightedAvgPrice":"0.29628482","prevClosePrice":"0.10002000","lastPrice":"4.00000200",
          "lastQty":"200.00000000","bidPrice":"4.00000000","bidQty":"100.00000000","askPrice":"4.00000200",
          "askQty":"100.00000000","openPrice":"99.00000000","highPrice":"100.00000000","lowPrice":"0.10000000",
          "volume":"8913.30000000","quoteVolume":"15.30000000","openTime":1499783499040,
          "closeTime":1499869899040,"firstId":28385,"lastId":28460,"count":76}]
    """
    if request.param("symbol"):
        single = read_one(body, msgspec.Raw, request=request)
        error = read_error(body)
        if error is not None:
            raise error
        page = read_rows([single], _Ticker)
    else:
        page = read_list(body, _Ticker, request=request, read_error=read_error)
    rows = page.rows
    columns = {
        "venue_symbol": tables.texts(row.symbol for row in rows),
        "open_time": tables.stamps(row.open_time for row in rows),
        "event_time": tables.stamps(row.close_time for row in rows),
        "open_price": tables.texts(row.open_price for row in rows),
        "high_price": tables.texts(row.high_price for row in rows),
        "low_price": tables.texts(row.low_price for row in rows),
        "last_price": tables.texts(row.last_price for row in rows),
        "last_quantity": tables.texts(row.last_qty for row in rows),
        "previous_close_price": tables.texts(row.prev_close_price for row in rows),
        "weighted_average_price": tables.texts(row.weighted_avg_price for row in rows),
        "price_change": tables.texts(row.price_change for row in rows),
        "price_change_pct": tables.texts(row.price_change_percent for row in rows),
        "bid_price": tables.texts(row.bid_price for row in rows),
        "bid_quantity": tables.texts(row.bid_qty for row in rows),
        "ask_price": tables.texts(row.ask_price for row in rows),
        "ask_quantity": tables.texts(row.ask_qty for row in rows),
        "volume": tables.texts(row.volume for row in rows),
        "quote_volume": tables.texts(row.quote_volume for row in rows),
        "first_trade_id": tables.counts(row.first_id for row in rows),
        "last_trade_id": tables.counts(row.last_id for row in rows),
        "num_trades": tables.counts(row.count for row in rows),
    }
    return tables.tickers(page, columns, symbols=SPEC.symbols)


def parse_depth(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    """Read an order book. It is one row or none: a book with a level missing would show a spread that never was.

    Wire::

        {"lastUpdateId":1027024,"bids":[["4.00000000","431.00000000"]],"asks":[["4.00000200","12.00000000"]]}
    """
    book = read_one(body, _Book, request=request, read_error=read_error)
    return tables.order_book(book.bids, book.asks, update_id=book.last_update_id, page=(request, body))


def parse_trades(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    """Read aggregate trades; the taker sold if the buyer was the maker.

    Wire::

        [{"a":26129,"p":"0.01633102","q":"4.70443515","f":27781,"l":27781,"T":1498793709153,"m":true,"M":true}]
    """
    page = read_list(body, _Trade, request=request, read_error=read_error)
    rows = page.rows
    columns = {
        "aggregate_id": tables.counts(row.aggregate_id for row in rows),
        "first_trade_id": tables.counts(row.first_trade_id for row in rows),
        "last_trade_id": tables.counts(row.last_trade_id for row in rows),
        "event_time": tables.stamps(row.traded_at for row in rows),
        "price": tables.texts(row.price for row in rows),
        "quantity": tables.texts(row.quantity for row in rows),
        "side": tables.texts("sell" if row.is_buyer_maker else "buy" for row in rows),
    }
    return tables.trades(page, columns)


def parse_exchange_info(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    """Read what is traded. The smallest notional stands in MIN_NOTIONAL, or today in NOTIONAL.

    Wire::

        {"timezone":"UTC","serverTime":1565246363776,"rateLimits":[],"exchangeFilters":[],"symbols":[
          {"symbol":"ETHBTC","status":"TRADING","baseAsset":"ETH","quoteAsset":"BTC","filters":[
            {"filterType":"PRICE_FILTER","minPrice":"0.00000100","maxPrice":"100000.00000000","tickSize":"0.00000100"},
            {"filterType":"LOT_SIZE","minQty":"0.00100000","maxQty":"100000.00000000","stepSize":"0.00100000"},
            {"filterType":"NOTIONAL","minNotional":"0.00100000","applyMinToMarket":true}]}]}
    """
    info = read_one(body, _ExchangeInfo, request=request, read_error=read_error)
    page = read_rows(info.symbols, _Symbol)
    rows = page.rows
    price, lot, notional = ("PRICE_FILTER",), ("LOT_SIZE",), ("MIN_NOTIONAL", "NOTIONAL")
    columns = {
        "venue_symbol": tables.texts(row.symbol for row in rows),
        "base": tables.texts(row.base_asset for row in rows),
        "quote": tables.texts(row.quote_asset for row in rows),
        "status": tables.texts(row.status for row in rows),
        "is_trading": tables.flags(row.status == "TRADING" for row in rows),
        "tick_size": tables.texts(row.bound(price, "tick_size") for row in rows),
        "min_price": tables.texts(row.bound(price, "min_price") for row in rows),
        "max_price": tables.texts(row.bound(price, "max_price") for row in rows),
        "lot_size": tables.texts(row.bound(lot, "step_size") for row in rows),
        "min_quantity": tables.texts(row.bound(lot, "min_qty") for row in rows),
        "max_quantity": tables.texts(row.bound(lot, "max_qty") for row in rows),
        "min_notional": tables.texts(row.bound(notional, "min_notional") for row in rows),
        "event_time": tables.stamps([info.server_time] * len(rows)),
    }
    return tables.instruments(page, columns)


def parse_time(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    """Read the venue's clock.

    Wire::

        {"serverTime":1499827319559}
    """
    time = read_one(body, _Time, request=request, read_error=read_error)
    return tables.whole(SERVER_TIME, {"server_time": tables.stamps([time.server_time])})


def parse_ping(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    """Read the answer that says nothing but that the venue is there.

    Wire::

        {}
    """
    read_one(body, _Nothing, request=request, read_error=read_error)
    return tables.whole(PING, {})


HANDLERS: Mapping[str, Handler] = {
    "ping": parse_ping,
    "time": parse_time,
    "exchange_info": parse_exchange_info,
    "klines": parse_klines,
    "ticker_24h": parse_tickers,
    "depth": parse_depth,
    "agg_trades": parse_trades,
}
"""Endpoint to its handler."""
