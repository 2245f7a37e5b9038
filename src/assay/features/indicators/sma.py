"""Simple moving average.

>>> Sma(20).outputs, Sma(20).warmup
(('sma_20',), 19)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.features.bars import Bar, FloatArray
from assay.features.step import Kernel, StepDocs, Values, check_length
from assay.features.windows import empty, push_sum


def sma_kernel(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold the number of bars seen, up to n, and the slot and run of the moving sum."""
    count, slot, run = state
    n, weight = params
    if math.isnan(bar.close):
        return state, (math.nan,)
    slot, run, total = push_sum(window, 0, int(n), slot, run, bar.close)
    if count < n:
        count += 1.0
        total = total if count == n else math.nan
    return (count, slot, run), (total * weight,)


@dataclass(frozen=True, slots=True)
class Sma:
    """Mean of the close over `n` bars.

    Raises
    ------
    BadInputError
        If `n` is out of range.
    """

    n: int = 20

    name: ClassVar[str] = "sma"
    inputs: ClassVar[tuple[str, ...]] = ("close",)
    docs: ClassVar[StepDocs] = StepDocs(
        family="trend",
        title="Simple moving average",
        formula="(close_t + ... + close_{t-n+1}) / n",
        units=("quote units per base unit",),
        gap_rule="a missing bar is skipped: the window is of the last n bars there are",
        nan_rule="a bar whose close is NaN gives NaN and is otherwise treated as missing",
        reference="TA-Lib, TA_SMA",
    )

    def __post_init__(self) -> None:
        check_length(self.name, self.n)

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column, in the unit of the price."""
        return (f"sma_{self.n}",)

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
        """Return :func:`sma_kernel`."""
        return sma_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Nothing seen."""
        return (0.0, 0.0, 0.0), empty(self.n)
