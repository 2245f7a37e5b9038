"""Content hashes: two tables that say the same have the same hash, whenever and in however many steps they were made.

Only business columns count: when a row was received, by which batch and in which run are left out. Floats count to 40
bits, which are 12 significant digits; rows come in the order of their key. Without `HISTORY` the hash is that of what
the market did, whichever way Assay came to know it: with a correction in between, or hours late.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from assay.lake.catalog import CATALOG
from assay.lake.manifest import has_table

if TYPE_CHECKING:
    import polars as pl

NOT_CONTENT = frozenset({"known_at", "batch_id", "feature_set", "row_number"})
HISTORY = frozenset({"revision", "available_at"})
"""Columns about how a row came to be known, which are content all the same unless they are left out by name."""

_ROWS_AT_ONCE = 100_000


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
    HashedTable("silver.returns_and_risk", ("venue", "market", "symbol", "interval", "open_time")),
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
_SOURCE_BARS = ("market", "symbol", "interval", "open_time", "venue", "source_market", "source_symbol")
GOLD = (
    HashedTable("gold.daily_crypto_metrics", ("venue", "market", "symbol", "date")),
    HashedTable("gold.crypto_market", ("coin_id",)),
    # These are there only where a price has two sources.
    HashedTable("gold.consensus_prices", ("market", "symbol", "interval", "open_time"), _POLLED),
    HashedTable("gold.source_deviations", _SOURCE_BARS),
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
    hashing = Hashing(without)
    hashing.add(connection, tables)
    return hashing.hexdigest()


class Hashing:
    """A content hash under way: tables are added, in the order that counts, as soon as they are as they will be.

    Parameters
    ----------
    without : frozenset of str
        As for :func:`content_hash`.
    """

    def __init__(self, without: frozenset[str] = frozenset()) -> None:
        self._without = without
        self._digest = hashlib.sha256()

    def add(self, connection: duckdb.DuckDBPyConnection, tables: Sequence[HashedTable]) -> None:
        """Add the tables that exist."""
        for table in tables:
            if has_table(connection, table.name):
                self._digest.update(table.name.encode())
                self._digest.update(_table_hash(connection, table, NOT_CONTENT | table.without | self._without))

    def hexdigest(self) -> str:
        """Return 16 hexadecimal digits of what was added so far."""
        return self._digest.hexdigest()[:16]


def frame_hash(frame: pl.DataFrame, key: Sequence[str]) -> str:
    """Return 16 hexadecimal digits of the content of a frame; no two rows share the values of `key`."""
    with duckdb.connect() as connection:
        connection.register("frame", frame)
        return hashlib.sha256(_relation_hash(connection, "frame", key, NOT_CONTENT)).hexdigest()[:16]


def _table_hash(connection: duckdb.DuckDBPyConnection, table: HashedTable, without: frozenset[str]) -> bytes:
    return _relation_hash(connection, f"{CATALOG}.{table.name}", table.key, without)


def _relation_hash(
    connection: duckdb.DuckDBPyConnection, relation: str, key: Sequence[str], without: frozenset[str]
) -> bytes:
    """Return the hash of the columns' names, kinds and values, column by column in the order of the rows' key."""
    described = connection.execute(f"describe {relation}").fetchall()
    columns = sorted((name, kind) for name, kind, *_ in described if name not in without)
    values = ", ".join(f'{_plain(name, kind)} as "{name}"' for name, kind in columns)
    # Two a column, so that it does not matter in which pieces the rows come.
    hashers = [(hashlib.sha256(f"{name} {kind}".encode()), hashlib.sha256()) for name, kind in columns]
    reader = connection.execute(f"select {values} from {relation} order by {', '.join(key)}").to_arrow_reader(
        _ROWS_AT_ONCE
    )
    for batch in reader:
        for pair, column in zip(hashers, batch.columns, strict=True):
            for hasher, part in zip(pair, _parts(column), strict=True):
                hasher.update(part)
    return b"".join(hasher.digest() for pair in hashers for hasher in pair)


def _plain(name: str, kind: str) -> str:
    """Return the SQL of a column as one of the kinds that :func:`_parts` knows."""
    if kind.startswith("TIMESTAMP"):
        return f'epoch_us("{name}")'
    if kind in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT"):
        return f'"{name}"::bigint'
    return f'"{name}"' if kind == "DOUBLE" else f'"{name}"::varchar'


def _parts(column: pa.Array) -> tuple[bytes, bytes]:
    """Return the values of a column, and where they end and which of them are none."""
    if pa.types.is_string(column.type):
        texts = pc.fill_null(column, "").cast(pa.large_binary())
        lengths = pc.fill_null(pc.binary_length(column), -1).to_numpy().astype(np.int64)
        bounds = np.frombuffer(texts.buffers()[1], dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
        characters = texts.buffers()[2] or pa.py_buffer(b"")  # there may be none at all
        return characters[int(bounds[0]) : int(bounds[-1])].to_pybytes(), lengths.tobytes()
    numbers = column.fill_null(0).to_numpy(zero_copy_only=False)
    if pa.types.is_floating(column.type):
        numbers = _rounded(numbers)
    return numbers.tobytes(), column.is_null().to_numpy(zero_copy_only=False).tobytes()


def _rounded(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the numbers rounded to 40 of the 52 bits behind the point; plain zero for a negative one.

    >>> _rounded(np.array([0.1 + 0.2, 0.3, -0.0])).tolist() == _rounded(np.array([0.3, 0.3, 0.0])).tolist()
    True
    """
    bits = (numbers + 0.0).view(np.int64)
    rounded: NDArray[np.float64] = ((bits + (1 << 11)) & ~((1 << 12) - 1)).view(np.float64)
    return rounded
