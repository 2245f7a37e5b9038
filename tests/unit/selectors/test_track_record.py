"""Forecasts put into stretches of time: nothing is counted twice or lost, and bands stand around their prices."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.selectors.outcomes import PastPrediction
from assay.selectors.track_record import stretches_of

START, HOUR = datetime(2026, 5, 1, tzinfo=UTC), timedelta(hours=1)


def past(hour: int, *, was_right: bool | None = True, **more: object) -> PastPrediction:
    """Return a forecast for the next hour."""
    values: dict[str, object] = dict.fromkeys(PastPrediction.__dataclass_fields__)
    at = START + hour * HOUR
    values |= {"as_of": at, "until": at + HOUR, "close": 100.0 + hour, "was_right": was_right, "went_up": True,
               "base_rate_up": 0.6, "kind": "live", **more}  # fmt: skip
    return PastPrediction(**values)  # type: ignore[arg-type]  # by the names of its fields


@given(st.lists(st.none() | st.booleans(), min_size=1, max_size=900), st.integers(0, 40))
def test_every_known_forecast_is_counted_once(outcomes: list[bool | None], skipped: int) -> None:
    rows = [past(hour * (1 + skipped), was_right=one) for hour, one in enumerate(outcomes)]
    found, step = stretches_of(rows, HOUR)
    assert sum(one.right for one in found) == outcomes.count(True)
    assert sum(one.wrong for one in found) == outcomes.count(False)
    assert [one.start for one in found] == sorted({one.start for one in found})
    assert all((one.start - START) % step == timedelta(0) or step > timedelta(days=1) for one in found)
    assert len(found) <= 402 or step == timedelta(days=7)


def test_share_so_far_begins_when_there_are_enough() -> None:
    found, _ = stretches_of([past(hour, was_right=hour % 4 != 0) for hour in range(40)], HOUR)
    assert [one.share_right is None for one in found] == [True] * 23 + [False] * 17
    assert found[-1].share_right == pytest.approx(0.75)
    assert found[-1].share_base == 1.0  # its base rate says up, and up it went


def test_band_stands_around_the_price_and_values_have_no_base_rate() -> None:
    rows = [past(hour, low=-2.0, high=3.0, base_rate_up=None) for hour in range(30)]
    found, _ = stretches_of(rows, HOUR)
    assert (found[7].close, found[7].low, found[7].high) == (107.0, 105.0, 110.0)
    assert {one.share_base for one in found} == {None}


def test_forecast_whose_bar_is_missing_has_no_price() -> None:
    found, _ = stretches_of([past(0, close=None, low=-1.0, was_right=None)], HOUR)
    assert (found[0].close, found[0].low, found[0].right, found[0].wrong) == (None, None, 0, 0)
