"""The loop of :mod:`assay.measures.reconciliation`: plain functions over arrays, which a pipeline compiles.

One bar goes through it in this order: what each source says by itself, what each pair says, who is wrong, volumes, the
consensus, and what is remembered.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from assay.measures.reconciliation_pairs import Pairs, compare, pair_row, remember_pairs, source_row
from assay.measures.reconciliation_terms import (
    ABSENT,
    BASE_VOLUME,
    CLOSE,
    CLOSE_BPS,
    CLOSENESS,
    COMPARED,
    DEVIATION_BPS,
    DISAGREE,
    ENOUGH,
    EXPECTED,
    FLAT_RATE,
    HIGH,
    IS_WRONG,
    LAST_CODE,
    LEAST_NOISE,
    LEAST_TRUST,
    LOOK_BACK,
    LOW,
    MALFORMED,
    MISSING,
    OK,
    OPEN,
    PREMIUM_BPS,
    PRESENT,
    RECOVERING,
    RIGHT,
    RUN,
    S_DEVIATION,
    S_GAP,
    S_NOISE,
    S_RETURN,
    S_VOLUME,
    SCALE_BARS,
    SINCE,
    TODAY,
    TRUST,
    TRUST_DECAY,
    VOLUME,
    WEIGHT,
    Bars,
    Codes,
    Reconciled,
    State,
    Z,
)  # fmt: skip
from assay.measures.reconciliation_verdict import check_volumes, mind_the_past, own_code, settle
from assay.measures.rolling_median import middle, push

_MAD = 1.4826  # makes a median of absolute values a standard deviation of normal ones


def reconcile_loop(  # noqa: PLR0917  (a kernel takes no keyword-only parameters)
    bars: Bars, day: NDArray[np.int64], is_converted: NDArray[np.bool_], state: State, found: Reconciled
) -> int:
    """Fill `found`, going on from `state`; see :func:`assay.measures.reconciliation.reconcile`."""
    n_bars, _, n_sources = bars.shape
    square = (n_sources, n_sources)
    pairs = Pairs(np.zeros(square), np.zeros(square), np.zeros(square), np.zeros(square), np.zeros(square))
    for t in range(n_bars):
        bar, code = bars[t], found.code[t]
        _begin_day(day[t], state)
        for s in range(n_sources):
            code[s] = own_code(bar, s, state)
        compare(bar, code, is_converted, state, pairs)
        settle(bar, code, state, pairs)
        mind_the_past(code, state)
        check_volumes(bar, code, state)
        _agree(bar, is_converted, state, pairs, found, t)
        remember_pairs(bar, code, is_converted, state, pairs)
        _remember(bar, code, state)
    return int(n_bars)


def _begin_day(day: int, state: State) -> None:
    """Make the trust of the days before what counts today."""
    if day == state.at[1]:
        return
    for s in range(state.own.shape[0]):
        own = state.own[s]
        row = source_row(s, state.own.shape[0])
        noise_bps = 1e4 * _MAD * middle(state.windows, row + S_NOISE)
        own[TODAY + 1] = (own[PRESENT] + 1.0) / (own[EXPECTED] + 2.0)
        own[TODAY + 2] = (own[RIGHT] + 1.0) / (own[COMPARED] + 2.0)
        own[TODAY + 3] = 0.5 if math.isnan(noise_bps) else 1.0 / (1.0 + noise_bps / CLOSE_BPS)
        own[TODAY] = own[TODAY + 1] * own[TODAY + 2] * own[TODAY + 3]
        if state.at[1] >= 0:
            fade = TRUST_DECAY ** (day - state.at[1])
            for counter in range(EXPECTED, RIGHT + 1):
                own[counter] *= fade
    state.at[1] = day


def _agree(  # noqa: PLR0917  (a kernel takes no keyword-only parameters)
    bar: Bars, is_converted: NDArray[np.bool_], state: State, pairs: Pairs, found: Reconciled, t: int
) -> None:
    """Write the consensus of the sources that are right, and how far each source is from it."""
    code, numbers, n_sources = found.code[t], found.numbers[t], is_converted.size
    price, weight, total = np.zeros(n_sources), np.zeros(n_sources), 0.0
    for s in range(n_sources):
        price[s] = math.nan
        for part in range(CLOSENESS - TRUST + 1):
            numbers[s, TRUST + part] = state.own[s, TODAY + part] if code[s] != ABSENT else math.nan
        if code[s] in (ABSENT, MISSING, MALFORMED):
            continue
        numbers[s, PREMIUM_BPS] = _premium(s, is_converted, state, pairs) if is_converted[s] else 0.0
        price[s] = math.log(bar[CLOSE, s]) - numbers[s, PREMIUM_BPS] / 1e4
        numbers[s, WEIGHT] = 0.0
        if code[s] == OK and not math.isnan(price[s]):
            weight[s] = max(state.own[s, TODAY], LEAST_TRUST)
            total += weight[s]
    if total == 0.0:
        return
    consensus = _weighted_median(price, weight, total)
    lowest, highest, n_used = math.inf, -math.inf, 0
    for s in range(n_sources):
        if weight[s] > 0.0:
            lowest, highest, n_used = min(lowest, price[s]), max(highest, price[s]), n_used + 1
            numbers[s, WEIGHT] = weight[s] / total
    found.price[t, 0] = math.exp(consensus)
    found.price[t, 1] = 1e4 * (highest - lowest)
    for s in range(n_sources):
        if not math.isnan(price[s]):
            is_usual = n_used > 1 and weight[s] > 0.0
            _measure(numbers[s], price[s] - consensus, source_row(s, n_sources), is_usual, state)


def _measure(  # noqa: PLR0917
    numbers: NDArray[np.float64],
    deviation: float,
    row: int,
    is_usual: bool,  # noqa: FBT001
    state: State,
) -> None:
    """Write a deviation and how unusual it is beside the source's own; a usual one becomes part of that."""
    windows = state.windows
    usual = middle(windows, row + S_DEVIATION)
    numbers[DEVIATION_BPS] = 1e4 * deviation
    if windows.filled[row + S_NOISE] >= ENOUGH:
        numbers[Z] = (deviation - usual) / max(_MAD * middle(windows, row + S_NOISE), LEAST_NOISE)
    if is_usual:
        push(windows, row + S_NOISE, abs(deviation - usual), SCALE_BARS)
        push(windows, row + S_DEVIATION, deviation, SCALE_BARS)


