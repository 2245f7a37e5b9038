"""Chaikin money flow.

>>> Cmf(20).outputs, Cmf(20).warmup
(('cmf_20',), 19)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.features.bars import Bar, FloatArray
from assay.features.step import Kernel, StepDocs, Values, check_length
from assay.features.windows import empty, push_sums


def cmf_kernel(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold the number of bars seen, up to n - 1, and the slot and runs of the two moving sums."""
    count, slot, flow_run, volume_run = state
    n = params[0]
    if math.isnan(bar.high + bar.low + bar.close + bar.volume):
        return state, (math.nan,)
    span = bar.high - bar.low
    # Divided by infinity where there is no range: a choice between numbers is cheaper than one between ways.
    flow = ((bar.close - bar.low) - (bar.high - bar.close)) / (span if span > 0.0 else math.inf) * bar.volume
    slot, flow_run, volume_run, flow_sum, volume = push_sums(
        window, 0, int(n), (slot, flow_run, volume_run), (flow, bar.volume)
    )
    if count + 1.0 < n:
        return (count + 1.0, slot, flow_run, volume_run), (math.nan,)
    return (count, slot, flow_run, volume_run), (flow_sum / (volume if volume > 0.0 else math.inf),)


@dataclass(frozen=True, slots=True)
class Cmf:
    """Share of the volume of `n` bars that flowed in, less that which flowed out, by where the bars closed.

    Raises
    ------
    BadInputError
        If `n` is out of range.
    """

    n: int = 20

    name: ClassVar[str] = "cmf"
    inputs: ClassVar[tuple[str, ...]] = (
        "high",
        "low",
        "close",
        "volume",
    )
    docs: ClassVar[StepDocs] = StepDocs(
        family="volume",
        title="Chaikin money flow",
        formula="sum of volume ((close - low) - (high - close)) / (high - low) over n bars, divided by their "
        "volume; a bar without a range counts 0, and so does the whole without volume",
        units=("-1 to 1",),
        gap_rule="a missing bar is skipped: the window is of the last n bars there are",
        nan_rule="a bar with NaN in an input gives NaN and is otherwise treated as missing",
        reference="M. Chaikin; TA-Lib, TA_CMF",
    )

    def __post_init__(self) -> None:
        check_length(self.name, self.n)

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column, from -1 to 1."""
        return (f"cmf_{self.n}",)

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
        """Return :func:`cmf_kernel`."""
        return cmf_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Nothing seen."""
        return (0.0, 0.0, 0.0, 0.0), empty(2 * self.n)
