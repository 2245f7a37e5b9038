"""The tables' housekeeping: small files put together, old states let go, files deleted that nobody reads any more.

Every commit leaves files and statistics behind, which every later statement looks through. Nothing here changes what a
table says. Each step is a transaction of its own, so that one that is stopped is done again; files are deleted only
when no state names them and they have not been named for a while, so that whoever reads an older state may finish.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from assay.lake.catalog import CATALOG, CATALOG_QUERY, transaction
from assay.lake.home import Home

SMALL_BYTES = 8 * 2**20
"""A file of the tables that is smaller than this is put together with its neighbours."""
_FEW = 4
"""So many small files of one table cost less than putting them together."""
_DELETED = 0.001
"""A file is written anew when this part of its rows is deleted: a file with deleted rows is not put together."""


@dataclass(frozen=True, slots=True)
class TablesUse:
    """What the tables take.

    Attributes
    ----------
    files, bytes : int
        Files that the newest state is read from, and their size.
    old_files : int
        Files that only older states name, or none.
    snapshots : int
        States of the catalogue that can be read.
    statistics : int
        Rows that the catalogue looks through when a statement is planned.
    """

    files: int
    bytes: int
    old_files: int
    snapshots: int
    statistics: int


@dataclass(frozen=True, slots=True)
class Fragmented:
    """A table in more files than it needs: those that are small, and those with deleted rows."""

    schema: str
    table: str
    small: int
    with_deleted: int

    @property
    def name(self) -> str:
        """The table as ``schema.table``."""
        return f"{self.schema}.{self.table}"


# Each column has a name: of PostgreSQL's answers DuckDB makes tables, and all would have the same name there.
_USE = """
select
    (select count(*) from ducklake_data_file where end_snapshot is null)
    + (select count(*) from ducklake_delete_file where end_snapshot is null) as files,
    (select coalesce(sum(file_size_bytes), 0) from ducklake_data_file where end_snapshot is null)
    + (select coalesce(sum(file_size_bytes), 0) from ducklake_delete_file where end_snapshot is null) as bytes,
    (select count(*) from ducklake_data_file where end_snapshot is not null)
    + (select count(*) from ducklake_delete_file where end_snapshot is not null)
    + (select count(*) from ducklake_files_scheduled_for_deletion) as old_files,
    (select count(*) from ducklake_snapshot) as snapshots,
    (select count(*) from ducklake_file_column_stats) as statistics
"""
_FRAGMENTED = f"""
select schema_name, table_name,
    sum(case when file.file_size_bytes < {SMALL_BYTES} then 1 else 0 end) as small,
    sum(case when gone.deleted > {_DELETED} * file.record_count then 1 else 0 end) as with_deleted
from ducklake_data_file as file
join ducklake_table as one on one.table_id = file.table_id and one.end_snapshot is null
join ducklake_schema as folder on folder.schema_id = one.schema_id and folder.end_snapshot is null
left join (
    select data_file_id, sum(delete_count) as deleted
    from ducklake_delete_file where end_snapshot is null group by data_file_id
) as gone on gone.data_file_id = file.data_file_id
where file.end_snapshot is null
group by schema_name, table_name
order by schema_name, table_name
"""
_KEPT = """
select schema_name, one.table_name as owner, kept.table_name as kept_in
from ducklake_inlined_data_tables as kept
join ducklake_table as one on one.table_id = kept.table_id and one.end_snapshot is null
join ducklake_schema as folder on folder.schema_id = one.schema_id and folder.end_snapshot is null
order by 1, 2, 3
"""
_MANY_ROWS = 1_000
_LONG_AGO = "1970-01-01 00:00:00+00"
_NAMED = """
select path from ducklake_data_file union all select path from ducklake_delete_file
union all select path from ducklake_files_scheduled_for_deletion
"""


def tables_use(connection: duckdb.DuckDBPyConnection) -> TablesUse:
    """Return what the tables take now."""
    return TablesUse(*map(int, _of_catalogue(connection, _USE)[0]))


def fragmented(connection: duckdb.DuckDBPyConnection) -> list[Fragmented]:
    """Return the tables that are in more files than they need, by name."""
    rows = [
        Fragmented(str(schema), str(table), int(small), int(deleted or 0))
        for schema, table, small, deleted in _of_catalogue(connection, _FRAGMENTED)
    ]
    return [one for one in rows if one.small >= _FEW or one.with_deleted]


def merge_files(connection: duckdb.DuckDBPyConnection, table: Fragmented) -> None:
    """Put the small files of a table together, without the rows in them that are deleted.

    The transactions are three: rows that the catalogue keeps itself go into a file, files with deleted rows are written
    anew, and what has none is put together.

    Raises
    ------
    StorageError, LakeBusyError
        If the disk refuses, or another process writes to the tables; the table is as it was then.
    """
    names = [table.table, table.schema]
    # First, because DuckLake cannot add up rows that SQLite keeps for it (their floats are text there).
    _flush(connection, table.schema, table.table)
    _call(
        connection, f"ducklake_rewrite_data_files('{CATALOG}', ?, schema => ?, delete_threshold => {_DELETED})", names
    )
    _call(
        connection, f"ducklake_merge_adjacent_files('{CATALOG}', ?, schema => ?, max_file_size => {SMALL_BYTES})", names
    )


def flush_rows(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Write rows into files that the catalogue itself has kept, where they are not few any more; return the tables."""
    kept = _of_catalogue(connection, _KEPT)
    if not kept:
        return []
    counts = " union all ".join(
        f"select '{schema}' as one, '{table}' as two, count(*) as kept from {name}" for schema, table, name in kept
    )
    flushed = []
    for schema, table, _ in _of_catalogue(connection, f"select * from ({counts}) as t where kept >= {_MANY_ROWS}"):
        _flush(connection, str(schema), str(table))
        flushed.append(f"{schema}.{table}")
    return flushed


