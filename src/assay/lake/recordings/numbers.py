"""The one place where exact decimal text becomes float64.

>>> to_float64(pl.Series(["0.1", "9007199254740993.0000001", "abc", None])).to_list()
[0.1, 9007199254740994.0, None, None]
"""

from __future__ import annotations

import polars as pl

# What Python's float() takes, less its underscores and its non-ASCII digits. Polars alone would take as much, but that
# is the grammar of one version of a library; this is ours.
_NUMBER = r"^[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|(?i:nan|inf|infinity))$"


def to_float64(column: pl.Series) -> pl.Series:
    """Return `column` as float64, rounded once, to the nearest (ties to even), like Python's ``float``.

    Parameters
    ----------
    column : polars.Series, shape (n_rows,)
        Text, integers, decimals or floats. Text may not carry spaces or thousands separators.

    Returns
    -------
    polars.Series, shape (n_rows,)
        Float64. Text that is no number becomes null; the words ``nan`` and ``inf`` become what they say, for the
        caller to refuse.
    """
    if column.dtype == pl.Float64:
        return column
    if column.dtype.is_float() or column.dtype.is_integer():
        return column.cast(pl.Float64)
    # A decimal divided as a number is rounded twice beyond 53 bits; its text is rounded once.
    text = column.cast(pl.String, strict=False)
    numbers = text.cast(pl.Float64, strict=False)
    return pl.select(pl.when(text.str.contains(_NUMBER)).then(numbers)).to_series().alias(column.name)


def to_count(column: pl.Series) -> pl.Series:
    """Return `column` as Int64; what is not a whole number becomes null. ``"47134.0"`` is a whole number.

    >>> to_count(pl.Series(["171", "171.0", "171.5", "1e400"])).to_list()
    [171, 171, None, None]
    """
    if column.dtype.is_integer():
        return column.cast(pl.Int64, strict=False)
    numbers = to_float64(column)
    whole = numbers.is_finite() & (numbers == numbers.floor()) & (numbers.abs() < 2.0**53)
    return pl.select(pl.when(whole).then(numbers)).to_series().cast(pl.Int64).alias(column.name)
