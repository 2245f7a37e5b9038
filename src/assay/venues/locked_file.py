"""A small file that processes of one machine read and replace in turn.

The lock is the kernel's and dies with its process, so a killed holder blocks nobody; a killed writer leaves the old
text or the new one. Nothing is flushed to the disk: what must survive here is a process, not the machine's power.

>>> from tempfile import TemporaryDirectory
>>> with TemporaryDirectory() as folder, LockedFile(Path(folder) / "count").held() as file:
...     print(file.read())
...     file.replace("1")
...     print(file.read())
None
1
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from assay.domain.errors import StorageError, TransientError
from assay.domain.points import Point, reached

# Held for well under a millisecond at a time, unless its holder is stopped by a debugger.
_PATIENCE_S = 5.0
_POLL_S = 0.0005


class StateBusyError(TransientError):
    """Another process holds a state file and does not let go."""


@dataclass(frozen=True, slots=True)
class LockedFile:
    """The file at `path`, guarded by a lock file beside it; the folder is made when it is needed."""

    path: Path

    @contextlib.contextmanager
    def held(self) -> Iterator[Self]:
        """Hold the lock for the block, which must be short and must not wait.

        Raises
        ------
        StateBusyError
            If another process does not let go of it.
        StorageError
            If the disk refuses.
        """
        try:
            try:
                descriptor = self._opened()
            except FileNotFoundError:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                descriptor = self._opened()
        except OSError as error:
            raise self._refused(error) from error
        try:
            self._lock(descriptor)
            yield self
        finally:
            os.close(descriptor)

    def read(self) -> str | None:
        """Return the text, or None if there is none yet."""
        for path in (self.path, self._draft):
            try:
                return path.read_text(encoding="utf-8", errors="replace")
            except FileNotFoundError:
                continue
            except OSError as error:
                raise self._refused(error) from error
        return None

    def replace(self, text: str) -> None:
        """Replace the text; killed at any point, this leaves a whole one under one of the two names."""
        try:
            if not self.path.exists() and self._draft.exists():
                # A writer was killed between the last two steps, and what is to be written over is all there is.
                self._draft.rename(self.path)
            with self._draft.open("w", encoding="utf-8") as draft:
                reached(Point.STATE_BEGUN)
                draft.write(text)
            reached(Point.STATE_WRITTEN)
            # Renaming onto the old file would be one step, but ext4 then waits for the disk: 1.7 ms instead of 0.05.
            self.path.unlink(missing_ok=True)
            reached(Point.STATE_REMOVED)
            self._draft.rename(self.path)
        except OSError as error:
            raise self._refused(error) from error

    @property
    def _draft(self) -> Path:
        # Whoever holds the lock is the only writer, so one name will do.
        return self.path.with_suffix(".draft")

    def _opened(self) -> int:
        # The lock is on a file of its own, because a rename would take it away with the old content.
        return os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o644)

    def _lock(self, descriptor: int) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    todo = "see which stopped process has it open"
                    raise StateBusyError("another process does not let go of", value=self.path, todo=todo) from None
                time.sleep(_POLL_S)
            else:
                return

    def _refused(self, error: OSError) -> StorageError:
        what = f"the disk refused ({error.strerror})"
        return StorageError(what, value=error.filename or self.path, todo="free some space or check the permissions")
