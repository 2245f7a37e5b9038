"""How far the close is below the highest there was.

>>> Drawdown().outputs, Drawdown().warmup
(('drawdown',), 0)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.features.bars import Bar, FloatArray
from assay.features.step import NO_WINDOW, Kernel, StepDocs, Values
from assay.features.windows import LOWEST


def drawdown_kernel(state: Values, _window: FloatArray, bar: Bar, _params: Values) -> tuple[Values, Values]:
    """Hold the highest close so far."""
    if math.isnan(bar.close):
        return state, (math.nan,)
    high = max(state[0], bar.close)
    return (high,), (bar.close / high - 1.0 if high > 0.0 else math.nan,)


@dataclass(frozen=True, slots=True)
class Drawdown:
    """Relative distance of the close from the highest close since the series began."""

    name: ClassVar[str] = "drawdown"
    inputs: ClassVar[tuple[str, ...]] = ("close",)
    docs: ClassVar[StepDocs] = StepDocs(
        family="returns",
        title="Drawdown",
        formula="close_t / max(close_0, ..., close_t) - 1",
        units=("fraction, at most 0",),
        gap_rule="a missing bar is skipped: the high is that of the bars there are",
        nan_rule="a bar whose close is NaN gives NaN and is otherwise treated as missing",
        reference="by definition",
        undefined="until a close is positive",
        endless="the high is the highest since the first bar",
    )

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column, a fraction that is never positive."""
        return ("drawdown",)

    @property
    def warmup(self) -> int:
        """The first bar is its own high."""
        return 0

    @property
    def params(self) -> Values:
        """Return nothing: there are none."""
        return ()

    @property
    def kernel(self) -> Kernel:
        """Return :func:`drawdown_kernel`."""
        return drawdown_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Nothing seen."""
        return (LOWEST,), NO_WINDOW
