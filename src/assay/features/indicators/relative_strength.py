"""How much more a series has risen than a reference, such as BTC.

>>> RelativeStrength(24).outputs
('relative_strength_24',)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from assay.features.bars import Bar, FloatArray
from assay.features.step import Kernel, StepDocs, Values, check_length
from assay.features.windows import push_lag


def relative_strength_kernel(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold the slot of the oldest ratio in the window, the bars in an unbroken run up to n + 1, and its end."""
    slot, run, run_end = state
    n = params[0]
    if math.isnan(bar.close) or math.isnan(bar.reference):
        return state, (math.nan,)
    run = min(run + 1.0, n + 1.0) if bar.open_time == run_end else 1.0
    ratio = bar.close / bar.reference if bar.reference > 0.0 and bar.close > 0.0 else math.nan
    slot, oldest = push_lag(window, 0, int(n), slot, ratio)
    is_known = run > n and oldest > 0.0 and ratio > 0.0
    return (slot, run, float(bar.close_time)), (math.log(ratio / oldest) if is_known else math.nan,)


@dataclass(frozen=True, slots=True)
class RelativeStrength:
    """Log return over `n` bars beyond that of the reference.

    Raises
    ------
    BadInputError
        If `n` is out of range.
    """

    n: int = 24

    name: ClassVar[str] = "relative_strength"
    inputs: ClassVar[tuple[str, ...]] = ("close", "reference")
    docs: ClassVar[StepDocs] = StepDocs(
        family="reference",
        title="Relative strength",
        formula="ln(close_t / close_{t-n}) - ln(reference_t / reference_{t-n}); NaN unless all four are positive",
        units=("natural logarithm",),
        gap_rule="NaN while a bar is missing among the n + 1: a return over a hole is one over another time span",
        nan_rule="a bar whose close or reference is NaN gives NaN and is otherwise treated as missing",
        reference="R. A. Levy, Relative Strength as a Criterion for Investment Selection (1967)",
    )

    def __post_init__(self) -> None:
        check_length(self.name, self.n)

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column, a natural logarithm."""
        return (f"relative_strength_{self.n}",)

    @property
    def warmup(self) -> int:
        """The first value needs n + 1 bars."""
        return self.n

    @property
    def params(self) -> Values:
        """Return n."""
        return (float(self.n),)

    @property
    def kernel(self) -> Kernel:
        """Return :func:`relative_strength_kernel`."""
        return relative_strength_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Nothing seen; no bar opens at NaN, so the first one begins a run."""
        return (0.0, 0.0, math.nan), np.full(self.n, math.nan)
