"""How many standard deviations the close is from its mean.

>>> Zscore(20).outputs, Zscore(20).warmup
(('zscore_20',), 19)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.features.bars import Bar, FloatArray
from assay.features.step import Kernel, StepDocs, Values, check_length
from assay.features.windows import empty, push_moments, variance


def zscore_kernel(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold the number of bars seen, up to n - 1, and the slot, runs and anchor of the moving moments."""
    count, slot, first, second, anchor = state
    n, weight = params
    if math.isnan(bar.close):
        return state, (math.nan,)
    slot, first, second, anchor, one, two = push_moments(window, 0, int(n), (slot, first, second, anchor), bar.close)
    if count + 1.0 < n:
        return (count + 1.0, slot, first, second, anchor), (math.nan,)
    deviation = math.sqrt(variance(one, two, weight))
    distance = bar.close - anchor - one * weight
    return (count, slot, first, second, anchor), (distance / (deviation if deviation > 0.0 else math.inf),)


@dataclass(frozen=True, slots=True)
class Zscore:
    """Distance of the close from its mean over `n` bars (at least 2), in their standard deviations.

    Raises
    ------
    BadInputError
        If `n` is out of range.
    """

    n: int = 20

    name: ClassVar[str] = "zscore"
    inputs: ClassVar[tuple[str, ...]] = ("close",)
    docs: ClassVar[StepDocs] = StepDocs(
        family="transforms",
        title="Z-score",
        formula="(close_t - m) / s, m the mean and s the population standard deviation of n closes, the newest among "
        "them; 0 if all are equal",
        units=("standard deviations",),
        gap_rule="a missing bar is skipped: the window is of the last n bars there are",
        nan_rule="a bar whose close is NaN gives NaN and is otherwise treated as missing",
        reference="by definition; TA-Lib, TA_SMA and TA_STDDEV, for its parts",
    )

    def __post_init__(self) -> None:
        check_length(self.name, self.n, minimum=2)

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column, in standard deviations."""
        return (f"zscore_{self.n}",)

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
        """Return :func:`zscore_kernel`."""
        return zscore_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Nothing seen."""
        return (0.0, 0.0, 0.0, 0.0, math.nan), empty(2 * self.n)
