"""Questions to a venue, written so that the same question is always the same bytes.

Parameters are checked against the declaration, defaults are written out and everything is sorted: equal questions get
equal batch ids in bronze. Pages of klines lie on a grid that does not depend on where a range begins, so that two
overlapping ranges ask for the same pages.

>>> from datetime import datetime, UTC
>>> from assay.venues.binance.spec import SPEC
>>> day = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC)
>>> hourly = klines_request(SPEC, Symbol("BTC", "USDT"), interval=Interval.parse("1h"), start=day[0], end=day[1])
>>> hourly.query
'endTime=1704153599999&interval=1h&limit=1000&startTime=1704067200000&symbol=BTCUSDT'
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from assay.domain.errors import BadInputError
from assay.domain.interval import EPOCH, Interval, parse_moment, utc
from assay.domain.spans import Span
from assay.domain.symbol import Symbol
from assay.venues.datasets import (
    COIN_HISTORY,
    COIN_MARKETS,
    FUNDING_RATES,
    INSTRUMENTS,
    KLINES,
    ORDER_BOOKS,
    TICKERS,
    TRADES,
)
from assay.venues.spec import Endpoint, Kind, Parameter, Request, Role, VenueSpec

Value = str | int | bool | datetime
_UNITS = {
    Kind.MILLISECONDS: timedelta(milliseconds=1),
    Kind.SECONDS: timedelta(seconds=1),
    Kind.ISO: timedelta(seconds=1),
}


def build_request(spec: VenueSpec, endpoint: Endpoint, values: Mapping[str, Value]) -> Request:
    """Return the question with these parameters, by the names that they have on the wire.

    Raises
    ------
    BadInputError
        If a parameter is unknown, missing, of the wrong kind or out of its range.
    """
    known = {one.name: one for one in endpoint.parameters}
    for name in values:
        if name not in known:
            todo = f"it takes {', '.join(known) or 'no parameters'}"
            raise BadInputError(f"{spec.name} {endpoint.name} has no such parameter", value=name, todo=todo)
    params = {}
    for name, parameter in known.items():
        if name in values:
            params[name] = _text(spec, endpoint, parameter, values[name])
        elif parameter.default is not None:
            params[name] = parameter.default
        elif parameter.is_required:
            raise BadInputError(f"{spec.name} {endpoint.name} needs a parameter", value=name)
    weight = endpoint.weight.of(params)
    path, named = endpoint.path_of(params), tuple(sorted(params.items()))
    return Request(spec.venue, endpoint.name, path, named, weight, endpoint.not_in_query)


def _text(spec: VenueSpec, endpoint: Endpoint, parameter: Parameter, value: Value) -> str:
    """Write one value as the venue wants it."""
    what = f"{spec.name} {endpoint.name}: {parameter.name}"
    match parameter.kind, value:
        case Kind.FLAG, bool():
            return "true" if value else "false"
        case Kind.WHOLE, int() if not isinstance(value, bool):
            _check_range(what, parameter, value, endpoint.page_limit)
            return str(value)
        case ((Kind.MILLISECONDS | Kind.SECONDS | Kind.ISO), datetime()):
            # A stamp at or after the moment; the last stamp before it, where the wire includes its end.
            unit = _UNITS[parameter.kind]
            stamps = -((EPOCH - utc(value)) // unit)
            stamps -= parameter.role is Role.LAST
            return f"{EPOCH + stamps * unit:%Y-%m-%dT%H:%M:%SZ}" if parameter.kind is Kind.ISO else str(stamps)
        case Kind.TEXT, str():
            if parameter.choices and value not in parameter.choices:
                raise BadInputError(what, value=value, todo=f"use one of {', '.join(parameter.choices)}")
            return value
    raise BadInputError(f"{what} is written as {parameter.kind.value}", value=value)


def moment_of(parameter: Parameter, text: str) -> datetime:
    """Return the moment that was meant by `text`, a value of `parameter` as it was sent.

    >>> moment_of(Parameter("end", Kind.ISO, Role.LAST), "2023-12-31T23:59:59Z").isoformat()
    '2024-01-01T00:00:00+00:00'
    """
    unit = _UNITS[parameter.kind]
    moment = parse_moment(text) if parameter.kind is Kind.ISO else EPOCH + int(text) * unit
    return moment + unit if parameter.role is Role.LAST else moment


def _check_range(what: str, parameter: Parameter, value: int, page_limit: int | None) -> None:
    top = page_limit if parameter.role is Role.LIMIT else None
    if parameter.role not in (Role.FROM_ID, Role.BEFORE_ID) and value < 1:
        raise BadInputError(what, value=value, todo="give 1 or more")
    if value < 0 or (top is not None and value > top):
        raise BadInputError(what, value=value, todo=f"give at most {top}" if top else "give 0 or more")


def ask(spec: VenueSpec, dataset: str, values: Mapping[Role, Value | None]) -> Request:
    """Return the question to the endpoint that feeds `dataset`, its parameters named by role; None is not sent.

    Raises
    ------
    BadInputError
        If the venue does not publish the dataset, or a value is wrong.
    """
    endpoint = spec.feeding(dataset)
    named: dict[str, Value] = {}
    for role, value in values.items():
        parameter = endpoint.parameter(role)
        if value is None:
            continue
        if parameter is None:
            raise BadInputError(f"{spec.name} {endpoint.name} cannot be asked by", value=role.value)
        named[parameter.name] = value
    return build_request(spec, endpoint, named)


def period_of(text: str) -> Span:
    """Return the moments from and before which a month or a day lasts.

    >>> [moment.isoformat() for moment in period_of("2024-02")]
    ['2024-02-01T00:00:00+00:00', '2024-03-01T00:00:00+00:00']

    Raises
    ------
    BadInputError
        If `text` is neither.
    """
    is_month = len(text) == len("2024-01")
    start = parse_moment(f"{text}-01" if is_month else text)
    return start, Interval("1M" if is_month else "1d").close_time(start)


def file_request(spec: VenueSpec, endpoint: Endpoint, values: Mapping[Role, Value], **more: Value) -> Request:
    """Ask for a file of an archive by the symbol, the interval and the period that it is of."""
    named: dict[str, Value] = {}
    for role, value in values.items():
        parameter = endpoint.parameter(role)
        assert parameter is not None, f"{endpoint.name} is asked for by {role.value}"
        named[parameter.name] = value
    return build_request(spec, endpoint, {**named, **more})


def klines_request(
    spec: VenueSpec, symbol: Symbol, *, interval: Interval, start: datetime, end: datetime, limit: int | None = None
) -> Request:
    """Ask for the bars that open in ``[start, end)``, at most `limit` of them, the oldest first.

    Without `limit` it is as many as the venue gives at once; one that is paged by range takes none.
    """
    if end <= start:
        raise BadInputError("a range that ends before it starts", value=f"{start.isoformat()} to {end.isoformat()}")
    values: dict[Role, Value | None] = {
        Role.SYMBOL: spec.symbols.to_wire(symbol),
        Role.INTERVAL: spec.wire_interval(interval),
        Role.START: start,
        Role.LAST: end,
        Role.LIMIT: _limit(spec.feeding(KLINES), limit),
    }
    return ask(spec, KLINES, values)


def _limit(endpoint: Endpoint, limit: int | None) -> int | None:
    """Return how many rows to ask for; None where that cannot be said."""
    return (limit or endpoint.page_limit) if endpoint.parameter(Role.LIMIT) else None


def klines_requests(
    spec: VenueSpec, symbol: Symbol, *, interval: Interval, start: datetime, end: datetime
) -> Iterator[Request]:
    """Yield the questions whose answers together hold every bar that opens in ``[start, end)``, oldest first."""
    for first, edge in klines_pages(spec, interval, start=start, end=end):
        yield klines_request(spec, symbol, interval=interval, start=first, end=edge)


def klines_pages(
    spec: VenueSpec, interval: Interval, *, start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """Yield what of ``[start, end)`` lies on each page of the grid, oldest first, as open times from and before."""
    limit = spec.feeding(KLINES).page_limit or 1
    moment, stop = interval.ceil(start), interval.ceil(end)
    while moment < stop:
        edge = min(stop, _page_end(interval, moment, limit))
        yield moment, edge
        moment = edge


def _page_end(interval: Interval, opened: datetime, limit: int) -> datetime:
    """Return the end of the page of `limit` bars that `opened` lies in; pages are counted from the epoch."""
    if not interval.is_calendar:
        page = interval.duration * limit
        return opened + page - (opened - interval.anchor) % page
    months = ((opened.year - EPOCH.year) * 12 + opened.month - 1) // limit * limit + limit
    return EPOCH.replace(year=EPOCH.year + months // 12, month=months % 12 + 1)


def tickers_request(spec: VenueSpec, symbol: Symbol | None = None) -> Request:
    """Ask for the rolling day of one symbol, or of all of them."""
    return ask(spec, TICKERS, {Role.SYMBOL: spec.symbols.to_wire(symbol) if symbol else None})


def depth_request(spec: VenueSpec, symbol: Symbol, *, limit: int | None = None) -> Request:
    """Ask for the order book, `limit` levels a side; all that the venue shows, where it takes no limit."""
    if spec.feeding(ORDER_BOOKS).parameter(Role.LIMIT) is None:
        limit = None
    return ask(spec, ORDER_BOOKS, {Role.SYMBOL: spec.symbols.to_wire(symbol), Role.LIMIT: limit})


def trades_request(
    spec: VenueSpec, symbol: Symbol, *, start: datetime, end: datetime, limit: int | None = None
) -> Request:
    """Ask for the first page of the trades in ``[start, end)``; :mod:`assay.venues.paging` asks for the rest."""
    values: dict[Role, Value | None] = {
        Role.SYMBOL: spec.symbols.to_wire(symbol),
        Role.START: start,
        Role.LAST: end,
        Role.LIMIT: limit or spec.feeding(TRADES).page_limit,
    }
    return ask(spec, TRADES, values)


def recent_trades_request(spec: VenueSpec, symbol: Symbol, *, limit: int | None = None) -> Request:
    """Ask for the newest trades, as many as the venue gives at once unless `limit` says fewer."""
    page = limit or spec.feeding(TRADES).page_limit
    return ask(spec, TRADES, {Role.SYMBOL: spec.symbols.to_wire(symbol), Role.LIMIT: page})


def funding_request(spec: VenueSpec, symbol: Symbol, *, start: datetime, end: datetime) -> Request:
    """Ask for the funding that was paid in ``[start, end)``, at most a page of it."""
    values: dict[Role, Value | None] = {
        Role.SYMBOL: spec.symbols.to_wire(symbol),
        Role.START: start,
        Role.LAST: end,
        Role.LIMIT: spec.feeding(FUNDING_RATES).page_limit,
    }
    return ask(spec, FUNDING_RATES, values)


def coin_history_request(spec: VenueSpec, symbol: Symbol, *, start: datetime, end: datetime) -> Request:
    """Ask for what a coin cost in ``[start, end)``, in any currency of the provider."""
    in_own_quote = Symbol(symbol.base, getattr(spec.symbols, "quote", symbol.quote))
    values: dict[Role, Value | None] = {
        Role.SYMBOL: spec.symbols.to_wire(in_own_quote),
        Role.QUOTE: symbol.quote.lower(),
        Role.START: start,
        Role.LAST: end,
    }
    return ask(spec, COIN_HISTORY, values)


def instruments_request(spec: VenueSpec) -> Request:
    """Ask what is traded, in what ticks and lots."""
    return ask(spec, INSTRUMENTS, {})


def coin_markets_request(spec: VenueSpec, *, quote: str = "usd", limit: int = 100, page: int = 1) -> Request:
    """Ask for a page of assets by market value, largest first."""
    return ask(spec, COIN_MARKETS, {Role.QUOTE: quote, Role.LIMIT: limit, Role.PAGE: page})
