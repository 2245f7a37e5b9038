"""The close of some bars before.

>>> Lag(3).outputs, Lag(3).warmup
(('lag_3',), 3)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.features.bars import Bar, FloatArray
from assay.features.step import Kernel, StepDocs, Values, check_length
from assay.features.windows import empty, push_lag


def lag_kernel(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold the slot of the oldest close, the bars in an unbroken run up to n + 1, and its end."""
    slot, run, run_end = state
    n = params[0]
    if math.isnan(bar.close):
        return state, (math.nan,)
    run = min(run + 1.0, n + 1.0) if bar.open_time == run_end else 1.0
    slot, oldest = push_lag(window, 0, int(n), slot, bar.close)
    return (slot, run, float(bar.close_time)), (oldest if run > n else math.nan,)


@dataclass(frozen=True, slots=True)
class Lag:
    """Close `n` bars before, where the bars between follow one another without a hole.

    Raises
    ------
    BadInputError
        If `n` is out of range.
    """

    n: int = 1

    name: ClassVar[str] = "lag"
    inputs: ClassVar[tuple[str, ...]] = ("close",)
    docs: ClassVar[StepDocs] = StepDocs(
        family="transforms",
        title="Lag",
        formula="close_{t-n}",
        units=("quote units per base unit",),
        gap_rule="NaN while a bar is missing among the n + 1: the bar n places before would be of another time",
        nan_rule="a bar whose close is NaN gives NaN and is otherwise treated as missing",
        reference="by definition",
    )

    def __post_init__(self) -> None:
        check_length(self.name, self.n)

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column, in the unit of the price."""
        return (f"lag_{self.n}",)

    @property
    def warmup(self) -> int:
        """The first value needs n + 1 closes."""
        return self.n

    @property
    def params(self) -> Values:
        """Return n."""
        return (float(self.n),)

    @property
    def kernel(self) -> Kernel:
        """Return :func:`lag_kernel`."""
        return lag_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Nothing seen; no bar opens at NaN, so the first one begins a run."""
        return (0.0, 0.0, math.nan), empty(self.n, math.nan)
