"""SQL of a stranger over the lake: one SELECT, nothing outside the lake, and nothing that could be written.

Three walls, each enough for most of what people try: the statement must be a SELECT; the catalogue is attached
read-only and the configuration is locked with all file access outside the lake's own tables switched off; and tables
are named ``schema.table``, never through a catalogue, so that a view as of some moment cannot be walked around.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import duckdb

from assay.domain.errors import BadInputError
from assay.lake import as_of as as_of_
from assay.lake import build_tests
from assay.lake.catalog import CATALOG, connect, first_line, quote
from assay.lake.home import Home

if TYPE_CHECKING:
    import polars as pl

# Others read files, other catalogues or SQL in a string.
_TABLE_FUNCTIONS = frozenset({"range", "generate_series", "unnest"})
_SCHEMAS = ("bronze", "silver", "gold")


@contextlib.contextmanager
def open_for_queries(
    home: Home,
    *,
    as_of: datetime | None = None,
    available_at: datetime | None = None,
    threads: int = 2,
    memory_limit: str = "2GB",
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the lake for :func:`check_select`-ed statements; tables are ``schema.table``.

    Parameters
    ----------
    as_of : datetime, optional
        Every table as it was known then. Tables that have no such view are absent, and so is what the quality tests
        of the last build said.
    available_at : datetime, optional
        Every table as a system that ran then would have had it; both may be given.

    Raises
    ------
    NoDataError
        If nothing was ever built.
    """
    with connect(home, read_only=True, threads=threads, memory_limit=memory_limit) as connection:
        for schema in _SCHEMAS:
            connection.execute(f"create schema memory.{schema}")
        for name, sql in _views(connection, as_of, available_at).items():
            connection.execute(f"create view memory.{name} as {sql}")
        if as_of is None and available_at is None:
            build_tests.add_tables(connection, home)
        connection.execute("use memory")
        yield connection


def lock_down(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Switch off everything but reading the lake's own tables, for good."""
    connection.execute(f"set allowed_directories = [{quote(home.tables_at)}, {quote(str(home.cache / 'spill'))}]")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")


def check_select(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """Return `sql` if it is one SELECT over the lake's tables.

    Raises
    ------
    BadInputError
        If it is not SQL, more than one statement, not a SELECT, or reaches for a catalogue by name.
    """
    try:
        sql.encode()  # bytes of a shell that are no UTF-8
        statements = connection.extract_statements(sql)
    except UnicodeEncodeError as error:
        raise BadInputError("not valid SQL", value=sql, todo="it is not UTF-8 text") from error
    except duckdb.Error as error:
        raise BadInputError("not valid SQL", value=sql, todo=first_line(error)) from error
    if len(statements) != 1:
        raise BadInputError("one SQL statement is needed", value=sql, todo=f"{len(statements)} were given")
    if statements[0].type != duckdb.StatementType.SELECT:
        kind = statements[0].type.name
        raise BadInputError(f"{kind} is not allowed", value=sql, todo="only SELECT is: the lake is read-only here")
    tree = _tree_of(connection, statements[0].query)
    if tree["error"]:
        raise BadInputError("not a plain SELECT", value=sql, todo=str(tree["error_message"]))
    for node in _nodes(tree):
        if node.get("catalog_name") or node.get("catalog"):
            name = ".".join(str(node[part]) for part in ("catalog_name", "schema_name", "table_name") if node.get(part))
            raise BadInputError("a table is named by schema and table", value=name, todo="leave the catalogue out")
        function = node.get("function") if node.get("type") == "TABLE_FUNCTION" else None
        if isinstance(function, dict) and function.get("function_name") not in _TABLE_FUNCTIONS:
            what = f"the table function {function.get('function_name')} is not allowed"
            raise BadInputError(what, todo="read the lake's tables by name")
    return sql


def check_has_past(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Refuse a checked SELECT that names a table of the lake which nothing is known of but its current state.

    For connections as of a moment, when every table that has a past is there.

    Raises
    ------
    NoDataError
        Naming the table.
    """
    rows = connection.execute(
        "select table_catalog, lower(table_schema || '.' || table_name) from information_schema.tables "
        "where table_schema in (select unnest(?))",
        [list(_SCHEMAS)],
    ).fetchall()
    seen = {name for catalog, name in rows if catalog == "memory"}
    current = {name for catalog, name in rows if catalog == CATALOG} | set(build_tests.TABLES)
    for node in _nodes(_tree_of(connection, sql)):
        name = f"{node.get('schema_name', '')}.{node.get('table_name', '')}".lower()
        if name in current - seen:
            raise as_of_.no_past(name)


def _tree_of(connection: duckdb.DuckDBPyConnection, select: str) -> dict[str, Any]:
    return dict(json.loads(connection.execute("select json_serialize_sql(?)", [select]).fetchall()[0][0]))


def _nodes(tree: object) -> Iterator[dict[str, object]]:
    if isinstance(tree, dict):
        yield tree
        for value in tree.values():
            yield from _nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _nodes(value)


def _views(
    connection: duckdb.DuckDBPyConnection, as_of: datetime | None, available_at: datetime | None
) -> dict[str, str]:
    """Return the SQL of every table a person may name."""
    rows = connection.execute(
        "select table_schema || '.' || table_name from information_schema.tables "
        "where table_catalog = ? and table_schema in (select unnest(?)) order by 1",
        [CATALOG, list(_SCHEMAS)],
    ).fetchall()
    present = [row[0] for row in rows]
    if as_of is None and available_at is None:
        return {name: f"select * from {CATALOG}.{name}" for name in present}
    return {
        name: as_of_.select(name, lambda other: f"memory.{other}", as_of=as_of, available_at=available_at)
        for name in as_of_.tables()
        if name in present
    }


def result_of(connection: duckdb.DuckDBPyConnection, sql: str) -> pl.DataFrame:
    """Run a checked SELECT.

    Raises
    ------
    BadInputError
        If it names what is not there, or cannot be computed.
    """
    try:
        return connection.execute(sql).pl()
    except duckdb.OutOfMemoryException as error:
        todo = "ask for less at once, or raise lake.memory_limit"
        raise BadInputError("the query needs too much memory", value=sql, todo=todo) from error
    except duckdb.Error as error:
        raise BadInputError("the query failed", value=sql, todo=first_line(error)) from error
