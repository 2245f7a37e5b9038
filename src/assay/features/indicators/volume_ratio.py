"""Volume relative to its own mean.

>>> VolumeRatio(20).outputs, VolumeRatio(20).warmup
(('volume_ratio_20',), 19)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.features.bars import Bar, FloatArray
from assay.features.step import Kernel, StepDocs, Values, check_length
from assay.features.windows import empty, push_sum


def volume_ratio_kernel(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold the number of bars seen, up to n - 1, and the slot and run of the moving sum."""
    count, slot, run = state
    n = params[0]
    if math.isnan(bar.volume):
        return state, (math.nan,)
    slot, run, total = push_sum(window, 0, int(n), slot, run, bar.volume)
    if count + 1.0 < n:
        return (count + 1.0, slot, run), (math.nan,)
    return (count, slot, run), (n * bar.volume / (total if total > 0.0 else math.nan),)


@dataclass(frozen=True, slots=True)
class VolumeRatio:
    """Volume of the bar over the mean volume of `n` bars (at least 2), itself among them.

    Raises
    ------
    BadInputError
        If `n` is out of range.
    """

    n: int = 20

    name: ClassVar[str] = "volume_ratio"
    inputs: ClassVar[tuple[str, ...]] = ("volume",)
    docs: ClassVar[StepDocs] = StepDocs(
        family="volume",
        title="Volume ratio",
        formula="n volume_t / (volume_t + ... + volume_{t-n+1})",
        units=("ratio",),
        gap_rule="a missing bar is skipped: the window is of the last n bars there are",
        nan_rule="a bar whose volume is NaN gives NaN and is otherwise treated as missing",
        undefined="where no volume was traded in n bars",
        reference="by definition; TA-Lib, TA_SMA, for the mean",
    )

    def __post_init__(self) -> None:
        check_length(self.name, self.n, minimum=2)

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column, a ratio: 1 is a usual volume."""
        return (f"volume_ratio_{self.n}",)

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
        """Return :func:`volume_ratio_kernel`."""
        return volume_ratio_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Nothing seen."""
        return (0.0, 0.0, 0.0), empty(self.n)
