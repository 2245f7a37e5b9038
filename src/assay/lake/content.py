"""Content hashes: two tables that say the same have the same hash, whenever and in however many steps they were made.

Only business columns count: when a row was received, by which batch and in which run are left out. Floats count to 12
significant digits, rows in the order of their key. Without `HISTORY` the hash is that of what the market did, whichever
way Assay came to know it: with a correction in between, or hours late.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from assay.lake.catalog import CATALOG
from assay.lake.manifest import has_table

NOT_CONTENT = frozenset({"known_at", "batch_id", "feature_set", "row_number"})
HISTORY = frozenset({"revision", "available_at"})
"""Columns about how a row came to be known, which are content all the same unless they are left out by name."""


@dataclass(frozen=True, slots=True)
class HashedTable:
    """A table whose content is proven by a hash.

    Attributes
    ----------
    name : str
    key : sequence of str
        Columns that no two rows share.
    without : frozenset of str
        Columns of this table that are no content, beside `NOT_CONTENT`.
    """

    name: str
    key: Sequence[str]
    without: frozenset[str] = frozenset()


# What was polled is available when it is known.
_POLLED = frozenset({"available_at"})
KLINES = (
    HashedTable("silver.crypto_prices_cleaned", ("venue", "market", "symbol", "interval", "open_time")),
    HashedTable("silver.technical_indicators", ("venue", "market", "symbol", "interval", "open_time")),
)
"""The tables of silver that follow from klines."""
POLLED = (
    HashedTable("silver.processed_binance_tickers", ("venue", "market", "venue_symbol", "slot_at"), _POLLED),
    HashedTable("silver.processed_wazirx_tickers", ("venue", "market", "venue_symbol", "slot_at"), _POLLED),
    HashedTable("silver.processed_crypto_market", ("venue", "coin_id", "slot_at"), _POLLED),
    HashedTable("silver.inr_usd_rates", ("source", "slot_at")),
    HashedTable("silver.trade_observations", ("venue", "market", "symbol", "slot_at", "aggregate_id"), _POLLED),
    HashedTable("silver.order_books", ("venue", "market", "symbol", "slot_at", "batch_id"), _POLLED),
)
"""The tables of silver that follow from answers to a question that is asked again and again."""
SILVER = (*KLINES, *POLLED)
GOLD = (
    HashedTable("gold.daily_crypto_metrics", ("venue", "market", "symbol", "date")),
    HashedTable("gold.crypto_market", ("coin_id",)),
)


def content_hash(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[HashedTable], *, without: frozenset[str] = frozenset()
) -> str:
    """Return 16 hexadecimal digits of the content of the tables that exist, in the order given.

    Parameters
    ----------
    without : frozenset of str
        Columns to leave out as well, such as `HISTORY`.
    """
    digest = hashlib.sha256()
    for table in tables:
        if has_table(connection, table.name):
            digest.update(table.name.encode())
            for row_hash in _row_hashes(connection, table, NOT_CONTENT | table.without | without):
                digest.update(row_hash)
    return digest.hexdigest()[:16]


def _row_hashes(connection: duckdb.DuckDBPyConnection, table: HashedTable, without: frozenset[str]) -> list[bytes]:
    described = connection.execute(f"describe {CATALOG}.{table.name}").fetchall()
    columns = sorted((name, kind) for name, kind, *_ in described if name not in without)
    texts = ", ".join(_text(name, kind) for name, kind in columns)
    key = ", ".join(table.key)
    # One hash per 10,000 rows, folded on the database's side: a row's text never comes here.
    return [
        bytes.fromhex(row[0])
        for row in connection.execute(
            f"select sha256(string_agg(row_hash, '' order by position)) from ("
            f"  select sha256(concat_ws('|', {texts})) as row_hash, row_number() over (order by {key}) as position"
            f"  from {CATALOG}.{table.name}) group by position // 10000 order by position // 10000"
        ).fetchall()
    ]


def _text(name: str, kind: str) -> str:
    if kind == "DOUBLE":
        # + 0.0 turns a negative zero into a plain one.
        return f"coalesce(format('{{:.11e}}', \"{name}\" + 0.0), 'null')"
    if kind.startswith("TIMESTAMP"):
        return f"coalesce(epoch_us(\"{name}\")::varchar, 'null')"
    return f"coalesce(\"{name}\"::varchar, 'null')"