def _flush(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> None:
    values = [table, schema]
    _call(connection, f"ducklake_flush_inlined_data('{CATALOG}', table_name => ?, schema_name => ?)", values)


def expire_snapshots(connection: duckdb.DuckDBPyConnection, *, before: datetime, is_dry: bool = False) -> int:
    """Let go of the states from before a moment, all but the newest one; return how many.

    The moment is one of the machine's clock, by which the catalogue stamps its states.
    """
    # Chosen here and named one by one: DuckLake compares moments that SQLite keeps as text in another spelling, by
    # which all states of a day are older than any moment of it.
    rows = connection.execute(
        f"select id from (select snapshot_id::bigint as id, max(snapshot_id::bigint) over () as newest, "
        f"snapshot_time::timestamptz as made_at from memory.main.{CATALOG_QUERY}(?)) "
        f"where made_at < ? and id < newest order by id",
        ["select snapshot_id, snapshot_time from ducklake_snapshot", before],
    ).fetchall()
    if rows and not is_dry:
        versions = ", ".join(str(int(row[0])) for row in rows)
        _call(connection, f"ducklake_expire_snapshots('{CATALOG}', versions => [{versions}])")
    return len(rows)


def delete_files(
    connection: duckdb.DuckDBPyConnection, home: Home, *, before: datetime, is_dry: bool = False
) -> list[str]:
    """Delete the files that no state has named since a moment of the machine's clock; return which."""
    rows = connection.execute(
        f"select path from memory.main.{CATALOG_QUERY}(?) where schedule_start::timestamptz < ? order by path",
        ["select path, schedule_start from ducklake_files_scheduled_for_deletion", before],
    ).fetchall()
    if rows and not is_dry:
        if home.postgres is None:  # as above: what is due is marked by a moment that is older in every spelling
            connection.execute(
                f"update __ducklake_metadata_{CATALOG}.main.ducklake_files_scheduled_for_deletion "
                f"set schedule_start = '{_LONG_AGO}' where schedule_start::timestamptz < ?",
                [before],
            )
        moment = "timestamptz '1971-01-01 00:00:00+00'" if home.postgres is None else "?"
        _call(connection, f"ducklake_cleanup_old_files('{CATALOG}', older_than => {moment})",
              [] if home.postgres is None else [before])  # fmt: skip
    return [str(row[0]) for row in rows]


def orphans(connection: duckdb.DuckDBPyConnection, *, before: datetime) -> list[str]:
    """Return the files that no state ever named, left by writers that were killed, last written before a moment."""
    sql = f"ducklake_delete_orphaned_files('{CATALOG}', older_than => ?, dry_run => true)"
    found = [str(row[0]) for row in _call(connection, sql, [before])]
    # Their names are random and never used twice: a file of that name is the catalogue's, however its path is spelt.
    named = {str(row[0]).rpartition("/")[2] for row in _of_catalogue(connection, _NAMED)}
    return sorted(path for path in found if path.rpartition("/")[2] not in named)


def _call(connection: duckdb.DuckDBPyConnection, function: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    with transaction(connection):
        return connection.execute(f"call {function}", list(values)).fetchall()


def _of_catalogue(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return connection.execute(f"from memory.main.{CATALOG_QUERY}(?)", [sql]).fetchall()
