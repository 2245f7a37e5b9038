"""Connections to the DuckLake catalogue: one that writes, many that only read.

The extension packages bring the binaries; they are installed into the home once, so nothing is downloaded.
"""

from __future__ import annotations

import contextlib
import importlib.resources
from collections.abc import Iterator
from typing import TYPE_CHECKING

import duckdb

from assay.domain.errors import AssayError, HomeError, LakeBusyError, NotBuiltError, StorageError
from assay.domain.points import Point, reached
from assay.lake.home import Home
from assay.lake.storage import disk_full

if TYPE_CHECKING:
    from pathlib import Path

CATALOG = "lake"
EXTENSIONS = ("ducklake", "sqlite_scanner")
_NOT_BUILT = "run `assay ingest` or `assay import`, and then `assay build`"
_ANEW = "move that folder away and run `assay build`: everything in it is made from bronze"


def quote(text: str) -> str:
    """Return `text` as an SQL string literal, for the statements that take no parameters (ATTACH, SET)."""
    return "'" + text.replace("'", "''") + "'"


def install_extensions(home: Home) -> None:
    """Copy the DuckDB extensions from their packages into the home, unless they are there already.

    Raises
    ------
    StorageError
        If an extension's package is missing or does not fit this DuckDB.
    """
    version = f"v{duckdb.__version__}"
    if all(any(home.extensions.glob(f"{version}/*/{name}.duckdb_extension")) for name in EXTENSIONS):
        return
    with contextlib.closing(_memory(home)) as connection:
        for name in EXTENSIONS:
            package = importlib.resources.files(f"duckdb_extension_{name}")
            file = package / "extensions" / version / f"{name}.duckdb_extension"
            try:
                connection.install_extension(str(file))
            except duckdb.Error as error:
                for half in home.extensions.rglob("*.tmp-*"):  # tens of megabytes of a disk that may be full
                    half.unlink(missing_ok=True)
                todo = f"install duckdb-extension-{name.replace('_', '-')}=={duckdb.__version__}"
                what = f"the DuckDB extension {name} cannot be installed"
                raise disk_full(str(error)) or StorageError(what, todo=todo) from error


def attach_statement(home: Home, *, read_only: bool = False) -> str:
    """Return the ATTACH statement of the home's catalogue."""
    # The catalogue remembers where it was made; a home may be moved, copied or reached by another path since.
    options = f"DATA_PATH {quote(str(home.tables))}, OVERRIDE_DATA_PATH true, META_BUSY_TIMEOUT 10000"
    options += ", READ_ONLY" if read_only else ", META_JOURNAL_MODE 'WAL'"
    return f"ATTACH {quote(f'ducklake:sqlite:{home.catalog}')} AS {CATALOG} ({options})"


def is_made(home: Home) -> bool:
    """Whether the home has a catalogue; an empty file is left by a writer that was killed before its first commit."""
    return home.catalog.exists() and home.catalog.stat().st_size > 0


@contextlib.contextmanager
def connect(
    home: Home, *, read_only: bool = False, threads: int = 2, memory_limit: str = "2GB"
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the catalogue for the block; hold the writer lock unless `read_only`.

    Raises
    ------
    NotBuiltError
        If `read_only` and nothing was ever built.
    HomeError
        If the catalogue or one of its files is damaged or gone, found on opening or inside the block.
    StorageError
        If the disk is full.
    """
    connection = open_catalog(home, read_only=read_only, threads=threads, memory_limit=memory_limit)
    try:
        with refusals(home):
            yield connection
    finally:
        connection.close()


def check_made(home: Home) -> None:
    """Raise NotBuiltError if nothing was ever built."""
    if not is_made(home):
        raise NotBuiltError("the lake has not been built", value=home.root, todo=_NOT_BUILT)


def open_catalog(
    home: Home, *, read_only: bool = False, threads: int = 2, memory_limit: str = "2GB"
) -> duckdb.DuckDBPyConnection:
    """Return a new connection to the catalogue, for the caller to close; :func:`connect` says what is raised."""
    if read_only:
        check_made(home)
    install_extensions(home)
    connection = _memory(home, threads=threads, memory_limit=memory_limit)
    try:
        _attach(connection, home, read_only=read_only)
    except BaseException:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def refusals(home: Home) -> Iterator[None]:
    """Say of a failure of the catalogue what it amounts to; wrong SQL is the caller's own and stays as it is."""
    try:
        yield
    except duckdb.ProgrammingError:
        raise
    except duckdb.Error as error:
        raise _refusal(home, error) from error


def _attach(connection: duckdb.DuckDBPyConnection, home: Home, *, read_only: bool) -> None:
    try:
        for name in EXTENSIONS:
            connection.load_extension(name)
    except duckdb.Error as error:
        todo = "delete that folder; the next command makes it again"
        raise HomeError("a DuckDB extension cannot be loaded", value=home.extensions, todo=todo) from error
    try:
        connection.execute(attach_statement(home, read_only=read_only))
    except duckdb.Error as error:
        raise _refusal(home, error) from error
    connection.execute("SET TimeZone = 'UTC'")


def first_line(error: Exception) -> str:
    """Return the first line of a database's message, which is the one that says what is wrong."""
    return str(error).strip().splitlines()[0]


def _refusal(home: Home, error: duckdb.Error) -> AssayError:
    """Return what a failure of the catalogue, not of a statement, amounts to."""
    if isinstance(error, duckdb.OutOfMemoryException):
        return StorageError("there is too little memory for this", todo="raise lake.memory_limit")
    reason = first_line(error)
    if reason.startswith("Failed to "):  # DuckLake quotes its own statement first
        reason = reason.rpartition('": ')[2]
    if "disk I/O error" in reason:  # SQLite's word also for a disk so full that it cannot share memory with readers
        todo = "free some space, check the disk, and run the same command again"
        return StorageError(f"the disk refuses ({reason})", value=home.catalog, todo=todo)
    if "database is locked" in reason:
        return LakeBusyError("another process is writing to the lake", value=home.root, todo="try again")
    what = f"the lake's tables cannot be used ({reason})"
    return disk_full(str(error)) or HomeError(what, value=home.catalog.parent, todo=_ANEW)


@contextlib.contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit what the block did, or nothing of it."""
    connection.begin()
    try:
        yield
        reached(Point.LAKE_WRITTEN)
    except BaseException:
        connection.rollback()
        raise
    connection.commit()
    reached(Point.LAKE_COMMITTED)


def _memory(home: Home, *, threads: int = 2, memory_limit: str = "2GB") -> duckdb.DuckDBPyConnection:
    spill: Path = home.cache / "spill"
    return duckdb.connect(
        ":memory:",
        config={
            "extension_directory": str(home.extensions),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "temp_directory": str(spill),
            "threads": str(threads),
            "memory_limit": memory_limit,
        },
    )
