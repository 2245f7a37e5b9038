"""A workspace: the settings, the home and the clock that every use case needs."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assay.domain.clock import Clock, SystemClock
from assay.lake.catalog import connect, is_made
from assay.lake.home import Home, open_home
from assay.lake.lock import is_held, is_writer_locked, writer_lock
from assay.lake.origin import read_time
from assay.lake.places import Places, S3Access
from assay.lake.pool import LakePool
from assay.lake.storage import check_free_space
from assay.lake.version import NO_VERSION, DataVersion, read_version
from assay.settings import Settings

if TYPE_CHECKING:
    import duckdb


_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def _silent(_text: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """What a use case works with.

    Attributes
    ----------
    settings : Settings
    home : Home
    clock : Clock
    say : callable
        Told, in a few words, what is going on; the command line shows it, a library user need not.
    pool : LakePool, optional
        Where reads take their connections from; each opens its own if there is none.
    """

    settings: Settings
    home: Home
    clock: Clock = field(default_factory=SystemClock)
    say: Callable[[str], None] = _silent
    pool: LakePool | None = None

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the writer lock for the block.

        Raises
        ------
        LakeBusyError
            If another process does not let go of it in time.
        StorageError
            If the disk has too little room to begin.
        """
        check_free_space(self.home.root, int(self.settings.lake.min_free_bytes))
        timeout_s = self.settings.lake.lock_timeout_s
        with writer_lock(self.home, timeout_s=timeout_s, on_wait=self.say):
            yield

    def is_being_written(self) -> bool:
        """Whether a process holds the writer lock, or runs all of it in one go."""
        return is_held(self.home.run_lock) or is_writer_locked(self.home)

    @contextlib.contextmanager
    def lake(self, *, read_only: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the lake for the block; to write, also hold :meth:`writing`."""
        if read_only and self.pool is not None:
            with self.pool.cursor() as cursor:
                yield cursor
            return
        lake = self.settings.lake
        with connect(self.home, read_only=read_only, threads=lake.threads, memory_limit=lake.memory_limit) as opened:
            yield opened

    @contextlib.contextmanager
    def kept_open(self) -> Iterator[Workspace]:
        """Yield this workspace with connections that stay open, for a server: many threads may read at once.

        The lake need not be there yet. Each block of :meth:`lake` sees one snapshot from beginning to end.
        """
        lake = self.settings.lake
        with contextlib.closing(LakePool(self.home, threads=lake.threads, memory_limit=lake.memory_limit)) as pool:
            yield dataclasses.replace(self, pool=pool)

    def data_version(self) -> DataVersion:
        """Return which state the lake is in; with :meth:`kept_open` this may be asked at every request."""
        if self.pool is not None:
            return self.pool.version()
        if not is_made(self.home):
            return NO_VERSION
        with self.lake() as lake:
            return read_version(lake)


def open_workspace(
    settings: Settings, *, clock: Clock | None = None, say: Callable[[str], None] = _silent, create: bool = True
) -> Workspace:
    """Open the home that the settings name, and make it first if it is not there and `create` is true.

    Without a `clock` it lives in the time that the home remembers, if it has a simulated one, and else in real time.

    Raises
    ------
    HomeError
        If that directory is not Assay's to use.
    """
    home = open_home(settings.home, create=create, places=places_of(settings))
    if clock is None:
        machine, remembered = SystemClock(), read_time(home)
        clock = machine if remembered is None else remembered.clock(machine)
    return Workspace(settings, home, clock, say)


def places_of(settings: Settings) -> Places:
    """Return where the parts of the lake lie; the keys of an object store come from the environment and nowhere else.

    Raises
    ------
    SettingsError
        If something lies where it cannot be reached: there are no keys for it, or a package is missing.
    """
    lake = settings.lake
    catalog = lake.catalog.get_secret_value() if lake.catalog else ""
    key_id, secret, token = (os.environ.get(name, "") for name in _KEYS)
    endpoint = lake.s3.endpoint_url.rstrip("/")
    access = S3Access(key_id, secret, token, lake.s3.region, endpoint, lake.s3.path_style)
    places = Places(lake.bronze, lake.tables, catalog, lake.catalog_schema, access)
    places.check()
    return places
