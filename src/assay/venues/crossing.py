"""Exact decimal text becomes float64 here, and nowhere else among the venues.

The grammar is that of JSON numbers: no ``nan``, no ``inf``, no ``+``, no spaces. What is no number becomes null, and
what is too large for a float becomes infinite; both are refused by the rules of the table, never filled in.

>>> frame = pl.DataFrame({"price": ["0.1", "9007199254740993", "1,5", None]})
>>> frame.select(to_float64("price")).to_series().to_list()
[0.1, 9007199254740992.0, None, None]
"""

from __future__ import annotations

import polars as pl

_NUMBER = r"^-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$"


def to_float64(name: str) -> pl.Expr:
    """Return the text column `name` as float64, rounded once, to the nearest (ties to even), like Python's ``float``.

    The cast is strict: the pattern lets nothing through that it could stumble over, and if it did, that is an error
    and not a silent null.
    """
    text = pl.col(name)
    return pl.when(text.str.contains(_NUMBER)).then(text).otherwise(None).cast(pl.Float64)
