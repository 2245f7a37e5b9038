"""Exponential moving average: the plainest Step, and the one to copy.

>>> Ema(12).outputs, Ema(12).warmup
(('ema_12',), 11)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.features.bars import Bar, FloatArray
from assay.features.step import NO_WINDOW, Kernel, StepDocs, Values, check_length


def ema_kernel(state: Values, _window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold the number of bars seen, up to n, and their sum until there are n, the average from then on."""
    count, value = state
    n, weight = params
    price = bar.close
    if math.isnan(price):
        return state, (math.nan,)
    if count == n:
        # Not value + weight * (price - value): the next bar waits for one operation less this way.
        value = weight * price + (1.0 - weight) * value
        return (count, value), (value,)
    count += 1.0
    value += price
    if count < n:
        return (count, value), (math.nan,)
    value /= n
    return (count, value), (value,)


@dataclass(frozen=True, slots=True)
class Ema:
    """Exponential moving average of the close over `n` bars (at least 2), with TA-Lib's start.

    Raises
    ------
    BadInputError
        If `n` is out of range.
    """

    n: int = 12

    name: ClassVar[str] = "ema"
    inputs: ClassVar[tuple[str, ...]] = ("close",)
    docs: ClassVar[StepDocs] = StepDocs(
        family="trend",
        title="Exponential moving average",
        formula="EMA_t = k close_t + (1 - k) EMA_{t-1} with k = 2 / (n + 1); the first EMA is the mean of n closes",
        units=("quote units per base unit",),
        gap_rule="a missing bar is skipped: the average is carried over to the next bar there is",
        nan_rule="a bar whose close is NaN gives NaN and is otherwise treated as missing",
        reference="TA-Lib, TA_EMA with TA_COMPATIBILITY_DEFAULT",
    )

    def __post_init__(self) -> None:
        check_length(self.name, self.n, minimum=2)

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column, in the unit of the price."""
        return (f"ema_{self.n}",)

    @property
    def warmup(self) -> int:
        """The mean of the first n closes is the first value."""
        return self.n - 1

    @property
    def params(self) -> Values:
        """Return n and the weight of the newest close."""
        return float(self.n), 2.0 / (self.n + 1)

    @property
    def kernel(self) -> Kernel:
        """Return :func:`ema_kernel`."""
        return ema_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Nothing seen."""
        return (0.0, 0.0), NO_WINDOW
