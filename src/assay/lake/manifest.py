"""The manifest: which batches bronze holds, and how far the lake has taken each of them in.

A refresh never asks for "rows newer than the newest", which loses what slow writers commit late, and never globs all
of bronze, which grows with history. It looks into the day directories that changed, and registers what it finds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

import duckdb

from assay.lake import bronze
from assay.lake.bronze_store import Bronze, BronzeFile, batches_of, store_of
from assay.lake.catalog import CATALOG, transaction
from assay.lake.packs import is_pack

_TABLES = {
    "bronze.batches": """batch_id varchar, dataset varchar, venue varchar, endpoint varchar, path varchar,
        source varchar, slot varchar, known_at timestamptz, rows_read bigint, accepted bigint,
        identical_duplicates bigint, restated bigint, provisional bigint, off_grid bigint, quarantined bigint""",
    "bronze.batch_ranges": """batch_id varchar, venue varchar, market varchar, symbol varchar, interval varchar,
        first_open_time timestamptz, last_open_time timestamptz, row_count bigint""",
    "refresh.partitions": "partition varchar, modified_ns bigint",
    # Which batches' rows each model that reads bronze has; written in the same transaction as the rows.
    "refresh.taken_in": "model varchar, batch_id varchar",
    # Batches that went all the way to gold, past every quality gate.
    "refresh.published": "batch_id varchar",
    "refresh.zones": """venue varchar, market varchar, symbol varchar, interval varchar, from_time timestamptz,
        until_time timestamptz, read_from timestamptz""",
    "refresh.definitions": "name varchar, hash varchar",
    # Up to when the rows of tables that others append to were looked at by the quality tests, and found good.
    "refresh.tested": "name varchar, known_at timestamptz",
    "refresh.feature_states": """venue varchar, market varchar, symbol varchar, interval varchar,
        feature_set varchar, open_time timestamptz, state blob""",
}
# What is made from the headers of bronze and may be made again at any time.
_FROM_HEADERS = ("bronze.batches", "bronze.batch_ranges", "refresh.partitions")
AMONG = "batch_id in (select unnest(string_split(?, ',')))"
"""Condition that a batch is among those given as one text, ids with commas between; a list would be bound one by one,
and DuckDB looks for pandas anew for every Python value that is bound to a parameter."""
COUNTS = ("rows_read", "accepted", "identical_duplicates", "restated", "provisional", "off_grid", "quarantined")


def has_table(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Return whether the lake has the table ``schema.table``."""
    # The list of tables would gather the statistics of all of them, which takes a tenth of a second.
    try:
        connection.execute(f"select 1 from {CATALOG}.{name} limit 0")
    except duckdb.CatalogException:
        return False
    return True


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the schemas and the refresh's own tables, where absent.

    Tables of headers that an older program made with other columns are made anew, empty; :func:`register` fills them
    from bronze.
    """
    there: dict[str, list[str]] = {}
    for name, column in connection.execute(
        "select table_schema || '.' || table_name, column_name from information_schema.columns "
        "where table_catalog = ? order by table_schema, table_name, ordinal_position",
        [CATALOG],
    ).fetchall():
        there.setdefault(name, []).append(column)
    are_old = any(name in there and there[name] != _columns(name) for name in _FROM_HEADERS)
    if there.keys() >= _TABLES.keys() and not are_old:
        return
    with transaction(connection):
        for schema in ("bronze", "silver", "gold", "refresh"):
            connection.execute(f"create schema if not exists {CATALOG}.{schema}")
        for name in _FROM_HEADERS if are_old else ():
            connection.execute(f"drop table if exists {CATALOG}.{name}")
        for name, columns in _TABLES.items():
            connection.execute(f"create table if not exists {CATALOG}.{name} ({columns})")


def _columns(table: str) -> list[str]:
    return [column.split()[0] for column in _TABLES[table].split(",")]


def partitions(root: Bronze) -> Iterator[tuple[str, int]]:
    """Yield the day directories of every dataset in bronze with the time of each one's last change, in nanoseconds."""
    for name, at in bronze.partitions(root):
        if not name.startswith(f"{bronze.QUARANTINE}/"):
            yield name, at


