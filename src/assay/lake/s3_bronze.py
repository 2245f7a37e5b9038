"""Bronze in an object store: the same names as on a disk, and two small indexes that an object store does not have.

``_days/<day>`` is written *before* anything is put into a day, at most a minute before, and its time stands for the
time of the day's directory: one listing of these says which days may have changed, whatever history there is. A day is
listed again until its mark is a quarter of an hour old, which no commit that follows it can be late by; so a writer
that dies between mark and commit costs a listing, and one between commit and whatever comes next costs nothing.

``_ids/<xxx>/<id>`` is written *after* a batch is committed and says on which day it is: one request finds out whether
a batch is there already. A batch whose writer died before this note is still a batch; if it is written once more on a
later day, it is there twice under one id, which counts once. The note stays true when the batch is put into a pack of
its day: whoever does not find its own object there looks into the lists of the packs.
"""

from __future__ import annotations

import functools
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from assay.domain.points import Point, reached
from assay.lake import packs
from assay.lake.bronze_store import BronzeFile, Day, read_list
from assay.lake.packs import FOLDER, IDS, is_pack
from assay.lake.places import S3Access, S3Url
from assay.lake.s3 import S3Folder
from assay.lake.storage import Listed

_AT_ONCE = 16
_MARK_HOLDS_S = 60.0
_COMMIT_IS_LATE_S = 300.0
_DAYS, _IDS, _ENDING = "_days", "_ids", ".parquet"
_PARTS_OF_A_DAY = 3
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class S3File:
    """An object of bronze."""

    folder: S3Folder
    key: str

    @property
    def name(self) -> str:
        """The last part of its name."""
        return self.key.rpartition("/")[2]

    @property
    def stem(self) -> str:
        """That without the ending."""
        return self.name.rpartition(".")[0] or self.name

    def read_bytes(self) -> bytes:
        """Return what is in it; FileNotFoundError if it is not there."""
        return self.folder.get(self.key)

    def read_tail(self, least: int) -> bytes:
        """Return its last bytes: as many as asked for, or all there are."""
        return self.folder.get_tail(self.key, least)

    def read_range(self, start: int, length: int) -> bytes:
        """Return a part of it."""
        return self.folder.get_range(self.key, start, length)

    def exists(self) -> bool:
        """Whether it is there."""
        return self.folder.modified_at(self.key) is not None

    def __str__(self) -> str:
        return f"{self.folder.url}/{self.key}"


