"""The triple barrier against walking every path by hand, and the market situations that decide what a label is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.domain.errors import BadInputError
from assay.features.bars import Bars
from assay.features.labels import TripleBarrier, triple_barrier_label
from assay.features.labels.barriers import Barriers, first_touch
from assay.models.splits import walk_forward

HOUR = 3_600_000_000
Row = tuple[int, float, float, float, float]


def bars_of(rows: list[Row]) -> Bars:
    """Return hourly bars of (hour, open, high, low, close)."""
    hours, opened, high, low, close = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    times = hours.astype(np.int64) * HOUR
    return Bars(times, times + HOUR, opened, high, low, close, volume=np.ones(len(rows)))


def labels(rows: list[Row], *, horizon: int = 3, upper: float = 1.0, lower: float = 1.0) -> TripleBarrier:
    rule = Barriers(horizon * HOUR, HOUR, upper, lower)
    return triple_barrier_label(bars_of(rows), np.full(len(rows), math.log(1.1)), rule)


def flat(hour: int, price: float = 100.0) -> Row:
    return (hour, price, price, price, price)


CALM = [flat(1), flat(2), flat(3), flat(4)]


@pytest.mark.parametrize(
    ("path", "value", "ends_after", "is_ambiguous"),
    [
        # The close is 100: barriers at 110 and 90.91, three bars of time.
        ([(1, 100, 111, 100, 100), *CALM[1:]], 1.0, 1, False),
        ([flat(1), (2, 100, 100, 90, 95), flat(3, 120)], -1.0, 2, False),
        ([flat(1), flat(2), flat(3), flat(4, 200)], 0.0, 3, False),
        # Both inside one bar, and nobody knows which came first: taken as lost.
        ([(1, 100, 120, 80, 100), *CALM[1:]], -1.0, 1, True),
        # It opened above the upper one, so that one came first, whatever the low is.
        ([(1, 115, 120, 80, 100), *CALM[1:]], 1.0, 1, False),
        ([(1, 85, 120, 80, 100), *CALM[1:]], -1.0, 1, False),
        # Only reached is enough, and the last bar counts.
        ([flat(1), flat(2), (3, 100, 110.1, 100, 100)], 1.0, 3, False),
        # Bar 2 is missing: whatever comes later, the path is not known. A barrier reached before it is.
        ([flat(1), flat(3, 200)], math.nan, 3, False),
        ([flat(1, 200), flat(3)], 1.0, 1, False),
        # The data end, or a bar has no high.
        ([flat(1), flat(2)], math.nan, 3, False),
        ([flat(1), (2, 100, math.nan, 100, 100), flat(3, 200)], math.nan, 3, False),
    ],
)
def test_first_row_of_a_path(path: list[Row], value: float, ends_after: int, is_ambiguous: bool) -> None:
    made = labels([flat(0), *path])
    assert made.label.value[0] == pytest.approx(value, nan_ok=True)
    assert made.label.span_start[0] == HOUR
    assert made.label.span_end[0] == (1 + ends_after) * HOUR
    assert bool(made.is_ambiguous[0]) is is_ambiguous
    assert (made.upper[0], made.lower[0]) == (pytest.approx(110), pytest.approx(100 / 1.1))


def test_without_a_barrier_that_side_is_never_reached() -> None:
    path = [flat(0), (1, 100, 500, 1, 100), flat(2), flat(3), flat(4)]
    up, down = labels(path, lower=0), labels(path, upper=0)
    assert (up.label.value[0], down.label.value[0]) == (1.0, -1.0)
    assert (up.lower[0], down.upper[0]) == (0.0, math.inf)
    assert not up.is_ambiguous.any()


@pytest.mark.parametrize("volatility", [math.nan, 0.0, -1.0, math.inf])
def test_without_a_volatility_the_label_is_not_known(volatility: float) -> None:
    rule = Barriers(HOUR, HOUR, 1, 1)
    made = triple_barrier_label(bars_of([flat(0), flat(1, 200)]), np.array([volatility, 1.0]), rule)
    assert math.isnan(made.label.value[0])


ROWS = st.lists(
    st.tuples(st.integers(1, 2), st.integers(80, 125), st.integers(0, 12), st.integers(0, 12), st.booleans()),
    min_size=2,
    max_size=30,
)


def _path(drawn: list[tuple[int, int, int, int, bool]]) -> list[Row]:
    rows: list[Row] = []
    hour, price = 0, 100.0
    for step, close, above, below, is_whole in drawn:
        hour += step
        high = max(price, close) + above
        rows.append((hour, price, float(high) if is_whole or above < 9 else math.nan, min(price, close) - below, close))
        price = float(close)
    return rows


def _by_hand(rows: list[Row], at: int, horizon: int, upper: float, lower: float) -> tuple[float, int, bool]:
    hour, *_, close = rows[at]
    above, below = close * math.exp(upper * 0.1), close * math.exp(-lower * 0.1)
    by_hour = {row[0]: row[1:] for row in rows}
    for step in range(1, horizon + 1):
        bar = by_hour.get(hour + step)
        if bar is None or any(math.isnan(price) for price in bar[:3]):
            return math.nan, horizon, False
        opened, high, low, _ = bar
        is_up, is_down = high >= above, low <= below
        if is_up and is_down:
            order = 1.0 if opened >= above else -1.0
            return order, step, not (opened >= above or opened <= below)
        if is_up or is_down:
            return (1.0 if is_up else -1.0), step, False
    return 0.0, horizon, False


@settings(deadline=None)
@given(drawn=ROWS, horizon=st.integers(1, 6), upper=st.sampled_from([0.5, 1.0, 2.0]), lower=st.sampled_from([0.5, 1.5]))
def test_every_label_equals_walking_its_path(
    drawn: list[tuple[int, int, int, int, bool]], horizon: int, upper: float, lower: float
) -> None:
    rows = _path(drawn)
    rule = Barriers(horizon * HOUR, HOUR, upper, lower)
    made = triple_barrier_label(bars_of(rows), np.full(len(rows), 0.1), rule)
    for at in range(len(rows)):
        value, after, is_ambiguous = _by_hand(rows, at, horizon, upper, lower)
        assert made.label.value[at] == pytest.approx(value, nan_ok=True)
        assert made.label.span_end[at] - made.label.span_start[at] == after * HOUR
        assert bool(made.is_ambiguous[at]) is is_ambiguous


def _random_bars(count: int, seed: int) -> Bars:
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, count)))
    opened = np.concatenate([[100.0], close[:-1]])
    high = np.maximum(opened, close) * (1 + np.abs(rng.normal(0, 0.005, count)))
    low = np.minimum(opened, close) * (1 - np.abs(rng.normal(0, 0.005, count)))
    times = np.arange(count) * HOUR
    return Bars(times, times + HOUR, opened, high, low, close, volume=np.ones(count))


def test_nothing_after_the_span_matters_and_everything_in_it_can() -> None:
    bars, volatility = _random_bars(300, 3), np.full(300, 0.02)
    rule = Barriers(12 * HOUR, HOUR, 1.0, 1.0)
    made = triple_barrier_label(bars, volatility, rule)
    for row in range(100, 200, 7):
        seen = int(np.searchsorted(bars.close_time, made.label.span_end[row], side="right"))
        # Nothing but the bars up to the end of the span, and the label is the same.
        cut = triple_barrier_label(bars.rows(0, seen), volatility[:seen], rule)
        assert cut.label.value[row] == made.label.value[row]
        # One bar less, and it is not known: the span is as short as can be.
        less = triple_barrier_label(bars.rows(0, seen - 1), volatility[: seen - 1], rule)
        assert math.isnan(less.label.value[row])


def test_spans_purge_a_walk_forward_split() -> None:
    bars = _random_bars(400, 4)
    label = triple_barrier_label(bars, np.full(400, 0.02), Barriers(24 * HOUR, HOUR, 1.0, 1.0)).label
    start, end = label.span_start[label.is_defined], label.span_end[label.is_defined]
    for fold in walk_forward(start, end, folds=3, min_rows=20):
        assert (end[fold.train] <= fold.test_start).all()
        purged = np.setdiff1d(np.arange(fold.test[0]), fold.train)
        assert (end[purged] > fold.test_start).all()
    assert np.nanmax(label.weights()) <= 1


def test_compiled_and_interpreted_are_the_same() -> None:
    bars = _random_bars(200, 5)
    rule = Barriers(6 * HOUR, HOUR, 1.0, 2.0)
    made = triple_barrier_label(bars, np.full(200, 0.01), rule)
    value, end, is_ambiguous = first_touch(
        (bars.open_time, np.ones(200, dtype=np.bool_)),
        (bars.open, bars.high, bars.low),
        (made.upper, made.lower),
        (HOUR, 6 * HOUR),
    )
    np.testing.assert_array_equal(made.label.value, value)
    np.testing.assert_array_equal(made.is_ambiguous, is_ambiguous)
    np.testing.assert_array_equal(made.label.span_end[end >= 0], bars.close_time[end[end >= 0]])


def test_bars_of_another_length_and_senseless_barriers_are_refused() -> None:
    bars = bars_of([flat(0), flat(1)])
    with pytest.raises(BadInputError, match="another length"):
        triple_barrier_label(bars, np.ones(2), Barriers(HOUR, HOUR // 2, 1, 1))
    with pytest.raises(BadInputError, match="a volatility is needed"):
        triple_barrier_label(bars, np.ones(3), Barriers(HOUR, HOUR, 1, 1))
    for upper, lower in ((0.0, 0.0), (-1.0, 1.0), (math.nan, 1.0), (1.0, math.inf)):
        with pytest.raises(BadInputError, match="no such barriers"):
            Barriers(HOUR, HOUR, upper, lower)


def test_bars_that_may_still_change_decide_nothing() -> None:
    closed = np.array([True, True, False])
    bars = bars_of([flat(0), flat(1), flat(2, 200)])
    made = triple_barrier_label(bars, np.full(3, 0.1), Barriers(2 * HOUR, HOUR, 1, 1), is_closed=closed)
    assert np.isnan(made.label.value).all()
