"""Keltner channels: an average of the typical price, and bands of some average true ranges.

>>> Keltner().outputs
('keltner_upper_20_10_2', 'keltner_middle_20_10_2', 'keltner_lower_20_10_2')
>>> Keltner().warmup
19
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.features.bars import Bar, FloatArray
from assay.features.step import NO_WINDOW, Kernel, StepDocs, Values, check_factor, check_length, text_of


def keltner_kernel(state: Values, _window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold the number of bars seen, up to the first with a value, the last close, and two averages, at first sums."""
    count, last, middle, reach = state
    n, n_range, last_of_warmup, factor, weight, range_weight = params
    if math.isnan(bar.high + bar.low + bar.close):
        return state, (math.nan, math.nan, math.nan)
    typical = (bar.high + bar.low + bar.close) / 3.0
    true_range = max(bar.high, last) - min(bar.low, last)
    if count > last_of_warmup:
        middle = weight * typical + (1.0 - weight) * middle
        reach = range_weight * true_range + (1.0 - range_weight) * reach
    else:
        # Both averages have their first value at the same bar; the shorter one begins later.
        middle += typical if count > last_of_warmup - n else 0.0
        reach += true_range if count > last_of_warmup - n_range else 0.0
        count += 1.0
        if count <= last_of_warmup:
            return (count, bar.close, middle, reach), (math.nan, math.nan, math.nan)
        middle /= n
        reach /= n_range
    outputs = middle + factor * reach, middle, middle - factor * reach
    return (count, bar.close, middle, reach), outputs


@dataclass(frozen=True, slots=True)
class Keltner:
    """Exponential average of the typical price over `n` bars, and bands of `factor` average true ranges (`n_range`).

    Raises
    ------
    BadInputError
        If a length is out of range, or `factor` is outside 0.01 to 100.
    """

    n: int = 20
    n_range: int = 10
    factor: float = 2.0

    name: ClassVar[str] = "keltner"
    inputs: ClassVar[tuple[str, ...]] = (
        "high",
        "low",
        "close",
    )
    docs: ClassVar[StepDocs] = StepDocs(
        family="volatility",
        title="Keltner channels",
        formula="middle = EMA_n of (high + low + close) / 3, upper and lower = middle +- factor ATR_n_range; EMA "
        "and ATR are started by means and begin together",
        units=("quote units per base unit", "quote units per base unit", "quote units per base unit"),
        gap_rule="a missing bar is skipped: the averages are carried over to the next bar there is",
        nan_rule="a bar with NaN in an input gives NaN and is otherwise treated as missing",
        reference="C. W. Keltner, How to Make Money in Commodities (1960); bands of true ranges after L. Bradford "
        "Raschke; TA-Lib, TA_KC",
    )

    def __post_init__(self) -> None:
        check_length(self.name, self.n, minimum=2)
        check_length(self.name, self.n_range)
        check_factor(self.name, self.factor, minimum=0.01, maximum=100.0)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Upper band, middle and lower band, in the unit of the price."""
        lengths = f"{self.n}_{self.n_range}_{text_of(self.factor)}"
        return f"keltner_upper_{lengths}", f"keltner_middle_{lengths}", f"keltner_lower_{lengths}"

    @property
    def warmup(self) -> int:
        """The first value needs n bars and n_range true ranges."""
        return max(self.n - 1, self.n_range)

    @property
    def params(self) -> Values:
        """Return the lengths, the warm-up, the factor and the weights of the newest values."""
        return (
            float(self.n),
            float(self.n_range),
            float(self.warmup),
            float(self.factor),
            2.0 / (self.n + 1),
            1.0 / self.n_range,
        )

    @property
    def kernel(self) -> Kernel:
        """Return :func:`keltner_kernel`."""
        return keltner_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Nothing seen."""
        return (0.0, 0.0, 0.0, 0.0), NO_WINDOW