def register(connection: duckdb.DuckDBPyConnection, root: Bronze, *, everything: bool = False) -> int:
    """Take note of the committed batches of all datasets that were not seen before; return how many.

    Only day directories that changed since they were last listed are looked into. If `everything`, all of them are,
    because files put back from a backup may carry old times, and batches whose files are gone are forgotten. Of known
    batches that were put into a pack since, the new place is noted.
    """
    seen: dict[str, int] = {}
    if not everything:
        seen.update(connection.execute(f"select partition, modified_ns from {CATALOG}.refresh.partitions").fetchall())
    store = store_of(root)
    if everything:
        store.index()
    changed = [(name, at) for name, at in partitions(root) if seen.get(name) != at]
    now_ns = store.now_ns() if changed else 0  # before the days are listed: what comes after that is later
    files: dict[str, BronzeFile] = {}
    for name, _ in changed:
        for batch_id, file in batches_of(store, name).items():
            files.setdefault(batch_id, file)
    known = {} if everything else registered(connection, files)
    new = {batch_id: file for batch_id, file in files.items() if batch_id not in known}
    packed = {batch_id: store.name_of(files[batch_id]) for batch_id in known if is_pack(files[batch_id].stem)}
    moved = [(batch_id, path) for batch_id, path in packed.items() if path != known[batch_id]]
    found = [(header, store.name_of(file)) for header, file in bronze.read_headers_of(new)]
    settled = [(name, at) for name, at in changed if now_ns - at > store.settle_ns]
    if found or moved or settled or everything:
        with transaction(connection):
            for table in _FROM_HEADERS if everything else ():
                connection.execute(f"delete from {CATALOG}.{table}")
            _insert_headers(connection, found)
            _move(connection, moved)
            names = [name for name, _ in settled]
            connection.execute(f"delete from {CATALOG}.refresh.partitions where list_contains(?, partition)", [names])
            insert_rows(connection, "refresh.partitions", settled)
    return len(found)


def registered(connection: duckdb.DuckDBPyConnection, batch_ids: Iterable[str]) -> dict[str, str]:
    """Return which of these batches are registered, and the file that each is read from."""
    rows = connection.execute(
        f"select batch_id, path from {CATALOG}.bronze.batches where {AMONG}", [",".join(batch_ids)]
    ).fetchall()
    return dict(rows)


def _move(connection: duckdb.DuckDBPyConnection, moved: Sequence[tuple[str, str]]) -> None:
    """Note that batches are read from another file now: they were put together with others of their day."""
    if not moved:
        return
    import polars as pl  # noqa: PLC0415

    connection.register("moved", pl.DataFrame(moved, schema=["batch_id", "path"], orient="row"))
    try:
        connection.execute(
            f"update {CATALOG}.bronze.batches as known set path = moved.path from moved "
            "where known.batch_id = moved.batch_id"
        )
    finally:
        connection.unregister("moved")


def absent(connection: duckdb.DuckDBPyConnection, root: Bronze, batch_ids: Sequence[str]) -> list[BronzeFile]:
    """Return the files of the batches that bronze does not have any more."""
    rows = connection.execute(
        f"select distinct path from {CATALOG}.bronze.batches where {AMONG} order by 1", [",".join(batch_ids)]
    ).fetchall()
    return store_of(root).absent([row[0] for row in rows])


def holds_batches(connection: duckdb.DuckDBPyConnection) -> bool:
    """Return whether any batch is registered."""
    return bool(connection.execute(f"select 1 from {CATALOG}.bronze.batches limit 1").fetchall())


