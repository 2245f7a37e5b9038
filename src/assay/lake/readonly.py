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
from typing import TYPE_CHECKING

import duckdb

from assay.domain.errors import BadInputError
from assay.lake import definitions, reads
from assay.lake.catalog import CATALOG, connect, first_line, quote
from assay.lake.home import Home

if TYPE_CHECKING:
    import polars as pl

# Others read files, other catalogues or SQL in a string.
_TABLE_FUNCTIONS = frozenset({"range", "generate_series", "unnest"})
_SCHEMAS = ("bronze", "silver", "gold")
_TICKERS, _COINS = "silver.ticker_observations", "silver.coin_observations"
_INSERT_ONLY = (
    "bronze.batches", "bronze.raw_crypto_prices", "bronze.raw_binance_tickers", "bronze.raw_wazirx_tickers",
    "bronze.raw_crypto_market", "bronze.raw_market_data", "bronze.raw_orderbook", "bronze.raw_trades",
    "silver.kline_revisions",
    "silver.kline_defects", "silver.quarantined_rows", "silver.order_books", "silver.trade_observations",
    "silver.inr_usd_rates", _TICKERS, _COINS,
)  # fmt: skip


@contextlib.contextmanager
def open_for_queries(
    home: Home, *, as_of: datetime | None = None, threads: int = 2, memory_limit: str = "2GB"
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the lake for :func:`check_select`-ed statements; tables are ``schema.table``.

    Parameters
    ----------
    as_of : datetime, optional
        Every table as it was known then. Tables that have no such view are absent.

    Raises
    ------
    NoDataError
        If nothing was ever built.
    """
    with connect(home, read_only=True, threads=threads, memory_limit=memory_limit) as connection:
        for schema in _SCHEMAS:
            connection.execute(f"create schema memory.{schema}")
        for name, sql in _views(connection, as_of).items():
            connection.execute(f"create view memory.{name} as {sql}")
        connection.execute("use memory")
        yield connection


def lock_down(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Switch off everything but reading the lake's own tables, for good."""
    connection.execute(f"set allowed_directories = [{quote(str(home.tables))}, {quote(str(home.cache / 'spill'))}]")
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
    tree = json.loads(connection.execute("select json_serialize_sql(?)", [statements[0].query]).fetchall()[0][0])
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


def _nodes(tree: object) -> Iterator[dict[str, object]]:
    if isinstance(tree, dict):
        yield tree
        for value in tree.values():
            yield from _nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _nodes(value)


def _views(connection: duckdb.DuckDBPyConnection, as_of: datetime | None) -> dict[str, str]:
    """Return the SQL of every table a person may name."""
    rows = connection.execute(
        "select table_schema || '.' || table_name from information_schema.tables "
        "where table_catalog = ? and table_schema in (select unnest(?)) order by 1",
        [CATALOG, list(_SCHEMAS)],
    ).fetchall()
    present = [row[0] for row in rows]
    if as_of is None:
        return {name: f"select * from {CATALOG}.{name}" for name in present}
    known = f"known_at <= timestamptz '{as_of.isoformat()}'"
    # Rows that are never changed but for being followed by others: as of a moment they are those known by then.
    views = {name: f"select * from {CATALOG}.{name} where {known}" for name in _INSERT_ONLY if name in present}
    views |= {name: sql for name, sql in _derived().items() if name in present}
    return views


def _derived() -> dict[str, str]:
    """Return the SQL of the tables that are computed from others, over the views of those others."""
    cleaned, tickers, coins = (f"memory.{name}" for name in (reads.CLEANED, _TICKERS, _COINS))
    binance, wazirx, market = (
        f"memory.silver.processed_{name}" for name in ("binance_tickers", "wazirx_tickers", "crypto_market")
    )
    return {
        reads.CLEANED: reads.cleaned_sql("memory.silver.kline_revisions"),
        "gold.daily_crypto_metrics": definitions.daily_metrics(cleaned),
        "silver.processed_binance_tickers": definitions.processed_tickers(tickers, "binance"),
        "silver.processed_wazirx_tickers": definitions.processed_rupee_tickers(
            tickers, "memory.silver.inr_usd_rates", "wazirx"
        ),
        "silver.processed_crypto_market": definitions.processed_coins(coins),
        "silver.kline_order_books": definitions.kline_order_books(cleaned, "memory.silver.order_books"),
        "gold.crypto_market": definitions.crypto_market(market, binance, wazirx),
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
