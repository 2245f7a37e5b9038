"""Who is wrong at a bar, and why: parts of the loop of :mod:`assay.measures.reconciliation_loop`."""

from __future__ import annotations

import math

import numpy as np

from assay.measures.reconciliation_pairs import Pairs, excess_volume, pair_row, suspicion
from assay.measures.reconciliation_terms import (
    ABSENT,
    BASE_VOLUME,
    CLOSE,
    DISAGREE,
    ENOUGH,
    FLAT_RATE,
    GONE_AFTER,
    HIGH,
    IS_WRONG,
    LAST_CODE,
    LONGEST_SHIFT,
    LOOK_BACK,
    LOW,
    MALFORMED,
    MISSING,
    OK,
    OPEN,
    P_VOLUME,
    PREMIUM_BARS,
    PRICE,
    PROBATION,
    PROBATION_LEFT,
    RECOVERING,
    RUN,
    SCALED,
    SHIFT_BARS,
    SHIFTED,
    SINCE,
    STALE,
    SUSPECTED_TOO_FAR,
    TOO_FAR,
    USUALLY_FLAT,
    VOLUME,
    VOLUME_FACTOR,
    VOLUME_SURELY,
    VOLUME_TOO_FAR,
    Bars,
    Codes,
    State,
)  # fmt: skip
from assay.measures.rolling_median import middle

_MAD = 1.4826  # makes a median of absolute values a standard deviation of normal ones
_CLEARLY = 3.0
_ALONE = 5.0
_NEAR = 3.0


def own_code(bar: Bars, s: int, state: State) -> int:
    """Return what a source's bar says by itself and beside the source's own past."""
    o, h, low, c, v = bar[OPEN, s], bar[HIGH, s], bar[LOW, s], bar[CLOSE, s], bar[BASE_VOLUME, s]
    own, seen = state.own[s], state.at[0]
    if math.isnan(c):
        return ABSENT if own[SINCE] < 0.0 or seen - own[SINCE] > GONE_AFTER else MISSING
    if not (low > 0.0 and h >= max(o, c) and low <= min(o, c) and h < math.inf) or v < 0.0:
        return MALFORMED
    lag = _copied_from(bar, s, state)
    if lag > 0:
        return STALE if lag == 1 else SHIFTED
    is_flat = h == low
    last = state.past[(seen - 1) % LOOK_BACK, CLOSE, s] if seen > 0 else math.nan
    if is_flat and c == last and (own[FLAT_RATE] < USUALLY_FLAT or own[LAST_CODE] == STALE):
        for other in range(bar.shape[1]):
            if other != s and bar[HIGH, other] > bar[LOW, other]:
                return STALE
    return OK


def _copied_from(bar: Bars, s: int, state: State) -> int:
    """Return how many bars ago the source had this very bar, right then; 0 if it had not."""
    o, h, low, c = bar[OPEN, s], bar[HIGH, s], bar[LOW, s], bar[CLOSE, s]
    # Three prices at least: in coarse ticks two may well come again.
    if not (low < o < h or low < c < h):
        return 0
    for lag in range(1, min(LONGEST_SHIFT, state.at[0]) + 1):
        past = state.past[(state.at[0] - lag) % LOOK_BACK]
        if past[OPEN, s] == o and past[CLOSE, s] == c and past[HIGH, s] == h and past[LOW, s] == low:
            is_same = past[BASE_VOLUME, s] == bar[BASE_VOLUME, s] and bar[BASE_VOLUME, s] > 0.0
            if past[IS_WRONG, s] == 0.0 and (is_same or lag == 1):
                return lag
    return 0


def settle(bar: Bars, code: Codes, state: State, pairs: Pairs) -> None:
    """Decide who is wrong among the sources that differ."""
    n_sources = code.size
    votes = np.zeros(n_sources, dtype=np.int64)
    n_heard, n_far, best = 0, 0, 0
    for i in range(n_sources):
        n_heard += code[i] == OK
        for j in range(i + 1, n_sources):
            if code[i] == OK and code[j] == OK:
                is_far = _is_far(bar, i, j, state, pairs)
                n_far += is_far
                votes[i] += not is_far
                votes[j] += not is_far
    for s in range(n_sources):
        best = s if votes[s] > votes[best] else best
    if n_heard == 1:
        _hear_alone(bar, code, state)
    elif n_far > 0 and (n_heard == 2 or 2 * (votes[best] + 1) <= n_heard):
        _blame(bar, code, state, pairs)
    elif n_far > 0:
        for s in range(n_sources):
            if code[s] == OK and s != best and pairs.far[min(s, best), max(s, best)] > TOO_FAR:
                code[s] = _cause(bar, s, best, state, pairs)


def _is_far(  # noqa: PLR0917
    bar: Bars, i: int, j: int, state: State, pairs: Pairs
) -> bool:
    """Return whether two sources differ; what one's own past speaks against needs less."""
    if SUSPECTED_TOO_FAR < pairs.far[i, j] <= TOO_FAR:
        of_one, of_other = suspicion(bar, i, state), suspicion(bar, j, state)
        if max(of_one, of_other) > max(1.0, _CLEARLY * min(of_one, of_other)):
            pairs.far[i, j] = 2.0 * TOO_FAR
    return bool(pairs.far[i, j] > TOO_FAR)


