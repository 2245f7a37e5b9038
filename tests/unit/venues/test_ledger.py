"""The arithmetic of windows and ledgers: against brute force, for every alignment, latency and loss."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.venues.ledger import Claim, Ledger, UnreadableLedgerError
from assay.venues.window import Window

S = 1_000_000
WINDOW_US, LEASE_US, LIMIT = 60 * S, 30 * S, 100


def ledger() -> Ledger:
    return Ledger({"weight": Window(LIMIT, WINDOW_US)}, LEASE_US)


@dataclass(frozen=True)
class Ask:
    """A request: when it is first wanted, how long to the venue and back, and whether its process lives to settle."""

    at_us: int
    units: int
    there_us: int
    back_us: int
    is_settled: bool


ASKS = st.lists(
    st.builds(
        Ask,
        at_us=st.integers(0, 200 * S),
        units=st.integers(1, LIMIT),
        there_us=st.integers(0, LEASE_US // 2),
        back_us=st.integers(0, LEASE_US // 2),
        is_settled=st.booleans(),
    ),
    min_size=1,
    max_size=40,
)


def arrivals(asks: list[Ask], *, restarts: bool) -> list[tuple[int, int]]:
    """Let the requests wait for the ledger, and return when each arrives at the venue, with its units.

    The ledger goes through its text at every step if `restarts`, as it does between two processes.
    """
    account = ledger()
    numbers = itertools.count()
    events: list[tuple[int, int, Ask, int | None]] = [(ask.at_us, next(numbers), ask, None) for ask in asks]
    heapq.heapify(events)
    seen = []
    while events:
        now, number, ask, asked = heapq.heappop(events)
        if restarts:
            text, account = account.to_text(), ledger()
            account.load(text)
        if asked is not None:
            account.settle({"weight": ask.units}, asked, now)
            continue
        wait = account.ask({"weight": ask.units}, str(number), now)
        if wait:
            assert wait <= WINDOW_US + LEASE_US + 2 * S
            heapq.heappush(events, (now + wait, number, ask, None))
            continue
        seen.append((now + ask.there_us, ask.units))
        if ask.is_settled:
            heapq.heappush(events, (now + ask.there_us + ask.back_us, number, ask, now))
    return seen


def fullest_window(seen: list[tuple[int, int]]) -> int:
    """Return the most units that arrive in any window; the fullest one begins with an arrival."""
    return max(sum(units for moment, units in seen if start <= moment < start + WINDOW_US) for start, _ in seen)


@given(ASKS, st.booleans())
def test_no_window_of_the_venue_ever_holds_more_than_the_limit(asks: list[Ask], restarts: bool) -> None:
    seen = arrivals(asks, restarts=restarts)
    assert len(seen) == len(asks)  # and everybody gets a turn
    assert fullest_window(seen) <= LIMIT


def test_the_check_above_finds_a_limiter_that_counts_by_its_own_minute() -> None:
    # 100 leave at 59 s and arrive at 61 s; by our minute 100 more may leave at 60 s, and arrive at 60 s: 200 in one.
    assert fullest_window([(61 * S, 100), (60 * S, 100)]) == 200


def test_steady_requests_are_not_slowed_below_the_limit() -> None:
    # 100 a minute are allowed. A request of 1 every 0.65 s, answered in 0.1 s, is 92 a minute: none of them waits.
    account = ledger()
    for number in range(1_000):
        now = number * 650_000
        assert account.ask({"weight": 1}, str(number), now) == 0
        account.settle({"weight": 1}, now, now + 100_000)


def test_heavy_request_is_not_starved_by_light_ones() -> None:
    account = ledger()
    for number in range(100):
        assert account.ask({"weight": 1}, f"light {number}", number * 600_000) == 0
        account.settle({"weight": 1}, number * 600_000, number * 600_000)
    # Every 0.1 s a light one is there first, then the heavy one, each when it was told to come again. Without a place
    # in the queue the light ones would take every unit as it comes, and 80 would never be free at once.
    again_at, light, granted_at = {"light": 0, "heavy": 0}, itertools.count(), None
    name = "light"
    for now in range(60 * S, 240 * S, 100_000):
        while now >= again_at["light"]:
            again_at["light"] = now + account.ask({"weight": 1}, name, now)
            if again_at["light"] == now:
                account.settle({"weight": 1}, now, now)
                name = f"light {next(light)}"
        if now >= again_at["heavy"]:
            again_at["heavy"] = now + account.ask({"weight": 80}, "heavy", now)
            if again_at["heavy"] == now:
                granted_at = now
                break
    assert granted_at is not None
    assert granted_at <= 60 * S + WINDOW_US


def test_no_ban_is_believed_beyond_three_days() -> None:
    account = ledger()
    account.pause(1e9, 0)
    assert account.ask({"weight": 1}, "me", 0) == 3 * 86_400 * S


def test_room_is_not_kept_for_one_who_does_not_come_back() -> None:
    account = ledger()
    assert account.ask({"weight": 60}, "first", 0) == 0
    account.settle({"weight": 60}, 0, 0)
    assert account.ask({"weight": 100}, "killed while it waits", 0) == 60 * S
    assert account.ask({"weight": 1}, "second", 0) > 0
    assert [account.ask({"weight": 1}, f"{number}", 62 * S) for number in range(3)] == [0, 0, 0]


HOLDS = st.lists(st.tuples(st.integers(1, 120 * S), st.integers(1, 30)), max_size=12)


@given(HOLDS, st.integers(0, 130 * S), st.integers(1, LIMIT))
def test_moment_of_enough_room_is_the_first_one(holds: list[tuple[int, int]], now: int, units: int) -> None:
    window = Window(LIMIT, WINDOW_US)
    for until, held in holds:
        window.hold(until, held)
    # Brute force: room only changes where a hold ends, so the first moment is now or one of those.
    moments = sorted({now, *(end for end in window.holds if end > now)})
    assert window.free_at(now, units) == next(at for at in moments if window.taken(at) + units <= LIMIT)


@given(HOLDS, st.integers(0, 130 * S))
def test_holds_end_never_early_and_at_most_a_sixtieth_late(holds: list[tuple[int, int]], now: int) -> None:
    window = Window(LIMIT, WINDOW_US)
    for until, units in holds:
        window.hold(until, units)
    least = sum(units for until, units in holds if until > now)
    most = sum(units for until, units in holds if until > now - WINDOW_US // 60)
    assert least <= window.taken(now) <= most


@given(
    st.lists(st.tuples(st.integers(0, 10**18), st.integers(-5, 10**9)), max_size=8),
    st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**18)), max_size=3),
    st.integers(0, 10**18),
)
def test_whatever_the_file_says_nobody_waits_longer_than_lease_and_window(
    holds: list[tuple[int, int]], queue: list[tuple[int, int]], now: int
) -> None:
    account = ledger()
    account.windows["weight"].holds = dict(holds)
    account.queue = [Claim("gone", {"weight": units}, until) for units, until in queue]
    wait = account.ask({"weight": 1}, "me", now)
    assert 0 <= wait <= LEASE_US + WINDOW_US + S
    assert wait == 0 or account.ask({"weight": 1}, "me", now + wait) == 0


@given(st.integers(0, 3 * 86_400), st.integers(-(10**6), 0))
def test_queue_of_a_time_to_come_is_forgotten_when_the_clock_is_set_back(waits_s: int, set_back_s: int) -> None:
    account = ledger()
    account.queue = [Claim("gone", {"weight": 90}, (waits_s + 61) * S)]
    account.windows["weight"].hold(30 * S, 50)
    assert (account.ask({"weight": 20}, "me", set_back_s * S) == 0) is (waits_s - set_back_s > 0)


@given(ASKS)
def test_state_is_the_same_after_a_round_trip_through_its_text(asks: list[Ask]) -> None:
    account = ledger()
    for number, ask in enumerate(sorted(asks, key=lambda ask: ask.at_us)):
        account.ask({"weight": ask.units}, str(number), ask.at_us)
        if ask.is_settled:
            account.pause(ask.units, ask.at_us)
    read = ledger()
    read.load(account.to_text())
    assert read == account


@given(st.text(max_size=60))
def test_no_text_brings_the_reader_down(text: str) -> None:
    with pytest.raises(UnreadableLedgerError):
        ledger().load(text)