def pending(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the ids of the registered batches that are not published yet."""
    rows = connection.execute(
        f"select batch_id from {CATALOG}.bronze.batches "
        f"where batch_id not in (select batch_id from {CATALOG}.refresh.published) order by 1"
    ).fetchall()
    return [row[0] for row in rows]


def datasets_of(connection: duckdb.DuckDBPyConnection, batch_ids: Sequence[str] | None = None) -> set[str]:
    """Return the datasets that the batches belong to, or all registered ones."""
    condition = "true" if batch_ids is None else AMONG
    rows = connection.execute(
        f"select distinct dataset from {CATALOG}.bronze.batches where {condition}",
        [] if batch_ids is None else [",".join(batch_ids)],
    ).fetchall()
    return {row[0] for row in rows}


def publish(
    connection: duckdb.DuckDBPyConnection,
    batch_ids: Sequence[str],
    definitions: Mapping[str, str] = MappingProxyType({}),
    *,
    tested: Mapping[str, datetime] = MappingProxyType({}),
) -> None:
    """Note that the batches went through every layer, and what the tables are made by from now on: both, or neither.

    Without the second note the next refresh would take the tables for what newer definitions make.

    Parameters
    ----------
    batch_ids : sequence of str
    definitions : mapping of str to str
        Names, and the hashes of what they stand for.
    tested : mapping of str to datetime
        Tables that others append to, and until when their rows are known to be good.
    """
    with transaction(connection):
        insert_rows(connection, "refresh.published", [[one] for one in batch_ids])
        for name, hash_ in definitions.items():
            connection.execute(f"delete from {CATALOG}.refresh.definitions where name = ?", [name])
            connection.execute(f"insert into {CATALOG}.refresh.definitions values (?, ?)", [name, hash_])
        for name, moment in tested.items():
            connection.execute(f"delete from {CATALOG}.refresh.tested where name = ?", [name])
            connection.execute(f"insert into {CATALOG}.refresh.tested values (?, ?)", [name, moment])


def insert_rows(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Sequence[object]]) -> None:
    """Insert rows of Python values into a table of the lake; a no-op for none."""
    if not rows:
        return
    import polars as pl  # noqa: PLC0415  # `assay status` reads this module's tables and needs no frames

    # As a table, for the reason that AMONG has.
    connection.register("new_rows", pl.DataFrame(rows, orient="row", infer_schema_length=None))
    try:
        connection.execute(f"insert into {CATALOG}.{table} select * from new_rows")
    finally:
        connection.unregister("new_rows")


def definition_changed(connection: duckdb.DuckDBPyConnection, name: str, hash_: str) -> bool:
    """Return whether what the tables were made by is not what is installed now; false before the first build."""
    rows = connection.execute(f"select hash from {CATALOG}.refresh.definitions where name = ?", [name]).fetchall()
    return bool(rows) and rows[0][0] != hash_


def has_definition(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Return whether a build was ever finished with what the name stands for."""
    rows = connection.execute(f"select 1 from {CATALOG}.refresh.definitions where name = ?", [name]).fetchall()
    return bool(rows)


def _insert_headers(connection: duckdb.DuckDBPyConnection, found: Iterable[tuple[bronze.BatchHeader, str]]) -> None:
    batches: list[list[object]] = []
    ranges: list[list[object]] = []
    for header, path in found:
        source = header.parameters.get("file", "")
        asked = [header.batch_id, header.dataset, header.venue, header.endpoint]
        counts = [header.counts.get(name, 0) for name in COUNTS]
        batches.append([*asked, path, source, header.slot, header.known_at, *counts])
        for one in header.ranges:
            series = [header.batch_id, header.venue, one.market, one.symbol, one.interval]
            ranges.append([*series, one.first_open_time, one.last_open_time, one.rows])
    insert_rows(connection, "bronze.batches", batches)
    insert_rows(connection, "bronze.batch_ranges", ranges)
