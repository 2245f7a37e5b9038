"""Connections that stay open: one DuckDB with the lake attached read-only, and a cursor of it for whoever asks.

Opening the lake costs a quarter of a second, a cursor ten microseconds. Each cursor is handed out inside a
transaction, so that all its reads are of one snapshot, whatever writers in other processes commit meanwhile. When the
catalogue itself was made anew, the pool opens the new one; who still reads from the old one may finish.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

import duckdb

from assay.domain.errors import StorageError
from assay.lake.catalog import check_made, is_made, open_catalog, refusals
from assay.lake.home import Home
from assay.lake.kept import Kept
from assay.lake.version import NO_VERSION, DataVersion, Marks, Watch, read_birth, read_version

_SETTLED_S = 0.05
"""A file's time has steps of some milliseconds: until so long after a change was first seen, it is looked at again."""


class _Opened:
    """One open lake, closed when it is retired and the last cursor has come back: closing it would end them all."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self._cursors = 0
        self._is_retired = False

    def lend(self) -> duckdb.DuckDBPyConnection:
        self._cursors += 1
        return self.connection.cursor()

    def take_back(self, cursor: duckdb.DuckDBPyConnection) -> None:
        cursor.close()
        self._cursors -= 1
        self._close_if_over()

    def retire(self) -> None:
        self._is_retired = True
        self._close_if_over()

    def _close_if_over(self) -> None:
        if self._is_retired and not self._cursors:
            self.connection.close()


class LakePool:
    """Cursors of one kept-open lake, for many threads.

    Parameters
    ----------
    home : Home
    threads : int, default 2
    memory_limit : str, default "2GB"
        As :func:`~assay.lake.catalog.connect` takes them; shared by all cursors.

    Attributes
    ----------
    kept : Kept
        Room for answers that hold for one version of the lake.
    """

    def __init__(self, home: Home, *, threads: int = 2, memory_limit: str = "2GB") -> None:
        self.home = home
        self.kept = Kept()
        self._threads, self._memory_limit = threads, memory_limit
        self._lock = threading.Lock()
        self._watch = Watch(home)
        self._opened: _Opened | None = None
        self._is_closed = False
        self._marks: Marks = ()
        self._seen_s = self._read_s = 0.0
        self._version = NO_VERSION

    @contextlib.contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a connection whose reads are all of one snapshot; it is the caller's alone for the block.

        Raises
        ------
        NoDataError
            If nothing was ever built.
        HomeError, StorageError, LakeBusyError
            As :func:`~assay.lake.catalog.connect`.
        """
        with refusals(self.home):
            with self._lock:
                opened = self._current()
                cursor = opened.lend()
            try:
                cursor.begin()
                yield cursor
            except duckdb.OperationalError:
                with self._lock:  # its sessions may have ended with the server's
                    if self.home.postgres and opened is self._opened:
                        self._drop()
                raise
            finally:
                with contextlib.suppress(duckdb.Error):  # a transaction that failed is over already
                    cursor.rollback()
                with self._lock:
                    opened.take_back(cursor)

    def version(self) -> DataVersion:
        """Return the newest version of the lake; some microseconds, unless a writer has committed since.

        Raises
        ------
        HomeError, StorageError, LakeBusyError
            As :meth:`cursor`; a lake that was never built has :data:`~assay.lake.version.NO_VERSION`.
        """
        with self._lock:
            if self._is_fresh(self._watch.marks()):
                return self._version
        if not is_made(self.home):
            return NO_VERSION
        with refusals(self.home), self._lock:
            self._current()
            return self._version

    def version_at_hand(self) -> DataVersion | None:
        """Return the newest version if that takes no look into the lake, else None; never waits, for an event loop."""
        if not self._lock.acquire(blocking=False):
            return None
        try:
            return self._version if self._is_fresh(self._watch.marks_at_hand()) else None
        finally:
            self._lock.release()

    def close(self) -> None:
        """Close the lake; cursors that are out may finish, new ones are refused."""
        with self._lock:
            self._is_closed = True
            self._drop()
            self._watch.close()

    def _current(self) -> _Opened:
        """Return the lake that is there now, opened; with :attr:`_version` brought up to date."""
        if self._is_closed:
            raise StorageError("the lake was closed", value=self.home.root, todo="start the program again")
        check_made(self.home)
        marks = self._watch.marks()
        if self._opened is not None and self._is_fresh(marks):
            return self._opened
        if self._opened is not None and not self._is_same_catalogue(self._opened, marks):
            self._drop()
        if self._opened is None:
            self._opened = _Opened(
                open_catalog(self.home, read_only=True, threads=self._threads, memory_limit=self._memory_limit)
            )
            self._opened.connection.execute("set global TimeZone = 'UTC'")  # cursors do not inherit a connection's own
        now = time.monotonic()
        if marks != self._marks:
            self._marks, self._seen_s = marks, now
        self._version, self._read_s = read_version(self._opened.connection), now
        return self._opened

    def _is_fresh(self, marks: Marks) -> bool:
        return marks == self._marks and self._read_s - self._seen_s > _SETTLED_S

    def _is_same_catalogue(self, opened: _Opened, marks: Marks) -> bool:
        if self._marks[:1] and self._marks[0][0] != marks[0][0]:
            return False
        try:  # a number that the file system uses again says nothing
            return read_birth(opened.connection) == self._version.born
        except duckdb.Error:
            return False

    def _drop(self) -> None:
        if self._opened is not None:
            self._opened.retire()
        self._opened, self._marks = None, ()
