"""Reading WazirX's answers: klines are numbers and count in seconds, tickers are text and count in milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, NamedTuple

import msgspec

from assay.venues import tables
from assay.venues.errors import VenueError, venue_error
from assay.venues.page import UNREADABLE, Milliseconds, Seconds, read_columns, read_list
from assay.venues.parsed import Handler, Parsed
from assay.venues.spec import Request
from assay.venues.wazirx.spec import SPEC

_SECOND_US = 1_000_000
_MillisecondText = Annotated[str, msgspec.Meta(pattern=r"^1[23456789][0-9]{11}$|^[2-6][0-9]{12}$")]


class _Kline(NamedTuple):
    open_time: Seconds
    open: float
    high: float
    low: float
    close: float
    volume: float


class _Ticker(msgspec.Struct, rename="camel", gc=False):
    symbol: str
    open_price: str
    low_price: str
    high_price: str
    last_price: str
    volume: str
    bid_price: str
    ask_price: str
    at: Milliseconds | _MillisecondText | None = None


class _Error(msgspec.Struct):
    code: int
    message: str


def read_error(body: bytes) -> VenueError | None:
    """Return the error that `body` is, or None if it is none.

    Wire::

        {"code":2136,"message":"Too many api request"}
    """
    try:
        error = msgspec.json.decode(body, type=_Error)
    except UNREADABLE:
        return None
    return venue_error(SPEC, error.code, error.message)


def parse_klines(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    """Read bars; one that closed after `asked_at` is provisional.

    Wire::

        [[1710327600,73216,73250,73216,73216,0.00201]]
    """
    page, fields = read_columns(body, _Kline, request=request, read_error=read_error)
    columns = {name: tables.numbers(values) for name, values in fields.items() if name != "open_time"}
    columns["open_time"] = tables.stamps(fields["open_time"], unit_us=_SECOND_US)
    interval = SPEC.interval(request.param("interval") or "")
    return tables.klines(page, columns, interval=interval, asked_at=asked_at)


def parse_tickers(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    """Read the rolling day of all symbols; a ticker without `at` has no event time.

    Wire::

        [{"symbol":"btcinr","baseAsset":"btc","quoteAsset":"inr","openPrice":"3698486","lowPrice":"3641155.0",
          "highPrice":"3767999.0","lastPrice":"3713212.0","volume":"254.11582","bidPrice":"3715021.0",
          "askPrice":"3715022.0","at":"1641382455000"}]
    """
    page = read_list(body, _Ticker, request=request, read_error=read_error)
    rows = page.rows
    columns = {
        "venue_symbol": tables.texts(row.symbol for row in rows),
        "event_time": tables.stamps(None if row.at is None else int(row.at) for row in rows),
        "open_price": tables.texts(row.open_price for row in rows),
        "low_price": tables.texts(row.low_price for row in rows),
        "high_price": tables.texts(row.high_price for row in rows),
        "last_price": tables.texts(row.last_price for row in rows),
        "volume": tables.texts(row.volume for row in rows),
        "bid_price": tables.texts(row.bid_price for row in rows),
        "ask_price": tables.texts(row.ask_price for row in rows),
    }
    return tables.tickers(page, columns, symbols=SPEC.symbols)


HANDLERS: Mapping[str, Handler] = {"klines": parse_klines, "tickers_24h": parse_tickers}
"""Endpoint to its handler."""
