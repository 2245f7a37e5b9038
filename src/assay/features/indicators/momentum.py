"""Difference of prices.

>>> Momentum(10).outputs, Momentum(10).warmup
(('momentum_10',), 10)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from assay.features.bars import Bar, FloatArray
from assay.features.indicators.lag import Lag, lag_kernel
from assay.features.step import Kernel, StepDocs, Values, check_length


def momentum_kernel(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold what the lag holds."""
    state, lagged = lag_kernel(state, window, bar, params)
    oldest = lagged[0]
    return state, (bar.close - oldest,)


@dataclass(frozen=True, slots=True)
class Momentum:
    """Difference between the close and that `n` bars before.

    Raises
    ------
    BadInputError
        If `n` is out of range.
    """

    n: int = 10

    name: ClassVar[str] = "momentum"
    inputs: ClassVar[tuple[str, ...]] = ("close",)
    docs: ClassVar[StepDocs] = StepDocs(
        family="momentum",
        title="Momentum",
        formula="close_t - close_{t-n}",
        units=("quote units per base unit, a difference",),
        gap_rule="NaN while a bar is missing among the n + 1: the change over a hole is one over another time span",
        nan_rule="a bar whose close is NaN gives NaN and is otherwise treated as missing",
        reference="TA-Lib, TA_MOM",
    )

    def __post_init__(self) -> None:
        check_length(self.name, self.n)

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column, in the unit of the price."""
        return (f"momentum_{self.n}",)

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
        """Return :func:`momentum_kernel`."""
        return momentum_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Return the lag's start."""
        return Lag(self.n).init()
