"""Wilder's directional movement: the strength of a trend, and its two directions.

>>> Adx(14).outputs, Adx(14).warmup
(('adx_14', 'plus_di_14', 'minus_di_14'), 27)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.features.bars import Bar, FloatArray
from assay.features.step import NO_WINDOW, Kernel, StepDocs, Values, check_length


def adx_kernel(state: Values, _window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold the bars seen after the first, up to 2 n - 1, its three prices, the three sums and the ADX, at first a sum.

    Before the first bar the count is -1.
    """
    count, last_high, last_low, last_close, plus, minus, ranges, adx = state
    n, weight = params
    if math.isnan(bar.high + bar.low + bar.close):
        return state, (math.nan, math.nan, math.nan)
    if count < 0.0:
        return (0.0, bar.high, bar.low, bar.close, plus, minus, ranges, adx), (math.nan, math.nan, math.nan)
    up = bar.high - last_high
    down = last_low - bar.low
    true_range = max(bar.high, last_close) - min(bar.low, last_close)
    # The sums grow over n - 1 bars and lose a share of 1 / n with every bar from then on.
    kept = 1.0 - weight if count >= n - 1.0 else 1.0
    plus = plus * kept + (up if up > down and up > 0.0 else 0.0)
    minus = minus * kept + (down if down > up and down > 0.0 else 0.0)
    ranges = ranges * kept + true_range
    per_range = 100.0 / ranges if ranges > 0.0 else 0.0
    both = plus + minus
    if count == 2.0 * n - 1.0:
        if both > 0.0:
            adx = adx * (1.0 - weight) + weight * (100.0 * (abs(plus - minus) / both))
        state = (count, bar.high, bar.low, bar.close, plus, minus, ranges, adx)
        return state, (adx, plus * per_range, minus * per_range)
    count += 1.0
    if count < n:
        return (count, bar.high, bar.low, bar.close, plus, minus, ranges, adx), (math.nan, math.nan, math.nan)
    adx += 100.0 * (abs(plus - minus) / both) if both > 0.0 else 0.0
    is_first = count == 2.0 * n - 1.0
    adx = adx * weight if is_first else adx
    state = (count, bar.high, bar.low, bar.close, plus, minus, ranges, adx)
    return state, (adx if is_first else math.nan, plus * per_range, minus * per_range)


@dataclass(frozen=True, slots=True)
class Adx:
    """Average directional index over `n` bars (at least 2), with the plus and the minus direction it is made of.

    Raises
    ------
    BadInputError
        If `n` is out of range.
    """

    n: int = 14

    name: ClassVar[str] = "adx"
    inputs: ClassVar[tuple[str, ...]] = (
        "high",
        "low",
        "close",
    )
    docs: ClassVar[StepDocs] = StepDocs(
        family="trend",
        title="Average directional index",
        formula="+DM = high_t - high_{t-1} where that is positive and above low_{t-1} - low_t, -DM vice versa; "
        "+DI and -DI are 100 times their Wilder sums over that of the true range; ADX averages 100 |+DI - -DI| / "
        "(+DI + -DI) with weight 1 / n, started by the mean of n. Without any movement DI is 0 and ADX stays",
        units=("0 to 100", "0 to 100", "0 to 100"),
        gap_rule="a missing bar is skipped: movement and range are taken from the last bar there is",
        nan_rule="a bar with NaN in an input gives NaN and is otherwise treated as missing",
        reference="J. Welles Wilder, New Concepts in Technical Trading Systems (1978); TA-Lib, TA_ADX, TA_PLUS_DI, "
        "TA_MINUS_DI",
    )

    def __post_init__(self) -> None:
        check_length(self.name, self.n, minimum=2)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The index and the two directions, each from 0 to 100; the directions begin n - 1 bars earlier."""
        return f"adx_{self.n}", f"plus_di_{self.n}", f"minus_di_{self.n}"

    @property
    def warmup(self) -> int:
        """The first index is the mean of n values, the first of which needs n + 1 bars."""
        return 2 * self.n - 1

    @property
    def params(self) -> Values:
        """Return n and the weight of the newest value."""
        return float(self.n), 1.0 / self.n

    @property
    def kernel(self) -> Kernel:
        """Return :func:`adx_kernel`."""
        return adx_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Nothing seen."""
        return (-1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0), NO_WINDOW
