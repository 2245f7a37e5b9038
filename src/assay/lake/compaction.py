"""The small batches of a day that is over, put together into packs: the same batches in far fewer files.

What a batch says does not change: its rows, its header with all that coverage, quarantine and lineage are made of, what
was set aside of it, and its body byte for byte are in the :mod:`pack <assay.lake.packs>`. The files that a pack stands
for stay beside it for a while, so that whoever listed them before may finish; then they go.

Everything is written before the file that commits a pack, and a pack is named after what is in it. So it can be
stopped at any moment and done again, by several at once too; whoever reads meanwhile finds each batch once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, cast

from assay.domain.errors import HomeError
from assay.domain.points import Point, reached
from assay.lake import bronze, packs
from assay.lake.bronze import FAILURES, POISON, QUARANTINE, BatchHeader
from assay.lake.bronze_store import BronzeStore, LocalBronze
from assay.lake.day_notes import DayNotes
from assay.lake.packs import BODIES, FOLDER, IDS, KEPT_BODIES, is_pack
from assay.lake.storage import Listed, storage_errors

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

FEW = 4
"""So many small batches of one day cost less than putting them together."""
SMALL_BYTES = 8 * 2**20
"""A batch whose rows or whose body take more stays a file of its own."""
_PACK_BYTES, _PACK_ROWS, _PACK_BATCHES = 32 * 2**20, 200_000, 2_000
"""A pack is closed when it has so much; what is packed at once is in memory."""
_AT_ONCE, _READ_AHEAD = 16, 256
_ROWS = ".parquet"


@dataclass(slots=True)
class Compacted:
    """What became of bronze.

    Attributes
    ----------
    batches, packs : int
        Batches that were put together, and into how many packs; of a dry run, batches only.
    removed, freed_bytes : int
        Files that packs stand for, or that a killed writer of packs left, that were removed, and their size.
    """

    batches: int = 0
    packs: int = 0
    removed: int = 0
    freed_bytes: int = 0


@dataclass(frozen=True, slots=True)
class _Folder:
    """A day of a dataset, or what was set aside of all datasets of a venue on that day.

    Attributes
    ----------
    name : str
    files : mapping of str to Listed
        All files by the last part of their names.
    bodies : mapping of str to Listed
        Bodies that are files of their own, by batch id.
    packed : mapping of str to str
        Batches that are in a committed pack, and what the names of its files begin with.
    """

    name: str
    files: Mapping[str, Listed]
    bodies: Mapping[str, Listed]
    packed: Mapping[str, str]

    @classmethod
    def look(cls, store: BronzeStore, name: str) -> _Folder:
        """Look into a folder."""
        packed = {one: pack for pack, listed in store.packs(name).items() for one in packs.read_ids(listed)}
        files = {one.file: one for one in store.listed(name)}
        bodies = {one.stem: one for one in files.values() if ".body." in one.file and not is_pack(one.stem)}
        return cls(name, files, bodies, packed)

    def alone(self) -> list[Listed]:
        """Return the rows of small batches that are in no pack, the oldest first."""
        found = [
            one
            for one in self.files.values()
            if one.file.endswith(_ROWS) and not is_pack(one.stem) and one.stem not in self.packed
        ]
        small = [one for one in found if max(one.bytes, self._body_bytes(one.stem)) <= SMALL_BYTES]
        return sorted(small, key=lambda one: (one.modified_at, one.name))

    def _body_bytes(self, batch_id: str) -> int:
        body = self.bodies.get(batch_id)
        return body.bytes if body else 0


@dataclass(frozen=True, slots=True)
class _Member:
    """A batch that is about to be packed: its header, its rows, those set aside, its body as it is compressed."""

    header: BatchHeader
    rows: pa.Table
    aside: pa.Table | None
    body: bytes | None
    bytes: int

    @property
    def is_read_again(self) -> bool:
        """Whether its body has to stay, because something of it was set aside."""
        return self.aside is not None or self.header.dataset in (POISON, FAILURES)


@dataclass(slots=True)
class _Group:
    """Batches that go into one pack."""

    members: list[_Member] = field(default_factory=list)
    rows: int = 0
    bytes: int = 0

    def add(self, one: _Member) -> None:
        """Take in one more."""
        self.members.append(one)
        self.rows, self.bytes = self.rows + one.rows.num_rows, self.bytes + one.bytes

    @property
    def is_full(self) -> bool:
        """Whether nothing more goes in."""
        return self.rows >= _PACK_ROWS or self.bytes >= _PACK_BYTES or len(self.members) >= _PACK_BATCHES


def compact(
    store: BronzeStore,
    notes: DayNotes,
    *,
    before: date,
    replaced_before: datetime,
    is_dry: bool = False,
    most: int | None = None,
) -> Compacted:
    """Put small batches together, and remove the files that packs have stood for long enough.

    Parameters
    ----------
    store : BronzeStore
    notes : DayNotes
        Days in which nothing is left to do are noted there.
    before : date
        Only days before this one, by the clock that dates batches.
    replaced_before : datetime
        Files go whose pack was committed before this moment, by the clock of the store.
    is_dry : bool, default False
        Only say what would be done.
    most : int, optional
        Write so many packs at most; the rest is left for the next time.

    Raises
    ------
    HomeError
        If a batch is damaged; nothing of it is removed.
    StorageError
        If the place of bronze refuses.
    """
    done = Compacted()
    for day, _ in notes.due(store, before):
        if day.startswith(f"{QUARANTINE}/"):
            notes.is_done(day)  # what was set aside goes with the batches that it was set aside of
            continue
        folder = _Folder.look(store, day)
        aside = _Folder.look(store, f"{QUARANTINE}/{day.partition('/')[2]}")
        replaced = [*_replaced(store, folder, aside), *_unfinished(store, folder, aside)]
        due = [one for one, since in replaced if since < replaced_before]
        done.removed, done.freed_bytes = done.removed + len(due), done.freed_bytes + sum(one.bytes for one in due)
        if due and not is_dry:
            store.remove([one.name for one in due])
        alone = folder.alone()
        if len(alone) < FEW:
            if not replaced:
                notes.is_done(day)
            continue
        if is_dry:
            done.batches += len(alone)
            continue
        for members in _groups(_members(store, folder, aside, alone)):
            if most is not None and done.packs >= most:
                return done
            _write_pack(store, folder, aside, members)
            done.batches, done.packs = done.batches + len(members), done.packs + 1
    return done


def _replaced(store: BronzeStore, folder: _Folder, aside: _Folder) -> Iterator[tuple[Listed, datetime]]:
    """Yield the files of batches that are in a pack as well, and since when."""
    held: dict[str, set[str]] = {}
    for one in (*folder.files.values(), *aside.files.values()):
        pack = folder.packed.get(one.stem)
        if pack is None or (one.name.startswith(aside.name) and aside.packed.get(one.stem) != pack):
            continue
        if one.stem in folder.bodies and one == folder.bodies[one.stem]:
            if pack not in held:
                held[pack] = _bodies_in(store, f"{folder.name}/{pack}")
            if one.stem not in held[pack]:
                continue
        yield one, folder.files[f"{pack}{_ROWS}"].modified_at


def _bodies_in(store: BronzeStore, pack: str) -> set[str]:
    found: set[str] = set()
    for ending in (BODIES, KEPT_BODIES):
        with contextlib.suppress(FileNotFoundError):
            found |= packs.body_places(store.at(pack + ending)).keys()
    return found


def _unfinished(store: BronzeStore, folder: _Folder, aside: _Folder) -> Iterator[tuple[Listed, datetime]]:
    """Yield the files of packs that were never committed, because their writer was stopped."""
    for one in folder.files.values():
        if is_pack(one.stem) and f"{one.stem}{_ROWS}" not in folder.files:
            yield one, one.modified_at
    beside = folder.name.partition("/")[2]
    stems = {one.stem for one in aside.files.values() if is_pack(one.stem)}
    for stem in sorted(stems - set(folder.packed.values())):
        datasets = {day.partition("/")[0] for day, _ in store.days(venue=_venue(folder.name))}
        names = (f"{dataset}/{beside}/{stem}{_ROWS}" for dataset in sorted(datasets - {QUARANTINE}))
        if not any(store.at(name).exists() for name in names):
            yield from ((one, one.modified_at) for one in aside.files.values() if one.stem == stem)


def _venue(day: str) -> str:
    return day.split("/")[1].removeprefix("venue=")


def _members(store: BronzeStore, folder: _Folder, aside: _Folder, alone: Sequence[Listed]) -> Iterator[_Member]:
    """Read batches in order; those of an object store many at a time."""
    read = partial(_member, store, folder, aside)
    if isinstance(store, LocalBronze):
        yield from map(read, alone)
        return
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for first in range(0, len(alone), _READ_AHEAD):
            yield from pool.map(read, alone[first : first + _READ_AHEAD])


def _member(store: BronzeStore, folder: _Folder, aside: _Folder, one: Listed) -> _Member:
    header, rows = bronze.read_batch(store.at(one.name))
    left, body = aside.files.get(one.file), None
    if one.stem in folder.bodies:
        name = folder.bodies[one.stem].name
        # It may be past its time, and go at this moment.
        with storage_errors(name), contextlib.suppress(FileNotFoundError):
            body = store.at(name).read_bytes()
    set_aside = bronze.read_batch(store.at(left.name))[1] if left else None
    return _Member(header, rows, set_aside, body, one.bytes + len(body or b"") + (left.bytes if left else 0))


def _groups(members: Iterable[_Member]) -> Iterator[list[_Member]]:
    """Yield what goes into one pack: batches with the same columns, as many as fit, and not too few."""
    being_filled: dict[pa.Schema, _Group] = {}
    for one in members:
        if "batch_id" not in one.rows.column_names:
            continue  # nothing would tell its rows from those of others
        group = being_filled.setdefault(one.rows.schema, _Group())
        group.add(one)
        if group.is_full:
            yield being_filled.pop(one.rows.schema).members
    yield from (group.members for group in being_filled.values() if len(group.members) >= FEW)


def _write_pack(store: BronzeStore, folder: _Folder, aside: _Folder, group: Sequence[_Member]) -> None:
    """Write the files of a pack, the one that commits it last."""
    members = sorted(group, key=lambda one: (one.header.known_at, one.header.batch_id))
    pack = packs.pack_stem(one.header.batch_id for one in members)
    for ending, is_kept in ((BODIES, False), (KEPT_BODIES, True)):
        bodies = {
            one.header.batch_id: one.body for one in members if one.body is not None and one.is_read_again is is_kept
        }
        if bodies:
            store.create(f"{folder.name}/{pack}{ending}", packs.join_bodies(bodies))
    reached(Point.PACK_BODIES_KEPT)
    left = [(one.header, one.aside) for one in members if one.aside is not None]
    if left:
        _commit(store, f"{aside.name}/{pack}", [header for header, _ in left], [rows for _, rows in left])
    reached(Point.PACK_QUARANTINE_KEPT)
    _commit(store, f"{folder.name}/{pack}", [one.header for one in members], [one.rows for one in members])
    reached(Point.PACK_COMMITTED)


def _commit(store: BronzeStore, name: str, headers: Sequence[BatchHeader], rows: Sequence[pa.Table]) -> None:
    """Write the list of batches and then their rows, which are held against what was read before they count."""
    import polars as pl  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415

    together = cast("pl.DataFrame", pl.from_arrow(pa.concat_tables(rows)))
    body = bronze.to_pack(together, headers)
    if not pl.read_parquet(BytesIO(body)).equals(together):
        what = "batches that were put together do not read as they did"
        raise HomeError(what, value=name, todo="report it: they were left as they are")
    day, _, pack = name.rpartition("/")
    store.create(f"{day}/{FOLDER}/{pack}{IDS}", packs.write_ids(header.batch_id for header in headers))
    reached(Point.PACK_LISTED)
    store.create(f"{name}{_ROWS}", body)
