"""Wilder's relative strength index.

>>> Rsi(14).outputs, Rsi(14).warmup
(('rsi_14',), 14)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.features.bars import Bar, FloatArray
from assay.features.step import NO_WINDOW, Kernel, StepDocs, Values, check_length


def rsi_kernel(state: Values, _window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold the changes seen, up to n, the last close, and gain and loss: sums until there are n, averages then.

    Before the first bar the count is -1: one close makes no change yet.
    """
    count, last, gain, loss = state
    n, weight = params
    price = bar.close
    if math.isnan(price):
        return state, (math.nan,)
    change = price - last
    if count == n:
        gain = weight * max(change, 0.0) + (1.0 - weight) * gain
        loss = weight * max(-change, 0.0) + (1.0 - weight) * loss
    else:
        if count >= 0.0:
            gain += max(change, 0.0)
            loss += max(-change, 0.0)
        count += 1.0
        if count < n:
            return (count, price, gain, loss), (math.nan,)
        gain /= n
        loss /= n
    both = gain + loss
    # A series that never moved has no strength either way; TA-Lib says 0, not 50.
    return (count, price, gain, loss), (100.0 * (gain / both) if both > 0.0 else 0.0,)


@dataclass(frozen=True, slots=True)
class Rsi:
    """Relative strength index of the close over `n` changes (at least 2), from 0 to 100.

    Raises
    ------
    BadInputError
        If `n` is out of range.
    """

    n: int = 14

    name: ClassVar[str] = "rsi"
    inputs: ClassVar[tuple[str, ...]] = ("close",)
    docs: ClassVar[StepDocs] = StepDocs(
        family="momentum",
        title="Relative strength index",
        formula="100 G / (G + L), G and L the averages of gains and losses with weight 1 / n for the newest, "
        "started by the mean of n; 0 if the price never moved",
        units=("0 to 100",),
        gap_rule="a missing bar is skipped: the change is taken from the last close there is",
        nan_rule="a bar whose close is NaN gives NaN and is otherwise treated as missing",
        reference="J. Welles Wilder, New Concepts in Technical Trading Systems (1978); TA-Lib, TA_RSI",
    )

    def __post_init__(self) -> None:
        check_length(self.name, self.n, minimum=2)

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column, from 0 to 100."""
        return (f"rsi_{self.n}",)

    @property
    def warmup(self) -> int:
        """The first value needs n changes, which n + 1 closes make."""
        return self.n

    @property
    def params(self) -> Values:
        """Return n and the weight of the newest change."""
        return float(self.n), 1.0 / self.n

    @property
    def kernel(self) -> Kernel:
        """Return :func:`rsi_kernel`."""
        return rsi_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Nothing seen."""
        return (-1.0, 0.0, 0.0, 0.0), NO_WINDOW
