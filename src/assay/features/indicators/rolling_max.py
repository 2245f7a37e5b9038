"""Highest close of the last bars.

>>> RollingMax(20).outputs, RollingMax(20).warmup
(('rolling_max_20',), 19)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.features.bars import Bar, FloatArray
from assay.features.step import Kernel, StepDocs, Values, check_length
from assay.features.windows import LOWEST, empty, push_max


def rolling_max_kernel(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold the number of bars seen, up to n, and the slot and run of the moving high."""
    count, slot, run = state
    n = params[0]
    if math.isnan(bar.close):
        return state, (math.nan,)
    slot, run, highest = push_max(window, 0, int(n), slot, run, bar.close)
    if count < n:
        count += 1.0
        highest = highest if count == n else math.nan
    return (count, slot, run), (highest,)


@dataclass(frozen=True, slots=True)
class RollingMax:
    """Highest close of `n` bars.

    Raises
    ------
    BadInputError
        If `n` is out of range.
    """

    n: int = 20

    name: ClassVar[str] = "rolling_max"
    inputs: ClassVar[tuple[str, ...]] = ("close",)
    docs: ClassVar[StepDocs] = StepDocs(
        family="transforms",
        title="Rolling maximum",
        formula="max(close_t, ..., close_{t-n+1})",
        units=("quote units per base unit",),
        gap_rule="a missing bar is skipped: the window is of the last n bars there are",
        nan_rule="a bar whose close is NaN gives NaN and is otherwise treated as missing",
        reference="TA-Lib, TA_MAX",
    )

    def __post_init__(self) -> None:
        check_length(self.name, self.n)

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column, in the unit of the price."""
        return (f"rolling_max_{self.n}",)

    @property
    def warmup(self) -> int:
        """The first value needs n closes."""
        return self.n - 1

    @property
    def params(self) -> Values:
        """Return n."""
        return (float(self.n),)

    @property
    def kernel(self) -> Kernel:
        """Return :func:`rolling_max_kernel`."""
        return rolling_max_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Nothing seen."""
        return (0.0, 0.0, LOWEST), empty(self.n, LOWEST)
