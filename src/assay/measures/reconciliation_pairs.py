"""What two sources of one price differ by, and how odd a bar is beside its own past."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.measures.reconciliation_terms import (
    BASE_VOLUME,
    CLOSE,
    CONVERTED_PREMIUM,
    DIRECT_PREMIUM,
    ENOUGH,
    HIGH,
    IS_WRONG,
    LEAST_NOISE,
    LEAST_RANGE,
    LOOK_BACK,
    LOW,
    OK,
    OPEN,
    P_CLOSE,
    P_NOISE,
    P_NOISE_OF_RANGE,
    P_RETURN,
    P_RETURN_OF_RANGE,
    P_VOLUME,
    PER_PAIR,
    PER_SOURCE,
    PREMIUM_BARS,
    PRICE,
    RUN,
    S_GAP,
    S_RETURN,
    S_VOLUME,
    SCALE_BARS,
    SCALED,
    SHIFTED,
    TOO_FAR,
    VOLUME_FACTOR,
    Bars,
    Codes,
    State,
)  # fmt: skip
from assay.measures.rolling_median import middle, push

_MAD = 1.4826  # makes a median of absolute values a standard deviation of normal ones
_GAP_NOISE = 8.0
_LEAST_GAP = 5e-4
_JUMP = 6.0


class Pairs(NamedTuple):
    """What the pairs of sources say at one bar; index ``[i, j]`` with i < j.

    Attributes
    ----------
    far : ndarray, shape (n_sources, n_sources)
        How many standard deviations two differ by; NaN if they are not compared.
    close, returns : ndarray, shape (n_sources, n_sources)
        Differences of the log closes without the premium, and of the returns.
    premium, noise : ndarray, shape (n_sources, n_sources)
        The usual difference of the log closes, and its standard deviation.
    """

    far: NDArray[np.float64]
    close: NDArray[np.float64]
    returns: NDArray[np.float64]
    premium: NDArray[np.float64]
    noise: NDArray[np.float64]


def pair_row(i: int, j: int, n_sources: int) -> int:
    """Return the row of the first window of the pair i < j."""
    return (i * n_sources - i * (i + 1) // 2 + j - i - 1) * PER_PAIR


def source_row(s: int, n_sources: int) -> int:
    """Return the row of the first window of a source."""
    return n_sources * (n_sources - 1) // 2 * PER_PAIR + s * PER_SOURCE


def compare(  # noqa: PLR0917  (a kernel takes no keyword-only parameters)
    bar: Bars, code: Codes, is_converted: NDArray[np.bool_], state: State, pairs: Pairs
) -> None:
    """Fill `pairs` for the sources with nothing against them so far."""
    n_sources = code.size
    for i in range(n_sources):
        for j in range(i + 1, n_sources):
            pairs.far[i, j] = math.nan
            row = pair_row(i, j, n_sources)
            limit = CONVERTED_PREMIUM if is_converted[i] or is_converted[j] else DIRECT_PREMIUM
            is_known = state.windows.filled[row] >= ENOUGH // 2
            premium = middle(state.windows, row + P_CLOSE) if is_known else 0.0
            pairs.premium[i, j] = min(max(premium, -limit), limit)
            pairs.noise[i, j] = LEAST_NOISE
            if code[i] != OK or code[j] != OK:
                continue
            pairs.close[i, j] = math.log(bar[CLOSE, i] / bar[CLOSE, j]) - pairs.premium[i, j]
            pairs.returns[i, j] = math.log(bar[CLOSE, i] / bar[OPEN, i] / (bar[CLOSE, j] / bar[OPEN, j]))
            room = _range(bar, i, j)
            if state.windows.filled[row + P_NOISE] < ENOUGH:
                pairs.far[i, j] = TOO_FAR * abs(pairs.close[i, j]) / (2.0 * limit)
                continue
            noise = max(
                _MAD * middle(state.windows, row + P_NOISE),
                _MAD * middle(state.windows, row + P_NOISE_OF_RANGE) * room,
                LEAST_NOISE,
            )
            of_returns = max(
                _MAD * middle(state.windows, row + P_RETURN),
                _MAD * middle(state.windows, row + P_RETURN_OF_RANGE) * room,
                LEAST_NOISE,
            )
            pairs.noise[i, j] = noise
            pairs.far[i, j] = max(abs(pairs.close[i, j]) / noise, abs(pairs.returns[i, j]) / of_returns)


def _range(bar: Bars, i: int, j: int) -> float:
    """Return the smaller log range of two bars, which one that is wrong does not widen."""
    of_one, of_other = math.log(bar[HIGH, i] / bar[LOW, i]), math.log(bar[HIGH, j] / bar[LOW, j])
    return float(max(min(of_one, of_other), LEAST_RANGE))


def suspicion(bar: Bars, s: int, state: State) -> float:
    """Return how odd a bar is beside the source's own last one; above 1 it is odd."""
    if state.at[0] == 0:
        return 0.0
    past = state.past[(state.at[0] - 1) % LOOK_BACK]
    if math.isnan(past[CLOSE, s]) or past[IS_WRONG, s] == 1.0:
        return 0.0
    row = source_row(s, state.own.shape[0])
    if state.windows.filled[row + S_GAP] < ENOUGH:
        return 0.0
    gap = abs(math.log(bar[OPEN, s] / past[CLOSE, s]))
    jump = abs(math.log(bar[CLOSE, s] / past[CLOSE, s]))
    odd_gap = gap / (_LEAST_GAP + _GAP_NOISE * _MAD * middle(state.windows, row + S_GAP))
    odd_jump = jump / (LEAST_NOISE + _JUMP * _MAD * middle(state.windows, row + S_RETURN))
    return float(max(odd_gap, odd_jump))