def _premium(s: int, is_converted: NDArray[np.bool_], state: State, pairs: Pairs) -> float:
    """Return how much more a source costs than those it stands in for, in bps; NaN until that is known."""
    total, count = 0.0, 0
    for other in range(is_converted.size):
        if not is_converted[other]:
            i, j = min(s, other), max(s, other)
            if state.windows.filled[pair_row(i, j, is_converted.size)] >= ENOUGH // 2:
                total += pairs.premium[i, j] if s == i else -pairs.premium[i, j]
                count += 1
    return 1e4 * total / count if count > 0 else math.nan


def _weighted_median(price: NDArray[np.float64], weight: NDArray[np.float64], total: float) -> float:
    """Return the weighted median, linear between the middles of the weights: of two prices their weighted mean."""
    below, last_price, last_at = 0.0, -math.inf, 0.0
    while True:
        nearest = -1
        for s in range(price.size):
            is_next = weight[s] > 0.0 and price[s] > last_price
            if is_next and (nearest < 0 or price[s] < price[nearest]):
                nearest = s
        share = 0.0
        for s in range(price.size):
            share += weight[s] if weight[s] > 0.0 and price[s] == price[nearest] else 0.0
        at = (below + share / 2.0) / total
        if at >= 0.5 or below + share >= total * (1.0 - 1e-12):
            if last_price == -math.inf or at < 0.5:
                return float(price[nearest])
            return float(last_price + (price[nearest] - last_price) * (0.5 - last_at) / (at - last_at))
        below, last_price, last_at = below + share, price[nearest], at


def _remember(bar: Bars, code: Codes, state: State) -> None:
    """Count the bar, and keep it."""
    n_sources, windows = code.size, state.windows
    n_here = 0
    for s in range(n_sources):
        n_here += code[s] not in (ABSENT, MISSING)
    here, before = state.past[state.at[0] % LOOK_BACK], state.past[(state.at[0] - 1) % LOOK_BACK]
    for s in range(n_sources):
        own, row = state.own[s], source_row(s, n_sources)
        own[LAST_CODE] = code[s]
        for part in range(IS_WRONG + 1):
            here[part, s] = math.nan
        if code[s] == ABSENT:
            continue
        own[EXPECTED] += 1.0
        if code[s] == MISSING:
            continue
        own[SINCE] = state.at[0]
        own[PRESENT] += 1.0
        if n_here > 1:
            own[COMPARED] += 1.0
            own[RIGHT] += 1.0 if code[s] in (OK, RECOVERING) else 0.5 if code[s] == DISAGREE else 0.0
        is_wrong = MALFORMED <= code[s] <= DISAGREE
        own[RUN] = own[RUN] + 1.0 if is_wrong else 0.0
        if code[s] != MALFORMED:
            own[FLAT_RATE] += ((bar[HIGH, s] == bar[LOW, s]) - own[FLAT_RATE]) / SCALE_BARS
            for part in range(IS_WRONG):
                here[part, s] = bar[part, s]
            here[IS_WRONG, s] = 1.0 if is_wrong else 0.0
        if not is_wrong:
            if not math.isnan(before[CLOSE, s]) and before[IS_WRONG, s] == 0.0:
                push(windows, row + S_GAP, abs(math.log(bar[OPEN, s] / before[CLOSE, s])), SCALE_BARS)
            push(windows, row + S_RETURN, abs(math.log(bar[CLOSE, s] / bar[OPEN, s])), SCALE_BARS)
            if bar[BASE_VOLUME, s] > 0.0 and code[s] != VOLUME:
                push(windows, row + S_VOLUME, math.log(bar[BASE_VOLUME, s]), SCALE_BARS)
    state.at[0] += 1
