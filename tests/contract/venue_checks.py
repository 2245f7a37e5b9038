"""The one list of checks that every venue passes.

``FACTS`` need a venue and nothing else; ``PROPERTIES`` take what Hypothesis makes up. The samples are those that stand
in the handlers' docstrings below the line ``Wire::``, so that what a reader sees there is what is tested.
Add a check here and every venue is held to it.
"""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from assay.domain.errors import BadInputError, TerminalError, TransientError
from assay.domain.instrument import check_venue
from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.venues.datasets import KLINES, SCHEMAS
from assay.venues.errors import PoisonPageError, VenueError
from assay.venues.parsed import REJECTED_SCHEMA, Parsed, Venue
from assay.venues.registry import find_spec, venue_names
from assay.venues.requests import Value, build_request, klines_request, klines_requests, moment_of
from assay.venues.spec import Endpoint, Kind, Paging, Parameter, Request, Role, SymbolGrammar
from assay.venues.symbols import JoinedSymbols, NamedAssets, SeparatedSymbols

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

ASKED_AT = datetime(2040, 1, 1, tzinfo=UTC)
START = datetime(2024, 1, 1, tzinfo=UTC)
BAD_ROWS: list[Json] = [None, 17, "x", [], {}, {"nonsense": [1]}, [[]], [None] * 12, True]


def wire_sample(function: Callable[..., object]) -> bytes:
    """Return the body that stands in the docstring below ``Wire::``, its lines put together."""
    lines = inspect.cleandoc(function.__doc__ or "").splitlines()
    assert "Wire::" in lines, f"{getattr(function, '__name__', function)} shows no wire sample"
    below = lines[lines.index("Wire::") + 1 :]
    end = next((number for number, line in enumerate(below) if line and not line.startswith("    ")), len(below))
    return "".join(line.strip() for line in below[:end]).encode()


def question(venue: Venue, endpoint: Endpoint) -> Request:
    """Return some question to the endpoint; parameters that may be left out are left out."""
    values = {one.name: _some_value(venue, one) for one in endpoint.parameters if one.is_required}
    return build_request(venue.spec, endpoint, values)


def _some_value(venue: Venue, parameter: Parameter) -> Value:
    if parameter.role is Role.SYMBOL:
        return venue.spec.symbols.to_wire(next(some_symbols(venue)))
    if parameter.role is Role.INTERVAL:
        return venue.spec.intervals[0][1]
    by_kind: dict[Kind, Value] = {
        Kind.WHOLE: 1,
        Kind.FLAG: True,
        Kind.MILLISECONDS: START,
        Kind.SECONDS: START,
        Kind.ISO: START,
        Kind.TEXT: next(iter(parameter.choices), "usd"),
    }
    return by_kind[parameter.kind]


def some_symbols(venue: Venue) -> Iterator[Symbol]:
    """Yield symbols that the venue can spell."""
    match venue.spec.symbols:
        case JoinedSymbols(quotes=quotes):
            yield from (Symbol(base, quote) for quote in quotes for base in ("AAVE", "1INCH", "X") if base != quote)
        case SeparatedSymbols(quotes=quotes, renamed=renamed):
            assets = ("BTC", "1INCH", "X", *(asset for asset, _ in renamed))
            yield from (Symbol(base, quote) for quote in quotes or ("USDT",) for base in assets if base != quote)
        case NamedAssets(quote=quote, names=names):
            yield from (Symbol(asset, quote) for asset, _ in names)
        case other:
            pytest.fail(f"say here which symbols {type(other).__name__} can spell")


def read(venue: Venue, endpoint: Endpoint, body: bytes) -> Parsed:
    return venue.handlers[endpoint.name](body, question(venue, endpoint), asked_at=ASKED_AT)


def rows_in(endpoint: Endpoint, body: bytes) -> list[Json]:
    """Return the rows of a sample body."""
    page = json.loads(body)
    found = page[endpoint.rows_at] if endpoint.rows_at else page
    assert isinstance(found, list)
    return found


def page_of(endpoint: Endpoint, body: bytes, rows: list[Json]) -> bytes:
    """Return the sample body with other rows in it."""
    return json.dumps({**json.loads(body), endpoint.rows_at: rows} if endpoint.rows_at else rows).encode()


def pages(venue: Venue) -> list[Endpoint]:
    """Return the endpoints that answer with JSON; what reads files of an archive has samples of its own."""
    return [one for one in venue.spec.endpoints if one.body_format == "json"]


def lists(venue: Venue) -> list[tuple[Endpoint, bytes]]:
    """Return the endpoints that answer with rows, with their samples."""
    listing = [one for one in pages(venue) if one.rows_at is not None]
    return [(one, wire_sample(venue.handlers[one.name])) for one in listing]


# Facts


