"""A catalogue in PostgreSQL: where it is, what its newest snapshot is, and who may write to the lake.

The writer lock is an advisory lock of that database: it belongs to a session, so the server lets go of it when the
session ends, however the process or its machine ended. Homes on many machines that share a catalogue share this lock.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assay.domain.errors import LakeBusyError, SettingsError, StorageError

if TYPE_CHECKING:
    import psycopg

_ALIVE = {"connect_timeout": "10", "keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3"}
_HOLDER = """
select activity.application_name from pg_locks as lock join pg_stat_activity as activity using (pid)
where lock.locktype = 'advisory' and lock.granted and lock.database = activity.datid
    and (lock.classid::bigint << 32 | lock.objid::bigint) = %s
"""
_made: set[tuple[str, str]] = set()


@dataclass(frozen=True, slots=True)
class PostgresCatalog:
    """A catalogue in PostgreSQL.

    Attributes
    ----------
    url : str
        ``postgresql://user@host:5432/database?sslmode=…``, as libpq takes it. A password that it lacks comes from
        ``PGPASSWORD`` or ``~/.pgpass``.
    schema : str
        The schema of the database that holds the catalogue's own tables.
    """

    url: str = field(repr=False)
    schema: str

    @property
    def options(self) -> str:
        """How DuckDB connects, without the password: ``host=… user=… dbname=…``."""
        from psycopg.conninfo import make_conninfo  # noqa: PLC0415  # only a lake with such a catalogue needs it

        told = self._told() | {"options": f"{self._parsed().get('options', '')} -csearch_path={self.schema}".strip()}
        return make_conninfo(**{name: text for name, text in told.items() if name != "password"})

    @property
    def password(self) -> str:
        """The password that the address holds; may be empty."""
        return self._parsed().get("password", "")

    @property
    def address(self) -> str:
        """Host and database, to show."""
        parsed = self._parsed()
        return f"{parsed.get('host', 'localhost')}/{parsed.get('dbname', parsed.get('user', ''))}"

    @property
    def lock_key(self) -> int:
        """The number of the writer lock, which is this schema's in the database; 63 bits."""
        return int.from_bytes(hashlib.sha256(f"assay lake {self.schema}".encode()).digest()[:8], "big") >> 1

    def connect(self) -> psycopg.Connection:
        """Return a new session, for the caller to close.

        Raises
        ------
        StorageError
            If the server cannot be reached, or refuses.
        """
        import psycopg  # noqa: PLC0415

        with self._refusals():
            return psycopg.connect(autocommit=True, **self._told())  # type: ignore[arg-type]  # libpq reads the texts

    def is_made(self) -> bool:
        """Whether the schema holds a catalogue; once found it is not looked for again."""
        if (self.url, self.schema) in _made:
            return True
        with self._refusals(), contextlib.closing(self.connect()) as session:
            found = newest_snapshot(session, self.schema) is not None
        if found:
            _made.add((self.url, self.schema))
        return found

    def prepare(self) -> None:
        """Make the schema, if it is not there."""
        from psycopg import sql  # noqa: PLC0415

        with self._refusals(), contextlib.closing(self.connect()) as session:
            if not session.execute("select 1 from pg_namespace where nspname = %s", [self.schema]).fetchall():
                session.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(self.schema)))

    def is_locked(self) -> bool:
        """Whether a process holds the writer lock."""
        with self._refusals(), contextlib.closing(self.connect()) as session:
            return _holder(session, self.lock_key) is not None

    @contextlib.contextmanager
    def lock(self, *, timeout_s: float, on_wait: Callable[[str], None] | None = None) -> Iterator[None]:
        """Hold the writer lock for the block.

        Raises
        ------
        LakeBusyError
            If another process still holds it after `timeout_s`; or, at the end of the block, if the session was lost
            meanwhile, so that another process may have written as well.
        StorageError
            If the server cannot be reached.
        """
        with self._refusals():
            session = self.connect()
        with contextlib.closing(session):
            with self._refusals():
                self._acquire(session, timeout_s, on_wait)
            yield
            self._check_held(session)

    def _acquire(self, session: psycopg.Connection, timeout_s: float, on_wait: Callable[[str], None] | None) -> None:
        from psycopg.errors import LockNotAvailable  # noqa: PLC0415

        (is_ours,) = session.execute("select pg_try_advisory_lock(%s)", [self.lock_key]).fetchone() or (False,)
        if is_ours:
            return
        holder = _holder(session, self.lock_key) or "another process"
        todo = "wait for it to finish, or raise lake.lock_timeout_s"
        busy = LakeBusyError(f"{holder} is writing to the lake", value=self.address, todo=todo)
        if timeout_s <= 0:
            raise busy
        if on_wait:
            on_wait(f"waiting for {holder} to finish writing to the lake")
        session.execute("select set_config('lock_timeout', %s, false)", [f"{max(1, round(timeout_s * 1000))}ms"])
        try:
            session.execute("select pg_advisory_lock(%s)", [self.lock_key])
        except LockNotAvailable as error:
            raise busy from error

    def _check_held(self, session: psycopg.Connection) -> None:
        import psycopg  # noqa: PLC0415

        try:
            session.execute("select 1")
        except psycopg.OperationalError as error:
            todo = "run `assay build --full-refresh` if another process was writing at that time, else `assay build`"
            raise LakeBusyError("the connection that held the writer lock was lost", todo=todo) from error

    def _told(self) -> dict[str, str]:
        return {**_ALIVE, **self._parsed(), "application_name": _me()}

    def _parsed(self) -> dict[str, str]:
        from psycopg import ProgrammingError  # noqa: PLC0415
        from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

        try:
            return {name: str(value) for name, value in conninfo_to_dict(self.url).items() if value is not None}
        except ProgrammingError:  # its message would quote the address, password and all
            todo = "write it as postgresql://user@host:5432/database"
            raise SettingsError("lake.catalog is no address of PostgreSQL", todo=todo) from None

    @contextlib.contextmanager
    def _refusals(self) -> Iterator[None]:
        import psycopg  # noqa: PLC0415

        try:
            yield
        except psycopg.Error as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            todo = "check lake.catalog, PGPASSWORD and the server, and run the same command again"
            raise StorageError(
                f"the catalogue's PostgreSQL refuses ({reason})", value=self.address, todo=todo
            ) from error


