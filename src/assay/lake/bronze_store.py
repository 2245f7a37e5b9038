"""Where the files of bronze are kept: a directory, or a prefix of an object store. The names are the same in both.

A store can do little, and everything in bronze is made of it: create a file unless its name is taken, read one, say
which days there are and when each last changed, and list a day. The day's time lets a reader leave alone what it has
seen; a day counts as seen only if it had settled when it was listed, because a file may come shortly after.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from assay.lake.storage import storage_errors, write_if_absent

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
        """Return the committed batch of that id, on whatever day, or None."""
        ...

    def find_like(self, dataset: str, beginning: str) -> list[BronzeFile]:
        """Return the files of a dataset, of any venue and day, whose ids begin like that, sorted."""
        ...

    def days(self, dataset: str = "", venue: str = "") -> Iterator[Day]:
        """Yield the days of one dataset and one venue, or of all, sorted."""
        ...

    def committed(self, day: str) -> Iterator[BronzeFile]:
        """Yield the batches committed on a day, in a fixed order."""
        ...

    def absent(self, names: Sequence[str]) -> list[BronzeFile]:
        """Return those of the committed batches of these names that are not there any more, sorted."""
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
        """Return the committed batch of that id, on whatever day, or None."""
        days = (self.root / dataset / f"venue={venue}").glob("known_date=*")
        found = (day / f"{stem}.parquet" for day in sorted(days))
        return next((path for path in found if path.exists()), None)

    def find_like(self, dataset: str, beginning: str) -> list[BronzeFile]:
        """Return the files of a dataset whose ids begin like that, sorted."""
        return [*sorted((self.root / dataset).glob(f"venue=*/known_date=*/{beginning}*.parquet"))]

    def days(self, dataset: str = "", venue: str = "") -> Iterator[Day]:
        """Yield the days of one dataset and one venue, or of all, sorted."""
        for folder in [dataset] if dataset else self._datasets():
            for day in sorted((self.root / folder).glob(f"venue={venue or '*'}/known_date=*")):
                yield str(day.relative_to(self.root)), day.stat().st_mtime_ns

    def _datasets(self) -> list[str]:
        return sorted(one.name for one in self.root.iterdir() if one.is_dir()) if self.root.is_dir() else []

    def committed(self, day: str) -> Iterator[Path]:
        """Yield the batches committed on a day, in a fixed order."""
        with os.scandir(self.root / day) as entries:
            names = sorted(entry.name for entry in entries)
        for name in names:
            if name.endswith(".parquet") and not name.startswith("."):
                yield self.root / day / name

    def absent(self, names: Sequence[str]) -> list[BronzeFile]:
        """Return those of the committed batches of these names that are not there any more, sorted."""
        return [self.root / name for name in sorted(names) if not (self.root / name).exists()]

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
