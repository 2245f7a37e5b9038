"""Volatility from opens, highs, lows and closes.

>>> GarmanKlass(24).outputs, GarmanKlass(24).warmup
(('garman_klass_24', 'garman_klass_annualised_24'), 23)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.features.bars import Bar, FloatArray
from assay.features.step import Kernel, StepDocs, Values, check_length
from assay.features.windows import empty, push_sum
from assay.measures.volatility import YEAR_US


def garman_klass_kernel(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold the number of bars seen, up to n - 1, and the slot and run of the moving sum."""
    count, slot, run = state
    n, weight, body_weight = params
    if not (bar.open > 0.0 and bar.low > 0.0 and bar.high >= bar.low and bar.close > 0.0):
        return state, (math.nan, math.nan)
    span = math.log(bar.high / bar.low)
    body = math.log(bar.close / bar.open)
    slot, run, total = push_sum(window, 0, int(n), slot, run, 0.5 * span * span - body_weight * body * body)
    if count + 1.0 < n:
        return (count + 1.0, slot, run), (math.nan, math.nan)
    # Below zero only where closes lie outside their bars.
    spread = max(total * weight, 0.0)
    year = YEAR_US / (bar.close_time - bar.open_time)
    return (count, slot, run), (math.sqrt(spread), math.sqrt(spread * year))


@dataclass(frozen=True, slots=True)
class GarmanKlass:
    """Volatility that the ranges and bodies of `n` bars suggest, for a price without drift or jumps.

    Raises
    ------
    BadInputError
        If `n` is out of range.
    """

    n: int = 24

    name: ClassVar[str] = "garman_klass"
    inputs: ClassVar[tuple[str, ...]] = (
        "open",
        "high",
        "low",
        "close",
    )
    docs: ClassVar[StepDocs] = StepDocs(
        family="volatility",
        title="Garman-Klass volatility",
        formula="square root of the mean of 0.5 ln(high / low)^2 - (2 ln 2 - 1) ln(close / open)^2 over n bars; "
        "annualised: times the square root of the bars of its length in 365 days",
        units=("natural logarithm per bar", "natural logarithm per year of 365 days"),
        gap_rule="a missing bar is skipped: the window is of the last n bars there are",
        nan_rule="a bar with a price that is NaN or not positive, or whose high is below its low, gives NaN and is "
        "otherwise treated as missing",
        reference="M. B. Garman, M. J. Klass, On the Estimation of Security Price Volatilities from Historical Data, "
        "Journal of Business 53 (1980), the practical form of their estimator",
    )

    def __post_init__(self) -> None:
        check_length(self.name, self.n)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Two columns: per bar, and for a year at the bar's own length."""
        return f"garman_klass_{self.n}", f"garman_klass_annualised_{self.n}"

    @property
    def warmup(self) -> int:
        """The first value needs n bars."""
        return self.n - 1

    @property
    def params(self) -> Values:
        """Return n, the weight of each bar, and that of its body."""
        return float(self.n), 1.0 / self.n, 2.0 * math.log(2.0) - 1.0

    @property
    def kernel(self) -> Kernel:
        """Return :func:`garman_klass_kernel`."""
        return garman_klass_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Nothing seen."""
        return (0.0, 0.0, 0.0), empty(self.n)
