"""Support and resistance: prices at which the market turned, known from the bar that confirms the turn and never moved.

A pivot is a high above, or a low below, the `wing` bars on each side of it; it is confirmed when the last of these
closes, and nothing is said of it before. A pivot within `width` average true ranges of a level is one more touch of
it; any other begins a level, whose price, and the moment it was confirmed at, then stay as they are. Of the 16 levels
that are remembered, a new one replaces that whose last touch is longest ago.

>>> Levels().outputs[:3]
('support_5_14_0p5', 'support_touches_5_14_0p5', 'support_since_5_14_0p5')
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from assay.features.bars import Bar, FloatArray
from assay.features.step import Kernel, StepDocs, Values, check_factor, check_length, text_of

_KEPT = 16
_FIELDS = 4
_PRICE, _TOUCHES, _SINCE, _LAST = range(_FIELDS)
"""Of a level: its price, how often the market turned there, when it was confirmed, and when it was last touched."""
_LONGEST_WING = 250


def levels_kernel(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold the bars seen, up to the longest that anything waits for; the last close and the true range's average.

    The window holds the highs and the lows of the last ``2 wing + 1`` bars, each from its oldest on, then the levels.
    """
    count, last, true_range = state
    wing, n, width, waits = int(params[0]), params[1], params[2], params[3]
    if math.isnan(bar.high) or math.isnan(bar.low) or math.isnan(bar.close):
        return state, (math.nan, math.nan, math.nan, math.nan, math.nan, math.nan)
    if count > 0.0:
        widest = max(bar.high, last) - min(bar.low, last)
        if count < n:
            true_range += widest
        elif count == n:
            true_range = (true_range + widest) / n
        else:
            true_range = (true_range * (n - 1.0) + widest) / n
    count = min(count + 1.0, waits + 1.0)
    span = 2 * wing + 1
    for i in range(span - 1):
        window[i] = window[i + 1]
        window[span + i] = window[span + i + 1]
    window[span - 1] = bar.high
    window[2 * span - 1] = bar.low
    if count > n and count >= span:
        close_to = width * true_range
        if _is_pivot(window, 0, wing, 1.0):
            _touch(window, 2 * span, window[wing], close_to, float(bar.close_time))
        if _is_pivot(window, span, wing, -1.0):
            _touch(window, 2 * span, window[span + wing], close_to, float(bar.close_time))
    below, above = _nearest(window, 2 * span, bar.close)
    after = (count, float(bar.close), true_range)
    if count <= waits:
        return after, (math.nan, math.nan, math.nan, math.nan, math.nan, math.nan)
    return after, (
        window[below + _PRICE] if below >= 0 else math.nan,
        window[below + _TOUCHES] if below >= 0 else 0.0,
        window[below + _SINCE] if below >= 0 else math.nan,
        window[above + _PRICE] if above >= 0 else math.nan,
        window[above + _TOUCHES] if above >= 0 else 0.0,
        window[above + _SINCE] if above >= 0 else math.nan,
    )


def _is_pivot(window: FloatArray, at: int, wing: int, sign: float) -> bool:
    """Whether the middle bar stands above those before it, and not below those after it: of equal ones the first."""
    middle = sign * window[at + wing]
    for i in range(wing):  # noqa: SIM110  # numba compiles the loop faster than a generator
        if sign * window[at + i] >= middle or sign * window[at + wing + 1 + i] > middle:
            return False
    return True


def _touch(window: FloatArray, at: int, price: float, close_to: float, moment: float) -> None:  # noqa: PLR0917
    """Count a pivot as a touch of the nearest level, or remember it as a new one."""
    nearest, distance, oldest = -1, math.inf, at
    for i in range(at, at + _KEPT * _FIELDS, _FIELDS):
        # A free place was touched at -inf: longer ago than any level.
        if window[i + _LAST] < window[oldest + _LAST]:
            oldest = i
        apart = abs(window[i + _PRICE] - price)
        if apart <= close_to and apart < distance:
            nearest, distance = i, apart
    if nearest >= 0:
        window[nearest + _TOUCHES] += 1.0
        window[nearest + _LAST] = moment
    else:
        window[oldest + _PRICE] = price
        window[oldest + _TOUCHES] = 1.0
        window[oldest + _SINCE] = moment
        window[oldest + _LAST] = moment


def _nearest(window: FloatArray, at: int, close: float) -> tuple[int, int]:
    """Return the places of the highest level at or below the close and of the lowest above it; -1 for none."""
    below, above = -1, -1
    for i in range(at, at + _KEPT * _FIELDS, _FIELDS):
        price = window[i + _PRICE]
        if price <= close and (below < 0 or price > window[below + _PRICE]):
            below = i
        if price > close and (above < 0 or price < window[above + _PRICE]):
            above = i
    return below, above


@dataclass(frozen=True, slots=True)
class Levels:
    """Nearest support and resistance from confirmed pivots.

    Parameters
    ----------
    wing : int
        Bars on each side of a pivot; it is confirmed so many bars after it.
    n : int
        Bars of the average true range, Wilder's.
    width : float
        How many of these a pivot may be from a level to count as a touch of it.

    Raises
    ------
    BadInputError
        If a parameter is out of range.
    """

    wing: int = 5
    n: int = 14
    width: float = 0.5

    name: ClassVar[str] = "levels"
    inputs: ClassVar[tuple[str, ...]] = ("high", "low", "close")
    docs: ClassVar[StepDocs] = StepDocs(
        family="levels",
        title="Support and resistance",
        formula="of the prices of confirmed pivots, those within width average true ranges of each other being one, "
        "the highest at or below the close and the lowest above it; with how often the market turned there and since "
        "when the level is known; NaN, and no touches, where there is none",
        units=("quote units per base unit", "turns", "microseconds since the epoch") * 2,
        gap_rule="wings and averages count the bars there are, whatever time lies between them",
        nan_rule="a bar whose high, low or close is NaN gives NaN and is otherwise treated as missing",
        reference="Pivots as in T. DeMark, The New Science of Technical Analysis (1994), ch. 1; J. Welles Wilder "
        "(1978) for the average true range; clusters by definition",
        undefined="while no level is known on that side of the close",
        endless="a level stays until 16 others have been touched after it, however long ago that was",
    )

    def __post_init__(self) -> None:
        check_length(self.name, self.wing, maximum=_LONGEST_WING)
        check_length(self.name, self.n, minimum=2)
        check_factor(self.name, self.width, minimum=0.0, maximum=100.0)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Price, touches and moment of confirmation of the support, and of the resistance."""
        numbers = f"{self.wing}_{self.n}_{text_of(self.width)}"
        return tuple(
            f"{side}{what}_{numbers}" for side in ("support", "resistance") for what in ("", "_touches", "_since")
        )

    @property
    def warmup(self) -> int:
        """No level is known before an average of n true ranges and a whole pair of wings."""
        return max(self.n, 2 * self.wing)

    @property
    def params(self) -> Values:
        """Return the three parameters, and the warm-up."""
        return float(self.wing), float(self.n), float(self.width), float(self.warmup)

    @property
    def kernel(self) -> Kernel:
        """Return :func:`levels_kernel`."""
        return levels_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Nothing seen, and every place for a level free."""
        bars = np.full(2 * (2 * self.wing + 1), math.nan)
        free = np.tile([math.nan, 0.0, math.nan, -math.inf], _KEPT)
        return (0.0, 0.0, 0.0), np.concatenate([bars, free])
