"""Labels by name: what a name means, and what it is refused for."""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np
import pytest

from assay.domain.errors import BadInputError
from assay.domain.interval import Interval
from assay.features.bars import Bars
from assay.features.labels import parse_label
from assay.measures.volatility import YEAR_US, rolling_volatility

HOUR = 3_600_000_000
HOURLY = Interval.parse("1h")


def bars(count: int = 400, hole: int = -1) -> Bars:
    close = 100 * np.exp(np.cumsum(np.random.default_rng(11).normal(0, 0.01, count)))
    kept = np.arange(count) != hole
    times = np.arange(count)[kept] * HOUR
    close = close[kept]
    return Bars(times, times + HOUR, close, close * 1.004, close * 0.996, close, volume=np.ones(close.size))


@pytest.mark.parametrize(
    ("text", "name", "column"),
    [
        ("direction", "direction_24h", "is_up"),
        ("direction_1d", "direction_24h", "is_up"),
        ("return_90m", "return_90m", "return"),
        ("delta_1w", "delta_168h", "delta"),
        ("triple_barrier_24h_2.0_1.50", "triple_barrier_24h_2_1.5", "triple_barrier"),
        ("triple_barrier_2_0", "triple_barrier_24h_2_0", "triple_barrier"),
        ("triple_barrier_24h_2_2_100", "triple_barrier_24h_2_2", "triple_barrier"),
        ("triple_barrier_60m_2_2_50", "triple_barrier_1h_2_2_50", "triple_barrier"),
    ],
)
def test_a_name_is_read_and_written_back(text: str, name: str, column: str) -> None:
    rule = parse_label(text, usual_horizon=timedelta(hours=24))
    assert (rule.name, rule.column) == (name, column)
    assert parse_label(rule.name) == rule


@pytest.mark.parametrize(
    "text",
    [
        "", "profit", "direction_", "direction_24", "direction_0h", "direction_24h_2_2", "triple_barrier_24h",
        "triple_barrier_24h_2", "triple_barrier_24h_0_0", "triple_barrier_24h_2_2_1", "return_-1h",
        "direction_9999999h", "direction_999999d", "direction_24h\n", "triple_barrier_24h_nan_1",
    ],
)  # fmt: skip
def test_what_is_no_label_is_refused(text: str) -> None:
    with pytest.raises(BadInputError):
        parse_label(text, usual_horizon=timedelta(hours=24))


def test_without_a_horizon_nobody_guesses_one() -> None:
    with pytest.raises(BadInputError, match="unknown label"):
        parse_label("direction")


@pytest.mark.parametrize("interval", ["2h", "1M"])
def test_a_horizon_between_two_bars_is_refused(interval: str) -> None:
    with pytest.raises(BadInputError, match="not a whole number of bars"):
        parse_label("return_1h").of(bars(), Interval.parse(interval))


@pytest.mark.parametrize("hole", [-1, 200])
def test_return_delta_and_direction_are_about_the_same_two_prices(hole: int) -> None:
    given = bars(hole=hole)
    by_close = dict(zip(given.close_time.tolist(), given.close.tolist(), strict=True))
    later = np.array([by_close.get(time + 5 * HOUR, math.nan) for time in given.close_time.tolist()])
    made = {name: parse_label(f"{name}_5h").of(given, HOURLY) for name in ("direction", "return", "delta")}
    np.testing.assert_allclose(made["return"].value, later / given.close - 1, rtol=1e-15)
    np.testing.assert_array_equal(made["delta"].value, later - given.close)
    np.testing.assert_array_equal(made["direction"].is_defined, ~np.isnan(later))
    there = ~np.isnan(later)
    np.testing.assert_array_equal(made["direction"].value[there], (made["delta"].value[there] > 0).astype(float))
    for label in made.values():
        np.testing.assert_array_equal(label.span_end - label.span_start, 5 * HOUR)


def test_barriers_lie_multiples_of_the_deviation_over_the_horizon_away() -> None:
    given = bars()
    rule = parse_label("triple_barrier_24h_1_1_50")
    per_bar = rolling_volatility(
        np.concatenate([[np.nan], np.diff(np.log(given.close))]), interval_us=YEAR_US, window=50
    )
    np.testing.assert_allclose(rule.volatility(given, HOURLY), per_bar * math.sqrt(24), rtol=1e-9)
    label = rule.of(given, HOURLY)
    assert np.isnan(label.value[:50]).all()
    # One deviation either way, on a random walk: each barrier is reached about as often, and time runs out at times.
    counts = [int((label.value == side).sum()) for side in (-1.0, 0.0, 1.0)]
    assert min(counts) > 20
    assert sum(counts) > 320
