"""Bronze in packs is the bronze that it was: everything that is made of it says the same, whoever is killed when."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assay.domain.clock import FrozenClock
from assay.domain.points import Point
from assay.lake import bronze, content, manifest
from assay.lake.bronze import BatchHeader
from assay.lake.bronze_copy import copy_bronze
from assay.lake.bronze_store import Bronze, batches_of, store_of
from assay.lake.compaction import compact
from assay.lake.coverage_cache import read_coverage
from assay.lake.day_notes import DayNotes
from assay.lake.home import home_format
from assay.lake.packs import is_pack
from assay.lake.quarantine import find_quarantined, quarantined_batches
from assay.lake.reads import Span
from assay.lake.retention import old_bodies
from assay.pipelines import maintaining
from assay.pipelines.backing_up import back_up, restore
from assay.pipelines.building import build
from assay.pipelines.maintaining import maintain, maintain_if_due
from assay.pipelines.training_table import TableRequest, make_training_table
from assay.pipelines.workspace import Workspace
from assay.selectors.outages import read_unanswered
from assay.selectors.query import query
from assay.selectors.status import status
from tests.integration.command import clone, environment
from tests.integration.homes import made_once
from tests.integration.ingest_and_build import poll, workspace_of
from tests.integration.simulated import START
from tests.integration.test_kill_points import PACKING

POLLS = [START + timedelta(hours=number) for number in range(4)]
NEXT_DAY = START + timedelta(days=1)
AFTER = START + timedelta(days=3)
"""When both days with batches are over."""
VENUES = ("binance", "coingecko", "wazirx")
KILLED_AT = ((Point.FILE_WRITTEN, 1), (Point.FILE_NAMED, 4), *((point, 1) for point in PACKING), (PACKING[3], 3))
FIRST_FORMAT = '{"format": 1}'
"""What a home says that was made before there were packs."""
AS_OF = """
select count(*), bit_xor(hash(venue, market, symbol, interval, open_time, close, revision)), max(known_at)
from silver.crypto_prices_cleaned
"""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Two homes of one past: as it was received, and the same with a day of it in packs. Both are built since."""

    folder: Path
    before: dict[str, object]
    done: dict[str, int]


def machine(after: timedelta = timedelta()) -> FrozenClock:
    return FrozenClock(datetime.now(UTC) + after)


LATER = timedelta(days=2)


def _prepare(folder: Path) -> Prepared:
    """Poll, build, and poll again on the same day and the next; put that together in one of two homes; build both."""
    for moment in (*POLLS, NEXT_DAY):
        poll(workspace_of(folder, "plain", moment), moment)
        if moment == POLLS[1]:
            build(workspace_of(folder, "plain", moment))
    (folder / "plain" / "assay-home.json").write_text(FIRST_FORMAT, encoding="utf-8")
    for name in ("", "-limits"):
        clone(folder / f"plain{name}", folder / f"packed{name}")
    plain, packed = (workspace_of(folder, name, AFTER) for name in ("plain", "packed"))
    before = bronze_of(packed)
    done = maintain(packed, machine=machine()).bronze
    assert bronze_of(packed) == before
    for one in (plain, packed):
        build(one)
    return Prepared(folder, before, {"batches": done.batches, "packs": done.packs, "removed": done.removed})


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return made_once(tmp_path_factory, "compaction", _prepare)


@pytest.fixture
def plain(prepared: Prepared) -> Workspace:
    """Return the home without packs, which nobody may change."""
    return workspace_of(prepared.folder, "plain", AFTER)


@pytest.fixture
def packed(prepared: Prepared, tmp_path: Path) -> Workspace:
    """Return a copy of the home with packs, and the files that they stand for."""
    for name in ("packed", "packed-limits"):
        clone(prepared.folder / name, tmp_path / name)
    return workspace_of(tmp_path, "packed", AFTER)


