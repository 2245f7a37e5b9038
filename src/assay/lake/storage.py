"""Files that are there whole or not at all.

A file is written under a temporary name, flushed to the disk, and given its name by a hard link, which fails if the
name is taken: two writers of the same batch cannot overwrite one another, and a reader never sees half a file.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from assay.domain.errors import StorageError
from assay.domain.points import Point, reached

_REASONS = {
    errno.ENOSPC: ("the disk is full", "free some space and run the same command again; nothing was half-written"),
    errno.EDQUOT: ("the disk quota is used up", "free some space and run the same command again"),
    errno.EFBIG: ("a file would exceed the size limit", "raise the limit (ulimit -f) and run the same command again"),
    errno.EROFS: ("the disk is read-only", "point ASSAY_HOME at a directory that can be written"),
    errno.EACCES: ("no permission", "change the permissions, or point ASSAY_HOME at a directory of your own"),
    errno.EPERM: ("no permission", "change the permissions, or point ASSAY_HOME at a directory of your own"),
    errno.EIO: ("the disk failed", "check the disk"),
    errno.ENAMETOOLONG: ("the name is too long for a file", "choose a shorter one"),
}


@dataclass(frozen=True, slots=True)
class Listed:
    """A file as a listing shows it: its name below what was listed, its size, and when it was last written there."""

    name: str
    bytes: int
    modified_at: datetime

    @property
    def file(self) -> str:
        """The last part of its name."""
        return self.name.rpartition("/")[2]

    @property
    def stem(self) -> str:
        """That up to its first dot: the id of a batch, for a file of bronze."""
        return self.file.partition(".")[0]


_FULL = ("No space left", "disk is full", "File too large", "Disk quota exceeded")


def disk_full(message: str) -> StorageError | None:
    """Return the StorageError that a library's message amounts to, if it says that the disk has no room left.

    >>> str(disk_full("TransactionContext Error: database or disk is full"))
    'the disk is full; free some space and run the same command again; nothing was half-written'
    """
    what, todo = _REASONS[errno.ENOSPC]
    return StorageError(what, todo=todo) if any(words in message for words in _FULL) else None


@contextlib.contextmanager
def storage_errors(path: object) -> Iterator[None]:
    """Turn the disk's refusals inside the block into a StorageError that names `path`."""
    try:
        yield
    except OSError as error:
        what, todo = _REASONS.get(error.errno or 0, (f"the disk refused ({error.strerror})", "check the path"))
        raise StorageError(what, value=error.filename or path, todo=todo) from error


def check_free_space(path: Path, least_bytes: int) -> None:
    """Raise StorageError when the disk of `path` has less than `least_bytes` left."""
    with storage_errors(path):
        free = shutil.disk_usage(path).free
    if free < least_bytes:
        what, todo = f"less than {least_bytes // 2**20} MiB left on the disk", "free some space"
        raise StorageError(what, value=path, todo=todo)


def write_if_absent(path: Path, body: bytes) -> bool:
    """Create `path` with `body` unless it exists; return whether it was created.

    The content is on the disk, and so is the name, when this returns.
    """
    with _temporary_beside(path, body) as temporary:
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        reached(Point.FILE_NAMED)
        _flush_directory(path.parent)
    return True


def write_atomically(path: Path, body: bytes) -> None:
    """Create or replace `path` with `body` in one step."""
    with _temporary_beside(path, body) as temporary:
        temporary.replace(path)
        reached(Point.FILE_NAMED)
        _flush_directory(path.parent)


@contextlib.contextmanager
def _temporary_beside(path: Path, body: bytes) -> Iterator[Path]:
    temporary = path.parent / f".{path.name}.{uuid.uuid4().hex}.tmp"
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            reached(Point.FILE_WRITTEN)
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)


def _flush_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
