"""Maintenance: fewer files, old states let go, and nothing that anybody asks is answered differently."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from assay.domain.clock import FrozenClock
from assay.domain.errors import StorageError
from assay.lake import content, maintenance
from assay.lake.bronze import read_body
from assay.lake.catalog import transaction
from assay.lake.pool import LakePool
from assay.lake.quarantine import quarantined_batches
from assay.pipelines import maintaining
from assay.pipelines.importing import import_file
from assay.pipelines.maintaining import maintain, maintain_if_due
from assay.pipelines.workspace import Workspace
from assay.selectors.query import query
from assay.settings import LakeSettings, Settings
from tests.integration.command import PATIENCE_S, Command, clone, environment
from tests.integration.conftest import NOW, open_frozen
from tests.integration.site_home import SiteHome, site_home

TABLES = (*content.SILVER, *content.GOLD)
BARS, REVISIONS = "silver.crypto_prices_cleaned", "silver.kline_revisions"
AS_OF = """
select count(*), bit_xor(hash(venue, market, symbol, interval, open_time, close, revision)), max(known_at)
from silver.crypto_prices_cleaned
"""
COMMITS = 12
LATER = timedelta(hours=2)
"""After this, what is old now is past the time for which old states stay readable."""


def use_up(workspace: Workspace, commits: int = COMMITS) -> None:
    """Write to the tables as refreshes do, without a change of what they say: rows deleted and there again."""
    with workspace.writing(), workspace.lake(read_only=False) as lake:
        for number in range(commits):
            with transaction(lake):
                for table in (BARS, REVISIONS):
                    times = f"select distinct open_time from lake.{table} order by 1 limit 15 offset {15 * number}"
                    rows = f"open_time in ({times})"
                    lake.execute(f"create or replace temp table kept as select * from lake.{table} where {rows}")
                    lake.execute(f"delete from lake.{table} where {rows}")
                    lake.execute(f"insert into lake.{table} select * from kept")


def machine(after: timedelta = timedelta()) -> FrozenClock:
    """Return a clock of the machine that stands still."""
    return FrozenClock(datetime.now(UTC) + after)


def said(workspace: Workspace, moments: list[datetime]) -> tuple[str, list[object]]:
    """Return the content hash, and answers as of moments."""
    with workspace.lake() as lake:
        digest = content.content_hash(lake, TABLES)
    return digest, [query(workspace, AS_OF, as_of=moment).rows() for moment in moments]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> SiteHome:
    """Return a home with a restatement, quarantine and polled tables, written to many times."""
    home = site_home(tmp_path_factory)
    use_up(home.workspace)
    return home


@pytest.fixture
def used(site: SiteHome, tmp_path: Path) -> Workspace:
    """Return a copy of it."""
    return open_frozen(clone(site.workspace.home.root, tmp_path / "home"), site.workspace.clock.now())


def moments_of(workspace: Workspace) -> list[datetime]:
    """Return the moments at which bars became known, and one in between."""
    with workspace.lake() as lake:
        found = [
            row[0] for row in lake.execute(f"select distinct known_at from lake.{REVISIONS} order by 1").fetchall()
        ]
    return [*found, found[0] + timedelta(minutes=1)]


def parquet_files(workspace: Workspace) -> int:
    return sum(1 for _ in workspace.home.tables.rglob("*.parquet"))


def test_nothing_is_answered_differently_and_files_get_fewer(used: Workspace) -> None:
    moments = moments_of(used)
    before = said(used, moments)
    done = maintain(used, machine=machine())
    assert {BARS, REVISIONS} <= set(done.merged)
    assert said(used, moments) == before
    later = maintain(used, machine=machine(LATER))
    was, now = done.tables["before"], later.tables["after"]
    assert was is not None
    assert now is not None
    assert now.files <= was.files - COMMITS
    assert (now.snapshots, now.old_files) == (1, 0)
    assert now.statistics < was.statistics
    assert parquet_files(used) == now.files
    assert said(used, moments) == before
    again = maintain(used, machine=machine(LATER))
    assert (again.merged, again.expired_snapshots, again.deleted_files, again.orphans) == ([], 0, 0, [])


def test_states_of_the_last_hour_stay_readable(used: Workspace) -> None:
    with used.lake() as lake:
        newest = lake.execute("select id from ducklake_current_snapshot('lake')").fetchall()[0][0]
        oldest = lake.execute("select min(snapshot_time)::timestamptz from ducklake_snapshots('lake')").fetchall()[0][0]
    files = parquet_files(used)
    done = maintain(used, machine=FrozenClock(oldest + timedelta(minutes=50)))
    assert (done.expired_snapshots, done.deleted_files) == (0, 0)
    assert parquet_files(used) >= files
    with used.lake() as lake:
        assert lake.execute(f"select count(*) from lake.{BARS} at (version => {newest - 3})").fetchall()[0][0] > 0


def test_reader_that_is_at_it_finishes_and_the_pool_stays_open(used: Workspace) -> None:
    pool = LakePool(used.home, threads=1)
    try:
        with pool.cursor() as reader:
            count = reader.execute(f"select count(*) from lake.{BARS}").fetchall()
            maintain(used, machine=machine())
            assert reader.execute(f"select count(*) from lake.{BARS}").fetchall() == count
            assert reader.execute(f"select count(distinct close) from lake.{BARS}").fetchall()[0][0] > 1
        born, opened = pool.version().born, pool._opened
        maintain(used, machine=machine(LATER))
        with pool.cursor() as reader:
            assert reader.execute(f"select count(*) from lake.{BARS}").fetchall() == count
        assert pool.version().born == born
        assert pool._opened is opened
    finally:
        pool.close()


def test_killed_anywhere_it_is_done_again(used: Workspace, tmp_path: Path) -> None:
    expected = said(used, [])
    root, moment = used.home.root, (datetime.now(UTC) + LATER).isoformat()
    whole = clone(root, tmp_path / "whole")
    count = int(run_child(whole, moment, 0).stdout)
    assert count >= 8
    for number in (1, count // 2, count):
        home = clone(root, tmp_path / f"killed-{number}")
        assert run_child(home, moment, number).returncode == -signal.SIGKILL
        workspace = open_frozen(home, NOW)
        assert said(workspace, []) == expected
        maintain(workspace, machine=machine(2 * LATER))
        after = maintain(workspace, machine=machine(3 * LATER)).tables["after"]
        assert after is not None
        assert after.old_files == 0
        assert said(workspace, []) == expected


def run_child(home: Path, moment: str, killed_at: int) -> subprocess.CompletedProcess[str]:
    script = Path(__file__).with_name("maintain_killed.py")
    words = [sys.executable, str(script), str(home), moment, str(killed_at)]
    return subprocess.run(words, env=environment(), capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def test_files_that_were_deleted_without_a_note_do_not_stop_it(used: Workspace) -> None:
    maintain(used, machine=machine())
    maintain(used, machine=machine())
    with used.lake() as lake:
        due = maintenance.delete_files(lake, used.home, before=machine(LATER).now(), is_dry=True)
    gone = next(path for path in used.home.tables.rglob("*.parquet") if path.name == Path(due[0]).name)
    gone.unlink()
    done = maintain(used, machine=machine(LATER))
    assert done.deleted_files >= len(due)


def test_orphans_go_when_that_is_asked_for(used: Workspace) -> None:
    orphan = used.home.tables / "silver" / "crypto_prices_cleaned" / "ducklake-orphan.parquet"
    fresh = orphan.with_name("ducklake-fresh.parquet")
    for path in (orphan, fresh):
        duckdb.execute("copy (select 1 as one) to '" + str(path) + "' (format parquet)")
    old = time.time() - 3 * 86_400
    os.utime(orphan, (old, old))
    files = set(used.home.tables.rglob("*.parquet"))
    assert [Path(path).name for path in maintain(used, is_dry=True).orphans] == [orphan.name]
    assert orphan.exists()
    maintain(used, delete_orphans=True, machine=machine())
    assert not orphan.exists()
    assert fresh.exists()
    assert files - {orphan} <= set(used.home.tables.rglob("*.parquet"))


def test_leftovers_of_the_killed_go_after_a_day(used: Workspace) -> None:
    old, fresh = (used.home.bronze / "klines" / f".{name}.parquet.0123.tmp" for name in ("old", "fresh"))
    for path in (old, fresh):
        path.write_bytes(b"half")
    two_days_ago = time.time() - 2 * 86_400
    os.utime(old, (two_days_ago, two_days_ago))
    assert maintain(used, is_dry=True).leftovers == 1
    done = maintain(used)
    assert (done.leftovers, done.freed_bytes) == (1, 4)
    assert (old.exists(), fresh.exists()) == (False, True)


def with_lake(workspace: Workspace, **lake: object) -> Workspace:
    """Return the workspace with other settings of the lake, a thousand days later."""
    settings = Settings(home=workspace.home.root, lake=LakeSettings.model_validate({"threads": 1, **lake}))
    return Workspace(settings, workspace.home, FrozenClock(workspace.clock.now() + timedelta(days=1_000)))


def test_bodies_past_their_time_go_but_those_of_quarantine(used: Workspace) -> None:
    later = with_lake(used, keep_bodies="999d")
    needed = [one.header for one in quarantined_batches(used.home.bronze)]
    before = said(used, [])
    assert maintain(with_lake(used, keep_bodies="1001d")).bodies == 0
    bodies = set(used.home.bronze.rglob("*.body.*"))
    rows = {path: path.read_bytes() for path in used.home.bronze.rglob("*.parquet")}
    assert maintain(later).bodies == len(bodies) - len(set(used.home.bronze.rglob("*.body.*"))) > 0
    assert all(read_body(used.home.bronze, header) for header in needed)
    assert {path: path.read_bytes() for path in used.home.bronze.rglob("*.parquet")} == rows
    assert said(used, []) == before
    assert maintain(later).bodies == 0


def test_home_over_its_budget_refuses_more_and_frees_what_can_be_made_again(used: Workspace, tmp_path: Path) -> None:
    (used.home.cache / "dbt").mkdir(parents=True, exist_ok=True)
    (used.home.cache / "dbt" / "made_again").write_bytes(b"x" * 100_000)
    over = with_lake(used, disk_budget=1_000_000)
    with pytest.raises(StorageError, match=r"run `assay maintain`, or raise lake\.disk_budget"):
        import_file(over, tmp_path / "none.csv", None)  # type: ignore[arg-type]  # it is not looked at
    before = said(used, [])
    done = maintain(over, machine=machine())
    assert not (used.home.cache / "dbt").exists()
    assert done.home["before"].is_over
    assert done.freed_bytes >= 100_000
    assert said(used, []) == before


def test_job_that_runs_on_tidies_when_enough_has_gathered(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintaining, "DUE_FILES", 10)  # as many as the 100 hours of this home can be spread over
    workspace = open_frozen(clone(built, tmp_path / "home"), NOW)
    assert maintain_if_due(workspace) is None
    use_up(workspace, 6)
    before = said(workspace, [])
    done = maintain_if_due(workspace)
    assert done is not None
    assert {BARS, REVISIONS} <= set(done.merged)
    assert maintain_if_due(workspace) is None
    assert said(workspace, []) == before


def test_command_says_what_it_would_do_and_does_it(
    used: Workspace, capsys: pytest.CaptureFixture[str], tree: Callable[[Path], dict[str, int]]
) -> None:
    assay = Command(capsys, used.home.root)
    before = tree(used.home.tables)
    dry = assay("maintain", "--dry-run", "--json")
    assert dry.code == 0, dry.err
    assert tree(used.home.tables) == before
    assert {BARS, REVISIONS} <= set(dry.document["merged"])
    done = assay("maintain")
    assert done.code == 0, done.err
    assert "put together" in done.out
    assert assay("status", "--json").document["disk"]["bytes"] > 0


@pytest.fixture
def tree() -> Callable[[Path], dict[str, int]]:
    """Return a function that lists the files of a folder with their sizes."""
    return lambda root: {str(path): path.stat().st_size for path in root.rglob("*") if path.is_file()}
