"""What was foretold is written once, found again by its grain, and never changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from assay.lake import prediction_tables as tables
from assay.lake.catalog import connect
from assay.lake.home import open_home
from assay.lake.manifest import has_table
from assay.lake.prediction_tables import Configuration, Foretold
from tests.integration.homes import share_caches

START = datetime(2026, 6, 1, tzinfo=UTC)
CHOSEN = Configuration("logistic", "direction/1#abc", 24)
KEY = ("binance", "spot", "BTC-USDT", "1h")
NO_PREDICTIONS = pl.DataFrame(schema=tables.PREDICTION_SCHEMA)
NO_EVIDENCE = pl.DataFrame(schema=tables.EVIDENCE_SCHEMA)


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    home = open_home(tmp_path / "home")
    share_caches(home.root)
    with connect(home) as connection:
        tables.prepare(connection)
        yield connection


def prediction(hour: int, kind: str = tables.LIVE, **more: object) -> dict[str, object]:
    as_of = START + timedelta(hours=hour)
    return {
        **dict(zip(("venue", "market", "symbol", "interval"), KEY, strict=True)),
        "task": CHOSEN.task, "model": CHOSEN.model, "model_version": "", "feature_set": CHOSEN.feature_set,
        "horizon_hours": CHOSEN.horizon_hours, "reason": "", "data_version": "00", "as_of": as_of,
        "until": as_of + timedelta(hours=24), "close": 100.0 + hour, "probability_up": 0.5, "base_rate_up": 0.5,
        "is_up": False, "signal": "ABSTAIN", "kind": kind, "fitted_until": as_of, "fitted_rows": 200,
        "known_at": as_of, **more,
    }  # fmt: skip


def evidence(day: int, **more: object) -> dict[str, object]:
    return {
        **dict(zip(("venue", "market", "symbol", "interval"), KEY, strict=True)),
        "model": CHOSEN.model, "feature_set": CHOSEN.feature_set, "horizon_hours": CHOSEN.horizon_hours,
        "verdict": "no_skill", "sentence": f"day {day}", "trials": 1, "known_at": START + timedelta(days=day), **more,
    }  # fmt: skip


def frame(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=tables.PREDICTION_SCHEMA, orient="row")


def judged(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=tables.EVIDENCE_SCHEMA, orient="row")


def test_what_is_there_is_left_as_it_was_first_said(lake: duckdb.DuckDBPyConnection) -> None:
    first = Foretold(frame(prediction(1), prediction(1, tables.WALK_FORWARD)), NO_EVIDENCE)
    assert tables.append(lake, [first]) == {"walk_forward": 1, "live": 1, "abstained": 0, "evidence": 0}
    later = Foretold(frame(prediction(1, probability_up=0.9), prediction(2)), NO_EVIDENCE)
    assert tables.append(lake, [later]) == {"walk_forward": 0, "live": 1, "abstained": 0, "evidence": 0}
    rows = lake.execute(f"select as_of, kind, probability_up from lake.{tables.PREDICTIONS} order by all").fetchall()
    assert [(row[0], row[1], row[2]) for row in rows] == [
        (START + timedelta(hours=1), "live", 0.5),
        (START + timedelta(hours=1), "walk_forward", 0.5),
        (START + timedelta(hours=2), "live", 0.5),
    ]


def test_another_configuration_of_the_same_hour_is_another_prediction(lake: duckdb.DuckDBPyConnection) -> None:
    same = prediction(1)
    others = [
        same | {"task": "direction_12h"},
        same | {"model_version": "4f1c0a9be2d7"},
        same | {"feature_set": "direction/2#def"},
        same | {"symbol": "ETH-USDT"},
    ]
    assert tables.append(lake, [Foretold(frame(same, *others), NO_EVIDENCE)])["live"] == 5


def test_a_run_that_stops_half_way_leaves_nothing(lake: duckdb.DuckDBPyConnection) -> None:
    def parts() -> Iterator[Foretold]:
        yield Foretold(frame(prediction(1)), judged(evidence(0)))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tables.append(lake, parts())
    for name in (tables.PREDICTIONS, tables.EVIDENCE):
        assert lake.execute(f"select count(*) from lake.{name}").fetchall() == [(0,)]


OLD = """
create table lake.gold.direction_predictions as
select
    'binance' as venue, 'spot' as market, 'BTC-USDT' as symbol, '1h' as interval, 'logistic' as model,
    'direction/1#abc' as feature_set, horizon_hours::integer as horizon_hours, as_of,
    as_of + interval 24 hours as until,
    100.0::double as close, 0.5::double as probability_up, 0.5::double as base_rate_up, false as is_up,
    'ABSTAIN' as signal, kind, as_of as fitted_until, 200::bigint as fitted_rows, as_of as known_at
