"""Figures that a table derives from a row, to show them and to sort by them.

>>> week_change((100.0, 90.0, 110.0))
0.10000000000000009
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from assay.selectors.model_evidence import Bounded
from assay.selectors.predictions import PredictionBrief
from assay.selectors.tickers import TickerRow


def week_change(line: Sequence[float]) -> float | None:
    """Return the change over a sparkline as a fraction, or None if it has no two points."""
    return line[-1] / line[0] - 1 if len(line) > 1 and line[0] else None


def turnover(row: TickerRow) -> float | None:
    """Return the day's volume in quote units; where the venue does not publish it, volume × last price."""
    if row.quote_volume is not None:
        return row.quote_volume
    return row.volume * row.last_price if row.volume is not None and row.last_price is not None else None


def place_in_range(low: float | None, last: float | None, high: float | None) -> float | None:
    """Return where `last` stands between `low` (0) and `high` (1), or None if there is no such range.

    >>> place_in_range(10.0, 12.0, 14.0), place_in_range(10.0, 15.0, 14.0), place_in_range(1.0, 1.0, 1.0)
    (0.5, 1.0, None)
    """
    if low is None or last is None or high is None or not low < high:
        return None
    return share_of(last, low, high)


def share_of(value: float, low: float, high: float) -> float:
    """Return how far `value` is on the way from `low` to `high`, not less than 0 and not more than 1."""
    return min(max((value - low) / (high - low), 0.0), 1.0)


def accuracy_scale(predictions: Iterable[PredictionBrief | None]) -> tuple[float, float]:
    """Return the fractions between which the intervals of all predictions can be drawn, in whole fives of percent.

    >>> accuracy_scale([])
    (0.45, 0.55)
    """
    judged = [one for one in predictions if one is not None and one.accuracy_low is not None]
    ends = [
        end
        for one in judged
        for end in (one.accuracy_low, one.accuracy_high, one.base_rate_accuracy)
        if end is not None
    ]
    low, high = min((*ends, 0.45)), max((*ends, 0.55))
    return math.floor(low * 20) / 20, math.ceil(high * 20) / 20


def reach_of(differences: Iterable[Bounded]) -> float:
    """Return how far from zero the widest of the intervals goes, for drawing all of them to one scale.

    >>> reach_of([Bounded(0.01, -0.02, 0.04), Bounded()]), reach_of([])
    (0.04, 0.01)
    """
    return max((abs(end) for one in differences for end in (one.low, one.high, one.value) if end), default=0.01)