def _hear_alone(bar: Bars, code: Codes, state: State) -> None:
    """Doubt the only source that is heard where it has just been wrong, or moves as no price does."""
    for s in range(code.size):
        if code[s] != OK:
            continue
        last_code = int(state.own[s, LAST_CODE])
        if SHIFTED <= last_code <= DISAGREE:
            # Nobody can say that it is right again, but a price may stay where it went; a wrong unit may not.
            if last_code == SCALED or state.own[s, RUN] <= PREMIUM_BARS:
                code[s] = last_code
        elif suspicion(bar, s, state) > _ALONE:
            past = state.past[(state.at[0] - 1) % LOOK_BACK, CLOSE, s]
            code[s] = SCALED if abs(math.log(bar[CLOSE, s] / past)) > 1.0 else PRICE


def _blame(bar: Bars, code: Codes, state: State, pairs: Pairs) -> None:
    """Decide between sources without a majority, by the past of each; or say that they disagree."""
    guilty, peer = _guilty(bar, code, state), -1
    for s in range(code.size):
        if code[s] == OK and s != guilty:
            peer = s
    cause = _cause(bar, guilty, peer, state, pairs) if guilty >= 0 else DISAGREE
    for s in range(code.size):
        if code[s] == OK and (guilty < 0 or s == guilty):
            code[s] = cause
    # The others have to agree among themselves.
    for i in range(code.size):
        for j in range(i + 1, code.size):
            if code[i] in (OK, DISAGREE) and code[j] in (OK, DISAGREE) and pairs.far[i, j] > TOO_FAR:
                code[i], code[j] = DISAGREE, DISAGREE


def _guilty(bar: Bars, code: Codes, state: State) -> int:
    """Return the source that was wrong already, or else whose bar is clearly the oddest; -1 if none stands out."""
    first, second, oddest = 0.0, 0.0, -1
    n_suspected, suspect = 0, -1
    for s in range(code.size):
        if code[s] != OK:
            continue
        score = suspicion(bar, s, state)
        if score > first:
            first, second, oddest = score, first, s
        elif score > second:
            second = score
        if state.own[s, PROBATION_LEFT] > 0.0 and state.own[s, LAST_CODE] != DISAGREE:
            n_suspected, suspect = n_suspected + 1, s
    if n_suspected == 1:
        return suspect
    return oddest if first > 1.0 and first > _CLEARLY * second else -1


def _cause(  # noqa: PLR0917  (a kernel takes no keyword-only parameters)
    bar: Bars, s: int, peer: int, state: State, pairs: Pairs
) -> int:
    """Return what is wrong with a source, beside another that is right: scaled, shifted in time, or just its price."""
    i, j = min(s, peer), max(s, peer)
    premium = pairs.premium[i, j] if s == i else -pairs.premium[i, j]
    power = (math.log(bar[CLOSE, s] / bar[CLOSE, peer]) - premium) / math.log(10.0)
    if abs(power) > 0.5 and abs(power - math.floor(power + 0.5)) < 0.02:
        return SCALED
    for lag in range(1, LONGEST_SHIFT + 1):
        if _is_late(bar, s, peer, state, lag, pairs) or _is_late(bar, peer, s, state, lag, pairs):
            return SHIFTED
    return PRICE


def _is_late(  # noqa: PLR0917
    bar: Bars, late: int, early: int, state: State, lag: int, pairs: Pairs
) -> bool:
    """Return whether the last bars of one source are those that the other had `lag` bars before."""
    seen, i, j = state.at[0], min(late, early), max(late, early)
    if seen < lag + SHIFT_BARS:
        return False
    premium = pairs.premium[i, j] if late == i else -pairs.premium[i, j]
    for back in range(SHIFT_BARS):
        now = bar[CLOSE, late] if back == 0 else state.past[(seen - back) % LOOK_BACK, CLOSE, late]
        then = state.past[(seen - back - lag) % LOOK_BACK, CLOSE, early]
        if not (now > 0.0 and then > 0.0 and abs(math.log(now / then) - premium) <= _NEAR * pairs.noise[i, j]):
            return False
    return True


def mind_the_past(code: Codes, state: State) -> None:
    """Hold back a source that was wrong a moment ago, though it agrees now."""
    for s in range(code.size):
        left = state.own[s, PROBATION_LEFT]
        if code[s] == OK and left > 0.0:
            code[s] = RECOVERING
            state.own[s, PROBATION_LEFT] = left - 1.0
        elif MALFORMED <= code[s] <= DISAGREE:
            state.own[s, PROBATION_LEFT] = PROBATION


def check_volumes(bar: Bars, code: Codes, state: State) -> None:
    """Mark a volume that is far from the source's usual one while the volumes of others are not."""
    n_sources = code.size
    for i in range(n_sources):
        for j in range(i + 1, n_sources):
            if code[i] != OK or code[j] != OK:
                continue
            row = pair_row(i, j, n_sources) + P_VOLUME
            of_one, of_other = excess_volume(bar, i, state), excess_volume(bar, j, state)
            if state.windows.filled[row] < ENOUGH or math.isnan(of_one) or math.isnan(of_other):
                continue
            apart = abs(of_one - of_other)
            if apart > VOLUME_FACTOR and apart > min(VOLUME_TOO_FAR * _MAD * middle(state.windows, row), VOLUME_SURELY):
                if abs(of_one) > 2.0 * abs(of_other):
                    code[i] = VOLUME
                elif abs(of_other) > 2.0 * abs(of_one):
                    code[j] = VOLUME