def check_declaration_is_complete(venue: Venue) -> None:
    spec = venue.spec
    check_venue(spec.name)
    check_venue(spec.venue)
    for url in (spec.base_url, *spec.other_base_urls):
        assert url.startswith("https://")
        assert not url.endswith("/")
    assert spec.endpoints
    assert spec.limits
    assert all(one.limit > 0 and one.window_s > 0 and one.source for one in spec.limits)
    assert all(one.kind in ("weight", "requests") for one in spec.limits)
    assert all(one.header is None or one.header == one.header.lower() for one in spec.limits)
    assert spec.publication_delay >= timedelta(0)
    assert all(quirk.text.strip() and quirk.source.strip() for quirk in spec.quirks)
    assert bool(spec.intervals) == any(one.dataset == KLINES for one in spec.endpoints)


def _names_of_siblings(venue: Venue) -> set[str]:
    """Return the names of the endpoints of all other APIs of the venue."""
    others = (find_spec(name) for name in venue_names() if name != venue.spec.name)
    return {one.name for spec in others if spec.venue == venue.spec.venue for one in spec.endpoints}


def check_endpoints_are_complete(venue: Venue) -> None:
    endpoints = venue.spec.endpoints
    assert len({one.name for one in endpoints}) == len(endpoints)
    assert {one.name for one in endpoints} == set(venue.handlers), "one handler an endpoint"
    assert not {one.name for one in endpoints} & _names_of_siblings(venue), "bronze tells the APIs of a venue by them"
    for endpoint in endpoints:
        assert endpoint.path.startswith("/")
        assert endpoint.in_path <= {one.name for one in endpoint.parameters if one.is_required}
        assert endpoint.market in venue.spec.markets or not venue.spec.markets
        assert endpoint.dataset in SCHEMAS
        assert endpoint.source.startswith("https://"), "say where the venue documents it"
        assert endpoint.weight.of({}) >= 1
        assert len({one.name for one in endpoint.parameters}) == len(endpoint.parameters)
        roles = [one.role for one in endpoint.parameters if one.role]
        assert len(set(roles)) == len(roles)
        assert (endpoint.page_limit is None) == (Role.LIMIT not in roles and endpoint.paging is not Paging.BY_RANGE)
        moved_by = {
            Paging.NONE: set(),
            Paging.BY_TIME: {Role.START, Role.LIMIT},
            Paging.BY_ID: {Role.FROM_ID, Role.LIMIT},
            Paging.BY_PAGE: {Role.PAGE, Role.LIMIT},
            Paging.BY_RANGE: {Role.START, Role.LAST},
            Paging.BACKWARDS: {Role.BEFORE_ID, Role.LIMIT},
        }
        assert moved_by[endpoint.paging] <= set(roles)


def check_intervals_map_both_ways(venue: Venue) -> None:
    intervals = venue.spec.intervals
    assert len({interval for interval, _ in intervals}) == len({wire for _, wire in intervals}) == len(intervals)
    for interval, wire in intervals:
        assert Interval.parse(interval.code) == interval
        assert venue.spec.wire_interval(interval) == wire
        assert venue.spec.interval(wire) == interval
    with pytest.raises(BadInputError):
        venue.spec.interval("7q")


def check_symbols_survive_the_wire(venue: Venue) -> None:
    grammar = venue.spec.symbols
    for symbol in some_symbols(venue):
        wire = grammar.to_wire(symbol)
        understood = grammar.to_symbol(wire)
        assert grammar.to_wire(understood) == wire
        # Where a longer quote also ends the word, only the venue's list of instruments can tell the two apart.
        is_cut_later = len(understood.quote) > len(symbol.quote)
        assert understood == symbol or (is_cut_later and understood.base + understood.quote == wire.upper())
    strange = {"", "?", "BTC-USDT", "bTcUsDt", "ßUSDT", "如果USDT", "-USD", "BTC-", "BTC/USD/T", "btc-usd"}
    for nonsense in sorted(strange - {_spelled(grammar, Symbol("BTC", "USDT"))}):
        with pytest.raises(BadInputError):
            grammar.to_symbol(nonsense)


def _spelled(grammar: SymbolGrammar, symbol: Symbol) -> str:
    try:
        return grammar.to_wire(symbol)
    except BadInputError:
        return ""


