"""Direction labels against a dictionary look-up, and the rows that have none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.domain.errors import BadInputError
from assay.features.labels import direction_label

HOUR = 3_600_000_000


@given(
    hours=st.lists(st.integers(0, 60), unique=True, max_size=50).map(sorted),
    horizon=st.integers(1, 30),
    data=st.data(),
)
def test_label_equals_looking_up_the_bar_by_its_close(hours: list[int], horizon: int, data: st.DataObject) -> None:
    few = st.sampled_from([1.0, 2.0, 3.0, np.nan, 0.0])
    close = np.array(data.draw(st.lists(few, min_size=len(hours), max_size=len(hours))), dtype=float)
    closed = np.array(data.draw(st.lists(st.booleans(), min_size=len(hours), max_size=len(hours))), dtype=bool)
    opened = np.array(hours, dtype=np.int64) * HOUR
    label = direction_label(opened, close, horizon_us=horizon * HOUR, interval_us=HOUR, is_closed=closed)
    by_close_time = {hour + 1: price for hour, price, done in zip(hours, close, closed, strict=True) if done}
    for i, hour in enumerate(hours):
        now, later = by_close_time.get(hour + 1, np.nan), by_close_time.get(hour + 1 + horizon, np.nan)
        if now > 0 and later > 0:
            assert label.value[i] == (1.0 if later > now else 0.0)
        else:
            assert np.isnan(label.value[i])
    np.testing.assert_array_equal(label.is_defined, ~np.isnan(label.value))
    np.testing.assert_array_equal(label.span_start, opened + HOUR)
    np.testing.assert_array_equal(label.span_end, opened + HOUR + horizon * HOUR)


def test_bar_missing_at_the_horizon_leaves_the_label_undefined_not_zero() -> None:
    opened = np.array([0, 1, 2, 4]) * HOUR
    label = direction_label(opened, np.array([1.0, 2.0, 3.0, 9.0]), horizon_us=2 * HOUR, interval_us=HOUR)
    # Row 0 needs hour 2, row 1 needs the missing hour 3 (hour 4 is not taken instead), row 2 needs hour 4.
    assert label.value.tolist() == pytest.approx([1.0, np.nan, 1.0, np.nan], nan_ok=True)


def test_equal_close_is_not_up() -> None:
    label = direction_label(np.array([0, HOUR]), np.array([5.0, 5.0]), horizon_us=HOUR, interval_us=HOUR)
    assert label.value[0] == 0.0


def test_changing_prices_outside_the_span_changes_no_label() -> None:
    rng = np.random.default_rng(7)
    opened, close = np.arange(80) * HOUR, rng.uniform(1, 2, 80)
    before = direction_label(opened, close, horizon_us=5 * HOUR, interval_us=HOUR)
    row = 40
    other = rng.uniform(1, 2, 80)
    other[[row, row + 5]] = close[[row, row + 5]]
    after = direction_label(opened, other, horizon_us=5 * HOUR, interval_us=HOUR)
    assert after.value[row] == before.value[row]
    assert not np.array_equal(after.value, before.value, equal_nan=True)


def test_no_bars_have_no_labels() -> None:
    empty = direction_label(np.zeros(0, dtype=np.int64), np.zeros(0), horizon_us=HOUR, interval_us=HOUR)
    assert empty.value.size == 0


@pytest.mark.parametrize("horizon", [0, -HOUR, HOUR + 1, HOUR // 2])
def test_horizon_at_which_no_bar_closes_is_refused(horizon: int) -> None:
    with pytest.raises(BadInputError, match="no bar closes at this horizon"):
        direction_label(np.array([0, HOUR]), np.ones(2), horizon_us=horizon, interval_us=HOUR)


def test_disordered_times_and_different_lengths_are_refused() -> None:
    with pytest.raises(BadInputError, match="must increase"):
        direction_label(np.array([HOUR, 0]), np.ones(2), horizon_us=HOUR, interval_us=HOUR)
    with pytest.raises(BadInputError, match="differ in length"):
        direction_label(np.array([0]), np.ones(2), horizon_us=HOUR, interval_us=HOUR)
