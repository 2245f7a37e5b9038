"""Wilder's parabolic stop and reverse.

>>> Sar().outputs, Sar().warmup
(('sar_0p02_0p2',), 1)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.domain.errors import BadInputError
from assay.features.bars import Bar, FloatArray
from assay.features.step import NO_WINDOW, Kernel, StepDocs, Values, check_factor, text_of


def sar_kernel(state: Values, _window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold the side (1 long, -1 short, 0 before the second bar, NaN before the first) and the last bar's high and low.

    Stop, extreme price and factor are held as a long position sees them: for a short one the prices are negated, highs
    become lows, and one rule serves both.
    """
    side, stop, extreme, factor, last_high, last_low = state
    step, maximum = params
    if math.isnan(bar.high + bar.low):
        return state, (math.nan,)
    if math.isnan(side):
        return (0.0, stop, extreme, factor, bar.high, bar.low), (math.nan,)
    if side == 0.0:
        fall = last_low - bar.low
        side = -1.0 if fall > 0.0 and fall > bar.high - last_high else 1.0
        stop, extreme = (last_low, bar.high) if side > 0.0 else (-last_high, -bar.low)
        factor, last_high, last_low = step, bar.high, bar.low
    high, low = (bar.high, bar.low) if side > 0.0 else (-bar.low, -bar.high)
    high_before, low_before = (last_high, last_low) if side > 0.0 else (-last_low, -last_high)
    if low > stop:
        shown = side * stop
        if high > extreme:
            extreme = high
            factor = min(factor + step, maximum)
        stop = min(stop + factor * (extreme - stop), low_before, low)
    else:
        # The stop is hit: turn round at the extreme price, out of reach of this bar and the last.
        turned = max(extreme, high_before, high)
        shown = side * turned
        side, extreme, factor = -side, -low, step
        stop = min(-turned + factor * (extreme + turned), -high_before, -high)
    return (side, stop, extreme, factor, bar.high, bar.low), (shown,)


@dataclass(frozen=True, slots=True)
class Sar:
    """Stop of a position that follows the trend and reverses when the stop is hit.

    Raises
    ------
    BadInputError
        If a factor is outside 0.0001 to 1, or `step` is above `maximum`.
    """

    step: float = 0.02
    maximum: float = 0.2

    name: ClassVar[str] = "sar"
    inputs: ClassVar[tuple[str, ...]] = (
        "high",
        "low",
    )
    docs: ClassVar[StepDocs] = StepDocs(
        family="trend",
        title="Parabolic SAR",
        formula="stop + factor (extreme - stop), never beyond the last two bars; the factor grows by step with each "
        "new extreme, up to maximum; when the stop is hit, the position reverses and the stop is the extreme. The "
        "first side is short if the second bar falls by more than it rises",
        units=("quote units per base unit",),
        gap_rule="a missing bar is skipped: the last two bars are those there are",
        nan_rule="a bar with NaN in an input gives NaN and is otherwise treated as missing",
        reference="J. Welles Wilder, New Concepts in Technical Trading Systems (1978); TA-Lib, TA_SAR",
    )

    def __post_init__(self) -> None:
        check_factor(self.name, self.step, minimum=0.0001, maximum=1.0)
        check_factor(self.name, self.maximum, minimum=0.0001, maximum=1.0)
        if self.step > self.maximum:
            factors = f"{self.step}, {self.maximum}"
            raise BadInputError("sar's step is above its maximum", value=factors, todo="swap them")

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column, in the unit of the price."""
        return (f"sar_{text_of(self.step)}_{text_of(self.maximum)}",)

    @property
    def warmup(self) -> int:
        """The first bar has no direction."""
        return 1

    @property
    def params(self) -> Values:
        """Return the step and the maximum of the factor."""
        return float(self.step), float(self.maximum)

    @property
    def kernel(self) -> Kernel:
        """Return :func:`sar_kernel`."""
        return sar_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Nothing seen."""
        return (math.nan, 0.0, 0.0, 0.0, 0.0, 0.0), NO_WINDOW
