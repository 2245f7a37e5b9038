"""Long bars made of short ones, against the domain's calendar and a loop over the bars."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.domain.errors import BadInputError
from assay.domain.interval import CODES, Interval
from assay.venues.sandbox.bars import COLUMNS, MINUTE_US, NO_BARS, Bars, gather, join, opens, to_datetime, to_us
from tests.unit.venues.sandbox.reading import at, same

START = to_us(at(2023, 12, 20))
SUMS = COLUMNS[6:]


def made_minutes(count: int, *, start: int = START, seed: int = 1) -> Bars:
    rng = np.random.default_rng(seed)
    close = 1_000 + np.cumsum(rng.integers(-5, 6, count))
    opened = np.concatenate([[1_000], close[:-1]])
    times = start + np.arange(count) * MINUTE_US
    high, low = np.maximum(opened, close) + rng.integers(0, 9, count), np.minimum(opened, close) - 1
    return Bars(times, times + MINUTE_US, opened, high, low, close, *(rng.integers(0, 100, count) for _ in range(5)))


def by_hand(bars: Bars, interval: Interval) -> dict[int, list[int]]:
    """The rule in plain Python: rows of a bar, first open, highest, lowest, last close, sums."""
    groups: dict[int, list[int]] = {}
    for row, time in enumerate(bars.open_time.tolist()):
        groups.setdefault(to_us(interval.floor(to_datetime(time))), []).append(row)
    return {
        time: [
            int(bars.open[rows[0]]),
            max(bars.high[rows].tolist()),
            min(bars.low[rows].tolist()),
            int(bars.close[rows[-1]]),
            *(sum(getattr(bars, name)[rows].tolist()) for name in SUMS),
        ]
        for time, rows in groups.items()
    }


@pytest.mark.parametrize("code", CODES[1:])
def test_every_interval_is_made_of_minutes_as_by_hand(code: str) -> None:
    interval = Interval.parse(code)
    minutes = made_minutes(20 * 1_440)  # over the turn of a year, three Mondays and a month
    end = int(minutes.close_time[-1])
    edges = opens(interval, to_us(interval.floor(to_datetime(START))), end)
    bars = gather(minutes, edges)
    expected = by_hand(minutes, interval)
    assert bars.open_time.tolist() == list(expected)
    rows = zip(*(getattr(bars, name).tolist() for name in COLUMNS[2:]), strict=True)
    assert [list(row) for row in rows] == list(expected.values())
    assert bars.close_time.tolist() == [to_us(interval.close_time(to_datetime(time))) for time in expected]


@given(code=st.sampled_from(CODES), start=st.integers(0, 40_000_000), length=st.integers(1, 20_000_000))
def test_opens_are_those_of_the_domain_and_the_next_one(code: str, start: int, length: int) -> None:
    interval = Interval.parse(code)
    length = min(length, 3_000 * max(1, interval.microseconds // MINUTE_US))
    first, last = to_datetime(start * MINUTE_US), to_datetime((start + length) * MINUTE_US)
    if code == "1s":
        last = first + timedelta(minutes=2)
    edges = opens(interval, to_us(first), to_us(last)).tolist()
    expected = [to_us(one) for one in interval.opens(first, last)]
    assert edges[:-1] == expected
    after = interval.floor(last)
    assert edges[-1] == to_us(after if after == last else interval.close_time(after))


@given(cut=st.integers(0, 3_000))
def test_gathering_pieces_again_gives_the_whole(cut: int) -> None:
    minutes = made_minutes(3_000)
    edges = opens(Interval.parse("4h"), START, int(minutes.close_time[-1]))
    pieces = [gather(part, edges) for part in (minutes[:cut], minutes[cut:])]
    assert same(gather(join(pieces), edges), gather(minutes, edges))


def test_no_bars_make_no_bars() -> None:
    assert gather(NO_BARS, np.array([0, MINUTE_US])) is NO_BARS
    assert len(join([])) == 0


def test_moments_without_a_zone_are_refused() -> None:
    with pytest.raises(BadInputError, match="without a zone"):
        to_us(at(2024, 1, 1).replace(tzinfo=None))
