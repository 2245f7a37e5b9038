"""Where the data of a text file begins and what its columns are: notices, then a header or none, then rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from assay.domain.errors import BadInputError
from assay.lake.recordings.columns import BINANCE_COLUMNS, ColumnMap, check_chosen, check_complete, plain, recognise
from assay.lake.recordings.moments import read_moments
from assay.lake.recordings.recording import RecordingSpec

DELIMITERS = ("\t", ";", "|", ",")
HEAD_LINES = 100
"""Lines among which the header is looked for."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a text file is laid out.

    Parameters
    ----------
    names : tuple of str
        Its columns' names, in their order; positions from ``"1"`` on where there is no header.
    columns : ColumnMap
        What they mean.
    first_row : int
        How many lines that are not blank come before the first row of data.
    notes : tuple of str
        What was recognised.
    """

    names: tuple[str, ...]
    columns: ColumnMap
    first_row: int
    notes: tuple[str, ...]


def find_layout(head: Sequence[Sequence[str]], spec: RecordingSpec) -> Layout:
    """Return the layout of a file whose first lines, cut into fields, are `head`.

    The header is the first line in which every required column is found. Where there is none, the first line that
    looks like data decides: Binance's twelve columns are known by their shape, anything else needs a column map.

    Raises
    ------
    BadInputError
        If the columns are not recognised; it names those found.
    """
    lines = [tuple(field.strip() for field in fields) for fields in head]
    for index, fields in enumerate(lines):
        columns = recognise(fields, spec.columns)
        if not columns.missing and not _is_row(fields):
            check_chosen(spec.columns, fields)
            return Layout(fields, columns, index + 1, _notes(index, f"header in line {index + 1}", columns))
        if _is_row(fields):
            return _layout_before(lines[:index], fields, spec)
    widest = max(lines, key=len)
    check_chosen(spec.columns, widest)
    check_complete(recognise(widest, spec.columns), widest)
    raise BadInputError("no row of data", value=", ".join(widest))  # pragma: no cover - the check above has raised


def _layout_before(before: Sequence[tuple[str, ...]], row: tuple[str, ...], spec: RecordingSpec) -> Layout:
    """Return the layout of a file whose first `row` comes after the lines `before`, none of which is a known header."""
    header = before[-1] if before and 2 * len(before[-1]) >= len(row) else None
    if not spec.columns and _is_binance(row):
        columns = recognise(BINANCE_COLUMNS)
        told = "the header is not known" if header else "no header"
        note = f"{told}: Binance's twelve columns, recognised by their shape"
        return Layout(BINANCE_COLUMNS, columns, len(before), _notes(len(before), note, columns))
    names = header or tuple(str(position) for position in range(1, len(row) + 1))
    chosen: Mapping[str, str] = spec.columns
    if header is None and not chosen:
        todo = "say which column is which by position, like --columns open_time=1,open=2,high=3,low=4,close=5,volume=6"
        raise BadInputError("no header, and not Binance's twelve columns", value=", ".join(row), todo=todo)
    check_chosen(chosen, names)
    columns = recognise(names, chosen)
    check_complete(columns, names)
    note = "no header: columns by position"
    return Layout(names, columns, len(before), _notes(len(before), note, columns))


def _is_row(fields: Sequence[str]) -> bool:
    """Whether a line looks like data: at least four numbers, and not pandas' header 0, 1, 2, 3."""
    numbers = sum(_is_number(field) for field in fields)
    return numbers >= 4 and list(fields) != [str(position) for position in range(len(fields))]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return plain(text) not in ("nan", "inf", "infinity")


def _is_binance(row: Sequence[str]) -> bool:
    if len(row) != len(BINANCE_COLUMNS):
        return False
    opened, closed = read_moments(pl.Series([row[0], row[6]])).moments
    numbers = (*row[1:6], *row[7:11])
    return opened is not None and closed is not None and opened < closed and all(map(_is_number, numbers))


def _notes(skipped: int, note: str, columns: ColumnMap) -> tuple[str, ...]:
    notices = [f"{skipped} lines before the data skipped" if skipped > 1 else "1 line before the data skipped"]
    return (*(notices if skipped else []), note, *columns.notes())
