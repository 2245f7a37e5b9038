"""Williams' %R.

>>> WilliamsR(14).outputs, WilliamsR(14).warmup
(('williams_r_14',), 13)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.features.bars import Bar, FloatArray
from assay.features.step import Kernel, StepDocs, Values, check_length
from assay.features.windows import HIGHEST, LOWEST, empty_range, push_range


def williams_r_kernel(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold the number of bars seen, up to n, and the slot and runs of the moving high and low."""
    count, slot, high_run, low_run = state
    n = params[0]
    if math.isnan(bar.high + bar.low + bar.close):
        return state, (math.nan,)
    slot, high_run, low_run, top, bottom = push_range(window, 0, int(n), (slot, high_run, low_run), (bar.high, bar.low))
    if count < n:
        count += 1.0
        top = top if count == n else math.nan
    # Divided by infinity where there is no range: a choice between numbers is cheaper than one between ways.
    span = top - bottom if top > bottom else math.inf
    return (count, slot, high_run, low_run), (100.0 * ((bar.close - top) / span),)


@dataclass(frozen=True, slots=True)
class WilliamsR:
    """Where the close lies below the highest high of `n` bars, in percent of their range.

    Raises
    ------
    BadInputError
        If `n` is out of range.
    """

    n: int = 14

    name: ClassVar[str] = "williams_r"
    inputs: ClassVar[tuple[str, ...]] = (
        "high",
        "low",
        "close",
    )
    docs: ClassVar[StepDocs] = StepDocs(
        family="momentum",
        title="Williams' %R",
        formula="-100 (high_n - close) / (high_n - low_n), 0 if the range is 0",
        units=("-100 to 0",),
        gap_rule="a missing bar is skipped: the window is of the last n bars there are",
        nan_rule="a bar with NaN in an input gives NaN and is otherwise treated as missing",
        reference="L. Williams, How I Made One Million Dollars Last Year Trading Commodities (1973); TA-Lib, TA_WILLR",
    )

    def __post_init__(self) -> None:
        check_length(self.name, self.n)

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column, from -100 to 0."""
        return (f"williams_r_{self.n}",)

    @property
    def warmup(self) -> int:
        """The first value needs n bars."""
        return self.n - 1

    @property
    def params(self) -> Values:
        """Return n."""
        return (float(self.n),)

    @property
    def kernel(self) -> Kernel:
        """Return :func:`williams_r_kernel`."""
        return williams_r_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Nothing seen."""
        return (0.0, 0.0, LOWEST, HIGHEST), empty_range(self.n)