from
    unnest(['walk_forward', 'live']) as one (kind), unnest([12, 24]) as two (horizon_hours),
    range(timestamptz '2026-06-01', timestamptz '2026-06-03', interval 1 hour) as three (as_of)
"""


def test_the_rows_of_the_table_that_was_there_before_are_taken_over_once(lake: duckdb.DuckDBPyConnection) -> None:
    tables.append(lake, [Foretold(frame(prediction(1)), NO_EVIDENCE)])  # made by a newer program before
    lake.execute(OLD)
    tables.prepare(lake)
    told = f"select count(*), min(task), max(task), max(model_version), max(reason) from lake.{tables.PREDICTIONS}"
    assert lake.execute(told).fetchall() == [(192, "direction_12h", "direction_24h", "", "")]
    first = f"select known_at, data_version from lake.{tables.PREDICTIONS} where data_version <> ''"
    assert lake.execute(first).fetchall() == [(START + timedelta(hours=1), "00")], "what is there stays"
    assert not has_table(lake, "gold.direction_predictions")
    tables.prepare(lake)
    assert lake.execute(told).fetchall()[0][0] == 192


def test_rows_of_an_older_lake_are_taken_over_as_they_are_now(lake: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    with connect(open_home(tmp_path / "older")) as older:
        older.execute("create schema lake.gold")
        older.execute(OLD)
        tables.append(lake, [Foretold(frame(prediction(1)), NO_EVIDENCE)])
        assert tables.take_over(lake, older) == {tables.PREDICTIONS: 191, tables.EVIDENCE: 0}
        assert tables.take_over(lake, older) == {tables.PREDICTIONS: 0, tables.EVIDENCE: 0}


def test_preparing_again_changes_nothing(lake: duckdb.DuckDBPyConnection) -> None:
    tables.append(lake, [Foretold(frame(prediction(1)), judged(evidence(0)))])
    before = lake.execute("select max(snapshot_id) from lake.snapshots()").fetchall()
    tables.prepare(lake)
    assert lake.execute("select max(snapshot_id) from lake.snapshots()").fetchall() == before


def test_the_newest_evidence_of_each_series_is_found(lake: duckdb.DuckDBPyConnection) -> None:
    assert tables.latest_evidence(lake) == []
    rows = judged(evidence(2), evidence(0), evidence(1, symbol="ETH-USDT"))
    tables.append(lake, [Foretold(NO_PREDICTIONS, rows)])
    assert [(one["symbol"], one["sentence"]) for one in tables.latest_evidence(lake)] == [
        ("BTC-USDT", "day 2"),
        ("ETH-USDT", "day 1"),
    ]


def test_trials_count_each_pair_of_series_and_configuration_once(lake: duckdb.DuckDBPyConnection) -> None:
    assert tables.count_trials(lake, CHOSEN, [KEY]) == 1
    rows = judged(evidence(0), evidence(1), evidence(2, horizon_hours=12), evidence(3, symbol="ETH-USDT"))
    tables.append(lake, [Foretold(NO_PREDICTIONS, rows)])
    assert tables.count_trials(lake, CHOSEN, []) == 3
    assert tables.count_trials(lake, CHOSEN, [KEY, ("binance", "spot", "SOL-USDT", "1h")]) == 4
    assert tables.count_trials(lake, Configuration("logistic", "direction/2#def", 24), [KEY]) == 4


def test_without_bars_there_is_no_series(lake: duckdb.DuckDBPyConnection) -> None:
    assert tables.states(lake, CHOSEN) == []
