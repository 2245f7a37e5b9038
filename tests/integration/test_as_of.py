"""What was known at a moment can be asked at any later moment, and stays what it was."""

from __future__ import annotations

from datetime import timedelta

import pytest

from assay.domain.instrument import SeriesId
from assay.lake.reads import Span, read_klines
from assay.pipelines.building import build
from assay.pipelines.workspace import Workspace
from assay.selectors.query import query
from tests.integration.conftest import NOW, at, bring_in
from tests.made_klines import Row, hourly, write_csv

SERIES = SeriesId.parse("binance:spot:BTC-USDT:1h")
FIRST, SECOND = NOW, NOW + timedelta(days=7)
BETWEEN = NOW + timedelta(days=3)
ROWS = hourly(120, holes=((50, 60),))
TABLES = ("silver.crypto_prices_cleaned", "silver.technical_indicators", "gold.daily_crypto_metrics")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, dict[str, list[tuple[object, ...]]], list[Row]]:
    """Build a week's state, note its tables, then restate bars, fill the hole and go on, and build again."""
    folder = tmp_path_factory.mktemp("as_of")
    from tests.integration.conftest import open_frozen

    workspace = open_frozen(folder / "home", FIRST)
    bring_in(workspace, write_csv(folder / "first.csv", ROWS[:90]), recorded_at=FIRST)
    build(workspace)
    then = {name: query(workspace, f"select * from {name} order by all").rows() for name in TABLES}
    restated = [row.restated(1.05) for row in ROWS[20:25]]
    later = at(workspace, SECOND)
    bring_in(later, write_csv(folder / "restated.csv", restated), recorded_at=SECOND)
    bring_in(later, write_csv(folder / "second.csv", [*hourly(120)[48:62], *ROWS[90:]]), recorded_at=SECOND)
    build(later)
    return later, then, restated


@pytest.mark.parametrize("table", TABLES)
def test_every_table_as_of_last_week_is_what_it_was_last_week(
    lake: tuple[Workspace, dict[str, list[tuple[object, ...]]], list[Row]], table: str
) -> None:
    workspace, then, _ = lake
    assert len(then[table]) > 3
    columns = query(workspace, f"select * from {table} limit 0").columns
    ordered = ", ".join(f'"{name}"' for name in columns)
    sql = f"select {ordered} from {table} order by all"
    assert query(workspace, sql, as_of=BETWEEN).rows() == then[table]
    assert query(workspace, sql).rows() != then[table]


def test_as_of_before_everything_is_empty_and_as_of_now_is_the_current_table(
    lake: tuple[Workspace, dict[str, list[tuple[object, ...]]], list[Row]],
) -> None:
    workspace, _, _ = lake
    count = "select count(*) as n from silver.crypto_prices_cleaned"
    assert query(workspace, count, as_of=FIRST - timedelta(seconds=1)).item() == 0
    everything = "select * from silver.crypto_prices_cleaned order by open_time"
    assert query(workspace, everything, as_of=SECOND).rows() == query(workspace, everything).rows()


def test_python_reads_as_of_and_by_availability(
    lake: tuple[Workspace, dict[str, list[tuple[object, ...]]], list[Row]],
) -> None:
    workspace, _, restated = lake
    with workspace.lake() as connection:
        old = read_klines(connection, SERIES, Span(as_of=BETWEEN))
        new = read_klines(connection, SERIES)
        available = read_klines(connection, SERIES, Span(available_at=ROWS[30].open_time))
    moments = [row.open_time for row in restated]
    assert old.filter(old["open_time"].is_in(moments))["close"].to_list() == [row.close for row in ROWS[20:25]]
    assert new.filter(new["open_time"].is_in(moments))["close"].to_list() == [row.close for row in restated]
    # The bars that had closed by the opening of the 31st: 30 of them, counted as available at their close.
    assert available["open_time"].to_list() == [row.open_time for row in ROWS[:30]]


def test_an_as_of_view_cannot_be_walked_around(
    lake: tuple[Workspace, dict[str, list[tuple[object, ...]]], list[Row]],
) -> None:
    workspace, _, _ = lake
    from assay.domain.errors import BadInputError

    for sql in (
        "select count(*) from lake.silver.crypto_prices_cleaned",
        'select count(*) from "lake"."silver"."crypto_prices_cleaned"',
        "select (select max(close) from lake.silver.kline_revisions)",
        "with a as (select * from lake.silver.kline_revisions) select * from a",
        "from lake.silver.kline_revisions",
        "select * from memory.silver.crypto_prices_cleaned",
    ):
        with pytest.raises(BadInputError, match="schema and table"):
            query(workspace, sql, as_of=BETWEEN)
