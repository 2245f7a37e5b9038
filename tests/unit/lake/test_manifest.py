"""What the lake knows of bronze: each batch once, late ones too, and none that is gone after everything was listed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from assay.domain.points import Point, observed
from assay.lake import bronze, manifest
from assay.lake.catalog import connect
from assay.lake.home import Home, open_home
from tests.integration.homes import share_caches
from tests.unit.lake.test_bronze import FETCHED, HEADER, write


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = open_home(tmp_path_factory.mktemp("manifest") / "home")
    share_caches(home.root)
    return home


@pytest.fixture
def lake(home: Home, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    home.catalog.unlink(missing_ok=True)
    with connect(home) as connection:
        manifest.prepare(connection)
        yield connection


def commit(root: Path, name: str) -> Path:
    header = replace(HEADER, batch_id=name)
    write(root, header)
    path = bronze.find_batch(root, header)
    assert path is not None
    return path


def settle(path: Path, seconds: int) -> None:
    """Give the batch's directory a time that lies back, as if the clock had gone on."""
    moment = path.parent.stat().st_mtime_ns - seconds * 1_000_000_000
    os.utime(path.parent, ns=(moment, moment))


def test_each_batch_is_registered_once_and_pending_until_it_is_published(
    lake: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    commit(tmp_path, "aa")
    commit(tmp_path, "bb")
    assert [manifest.register(lake, tmp_path) for _ in range(2)] == [2, 0]
    assert manifest.pending(lake) == ["aa", "bb"]
    manifest.publish(lake, ["aa"])
    assert manifest.pending(lake) == ["bb"]
    row = lake.execute("select path, source, known_at, accepted from lake.bronze.batches where batch_id = 'aa'")
    assert row.fetchall() == [("klines/venue=binance/known_date=2025-06-01/aa.parquet", "naïve.csv", FETCHED, 3)]
    assert lake.execute("select count(*) from lake.bronze.batch_ranges").fetchall() == [(4,)]


def test_a_batch_that_comes_into_a_directory_that_was_just_listed_is_found(
    lake: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = commit(tmp_path, "aa")
    listed_at = path.parent.stat().st_mtime_ns
    assert manifest.register(lake, tmp_path) == 1
    commit(tmp_path, "bb")
    os.utime(path.parent, ns=(listed_at, listed_at))  # within one tick of the clock
    assert manifest.register(lake, tmp_path) == 1


def test_a_settled_directory_is_not_looked_into_again_until_it_changes(
    lake: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = commit(tmp_path, "aa")
    settle(path, 60)
    assert manifest.register(lake, tmp_path) == 1
    hidden = commit(tmp_path, "bb")
    settle(hidden, 60)
    seen = lake.execute("select modified_ns from lake.refresh.partitions").fetchall()[0][0]
    os.utime(path.parent, ns=(seen, seen))  # put back from a backup, with an old time
    assert manifest.register(lake, tmp_path) == 0
    assert manifest.register(lake, tmp_path, everything=True) == 2
    assert manifest.pending(lake) == ["aa", "bb"]


def test_batches_that_are_gone_are_told_and_forgotten_when_everything_is_listed(
    lake: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    gone, kept = commit(tmp_path, "aa"), commit(tmp_path, "bb")
    manifest.register(lake, tmp_path)
    manifest.publish(lake, ["aa", "bb"])
    gone.unlink()
    assert manifest.absent(lake, tmp_path, ["aa", "bb"]) == [gone]
    manifest.register(lake, tmp_path)
    assert manifest.absent(lake, tmp_path, ["aa", "bb"]) == [gone]
    manifest.register(lake, tmp_path, everything=True)
    assert manifest.absent(lake, tmp_path, ["aa", "bb"]) == []
    assert lake.execute("select batch_id from lake.bronze.batches").fetchall() == [(kept.stem,)]
    assert lake.execute("select distinct batch_id from lake.bronze.batch_ranges").fetchall() == [(kept.stem,)]
    assert manifest.pending(lake) == []


def test_a_changed_definition_is_noticed_after_the_first_one_was_noted(lake: duckdb.DuckDBPyConnection) -> None:
    assert not manifest.definition_changed(lake, "sql", "one")
    manifest.publish(lake, [], {"sql": "one"})
    assert not manifest.definition_changed(lake, "sql", "one")
    assert manifest.definition_changed(lake, "sql", "two")
    manifest.publish(lake, [], {"sql": "two"})
    assert not manifest.definition_changed(lake, "sql", "two")


def test_published_batches_and_what_the_tables_are_made_by_are_noted_together(lake: duckdb.DuckDBPyConnection) -> None:
    seen: list[Point] = []
    with observed(seen.append):
        manifest.publish(lake, ["aa"], {"sql": "one", "steps": "two"})
    assert seen == [Point.LAKE_WRITTEN, Point.LAKE_COMMITTED], "a process that dies in between leaves both or neither"
    assert lake.execute("select batch_id from lake.refresh.published").fetchall() == [("aa",)]
    assert lake.execute("from lake.refresh.definitions order by all").fetchall() == [("sql", "one"), ("steps", "two")]


def test_batches_of_all_datasets_are_registered_with_their_slots_and_quarantined_rows_are_no_dataset(
    lake: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    commit(tmp_path, "aa")
    header = replace(HEADER, batch_id="bb", dataset="tickers", slot="2024-05-01T12:15:00+00:00")
    write(tmp_path, header)
    assert (tmp_path / "quarantine").is_dir()
    assert manifest.register(lake, tmp_path) == 2
    rows = lake.execute("select batch_id, dataset, slot from lake.bronze.batches order by 1").fetchall()
    assert rows == [("aa", "klines", ""), ("bb", "tickers", "2024-05-01T12:15:00+00:00")]
    assert manifest.datasets_of(lake, ["bb"]) == {"tickers"}
    assert manifest.datasets_of(lake) == {"klines", "tickers"}
    assert {name.split("/")[0] for name, _ in manifest.partitions(tmp_path)} == {"klines", "tickers"}


def test_headers_kept_by_an_older_program_are_read_again_and_what_was_published_stays_so(
    lake: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    settle(commit(tmp_path, "aa"), 60)
    manifest.register(lake, tmp_path)
    manifest.publish(lake, ["aa"])
    lake.execute("alter table lake.bronze.batches drop column slot")
    manifest.prepare(lake)
    assert not manifest.holds_batches(lake)
    assert manifest.register(lake, tmp_path) == 1
    assert manifest.pending(lake) == []
    assert lake.execute("select batch_id, slot from lake.bronze.batches").fetchall() == [("aa", "")]
    assert lake.execute("select count(*) from lake.bronze.batch_ranges").fetchall() == [(2,)]
