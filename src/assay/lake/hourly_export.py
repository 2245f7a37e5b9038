"""Rows of the lake as one Parquet file an hour, ``date=YYYY-MM-DD/hour=HH/part.parquet``, for other programs to read.

A small file, ``_state/<table>.json``, holds a digest of each hour's rows. The next export computes the
digests again, which the lake does in one scan, and writes the hours whose rows are others. Each file is replaced in one
step, so a reader sees an hour as it was or as it is; an export that was stopped is gone on with by the next one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, cast

import duckdb

from assay.lake.folders import Folder

if TYPE_CHECKING:
    import polars as pl

_FILE = "part.parquet"
_FORMAT = 1
_AT_ONCE = 16
_HOURS_AT_ONCE = 24 * 14


@dataclass(frozen=True, slots=True)
class HourlyTable:
    """What is exported.

    Attributes
    ----------
    name : str
        Folder below the target: ``features/technical``.
    sql : str
        A SELECT of all rows from `since` on.
    moment : str
        The column whose hour a row belongs to.
    key : sequence of str
        Columns that no two rows share; the order of the rows of a file.
    since : datetime, optional
        The beginning of the first hour that is looked at; earlier ones are left as they are.
    """

    name: str
    sql: str
    moment: str
    key: Sequence[str]
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Exported:
    """What became of a table.

    Attributes
    ----------
    name : str
    hours : int
        Hours that have rows, of those that were looked at.
    written, removed : int
        Hours whose file was written, and hours that have no rows any more.
    rows : int
        In the files that were written.
    """

    name: str
    hours: int
    written: int
    removed: int
    rows: int


def export_hours(
    connection: duckdb.DuckDBPyConnection,
    table: HourlyTable,
    target: Folder,
    *,
    on_written: Callable[[int], None] | None = None,
) -> Exported:
    """Bring the partitions at `target` up to the rows that the connection sees.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Inside a transaction, so that digests and rows are of one snapshot.
    table : HourlyTable
    target : Folder
    on_written : callable, optional
        Told how many more hours are done.

    Raises
    ------
    StorageError
        If `target` refuses.
    """
    before = _read_state(target, table.name)
    now = _digests(connection, table)
    first = min(now, default="") if table.since is None else _name(table.since)
    gone = sorted(hour for hour in before if hour >= first and hour not in now)
    changed = sorted(hour for hour, digest in now.items() if before.get(hour) != digest)
    state, rows = dict(before), 0
    for start in range(0, len(changed), _HOURS_AT_ONCE):
        chunk = changed[start : start + _HOURS_AT_ONCE]
        rows += _write(connection, table, target, chunk)
        state |= {hour: now[hour] for hour in chunk}
        _write_state(target, table.name, state)
        if on_written:
            on_written(len(chunk))
    for hour in gone:
        target.remove(f"{table.name}/{hour}/{_FILE}")
        del state[hour]
    if gone:
        _write_state(target, table.name, state)
    return Exported(table.name, len(now), len(changed), len(gone), rows)


def _digests(connection: duckdb.DuckDBPyConnection, table: HourlyTable) -> dict[str, str]:
    """Return what tells the rows of each hour from any others; the order of the rows does not matter.

    A row is hashed twice: its hash puts the values together in such a way that equal changes in two rows would cancel
    out. DuckDB may hash differently in another version, and then everything is written once more.
    """
    found = connection.execute(
        f"select date_trunc('hour', {table.moment}) as hour, count(*), bit_xor(hash(hash(one))) "
        f"from ({table.sql}) as one group by hour order by hour"
    ).fetchall()
    return {_name(hour): f"{count}-{digest:016x}" for hour, count, digest in found}


def _write(connection: duckdb.DuckDBPyConnection, table: HourlyTable, target: Folder, hours: Sequence[str]) -> int:
    """Write the files of these hours, which are in order; return how many rows."""
    first, last = _moment(hours[0]), _moment(hours[-1])
    frame = connection.execute(
        f"select date_trunc('hour', {table.moment}) as hour_of_row, one.* from ({table.sql}) as one "
        f"where date_trunc('hour', {table.moment}) between timestamptz '{first}' and timestamptz '{last}' "
        f"order by hour_of_row, {', '.join(table.key)}"
    ).pl()
    parts = frame.partition_by("hour_of_row", as_dict=True, maintain_order=True, include_key=False)
    changed = set(hours)
    named = {_name(cast("datetime", hour)): part for (hour, *_), part in parts.items()}
    wanted = {name: part for name, part in named.items() if name in changed}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(partial(_write_hour, table.name, target), wanted.items()))
    return sum(part.height for part in wanted.values())


def _write_hour(name: str, target: Folder, hour: tuple[str, pl.DataFrame]) -> None:
    buffer = BytesIO()
    hour[1].write_parquet(buffer, compression="zstd")
    target.put(f"{name}/{hour[0]}/{_FILE}", buffer.getvalue())


def _name(hour: datetime) -> str:
    """Return the folder of an hour, which sorts as the hours do."""
    return f"{hour.astimezone(UTC):date=%Y-%m-%d/hour=%H}"


def _moment(name: str) -> datetime:
    return datetime.strptime(name, "date=%Y-%m-%d/hour=%H").replace(tzinfo=UTC)


def _read_state(target: Folder, name: str) -> Mapping[str, str]:
    """Return the digests of the hours as they were last written; none if the file is absent or damaged."""
    try:
        document = json.loads(target.get(_state_of(name)))
        return dict(document["hours"]) if document["format"] == _FORMAT else {}
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return {}


def _write_state(target: Folder, name: str, hours: Mapping[str, str]) -> None:
    document = {"format": _FORMAT, "hours": dict(sorted(hours.items()))}
    target.put(_state_of(name), json.dumps(document).encode())


def _state_of(name: str) -> str:
    # Apart from the partitions: some readers refuse a folder with other files in it.
    return f"_state/{name}.json"
