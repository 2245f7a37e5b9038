"""Wilder's average true range.

>>> Atr(14).outputs, Atr(14).warmup
(('atr_14',), 14)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.features.bars import Bar, FloatArray
from assay.features.step import NO_WINDOW, Kernel, StepDocs, Values, check_length


def atr_kernel(state: Values, _window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold the ranges seen, up to n, the last close, and the ranges' sum until there are n, their average then.

    Before the first bar the count is -1: the first bar has no close before it, and so no true range.
    """
    count, last, average = state
    n, weight = params
    if math.isnan(bar.high + bar.low + bar.close):
        return state, (math.nan,)
    true_range = max(bar.high, last) - min(bar.low, last)
    if count == n:
        average = weight * true_range + (1.0 - weight) * average
        return (count, bar.close, average), (average,)
    average = average + true_range if count >= 0.0 else 0.0
    count += 1.0
    if count < n:
        return (count, bar.close, average), (math.nan,)
    average /= n
    return (count, bar.close, average), (average,)


@dataclass(frozen=True, slots=True)
class Atr:
    """Average over `n` bars of the range from low to high, widened to the close before.

    Raises
    ------
    BadInputError
        If `n` is out of range.
    """

    n: int = 14

    name: ClassVar[str] = "atr"
    inputs: ClassVar[tuple[str, ...]] = (
        "high",
        "low",
        "close",
    )
    docs: ClassVar[StepDocs] = StepDocs(
        family="volatility",
        title="Average true range",
        formula="average with weight 1 / n for the newest, started by the mean of n, of max(high_t, close_{t-1}) - "
        "min(low_t, close_{t-1})",
        units=("quote units per base unit, a difference",),
        gap_rule="a missing bar is skipped: the range is widened to the last close there is",
        nan_rule="a bar with NaN in an input gives NaN and is otherwise treated as missing",
        reference="J. Welles Wilder, New Concepts in Technical Trading Systems (1978); TA-Lib, TA_ATR",
    )

    def __post_init__(self) -> None:
        check_length(self.name, self.n)

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column, in the unit of the price."""
        return (f"atr_{self.n}",)

    @property
    def warmup(self) -> int:
        """The first value needs n ranges, which n + 1 bars make."""
        return self.n

    @property
    def params(self) -> Values:
        """Return n and the weight of the newest range."""
        return float(self.n), 1.0 / self.n

    @property
    def kernel(self) -> Kernel:
        """Return :func:`atr_kernel`."""
        return atr_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Nothing seen."""
        return (-1.0, 0.0, 0.0), NO_WINDOW
