"""How a series moves with a reference, such as BTC: beta and correlation of their returns.

>>> Beta(168).outputs
('beta_168', 'correlation_168')
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from assay.features.bars import Bar, FloatArray
from assay.features.step import Kernel, StepDocs, Values, check_length
from assay.features.windows import push_sum

_SUMS = 5


def beta_kernel(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold the pairs of returns seen, up to n, both last closes with their end, and five moving sums.

    The sums are of the returns x and y, their squares and their products; the window has n places for each.
    """
    count, last, last_reference, end, slot, sum_x, sum_y, sum_xx, sum_yy, sum_xy = state
    n, weight = params
    price, reference = bar.close, bar.reference
    if math.isnan(price) or math.isnan(reference):
        return state, (math.nan, math.nan)
    follows = bar.open_time == end and last > 0.0 and last_reference > 0.0 and price > 0.0 and reference > 0.0
    end = float(bar.close_time)
    if not follows:
        # No return leads here, and none over two spans of time is made up; the pairs before it stay in the window.
        return (
            (count, price, reference, end, slot, sum_x, sum_y, sum_xx, sum_yy, sum_xy),
            (math.nan, math.nan),
        )
    x, y = math.log(reference / last_reference), math.log(price / last)
    size = int(n)
    _, sum_x, total_x = push_sum(window, 0, size, slot, sum_x, x)
    _, sum_y, total_y = push_sum(window, size, size, slot, sum_y, y)
    _, sum_xx, total_xx = push_sum(window, 2 * size, size, slot, sum_xx, x * x)
    _, sum_yy, total_yy = push_sum(window, 3 * size, size, slot, sum_yy, y * y)
    slot, sum_xy, total_xy = push_sum(window, 4 * size, size, slot, sum_xy, x * y)
    count = min(count + 1.0, n)
    after = (count, price, reference, end, slot, sum_x, sum_y, sum_xx, sum_yy, sum_xy)
    if count < n:
        return after, (math.nan, math.nan)
    spread_x = total_xx - weight * total_x * total_x
    spread_y = total_yy - weight * total_y * total_y
    together = total_xy - weight * total_x * total_y
    # What the rounding of the sums leaves of no movement at all is no movement.
    moves_x, moves_y = spread_x > 1e-12 * total_xx, spread_y > 1e-12 * total_yy
    beta = together / spread_x if moves_x else 0.0
    if not (moves_x and moves_y):
        return after, (beta, 0.0)
    return after, (beta, max(-1.0, min(1.0, together / math.sqrt(spread_x * spread_y))))


@dataclass(frozen=True, slots=True)
class Beta:
    """Beta and correlation of the last `n` log returns (at least 2) with those of the reference.

    Raises
    ------
    BadInputError
        If `n` is out of range.
    """

    n: int = 168

    name: ClassVar[str] = "beta"
    inputs: ClassVar[tuple[str, ...]] = ("close", "reference")
    docs: ClassVar[StepDocs] = StepDocs(
        family="reference",
        title="Beta and correlation to a reference",
        formula="with x the log returns of the reference and y those of the close, over n bars: beta = cov(x, y) / "
        "var(x), correlation = cov(x, y) / (std(x) std(y)); 0 if the reference, or either of them, never moved",
        units=("ratio", "-1 to 1"),
        gap_rule="NaN at the first bar after a hole, whose return would be one over another time span; the window is "
        "the last n returns there are",
        nan_rule="a bar whose close or reference is NaN gives NaN and is otherwise treated as missing",
        reference="W. F. Sharpe, Capital Asset Prices (1964); TA-Lib, TA_BETA, has the same for simple returns",
    )

    def __post_init__(self) -> None:
        check_length(self.name, self.n, minimum=2)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Beta, then the correlation."""
        return f"beta_{self.n}", f"correlation_{self.n}"

    @property
    def warmup(self) -> int:
        """The first value needs n returns, which n + 1 closes make."""
        return self.n

    @property
    def params(self) -> Values:
        """Return n and its reciprocal."""
        return float(self.n), 1.0 / self.n

    @property
    def kernel(self) -> Kernel:
        """Return :func:`beta_kernel`."""
        return beta_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Nothing seen; no bar opens at NaN."""
        return (0.0, math.nan, math.nan, math.nan, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0), np.zeros(_SUMS * self.n)
