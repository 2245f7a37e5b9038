"""When a bar is looked at again, held against a plain count of what each bar has been asked for."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.domain.interval import Interval
from assay.domain.spans import Spans
from assay.lake.settling import LONGEST, SHORTEST, looks, resting, settle_of

MINUTE = timedelta(minutes=1)
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


def test_settle_follows_the_length_of_the_bars_within_its_bounds() -> None:
    found = [settle_of(Interval.parse(code)) for code in ("1s", "1m", "3m", "1h", "1M")]
    assert found == [SHORTEST, timedelta(hours=1), LONGEST, LONGEST, LONGEST]
    assert settle_of(Interval.parse("1m"), 5 * MINUTE) == 5 * MINUTE


def ceil(moment: datetime, grid: timedelta) -> datetime:
    origin = datetime(1970, 1, 1, tzinfo=UTC)
    return moment + (origin - moment) % grid


@settings(max_examples=settings().max_examples // 4)
@given(
    code=st.sampled_from(["1s", "1m", "3m", "1h"]),
    settle=st.integers(1, 200).map(lambda minutes: minutes * MINUTE),
    asked=st.lists(st.tuples(st.integers(0, 300), st.integers(1, 240)), max_size=6),
    now=st.integers(0, 3600).map(lambda seconds: NOON + timedelta(seconds=seconds)),
)
def test_bar_rests_if_it_was_asked_for_since_its_last_look_was_due(
    code: str, settle: timedelta, asked: list[tuple[int, int]], now: datetime
) -> None:
    """Each question is so many minutes ago, and was for the bars of so many minutes that had closed then."""
    interval = Interval.parse(code)
    questions = [(now - ago * MINUTE, now - (ago + reach) * MINUTE) for ago, reach in asked]

    def since(moment: datetime | None) -> Spans:
        return Spans.of(
            (interval.ceil(first), interval.floor(at)) for at, first in questions if moment is None or at >= moment
        )

    found = resting(interval, settle, now, since)
    opened = interval.floor(now - timedelta(hours=6))
    step = interval if code != "1s" else Interval.parse("1m")
    for bar in step.opens(opened, interval.floor(now)):
        closed = interval.close_time(bar)
        due = [ceil(closed + look.after, look.every) for look in looks(interval, settle)]
        passed = [one for one in due if one <= now]
        latest = max(at for at, _ in questions if bar in since(at) and at >= closed) if bar in since(None) else None
        is_resting = latest is not None and due[-1] > now and (not passed or latest >= max(passed))
        assert (bar in found) == is_resting, (bar, due, latest)


@pytest.mark.parametrize(("code", "every"), [("1m", MINUTE), ("3m", 15 * MINUTE)])
def test_restated_bar_is_known_by_four_times_its_age_and_final_at_settle(code: str, every: timedelta) -> None:
    """Polled like that every bar is asked for again so soon that no change before it is final stays unseen for long."""
    interval = Interval.parse(code)
    settle = settle_of(interval)
    asked: list[tuple[datetime, datetime, datetime]] = []
    seen: dict[datetime, list[timedelta]] = {}
    now, end = NOON + timedelta(seconds=2), NOON + timedelta(hours=5)
    while now < end:
        moment, latest = now, interval.floor(now)

        def since(mark: datetime | None) -> Spans:
            return Spans.of((first, last) for at, first, last in asked if mark is None or at >= mark)

        begin = interval.floor(NOON)
        # A bar that was seen `settle` after its close is final.
        final = {bar for bar, ages in seen.items() if ages[-1] >= settle}
        wanted = Spans.of([(begin, latest)]) - resting(interval, settle, moment, since)
        wanted -= Spans.of((bar, interval.close_time(bar)) for bar in final)
        if wanted:
            asked.append((moment, wanted.edges[0], wanted.edges[-1]))
            for bar in interval.opens(wanted.edges[0], wanted.edges[-1]):
                seen.setdefault(bar, []).append(moment - interval.close_time(bar))
        now += every
    ages = [found for bar, found in seen.items() if bar < end - timedelta(hours=3)]
    assert ages
    assert all(found[0] <= every for found in ages), "the first look is the next poll"
    for found in ages:
        assert found[-1] >= settle
        assert found[-1] <= settle + max(every, settle / 4), "and final soon after it can be"
        for one, following in itertools.pairwise(found):
            assert following <= max(4 * one, timedelta(minutes=4)) + every
    assert max(map(len, ages)) <= 40, "few looks, in place of one with every poll"
