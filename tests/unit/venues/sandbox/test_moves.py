"""The sources of moves: random access, and the laws they were drawn from."""

from __future__ import annotations

import math

import numpy as np
import pytest

from assay.venues.sandbox.bars import DAY_US, to_datetime
from assay.venues.sandbox.draws import Stream
from assay.venues.sandbox.moves import Source, minute_bridge, volatility_state
from assay.venues.sandbox.seasons import (
    ANCHOR_DAY,
    BUSY_HOURS,
    FIRST_DAY,
    LAST_DAY,
    activity,
    calm,
    hourly_variance,
    weekday,
)

DAYS = np.arange(18_000, 20_048)
SOURCE = Source(5, "test", yearly_variance=0.5, jumps_a_year=100.0, jump_deviation=0.05)
QUIET = np.ones((DAYS.size, 24)) / 8_766


def test_state_of_volatility_needs_no_past() -> None:
    whole = volatility_state(1, "a", scales=range(7), days=DAYS)
    for first, last in ((0, 1), (1, 2), (63, 700), (1_000, 2_048)):
        assert np.array_equal(volatility_state(1, "a", scales=range(7), days=DAYS[first:last]), whole[first:last])


def test_state_of_volatility_lasts_on_every_scale() -> None:
    # Of seven factors of 1 +- 0.35 the log has variance 7 b**2, b = log(1.35 / 0.65) / 2. Days at a distance of d
    # share factor k with chance max(0, 1 - d / 2**k): over d = 16 that is 1/2 and 3/4 for k = 5 and 6.
    logs = np.log(volatility_state(1, "a", scales=range(7), days=np.arange(40_000)))
    half_gap = math.log(1.35 / 0.65) / 2
    assert logs.var() == pytest.approx(7 * half_gap**2, rel=0.15)
    assert np.corrcoef(logs[:-16], logs[16:])[0, 1] == pytest.approx((0.5 + 0.75) / 7, abs=0.06)
    assert np.exp(logs).mean() == pytest.approx(1.0, abs=0.1)


def test_moves_need_no_past() -> None:
    whole = SOURCE.moves(DAYS, QUIET)
    part = SOURCE.moves(DAYS[100:103], QUIET[100:103])
    for name in ("move", "variance", "jump", "jump_variance", "jump_minute", "words"):
        assert np.array_equal(getattr(part, name), getattr(whole, name)[2_400:2_472]), name


def test_moves_have_the_variance_that_was_announced() -> None:
    moves = SOURCE.moves(DAYS, QUIET)
    scaled = moves.move / np.sqrt(moves.variance)
    assert scaled.mean() == pytest.approx(0.0, abs=4 / math.sqrt(scaled.size))
    assert scaled.var() == pytest.approx(1.0, abs=4 * math.sqrt(2 / scaled.size))
    assert moves.variance.mean() == pytest.approx(0.5 / 8_766, rel=0.02)


def test_jumps_are_as_rare_as_stated_and_go_either_way() -> None:
    moves = SOURCE.moves(DAYS, QUIET)
    in_units = moves.jump / np.repeat(np.sqrt(calm(DAYS)), 24)
    jumps = in_units[moves.jump != 0]
    expected = 100 * DAYS.size / 365.25
    assert jumps.size == pytest.approx(expected, abs=4 * math.sqrt(expected))
    assert jumps.mean() == pytest.approx(0.0, abs=4 * 0.05 / math.sqrt(jumps.size))
    assert jumps.std() == pytest.approx(0.05, rel=4 / math.sqrt(2 * jumps.size))
    assert np.array_equal(moves.jump_variance > 0, moves.jump != 0)
    assert (moves.jump_minute.min(), moves.jump_minute.max()) == (0, 59)


def test_bridge_has_the_variance_of_a_brownian_bridge() -> None:
    # After m of 60 minutes it is m (60 - m) / 60 times the variance of a minute.
    n_hours = 20_000
    path = minute_bridge(Stream.of(1, "a").raw(0, n_hours * 60).reshape(-1, 60), np.full(n_hours, 0.5))
    assert not path[:, -1].any()
    for minute in (1, 15, 30, 59):
        expected = 0.25 * minute * (60 - minute) / 60
        assert path[:, minute - 1].var() == pytest.approx(expected, rel=4 * math.sqrt(2 / n_hours))


def test_seasons_follow_the_calendar() -> None:
    days = np.arange(FIRST_DAY, LAST_DAY, 97)
    assert weekday(days).tolist() == [to_datetime(day * DAY_US).weekday() for day in days.tolist()]
    week = np.arange(ANCHOR_DAY, ANCHOR_DAY + 7)
    assert activity(week).mean() == pytest.approx(1.0, rel=1e-12)
    assert BUSY_HOURS.mean() == pytest.approx(1.0, rel=1e-12)
    weekend = weekday(week) >= 5
    assert activity(week)[weekend].max() < activity(week)[~weekend].min()


def test_lifetime_has_the_variance_of_twelve_years() -> None:
    # The integral of 1 / (1 + (t / 8)**2) from zero to 77 years is 8 atan(77 / 8) = 11.74; to 54 years it is 11.40.
    after = hourly_variance(np.arange(ANCHOR_DAY, LAST_DAY)).sum()
    before = hourly_variance(np.arange(FIRST_DAY, ANCHOR_DAY)).sum()
    assert after == pytest.approx(8 * math.atan((LAST_DAY - ANCHOR_DAY) / 2_922), rel=0.001)
    assert before == pytest.approx(8 * math.atan(ANCHOR_DAY / 2_922), rel=0.001)
