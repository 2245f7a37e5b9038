"""Every registered venue passes every check; and each check is shown to fail on a venue made wrong on purpose."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import assay.venues
from assay.domain.errors import BadInputError
from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.venues.parsed import Handler, Parsed, Venue
from assay.venues.registry import find_spec, find_venue, venue_names
from assay.venues.requests import klines_requests
from assay.venues.spec import Endpoint, Request, VenueSpec, Weight
from tests.contract import venue_checks as checks
from tests.contract.venue_checks import FACTS, Json

NAMES = venue_names()
JSON: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=13) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=15,
)
STRANGE = JSON | st.sampled_from(
    ["", " ", "1,5", "0x10", "nan", "inf", "-inf", "1e999", "-1", "0", "0.0", "-0", "1e-400", "١", "9" * 400, "\x00"]
)  # fmt: skip
MOMENTS = st.datetimes(datetime(2010, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))
GARBAGE = st.binary(max_size=60) | st.text(alphabet='[]{}",:01.eE-+ nultrfs\\', max_size=40).map(str.encode)


def test_every_folder_with_a_declaration_is_a_venue_of_its_name() -> None:
    folders = {path for path in Path(assay.venues.__path__[0]).iterdir() if (path / "spec.py").exists()}
    assert {path.name for path in folders} == set(NAMES) >= {"binance", "coingecko", "wazirx"}
    for name in NAMES:
        assert find_spec(name).name == name
        assert find_venue(name).spec is find_spec(name)


def test_unknown_venue_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(BadInputError, match="did you mean binance"):
        find_spec("binanse")


@pytest.mark.parametrize("check", FACTS, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("name", NAMES)
def test_fact_about_every_venue(name: str, check: Callable[[Venue], None]) -> None:
    check(find_venue(name))


@pytest.mark.parametrize("name", NAMES)
@given(garbage=GARBAGE)
def test_garbage_is_poison_and_nothing_else(name: str, garbage: bytes) -> None:
    checks.check_garbage_is_poison_and_nothing_else(find_venue(name), garbage)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=30)
@given(rows=st.lists(JSON, max_size=6))
def test_any_rows_are_read_or_set_aside(name: str, rows: list[Json]) -> None:
    checks.check_any_rows_are_read_or_set_aside(find_venue(name), rows)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=80)
@given(place=st.integers(0, 30), strange=STRANGE)
def test_a_row_with_one_strange_field_is_read_or_set_aside(name: str, place: int, strange: Json) -> None:
    checks.check_a_row_with_one_strange_field_is_read_or_set_aside(find_venue(name), place, strange)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15)
@given(start=MOMENTS, length=st.timedeltas(timedelta(0), timedelta(days=4_000)))
def test_pages_of_klines_tile_the_range(name: str, start: datetime, length: timedelta) -> None:
    checks.check_pages_of_klines_tile_the_range(find_venue(name), start, length)


@given(base=st.from_regex(r"[A-Z0-9]{1,8}", fullmatch=True), data=st.data())
def test_joined_spelling_is_cut_before_the_longest_quote(base: str, data: st.DataObject) -> None:
    for name in ("binance", "wazirx"):
        grammar = find_spec(name).symbols
        quotes = getattr(grammar, "quotes", ())
        quote = data.draw(st.sampled_from(quotes))
        word = base + quote
        cuts = [one for one in quotes if word.endswith(one) and len(word) > len(one)]
        longest = max(cuts, key=len)
        wire = grammar.to_wire(Symbol(base, quote))
        assert grammar.to_symbol(wire) == Symbol(word.removesuffix(longest), longest)
        assert grammar.to_wire(grammar.to_symbol(wire)) == wire


# Venues made wrong, and the check that must notice.


def changed(**spec: Any) -> Venue:  # noqa: ANN401  (whatever the field holds)
    """Return Binance with parts of its declaration replaced."""
    venue = find_venue("binance")
    return dataclasses.replace(venue, spec=dataclasses.replace(venue.spec, **spec))


def handled(name: str, handler: Handler | None) -> Venue:
    """Return Binance with one handler replaced or taken away."""
    venue = find_venue("binance")
    handlers: Mapping[str, Handler] = {**venue.handlers, name: handler} if handler else {
        one: venue.handlers[one] for one in venue.handlers if one != name
    }  # fmt: skip
    return dataclasses.replace(venue, handlers=handlers)


def with_endpoint(name: str, **fields: Any) -> Venue:  # noqa: ANN401  (whatever the field holds)
    """Return Binance with one endpoint declared otherwise."""
    endpoints = find_spec("binance").endpoints
    other = (dataclasses.replace(one, **fields) if one.name == name else one for one in endpoints)
    return changed(endpoints=tuple(other))


def handler_made_wrong(change: Callable[[Parsed], Parsed], sample_of: str = "klines") -> Handler:
    """Return a handler that does what the right one does, and then something else."""
    right = find_venue("binance").handlers[sample_of]

    def wrong(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
        return change(right(body, request, asked_at=asked_at))

    wrong.__doc__ = right.__doc__
    return wrong


def handler_that_trips(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    try:
        return find_venue("binance").handlers["klines"](body, request, asked_at=asked_at)
    except Exception as error:
        raise KeyError("open_time") from error


def handler_that_makes_the_best_of_it(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    right = find_venue("binance").handlers["klines"]
    try:
        return right(body, request, asked_at=asked_at)
    except Exception:
        return right(b"[]", request, asked_at=asked_at)


handler_that_trips.__doc__ = handler_that_makes_the_best_of_it.__doc__ = (
    find_venue("binance").handlers["klines"].__doc__
)


class ForgetfulSymbols:
    """Spells symbols without their quote."""

    def to_wire(self, symbol: Symbol) -> str:
        return symbol.base

    def to_symbol(self, venue_symbol: str) -> Symbol:
        return Symbol(venue_symbol, "USDT")


def with_symbols(symbols: object) -> VenueSpec:
    return dataclasses.replace(find_spec("binance"), symbols=symbols)  # type: ignore[arg-type]


BINANCE = find_spec("binance")
HOUR = Interval("1h")
WRONG: tuple[tuple[Callable[[Venue], None], Venue], ...] = (
    (checks.check_declaration_is_complete, changed(base_url="http://api.binance.com/")),
    (checks.check_declaration_is_complete, changed(limits=())),
    (checks.check_declaration_is_complete, changed(intervals=())),
    (checks.check_declaration_is_complete, changed(quirks=(dataclasses.replace(BINANCE.quirks[0], source=""),))),
    (checks.check_endpoints_are_complete, handled("klines", None)),
    (checks.check_endpoints_are_complete, with_endpoint("klines", source="")),
    (checks.check_endpoints_are_complete, with_endpoint("klines", weight=Weight(0))),
    (checks.check_endpoints_are_complete, with_endpoint("klines", dataset="candles")),
    (checks.check_endpoints_are_complete, with_endpoint("klines", page_limit=None)),
    (checks.check_endpoints_are_complete, with_endpoint("agg_trades", parameters=())),
    (checks.check_intervals_map_both_ways, changed(intervals=((HOUR, "1h"), (Interval("2h"), "1h")))),
    (checks.check_samples_are_read_whole, handled("klines", handler_made_wrong(lambda answer: Parsed(
        answer.rows.clear(), answer.rejected)))),
    (checks.check_samples_are_read_whole, handled("klines", handler_made_wrong(lambda answer: Parsed(
        answer.rows.drop("volume"), answer.rejected)))),
    (checks.check_samples_are_read_whole, handled("klines", handler_made_wrong(lambda answer: Parsed(
        answer.rows.with_columns(volume=pl.lit(float("nan"))), answer.rejected)))),
    (checks.check_samples_are_read_whole, handled("klines", lambda body, request, *, asked_at: Parsed(
        pl.DataFrame(), pl.DataFrame()))),
    (checks.check_one_bad_row_is_set_aside_alone, handled("klines", handler_made_wrong(lambda answer: Parsed(
        answer.rows, answer.rejected.clear())))),
    (checks.check_one_bad_row_is_set_aside_alone, handled("klines", handler_made_wrong(lambda answer: Parsed(
        answer.rows.clear() if answer.rejected.height else answer.rows, answer.rejected)))),
    (checks.check_cut_off_pages_are_poison, handled("klines", handler_that_makes_the_best_of_it)),
    (checks.check_useless_pages_are_poison, handled("klines", handler_that_makes_the_best_of_it)),
    (checks.check_useless_pages_are_poison, handled("klines", handler_that_trips)),
    (checks.check_errors_of_the_venue_are_told_apart, handled("klines", handler_that_trips)),
    (checks.check_errors_of_the_venue_are_told_apart, changed(transient_codes=frozenset({-1121}))),
)  # fmt: skip


@pytest.mark.parametrize(
    ("check", "venue"), WRONG, ids=[f"{n}-{check.__name__[6:]}" for n, (check, _) in enumerate(WRONG)]
)
def test_venue_made_wrong_is_noticed(check: Callable[[Venue], None], venue: Venue) -> None:
    with pytest.raises((AssertionError, KeyError, pytest.fail.Exception)):
        check(venue)


def test_symbols_that_lose_their_quote_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    venue = dataclasses.replace(find_venue("binance"), spec=with_symbols(ForgetfulSymbols()))
    monkeypatch.setattr(checks, "some_symbols", lambda venue: iter([Symbol("BTC", "EUR"), Symbol("BTC", "USDT")]))
    with pytest.raises(AssertionError):
        checks.check_symbols_survive_the_wire(venue)


def test_grammar_that_the_checks_do_not_know_is_said_to_be_so() -> None:
    venue = dataclasses.replace(find_venue("binance"), spec=with_symbols(ForgetfulSymbols()))
    with pytest.raises(pytest.fail.Exception, match="ForgetfulSymbols"):
        checks.check_symbols_survive_the_wire(venue)


def test_pages_that_leave_a_bar_out_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = klines_requests
    monkeypatch.setattr(checks, "klines_requests", lambda *args, **names: list(right(*args, **names))[:-1])
    with pytest.raises(AssertionError):
        checks.check_pages_of_klines_tile_the_range(find_venue("wazirx"), checks.START, timedelta(days=3))


def test_wire_sample_is_what_stands_below_the_line() -> None:
    def documented() -> None:
        """Say what it is.

        Wire::

            [1,
              2]

        More words.
        """

    assert checks.wire_sample(documented) == b"[1,2]"
    with pytest.raises(AssertionError, match="no wire sample"):
        checks.wire_sample(lambda: None)


def test_endpoint_without_rows_is_not_asked_for_rows() -> None:
    depth: Endpoint = BINANCE.endpoint("depth")
    assert depth.name not in [endpoint.name for endpoint, _ in checks.lists(find_venue("binance"))]
