"""Rate of change in percent.

>>> Roc(10).outputs, Roc(10).warmup
(('roc_10',), 10)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.features.bars import Bar, FloatArray
from assay.features.indicators.lag import Lag, lag_kernel
from assay.features.step import Kernel, StepDocs, Values, check_length


def roc_kernel(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold what the lag holds."""
    state, lagged = lag_kernel(state, window, bar, params)
    oldest = lagged[0]
    return state, (100.0 * (bar.close / oldest - 1.0) if oldest > 0.0 else math.nan,)


@dataclass(frozen=True, slots=True)
class Roc:
    """Change of the close over `n` bars, in percent.

    Raises
    ------
    BadInputError
        If `n` is out of range.
    """

    n: int = 10

    name: ClassVar[str] = "roc"
    inputs: ClassVar[tuple[str, ...]] = ("close",)
    docs: ClassVar[StepDocs] = StepDocs(
        family="momentum",
        title="Rate of change",
        formula="100 (close_t / close_{t-n} - 1)",
        units=("percent",),
        gap_rule="NaN while a bar is missing among the n + 1: the change over a hole is one over another time span",
        nan_rule="a bar whose close is NaN gives NaN and is otherwise treated as missing",
        reference="TA-Lib, TA_ROC (which gives 0 where the older close is 0)",
        undefined="where the older close is not positive",
    )

    def __post_init__(self) -> None:
        check_length(self.name, self.n)

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column, in percent."""
        return (f"roc_{self.n}",)

    @property
    def warmup(self) -> int:
        """As long as the lag's."""
        return Lag(self.n).warmup

    @property
    def params(self) -> Values:
        """Return the lag's."""
        return Lag(self.n).params

    @property
    def kernel(self) -> Kernel:
        """Return :func:`roc_kernel`."""
        return roc_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Return the lag's start."""
        return Lag(self.n).init()
