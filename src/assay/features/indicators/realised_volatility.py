"""Standard deviation of log returns.

>>> RealisedVolatility(24).outputs, RealisedVolatility(24).warmup
(('realised_volatility_24', 'realised_volatility_annualised_24'), 24)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.features.bars import Bar, FloatArray
from assay.features.step import Kernel, StepDocs, Values, check_length
from assay.features.windows import empty, push_moments, variance
from assay.measures.volatility import YEAR_US


def realised_volatility_kernel(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold the returns of the unbroken run, up to n, the moving moments, and the close and the end of the last bar."""
    count, slot, first, second, anchor, last, run_end = state
    n, weight, correction = params
    price = bar.close
    if not price > 0.0:
        return state, (math.nan, math.nan)
    run = float(bar.close_time)
    if bar.open_time != run_end:
        return (0.0, slot, first, second, anchor, price, run), (math.nan, math.nan)
    change = math.log(price / last)
    slot, first, second, anchor, one, two = push_moments(window, 0, int(n), (slot, first, second, anchor), change)
    count = min(count + 1.0, n)
    if count < n:
        return (count, slot, first, second, anchor, price, run), (math.nan, math.nan)
    spread = variance(one, two, weight) * correction
    year = YEAR_US / (bar.close_time - bar.open_time)
    return (count, slot, first, second, anchor, price, run), (math.sqrt(spread), math.sqrt(spread * year))


@dataclass(frozen=True, slots=True)
class RealisedVolatility:
    """Sample standard deviation of `n` log returns (at least 2) of bars that follow one another without a hole.

    Raises
    ------
    BadInputError
        If `n` is out of range.
    """

    n: int = 24

    name: ClassVar[str] = "realised_volatility"
    inputs: ClassVar[tuple[str, ...]] = ("close",)
    docs: ClassVar[StepDocs] = StepDocs(
        family="volatility",
        title="Realised volatility",
        formula="square root of S / (n - 1), S the sum of (r - m)^2 over the last n log returns r, m their mean; "
        "annualised: times the square root of the bars of its length in 365 days",
        units=("natural logarithm per bar", "natural logarithm per year of 365 days"),
        gap_rule="NaN while a bar is missing among the n + 1: a return over a hole is one over another time span",
        nan_rule="a bar whose close is NaN or not positive gives NaN and is otherwise treated as missing",
        reference="J. Y. Campbell, A. W. Lo, A. C. MacKinlay, The Econometrics of Financial Markets (1997), 9.3; the "
        "same numbers as assay.measures.volatility.rolling_volatility",
    )

    def __post_init__(self) -> None:
        check_length(self.name, self.n, minimum=2)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Two columns: per bar, and for a year at the bar's own length."""
        return f"realised_volatility_{self.n}", f"realised_volatility_annualised_{self.n}"

    @property
    def warmup(self) -> int:
        """The first value needs n returns, which n + 1 closes make."""
        return self.n

    @property
    def params(self) -> Values:
        """Return n, the weight of each return, and what makes the variance that of a sample."""
        return float(self.n), 1.0 / self.n, self.n / (self.n - 1.0)

    @property
    def kernel(self) -> Kernel:
        """Return :func:`realised_volatility_kernel`."""
        return realised_volatility_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Nothing seen."""
        return (0.0, 0.0, 0.0, 0.0, math.nan, 0.0, math.nan), empty(2 * self.n)