def check_questions_are_canonical(venue: Venue) -> None:
    for endpoint in venue.spec.endpoints:
        values = {one.name: _some_value(venue, one) for one in endpoint.parameters if one.kind is not Kind.TEXT}
        values |= {
            one.name: _some_value(venue, one)
            for one in endpoint.parameters
            if one.role or one.choices or one.is_required
        }
        request = build_request(venue.spec, endpoint, values)
        assert request == build_request(venue.spec, endpoint, dict(reversed(values.items())))
        assert list(request.params) == sorted(request.params)
        assert hash(request) == hash(build_request(venue.spec, endpoint, values))
        assert request.weight == endpoint.weight.of(dict(request.params)) >= 1
        assert (request.venue, request.endpoint, request.path) == (
            venue.spec.venue,
            endpoint.name,
            endpoint.path_of(dict(request.params)),
        )
        assert {name for name, _ in request.sent} == {name for name, _ in request.params} - endpoint.not_in_query
        sent = question(venue, endpoint)
        assert all(sent.param(one.name) == one.default for one in endpoint.parameters if one.default is not None)


def check_wrong_questions_are_refused(venue: Venue) -> None:
    for endpoint in venue.spec.endpoints:
        good: dict[str, Value] = {one.name: _some_value(venue, one) for one in endpoint.parameters if one.is_required}
        with pytest.raises(BadInputError, match="no such parameter"):
            build_request(venue.spec, endpoint, {**good, "nonsense": "1"})
        for one in endpoint.parameters:
            wrong: Value = 1.5 if one.kind is Kind.TEXT else "nonsense"  # type: ignore[assignment]
            with pytest.raises(BadInputError):
                build_request(venue.spec, endpoint, {**good, one.name: wrong})
            if one.is_required:
                with pytest.raises(BadInputError, match="needs a parameter"):
                    build_request(venue.spec, endpoint, {name: good[name] for name in good if name != one.name})
            if one.role is Role.LIMIT and endpoint.page_limit:
                for count in (0, -1, endpoint.page_limit + 1):
                    with pytest.raises(BadInputError):
                        build_request(venue.spec, endpoint, {**good, one.name: count})


def check_samples_are_read_whole(venue: Venue) -> None:
    for endpoint in pages(venue):
        answer = read(venue, endpoint, wire_sample(venue.handlers[endpoint.name]))
        check_is_a_table(answer, endpoint)
        assert answer.rejected.height == 0, answer.rejected.rows()
    for endpoint, sample in lists(venue):
        rows = rows_in(endpoint, sample)
        assert rows
        assert read(venue, endpoint, sample).rows.height == len(rows)
        longer = read(venue, endpoint, page_of(endpoint, sample, rows * 3))
        assert (longer.rows.height, longer.rejected.height) == (3 * len(rows), 0)
        empty = read(venue, endpoint, page_of(endpoint, sample, []))
        check_is_a_table(empty, endpoint)
        assert empty.received == 0


def check_is_a_table(answer: Parsed, endpoint: Endpoint) -> None:
    """Assert that the answer has the columns of its dataset and nothing in them that is no number."""
    assert answer.rows.schema == SCHEMAS[endpoint.dataset]
    assert answer.rejected.schema == REJECTED_SCHEMA
    floats = answer.rows.select(pl.selectors.float())
    assert all(value is None or math.isfinite(value) for row in floats.iter_rows() for value in row)


def check_one_bad_row_is_set_aside_alone(venue: Venue) -> None:
    for endpoint, sample in lists(venue):
        good = rows_in(endpoint, sample)[0]
        for bad in BAD_ROWS:
            answer = read(venue, endpoint, page_of(endpoint, sample, [good, bad, good]))
            assert answer.rows.height == 2, bad
            assert answer.rejected["position"].to_list() == [1]
            assert answer.rejected["cause"].str.len_chars().min() not in (None, 0)
            assert json.loads(answer.rejected["raw"][0]) == bad
            assert answer.rows.equals(read(venue, endpoint, page_of(endpoint, sample, [good, good])).rows)


