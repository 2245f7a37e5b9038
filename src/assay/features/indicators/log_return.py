"""Log return over n bars that follow one another without a hole: a Step with a window.

>>> LogReturn(24).outputs, LogReturn(24).warmup
(('log_return_24',), 24)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from assay.features.bars import Bar, FloatArray
from assay.features.step import Kernel, StepDocs, Values, check_length


def log_return_kernel(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold the slot of the oldest close in the window, the bars in an unbroken run up to n + 1, and its end."""
    slot, run, run_end = state
    n = params[0]
    if math.isnan(bar.close):
        return state, (math.nan,)
    run = min(run + 1.0, n + 1.0) if bar.open_time == run_end else 1.0
    oldest = window[int(slot)]
    window[int(slot)] = bar.close
    slot = slot + 1.0 if slot + 1.0 < n else 0.0
    is_known = run > n and oldest > 0.0 and bar.close > 0.0
    return (slot, run, float(bar.close_time)), (math.log(bar.close / oldest) if is_known else math.nan,)


@dataclass(frozen=True, slots=True)
class LogReturn:
    """Natural logarithm of the close over the close `n` bars before.

    Raises
    ------
    BadInputError
        If `n` is out of range.
    """

    n: int = 1

    name: ClassVar[str] = "log_return"
    inputs: ClassVar[tuple[str, ...]] = ("close",)
    docs: ClassVar[StepDocs] = StepDocs(
        family="returns",
        title="Log return",
        formula="ln(close_t / close_{t-n}); NaN unless both are positive",
        units=("natural logarithm",),
        gap_rule="NaN while a bar is missing among the n + 1: a return over a hole is one over another time span",
        nan_rule="a bar whose close is NaN gives NaN and is otherwise treated as missing",
        reference="J. Y. Campbell, A. W. Lo, A. C. MacKinlay, The Econometrics of Financial Markets (1997), 1.4",
    )

    def __post_init__(self) -> None:
        check_length(self.name, self.n)

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column, a natural logarithm."""
        return (f"log_return_{self.n}",)

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
        """Return :func:`log_return_kernel`."""
        return log_return_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Nothing seen; no bar opens at NaN, so the first one begins a run."""
        return (0.0, 0.0, math.nan), np.full(self.n, math.nan)