def headers(root: Bronze) -> list[BatchHeader]:
    """Return the headers of all batches as readers find them, by id."""
    days = [day for day, _ in store_of(root).days() if not day.startswith("quarantine/")]
    found = [one for day in days for one, _ in bronze.read_headers_of(batches_of(root, day))]
    assert max(Counter(one.batch_id for one in found).values()) == 1
    return sorted(found, key=lambda one: one.batch_id)


def rows_of(root: Bronze) -> Counter[str]:
    """Return how many rows there are of each batch."""
    count: Counter[str] = Counter()
    for day, _ in store_of(root).days():
        found = batches_of(root, day)
        count.update(bronze.read_batches(found, ["batch_id"])["batch_id"].to_list())
    return count


def bronze_of(workspace: Workspace) -> dict[str, object]:
    """Return everything that is told from bronze itself, and hold bodies against their hashes."""
    root = workspace.home.bronze_store
    found = headers(root)
    for header in found:
        assert hashlib.sha256(bronze.read_body(root, header)).hexdigest() == header.body_sha256
        assert bronze.find_batch(root, header) is not None
    aside = [(one.header, one.rows().rows()) for one in quarantined_batches(root)]
    for header, rows in aside:
        assert find_quarantined(root, header.batch_id).rows().rows() == rows
    ledgers = [read_coverage(workspace.home, venue, settle=timedelta(hours=2), confirmations=3) for venue in VENUES]
    return {
        "headers": [one.to_json() for one in found],
        "rows": rows_of(root),
        "aside": sorted((header.batch_id, rows) for header, rows in aside),
        "coverage": [(ledger.all_series(), dict(ledger.slots), dict(ledger.asked)) for ledger in ledgers],
        "unanswered": sorted(map(str, read_unanswered(root, since=START - timedelta(days=9)))),
    }


def digest_of(workspace: Workspace) -> str:
    with workspace.lake() as lake:
        return content.content_hash(lake, (*content.SILVER, *content.GOLD))


def lake_of(workspace: Workspace) -> dict[str, object]:
    """Return everything that is told from the tables."""
    with workspace.lake() as lake:
        tables = {
            name: lake.execute(f"select {columns} from lake.{name} order by all").fetchall()
            for name, columns in {
                "bronze.batches": "* exclude (path)",
                "bronze.batch_ranges": "*",
                "refresh.published": "*",
                "refresh.taken_in": "*",
                "silver.kline_revisions": "*",
                "silver.kline_defects": "*",
                "silver.quarantined_rows": "*",
            }.items()
        }
    moments = [POLLS[1], POLLS[-1], NEXT_DAY + timedelta(hours=1)]
    outages = [str(one) for one in status(workspace).outages]
    training = make_training_table(workspace, TableRequest(("BTC-USD",), span=Span(as_of=POLLS[-1])))
    answers = [query(workspace, AS_OF, as_of=moment).rows() for moment in moments]
    return {
        "hash": digest_of(workspace),
        "answers": answers,
        "outages": outages,
        "training": training.content_hash,
        **tables,
    }


def files(workspace: Workspace) -> list[str]:
    return sorted(str(path.relative_to(workspace.home.bronze)) for path in workspace.home.bronze.rglob("*.*"))


def alone(workspace: Workspace) -> list[str]:
    """Return the files of batches that are not in a pack."""
    return [name for name in files(workspace) if not is_pack(Path(name).name)]


def test_a_lake_that_takes_in_packs_is_the_lake_that_takes_in_batches(
    prepared: Prepared, plain: Workspace, packed: Workspace
) -> None:
    assert prepared.done["batches"] >= 30
    assert prepared.done["packs"] >= 6
    assert prepared.done["removed"] == 0
    expected = lake_of(plain)
    assert lake_of(packed) == expected
    # Half of the first day was taken in before it was put together, and all of it is read from packs now.
    with packed.lake() as lake:
        paths = [row[0] for row in lake.execute("select path from lake.bronze.batches").fetchall()]
    assert sum("/pack-" in path for path in paths) == prepared.done["batches"]
    many = len(files(packed))
    done = maintain(packed, machine=machine(LATER)).bronze
    assert (done.batches, done.packs) == (0, 0)
    assert done.removed >= 2 * prepared.done["batches"]
    assert done.freed_bytes > 0
    assert len(files(packed)) < many - 2 * prepared.done["batches"] + 5
    assert bronze_of(packed) == prepared.before == bronze_of(plain)
    assert build(packed).new_batches == 0
    build(packed, full_refresh=True)
    assert lake_of(packed) == expected
    # All that is left to do is nothing, and no day is listed for it again.
    again = maintain(packed, machine=machine(2 * LATER))
    assert (again.bronze.batches, again.bronze.packs, again.bronze.removed) == (0, 0, 0)


