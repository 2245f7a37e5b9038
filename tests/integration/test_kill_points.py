"""kill -9 at every named point of ingest and build, then the same again: the same as if nothing had happened."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from assay.domain.errors import NoDataError
from assay.domain.points import Point, observed
from assay.lake import bronze
from assay.lake.coverage import CoverageLedger
from assay.lake.coverage_cache import read_coverage
from assay.lake.quarantine import quarantined_batches
from assay.pipelines.workspace import Workspace
from assay.selectors.status import status
from assay.venues.ledger import Ledger
from assay.venues.locked_file import LockedFile
from tests.integration.command import clone, environment
from tests.integration.conftest import hashes
from tests.integration.homes import share_project
from tests.integration.ingest_and_build import work, workspace_of
from tests.integration.simulated import START, headers

SCRIPT = Path(__file__).with_name("ingest_and_build.py")
FIRST = START + timedelta(minutes=5)
SECOND = FIRST + timedelta(minutes=15)
VENUES = ("binance", "coingecko", "wazirx")
WRITING = (Point.FILE_WRITTEN, Point.FILE_NAMED, Point.STATE_BEGUN, Point.STATE_WRITTEN, Point.STATE_REMOVED)
"""Points of every small file, which a poll comes to many times."""
INGESTING = (Point.QUARANTINE_KEPT, Point.BODY_KEPT, Point.BATCH_COMMITTED, *WRITING)
"""Those of ingesting, the rarest first: a poll that was killed elsewhere may have passed it, and will not again."""
PACKING = (
    Point.PACK_BODIES_KEPT, Point.PACK_QUARANTINE_KEPT, Point.PACK_LISTED, Point.PACK_COMMITTED, Point.PACKED_REMOVED,
)  # fmt: skip
"""Those of maintenance; :mod:`test_compaction` kills it there."""
REACHED = [point for point in Point if point not in PACKING]
TRIED = 5
"""So many hits of a point that is reached more often are tried, evenly spread."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A home after the first poll and build, and what two more polls make of it when nobody is killed."""

    folder: Path
    hits: Counter[Point]
    expected: dict[str, object]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Poll and build once, keep that, and poll and build again, counting the points."""
    folder = tmp_path_factory.mktemp("prepared")
    work(folder, "base", FIRST)
    share_project(folder / "base")
    copy(folder, folder, "whole")
    seen: Counter[Point] = Counter()
    with observed(lambda point: seen.update([point])):
        whole = work(folder, "whole", SECOND)
    return Prepared(folder, seen, everything_in(whole))


def copy(source: Path, target: Path, home: str) -> None:
    """Copy the prepared home and its account with the venues."""
    target.mkdir(exist_ok=True)
    clone(source / "base", target / home)
    clone(source / "base-limits", target / f"{home}-limits")


def run(folder: Path, moment: datetime, what: str, point: Point | None = None, hit: int = 1) -> tuple[int, str]:
    """Poll in a process of its own, which is killed at the point; return how it ended and what it said."""
    kill = [] if point is None else [point.value, str(hit)]
    words = [sys.executable, str(SCRIPT), str(folder), "home", moment.isoformat(), what, *kill]
    done = subprocess.run(words, env=environment(), capture_output=True, text=True, timeout=600, check=False)
    return done.returncode, done.stdout + done.stderr


def kill_at(folder: Path, moment: datetime, what: str, point: Point, hit: int = 1) -> None:
    """Kill a poll at the point, and see that nothing that it left is half of anything."""
    code, said = run(folder, moment, what, point, hit)
    assert code == -signal.SIGKILL, f"{point.value} was not reached {hit} times\n{said}"
    home = workspace_of(folder, "home", moment)
    check_bronze(home)
    check_limits(folder / "home-limits", moment)
    assert status(home).home == str(home.home.root)
    try:
        hashes(home)
    except NoDataError:
        assert not list(home.home.tables.rglob("*.parquet"))


def check_bronze(workspace: Workspace) -> None:
    """Every file that a reader looks at is whole and says what its batch says."""
    root = workspace.home.bronze
    for header in headers(workspace):
        body = bronze.read_body(root, header)
        assert hashlib.sha256(body).hexdigest() == header.body_sha256
        path = bronze.find_batch(root, header)
        assert path is not None
        assert path.stem == header.batch_id
        pl.read_parquet(path, hive_partitioning=False)
    shown = {one.header.batch_id: one.rows().height for one in quarantined_batches(root)}
    assert shown == {one.batch_id: count for one in headers(workspace) if (count := one.counts["quarantined"])}


def check_limits(folder: Path, moment: datetime) -> None:
    """The account with every venue can be read by the next process, unless its first writer had not written it."""
    for path in sorted(folder.glob("*.lock")):
        with LockedFile(path.with_suffix(".json")).held() as file:
            text = file.read()
        if text:
            ledger = Ledger({}, 0)
            ledger.load(text)
            assert ledger.paused_until_us <= moment.timestamp() * 1e6


def everything_in(workspace: Workspace) -> dict[str, object]:
    """Return what two homes that saw the same have in common.

    Batches of failures are told apart by when a process gave up, so only what they say of a question counts.
    """
    lost = pl.concat(
        pl.read_parquet(path, hive_partitioning=False) for path in workspace.home.bronze.glob("failures/*/*/*.parquet")
    )
    failures = lost.select("venue", "endpoint", "parameters", "kind", "slot").unique().sort(pl.all()).rows()
    with workspace.lake() as lake:
        tables = {
            name: lake.execute(f"select * from lake.{name} where {condition} order by all").fetchall()
            for name, condition in {
                "bronze.batches": "dataset <> 'failures'",
                "bronze.batch_ranges": "true",
                "silver.kline_revisions": "true",
                "silver.quarantined_rows": "true",
                "refresh.definitions": "true",
                "refresh.published": BUT_FAILURES,
                "refresh.taken_in": BUT_FAILURES,
                "refresh.feature_states": "true",
            }.items()
        }
    ids = sorted(one.batch_id for one in headers(workspace) if one.dataset != bronze.FAILURES)
    return {"hashes": hashes(workspace), "ids": ids, "failures": failures, **tables}


BUT_FAILURES = "batch_id not in (select batch_id from lake.bronze.batches where dataset = 'failures')"


def check_coverage(workspace: Workspace) -> None:
    """What the cache says of the series is what all batches prove."""
    settle, times = workspace.settings.ingest.settle_length, workspace.settings.ingest.confirmations
    for venue in VENUES:
        anew = CoverageLedger(settle, times)
        for header in headers(workspace):
            if header.venue == venue:
                anew.add(header)
        kept = read_coverage(workspace.home, venue, settle=settle, confirmations=times)
        assert kept.all_series() == anew.all_series()
        assert kept.slots == anew.slots


def check(workspace: Workspace, expected: dict[str, object]) -> None:
    """The home is as one in which nobody was killed."""
    check_bronze(workspace)
    check_coverage(workspace)
    found = everything_in(workspace)
    for name, value in expected.items():
        assert found[name] == value, name
    drafts = [path for path in workspace.home.root.rglob("*.draft") if path.is_file()]
    assert drafts == []


def test_faultless_run_comes_to_every_point(prepared: Prepared) -> None:
    assert set(prepared.hits) == set(REACHED)


def test_first_poll_killed_at_every_point_of_it_brings_the_same_batches(prepared: Prepared, tmp_path: Path) -> None:
    for point in INGESTING:
        kill_at(tmp_path, FIRST, "ingest", point)
    home = work(tmp_path, "home", FIRST, with_build=False)
    check_bronze(home)
    check_coverage(home)
    base = workspace_of(prepared.folder, "base", FIRST)
    ids = [sorted(one.batch_id for one in headers(home) if one.dataset != bronze.FAILURES) for home in (home, base)]
    assert ids[0] == ids[1]


def test_build_killed_at_every_point_of_it_makes_the_same_lake(prepared: Prepared, tmp_path: Path) -> None:
    copy(prepared.folder, tmp_path, "home")
    for point in REACHED:
        if point not in INGESTING:
            kill_at(tmp_path, SECOND, "all", point)
    check(work(tmp_path, "home", SECOND), prepared.expected)


def test_rows_set_aside_by_a_killed_poll_are_not_shown_after_another_one(prepared: Prepared, tmp_path: Path) -> None:
    copy(prepared.folder, tmp_path, "home")
    kill_at(tmp_path, SECOND, "ingest", Point.QUARANTINE_KEPT, 1)
    later = SECOND + timedelta(days=1)
    home = work(tmp_path, "home", later)
    check_bronze(home)
    with home.lake() as lake:
        rows = lake.execute(
            "select rows.batch_id, count(*), count(distinct row_number), any_value(batches.quarantined) "
            "from lake.silver.quarantined_rows as rows left join lake.bronze.batches as batches using (batch_id) "
            "group by all"
        ).fetchall()
    assert rows
    assert all(count == distinct == told for _, count, distinct, told in rows)


@pytest.mark.soak
@pytest.mark.parametrize("point", REACHED)
def test_killed_at_any_hit_of_a_point_the_poll_is_gone_on_with(
    prepared: Prepared, tmp_path: Path, point: Point
) -> None:
    there = prepared.hits[point]
    tried = (
        range(1, there + 1) if there <= TRIED else {1 + number * (there - 1) // (TRIED - 1) for number in range(TRIED)}
    )
    for hit in sorted(tried):
        folder = tmp_path / str(hit)
        copy(prepared.folder, folder, "home")
        kill_at(folder, SECOND, "all", point, hit)
        check(work(folder, "home", SECOND), prepared.expected)


@pytest.mark.soak
@pytest.mark.parametrize("point", [point for point in REACHED if point not in WRITING])
def test_first_poll_and_build_killed_at_a_point_are_gone_on_with(
    prepared: Prepared, tmp_path: Path, point: Point
) -> None:
    kill_at(tmp_path, FIRST, "all", point)
    base = workspace_of(prepared.folder, "base", FIRST)
    check(work(tmp_path, "home", FIRST), everything_in(base))
