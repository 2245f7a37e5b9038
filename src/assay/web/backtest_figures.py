"""Figures of backtests as pages lay them out: months by year, folds as rows, numbers in their units.

>>> figure_text(0.1801, "fraction"), figure_text(112.0, "count"), figure_text(-1.116, "ratio"), figure_text(None, "")
('18.01\u202f%', '112', '−1.12', '–')
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from assay.selectors.backtests import MonthReturns, moment_of, number_of
from assay.web import formats

_SHADES = (0.005, 0.02, 0.05, 0.1)
"""From which size on a month is drawn darker, as a fraction."""
_NEGATIVE = re.compile(r"(?<=\s)-(?=[0-9])")
_THIN = "\N{NARROW NO-BREAK SPACE}"
_MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True)
class MonthCell:
    """A month in a table of years; `shade` is ``up-1`` to ``up-5``, ``down-1`` to ``down-5`` or empty."""

    month: str
    value: float | None
    hold: float | None
    shade: str


@dataclass(frozen=True, slots=True)
class YearRow:
    """A year with its twelve months, None where there was none, and what they come to, compounded."""

    year: str
    cells: tuple[MonthCell | None, ...]
    value: float | None
    hold: float | None
    shade: str


def year_rows(months: Sequence[MonthReturns]) -> tuple[YearRow, ...]:
    """Return months by year, in order.

    >>> rows = year_rows([MonthReturns("2024-12", 0.1, 0.2), MonthReturns("2025-01", -0.5, None)])
    >>> [(row.year, row.value, row.hold, row.cells[11] and row.cells[11].shade) for row in rows]
    [('2024', 0.1, 0.2, 'up-5'), ('2025', -0.5, None, None)]
    """
    found = []
    for year in sorted({one.month[:4] for one in months}):
        of_year = {one.month[5:]: one for one in months if one.month[:4] == year}
        cells = tuple(
            MonthCell(one.month, one.total_return, one.hold_return, shade(one.total_return)) if one else None
            for one in (of_year.get(f"{month:02}") for month in range(1, 13))
        )
        value = _compounded([one.total_return for one in of_year.values()])
        hold = _compounded([one.hold_return for one in of_year.values()])
        found.append(YearRow(year, cells, value, hold, shade(value)))
    return tuple(found)


def _compounded(returns: Sequence[float | None]) -> float | None:
    known = [one for one in returns if one is not None]
    return round(math.prod(1.0 + one for one in known) - 1.0, 12) if len(known) == len(returns) else None


def shade(value: float | None) -> str:
    """Return how strongly a return is coloured.

    >>> shade(0.03), shade(-0.2), shade(0.0), shade(None)
    ('up-3', 'down-5', '', '')
    """
    if value is None or value == 0:
        return ""
    return f"{'up' if value > 0 else 'down'}-{1 + sum(abs(value) >= one for one in _SHADES)}"


@dataclass(frozen=True, slots=True)
class FoldRow:
    """A fold of a walk-forward: when it was traded, what was chosen before, and what came of that before and then."""

    start: datetime | None
    end: datetime | None
    chosen: str
    sharpe_before: float | None
    sharpe: float | None
    return_before: float | None
    total_return: float | None


def folds_of(folds: Sequence[Mapping[str, Any]]) -> tuple[FoldRow, ...]:
    """Return the folds of a report as rows.

    >>> folds_of([{"values": {"fast": "8"}, "in_sample_sharpe": 2.0}])[0].chosen
    'fast 8'
    """
    return tuple(
        FoldRow(
            moment_of(one.get("test_start")),
            moment_of(one.get("test_end")),
            ", ".join(f"{name} {value}" for name, value in values.items())
            if isinstance(values := one.get("values"), Mapping)
            else "",
            number_of(one.get("in_sample_sharpe")),
            number_of(one.get("out_of_sample_sharpe")),
            number_of(one.get("in_sample_total_return")),
            number_of(one.get("out_of_sample_total_return")),
        )
        for one in folds
    )


def figure_text(value: object, unit: object) -> str:
    """Return a figure in its unit; fractions in percent with two decimals."""
    number = number_of(value)
    if number is None:
        return formats.NOTHING
    if unit == "fraction":
        return _signed(f"{100 * number:,.2f}") + f"{_THIN}%"
    if unit == "count":
        return formats.count(number)
    if unit == "microseconds":
        return formats.span(number / 1e6)
    return _signed(f"{round(number, 2) + 0.0:,.2f}")


def signed_share(value: object) -> str:
    """Return a fraction in percent with its sign.

    >>> signed_share(0.1801), signed_share(-0.4424)
    ('+18.01\u202f%', '−44.24\u202f%')
    """
    number = number_of(value)
    return formats.NOTHING if number is None else formats.pct(100 * number)


def reason_of(sentence: object) -> str:
    """Return what the sentence of a verdict says besides its name, which stands beside it.

    >>> reason_of("Nothing earned: the Sharpe ratio is -1.12 (the only trial)")
    'The Sharpe ratio is −1.12 (the only trial)'
    """
    text = str(sentence)
    reason = text.partition(": ")[2] or text
    return _NEGATIVE.sub(_MINUS, reason[:1].upper() + reason[1:])


def _signed(text: str) -> str:
    return text.replace("-", _MINUS)
