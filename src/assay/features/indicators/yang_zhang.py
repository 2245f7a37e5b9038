"""Volatility from opens, highs, lows and closes that neither a drift nor jumps between bars mislead.

>>> YangZhang(24).outputs, YangZhang(24).warmup
(('yang_zhang_24', 'yang_zhang_annualised_24'), 24)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.features.bars import Bar, FloatArray
from assay.features.step import Kernel, StepDocs, Values, check_length
from assay.features.windows import empty, push_moments, push_sum, variance
from assay.measures.volatility import YEAR_US


def yang_zhang_kernel(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold the bars of the unbroken run after its first, up to n, what moves over them, and the last close and end.

    Moving are the moments of the jump from the close before to the open, those of the move from open to close, and
    the sum of Rogers and Satchell's terms; all three share one slot.
    """
    count, slot, jump_1, jump_2, jump_0, body_1, body_2, body_0, run, last, run_end = state
    n, weight, correction, share = params
    if not (bar.open > 0.0 and bar.low > 0.0 and bar.high >= bar.low and bar.close > 0.0):
        return state, (math.nan, math.nan)
    end = float(bar.close_time)
    if bar.open_time != run_end:
        state = (0.0, slot, jump_1, jump_2, jump_0, body_1, body_2, body_0, run, bar.close, end)
        return state, (math.nan, math.nan)
    jump = math.log(bar.open / last)
    body = math.log(bar.close / bar.open)
    up = math.log(bar.high / bar.open)
    down = math.log(bar.low / bar.open)
    at = int(n)
    _, jump_1, jump_2, jump_0, one, two = push_moments(window, 0, at, (slot, jump_1, jump_2, jump_0), jump)
    between = variance(one, two, weight)
    _, body_1, body_2, body_0, one, two = push_moments(window, 2 * at, at, (slot, body_1, body_2, body_0), body)
    within = variance(one, two, weight)
    slot, run, total = push_sum(window, 4 * at, at, slot, run, up * (up - body) + down * (down - body))
    count = min(count + 1.0, n)
    state = (count, slot, jump_1, jump_2, jump_0, body_1, body_2, body_0, run, bar.close, end)
    if count < n:
        return state, (math.nan, math.nan)
    spread = max((between + share * within) * correction + (1.0 - share) * (total * weight), 0.0)
    year = YEAR_US / (bar.close_time - bar.open_time)
    return state, (math.sqrt(spread), math.sqrt(spread * year))


@dataclass(frozen=True, slots=True)
class YangZhang:
    """Volatility over `n` bars (at least 2) that follow one another without a hole.

    Raises
    ------
    BadInputError
        If `n` is out of range.
    """

    n: int = 24

    name: ClassVar[str] = "yang_zhang"
    inputs: ClassVar[tuple[str, ...]] = (
        "open",
        "high",
        "low",
        "close",
    )
    docs: ClassVar[StepDocs] = StepDocs(
        family="volatility",
        title="Yang-Zhang volatility",
        formula="square root of V_o + k V_c + (1 - k) V_rs: V_o and V_c the sample variances of o = ln(open_t / "
        "close_{t-1}) and c = ln(close / open), V_rs the mean of u (u - c) + d (d - c), u = ln(high / "
        "open), d = ln(low / open), k = 0.34 / (1.34 + (n + 1) / (n - 1)); annualised: times the square "
        "root of the bars of its length in 365 days",
        units=("natural logarithm per bar", "natural logarithm per year of 365 days"),
        gap_rule="NaN while a bar is missing among the n + 1: a jump over a hole is one over another time span",
        nan_rule="a bar with a price that is NaN or not positive, or whose high is below its low, gives NaN and is "
        "otherwise treated as missing",
        reference="D. Yang, Q. Zhang, Drift-Independent Volatility Estimation Based on High, Low, Open, and Close "
        "Prices, Journal of Business 73 (2000)",
    )

    def __post_init__(self) -> None:
        check_length(self.name, self.n, minimum=2)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Two columns: per bar, and for a year at the bar's own length."""
        return f"yang_zhang_{self.n}", f"yang_zhang_annualised_{self.n}"

    @property
    def warmup(self) -> int:
        """The first value needs n bars and a close before them."""
        return self.n

    @property
    def params(self) -> Values:
        """Return n, the weight of each bar, what makes a variance that of a sample, and the paper's k."""
        return float(self.n), 1.0 / self.n, self.n / (self.n - 1.0), 0.34 / (1.34 + (self.n + 1.0) / (self.n - 1.0))

    @property
    def kernel(self) -> Kernel:
        """Return :func:`yang_zhang_kernel`."""
        return yang_zhang_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Nothing seen."""
        return (0.0, 0.0, 0.0, 0.0, math.nan, 0.0, 0.0, math.nan, 0.0, 0.0, math.nan), empty(5 * self.n)