class S3Bronze:
    """Bronze below a prefix of a bucket."""

    settle_ns = 900_000_000_000

    def __init__(self, folder: S3Folder) -> None:
        self.folder = folder
        self._marked: dict[str, float] = {}
        self._lock = threading.Lock()

    def at(self, name: str) -> S3File:
        """Return the object of that name."""
        return S3File(self.folder, name)

    def name_of(self, file: BronzeFile) -> str:
        """Return the name of a file below bronze."""
        return str(file).removeprefix(f"{self.folder.url}/")

    def create(self, name: str, body: bytes) -> bool:
        """Create an object unless the name is taken; return whether it was created."""
        *above, file = name.split("/")
        day = "/".join(above[:_PARTS_OF_A_DAY])
        if day:
            self._mark(day)
        is_new = self.folder.put_if_absent(name, body)
        if day and file.endswith(_ENDING):
            self._mark(day, _COMMIT_IS_LATE_S)
            stem = file.removesuffix(_ENDING)
            if not is_pack(stem):
                self.note(day, [stem])
        return is_new

    def find(self, dataset: str, venue: str, stem: str) -> S3File | None:
        """Return the committed batch of that id, on whatever day, or None."""
        try:
            day = self.folder.get(_note(dataset, stem)).decode()
        except FileNotFoundError:
            return None
        return self._on_day(day, stem) if day.startswith(f"{dataset}/venue={venue}/") else None

    def find_like(self, dataset: str, beginning: str) -> dict[str, BronzeFile]:
        """Return the batches of a dataset whose ids begin like that, and where each is; three digits are needed."""
        folder = _note(dataset, beginning).rpartition("/")[0]
        stems = sorted(one.file for one in self.folder.names_below(folder) if one.file.startswith(beginning))
        days = {stem: self.folder.get(f"{folder}/{stem}").decode() for stem in stems}
        found = {stem: self._on_day(day, stem) for stem, day in days.items()}
        return {stem: file for stem, file in found.items() if file is not None}

    def _on_day(self, day: str, stem: str) -> S3File | None:
        alone = self.at(f"{day}/{stem}{_ENDING}")
        if alone.exists():
            return alone
        held = (pack for pack, listed in self.packs(day).items() if packs.holds(listed, stem))
        return next((self.at(f"{day}/{pack}{_ENDING}") for pack in held), None)

    def days(self, dataset: str = "", venue: str = "") -> Iterator[Day]:
        """Yield the days of one dataset and one venue, or of all, sorted."""
        below = "/".join([_DAYS, *([dataset] if dataset else []), *([f"venue={venue}"] if dataset and venue else [])])
        for one in sorted(self.folder.names_below(below), key=lambda one: one.name):
            day = one.name.removeprefix(f"{_DAYS}/")
            if not venue or f"/venue={venue}/" in day:
                yield day, _ns(one.modified_at)

    def committed(self, day: str) -> Iterator[S3File]:
        """Yield the objects of rows that were committed on a day, in a fixed order."""
        for name in sorted(one.name for one in self.folder.names_below(day)):
            if name.endswith(_ENDING):
                yield self.at(name)

    def packs(self, day: str) -> Mapping[str, bytes]:
        """Return the committed packs of a day, and the list of the batches of each."""
        stems = sorted(one.stem for one in self.folder.names_below(f"{day}/{FOLDER}") if one.name.endswith(IDS))
        there = [stem for stem in stems if self.at(f"{day}/{stem}{_ENDING}").exists()]
        return {stem: read_list(self.at(f"{day}/{FOLDER}/{stem}{IDS}")) for stem in there}

    def listed(self, day: str) -> list[Listed]:
        """Return all objects of a day."""
        return list(self.folder.names_below(day))

    def remove(self, names: Sequence[str]) -> None:
        """Remove objects, those that are there."""
        self.folder.remove_all(names)
        reached(Point.PACKED_REMOVED)

    def note(self, day: str, batch_ids: Sequence[str]) -> None:
        """Say of batches on which day they are."""
        dataset, told = day.partition("/")[0], day.encode()
        names = [_note(dataset, batch_id) for batch_id in batch_ids]
        if len(names) == 1:
            self.folder.put_if_absent(names[0], told)
            return
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda name: self.folder.put_if_absent(name, told), names))

    def absent(self, names: Sequence[str]) -> list[BronzeFile]:
        """Return those of the objects of these names that are not there any more, sorted; a listing for each day."""
        days = sorted({name.rpartition("/")[0] for name in names})
        there = {file.key for day in days for file in self.committed(day)}
        return [self.at(name) for name in sorted(names) if name not in there]

    def index(self) -> None:
        """Mark every day and note every batch that was put here by others; lists all there is."""
        names = {one.name for one in self.folder.names_below("")}
        batches = [name.rpartition("/") for name in sorted(names) if name.endswith(_ENDING) and name[0] != "_"]
        entries = {f"{_DAYS}/{day}": b"" for day, _, _ in batches}
        for day, _, file in batches:
            ids = [file.removesuffix(_ENDING)]
            if is_pack(ids[0]):
                ids = packs.read_ids(self.folder.get(f"{day}/{FOLDER}/{ids[0]}{IDS}"))
            entries |= {_note(day.partition("/")[0], batch_id): day.encode() for batch_id in ids}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda name: self.folder.put_if_absent(name, entries[name]), entries.keys() - names))

    def now_ns(self) -> int:
        """Return the store's time, to the second."""
        probe = f"_probe/{os.getpid()}-{threading.get_ident()}"
        self.folder.put(probe, b"")
        moment = self.folder.modified_at(probe)
        self.folder.remove(probe)
        return _ns(moment) if moment else 0

    def _mark(self, day: str, holds_s: float = _MARK_HOLDS_S) -> None:
        """Say that something is about to be put into `day`, unless that was said a moment ago."""
        # Time that passed, not what time it is: how long ago this process said so.
        now = time.monotonic()
        with self._lock:
            last = self._marked.get(day)
        if last is None or now - last > holds_s:
            self.folder.put(f"{_DAYS}/{day}", b"")
            with self._lock:
                self._marked[day] = now


def _note(dataset: str, stem: str) -> str:
    return f"{_IDS}/{dataset}/{stem[:3]}/{stem}"


def _ns(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


@functools.lru_cache(maxsize=16)
def s3_bronze(place: str, access: S3Access) -> S3Bronze:
    """Return the store at ``s3://bucket/prefix``; one a process, which remembers what it has marked."""
    return S3Bronze(S3Folder(S3Url.parse(place), access))
