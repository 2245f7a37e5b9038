"""Volatility from highs and lows.

>>> Parkinson(24).outputs, Parkinson(24).warmup
(('parkinson_24', 'parkinson_annualised_24'), 23)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.features.bars import Bar, FloatArray
from assay.features.step import Kernel, StepDocs, Values, check_length
from assay.features.windows import empty, push_sum
from assay.measures.volatility import YEAR_US


def parkinson_kernel(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold the number of bars seen, up to n - 1, and the slot and run of the moving sum of squares."""
    count, slot, run = state
    n, weight = params
    if not (bar.low > 0.0 and bar.high >= bar.low):
        return state, (math.nan, math.nan)
    span = math.log(bar.high / bar.low)
    slot, run, total = push_sum(window, 0, int(n), slot, run, span * span)
    if count + 1.0 < n:
        return (count + 1.0, slot, run), (math.nan, math.nan)
    spread = total * weight
    year = YEAR_US / (bar.close_time - bar.open_time)
    return (count, slot, run), (math.sqrt(spread), math.sqrt(spread * year))


@dataclass(frozen=True, slots=True)
class Parkinson:
    """Volatility that the ranges of `n` bars suggest, for a price that moves without drift or jumps.

    Raises
    ------
    BadInputError
        If `n` is out of range.
    """

    n: int = 24

    name: ClassVar[str] = "parkinson"
    inputs: ClassVar[tuple[str, ...]] = (
        "high",
        "low",
    )
    docs: ClassVar[StepDocs] = StepDocs(
        family="volatility",
        title="Parkinson volatility",
        formula="square root of M / (4 ln 2), M the mean of ln(high / low)^2 over n bars; annualised: times the "
        "square root of the bars of its length in 365 days",
        units=("natural logarithm per bar", "natural logarithm per year of 365 days"),
        gap_rule="a missing bar is skipped: the window is of the last n bars there are",
        nan_rule="a bar whose low is not positive, whose high is below its low, or either of which is NaN gives NaN "
        "and is otherwise treated as missing",
        reference="M. Parkinson, The Extreme Value Method for Estimating the Variance of the Rate of Return, Journal "
        "of Business 53 (1980)",
    )

    def __post_init__(self) -> None:
        check_length(self.name, self.n)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Two columns: per bar, and for a year at the bar's own length."""
        return f"parkinson_{self.n}", f"parkinson_annualised_{self.n}"

    @property
    def warmup(self) -> int:
        """The first value needs n bars."""
        return self.n - 1

    @property
    def params(self) -> Values:
        """Return n and the weight of each square."""
        return float(self.n), 1.0 / (4.0 * math.log(2.0) * self.n)

    @property
    def kernel(self) -> Kernel:
        """Return :func:`parkinson_kernel`."""
        return parkinson_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Nothing seen."""
        return (0.0, 0.0, 0.0), empty(self.n)
