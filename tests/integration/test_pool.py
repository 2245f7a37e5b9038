"""Connections that stay open see whole snapshots, all commits of other processes, and a catalogue made anew."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import pytest

from assay.domain.errors import HomeError, NotBuiltError, StorageError
from assay.lake.pool import LakePool
from assay.lake.version import NO_VERSION, DataVersion, list_tables, read_version
from assay.pipelines.building import build
from assay.pipelines.workspace import Workspace
from assay.selectors.candles import CandleRequest, candles
from assay.selectors.kept import Reading, answer
from tests.integration.command import PATIENCE_S, clone
from tests.integration.conftest import NOW, ROWS, MakeWorkspace, bring_in, open_frozen
from tests.integration.homes import share_project
from tests.made_klines import hourly, write_csv

COUNT = "select count(*) from lake.silver.crypto_prices_cleaned"
INDICATORS = "select count(*) from lake.silver.technical_indicators"
WAVE = 60
WAVES = 2
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}


@pytest.fixture
def home(built: Path, tmp_path: Path) -> Workspace:
    """Return a home of 100 hours of its own."""
    return open_frozen(clone(built, tmp_path / "home"), NOW)


def count(workspace: Workspace) -> int:
    with workspace.lake() as lake:
        return int(lake.execute(COUNT).fetchall()[0][0])


def add(workspace: Workspace, folder: Path, rows: int) -> None:
    bring_in(workspace, write_csv(folder / f"{rows}.csv", hourly(rows)))
    build(workspace)


def test_a_kept_open_lake_sees_what_another_connection_commits(home: Workspace, tmp_path: Path) -> None:
    with home.kept_open() as opened:
        before = opened.data_version()
        assert count(opened) == len(ROWS)
        add(home, tmp_path, 130)
        assert count(opened) == 130
        assert opened.data_version().number > before.number
        assert opened.data_version() == home.data_version()


def test_a_block_sees_one_snapshot_whatever_is_committed_meanwhile(home: Workspace, tmp_path: Path) -> None:
    with home.kept_open() as opened:
        with opened.lake() as lake:
            version = read_version(lake)
            add(home, tmp_path, 130)
            assert lake.execute(COUNT).fetchall() == [(len(ROWS),)]
            assert lake.execute(INDICATORS).fetchall() == [(len(ROWS),)]
            assert read_version(lake) == version
            assert list_tables(lake, version) == list_tables(lake, read_version(lake))
        assert count(opened) == 130


def test_the_lists_of_tables_agree_with_duckdb(home: Workspace) -> None:
    with home.lake() as lake:
        rows = lake.execute(
            "select table_schema || '.' || table_name from information_schema.tables where table_catalog = 'lake'"
        ).fetchall()
        assert list_tables(lake, read_version(lake)) == {row[0] for row in rows}
        assert list_tables(lake, DataVersion(0)) == set()


def test_a_lake_that_is_not_there_yet_is_found_when_it_is(make_workspace: MakeWorkspace, tmp_path: Path) -> None:
    workspace = make_workspace()
    with workspace.kept_open() as opened:
        assert opened.data_version() == NO_VERSION
        assert opened.data_version().tag == "0-00000000"
        with pytest.raises(NotBuiltError, match="has not been built"), opened.lake():
            pytest.fail("there is nothing to open")
        workspace.home.catalog.touch()  # as a writer leaves it that was killed before its first commit
        assert opened.data_version() == NO_VERSION
        with pytest.raises(NotBuiltError):
            candles(opened, CandleRequest("BTC"))
        workspace.home.catalog.unlink()
        add(workspace, tmp_path, 40)
        assert count(opened) == 40
        assert opened.data_version() == workspace.data_version() != NO_VERSION


@pytest.mark.parametrize("is_inode_new", [True, False])
def test_a_catalogue_that_was_made_anew_is_taken_for_what_it_is(
    home: Workspace, tmp_path: Path, is_inode_new: bool
) -> None:
    with home.kept_open() as opened:
        old = opened.data_version()
        assert count(opened) == len(ROWS)
        lake = home.home.catalog.parent
        anew = open_frozen(tmp_path / "anew", NOW)
        add(anew, tmp_path, 55)
        if is_inode_new:
            shutil.rmtree(lake)
            shutil.copytree(anew.home.catalog.parent, lake)
        else:  # the same file with other content, as an inode that is used again looks
            for stale in lake.glob("catalog.sqlite-*"):
                stale.unlink()
            home.home.catalog.write_bytes(anew.home.catalog.read_bytes())
            shutil.rmtree(home.home.tables)
            shutil.copytree(anew.home.tables, home.home.tables)
        assert count(opened) == 55
        assert opened.data_version().tag != old.tag
        assert candles(opened, CandleRequest("BTC", "1h")).frame.height == 55


def test_what_was_computed_is_kept_until_the_lake_changes(home: Workspace, tmp_path: Path) -> None:
    computed = []

    def compute(reading: Reading) -> int:
        computed.append(reading.version)
        return int(reading.connection.execute(COUNT).fetchall()[0][0])

    with home.kept_open() as opened:
        assert [answer(opened, "count", compute) for _ in range(3)] == [100, 100, 100]
        assert len(computed) == 1
        add(home, tmp_path, 130)
        assert [answer(opened, "count", compute) for _ in range(3)] == [130, 130, 130]
        assert computed == [computed[0], opened.data_version()]
    assert answer(home, "count", compute) == 130


def test_an_answer_is_of_one_snapshot_though_a_writer_commits_while_it_is_computed(
    home: Workspace, tmp_path: Path
) -> None:
    """The version is looked at first and the lake opened at the first read: between the two a commit may come."""
    tries: list[DataVersion] = []

    def compute(reading: Reading) -> tuple[int, DataVersion]:
        if not tries:
            add(home, tmp_path, 130)
        tries.append(reading.version)
        return int(reading.connection.execute(COUNT).fetchall()[0][0]), reading.version

    with home.kept_open() as opened:
        old = opened.data_version()
        found, version = answer(opened, "count", compute)
        assert (found, version) == (130, opened.data_version())
        assert tries == [old, version]


def test_wrong_sql_is_the_callers_and_leaves_the_pool_as_it_is(home: Workspace) -> None:
    with home.kept_open() as opened:
        with pytest.raises(duckdb.CatalogException), opened.lake() as lake:
            lake.execute("select * from lake.silver.nothing")
        assert count(opened) == len(ROWS)
        with pytest.raises(duckdb.Error, match="read-only"), opened.lake() as lake:
            lake.execute("delete from lake.silver.crypto_prices_cleaned")
        assert count(opened) == len(ROWS)


def test_files_that_are_gone_are_a_damaged_home_and_not_a_traceback(home: Workspace) -> None:
    with home.kept_open() as opened:
        shutil.rmtree(home.home.tables / "silver")
        with pytest.raises(HomeError, match="tables cannot be used"):
            candles(opened, CandleRequest("BTC"))


def test_a_closed_pool_refuses(home: Workspace) -> None:
    pool = LakePool(home.home)
    with pool.cursor() as cursor:
        pool.close()
        assert cursor.execute(COUNT).fetchall() == [(len(ROWS),)]  # who is at work may finish
    with pytest.raises(StorageError, match="was closed"), pool.cursor():
        pytest.fail("it is closed")


@pytest.fixture
def waves(tmp_path: Path) -> tuple[Workspace, list[str]]:
    """Return a home with the first wave, and the command of a writer of its own process that brings the others."""
    workspace = open_frozen(tmp_path / "waves", NOW)
    rows = hourly(WAVE * WAVES)
    folder = tmp_path / "files"
    for wave in range(1, WAVES + 1):
        write_csv(folder / f"{wave}.csv", rows[: WAVE * wave])
    bring_in(workspace, folder / "1.csv", recorded_at=NOW)
    build(workspace)
    share_project(workspace.home.root)
    script = Path(__file__).with_name("build_in_waves.py")
    return workspace, [sys.executable, str(script), str(workspace.home.root), str(folder), str(WAVES)]


def wait_for_reads(seen: list[list[tuple[int, ...]]], count: int, errors: list[BaseException]) -> None:
    """Wait until each thread has read so many times, or one of them has failed."""
    deadline = time.monotonic() + PATIENCE_S
    while not errors and min(map(len, seen)) < count:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_eight_threads_read_whole_snapshots_while_a_process_builds_and_makes_everything_anew(
    waves: tuple[Workspace, list[str]],
) -> None:
    workspace, command = waves
    stop, errors = threading.Event(), list[BaseException]()
    seen: list[list[tuple[int, ...]]] = [[] for _ in range(8)]

    def poll(opened: Workspace, found: list[tuple[int, ...]]) -> None:
        try:
            while not stop.is_set():
                with opened.lake() as lake:  # two statements, one snapshot
                    first = lake.execute("select count(*), count(distinct open_time) from lake.silver.kline_revisions")
                    observed = first.fetchall()[0]
                    bars = lake.execute(COUNT).fetchall()[0][0]
                shown = candles(opened, CandleRequest("BTC", "1h", indicators=("ema:12",)))
                found.append((*observed, bars, shown.frame.height, shown.indicators["ema:12"].values["ema_12"].size))
                stop.wait(0.5)
        except BaseException as error:
            errors.append(error)

    with workspace.kept_open() as opened:
        threads = [threading.Thread(target=poll, args=(opened, found)) for found in seen]
        for thread in threads:
            thread.start()
        try:
            wait_for_reads(seen, 1, errors)
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=PATIENCE_S, check=False, env=ENVIRONMENT
            )
            wait_for_reads(seen, 4, errors)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert errors == []
        assert done.returncode == 0, done.stderr
        whole = {WAVE * wave for wave in range(1, WAVES + 1)}
        for found in seen:
            assert len(found) > 3
            for observed, distinct, bars, shown, values in found:
                # Each file begins at the beginning: the second one is WAVE bars seen again, and WAVE new ones.
                assert (observed, distinct) in {(WAVE, WAVE), (3 * WAVE, 2 * WAVE)}
                assert {bars, shown} <= whole
                assert bars <= distinct  # bars follow from what was observed, a commit later
                assert values == shown
            assert [row[3] for row in found] == sorted(row[3] for row in found)
        assert count(opened) == WAVE * WAVES
        assert len(candles(opened, CandleRequest("BTC", "1h")).frame) == WAVE * WAVES
