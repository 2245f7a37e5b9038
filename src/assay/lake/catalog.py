"""Connections to the DuckLake catalogue: one that writes, many that only read.

The extension packages bring the binaries; they are installed into the home once, so nothing is downloaded.
"""

from __future__ import annotations

import contextlib
import importlib.resources
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import duckdb

from assay.domain.errors import AssayError, HomeError, LakeBusyError, NotBuiltError, StorageError
from assay.domain.points import Point, reached
from assay.lake.home import Home
from assay.lake.places import S3Access
from assay.lake.storage import disk_full, write_atomically

if TYPE_CHECKING:
    from pathlib import Path

CATALOG = "lake"
EXTENSIONS = ("ducklake", "sqlite_scanner")
"""Extensions that the lake of a home needs in which everything lies; see :func:`extensions_of`."""
CATALOG_SECRET, S3_SECRET = "assay_catalog", "assay_s3"
CATALOG_QUERY = "catalog_query"
"""Table macro of every connection that :func:`open_catalog` returns: SQL in the catalogue's own language → rows."""
_NOT_BUILT = "run `assay ingest` or `assay import`, and then `assay build`"
_File = tuple[int, int, int, int]
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
    wanted = extensions_of(home)
    if all(any(home.extensions.glob(f"{version}/*/{name}.duckdb_extension")) for name in wanted):
        return
    with contextlib.closing(_memory(home)) as connection:
        for name in wanted:
            try:
                package = importlib.resources.files(f"duckdb_extension_{name}")
                connection.install_extension(str(package / "extensions" / version / f"{name}.duckdb_extension"))
            except (duckdb.Error, ModuleNotFoundError) as error:
                for half in home.extensions.rglob("*.tmp-*"):  # tens of megabytes of a disk that may be full
                    half.unlink(missing_ok=True)
                todo = f"install duckdb-extension-{name.replace('_', '-')}=={duckdb.__version__}"
                what = f"the DuckDB extension {name} cannot be installed"
                raise disk_full(str(error)) or StorageError(what, todo=todo) from error


def extensions_of(home: Home) -> tuple[str, ...]:
    """Return the DuckDB extensions that the home's lake needs."""
    scanner = "postgres_scanner" if home.postgres else "sqlite_scanner"
    return ("ducklake", scanner, *(["httpfs"] if home.places.needs_s3 else []))


def catalog_address(home: Home) -> str:
    """Return the home's catalogue as DuckLake is told of it; a password is not in it."""
    return f"ducklake:postgres:{home.postgres.options}" if home.postgres else f"ducklake:sqlite:{home.catalog}"


def attach_statement(home: Home, *, read_only: bool = False) -> str:
    """Return the ATTACH statement of the home's catalogue; :func:`secret_statements` come before it."""
    options = f"DATA_PATH {quote(home.tables_at)}"
    if home.postgres:
        options += f", META_SCHEMA {quote(home.postgres.schema)}, META_SECRET '{CATALOG_SECRET}'"
    else:
        # The catalogue remembers where it was made; a home may be moved, copied or reached by another path since.
        options += ", OVERRIDE_DATA_PATH true, META_BUSY_TIMEOUT 10000" + (
            "" if read_only else ", META_JOURNAL_MODE 'WAL'"
        )
    return f"ATTACH {quote(catalog_address(home))} AS {CATALOG} ({options}{', READ_ONLY' if read_only else ''})"


def secret_statements(home: Home) -> list[str]:
    """Return the statements that tell a connection how to reach what does not lie in the home; never to be shown."""
    found = []
    if home.postgres:
        password = f", PASSWORD {quote(home.postgres.password)}" if home.postgres.password else ""
        found.append(f"CREATE SECRET {CATALOG_SECRET} (TYPE postgres{password})")
    if home.places.needs_s3:
        values = ", ".join(f"{name} {quote(text)}" for name, text in s3_secret(home.places.s3).items())
        found.append(f"CREATE SECRET {S3_SECRET} (TYPE s3, {values})")
    return found


def s3_secret(access: S3Access) -> dict[str, str]:
    """Return what DuckDB is told of an object store, by the names that its secrets have."""
    secure = "false" if access.endpoint_url.startswith("http://") else "true"
    host = access.endpoint_url.partition("://")[2].rstrip("/") or f"s3.{access.region}.amazonaws.com"
    style = "path" if access.path_style else "vhost"
    told = {"key_id": access.key_id, "secret": access.secret, "region": access.region, "endpoint": host}
    told |= {"url_style": style, "use_ssl": secure}
    return told | ({"session_token": access.session_token} if access.session_token else {})


def is_made(home: Home) -> bool:
    """Whether the home has a catalogue; an empty file is left by a writer that was killed before its first commit."""
    if home.postgres:
        return home.postgres.is_made()
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
    elif home.postgres:
        home.postgres.prepare()
    check_extensions(home)
    connection = _memory(home, threads=threads, memory_limit=memory_limit, is_checked=True)
    try:
        _attach(connection, home, read_only=read_only)
    except BaseException:
        connection.close()
        raise
    return connection