def check_cut_off_pages_are_poison(venue: Venue) -> None:
    for endpoint in pages(venue):
        sample = wire_sample(venue.handlers[endpoint.name])
        for length in {0, 1, len(sample) // 3, len(sample) // 2, len(sample) - 2, len(sample) - 1} - {len(sample)}:
            with pytest.raises(PoisonPageError):
                read(venue, endpoint, sample[:length])


def check_useless_pages_are_poison(venue: Venue) -> None:
    bodies = (
        b"", b" ", b"null", b"17", b'"x"', b"<html><body>403 Forbidden</body></html>", b"\xff\xfe", b"[" * 20_000,
        b"{" * 5, b"[1,]", b"NaN", b'[{"a":}]', b"\x1f\x8b\x08", b'{"symbols":17,"serverTime":1}',
    )  # fmt: skip
    for endpoint in venue.spec.endpoints:
        for body in bodies:
            with pytest.raises(PoisonPageError) as caught:
                read(venue, endpoint, body)
            assert isinstance(caught.value, TerminalError)
            assert not isinstance(caught.value, TransientError)
            assert venue.spec.venue in str(caught.value)
            assert endpoint.name in str(caught.value)


def check_errors_of_the_venue_are_told_apart(venue: Venue) -> None:
    if not pages(venue):
        return
    sample = wire_sample(venue.read_error)
    own = venue.read_error(sample)
    assert own is not None
    assert own.venue == venue.spec.venue
    assert own.message
    assert isinstance(own, TransientError) == (own.code in venue.spec.transient_codes)
    assert isinstance(own, TransientError) != isinstance(own, TerminalError)
    for endpoint in pages(venue):
        with pytest.raises(VenueError, match=str(own.code)):
            read(venue, endpoint, sample)
        assert venue.read_error(wire_sample(venue.handlers[endpoint.name])) is None
    for body in (b"", b"<html>", b"[]", b"{}", b"null", b"\xff"):
        assert venue.read_error(body) is None


def check_parsing_repeats_itself(venue: Venue) -> None:
    for endpoint in pages(venue):
        sample = wire_sample(venue.handlers[endpoint.name])
        first, second = read(venue, endpoint, sample), read(venue, endpoint, bytearray(sample))  # type: ignore[arg-type]
        assert first.rows.equals(second.rows)


def check_ranges_that_end_first_are_refused(venue: Venue) -> None:
    for interval, _ in venue.spec.intervals if venue.spec.has_klines else ():
        symbol = next(some_symbols(venue))
        with pytest.raises(BadInputError):
            klines_request(venue.spec, symbol, interval=interval, start=START, end=START)
        assert list(klines_requests(venue.spec, symbol, interval=interval, start=START, end=START)) == []


FACTS: tuple[Callable[[Venue], None], ...] = (
    check_declaration_is_complete,
    check_endpoints_are_complete,
    check_intervals_map_both_ways,
    check_symbols_survive_the_wire,
    check_questions_are_canonical,
    check_wrong_questions_are_refused,
    check_samples_are_read_whole,
    check_one_bad_row_is_set_aside_alone,
    check_cut_off_pages_are_poison,
    check_useless_pages_are_poison,
    check_errors_of_the_venue_are_told_apart,
    check_parsing_repeats_itself,
    check_ranges_that_end_first_are_refused,
)


# Properties


def check_garbage_is_poison_and_nothing_else(venue: Venue, garbage: bytes) -> None:
    for endpoint in venue.spec.endpoints:
        try:
            json.loads(garbage)
            is_json = True
        except (ValueError, RecursionError):
            is_json = False
        try:
            read(venue, endpoint, garbage)
            assert is_json
        except PoisonPageError:
            pass
        except VenueError:  # garbage that happens to be an error body of the venue
            assert venue.read_error(garbage) is not None


def check_any_rows_are_read_or_set_aside(venue: Venue, rows: list[Json]) -> None:
    for endpoint, sample in lists(venue):
        answer = read(venue, endpoint, page_of(endpoint, sample, rows))
        check_is_a_table(answer, endpoint)
        assert answer.received == len(rows)
        assert answer.rejected["position"].is_sorted()
        assert [json.loads(raw) for raw in answer.rejected["raw"]] == [rows[at] for at in answer.rejected["position"]]


def check_a_row_with_one_strange_field_is_read_or_set_aside(venue: Venue, place: int, strange: Json) -> None:
    for endpoint, sample in lists(venue):
        good = rows_in(endpoint, sample)[0]
        row = json.loads(json.dumps(good))
        keys = list(range(len(row))) if isinstance(row, list) else list(row)
        row[keys[place % len(keys)]] = strange
        answer = read(venue, endpoint, page_of(endpoint, sample, [good, row, good]))
        check_is_a_table(answer, endpoint)
        assert answer.received == 3
        assert answer.rejected["position"].to_list() in ([], [1])


def check_pages_of_klines_tile_the_range(venue: Venue, start: datetime, length: timedelta) -> None:
    spec = venue.spec
    for interval, _ in spec.intervals if spec.has_klines else ():
        end = start + min(length, interval.duration * 3_000)
        endpoint, symbol = spec.feeding(KLINES), next(some_symbols(venue))
        requests = list(klines_requests(spec, symbol, interval=interval, start=start, end=end))
        first, last = endpoint.parameter(Role.START), endpoint.parameter(Role.LAST)
        assert first
        assert last
        covered: list[datetime] = []
        for request in requests:
            low, high = (moment_of(one, request.param(one.name) or "") for one in (first, last))
            opens = list(interval.opens(low, high))
            assert 1 <= len(opens) <= (endpoint.page_limit or 0)
            assert opens[-1] < high
            covered += opens
        assert covered == list(interval.opens(start, end))
        assert len(requests) <= len(covered) // (endpoint.page_limit or 1) + 2
        later = list(klines_requests(spec, symbol, interval=interval, start=start + interval.duration, end=end))
        assert later[2:] == requests[len(requests) - len(later) + 2 :], "pages do not depend on where a range begins"
