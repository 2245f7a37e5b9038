"""Bollinger bands, how wide they are, and where the close lies between them.

>>> Bollinger().outputs
('bb_upper_20_2', 'bb_middle_20_2', 'bb_lower_20_2', 'bb_width_20_2', 'bb_position_20_2')
>>> Bollinger().warmup
19
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.features.bars import Bar, FloatArray
from assay.features.step import Kernel, StepDocs, Values, check_factor, check_length, text_of
from assay.features.windows import empty, push_moments, variance


def bollinger_kernel(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold the number of bars seen, up to n - 1, and the slot, runs and anchor of the moving moments."""
    count, slot, first, second, anchor = state
    n, factor, weight = params
    if math.isnan(bar.close):
        return state, (math.nan, math.nan, math.nan, math.nan, math.nan)
    slot, first, second, anchor, one, two = push_moments(window, 0, int(n), (slot, first, second, anchor), bar.close)
    if count + 1.0 < n:
        return (count + 1.0, slot, first, second, anchor), (math.nan, math.nan, math.nan, math.nan, math.nan)
    mean = anchor + one * weight
    reach = factor * math.sqrt(variance(one, two, weight))
    width = 2.0 * reach / (mean if mean > 0.0 else math.nan)
    position = 0.5 + (bar.close - mean) / (2.0 * reach if reach > 0.0 else math.inf)
    return (count, slot, first, second, anchor), (mean + reach, mean, mean - reach, width, position)


@dataclass(frozen=True, slots=True)
class Bollinger:
    """Mean of the close over `n` bars (at least 2), and bands `factor` standard deviations above and below it.

    Raises
    ------
    BadInputError
        If `n` is out of range, or `factor` is outside 0.01 to 100.
    """

    n: int = 20
    factor: float = 2.0

    name: ClassVar[str] = "bollinger"
    inputs: ClassVar[tuple[str, ...]] = ("close",)
    docs: ClassVar[StepDocs] = StepDocs(
        family="volatility",
        title="Bollinger bands",
        formula="middle = mean of n closes, upper and lower = middle +- factor s, s their population standard "
        "deviation; width = (upper - lower) / middle; position = (close - lower) / (upper - lower), 0.5 if "
        "all n closes are equal",
        units=(
            "quote units per base unit",
            "quote units per base unit",
            "quote units per base unit",
            "fraction",
            "fraction, 0 at the lower band and 1 at the upper",
        ),
        gap_rule="a missing bar is skipped: the window is of the last n bars there are",
        nan_rule="a bar whose close is NaN gives NaN and is otherwise treated as missing",
        undefined="the width, where the mean is not positive",
        reference="J. Bollinger, Bollinger on Bollinger Bands (2001); TA-Lib, TA_BBANDS, for the bands",
    )

    def __post_init__(self) -> None:
        check_length(self.name, self.n, minimum=2)
        check_factor(self.name, self.factor, minimum=0.01, maximum=100.0)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Three prices, and two fractions."""
        return tuple(
            f"bb_{what}_{self.n}_{text_of(self.factor)}" for what in ("upper", "middle", "lower", "width", "position")
        )

    @property
    def warmup(self) -> int:
        """The first value needs n closes."""
        return self.n - 1

    @property
    def params(self) -> Values:
        """Return n, the factor, and the weight of each close."""
        return float(self.n), float(self.factor), 1.0 / self.n

    @property
    def kernel(self) -> Kernel:
        """Return :func:`bollinger_kernel`."""
        return bollinger_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Nothing seen."""
        return (0.0, 0.0, 0.0, 0.0, math.nan), empty(2 * self.n)
