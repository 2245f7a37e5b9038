"""The cached ledger is the ledger of what bronze holds, whatever happened to the cache, and opens only what is new."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.domain.errors import BadInputError, HomeError
from assay.lake import bronze
from assay.lake.bronze import BatchHeader
from assay.lake.coverage import CoverageLedger
from assay.lake.coverage_cache import read_coverage
from assay.lake.home import Home, open_home
from tests.unit.lake.test_coverage import CONFIRMATIONS, HOURLY, HOURS, SETTLE, answer, answers, slot, snapshot

VENUE = HOURLY.venue
NO_ROWS = pl.DataFrame({"row_number": []}, schema={"row_number": pl.Int64})
ROOT = Path(__file__).parents[3]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


def commit(home: Home, header: BatchHeader) -> Path:
    bronze.write_batch(home.bronze, header, body=b"[]", rows=NO_ROWS, quarantined=NO_ROWS)
    path = bronze.find_batch(home.bronze, header)
    assert path
    return path


def read(home: Home, *, confirmations: int = CONFIRMATIONS, settle: timedelta = SETTLE) -> CoverageLedger:
    return read_coverage(home, VENUE, settle=settle, confirmations=confirmations)


def fresh(home: Home, *, confirmations: int = CONFIRMATIONS, settle: timedelta = SETTLE) -> CoverageLedger:
    """The oracle: every header of the venue in bronze, from nothing."""
    ledger = CoverageLedger(settle, confirmations)
    for path in home.bronze.glob(f"*/venue={VENUE}/*/*.parquet"):
        ledger.add(bronze.read_header(path))
    return ledger


def assert_same(found: CoverageLedger, expected: CoverageLedger) -> None:
    assert found.all_series() == expected.all_series()
    assert found.slots == expected.slots
    assert found.asked == expected.asked


def cache_of(home: Home) -> Path:
    return home.cache / "coverage" / f"{VENUE}.json"


def settle_directories(home: Home) -> None:
    """Let the directories have changed a minute earlier than they did, as if the clock had gone on."""
    for day in home.bronze.glob("*/venue=*/known_date=*"):
        moment = day.stat().st_mtime_ns - 60_000_000_000
        os.utime(day, ns=(moment, moment))


def damage(path: Path) -> None:
    """Overwrite the file in place, which its directory's time does not show."""
    path.write_bytes(b"damaged")


def late(name: str, *, day: int = 0, lacking: int = 1) -> BatchHeader:
    """Return an answer of some day to bars 0 to 8 that holds all but one of them."""
    runs = [(0, lacking), (lacking + 1, 8)]
    return answer(name, (0, 8), runs, HOURS[12] + timedelta(days=day))


STEPS = st.one_of(
    answers(HOURLY),
    st.integers(0, 4).map(lambda number: snapshot(slot(number * 40))),
    st.sampled_from(["read", "settle", "delete cache", "cut cache", "old cache", "delete batch", "other rule"]),
)


def drop_a_batch(home: Home) -> None:
    for path in sorted(home.bronze.glob("klines/*/*/*.parquet"))[:1]:
        path.unlink()


def do(home: Home, step: BatchHeader | str, old_cache: bytes | None) -> None:
    cache = cache_of(home)
    match step:
        case "settle":
            settle_directories(home)
        case "delete cache":
            cache.unlink(missing_ok=True)
        case "cut cache" if cache.exists():
            cache.write_bytes(cache.read_bytes()[:-7])
        case "old cache" if old_cache:  # what a slow process does that started before and writes last
            cache.write_bytes(old_cache)
        case "delete batch":
            drop_a_batch(home)
        case "other rule":
            assert_same(read(home, confirmations=1), fresh(home, confirmations=1))
        case BatchHeader():
            commit(home, step)


@settings(max_examples=40)
@given(st.lists(STEPS, max_size=12), st.randoms(use_true_random=False))
def test_whatever_happens_the_cache_tells_what_bronze_holds(steps: list[BatchHeader | str], chance: object) -> None:
    with TemporaryDirectory() as folder:
        home, old_cache = open_home(Path(folder) / "home"), None
        for step in steps:
            do(home, step, old_cache)
            if step == "read":
                assert_same(read(home), fresh(home))
                old_cache = old_cache or (cache_of(home).read_bytes() if cache_of(home).exists() else None)
        assert_same(read(home), fresh(home))
        assert_same(read(home), fresh(home))


def test_only_new_batches_are_opened(home: Home) -> None:
    first = commit(home, late("a"))
    read(home)
    damage(first)
    commit(home, late("b"))
    assert [hole.times for hole in read(home).series(HOURLY).holes(HOURS[0], HOURS[8])] == [2]
    cache_of(home).unlink()
    with pytest.raises(HomeError, match="a batch of bronze is damaged"):
        read(home)


def test_settled_directory_is_not_listed_again_until_it_changes(home: Home) -> None:
    path = commit(home, late("a"))
    settle_directories(home)
    read(home)
    seen = path.parent.stat().st_mtime_ns
    commit(home, late("b"))
    os.utime(path.parent, ns=(seen, seen))
    assert [hole.times for hole in read(home).series(HOURLY).holes(HOURS[0], HOURS[8])] == [1]


def test_batch_that_comes_within_the_tick_of_the_listing_is_found(home: Home) -> None:
    path = commit(home, late("a"))
    seen = path.parent.stat().st_mtime_ns
    read(home)
    commit(home, late("b"))
    os.utime(path.parent, ns=(seen, seen))
    assert_same(read(home), fresh(home))


