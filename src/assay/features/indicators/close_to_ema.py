"""How far the close is from its exponential moving average: a Step made from another Step's kernel.

>>> CloseToEma(26).outputs
('close_to_ema_26',)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.features.bars import Bar, FloatArray
from assay.features.indicators.ema import Ema, ema_kernel
from assay.features.step import Kernel, StepDocs, Values, check_length


def close_to_ema_kernel(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold what the average holds."""
    state, averages = ema_kernel(state, window, bar, params)
    average = averages[0]
    return state, (bar.close / average - 1.0 if average > 0.0 else math.nan,)


@dataclass(frozen=True, slots=True)
class CloseToEma:
    """Relative distance of the close from its exponential moving average over `n` bars (at least 2).

    Raises
    ------
    BadInputError
        If `n` is out of range.
    """

    n: int = 12

    name: ClassVar[str] = "close_to_ema"
    inputs: ClassVar[tuple[str, ...]] = ("close",)
    docs: ClassVar[StepDocs] = StepDocs(
        family="trend",
        title="Close relative to its exponential moving average",
        formula="close_t / EMA_t - 1, with the EMA of the step ema; NaN unless the EMA is positive",
        units=("fraction",),
        gap_rule="as ema: a missing bar is skipped",
        nan_rule="as ema: a bar whose close is NaN gives NaN and is otherwise treated as missing",
        reference="TA-Lib, TA_EMA, for the average; the ratio is by definition",
    )

    def __post_init__(self) -> None:
        check_length(self.name, self.n, minimum=2)

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column, a fraction."""
        return (f"close_to_ema_{self.n}",)

    @property
    def warmup(self) -> int:
        """As long as the average's."""
        return Ema(self.n).warmup

    @property
    def params(self) -> Values:
        """Return the average's."""
        return Ema(self.n).params

    @property
    def kernel(self) -> Kernel:
        """Return :func:`close_to_ema_kernel`."""
        return close_to_ema_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Return the average's start."""
        return Ema(self.n).init()