def test_an_answer_that_comes_again_is_known_and_late_ones_are_taken_in(
    prepared: Prepared, packed: Workspace, tmp_path: Path
) -> None:
    maintain(packed, machine=machine(LATER))
    before = files(packed)
    for header in headers(packed.home.bronze):
        assert not bronze.write_batch(packed.home.bronze, header, body=b"", rows=None, quarantined=None)  # type: ignore[arg-type]
    assert files(packed) == before
    late = workspace_of(tmp_path, "packed", AFTER)
    for hours in (1, 2):
        poll(late, POLLS[-1] + timedelta(hours=hours))
    batches = Counter(one.batch_id for one in headers(late.home.bronze))
    with late.lake(read_only=False) as lake:
        before_it = lake.execute("select count(*) from lake.bronze.batches").fetchall()[0][0]
        assert manifest.register(lake, late.home.bronze) == batches.total() - before_it > 5
        rows = lake.execute("select batch_id, path from lake.bronze.batches").fetchall()
        assert Counter(batch_id for batch_id, _ in rows) == batches
        assert manifest.register(lake, late.home.bronze, everything=True) == batches.total()
        assert sorted(lake.execute("select batch_id, path from lake.bronze.batches").fetchall()) == sorted(rows)
    assert maintain(late, is_dry=True, machine=machine(LATER)).bronze.batches > 0


