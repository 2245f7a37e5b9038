"""What the figures of an account are called, and in which unit each of them is: one place for every page and table.

>>> FIGURES["sharpe"]
('Sharpe ratio', 'ratio')
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

FigureUnit = Literal["fraction", "ratio", "count", "microseconds", "quote"]
"""``fraction`` of one; ``ratio`` without a unit; ``quote`` units of the quote currency."""
FIGURES: Mapping[str, tuple[str, FigureUnit]] = {
    "total_return": ("Total return", "fraction"),
    "annual_return": ("Return a year", "fraction"),
    "sharpe": ("Sharpe ratio", "ratio"),
    "sortino": ("Sortino ratio", "ratio"),
    "calmar": ("Calmar ratio", "ratio"),
    "max_drawdown": ("Worst drawdown", "fraction"),
    "trades": ("Closed trades", "count"),
    "win_rate": ("Of them won", "fraction"),
    "average_trade_us": ("Mean duration", "microseconds"),
    "exposure": ("Time invested", "fraction"),
    "turnover": ("Turnover a year", "ratio"),
    "fees": ("Fees", "quote"),
}
"""Title and unit by the fields of :class:`~assay.measures.performance.Performance`, in the order of a table."""
