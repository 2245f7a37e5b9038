"""Which pair each row of a file belongs to: by the symbol column, by what was said, or by the file's name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from assay.domain.errors import BadInputError
from assay.domain.symbol import QUOTES, Symbol
from assay.lake.recordings.recording import RecordingSpec


@dataclass(frozen=True, slots=True)
class Pairs:
    """The pair of each row.

    Parameters
    ----------
    symbols : polars.Series, shape (n_rows,)
        ``BASE-QUOTE``; null where the file's spelling is no symbol.
    is_other : polars.Series of bool, shape (n_rows,)
        Rows of pairs that were not asked for.
    notes : tuple of str
        What was assumed.
    """

    symbols: pl.Series
    is_other: pl.Series
    notes: tuple[str, ...]


def read_pairs(fields: pl.DataFrame, path: Path, spec: RecordingSpec) -> Pairs:
    """Return the pair of each row of `fields`.

    Raises
    ------
    BadInputError
        If the column holds only other pairs than the one asked for, or nothing says which pair it is.
    """
    if "symbol" not in fields.columns:
        symbol, notes = (spec.symbol, ()) if spec.symbol else _symbol_in_name(path)
        symbols = pl.Series("symbol", [str(symbol)]).new_from_index(0, fields.height)
        return Pairs(symbols, pl.Series("is_other", [False]).new_from_index(0, fields.height), notes)
    text = fields["symbol"].cast(pl.String)
    spellings = {spelling: _read(spelling, spec.symbol) for spelling in text.drop_nulls().unique()}
    symbols = text.replace_strict(spellings, return_dtype=pl.String, default=None).alias("symbol")
    if spec.symbol is None:
        is_other = pl.Series("is_other", [False]).new_from_index(0, fields.height)
        return Pairs(symbols, is_other, ())
    wanted = str(spec.symbol)
    found = sorted({symbol for symbol in spellings.values() if symbol})
    if found and wanted not in found:
        shown = ", ".join(found[:5]) + (" …" if len(found) > 5 else "")
        raise BadInputError("the file holds no rows of the symbol", value=wanted, todo=f"it holds {shown}")
    return Pairs(symbols, (symbols != wanted).fill_null(value=False).alias("is_other"), ())


def _read(spelling: str, asked: Symbol | None = None) -> str | None:
    if asked is not None and spelling.strip().upper() == asked.base:
        return str(asked)  # a column that names the coin alone does not contradict the pair that was asked for
    try:
        return str(Symbol.from_spelling(spelling))
    except BadInputError:
        return None


def _symbol_in_name(path: Path) -> tuple[Symbol, tuple[str, ...]]:
    """Read ``BTCUSDT_2024-07.parquet``, ``BTCUSDT-1h-2024-01.csv``, ``BTC_USDT.csv``."""
    words = re.split(r"[^A-Za-z0-9]+", path.name)
    candidates = [words[0]]
    if len(words) > 1 and words[1].upper() in QUOTES:
        candidates.insert(0, f"{words[0]}-{words[1]}")
    for candidate in candidates:
        symbol = _read(candidate)
        if symbol is not None:
            return Symbol.parse(symbol), (f"symbol {symbol} taken from the file's name",)
    raise BadInputError("nothing in the file says which symbol it is", value=path.name, todo="pass --symbol BASE-QUOTE")
