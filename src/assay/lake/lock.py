"""One writer at a time: an OS file lock that waits, and that dies with its process; or the lock of PostgreSQL.

The lock is the kernel's, so a killed writer never leaves it behind; the text in the file only tells people who has it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from assay.domain.errors import LakeBusyError
from assay.lake.home import Home
from assay.lake.storage import storage_errors

_POLL_S = 0.05


@contextlib.contextmanager
def file_lock(path: Path, *, timeout_s: float, on_wait: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold the lock at `path` for the block.

    Parameters
    ----------
    path : Path
        The lock file; made if absent.
    timeout_s : float
        Seconds to wait for another holder.
    on_wait : callable, optional
        Told once who holds the lock when it has to be waited for.

    Raises
    ------
    LakeBusyError
        If another process still holds it after `timeout_s`.
    """
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _acquire(descriptor, path, timeout_s, on_wait)
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()}".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def writer_lock(
    home: Home, *, timeout_s: float, on_wait: Callable[[str], None] | None = None
) -> contextlib.AbstractContextManager[None]:
    """Hold the lock of the home's lake for the block: where the catalogue is, there is its lock.

    Raises
    ------
    LakeBusyError
        If another process still holds it after `timeout_s`.
    """
    if home.postgres:
        return home.postgres.lock(timeout_s=timeout_s, on_wait=on_wait)
    return file_lock(home.writer_lock, timeout_s=timeout_s, on_wait=on_wait)


def is_writer_locked(home: Home) -> bool:
    """Whether a process holds the lock of the home's lake."""
    return home.postgres.is_locked() if home.postgres else is_held(home.writer_lock)


def is_held(path: Path) -> bool:
    """Whether a process holds the lock at `path`, found without taking it away from anybody who wants it."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:  # nobody ever took it
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _acquire(descriptor: int, path: Path, timeout_s: float, on_wait: Callable[[str], None] | None) -> None:
    # The only place below the pipelines that measures time: a lock that waits has to.
    deadline = time.monotonic() + timeout_s
    told = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 100, 0).decode(errors="replace") or "another process"
        else:
            return
        if time.monotonic() >= deadline:
            todo = "wait for it to finish, or raise lake.lock_timeout_s"
            raise LakeBusyError(f"{holder} is writing to the lake", value=path.parent.parent, todo=todo)
        if on_wait and not told:
            on_wait(f"waiting for {holder} to finish writing to the lake")
            told = True
        time.sleep(_POLL_S)
