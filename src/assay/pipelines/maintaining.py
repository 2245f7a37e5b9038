"""Maintenance: what a lake in use leaves behind is put together or let go, while everything goes on.

It never changes what a table says, at any moment it is asked about. The writer lock is taken for one step at a time,
so that a build waits for one table at most; a pass that is stopped has done whole steps and is done again.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from assay.domain.clock import Clock, SystemClock
from assay.domain.duration import parse_duration
from assay.domain.errors import StorageError
from assay.lake import disk, maintenance
from assay.lake.bronze_store import store_of
from assay.lake.catalog import is_made
from assay.lake.compaction import Compacted, compact
from assay.lake.day_notes import DayNotes
from assay.lake.disk import DiskUse
from assay.lake.home import raise_format
from assay.lake.lock import writer_lock
from assay.lake.maintenance import TablesUse
from assay.lake.places import is_s3
from assay.lake.retention import old_bodies
from assay.lake.storage import check_free_space
from assay.pipelines.workspace import Workspace

if TYPE_CHECKING:
    import duckdb

_LEFT_FOR = timedelta(days=1)
"""A file that nobody finished or named for so long belongs to no writer that lives."""
_SHORT_OF_DISK = timedelta(minutes=5)
"""How long an old state stays readable when the home takes more than its budget."""
_CLOSED_FOR = timedelta(hours=1)
"""A day of bronze is over when nobody can be late with a batch of it any more."""
PACKS_AT_ONCE = 8
"""A job that runs on writes so many packs of bronze at a time, some seconds each; the rest is for the next time."""
DUE_FILES, DUE_SNAPSHOTS = 60, 300
"""So many small files, or states past their time, make a pass worth it; a minute of a followed home leaves ten."""


@dataclass(frozen=True, slots=True)
class MaintainResult:
    """What a pass did, or would do if `is_dry`.

    Attributes
    ----------
    is_dry : bool
    merged : list of str
        Tables whose small files were put together.
    expired_snapshots : int
        Old states that can be read no more.
    deleted_files : int
        Files of the tables that no state named any more.
    orphans : list of str
        Files among the tables' that no state ever named; deleted only if that was asked for.
    leftovers, bodies : int
        Unfinished files of writers who were killed, and bodies past their time, that were deleted.
    bronze : Compacted
        Small batches of bronze that were put together, and files that went because packs stand for them.
    freed_bytes : int
        Size of what was deleted in the home or in its bronze; without the files of the tables, which `tables` counts.
    tables, home : dict
        What the tables and the home take, before and after; the same of a dry run.
    seconds : float
    """

    is_dry: bool
    merged: list[str] = field(default_factory=list)
    expired_snapshots: int = 0
    deleted_files: int = 0
    orphans: list[str] = field(default_factory=list)
    leftovers: int = 0
    bodies: int = 0
    bronze: Compacted = field(default_factory=Compacted)
    freed_bytes: int = 0
    tables: dict[str, TablesUse | None] = field(default_factory=dict)
    home: dict[str, DiskUse] = field(default_factory=dict)
    seconds: float = 0.0

    def to_dict(self) -> dict[str, object]:
        """Return it as plain values for JSON."""
        return asdict(self)


def maintain(
    workspace: Workspace, *, is_dry: bool = False, delete_orphans: bool = False, machine: Clock | None = None
) -> MaintainResult:
    """Do all the housekeeping that is due; what was freed in between stays freed if it is stopped.

    Parameters
    ----------
    workspace : Workspace
    is_dry : bool, default False
        Only say what would be done.
    delete_orphans : bool, default False
        Delete files among the tables' that the catalogue does not know. Not to be done if another catalogue keeps its
        files in the same place.
    machine : Clock, optional
        The clock by which files and states are old; the machine's own if none is given.

    Raises
    ------
    LakeBusyError, StorageError, HomeError
        If another process keeps writing, the disk refuses, or the catalogue is damaged.
    """
    started, now = time.perf_counter(), (machine or SystemClock()).now()
    home, budget = workspace.home, int(workspace.settings.lake.disk_budget)
    before = disk.disk_use(home, budget)
    workspace.say("looking for leftovers")
    done, freed = _clean_home(workspace, now, is_dry=is_dry, is_short=before.is_over)
    if is_made(home):
        keep = _SHORT_OF_DISK if before.is_over else parse_duration(workspace.settings.lake.keep_snapshots)
        done |= _clean_tables(workspace, now, keep, is_dry=is_dry, delete_orphans=delete_orphans, is_thorough=True)
    if not is_dry:  # what frees room comes first
        workspace.say("putting together batches of bronze")
    packed = _compact(workspace, now, is_dry=is_dry, most=0 if before.is_over else None)
    done |= {"bronze": packed, "freed_bytes": freed + packed.freed_bytes}
    homes = {"before": before, "after": before if is_dry else disk.disk_use(home, budget)}
    seconds = round(time.perf_counter() - started, 3)
    return MaintainResult(is_dry=is_dry, home=homes, seconds=seconds, **done)  # type: ignore[arg-type]


def maintain_if_due(workspace: Workspace, *, machine: Clock | None = None) -> MaintainResult | None:
    """Do the housekeeping of bronze and of the tables if enough has gathered.

    What a job that runs on does after each of its runs: it takes some seconds at most. None if nothing was due.
    """
    if not is_made(workspace.home):
        return None
    started, now = time.perf_counter(), (machine or SystemClock()).now()
    packed = _compact(workspace, now, most=PACKS_AT_ONCE)
    done: dict[str, object] = {"bronze": packed, "freed_bytes": packed.freed_bytes}
    keep = parse_duration(workspace.settings.lake.keep_snapshots)
    with workspace.lake() as lake:
        small = sum(one.small for one in maintenance.fragmented(lake))
        is_due = (
            small >= DUE_FILES or maintenance.expire_snapshots(lake, before=now - keep, is_dry=True) >= DUE_SNAPSHOTS
        )
    if is_due:
        done |= _clean_tables(workspace, now, keep)
    elif packed == Compacted():
        return None
    return MaintainResult(is_dry=False, seconds=round(time.perf_counter() - started, 3), **done)  # type: ignore[arg-type]


def _compact(workspace: Workspace, now: datetime, *, is_dry: bool = False, most: int | None) -> Compacted:
    """Put batches of days that are over together, with no lock: whoever reads or writes bronze meanwhile goes on."""
    home, settings = workspace.home, workspace.settings.lake
    try:
        check_free_space(home.root, int(settings.min_free_bytes))
    except StorageError:
        most = 0  # what packs have replaced goes all the same
    notes = DayNotes(home, "compacted")
    if not is_dry and most != 0:
        raise_format(home)  # an older program would take the first pack for damage
    try:
        return compact(
            store_of(home.bronze_store),
            notes,
            before=(workspace.clock.now() - _CLOSED_FOR).date(),
            replaced_before=now - _LEFT_FOR,
            is_dry=is_dry,
            most=most,
        )
    finally:
        if not is_dry:
            notes.write()


def _clean_home(workspace: Workspace, now: datetime, *, is_dry: bool, is_short: bool) -> tuple[dict[str, object], int]:
    """Delete unfinished files and bodies past their time, short of disk caches too; return what, and its size."""
    home = workspace.home
    unfinished = disk.leftovers(home, before=now - _LEFT_FOR)
    # Batches are dated by the clock that the home lives by.
    bodies, freed = _old_bodies(workspace, is_dry=is_dry)
    caches = disk.caches(home) if is_short else []
    if is_dry:
        freed += disk.size_of([*unfinished, *caches])
    else:
        freed += disk.remove(unfinished)
        if caches:
            with _locked(workspace):  # a build may be using them
                freed += disk.remove(caches)
    return {"leftovers": len(unfinished), "bodies": bodies}, freed


def _old_bodies(workspace: Workspace, *, is_dry: bool) -> tuple[int, int]:
    """Delete the bodies past their time, wherever bronze is; return how many they are, and their size."""
    keep = workspace.settings.lake.keep_bodies
    if not keep:
        return 0, 0
    store, notes = store_of(workspace.home.bronze_store), DayNotes(workspace.home, "bodies")
    count = size = 0
    # Batches are dated by the clock that the home lives by.
    before = (workspace.clock.now() - parse_duration(keep)).date()
    for _, bodies in old_bodies(store, notes, before=before):
        count, size = count + len(bodies), size + sum(one.bytes for one in bodies)
        if not is_dry:
            store.remove([one.name for one in bodies])
    if not is_dry:
        notes.write()
    return count, size


def _clean_tables(
    workspace: Workspace,
    now: datetime,
    keep: timedelta,
    *,
    is_dry: bool = False,
    delete_orphans: bool = False,
    is_thorough: bool = False,
) -> dict[str, object]:
    """Let go of what is old and put together what is small; if `is_thorough`, look for orphans and move rows too."""
    # To list orphans DuckLake writes into a table of its own that goes away with the transaction.
    with workspace.lake(read_only=False) as lake:
        before, moment = maintenance.tables_use(lake), now - keep
        # What frees room comes first: a full disk has none to put files together.
        with _locked(workspace):
            expired = maintenance.expire_snapshots(lake, before=moment, is_dry=is_dry)
            deleted = maintenance.delete_files(lake, workspace.home, before=moment, is_dry=is_dry)
        found = maintenance.orphans(lake, before=now - _LEFT_FOR) if is_thorough else []
        if found and delete_orphans and not is_dry and not is_s3(workspace.home.tables_at):
            with _locked(workspace):  # no writer is about to name one of them
                disk.remove([Path(path) for path in maintenance.orphans(lake, before=now - _LEFT_FOR)])
        if is_thorough and not is_dry:
            with workspace.writing():
                maintenance.flush_rows(lake)
        merged = [one.name for one in maintenance.fragmented(lake)] if is_dry else _merge(workspace, lake)
        uses = {"before": before, "after": before if is_dry else maintenance.tables_use(lake)}
    return {
        "merged": merged,
        "expired_snapshots": expired,
        "deleted_files": len(deleted),
        "orphans": found,
        "tables": uses,
    }


def _merge(workspace: Workspace, lake: duckdb.DuckDBPyConnection) -> list[str]:
    tables = maintenance.fragmented(lake)
    for table in tables:
        workspace.say(f"putting together the files of {table.name}")
        with workspace.writing():
            maintenance.merge_files(lake, table)
    return [table.name for table in tables]


@contextlib.contextmanager
def _locked(workspace: Workspace) -> Iterator[None]:
    """Hold the writer lock, on a full disk too: what comes frees some of it."""
    timeout_s = workspace.settings.lake.lock_timeout_s
    with writer_lock(workspace.home, timeout_s=timeout_s, on_wait=workspace.say):
        yield
