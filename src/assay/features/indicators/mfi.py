"""Money flow index: a strength index in which each move weighs what was paid.

>>> Mfi(14).outputs, Mfi(14).warmup
(('mfi_14',), 14)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.features.bars import Bar, FloatArray
from assay.features.step import Kernel, StepDocs, Values, check_length
from assay.features.windows import empty, push_sums


def mfi_kernel(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold the moves seen, up to n, the last typical price, and the slot and runs of the two moving sums.

    Before the first bar the count is -1: one price makes no move yet.
    """
    count, last, slot, up_run, down_run = state
    n = params[0]
    if math.isnan(bar.high + bar.low + bar.close + bar.volume):
        return state, (math.nan,)
    typical = (bar.high + bar.low + bar.close) / 3.0
    if count < 0.0:
        return (0.0, typical, slot, up_run, down_run), (math.nan,)
    flow = typical * bar.volume
    rising = flow if typical > last else 0.0
    falling = flow if typical < last else 0.0
    slot, up_run, down_run, up, down = push_sums(window, 0, int(n), (slot, up_run, down_run), (rising, falling))
    if count + 1.0 < n:
        return (count + 1.0, typical, slot, up_run, down_run), (math.nan,)
    both = up + down
    # Where no money moved there is no strength either way; 0 as in the strength index.
    return (count, typical, slot, up_run, down_run), (100.0 * (up / (both if both > 0.0 else math.inf)),)


@dataclass(frozen=True, slots=True)
class Mfi:
    """Share of the money of `n` moves that was paid while the typical price rose, from 0 to 100.

    Raises
    ------
    BadInputError
        If `n` is out of range.
    """

    n: int = 14

    name: ClassVar[str] = "mfi"
    inputs: ClassVar[tuple[str, ...]] = (
        "high",
        "low",
        "close",
        "volume",
    )
    docs: ClassVar[StepDocs] = StepDocs(
        family="volume",
        title="Money flow index",
        formula="100 U / (U + D), U and D the sums over n bars of volume times typical price (high + low + close) /"
        " 3 where that rose and where it fell; 0 if no money moved",
        units=("0 to 100",),
        gap_rule="a missing bar is skipped: the move is taken from the last bar there is",
        nan_rule="a bar with NaN in an input gives NaN and is otherwise treated as missing",
        reference="G. Quong, A. Soudack, Volume-Weighted RSI: Money Flow, Stocks & Commodities 7 (1989); TA-Lib, "
        "TA_MFI (which gives 0 for flows below 1)",
    )

    def __post_init__(self) -> None:
        check_length(self.name, self.n)

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column, from 0 to 100."""
        return (f"mfi_{self.n}",)

    @property
    def warmup(self) -> int:
        """The first value needs n moves, which n + 1 bars make."""
        return self.n

    @property
    def params(self) -> Values:
        """Return n."""
        return (float(self.n),)

    @property
    def kernel(self) -> Kernel:
        """Return :func:`mfi_kernel`."""
        return mfi_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Nothing seen."""
        return (-1.0, 0.0, 0.0, 0.0, 0.0), empty(2 * self.n)
