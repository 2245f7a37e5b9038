"""On-balance volume.

>>> Obv().outputs, Obv().warmup
(('obv',), 0)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.features.bars import Bar, FloatArray
from assay.features.step import NO_WINDOW, Kernel, StepDocs, Values
from assay.features.windows import LOWEST


def obv_kernel(state: Values, _window: FloatArray, bar: Bar, _params: Values) -> tuple[Values, Values]:
    """Hold the balance and the last close; before the first bar that is lower than any."""
    balance, last = state
    if math.isnan(bar.close + bar.volume):
        return state, (math.nan,)
    # A product and no branch: which way the price goes is what a processor cannot foresee either.
    rise = 1.0 if bar.close > last else 0.0
    fall = 1.0 if bar.close < last else 0.0
    balance += bar.volume * (rise - fall)
    return (balance, bar.close), (balance,)


@dataclass(frozen=True, slots=True)
class Obv:
    """Volume of the bars that closed higher less that of those that closed lower, since the series began."""

    name: ClassVar[str] = "obv"
    inputs: ClassVar[tuple[str, ...]] = (
        "close",
        "volume",
    )
    docs: ClassVar[StepDocs] = StepDocs(
        family="volume",
        title="On-balance volume",
        formula="OBV_t = OBV_{t-1} + volume if the close rose, - volume if it fell; the first bar counts as a rise",
        units=("base units",),
        gap_rule="a missing bar is skipped: the close is compared with the last there is",
        nan_rule="a bar with NaN in an input gives NaN and is otherwise treated as missing",
        reference="J. E. Granville, New Key to Stock Market Profits (1963); TA-Lib, TA_OBV",
        endless="the balance counts from the first bar",
    )

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column, in base units."""
        return ("obv",)

    @property
    def warmup(self) -> int:
        """The first bar has a value."""
        return 0

    @property
    def params(self) -> Values:
        """Return nothing: there are none."""
        return ()

    @property
    def kernel(self) -> Kernel:
        """Return :func:`obv_kernel`."""
        return obv_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Nothing seen."""
        return (0.0, LOWEST), NO_WINDOW
