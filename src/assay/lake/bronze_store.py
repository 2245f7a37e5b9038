"""Where the files of bronze are kept: a directory, or a prefix of an object store. The names are the same in both.

A store can do little, and everything in bronze is made of it: create a file unless its name is taken, read one, say
which days there are and when each last changed, and list a day. The day's time lets a reader leave alone what it has
seen; a day counts as seen only if it had settled when it was listed, because a file may come shortly after.

A batch is a file of its own, or one of many in a :mod:`pack <assay.lake.packs>`; for a while it is both.
:func:`batches_of` says of each batch of a day which file to read it from, and never names one twice.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from assay.domain.points import Point, reached
from assay.lake import packs
from assay.lake.packs import FOLDER, IDS, is_pack
from assay.lake.storage import Listed, storage_errors, write_if_absent

Day = tuple[str, int]
"""A partition below bronze, ``<dataset>/venue=<venue>/known_date=<YYYY-MM-DD>``, and when it last changed, in ns."""


class BronzeFile(Protocol):
    """A file of bronze; every :class:`~pathlib.Path` is one. Its text is its address, for DuckDB to read it."""

    @property
    def name(self) -> str:
        """The last part of its name."""
        ...

    @property
    def stem(self) -> str:
        """That without the ending."""
        ...

    def read_bytes(self) -> bytes:
        """Return what is in it; FileNotFoundError if it is not there."""
        ...

    def exists(self) -> bool:
        """Whether it is there."""
        ...


class BronzeStore(Protocol):
    """What keeps the files of bronze."""

    @property
    def settle_ns(self) -> int:
        """A day that changed this shortly before it was listed may get a file that its time does not show."""
        ...

    def at(self, name: str) -> BronzeFile:
        """Return the file of that name below bronze, which need not be there."""
        ...

    def name_of(self, file: BronzeFile) -> str:
        """Return the name of a file below bronze."""
        ...

    def create(self, name: str, body: bytes) -> bool:
        """Create a file whole unless the name is taken; return whether it was created."""
        ...

    def find(self, dataset: str, venue: str, stem: str) -> BronzeFile | None:
        """Return where the committed batch of that id is, on whatever day, or None."""
        ...

    def find_like(self, dataset: str, beginning: str) -> dict[str, BronzeFile]:
        """Return the batches of a dataset, of any venue and day, whose ids begin like that, and where each is."""
        ...

    def days(self, dataset: str = "", venue: str = "") -> Iterator[Day]:
        """Yield the days of one dataset and one venue, or of all, sorted."""
        ...

    def committed(self, day: str) -> Iterator[BronzeFile]:
        """Yield the files of rows that were committed on a day, of batches and of packs, in a fixed order."""
        ...

    def packs(self, day: str) -> Mapping[str, bytes]:
        """Return the committed packs of a day by what their names begin with, and the list of the batches of each."""
        ...

    def listed(self, day: str) -> list[Listed]:
        """Return all files of a day, half-written ones left out; none if there is no such day."""
        ...

    def absent(self, names: Sequence[str]) -> list[BronzeFile]:
        """Return those of the committed files of these names that are not there any more, sorted."""
        ...

    def remove(self, names: Sequence[str]) -> None:
        """Remove files, those that are there."""
        ...

    def note(self, day: str, batch_ids: Sequence[str]) -> None:
        """Make :meth:`find` know of batches that came to a day in a pack from elsewhere."""
        ...

    def index(self) -> None:
        """Make :meth:`days` and :meth:`find` know of files that came by other ways than :meth:`create`."""
        ...

    def now_ns(self) -> int:
        """Return what a file written now would get as its time: the only clock that days compare with."""
        ...


class LocalBronze:
    """Bronze in a directory."""

    settle_ns = 2_000_000_000

    def __init__(self, root: Path) -> None:
        self.root = root

    def at(self, name: str) -> Path:
        """Return the path of that name."""
        return self.root / name

    def name_of(self, file: BronzeFile) -> str:
        """Return the name of a file below bronze."""
        return str(Path(str(file)).relative_to(self.root))

    def create(self, name: str, body: bytes) -> bool:
        """Create a file whole unless the name is taken; return whether it was created."""
        return write_if_absent(self.root / name, body)

    def find(self, dataset: str, venue: str, stem: str) -> Path | None:
        """Return where the committed batch of that id is, on whatever day, or None."""
        days = sorted((self.root / dataset / f"venue={venue}").glob("known_date=*"))
        found = (day / f"{stem}.parquet" for day in days)
        alone = next((path for path in found if path.exists()), None)
        if alone is not None:
            return alone
        packed = (
            day / f"{pack}.parquet" for day in days for pack, listed in _packs_in(day) if packs.holds(listed, stem)
        )
        return next(packed, None)

    def find_like(self, dataset: str, beginning: str) -> dict[str, BronzeFile]:
        """Return the batches of a dataset whose ids begin like that, and where each is."""
        root = self.root / dataset
        alone = root.glob(f"venue=*/known_date=*/{beginning}*.parquet")
        found: dict[str, BronzeFile] = {path.stem: path for path in sorted(alone) if not is_pack(path.stem)}
        for folder in sorted(root.glob(f"venue=*/known_date=*/{FOLDER}")):
            for pack, listed in _packs_in(folder.parent):
                ids = [one for one in packs.read_ids(listed) if one.startswith(beginning)]
                found |= dict.fromkeys(ids, folder.parent / f"{pack}.parquet")
        return found

    def days(self, dataset: str = "", venue: str = "") -> Iterator[Day]:
        """Yield the days of one dataset and one venue, or of all, sorted."""
        for folder in [dataset] if dataset else self._datasets():
            for day in sorted((self.root / folder).glob(f"venue={venue or '*'}/known_date=*")):
                yield str(day.relative_to(self.root)), day.stat().st_mtime_ns

    def _datasets(self) -> list[str]:
        return sorted(one.name for one in self.root.iterdir() if one.is_dir()) if self.root.is_dir() else []

    def committed(self, day: str) -> Iterator[Path]:
        """Yield the files of rows that were committed on a day, in a fixed order."""
        with os.scandir(self.root / day) as entries:
            names = sorted(entry.name for entry in entries)
        for name in names:
            if name.endswith(".parquet") and not name.startswith("."):
                yield self.root / day / name

    def packs(self, day: str) -> Mapping[str, bytes]:
        """Return the committed packs of a day, and the list of the batches of each."""
        return dict(_packs_in(self.root / day))

    def listed(self, day: str) -> list[Listed]:
        """Return all files of a day, half-written ones left out; none if there is no such day."""
        found = []
        for folder in (self.root / day, self.root / day / FOLDER):
            with storage_errors(folder), contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
                for entry in entries:
                    if not entry.name.startswith(".") and entry.is_file():
                        seen = entry.stat()
                        name = str(Path(entry.path).relative_to(self.root))
                        found.append(Listed(name, seen.st_size, datetime.fromtimestamp(seen.st_mtime, UTC)))
        return found

    def absent(self, names: Sequence[str]) -> list[BronzeFile]:
        """Return those of the committed files of these names that are not there any more, sorted."""
        return [self.root / name for name in sorted(names) if not (self.root / name).exists()]

    def remove(self, names: Sequence[str]) -> None:
        """Remove files, those that are there."""
        for name in names:
            with storage_errors(self.root / name):
                (self.root / name).unlink(missing_ok=True)
            reached(Point.PACKED_REMOVED)

    def note(self, day: str, batch_ids: Sequence[str]) -> None:
        """Do nothing: the lists of packs are looked through."""

    def index(self) -> None:
        """Do nothing: directories know what is in them."""

    def now_ns(self) -> int:
        """Return the disk's time."""
        probe = self.root / f".probe-{os.getpid()}-{threading.get_ident()}"
        with storage_errors(probe):
            probe.touch()
            moment = probe.stat().st_mtime_ns
            probe.unlink(missing_ok=True)
        return moment


