"""Rows of a file under the names of a kline, not yet judged: what the CSV and the Parquet reader both hand on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True, slots=True)
class SourceRows:
    """Rows as the file has them.

    Parameters
    ----------
    fields : polars.DataFrame
        `row_number` and the recognised columns with the file's own types (text for CSV); empty text is null.
    malformed : polars.DataFrame
        `row_number`, `cause`, `raw` of rows that could not be cut into fields.
    raw : callable
        Takes positions in `fields`, gives each row's text.
    notes : tuple of str
        What was recognised.
    """

    fields: pl.DataFrame
    malformed: pl.DataFrame
    raw: Callable[[list[int]], list[str]]
    notes: tuple[str, ...]
