"""Reading delimited text: cut into lines, lines into fields, and say which lines cannot be cut.

One bad line must not cost a file, and a good one must not pass through Python's loop: lines are counted and split as
one column, and only lines with quotes are looked at one by one.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence

import polars as pl

from assay.domain.errors import BadInputError
from assay.lake.recordings.files import SourceFile, text_of
from assay.lake.recordings.layout import DELIMITERS, HEAD_LINES, Layout, find_layout
from assay.lake.recordings.recording import QUARANTINE_SCHEMA, RecordingSpec
from assay.lake.recordings.rows import SourceRows

_EMBEDDED = "\x1f"
"""Stands for a delimiter inside quotes, so that the field stays whole (and, where it is a number, is refused)."""


def read_delimited(source: SourceFile, spec: RecordingSpec) -> SourceRows:
    """Return the rows of a CSV file as text under the names of a kline.

    Raises
    ------
    BadInputError
        If it is damaged, no text, without data rows, or its columns are not recognised.
    """
    lines = _lines_of(text_of(source))
    delimiter = _delimiter_of(lines["text"].head(HEAD_LINES).to_list())
    lines = lines.with_columns(cut=_without_quotes(lines["text"], delimiter))
    layout = find_layout([line.split(delimiter) for line in lines["cut"].head(HEAD_LINES)], spec)
    lines = lines.slice(layout.first_row)
    if lines.is_empty():
        raise BadInputError("a header and no rows", value=source.path)
    lines = lines.with_columns(fields=lines["cut"].str.count_matches(delimiter, literal=True).cast(pl.Int64) + 1)
    width = _width_of(lines["fields"], layout)
    good, bad = lines.filter(pl.col("fields") == width), lines.filter(pl.col("fields") != width)
    fields = pl.concat([good.select("row_number"), _split(good["cut"], delimiter, width, layout)], how="horizontal")
    malformed = bad.select(
        "row_number",
        pl.format("wrong number of fields: {} instead of {}", pl.col("fields"), width).alias("cause"),
        pl.col("text").alias("raw"),
    ).cast(QUARANTINE_SCHEMA)
    texts = good["text"]
    return SourceRows(fields, malformed, lambda positions: texts.gather(positions).to_list(), _notes(layout, width))


def _lines_of(text: str) -> pl.DataFrame:
    """Return the lines that are not blank, with their numbers in the text, counted from 1."""
    if "\n" not in text:
        text = text.replace("\r", "\n")
    # Not str.splitlines: it also cuts at form feeds and the like, and the line numbers would be no editor's.
    column = pl.Series("text", text.split("\n")).str.strip_suffix("\r")
    frame = column.to_frame().with_row_index("row_number", offset=1).with_columns(pl.col("row_number").cast(pl.Int64))
    return frame.filter(pl.col("text").str.strip_chars() != "")


def _delimiter_of(lines: Sequence[str]) -> str:
    """Return the delimiter that most lines have most often; of equals the one that is rarer inside numbers."""
    best, most = DELIMITERS[0], 0
    for delimiter in DELIMITERS:
        count = Counter(line.count(delimiter) for line in lines).most_common(1)[0][0]
        if count > most:
            best, most = delimiter, count
    return best if most else ","


def _without_quotes(lines: pl.Series, delimiter: str) -> pl.Series:
    has_quotes = lines.str.contains('"', literal=True)
    if not has_quotes.any():
        return lines
    plain = [_unquote(line, delimiter) for line in lines.filter(has_quotes)]
    return lines.clone().scatter(has_quotes.arg_true(), plain)


def _unquote(line: str, delimiter: str) -> str:
    try:
        fields = next(csv.reader([line], delimiter=delimiter, strict=True))
    except (csv.Error, StopIteration):
        return line
    return delimiter.join(field.replace(delimiter, _EMBEDDED) for field in fields)


def _width_of(counts: pl.Series, layout: Layout) -> int:
    """Return how many fields a row should have: as many as there are names, unless hardly a row has that many."""
    named = len(layout.names)
    if (counts == named).sum() * 10 >= len(counts):
        return named
    usual = int(counts.value_counts(sort=True)["fields"][0])
    needed = 1 + max(layout.names.index(name) for name in layout.columns.sources.values())
    # A header may name more columns than the rows have, or fewer, as long as the columns that are read are there.
    return usual if usual >= needed else named


def _split(lines: pl.Series, delimiter: str, width: int, layout: Layout) -> pl.DataFrame:
    """Cut lines of `width` fields once, and keep the columns that are read; empty text becomes null."""
    parts = lines.str.split_exact(delimiter, width - 1).struct.unnest()
    position = {name: index for index, name in reversed(list(enumerate(layout.names)))}
    columns = []
    for canonical, name in layout.columns.sources.items():
        field = pl.col(f"field_{position[name]}").str.strip_chars()
        columns.append(pl.when(field != "").then(field).alias(canonical))
    return parts.select(columns)


def _notes(layout: Layout, width: int) -> tuple[str, ...]:
    named = len(layout.names)
    empty = [name for name in layout.names[width:] if name]
    if empty:
        note = f"the header names {named} columns, the rows have {width}: nothing is in {', '.join(empty)}"
        return (*layout.notes, note)
    if width > named:
        return (*layout.notes, f"the rows have {width - named} more fields than the header names: not used")
    return layout.notes
