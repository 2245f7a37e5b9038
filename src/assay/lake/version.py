"""Which state of the lake an answer is from: the number of DuckLake's newest snapshot.

Every commit of a writer makes a snapshot, so equal versions mean equal tables. What was computed for a version may be
kept for as long as it is the newest one. The number is read through DuckDB and never through Python's own SQLite:
POSIX drops all locks that a process holds on a file when any part of the process closes it, and two libraries that do
not know of each other would do that to one another.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import duckdb

from assay.lake.catalog import CATALOG, CATALOG_QUERY
from assay.lake.home import Home
from assay.lake.postgres import PostgresWatch

Marks = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True, order=True)
class DataVersion:
    """The state of a lake.

    Attributes
    ----------
    number : int
        Of the newest snapshot; 0 if nothing was ever built.
    born : str
        Which catalogue it is: one that is made anew counts from the beginning again.
    """

    number: int = 0
    born: str = ""

    @property
    def tag(self) -> str:
        """Text that no other state of this home has, for an ETag."""
        return f"{self.number}-{zlib.crc32(self.born.encode()):08x}"


NO_VERSION = DataVersion()
"""Of a home without a lake."""


def read_version(connection: duckdb.DuckDBPyConnection) -> DataVersion:
    """Return the version that a connection sees; inside a transaction, the one that all its reads are of."""
    number = connection.execute(f"select id from ducklake_current_snapshot('{CATALOG}')").fetchall()[0][0]
    return DataVersion(int(number), read_birth(connection))


def read_birth(connection: duckdb.DuckDBPyConnection) -> str:
    """Return what no other catalogue has: the number that its first schema was given when it was made."""
    rows = _of_catalogue(connection, "select schema_uuid from ducklake_schema where schema_id = 0")
    return str(rows[0][0])


def list_tables(connection: duckdb.DuckDBPyConnection, version: DataVersion) -> frozenset[str]:
    """Return the tables and views that the lake has in that version, as ``schema.table``.

    The catalogue's own tables are asked: DuckDB's list of tables opens every one of them first, which takes a hundred
    times as long.
    """
    is_open = f"(one.end_snapshot is null or one.end_snapshot > {version.number})"
    is_there = f"one.begin_snapshot <= {version.number} and {is_open}"
    parts = [
        f"select schema_name || '.' || {kind}_name from ducklake_{kind} as one join ducklake_schema using (schema_id) "
        f"where {is_there}"
        for kind in ("table", "view")
    ]
    return frozenset(row[0] for row in _of_catalogue(connection, " union all ".join(parts)))


def _of_catalogue(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return connection.execute(f"from memory.main.{CATALOG_QUERY}(?)", [sql]).fetchall()


class Watch:
    """Whether a writer has committed: a look at the catalogue that is cheap enough for every request.

    Of a catalogue in SQLite its files are looked at and none is opened, which takes microseconds; PostgreSQL is asked
    for the number of the newest snapshot.

    Parameters
    ----------
    home : Home
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._postgres = PostgresWatch(home.postgres) if home.postgres else None

    def marks(self) -> Marks:
        """Return what changes whenever a writer commits; the first part changes if the catalogue is made anew."""
        if self._postgres is None:
            return _marks_of(self._home)
        return _marks(self._postgres.look())

    def marks_at_hand(self) -> Marks:
        """Return the same without waiting for anything: what PostgreSQL said a moment ago, or nothing."""
        if self._postgres is None:
            return _marks_of(self._home)
        return _marks(self._postgres.last_look())

    def close(self) -> None:
        """Let go of whatever is kept open."""
        if self._postgres is not None:
            self._postgres.close()


def _marks(seen: tuple[int, int] | None) -> Marks:
    return ((*seen, 0),) if seen else ((0, 0, 0),)


def _marks_of(home: Home) -> Marks:
    found = []
    for path in (home.catalog, home.catalog.with_name(home.catalog.name + "-wal")):
        try:
            seen = path.stat()
        except FileNotFoundError:
            found.append((0, 0, 0))
        else:
            found.append((seen.st_ino, seen.st_size, seen.st_mtime_ns))
    return tuple(found)
