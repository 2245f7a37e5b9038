"""Numbers as a tear sheet writes them.

>>> told(-0.1234, "fraction"), told(None, "ratio"), told(2 * 86_400_000_000, "microseconds")
('-12.34 %', '–', '2 d 0 h')
>>> told(1234.5, "quote", "USDT")
'1,234.50 USDT'
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from assay.measures.performance_names import FigureUnit

NOTHING = "–"


def told(value: float | None, unit: FigureUnit, quote: str = "", *, is_signed: bool = False) -> str:
    """Return a number in its unit; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return NOTHING
    sign = "+" if is_signed else ""
    if unit == "fraction":
        return f"{100 * value:{sign},.2f} %"
    if unit == "microseconds":
        return lasted(timedelta(microseconds=value))
    if unit == "count":
        return f"{value:,.0f}"
    return f"{value:{sign},.2f} {quote}".rstrip() if unit == "quote" else f"{value:{sign},.2f}"


def lasted(span: timedelta) -> str:
    """Return how long something was, in its two largest units.

    >>> lasted(timedelta(minutes=95)), lasted(timedelta(days=1.5)), lasted(timedelta(seconds=5))
    ('1 h 35 min', '1 d 12 h', '5 s')
    """
    seconds = round(span.total_seconds())
    for (unit, length), (less, part) in (
        (("d", 86_400), ("h", 3_600)), (("h", 3_600), ("min", 60)), (("min", 60), ("s", 1)),
    ):  # fmt: skip
        if seconds >= length:
            return f"{seconds // length:,} {unit} {seconds % length // part} {less}"
    return f"{seconds} s"


def moment(value: datetime | str | None) -> str:
    """Return a moment of UTC; a dash where there is none."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return NOTHING if value is None else f"{value:%Y-%m-%d %H:%M}"
