"""Bodies past their time: the answers as they were received, whose rows stay for ever."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from assay.lake import packs
from assay.lake.bronze import FAILURES, POISON, QUARANTINE
from assay.lake.bronze_store import BronzeStore
from assay.lake.day_notes import DayNotes
from assay.lake.packs import BODIES, KEPT_BODIES, is_pack
from assay.lake.storage import Listed

_BODY = ".body."


def old_bodies(store: BronzeStore, notes: DayNotes, *, before: date) -> Iterator[tuple[str, list[Listed]]]:
    """Yield the days before a date with the bodies in them that nothing needs any more.

    Bodies that could not be read, or not wholly, stay: what is in quarantine is read again from them. A body whose
    batch is not committed stays as well: its writer may be at it.

    Parameters
    ----------
    store : BronzeStore
    notes : DayNotes
        Days in which nothing is left are noted there.
    before : date
        Bodies that were received on this day or later stay.
    """
    for day, _ in notes.due(store, before):
        dataset, _, beside = day.partition("/")
        found = [] if dataset in (QUARANTINE, POISON, FAILURES) else _in_day(store, day, f"{QUARANTINE}/{beside}")
        if found:
            yield day, found
        else:
            notes.is_done(day)


def _in_day(store: BronzeStore, day: str, aside: str) -> list[Listed]:
    files = store.listed(day)
    bodies = [one for one in files if _BODY in one.file]
    if not bodies:
        return []
    committed = _ids(store, day, files)
    read_again = _ids(store, aside, store.listed(aside))

    def may_go(one: Listed) -> bool:
        if is_pack(one.stem):  # those that are read again have a file of their own
            return one.stem in committed and one.file.endswith(BODIES) and not one.file.endswith(KEPT_BODIES)
        return one.stem in committed and one.stem not in read_again

    return [one for one in bodies if may_go(one)]


def _ids(store: BronzeStore, day: str, files: list[Listed]) -> set[str]:
    """Return the batches that have rows in a day, in a file of their own or in a pack, and the packs."""
    found = {one.stem for one in files if one.file.endswith(".parquet")}
    if any(map(is_pack, found)):
        for listed in store.packs(day).values():
            found.update(packs.read_ids(listed))
    return found