def start_compacting(home: Path, point: Point, hit: int, replaced_before: datetime) -> int:
    script = Path(__file__).with_name("compact_killed.py")
    words = [str(home), AFTER.date().isoformat(), replaced_before.isoformat(), point.value, str(hit)]
    done = subprocess.run(
        [sys.executable, str(script), *words],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


def test_killed_at_every_point_nothing_is_lost_and_nothing_is_twice(prepared: Prepared, tmp_path: Path) -> None:
    for name in ("plain", "plain-limits"):
        clone(prepared.folder / name, tmp_path / name)
    workspace = workspace_of(tmp_path, "plain", AFTER)
    home, now = workspace.home.root, datetime.now(UTC)
    for point, hit in KILLED_AT:
        # Files go a day after their pack came; before that only what is new is done.
        late = now + LATER if point is Point.PACKED_REMOVED else now - LATER
        assert start_compacting(home, point, hit, late) == -signal.SIGKILL, point
        assert bronze_of(workspace) == prepared.before, point
    maintain(workspace, machine=machine())
    assert bronze_of(workspace) == prepared.before
    done = maintain(workspace, machine=machine(LATER)).bronze
    assert bronze_of(workspace) == prepared.before
    assert done.removed > 0
    twin = workspace_of(tmp_path, "twin", AFTER)
    assert all(copy_bronze(home / "bronze", store_of(twin.home.bronze_store)))
    assert bronze_of(twin) == prepared.before
    leftovers = [path for path in alone(workspace) if path in alone(workspace_of(prepared.folder, "packed", AFTER))]
    assert len(leftovers) < len(alone(workspace_of(prepared.folder, "plain", AFTER))) / 2


def test_several_at_once_beside_readers_and_a_build(prepared: Prepared, tmp_path: Path) -> None:
    for name in ("plain", "plain-limits"):
        clone(prepared.folder / name, tmp_path / name)
    workspace = workspace_of(tmp_path, "plain", AFTER)
    expected = digest_of(workspace)
    errors: list[BaseException] = []

    def tidy(number: int) -> None:
        try:
            notes = DayNotes(workspace.home, f"thread-{number}")
            store = store_of(workspace.home.bronze_store)
            compact(store, notes, before=AFTER.date(), replaced_before=machine(LATER * (number - 1)).now())
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=tidy, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert bronze_of(workspace) == prepared.before
    for thread in threads:
        thread.join()
    assert errors == []
    assert bronze_of(workspace) == prepared.before
    assert build(workspace).new_batches == 0
    assert digest_of(workspace) == expected


def test_a_job_that_runs_on_does_a_part_at_a_time(
    prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("plain", "plain-limits"):
        clone(prepared.folder / name, tmp_path / name)
    workspace = workspace_of(tmp_path, "plain", AFTER)
    monkeypatch.setattr(maintaining, "PACKS_AT_ONCE", 4)
    packs = []
    while (done := maintain_if_due(workspace, machine=machine())) is not None:
        packs.append(done.bronze.packs)
    assert packs == [4] * (prepared.done["packs"] // 4) + [rest for rest in [prepared.done["packs"] % 4] if rest]
    assert bronze_of(workspace) == prepared.before
    dry = maintain(workspace, is_dry=True, machine=machine(LATER))
    assert dry.bronze.removed > 0
    assert dry.home["after"] == dry.home["before"]
    # Days that are not over are left alone.
    early = workspace_of(prepared.folder, "plain", POLLS[-1])
    assert maintain(early, is_dry=True, machine=machine(LATER)).bronze.batches == 0


def test_bodies_in_packs_go_when_they_are_past_their_time_but_those_that_are_read_again(packed: Workspace) -> None:
    maintain(packed, machine=machine(LATER))
    root, store = packed.home.bronze, store_of(packed.home.bronze_store)
    needed = {one.header.batch_id for one in quarantined_batches(root)}
    before = rows_of(root)
    notes = DayNotes(packed.home, "bodies")
    found = [one for _, day in old_bodies(store, notes, before=AFTER.date()) for one in day]
    assert found
    store.remove([one.name for one in found])
    kept = {one.batch_id for one in headers(root) if _has_body(root, one)}
    assert needed <= kept
    assert kept < {one.batch_id for one in headers(root)}
    assert all(
        one.dataset in ("poison", "failures") or one.batch_id in needed for one in headers(root) if one.batch_id in kept
    )
    assert list(old_bodies(store, DayNotes(packed.home, "bodies"), before=AFTER.date())) == []
    assert rows_of(root) == before


def _has_body(root: Path, header: BatchHeader) -> bool:
    try:
        return bool(bronze.read_body(root, header)) or header.content_format == "none"
    except Exception:
        return False


def test_a_backup_holds_packs_and_not_what_they_stand_for(
    prepared: Prepared, packed: Workspace, tmp_path: Path
) -> None:
    back_up(packed, str(tmp_path / "kept"))
    settings = packed.settings.model_copy(update={"home": tmp_path / "restored"})
    restore(settings, str(tmp_path / "kept"))
    clone(tmp_path / "packed-limits", tmp_path / "restored-limits")
    restored = workspace_of(tmp_path, "restored", AFTER)
    assert bronze_of(restored) == prepared.before
    assert len(files(restored)) < len(files(packed)) / 2
    assert home_format(restored.home) == 2
    assert build(restored).new_batches == 0
    assert digest_of(restored) == digest_of(packed)


def test_a_home_says_so_once_it_may_hold_packs_and_not_before(
    plain: Workspace, packed: Workspace, tmp_path: Path
) -> None:
    assert [home_format(one.home) for one in (plain, packed)] == [1, 2]
    maintain(plain, is_dry=True, machine=machine(LATER))
    assert home_format(plain.home) == 1
    # A backup of an older home is restored as the home that it was.
    back_up(plain, str(tmp_path / "kept"))
    settings = plain.settings.model_copy(update={"home": tmp_path / "restored"})
    restore(settings, str(tmp_path / "kept"))
    assert (tmp_path / "restored" / "assay-home.json").read_text(encoding="utf-8") == FIRST_FORMAT
