"""Lowest close of the last bars.

>>> RollingMin(20).outputs, RollingMin(20).warmup
(('rolling_min_20',), 19)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.features.bars import Bar, FloatArray
from assay.features.step import Kernel, StepDocs, Values, check_length
from assay.features.windows import HIGHEST, empty, push_min


def rolling_min_kernel(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold the number of bars seen, up to n, and the slot and run of the moving low."""
    count, slot, run = state
    n = params[0]
    if math.isnan(bar.close):
        return state, (math.nan,)
    slot, run, lowest = push_min(window, 0, int(n), slot, run, bar.close)
    if count < n:
        count += 1.0
        lowest = lowest if count == n else math.nan
    return (count, slot, run), (lowest,)


@dataclass(frozen=True, slots=True)
class RollingMin:
    """Lowest close of `n` bars.

    Raises
    ------
    BadInputError
        If `n` is out of range.
    """

    n: int = 20

    name: ClassVar[str] = "rolling_min"
    inputs: ClassVar[tuple[str, ...]] = ("close",)
    docs: ClassVar[StepDocs] = StepDocs(
        family="transforms",
        title="Rolling minimum",
        formula="min(close_t, ..., close_{t-n+1})",
        units=("quote units per base unit",),
        gap_rule="a missing bar is skipped: the window is of the last n bars there are",
        nan_rule="a bar whose close is NaN gives NaN and is otherwise treated as missing",
        reference="TA-Lib, TA_MIN",
    )

    def __post_init__(self) -> None:
        check_length(self.name, self.n)

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column, in the unit of the price."""
        return (f"rolling_min_{self.n}",)

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
        """Return :func:`rolling_min_kernel`."""
        return rolling_min_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Nothing seen."""
        return (0.0, 0.0, HIGHEST), empty(self.n, HIGHEST)
