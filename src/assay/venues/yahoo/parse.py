"""Reading Yahoo's charts: a list of times, and beside it one list for each column, in which values may be null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from assay.venues import tables
from assay.venues.errors import NothingThereError, PoisonPageError, VenueError, venue_error
from assay.venues.page import UNREADABLE, Places, Rejected, Seconds, read_one
from assay.venues.parsed import Handler, Parsed
from assay.venues.spec import Request
from assay.venues.yahoo.spec import SPEC

_SECOND_US = 1_000_000
_PRICES = ("open", "high", "low", "close")
_NO_DATA = "Data doesn't exist for"
_CODES = {"Too Many Requests": 429, "Internal Server Error": 500, "Not Found": 404, "Bad Request": 400}

Values = list[float | None]


class _Quote(msgspec.Struct):
    open: Values = []
    high: Values = []
    low: Values = []
    close: Values = []
    volume: Values = []


class _Adjusted(msgspec.Struct):
    adjclose: Values = []


class _Indicators(msgspec.Struct):
    quote: list[_Quote]
    adjclose: list[_Adjusted] = []


class _Meta(msgspec.Struct, rename="camel"):
    symbol: str


class _Result(msgspec.Struct):
    meta: _Meta
    indicators: _Indicators
    timestamp: list[Seconds] = []


class _Chart(msgspec.Struct):
    result: list[_Result]


class _Page(msgspec.Struct):
    chart: _Chart


class _Said(msgspec.Struct):
    code: str
    description: str


class _Failed(msgspec.Struct):
    error: _Said


class _ChartError(msgspec.Struct):
    chart: _Failed


class _FinanceError(msgspec.Struct):
    finance: _Failed


def read_error(body: bytes) -> VenueError | None:
    """Return the error that `body` is, or None if it is none. That there is nothing in a range is an answer.

    Wire::

        {"chart":{"result":null,"error":{"code":"Not Found","description":"No data found, symbol may be delisted"}}}

    >>> print(read_error(b'{"finance":{"result":null,"error":{"code":"Too Many Requests","description":"wait"}}}'))
    yahoo answered with error 429: 'Too Many Requests: wait'; it is asked again later
    """
    error: _Failed | None = None
    with suppress(*UNREADABLE):
        error = msgspec.json.decode(body, type=_ChartError).chart
    with suppress(*UNREADABLE):
        error = msgspec.json.decode(body, type=_FinanceError).finance
    if error is None:
        return None
    text = f"{error.error.code}: {error.error.description}"
    if error.error.description.startswith(_NO_DATA):
        return NothingThereError(SPEC.name, 400, text)
    return venue_error(SPEC, _CODES.get(error.error.code, 0), text)


def parse_chart(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    """Read bars; one that closed after `asked_at` is provisional.

    The price of this minute, which Yahoo puts behind the last bar, lies off the grid and so is marked as no bar. A bar
    without a price is set aside; so is one whose adjusted close differs from its close, which no coin's does.

    Wire::

        {"chart":{"result":[{"meta":{"currency":"USD","symbol":"BTC-USD","dataGranularity":"1h","range":""},
          "timestamp":[1711944000,1711947600],"indicators":{"quote":[{"open":[70623.0,70468.71875],
          "high":[70670.0625,70525.1953125],"low":[70482.0546875,69157.265625],"close":[70488.375,69357.3671875],
          "volume":[223326208,0]}],"adjclose":[{"adjclose":[70488.375,69357.3671875]}]}}],"error":null}}
    """
    try:
        result = _only(read_one(body, _Page, request=request, read_error=read_error), request, body)
    except NothingThereError:
        return tables.nothing("klines")
    quote = result.indicators.quote[0]
    adjusted = result.indicators.adjclose[0].adjclose if result.indicators.adjclose else []
    wire = {name: getattr(quote, name) for name in (*_PRICES, "volume")}
    rejected = [
        Rejected(position, cause, _text(result, position))
        for position in range(len(result.timestamp))
        if (cause := _cause(wire, adjusted, position))
    ]
    aside = {one.position for one in rejected}
    kept = [position for position in range(len(result.timestamp)) if position not in aside]
    page = Places(kept, rejected, partial(_rows, result))

    def column(values: Sequence[Any]) -> list[Any]:
        return [values[position] for position in kept]

    columns = {name: tables.numbers(column(wire[name])) for name in _PRICES}
    columns["quote_volume"] = tables.numbers(column(wire["volume"]))
    columns["open_time"] = tables.stamps(column(result.timestamp), unit_us=_SECOND_US)
    interval = SPEC.interval(request.param("interval") or "")
    return tables.klines(page, columns, interval=interval, asked_at=asked_at)


def _only(page: _Page, request: Request, body: bytes) -> _Result:
    """Return the one chart of a page, if its columns are of one length and it is of what was asked for."""
    results = page.chart.result
    if len(results) != 1 or len(results[0].indicators.quote) != 1 or len(results[0].indicators.adjclose) > 1:
        raise PoisonPageError(request, "not as documented: one chart with one set of columns", body)
    (result,) = results
    if result.meta.symbol != request.param("symbol"):
        raise PoisonPageError(request, f"it is of another symbol, {result.meta.symbol}", body)
    columns = [getattr(result.indicators.quote[0], name) for name in (*_PRICES, "volume")]
    columns += [one.adjclose for one in result.indicators.adjclose]
    if any(len(values) != len(result.timestamp) for values in columns):
        raise PoisonPageError(request, "its columns differ in length", body)
    return result


def _cause(wire: Mapping[str, Values], adjusted: Values, position: int) -> str:
    """Return why a bar cannot be used, or an empty text."""
    if any(wire[name][position] is None for name in _PRICES):
        return "a bar without prices"
    if adjusted and adjusted[position] is not None and adjusted[position] != wire["close"][position]:
        return "adjusted close differs from close"
    return ""


def _text(result: _Result, position: int) -> str:
    return bytes(_rows(result)[position]).decode()


def _rows(result: _Result) -> list[msgspec.Raw]:
    """Return each bar as a JSON object, as a page of rows would hold it."""
    quote = result.indicators.quote[0]
    columns = {"timestamp": result.timestamp, **{name: getattr(quote, name) for name in (*_PRICES, "volume")}}
    if result.indicators.adjclose:
        columns["adjclose"] = result.indicators.adjclose[0].adjclose
    rows = zip(*columns.values(), strict=True)
    return [msgspec.Raw(msgspec.json.encode(dict(zip(columns, row, strict=True)))) for row in rows]


HANDLERS: Mapping[str, Handler] = {"chart": parse_chart}
"""Endpoint to its handler."""