def excess_volume(bar: Bars, s: int, state: State) -> float:
    """Return the log of a source's volume over its usual one; NaN if there is none."""
    volume = bar[BASE_VOLUME, s]
    if not volume > 0.0:
        return math.nan
    return math.log(volume) - middle(state.windows, source_row(s, state.own.shape[0]) + S_VOLUME)


def remember_pairs(  # noqa: PLR0917
    bar: Bars, code: Codes, is_converted: NDArray[np.bool_], state: State, pairs: Pairs
) -> None:
    """Put what two sources differ by into their windows, cut where it is too much, so that one bar moves nothing."""
    n_sources, windows = code.size, state.windows
    for i in range(n_sources):
        for j in range(i + 1, n_sources):
            if math.isnan(pairs.far[i, j]) or SHIFTED <= code[i] <= SCALED or SHIFTED <= code[j] <= SCALED:
                continue
            row = pair_row(i, j, n_sources)
            limit = CONVERTED_PREMIUM if is_converted[i] or is_converted[j] else DIRECT_PREMIUM
            level = pairs.close[i, j] + pairs.premium[i, j]
            if abs(level) > 2.0 * limit:
                continue
            # A price that has been off for as long as a premium takes to learn may be a new premium.
            if (code[i] != PRICE or state.own[i, RUN] > PREMIUM_BARS) and (
                code[j] != PRICE or state.own[j, RUN] > PREMIUM_BARS
            ):
                push(windows, row + P_CLOSE, level, PREMIUM_BARS)
            room = _range(bar, i, j)
            far = pairs.far[i, j]
            # What is too far counts as just too far: half of a window has to be so before that is the usual size.
            cut = TOO_FAR / far if far > TOO_FAR else 1.0
            for at, apart in ((P_NOISE, abs(pairs.close[i, j])), (P_RETURN, abs(pairs.returns[i, j]))):
                push(windows, row + at, cut * apart, SCALE_BARS)
                push(windows, row + at + 1, cut * apart / room, SCALE_BARS)
            apart = abs(excess_volume(bar, i, state) - excess_volume(bar, j, state))
            push(windows, row + P_VOLUME, min(apart, 2.0 * VOLUME_FACTOR), SCALE_BARS)
