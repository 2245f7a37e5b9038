"""Made sources of one price with one thing wrong at a time, through the functions that a pipeline compiles."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from assay.measures import reconciliation_terms as terms
from assay.measures.reconciliation import Reconciled, new_state, reconcile

N_BARS, AT = 150, 130
Bars = NDArray[np.float64]


def made(n_sources: int, *, noise: float = 5e-5, n_bars: int = N_BARS, seed: int = 3) -> Bars:
    """Return hours of one random walk as each source saw them: 0.5 % an hour, and `noise` of its own."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(0, 5e-3, n_bars)
    close = np.cumsum(steps)
    bars = np.empty((n_bars, 5, n_sources))
    for source in range(n_sources):
        seen = np.exp(close + rng.normal(0, noise, n_bars))
        opened = np.concatenate([[1.0], seen[:-1]])
        bars[:, 0, source], bars[:, 3, source] = opened, seen
        bars[:, 1, source] = np.maximum(opened, seen) * (1 + rng.uniform(1e-4, 1e-3, n_bars))
        bars[:, 2, source] = np.minimum(opened, seen) / (1 + rng.uniform(1e-4, 1e-3, n_bars))
        bars[:, 4, source] = np.exp(rng.normal(3, 0.2, n_bars))
    return bars


def run(bars: Bars, *, converted: tuple[int, ...] = ()) -> Reconciled:
    is_converted = np.array([source in converted for source in range(bars.shape[2])])
    return reconcile(bars, np.arange(len(bars)) // 24, is_converted)


def reasons(found: Reconciled, at: int = AT) -> list[str]:
    return [terms.REASONS[code] for code in found.code[at]]


def spike(bars: Bars) -> None:
    bars[AT, :4, 0] *= 1.02


def close_only(bars: Bars) -> None:
    bars[AT, 3, 0] *= 1.2
    bars[AT, 1, 0] = max(bars[AT, 1, 0], bars[AT, 3, 0])


def frozen(bars: Bars) -> None:
    bars[AT, :4, 0] = bars[AT - 1, 3, 0]


def repeated(bars: Bars) -> None:
    bars[AT, :, 0] = bars[AT - 1, :, 0]


def a_day_late(bars: Bars) -> None:
    bars[AT, :, 0] = bars[AT - 24, :, 0]


def times_ten(bars: Bars) -> None:
    bars[AT, :4, 0] *= 10


def percent(bars: Bars) -> None:
    bars[AT, :4, 0] /= 100


def swapped(bars: Bars) -> None:
    bars[AT, [1, 2], 0] = bars[AT, [2, 1], 0]


def negative(bars: Bars) -> None:
    bars[AT, :4, 0] *= -1


def volume(bars: Bars) -> None:
    bars[AT, 4, 0] *= 1000


def missing(bars: Bars) -> None:
    bars[AT, :, 0] = math.nan


@pytest.mark.parametrize("n_sources", [2, 3])
@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (spike, "price"), (close_only, "price"), (frozen, "stale"), (repeated, "stale"), (a_day_late, "shifted"),
        (times_ten, "scaled"), (percent, "scaled"), (swapped, "malformed"), (negative, "malformed"),
        (volume, "volume"), (missing, "missing"),
    ],
)  # fmt: skip
def test_source_that_goes_wrong_is_named_and_left_out(
    spoil: Callable[[Bars], None], reason: str, n_sources: int
) -> None:
    bars = made(n_sources)
    right = bars[:, 3, 1:].copy()
    spoil(bars)
    found = run(bars)
    assert reasons(found) == [reason, *[""] * (n_sources - 1)]
    assert not found.numbers[AT, 0, terms.WEIGHT] > 0
    low, high = right[AT].min(), right[AT].max()
    assert low * (1 - 1e-12) <= found.price[AT, 0] <= high * (1 + 1e-12)
    assert not np.isnan(found.price[:, 0]).any()
    assert (found.code[: AT - 1] == terms.OK).all()


def test_two_that_differ_by_what_neither_past_tells_have_no_consensus() -> None:
    bars = made(2)
    bars[AT, 3, 0] *= 1.006
    bars[AT, 1, 0] = max(bars[AT, 1, 0], bars[AT, 3, 0])
    found = run(bars)
    assert reasons(found) == ["disagree", "disagree"]
    assert math.isnan(found.price[AT, 0])


def test_source_is_believed_again_after_three_bars_in_agreement() -> None:
    bars = made(3)
    bars[AT : AT + 3, :4, 0] *= 10
    found = run(bars)
    told = [terms.REASONS[code] for code in found.code[AT : AT + 7, 0]]
    assert told == ["scaled"] * 3 + ["recovering"] * 3 + [""]


def test_stand_in_enters_without_its_premium() -> None:
    bars = made(2)
    bars[:, :4, 1] *= 1.004
    found = run(bars, converted=(1,))
    assert found.numbers[AT, 1, terms.PREMIUM_BPS] == pytest.approx(1e4 * math.log(1.004), abs=1)
    assert (found.code[:, 1] == terms.OK).all()
    assert found.price[AT, 0] == pytest.approx(bars[AT, 3, 0], rel=3e-4)


def test_consensus_of_two_is_their_mean_by_trust() -> None:
    bars = made(2)
    found = run(bars)
    weights = found.numbers[AT, :, terms.WEIGHT]
    assert weights.sum() == pytest.approx(1)
    assert math.log(found.price[AT, 0]) == pytest.approx(float(weights @ np.log(bars[AT, 3, :])), abs=1e-12)


def test_what_comes_later_changes_nothing_and_a_saved_state_goes_on() -> None:
    bars = made(3)
    for spoil in (spike, volume):
        spoil(bars)
    bars[60:75, :, 1] = math.nan
    whole, state = run(bars), new_state(3)
    days = np.arange(len(bars)) // 24
    parts = [reconcile(bars[i:j], days[i:j], np.zeros(3, dtype=np.bool_), state) for i, j in ((0, 97), (97, AT + 2))]
    for position, name in enumerate(Reconciled._fields):
        joined = np.concatenate([part[position] for part in parts])
        assert np.array_equal(joined, whole[position][: AT + 2], equal_nan=True), name


def test_trust_of_a_day_is_of_the_days_before_and_falls_with_errors() -> None:
    bars = made(3)
    bars[96:110, :4, 0] *= 10
    trust = run(bars).numbers[:, :, terms.TRUST]
    assert trust[96:120, 0].tolist() == [trust[96, 0]] * 24
    assert trust[120, 0] < trust[96, 0]
    assert trust[120, 0] < trust[120, 1]
