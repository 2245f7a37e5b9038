"""Connections to the DuckLake catalogue: one that writes, many that only read.

The extension packages bring the binaries; they are installed into the home once, so nothing is downloaded.
"""

from __future__ import annotations

import contextlib
import importlib.resources
from collections.abc import Iterator
from typing import TYPE_CHECKING

import duckdb

from assay.domain.errors import NoDataError, StorageError
from assay.lake.home import Home

if TYPE_CHECKING:
    from pathlib import Path

CATALOG = "lake"
EXTENSIONS = ("ducklake", "sqlite_scanner")
_NOT_BUILT = "run `assay import` and `assay build` first"


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
                todo = f"install duckdb-extension-{name.replace('_', '-')}=={duckdb.__version__}"
                raise StorageError(f"the DuckDB extension {name} cannot be installed", todo=todo) from error


def attach_statement(home: Home, *, read_only: bool = False) -> str:
    """Return the ATTACH statement of the home's catalogue."""
    options = f"DATA_PATH {quote(str(home.tables))}, META_BUSY_TIMEOUT 10000"
    options += ", READ_ONLY" if read_only else ", META_JOURNAL_MODE 'WAL'"
    return f"ATTACH {quote(f'ducklake:sqlite:{home.catalog}')} AS {CATALOG} ({options})"


@contextlib.contextmanager
def connect(
    home: Home, *, read_only: bool = False, threads: int = 2, memory_limit: str = "2GB"
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the catalogue for the block; hold the writer lock unless `read_only`.

    Raises
    ------
    NoDataError
        If `read_only` and nothing was ever built.
    """
    if read_only and not home.catalog.exists():
        raise NoDataError("the lake has not been built", value=home.root, todo=_NOT_BUILT)
    install_extensions(home)
    connection = _memory(home, threads=threads, memory_limit=memory_limit)
    try:
        for name in EXTENSIONS:
            connection.load_extension(name)
        connection.execute(attach_statement(home, read_only=read_only))
        connection.execute("SET TimeZone = 'UTC'")
        yield connection
    finally:
        connection.close()


@contextlib.contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit what the block did, or nothing of it."""
    connection.begin()
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


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
