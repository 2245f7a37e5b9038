"""Volume-weighted average price over the last bars.

>>> Vwap(20).outputs, Vwap(20).warmup
(('vwap_20',), 19)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.features.bars import Bar, FloatArray
from assay.features.step import Kernel, StepDocs, Values, check_length
from assay.features.windows import empty, push_sums


def vwap_kernel(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold the number of bars seen, up to n - 1, and the slot and runs of the two moving sums."""
    count, slot, paid_run, volume_run = state
    n = params[0]
    if math.isnan(bar.high + bar.low + bar.close + bar.volume):
        return state, (math.nan,)
    paid = (bar.high + bar.low + bar.close) * bar.volume
    slot, paid_run, volume_run, paid_sum, volume = push_sums(
        window, 0, int(n), (slot, paid_run, volume_run), (paid, bar.volume)
    )
    if count + 1.0 < n:
        return (count + 1.0, slot, paid_run, volume_run), (math.nan,)
    return (count, slot, paid_run, volume_run), (paid_sum / (3.0 * (volume if volume > 0.0 else math.nan)),)


@dataclass(frozen=True, slots=True)
class Vwap:
    """Average of the typical price over `n` bars, weighted with their volume.

    Raises
    ------
    BadInputError
        If `n` is out of range.
    """

    n: int = 20

    name: ClassVar[str] = "vwap"
    inputs: ClassVar[tuple[str, ...]] = (
        "high",
        "low",
        "close",
        "volume",
    )
    docs: ClassVar[StepDocs] = StepDocs(
        family="volume",
        title="Volume-weighted average price",
        formula="sum of volume (high + low + close) / 3 over n bars, divided by their volume",
        units=("quote units per base unit",),
        gap_rule="a missing bar is skipped: the window is of the last n bars there are",
        nan_rule="a bar with NaN in an input gives NaN and is otherwise treated as missing",
        undefined="where no volume was traded in n bars",
        reference="S. A. Berkowitz, D. E. Logue, E. A. Noser, The Total Cost of Transactions on the NYSE, Journal of "
        "Finance 43 (1988); TA-Lib, TA_VWMA of TA_TYPPRICE",
    )

    def __post_init__(self) -> None:
        check_length(self.name, self.n)

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column, in the unit of the price."""
        return (f"vwap_{self.n}",)

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
        """Return :func:`vwap_kernel`."""
        return vwap_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Nothing seen."""
        return (0.0, 0.0, 0.0, 0.0), empty(2 * self.n)
