"""What was known at a moment can be asked at any later moment, and stays what it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from assay.domain.errors import BadInputError
from assay.domain.instrument import SeriesId
from assay.features.sets import RETURNS_AND_RISK, TECHNICAL
from assay.lake.as_of import relation, tables
from assay.lake.reads import Span, read_klines
from assay.lake.version import list_tables, read_version
from assay.pipelines.building import build
from assay.pipelines.computing import ComputeRequest, compute_features
from assay.pipelines.workspace import Workspace
from assay.selectors.query import query
from assay.selectors.status import status
from assay.settings.features import FeatureSettings
from tests.integration.conftest import NOW, at, bring_in
from tests.made_klines import Row, hourly, write_csv

SERIES = SeriesId.parse("binance:spot:BTC-USDT:1h")
FIRST, SECOND = NOW, NOW + timedelta(days=7)
BETWEEN = NOW + timedelta(days=3)
ROWS = hourly(120, holes=((50, 60),))
TABLES = (
    "silver.crypto_prices_cleaned", "silver.technical_indicators", "silver.returns_and_risk",
    "gold.daily_crypto_metrics",
)  # fmt: skip


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


def test_every_table_can_be_asked_by_both_clocks(
    lake: tuple[Workspace, dict[str, list[tuple[object, ...]]], list[Row]],
) -> None:
    workspace, _, _ = lake
    with workspace.lake() as connection:
        present = list_tables(connection, read_version(connection)) & set(tables())
        assert {"bronze.raw_crypto_prices", "silver.quarantined_rows", "gold.daily_crypto_metrics"} <= present
        for name in sorted(present):
            rows = [
                connection.execute(f"select count(*) from {relation(name, *seen)}").fetchall()[0][0]
                for seen in ((None, None), (None, SECOND), (SECOND, SECOND), (None, ROWS[0].open_time))
            ]
            # All of this market has closed by then; before its first bar had, nothing was there but what is stated.
            assert rows[0] == rows[1] == rows[2], name
            assert rows[3] == 0 or name == "silver.asset_identities", name


def test_status_as_of_a_moment_counts_what_was_known_then(
    lake: tuple[Workspace, dict[str, list[tuple[object, ...]]], list[Row]],
) -> None:
    workspace, then, _ = lake
    old, now = status(workspace, as_of=BETWEEN), status(workspace)
    (series,) = old.series
    assert (old.batches, series.bars, series.restated_bars) == (1, len(then["silver.crypto_prices_cleaned"]), 0)
    assert (now.batches, now.series[0].restated_bars) == (3, 5)
    assert [run["started_at"] for run in old.runs] == []
    moment = ROWS[30].open_time
    available = status(workspace, available_at=moment)
    assert (available.series[0].bars, available.available_at) == (30, moment)
    assert status(workspace, as_of=FIRST - timedelta(days=1)).series == ()


def test_features_are_computed_over_the_bars_of_the_moment_and_go_on_being_so(
    lake: tuple[Workspace, dict[str, list[tuple[object, ...]]], list[Row]],
) -> None:
    workspace, then, _ = lake
    hashes = set()
    for chosen in (TECHNICAL, RETURNS_AND_RISK):
        found = compute_features(workspace, ComputeRequest("BTCUSDT", chosen.name, span=Span(as_of=BETWEEN)))
        rows = found.frame.drop("close_time", "available_at").with_columns(pl.lit(found.feature_set)).rows()
        hashes.add(found.content_hash)
        assert rows == then[f"silver.{'technical_indicators' if chosen is TECHNICAL else chosen.name}"]
    now = compute_features(workspace, ComputeRequest("BTC-USDT", "technical"))
    assert now.span.as_of == SECOND
    assert len(hashes | {now.content_hash}) == 3
    part = compute_features(workspace, ComputeRequest("BTC-USDT", "technical", span=Span(start=ROWS[70].open_time)))
    assert part.frame.rows() == now.frame.filter(pl.col("open_time") >= ROWS[70].open_time).rows()


def test_features_by_usual_names_of_a_set_of_ones_own_and_against_a_reference(
    lake: tuple[Workspace, dict[str, list[tuple[object, ...]]], list[Row]], tmp_path: Path
) -> None:
    workspace, _, _ = lake
    file = tmp_path / "mine.yaml"
    file.write_text("{name: mine, version: 1, steps: ['ema:3@volume', rsi], aliases: {rsi_14: strength}}")
    own = workspace.settings.model_copy(update={"features": FeatureSettings(sets=(str(file),))})
    workspace = replace(workspace, settings=own)
    mine = compute_features(workspace, ComputeRequest("BTC-USDT", "mine"))
    assert mine.frame.columns[6:] == ["ema_3_of_volume", "strength", "available_at"]
    usual = compute_features(
        workspace, ComputeRequest("BTC-USDT", "RSI_14,MACD_signal,beta:24", names="usual", reference="BTC-USDT")
    )
    columns = ["RSI_14", "MACD_signal", "beta_24_to_btc_usdt", "correlation_24_to_btc_usdt"]
    assert usual.frame.columns[6:-1] == columns
    assert usual.frame["RSI_14"].equals(mine.frame["strength"])
    # A series moves with itself.
    known = usual.frame["beta_24_to_btc_usdt"].drop_nulls()
    assert known.len() > 24
    np.testing.assert_allclose(known.to_numpy(), 1.0, rtol=1e-9)
    for features, said in (
        ("beta", "something to be held against"), ("technicl", "did you mean technical"), ("rsj:3", "did you mean rsi"),
        ("", "no features named"),
    ):  # fmt: skip
        with pytest.raises(BadInputError, match=said):
            compute_features(workspace, ComputeRequest("BTC-USDT", features))
    file.write_text("{name: technical, version: 1, steps: [rsi]}")
    with pytest.raises(BadInputError, match="two feature sets of one name"):
        compute_features(workspace, ComputeRequest("BTC-USDT", "rsi"))
    file.write_text("{name: mine, version: 1, steps: [rsi:0]}")
    with pytest.raises(BadInputError, match=r"mine\.yaml: steps\[1\]: length of rsi out of range"):
        compute_features(workspace, ComputeRequest("BTC-USDT", "rsi"))