class PostgresWatch:
    """A look at the newest snapshot that is cheap enough for every request: one statement over a kept session.

    Parameters
    ----------
    catalog : PostgresCatalog
    """

    STALE_S = 0.2
    """For so long an answer stands in for the next look where nobody may wait."""

    def __init__(self, catalog: PostgresCatalog) -> None:
        self._catalog = catalog
        self._session: psycopg.Connection | None = None
        self._lock = threading.Lock()
        self._last: tuple[int, int] | None = None
        self._looked_s = 0.0

    def look(self) -> tuple[int, int] | None:
        """Return the number of the catalogue's tables and of its newest snapshot; None if there is no catalogue."""
        import psycopg  # noqa: PLC0415

        with self._lock:
            try:
                self._last = self._look()
            except psycopg.OperationalError:  # the server was started again, or the network was gone
                self._close()
                with self._catalog._refusals():
                    self._last = self._look()
            self._looked_s = time.monotonic()
            return self._last

    def last_look(self) -> tuple[int, int] | None:
        """Return what :meth:`look` found a moment ago, or None if that is too long ago; never waits."""
        return self._last if time.monotonic() - self._looked_s < self.STALE_S else None

    def close(self) -> None:
        """End the session."""
        with self._lock:
            self._close()

    def _look(self) -> tuple[int, int] | None:
        if self._session is None:
            self._session = self._catalog.connect()
        return newest_snapshot(self._session, self._catalog.schema)

    def _close(self) -> None:
        if self._session is not None:
            self._session.close()
        self._session = None


def newest_snapshot(session: psycopg.Connection, schema: str) -> tuple[int, int] | None:
    """Return the number that the catalogue's table of snapshots has, and the newest in it; None if there is none."""
    from psycopg import sql  # noqa: PLC0415
    from psycopg.errors import UndefinedTable  # noqa: PLC0415

    table = sql.Identifier(schema, "ducklake_snapshot")
    query = sql.SQL("select tableoid::bigint, snapshot_id from {} order by snapshot_id desc limit 1").format(table)
    try:
        found = session.execute(query).fetchone()
    except UndefinedTable:
        return None
    return None if found is None else (int(found[0]), int(found[1]))


def _holder(session: psycopg.Connection, key: int) -> str | None:
    found = session.execute(_HOLDER, [key]).fetchone()
    return None if found is None else str(found[0])


def _me() -> str:
    """Return what others are told of who holds the lock; PostgreSQL keeps 63 bytes of it."""
    return f"process {os.getpid()} on {socket.gethostname()}"[:60]
