"""What the reconciliation of sources is written in: the codes of a bar, what is said of it, and what is remembered."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.measures.rolling_median import Windows, new_windows

OK: Final = 0
MISSING: Final = 1
MALFORMED: Final = 2
STALE: Final = 3
SHIFTED: Final = 4
SCALED: Final = 5
PRICE: Final = 6
DISAGREE: Final = 7
RECOVERING: Final = 8
VOLUME: Final = 9
ABSENT: Final = 10
REASONS: Final = (
    "", "missing", "malformed", "stale", "shifted", "scaled", "price", "disagree", "recovering", "volume", "absent",
)  # fmt: skip
"""What a code of a bar means; an absent bar is one of before its source began or after it ended."""

DEVIATION_BPS: Final = 0
Z: Final = 1
WEIGHT: Final = 2
PREMIUM_BPS: Final = 3
TRUST: Final = 4
COMPLETENESS: Final = 5
AGREEMENT: Final = 6
CLOSENESS: Final = 7
NUMBERS: Final = 8
"""Columns of what is said of each source and bar."""

PREMIUM_BARS: Final = 24
SCALE_BARS: Final = 168
ENOUGH: Final = 24
"""Bars from which on a window's median counts."""
LOOK_BACK: Final = 52
"""Bars of each source that are remembered: shifts of up to `LONGEST_SHIFT` bars are looked for over `SHIFT_BARS`."""
LONGEST_SHIFT: Final = 48
SHIFT_BARS: Final = 4

TOO_FAR: Final = 6.0
"""Robust standard deviations at which two sources differ."""
SUSPECTED_TOO_FAR: Final = 3.0
"""The same where one of the two has a bar that is odd beside its own last one."""
LEAST_NOISE: Final = 2e-4
LEAST_RANGE: Final = 5e-4
DIRECT_PREMIUM: Final = 0.01
CONVERTED_PREMIUM: Final = 0.10
"""The most by which a source may differ from another for long and still be taken for right."""
VOLUME_FACTOR: Final = math.log(20.0)
VOLUME_TOO_FAR: Final = 8.0
VOLUME_SURELY: Final = math.log(200.0)
"""A volume is off beyond that factor if it is so many standard deviations off, and beyond this one in any case."""
USUALLY_FLAT: Final = 0.2
"""Share of bars that did not move from which on standing still says nothing."""
GONE_AFTER: Final = 720
"""Bars without any of a source after which it has ended rather than missing them."""
PROBATION: Final = 3
"""Bars in agreement after which a source that was wrong is believed again."""
TRUST_DECAY: Final = 0.5 ** (1.0 / 30.0)
"""What a day does to the weight of the days before it: half of it is gone in 30."""
CLOSE_BPS: Final = 25.0
LEAST_TRUST: Final = 0.01

PER_PAIR: Final = 6
P_CLOSE: Final = 0
P_NOISE: Final = 1
P_NOISE_OF_RANGE: Final = 2
P_RETURN: Final = 3
P_RETURN_OF_RANGE: Final = 4
P_VOLUME: Final = 5
PER_SOURCE: Final = 5
S_GAP: Final = 0
S_RETURN: Final = 1
S_VOLUME: Final = 2
S_DEVIATION: Final = 3
S_NOISE: Final = 4
"""The windows of each pair of sources, and then those of each source."""

OPEN: Final = 0
HIGH: Final = 1
LOW: Final = 2
CLOSE: Final = 3
BASE_VOLUME: Final = 4
IS_WRONG: Final = 5
"""What is remembered of a bar."""

SINCE: Final = 0
PROBATION_LEFT: Final = 1
LAST_CODE: Final = 2
FLAT_RATE: Final = 3
EXPECTED: Final = 4
PRESENT: Final = 5
COMPARED: Final = 6
RIGHT: Final = 7
RUN: Final = 8
TODAY: Final = 9
"""What is counted of a source; from `TODAY` on its trust of today and the three parts of it."""
_OWN = 13

Bars = NDArray[np.float64]
Codes = NDArray[np.int64]


class State(NamedTuple):
    """What is remembered between two bars.

    Attributes
    ----------
    windows : Windows
        `PER_PAIR` for each pair of sources, then `PER_SOURCE` for each source.
    past : ndarray of float64, shape (LOOK_BACK, 6, n_sources)
        The last bars around a ring: open, high, low, close, volume, and whether the bar was wrong.
    own : ndarray of float64, shape (n_sources, 13)
        What is counted of each source.
    at : ndarray of int64, shape (2,)
        Bars seen, and the day of the last one.
    """

    windows: Windows
    past: NDArray[np.float64]
    own: NDArray[np.float64]
    at: NDArray[np.int64]


class Reconciled(NamedTuple):
    """What is said of every bar.

    Attributes
    ----------
    code : ndarray of int64, shape (n_bars, n_sources)
        Index into `REASONS`.
    numbers : ndarray of float64, shape (n_bars, n_sources, NUMBERS)
        Deviation from the consensus in bps and its robust z, the weight in the consensus (0 if not in it), the premium
        taken off in bps, trust and its three parts; NaN where there is none.
    price : ndarray of float64, shape (n_bars, 2)
        The consensus, and the spread between the sources in it in bps; NaN if nothing can be said.
    """

    code: Codes
    numbers: NDArray[np.float64]
    price: NDArray[np.float64]


def new_state(n_sources: int) -> State:
    """Return the state of before the first bar."""
    n_windows = n_sources * (n_sources - 1) // 2 * PER_PAIR + n_sources * PER_SOURCE
    own = np.zeros((n_sources, _OWN))
    own[:, TODAY:] = 0.5
    own[:, SINCE] = -1.0
    past = np.full((LOOK_BACK, 6, n_sources), np.nan)
    return State(new_windows(n_windows, SCALE_BARS), past, own, np.array([0, -1], dtype=np.int64))