_checked: set[_File] = set()
"""Files of extensions whose signatures were found right, by this process or by an earlier one in the same home."""


def check_extensions(home: Home) -> None:
    """Install the home's extensions, and check their signatures unless these very files were seen before.

    DuckDB would check them for every connection, which takes a sixth of a second, unless it is told not to. That they
    were checked is remembered in the home's cache, which holds other code that is run as it lies there: kernels.

    Raises
    ------
    HomeError
        If one of them is not what its makers signed.
    StorageError
        As :func:`install_extensions`.
    """
    install_extensions(home)
    files = _extension_files(home)
    if files <= _checked:
        return
    seen = home.extensions / "checked.json"
    note = sorted(files)
    if _noted(seen) != note:
        with contextlib.closing(_memory(home)) as connection:
            _load_extensions(connection, home)
        with contextlib.suppress(OSError, StorageError):  # no room: the next process checks again
            write_atomically(seen, json.dumps(note).encode())
    _checked.update(files)


def _noted(seen: Path) -> list[_File] | None:
    try:
        return [(int(a), int(b), int(c), int(d)) for a, b, c, d in json.loads(seen.read_bytes())]
    except (OSError, ValueError, TypeError):  # none yet, or none of ours
        return None


def _extension_files(home: Home) -> frozenset[_File]:
    """Return what tells these files from any others, and from themselves once they have been written to."""
    patterns = (f"v{duckdb.__version__}/*/{name}.duckdb_extension" for name in extensions_of(home))
    found = (path.stat() for pattern in patterns for path in home.extensions.glob(pattern))
    return frozenset((one.st_dev, one.st_ino, one.st_size, one.st_mtime_ns) for one in found)


def _load_extensions(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    try:
        for name in extensions_of(home):
            connection.load_extension(name)
    except duckdb.Error as error:
        todo = "delete that folder; the next command makes it again"
        raise HomeError("a DuckDB extension cannot be loaded", value=home.extensions, todo=todo) from error


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
    _load_extensions(connection, home)
    try:
        for statement in secret_statements(home):
            connection.execute(statement)
        connection.execute(attach_statement(home, read_only=read_only))
        # Cursors share it, so that whoever reads the catalogue's own tables need not know what keeps them.
        scanner = "postgres_query" if home.postgres else "sqlite_query"
        connection.execute(
            f"create macro memory.main.{CATALOG_QUERY}(q) as table from {scanner}('__ducklake_metadata_{CATALOG}', q)"
        )
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
    damaged = HomeError(what, value=home.catalog.parent, todo=_ANEW)
    return disk_full(str(error)) or _refusal_elsewhere(home, error, reason) or damaged


def _refusal_elsewhere(home: Home, error: duckdb.Error, reason: str) -> AssayError | None:
    """Return what a failure amounts to if it is of what lies outside the home, or of writers on several machines."""
    if "Failed to commit DuckLake transaction" in reason or "Transaction conflict" in reason:
        todo = "run the same command again: nothing of this transaction was written"
        return LakeBusyError("another process has written to the lake meanwhile", value=home.root, todo=todo)
    if "does not match existing data path" in reason:
        todo = "set lake.tables as it was, or another lake.catalog_schema and run `assay rebuild`"
        return HomeError("the tables of this catalogue lie elsewhere", value=home.tables_at, todo=todo)
    if isinstance(error, duckdb.HTTPException) or (home.places.needs_s3 and "s3://" in reason):
        todo = "check lake.s3, the keys and the network, and run the same command again"
        return StorageError(f"the object store cannot be used ({reason})", value=home.tables_at, todo=todo)
    if home.postgres and ("onnect" in reason or "ostgres" in reason):
        todo = "check lake.catalog, PGPASSWORD and the server, and run the same command again"
        return StorageError(f"the catalogue's PostgreSQL refuses ({reason})", value=home.postgres.address, todo=todo)
    if home.postgres:
        todo = f"drop the schema {home.postgres.schema} and run `assay rebuild`: everything in it is made from bronze"
        return HomeError(f"the lake's tables cannot be used ({reason})", value=home.postgres.address, todo=todo)
    return None


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


@contextlib.contextmanager
def one_snapshot(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let all reads of the block see the same state, and begin only once; a cursor of a pool does so anyway."""
    is_ours = True
    try:
        connection.begin()
    except duckdb.TransactionException:
        is_ours = False
    try:
        yield
    finally:
        if is_ours:
            connection.rollback()


def _memory(
    home: Home, *, threads: int = 2, memory_limit: str = "2GB", is_checked: bool = False
) -> duckdb.DuckDBPyConnection:
    spill: Path = home.cache / "spill"
    return duckdb.connect(
        ":memory:",
        config={
            "extension_directory": str(home.extensions),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_unsigned_extensions": str(is_checked).lower(),
            "temp_directory": str(spill),
            "threads": str(threads),
            "memory_limit": memory_limit,
        },
    )