Bronze = Path | BronzeStore
"""Where bronze is: a directory stands for the store of its files."""


def store_of(bronze: Bronze) -> BronzeStore:
    """Return the store itself."""
    return LocalBronze(bronze) if isinstance(bronze, Path) else bronze


def batches_of(bronze: Bronze, day: str) -> dict[str, BronzeFile]:
    """Return the committed batches of a day by id, in order, and the file that each is to be read from.

    A batch in a pack is read from there, also while its own file is still beside it.
    """
    store = store_of(bronze)
    files = list(store.committed(day))
    found = {file.stem: file for file in files if not is_pack(file.stem)}
    if len(found) < len(files):
        for pack, listed in sorted(store.packs(day).items(), reverse=True):
            found |= dict.fromkeys(packs.read_ids(listed), store.at(f"{day}/{pack}.parquet"))
    return dict(sorted(found.items()))


def _packs_in(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the committed packs of a day's directory; those that are not there any more or not yet are passed over."""
    with contextlib.suppress(FileNotFoundError):
        for listed in sorted((folder / FOLDER).iterdir()):
            if listed.suffix == IDS and is_pack(listed.stem) and (folder / f"{listed.stem}.parquet").exists():
                yield listed.stem, read_list(listed)


@functools.lru_cache(maxsize=512)
def read_list(file: BronzeFile) -> bytes:
    """Return the list of the batches of a pack, which never changes."""
    return file.read_bytes()
