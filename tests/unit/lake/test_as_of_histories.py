"""Random histories of a market that restates, is late and is loaded years after: what is visible at a moment.

A lake with the whole history, asked as of a moment, must answer what a lake says that was given nothing but what had
been received by then; and by availability nothing is there before its bar had closed and its source's delay was over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime, timedelta

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.domain.errors import NoDataError
from assay.domain.instrument import SeriesId
from assay.lake import as_of, reads
from assay.lake.reads import Span, read_klines

SERIES = SeriesId.parse("binance:spot:BTC-USDT:1h")
START, HOUR = datetime(2024, 1, 1, tzinfo=UTC), timedelta(hours=1)
DELAY, LIVE = timedelta(seconds=2), timedelta(hours=1)
BARS = 6
BY_KEY = "venue, market, symbol, interval, open_time"


@dataclass(frozen=True)
class Observation:
    """One row of silver.kline_revisions, in the order of its columns."""

    venue: str
    market: str
    symbol: str
    interval: str
    open_time: datetime
    close_time: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float
    quote_volume: float | None
    num_trades: int | None
    taker_buy_volume: float | None
    taker_buy_quote_volume: float | None
    known_at: datetime
    recorded_at: datetime | None
    available_at: datetime
    is_provisional: bool
    batch_id: str
    row_number: int


COLUMNS = """venue varchar, market varchar, symbol varchar, interval varchar, open_time timestamptz,
    close_time timestamptz, open double, high double, low double, close double, volume double, quote_volume double,
    num_trades bigint, taker_buy_volume double, taker_buy_quote_volume double, known_at timestamptz,
    recorded_at timestamptz, available_at timestamptz, is_provisional boolean, batch_id varchar, row_number bigint"""


def observed(bar: int, minutes: int, value: int, *, is_import: bool, number: int) -> Observation:
    """Return what is received so many minutes after a bar opened, as the pipelines stamp it."""
    opened = START + bar * HOUR
    closed, known = opened + HOUR, opened + timedelta(minutes=minutes)
    price = 100.0 + value
    # From a venue: history counts from its close and the delay on, what came live from when it came.
    is_history = closed + DELAY < known - LIVE
    available = closed if is_import else closed + DELAY if is_history else known
    return Observation(
        *SERIES.key, opened, closed, 100.0, price + 1, 99.0, price, 1.0 + value, None, None, None, None, known,
        None if is_import else known, available, known < closed, f"{number:04}", 1,
    )  # fmt: skip


moments = st.integers(1, 12 * 60)
received = st.tuples(st.integers(0, BARS - 1), moments, st.integers(0, 3), st.booleans())
histories = st.lists(received, min_size=1, max_size=14).map(
    lambda rows: [observed(*row[:3], is_import=row[3], number=at) for at, row in enumerate(rows)]
)
askings = moments.map(lambda minutes: START + timedelta(minutes=minutes))


@pytest.fixture(scope="module")
def lake() -> Iterator[duckdb.DuckDBPyConnection]:
    """Attach a database of the name and shape of the lake, for the SQL that reads the real one."""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("set TimeZone = 'UTC'; attach ':memory:' as lake; create schema lake.silver")
        connection.execute(f"create table lake.silver.kline_revisions ({COLUMNS})")
        yield connection


def hold(lake: duckdb.DuckDBPyConnection, rows: list[Observation]) -> None:
    lake.execute("truncate lake.silver.kline_revisions")
    if rows:
        marks = f"({', '.join('?' for _ in astuple(rows[0]))})"
        values = [value for one in rows for value in astuple(one)]
        lake.execute(f"insert into lake.silver.kline_revisions values {', '.join([marks] * len(rows))}", values)


def cleaned(lake: duckdb.DuckDBPyConnection, **seen: datetime | None) -> list[tuple[object, ...]]:
    relation = as_of.relation(reads.CLEANED, seen.get("as_of"), seen.get("available_at"))
    if not any(seen.values()):
        relation = f"({reads.cleaned_sql('lake.silver.kline_revisions')})"
    return lake.execute(f"select * from {relation} order by {BY_KEY}").fetchall()


@settings(max_examples=15, deadline=None)
@given(history=histories, then=askings)
def test_what_is_known_at_a_moment_follows_from_what_had_been_received_by_then(
    lake: duckdb.DuckDBPyConnection, history: list[Observation], then: datetime
) -> None:
    hold(lake, history)
    asked = cleaned(lake, as_of=then)
    by_python = _read(lake, Span(as_of=then, only_closed=False))
    hold(lake, [one for one in history if one.known_at <= then])
    assert asked == cleaned(lake)
    assert by_python == [row[4:10] for row in asked]


@settings(max_examples=15, deadline=None)
@given(history=histories, then=askings, moment=askings)
def test_both_moments_together_are_one_after_the_other(
    lake: duckdb.DuckDBPyConnection, history: list[Observation], then: datetime, moment: datetime
) -> None:
    hold(lake, history)
    both = cleaned(lake, as_of=then, available_at=moment)
    by_python = _read(lake, Span(as_of=then, available_at=moment, only_closed=False))
    assert by_python == [row[4:10] for row in both]
    hold(lake, [one for one in history if one.known_at <= then])
    assert both == cleaned(lake, available_at=moment)


@settings(max_examples=15, deadline=None)
@given(history=histories, moment=askings)
def test_by_availability_nothing_is_there_before_its_close_and_delay(
    lake: duckdb.DuckDBPyConnection, history: list[Observation], moment: datetime
) -> None:
    hold(lake, history)
    rows = _read(lake, Span(available_at=moment, only_closed=False))
    for opened, closed, *_, close in rows:
        said = [one for one in history if one.open_time == opened and one.close == close]
        # What says so was received by then, or is history that the source had published by then.
        assert any(
            one.known_at <= moment or (one.close_time + (DELAY if one.recorded_at else timedelta()) <= moment)
            for one in said
        ), (opened, closed)
    finished = _read(lake, Span(available_at=moment))
    assert all(isinstance(closed, datetime) and closed <= moment for _, closed, *_ in finished)


@settings(max_examples=15, deadline=None)
@given(history=histories, later=histories, moment=askings)
def test_what_is_published_after_a_moment_changes_nothing_that_was_available_at_it(
    lake: duckdb.DuckDBPyConnection, history: list[Observation], later: list[Observation], moment: datetime
) -> None:
    hold(lake, history)
    before = cleaned(lake, available_at=moment)
    more = [
        replace(one, batch_id=f"later-{one.batch_id}", available_at=max(one.available_at, moment + DELAY))
        for one in later
    ]
    hold(lake, [*history, *more])
    assert cleaned(lake, available_at=moment) == before


def test_the_worked_example_of_the_page_on_time(lake: duckdb.DuckDBPyConnection) -> None:
    day = datetime(2026, 5, 1, tzinfo=UTC)
    nine = observed(0, 60, 0, is_import=False, number=1)
    told = [
        (9, timedelta(hours=10, seconds=5), timedelta(hours=10, seconds=5), 60_000.0),
        (9, timedelta(hours=14), timedelta(hours=10, seconds=2), 60_100.0),
        (8, timedelta(days=7, hours=12), timedelta(hours=9, seconds=2), 59_900.0),
    ]
    rows = []
    for number, (hour, known, available, close) in enumerate(told):
        opened = day + hour * HOUR
        # As the pipelines stamp it: live if it came within the hour, else from its close and the delay on.
        assert day + available == (day + known if known - (hour + 1) * HOUR <= LIVE else opened + HOUR + DELAY)
        times = {"open_time": opened, "close_time": opened + HOUR, "known_at": day + known, "recorded_at": day + known}
        prices = {"open": close, "high": close, "low": close, "close": close}
        said = {"available_at": day + available, "is_provisional": False, "batch_id": str(number)}
        rows.append(replace(nine, **times, **prices, **said))  # type: ignore[arg-type]
    hold(lake, rows)

    def closes(**asked: tuple[int, int, int]) -> list[object]:
        hours = {name: day + timedelta(hours=h, minutes=m, seconds=s) for name, (h, m, s) in asked.items()}
        return [row[9] for row in cleaned(lake, **hours)]

    assert closes() == [59_900, 60_100]
    assert closes(as_of=(10, 0, 3)) == []
    assert closes(as_of=(12, 0, 0)) == [60_000]
    assert closes(as_of=(15, 0, 0)) == [60_100]
    assert closes(available_at=(9, 0, 1)) == []
    assert closes(available_at=(9, 30, 0)) == [59_900]
    assert closes(available_at=(10, 0, 3)) == [59_900, 60_100]
    assert closes(as_of=(12, 0, 0), available_at=(11, 0, 0)) == [60_000]


def _read(lake: duckdb.DuckDBPyConnection, span: Span) -> list[tuple[object, ...]]:
    columns = ("open_time", "close_time", "open", "high", "low", "close")
    try:
        return read_klines(lake, SERIES, span, columns).rows()
    except NoDataError:
        return []
