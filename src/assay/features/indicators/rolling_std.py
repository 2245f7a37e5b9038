"""Standard deviation of the close over the last bars.

>>> RollingStd(20).outputs, RollingStd(20).warmup
(('rolling_std_20',), 19)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.features.bars import Bar, FloatArray
from assay.features.step import Kernel, StepDocs, Values, check_length
from assay.features.windows import empty, push_moments, variance


def rolling_std_kernel(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold the number of bars seen, up to n - 1, and the slot, runs and anchor of the moving moments."""
    count, slot, first, second, anchor = state
    n, weight = params
    if math.isnan(bar.close):
        return state, (math.nan,)
    slot, first, second, anchor, one, two = push_moments(window, 0, int(n), (slot, first, second, anchor), bar.close)
    if count + 1.0 < n:
        return (count + 1.0, slot, first, second, anchor), (math.nan,)
    return (count, slot, first, second, anchor), (math.sqrt(variance(one, two, weight)),)


@dataclass(frozen=True, slots=True)
class RollingStd:
    """Population standard deviation of the close over `n` bars (at least 2).

    Raises
    ------
    BadInputError
        If `n` is out of range.
    """

    n: int = 20

    name: ClassVar[str] = "rolling_std"
    inputs: ClassVar[tuple[str, ...]] = ("close",)
    docs: ClassVar[StepDocs] = StepDocs(
        family="transforms",
        title="Rolling standard deviation",
        formula="square root of the mean of (close - m)^2 over n bars, m their mean; exactly 0 if all are equal",
        units=("quote units per base unit, a difference",),
        gap_rule="a missing bar is skipped: the window is of the last n bars there are",
        nan_rule="a bar whose close is NaN gives NaN and is otherwise treated as missing",
        reference="TA-Lib, TA_STDDEV",
    )

    def __post_init__(self) -> None:
        check_length(self.name, self.n, minimum=2)

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column, in the unit of the price."""
        return (f"rolling_std_{self.n}",)

    @property
    def warmup(self) -> int:
        """The first value needs n closes."""
        return self.n - 1

    @property
    def params(self) -> Values:
        """Return n and the weight of each close."""
        return float(self.n), 1.0 / self.n

    @property
    def kernel(self) -> Kernel:
        """Return :func:`rolling_std_kernel`."""
        return rolling_std_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Nothing seen."""
        return (0.0, 0.0, 0.0, 0.0, math.nan), empty(2 * self.n)
