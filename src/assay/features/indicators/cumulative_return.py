"""What the price has gained since the series began.

>>> CumulativeReturn().outputs, CumulativeReturn().warmup
(('cumulative_return',), 0)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.features.bars import Bar, FloatArray
from assay.features.step import NO_WINDOW, Kernel, StepDocs, Values


def cumulative_return_kernel(state: Values, _window: FloatArray, bar: Bar, _params: Values) -> tuple[Values, Values]:
    """Hold the close that the return counts from; 0 before there is one."""
    if math.isnan(bar.close):
        return state, (math.nan,)
    start = state[0] if state[0] > 0.0 else bar.close
    return (start,), (bar.close / start - 1.0 if start > 0.0 else math.nan,)


@dataclass(frozen=True, slots=True)
class CumulativeReturn:
    """Relative change of the close since the first bar of the series whose close is positive."""

    name: ClassVar[str] = "cumulative_return"
    inputs: ClassVar[tuple[str, ...]] = ("close",)
    docs: ClassVar[StepDocs] = StepDocs(
        family="returns",
        title="Cumulative return",
        formula="close_t / close_0 - 1, with close_0 the first close that is positive",
        units=("fraction",),
        gap_rule="a missing bar is skipped: the return counts from the beginning",
        nan_rule="a bar whose close is NaN gives NaN and is otherwise treated as missing",
        reference="by definition",
        undefined="until a close is positive",
        endless="the return counts from the first bar",
    )

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column, a fraction."""
        return ("cumulative_return",)

    @property
    def warmup(self) -> int:
        """The first bar has gained nothing."""
        return 0

    @property
    def params(self) -> Values:
        """Return nothing: there are none."""
        return ()

    @property
    def kernel(self) -> Kernel:
        """Return :func:`cumulative_return_kernel`."""
        return cumulative_return_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Nothing seen."""
        return (0.0,), NO_WINDOW
