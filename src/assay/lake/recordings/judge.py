"""Judging rows: each row of a file is a bar, or it has one cause why it cannot be.

The rules are one list of (condition, cause). All rows are tested against the conditions; causes are spelled out only
for the rows that failed, so the text costs nothing on good data.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from assay.lake.recordings.columns import AMOUNTS, PRICES, REQUIRED
from assay.lake.recordings.moments import read_moments
from assay.lake.recordings.numbers import to_count, to_float64
from assay.lake.recordings.recording import QUARANTINE_SCHEMA, UTC_MICROSECONDS
from assay.lake.recordings.rows import SourceRows

MAX_PRICE = 1e12
MIN_PRICE = 1e-20
MAX_AMOUNT = 1e18
"""What no market has seen, in any currency: the sums and ratios of later layers hold within these limits."""
_SHOWN = 60
_TIMES = ("open_time", "close_time")


@dataclass(frozen=True, slots=True)
class Judged:
    """Rows that are bars, typed, and rows that are not, with their cause."""

    bars: pl.DataFrame
    quarantined: pl.DataFrame
    notes: tuple[str, ...]


def judge(rows: SourceRows, symbols: pl.Series) -> Judged:
    """Type the values of `rows` and part the bars from the rest.

    Parameters
    ----------
    rows : SourceRows
        Rows as the file has them.
    symbols : polars.Series, shape (n_rows,)
        ``BASE-QUOTE`` of each row; null where the file's spelling is none.

    Returns
    -------
    Judged
        `bars` has ``row_number``, ``symbol``, the columns of a kline and ``source_close_time``.
    """
    typed, notes = _typed(rows.fields)
    typed = typed.with_columns(symbol=symbols)
    both = pl.concat([typed, rows.fields.drop("row_number").select(pl.all().name.suffix(".raw"))], how="horizontal")
    both = both.with_columns(_absent_columns(both))
    is_bad = both.select(pl.any_horizontal(condition for condition, _ in RULES).fill_null(value=False)).to_series()
    bad = both.filter(is_bad)
    cause = pl.coalesce(pl.when(condition).then(text) for condition, text in RULES)
    quarantined = bad.select("row_number", cause.alias("cause"))
    quarantined = quarantined.with_columns(raw=pl.Series(rows.raw(is_bad.arg_true().to_list()), dtype=pl.String))
    everything = pl.concat([rows.malformed, quarantined.cast(QUARANTINE_SCHEMA)]).sort("row_number")
    bars = typed.filter(~is_bad).rename({"close_time": "source_close_time"})
    return Judged(bars, everything, notes)


def _typed(fields: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    columns = [fields["row_number"]]
    notes: list[str] = []
    for name, dtype in _DTYPES.items():
        if name not in fields.columns:
            columns.append(pl.Series(name, [None], dtype=dtype).new_from_index(0, fields.height))
        elif name in _TIMES:
            moments = read_moments(fields[name])
            notes.extend(moments.notes)
            columns.append(moments.moments.alias(name))
        else:
            columns.append((to_count if name == "num_trades" else to_float64)(fields[name]))
    return pl.DataFrame(columns), tuple(notes)


_DTYPES: dict[str, pl.DataType | type[pl.DataType]] = {
    **dict.fromkeys(_TIMES, UTC_MICROSECONDS),
    **dict.fromkeys((*PRICES, *AMOUNTS), pl.Float64),
    "num_trades": pl.Int64,
}


def _absent_columns(frame: pl.DataFrame) -> list[pl.Expr]:
    wanted = (f"{name}.raw" for name in ("symbol", *_DTYPES))
    return [pl.lit(None, dtype=pl.String).alias(name) for name in wanted if name not in frame.columns]


def _rules() -> Iterator[tuple[pl.Expr, pl.Expr]]:
    """Yield the rules in the order in which a cause is looked for: is it there, is it readable, is it possible."""
    yield _raw("symbol").is_not_null() & pl.col("symbol").is_null(), _text("symbol is not a symbol: '{}'", "symbol")
    yield pl.col("symbol").is_null(), pl.lit("symbol is missing")
    for name in REQUIRED:
        yield _raw(name).is_null(), pl.lit(f"{name} is missing")
    for name in _TIMES:
        is_unread = _raw(name).is_not_null() & pl.col(name).is_null()
        yield is_unread, _text(f"{name} is not a time from 2009-01-03 to 2200: '{{}}'", name)
    for name in (*PRICES, *AMOUNTS, "num_trades"):
        kind = "whole number" if name == "num_trades" else "number"
        is_unread = _raw(name).is_not_null() & pl.col(name).is_null()
        yield is_unread, _text(f"{name} is not a {kind}: '{{}}'", name)
    for name in (*PRICES, *AMOUNTS):
        yield pl.col(name).is_nan(), pl.lit(f"{name} is NaN")
        yield pl.col(name).is_infinite(), _text(f"{name} is infinite: '{{}}'", name)
    for name in PRICES:
        yield pl.col(name) <= 0, _text(f"{name} is not positive: '{{}}'", name)
    for name in PRICES:
        yield pl.col(name) > MAX_PRICE, _text(f"{name} is above {MAX_PRICE:g}: '{{}}'", name)
        yield pl.col(name) < MIN_PRICE, _text(f"{name} is below {MIN_PRICE:g}: '{{}}'", name)
    for name in AMOUNTS:
        yield pl.col(name) > MAX_AMOUNT, _text(f"{name} is above {MAX_AMOUNT:g}: '{{}}'", name)
    is_too_dear = pl.col("volume") * pl.col("high") > MAX_AMOUNT
    yield is_too_dear, _pair(f"volume '{{}}' at high '{{}}' is worth more than {MAX_AMOUNT:g}", "volume", "high")
    for name in (*AMOUNTS, "num_trades"):
        yield pl.col(name) < 0, _text(f"{name} is negative: '{{}}'", name)
    yield pl.col("high") < pl.col("low"), _pair("high '{}' is below low '{}'", "high", "low")
    for name in ("open", "close"):
        yield pl.col("high") < pl.col(name), _pair(f"high '{{}}' is below {name} '{{}}'", "high", name)
        yield pl.col("low") > pl.col(name), _pair(f"low '{{}}' is above {name} '{{}}'", "low", name)


def _raw(name: str) -> pl.Expr:
    return pl.col(f"{name}.raw")


def _shown(name: str) -> pl.Expr:
    return _raw(name).cast(pl.String).str.slice(0, _SHOWN)


def _text(template: str, name: str) -> pl.Expr:
    return pl.format(template, _shown(name))


def _pair(template: str, first: str, second: str) -> pl.Expr:
    return pl.format(template, _shown(first), _shown(second))


RULES: tuple[tuple[pl.Expr, pl.Expr], ...] = tuple(_rules())
