"""Reading Parquet: the file's own types under the names of a kline."""

from __future__ import annotations

import json

import polars as pl
import polars.selectors as cs
import pyarrow as pa
import pyarrow.parquet as pq

from assay.domain.errors import BadInputError
from assay.lake.recordings.columns import check_chosen, check_complete, recognise
from assay.lake.recordings.files import SourceFile
from assay.lake.recordings.recording import QUARANTINE_SCHEMA, RecordingSpec
from assay.lake.recordings.rows import SourceRows


def read_parquet(source: SourceFile, spec: RecordingSpec) -> SourceRows:
    """Return the rows of a Parquet file under the names of a kline.

    Raises
    ------
    BadInputError
        If it is damaged, empty, or its columns are not recognised or of a nested type.
    """
    table = _table_of(source)
    columns = recognise(table.columns, spec.columns)
    check_chosen(spec.columns, table.columns)
    check_complete(columns, table.columns)
    if table.is_empty():
        raise BadInputError("columns and no rows", value=source.path)
    for name in columns.sources.values():
        if table.schema[name].is_nested() or table.schema[name] == pl.Binary:
            raise BadInputError("a column that is neither number, text nor time", value=name)
    numbers = pl.int_range(1, table.height + 1, dtype=pl.Int64, eager=True).alias("row_number")
    fields = table.select(numbers, *(_field(table[name], canonical) for canonical, name in columns.sources.items()))
    malformed = pl.DataFrame(schema=QUARANTINE_SCHEMA)
    return SourceRows(fields, malformed, lambda positions: _texts(table, positions), tuple(columns.notes()))


def _table_of(source: SourceFile) -> pl.DataFrame:
    """Read the file by Arrow: Polars panics on some damaged files, and says so on stderr before anyone can catch it."""
    try:
        table = pq.read_table(pa.BufferReader(source.body))
        table.validate(full=True)  # Polars takes text for UTF-8 without looking
        frame = pl.from_arrow(pa.Table.from_arrays(table.columns, names=table.column_names))  # no metadata
    except (pa.ArrowException, pl.exceptions.PolarsError, OSError, ValueError) as error:
        todo = f"fetch it again ({str(error).strip().partition(chr(10))[0][:100]})"
        raise BadInputError("not a readable Parquet file", value=source.path, todo=todo) from None
    assert isinstance(frame, pl.DataFrame), "a table becomes a frame; only an array becomes a series"
    return frame


def _field(column: pl.Series, canonical: str) -> pl.Series:
    if not isinstance(column.dtype, (pl.String, pl.Categorical, pl.Enum)):
        return column.alias(canonical)
    text = column.cast(pl.String).str.strip_chars()
    return pl.select(pl.when(text != "").then(text)).to_series().alias(canonical)


def _texts(table: pl.DataFrame, positions: list[int]) -> list[str]:
    rows = table[positions].with_columns(cs.temporal().cast(pl.String))  # Python has no year -125,848
    return [json.dumps(row, default=str, ensure_ascii=False) for row in rows.iter_rows(named=True)]
