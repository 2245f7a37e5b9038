"""Who crosses the spread: the takers' purchases in the volume of the last bars.

>>> TakerPressure(24).outputs, TakerPressure(24).warmup
(('taker_buy_share_24', 'taker_pressure_24'), 23)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.features.bars import Bar, FloatArray
from assay.features.step import Kernel, StepDocs, Values, check_length
from assay.features.windows import empty, push_sums


def taker_pressure_kernel(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold the number of bars seen, up to n - 1, and the slot and runs of the two moving sums."""
    count, slot, bought_run, volume_run = state
    n = params[0]
    if math.isnan(bar.taker_buy_volume + bar.volume):
        return state, (math.nan, math.nan)
    slot, bought_run, volume_run, bought, volume = push_sums(
        window, 0, int(n), (slot, bought_run, volume_run), (bar.taker_buy_volume, bar.volume)
    )
    if count + 1.0 < n or not volume > 0.0:
        return (min(count + 1.0, n - 1.0), slot, bought_run, volume_run), (math.nan, math.nan)
    share = bought / volume
    return (count, slot, bought_run, volume_run), (share, 2.0 * share - 1.0)


@dataclass(frozen=True, slots=True)
class TakerPressure:
    """Share of the volume of `n` bars that takers bought, and what they bought less what they sold per volume.

    Raises
    ------
    BadInputError
        If `n` is out of range.
    """

    n: int = 24

    name: ClassVar[str] = "taker_pressure"
    inputs: ClassVar[tuple[str, ...]] = (
        "volume",
        "taker_buy_volume",
    )
    docs: ClassVar[StepDocs] = StepDocs(
        family="volume",
        title="Taker pressure",
        formula="share = sum of taker_buy_volume over n bars / sum of volume; pressure = (bought - sold) / volume ="
        " 2 share - 1",
        units=("fraction", "-1 to 1"),
        gap_rule="a missing bar is skipped: the window is of the last n bars there are",
        nan_rule="a bar with NaN in an input gives NaN and is otherwise treated as missing",
        undefined="where no volume was traded in n bars",
        reference="by definition; which side took is published by the exchange (Binance: taker buy base asset volume)",
    )

    def __post_init__(self) -> None:
        check_length(self.name, self.n)

    @property
    def outputs(self) -> tuple[str, ...]:
        """A share from 0 to 1, and the same as a signed share of the volume."""
        return f"taker_buy_share_{self.n}", f"taker_pressure_{self.n}"

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
        """Return :func:`taker_pressure_kernel`."""
        return taker_pressure_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Nothing seen."""
        return (0.0, 0.0, 0.0, 0.0), empty(2 * self.n)
