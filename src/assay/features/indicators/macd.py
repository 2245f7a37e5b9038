"""Moving average convergence and divergence.

>>> Macd().outputs
('macd_12_26_9', 'macd_signal_12_26_9', 'macd_histogram_12_26_9')
>>> Macd().warmup
33
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.domain.errors import BadInputError
from assay.features.bars import Bar, FloatArray
from assay.features.step import NO_WINDOW, Kernel, StepDocs, Values, check_length


def macd_kernel(state: Values, _window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold the number of bars seen, up to the last of the warm-up, and the three averages, which begin as sums."""
    count, fast, slow, signal = state
    n_fast, n_slow, n_signal, fast_weight, slow_weight, signal_weight = params
    price = bar.close
    if math.isnan(price):
        return state, (math.nan, math.nan, math.nan)
    last = n_slow + n_signal - 1.0
    if count >= n_slow:
        fast = fast_weight * price + (1.0 - fast_weight) * fast
        slow = slow_weight * price + (1.0 - slow_weight) * slow
        line = fast - slow
        if count == last:
            signal = signal_weight * line + (1.0 - signal_weight) * signal
            return (count, fast, slow, signal), (line, signal, line - signal)
        count += 1.0
    else:
        count += 1.0
        slow += price
        # The fast average begins late, so that both have their first value at the same bar.
        fast += price if count > n_slow - n_fast else 0.0
        if count < n_slow:
            return (count, fast, slow, signal), (math.nan, math.nan, math.nan)
        fast /= n_fast
        slow /= n_slow
        line = fast - slow
    signal += line
    if count < last:
        return (count, fast, slow, signal), (math.nan, math.nan, math.nan)
    signal /= n_signal
    return (count, fast, slow, signal), (line, signal, line - signal)


@dataclass(frozen=True, slots=True)
class Macd:
    """Difference of two exponential averages of the close, its own average, and what is between them.

    Raises
    ------
    BadInputError
        If a length is out of range, or `fast` is not below `slow`.
    """

    fast: int = 12
    slow: int = 26
    signal: int = 9

    name: ClassVar[str] = "macd"
    inputs: ClassVar[tuple[str, ...]] = ("close",)
    docs: ClassVar[StepDocs] = StepDocs(
        family="trend",
        title="Moving average convergence/divergence",
        formula="line = EMA_fast - EMA_slow, signal = EMA_signal of the line, histogram = line - signal; each EMA is "
        "started by a mean, and the fast one as late as the slow one; all three columns begin together",
        units=("quote units per base unit, a difference",) * 3,
        gap_rule="a missing bar is skipped: the averages are carried over to the next bar there is",
        nan_rule="a bar whose close is NaN gives NaN and is otherwise treated as missing",
        reference="G. Appel, The Moving Average Convergence Divergence Trading Method (1985); TA-Lib, TA_MACD",
    )

    def __post_init__(self) -> None:
        check_length(self.name, self.fast, minimum=2)
        check_length(self.name, self.slow, minimum=2)
        check_length(self.name, self.signal)
        if self.fast >= self.slow:
            lengths = f"{self.fast}, {self.slow}"
            raise BadInputError("macd's fast length is not below its slow one", value=lengths, todo="swap them")

    @property
    def outputs(self) -> tuple[str, ...]:
        """Line, signal and histogram, in the unit of the price."""
        lengths = f"{self.fast}_{self.slow}_{self.signal}"
        return f"macd_{lengths}", f"macd_signal_{lengths}", f"macd_histogram_{lengths}"

    @property
    def warmup(self) -> int:
        """The signal's first value is the mean of the line's first ones."""
        return self.slow + self.signal - 2

    @property
    def params(self) -> Values:
        """Return the three lengths and the weights of their newest values."""
        return (
            float(self.fast),
            float(self.slow),
            float(self.signal),
            2.0 / (self.fast + 1),
            2.0 / (self.slow + 1),
            2.0 / (self.signal + 1),
        )

    @property
    def kernel(self) -> Kernel:
        """Return :func:`macd_kernel`."""
        return macd_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Nothing seen."""
        return (0.0, 0.0, 0.0, 0.0), NO_WINDOW
