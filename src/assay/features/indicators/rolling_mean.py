"""Mean over the last bars: the step ``sma`` under the name that fits any series it is put over.

>>> RollingMean(20).outputs, RollingMean(20).warmup
(('rolling_mean_20',), 19)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from assay.features.bars import FloatArray
from assay.features.indicators.sma import Sma, sma_kernel
from assay.features.step import Kernel, StepDocs, Values, check_length


@dataclass(frozen=True, slots=True)
class RollingMean:
    """Mean of the close over `n` bars.

    Raises
    ------
    BadInputError
        If `n` is out of range.
    """

    n: int = 20

    name: ClassVar[str] = "rolling_mean"
    inputs: ClassVar[tuple[str, ...]] = ("close",)
    docs: ClassVar[StepDocs] = StepDocs(
        family="transforms",
        title="Rolling mean",
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
        return (f"rolling_mean_{self.n}",)

    @property
    def warmup(self) -> int:
        """As long as the simple moving average's."""
        return Sma(self.n).warmup

    @property
    def params(self) -> Values:
        """Return the simple moving average's."""
        return Sma(self.n).params

    @property
    def kernel(self) -> Kernel:
        """Return :func:`sma_kernel`."""
        return sma_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Return the simple moving average's start."""
        return Sma(self.n).init()
