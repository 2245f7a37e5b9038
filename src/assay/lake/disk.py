"""What a home takes of its disk, and what of it may go: leftovers of killed writers, and caches."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from assay.domain.errors import StorageError
from assay.lake.home import Home
from assay.lake.storage import storage_errors

WARN_FROM = 0.8
"""Part of the disk budget from which on it is worth a word."""
_REPRODUCIBLE = ("coverage", "dbt")
"""Folders of the cache that are made again at little cost; extensions and kernels cost more than they take."""


@dataclass(frozen=True, slots=True)
class DiskUse:
    """What the home takes of its disk.

    Attributes
    ----------
    bytes, files : int
        Size of everything in the home, and of how many files.
    budget_bytes : int
        What it may take; 0 if there is no limit.
    """

    bytes: int
    files: int
    budget_bytes: int

    @property
    def is_over(self) -> bool:
        """Whether it takes more than it may."""
        return 0 < self.budget_bytes < self.bytes

    @property
    def is_short(self) -> bool:
        """Whether it is near that, or over."""
        return self.budget_bytes > 0 and self.bytes >= WARN_FROM * self.budget_bytes


def disk_use(home: Home, budget_bytes: int = 0) -> DiskUse:
    """Return what the home takes; what lies elsewhere, in an object store or a database, is not counted."""
    size = files = 0
    for entry in _walk(str(home.root)):
        try:
            size += entry.stat(follow_symlinks=False).st_size
        except FileNotFoundError:
            continue
        files += 1
    return DiskUse(size, files, budget_bytes)


def check_budget(home: Home, budget_bytes: int) -> None:
    """Raise StorageError when the home takes more of the disk than it may; without a budget nothing is looked at."""
    if not budget_bytes:
        return
    use = disk_use(home, budget_bytes)
    if use.is_over:
        what = f"the home takes {use.bytes / 1e6:,.1f} MB, and lake.disk_budget is {budget_bytes / 1e6:,.1f} MB"
        todo = "run `assay maintain`, or raise lake.disk_budget"
        raise StorageError(what, value=home.root, todo=todo)


def leftovers(home: Home, *, before: datetime) -> list[Path]:
    """Return files that writers who were killed never finished, last written before a moment of the machine's clock."""
    unfinished = (entry for entry in _walk(str(home.root)) if _is_unfinished(entry.name))
    found = []
    for entry in (*unfinished, *_walk(str(home.cache / "spill"))):
        with contextlib.suppress(FileNotFoundError):
            if entry.stat(follow_symlinks=False).st_mtime < before.timestamp():
                found.append(Path(entry.path))
    return sorted(found)


def _is_unfinished(name: str) -> bool:
    return name.startswith(".") and (name.endswith(".tmp") or name.startswith(".probe-"))


def caches(home: Home) -> list[Path]:
    """Return the folders of the cache that are there and are made again at little cost."""
    return [path for name in _REPRODUCIBLE if (path := home.cache / name).exists()]


def remove(paths: list[Path]) -> int:
    """Remove files and folders, those that are there; return how many bytes that frees."""
    freed = 0
    for path in paths:
        with storage_errors(path):
            freed += size_of([path])
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)  # somebody may be making it again
            else:
                path.unlink(missing_ok=True)
    return freed


def size_of(paths: list[Path]) -> int:
    """Return how many bytes the files and folders take."""
    size = 0
    for path in paths:
        try:
            is_folder = path.is_dir() and not path.is_symlink()
            size += path.lstat().st_size if not is_folder else sum(_size(one) for one in _walk(str(path)))
        except FileNotFoundError:
            continue
    return size


def _size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:
        return 0


def _walk(folder: str) -> Iterator[os.DirEntry[str]]:
    """Yield the files below a folder; what goes away meanwhile is passed over."""
    try:
        with os.scandir(folder) as entries:
            found = list(entries)
    except FileNotFoundError:
        return
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path)
        else:
            yield entry