def test_nothing_is_written_when_nothing_is_new(home: Home) -> None:
    commit(home, late("a"))
    settle_directories(home)
    read(home)
    before = cache_of(home).stat().st_mtime_ns
    read(home)
    assert cache_of(home).stat().st_mtime_ns == before


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\0", b"0\n{}", b"[" * 9_999], ids=repr)
def test_damaged_cache_is_made_anew(home: Home, content: bytes) -> None:
    commit(home, late("a"))
    read(home)
    whole = cache_of(home).read_bytes()
    cache_of(home).write_bytes(content)
    assert_same(read(home), fresh(home))
    assert cache_of(home).read_bytes() == whole


def test_bit_that_flipped_in_the_cache_is_found(home: Home) -> None:
    commit(home, late("a"))
    read(home)
    whole = cache_of(home).read_bytes()
    edge = str(int(HOURS[1].timestamp()) * 1_000_000).encode()
    assert edge in whole
    cache_of(home).write_bytes(whole.replace(edge, edge[:-1] + b"1"))
    assert_same(read(home), fresh(home))


def test_cache_of_another_rule_is_not_used(home: Home) -> None:
    for name in "ab":
        commit(home, late(name))
    assert read(home).series(HOURLY).missing(HOURS[0], HOURS[8])
    assert read(home, confirmations=2).series(HOURLY).missing(HOURS[0], HOURS[8]) == []
    assert not read(home, settle=timedelta(days=9)).series(HOURLY).settled


def test_batch_that_is_gone_is_not_held(home: Home) -> None:
    paths = [commit(home, late(name, day=day)) for day, name in enumerate("ab")]
    settle_directories(home)
    read(home)
    paths[0].unlink()
    assert_same(read(home), fresh(home))
    paths[1].unlink()
    paths[1].with_name("b.body.json.zst").unlink()
    paths[1].parent.rmdir()
    assert read(home).all_series() == []


def test_old_days_are_known_by_a_hash_and_still_looked_after(home: Home) -> None:
    # All lack the same bar, and 99 would have to: so each batch shows in the ledger by its id.
    def ledgers() -> tuple[CoverageLedger, CoverageLedger]:
        return read(home, confirmations=99), fresh(home, confirmations=99)

    paths = [commit(home, late(f"day{day:02}", day=day)) for day in range(15)]
    settle_directories(home)
    assert_same(*ledgers())
    _, _, text = cache_of(home).read_bytes().partition(b"\n")
    assert sum(ids is None for _, _, ids in json.loads(text)["days"].values()) == 3
    (paths[0].parent / ".left-behind.tmp").touch()  # the directory changes, its batches do not
    damage(paths[1])
    assert len(read(home, confirmations=99).series(HOURLY).in_vain) == 15
    paths[1].unlink()
    assert_same(*ledgers())
    settle_directories(home)
    assert_same(*ledgers())
    commit(home, late("late comer"))
    assert_same(*ledgers())
    assert len(read(home, confirmations=99).series(HOURLY).in_vain) == 15


def test_venues_have_caches_of_their_own(home: Home) -> None:
    other = replace(HOURLY, venue="wazirx")
    commit(home, late("a"))
    commit(home, answer("b", (0, 8), [(0, 8)], HOURS[12], other))
    assert [one.series for one in read(home).all_series()] == [HOURLY]
    assert [one.series for one in read_coverage(home, "wazirx", settle=SETTLE, confirmations=3).all_series()] == [other]


def test_threads_of_one_process_may_read_at_once(home: Home) -> None:
    commit(home, late("a"))
    expected = fresh(home)
    with ThreadPoolExecutor(8) as threads:
        for found in threads.map(read, [home] * 80):
            assert_same(found, expected)


def test_poison_and_failures_are_not_even_looked_at(home: Home) -> None:
    for dataset in (bronze.POISON, bronze.FAILURES):
        damage(commit(home, replace(late("a"), dataset=dataset)))
    assert read(home).all_series() == []


def test_home_without_batches_proves_nothing(home: Home) -> None:
    assert read(home).series(HOURLY).missing(HOURS[0], HOURS[2]) == [(HOURS[0], HOURS[2])]
    assert not cache_of(home).exists()


def test_venue_that_is_no_name_is_refused(home: Home) -> None:
    with pytest.raises(BadInputError, match="not a venue name"):
        read_coverage(home, "../up", settle=SETTLE, confirmations=3)


WRITER = """
import sys
from pathlib import Path
from assay.lake.home import open_home
from tests.unit.lake.test_coverage import HOURLY, HOURS
from tests.unit.lake.test_coverage_cache import commit, late, read

home, name = open_home(Path(sys.argv[1])), sys.argv[2]
for number in range(25):
    lacking = number % 7
    commit(home, late(f"{name}{number}", day=number % 3, lacking=lacking))
    ledger = read(home)
    coverage = ledger.series(HOURLY)
    assert HOURS[6 if lacking != 6 else 5] in coverage.settled, "own batch is not there"
"""


def test_processes_that_write_and_read_at_once_lose_nothing(home: Home) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}
    command = [sys.executable, "-c", WRITER, str(home.root)]
    writers = [subprocess.Popen([*command, name], env=environment, stderr=subprocess.PIPE, text=True) for name in "ab"]
    for writer in writers:
        _, said = writer.communicate(timeout=600)
        assert writer.returncode == 0, said
    assert len(list(home.bronze.glob("klines/*/*/*.parquet"))) == 50
    assert_same(read(home), fresh(home))
