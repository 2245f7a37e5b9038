"""The rate budget: one state for all, no more than the limit in any window, and no wait without an end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.domain.errors import BadInputError, StorageError
from assay.venues.budget import BudgetSpentError, RateBudget
from assay.venues.spec import RateLimit, Request
from assay.venues.transport import Response, TransportError
from tests.unit.venues.fake_time import FakeTime

COUNT = "x-mbx-used-weight-1m"
WEIGHT = RateLimit("weight", 100, 60.0, COUNT, "made up")
REQUESTS = RateLimit("requests", 3, 12.0, None, "made up")
LEASE_S = 30.0
MakeBudget = Callable[..., RateBudget]


def costing(weight: int) -> Request:
    return Request("binance", "klines", "/api/v3/klines", (), weight)


@pytest.fixture
def fake() -> FakeTime:
    return FakeTime()


@pytest.fixture
def make_budget(tmp_path: Path, fake: FakeTime) -> MakeBudget:
    """Return a function that opens the same state anew, as another process would."""

    def make(*limits: RateLimit, time: FakeTime = fake) -> RateBudget:
        return RateBudget(tmp_path / "budgets", "binance", limits or (WEIGHT,), time.timing, lease_s=LEASE_S)

    return make


async def spend(
    budget: RateBudget,
    weight: int = 1,
    *,
    took_s: float = 0.0,
    status: int = 200,
    patience_s: float = 1e9,
    headers: Mapping[str, str] | None = None,
) -> float:
    """Spend, get an answer after `took_s`, and return how long the wait for room was."""
    fake = budget.timing.clock
    assert isinstance(fake, FakeTime)
    began = fake.seconds
    async with budget.spend(costing(weight), patience_s=patience_s) as spending:
        waited = fake.seconds - began
        asked_at = fake.now()
        fake.passes(took_s)
        spending.heed(Response(status, headers or {}, b"", asked_at=asked_at, received_at=fake.now()))
    return waited


async def lose(budget: RateBudget, weight: int, *, was_sent: bool) -> None:
    """Spend on a request that gets no answer."""
    request = costing(weight)
    with pytest.raises(TransportError):
        async with budget.spend(request):
            raise TransportError("lost", request=request, was_sent=was_sent)


def test_nobody_waits_below_the_limit(make_budget: MakeBudget) -> None:
    async def run() -> list[float]:
        budget = make_budget()
        return [await spend(budget, 25) for _ in range(4)]

    assert asyncio.run(run()) == [0, 0, 0, 0]


def test_beyond_the_limit_one_waits_until_a_window_after_the_answer(make_budget: MakeBudget) -> None:
    # 60 go out at 0 s and are answered at 5 s, 40 more at 5 s; 1 more fits when the 60 are free: 5 + 60 = 65 s.
    async def run() -> float:
        budget = make_budget()
        await spend(budget, 60, took_s=5)
        await spend(budget, 40, took_s=2)
        return await spend(budget, 1)

    assert asyncio.run(run()) == 65 - 7


def test_another_process_sees_what_this_one_spent(make_budget: MakeBudget) -> None:
    async def run() -> float:
        await spend(make_budget(), 100)
        return await spend(make_budget(), 1)

    assert asyncio.run(run()) == 60


def test_venues_own_count_is_believed_when_it_is_higher(make_budget: MakeBudget) -> None:
    async def run() -> tuple[float, float]:
        budget = make_budget()
        await spend(budget, 10, headers={COUNT: "90"})
        return await spend(budget, 10), await spend(budget, 1)

    assert asyncio.run(run()) == (0, 60)


def test_venues_own_count_is_not_believed_when_it_is_lower(make_budget: MakeBudget) -> None:
    # Its minute has begun anew; ours slides, and the 100 may still be on their way into it.
    async def run() -> float:
        budget = make_budget()
        await spend(budget, 100, headers={COUNT: "1"})
        return await spend(budget, 1)

    assert asyncio.run(run()) == 60


@given(count=st.one_of(st.text(max_size=12), st.sampled_from(["-5", "1e3", "٣٣٣", "9" * 5_000, "99 "])))
def test_strange_count_stops_nobody_for_longer_than_a_window(
    count: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    fake = FakeTime()
    budget = RateBudget(tmp_path_factory.mktemp("budget"), "binance", [WEIGHT], fake.timing)

    async def run() -> float:
        await spend(budget, 1, headers={COUNT: count})
        return await spend(budget, 100)

    assert 0 < asyncio.run(run()) <= 60


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"retry-after": "17"}, 17),
        (418, {"retry-after": "3600"}, 3_600),
        (429, {"retry-after": "Mon, 01 Jan 2024 12:00:40 GMT"}, 40),
        (429, {}, 60),
        (418, {}, 120),
        (418, {"retry-after": "soon"}, 120),
    ],
)
def test_venue_that_says_stop_stops_every_process(
    make_budget: MakeBudget, status: int, headers: dict[str, str], seconds: float
) -> None:
    async def run() -> float:
        other = make_budget()
        await spend(make_budget(), 1, status=status, headers=headers)
        return await spend(other, 1)

    assert asyncio.run(run()) == seconds


def test_long_ban_is_waited_for_in_sleeps_of_a_window_at_most(make_budget: MakeBudget, fake: FakeTime) -> None:
    async def run() -> None:
        budget = make_budget()
        await spend(budget, 1, status=418, headers={"retry-after": "600"})
        await spend(budget, 1)

    asyncio.run(run())
    assert fake.sleeps == [60.0] * 10


@pytest.mark.parametrize("status", [200, 400, 403, 500, 503])
def test_other_statuses_stop_nobody_else(make_budget: MakeBudget, status: int) -> None:
    async def run() -> float:
        budget = make_budget()
        await spend(budget, 1, status=status, headers={"retry-after": "30"})
        return await spend(budget, 1)

    assert asyncio.run(run()) == 0


def test_shorter_ban_does_not_end_a_longer_one(make_budget: MakeBudget) -> None:
    # Two requests were under way: the first answer bans for 100 s, the second, which came later, for 5.
    async def run() -> float:
        budget = make_budget()
        async with budget.spend(costing(1)) as late:
            await spend(budget, 1, status=429, headers={"retry-after": "100"})
            now = budget.timing.clock.now()
            late.heed(Response(429, {"retry-after": "5"}, b"", asked_at=now, received_at=now))
        return await spend(budget, 1)

    assert asyncio.run(run()) == 100


def test_request_that_never_left_costs_nothing(make_budget: MakeBudget) -> None:
    async def run() -> float:
        budget = make_budget()
        await lose(budget, 100, was_sent=False)
        return await spend(budget, 100)

    assert asyncio.run(run()) == 0


def test_request_without_an_answer_counts_for_the_lease_and_a_window(make_budget: MakeBudget) -> None:
    async def run() -> float:
        budget = make_budget()
        await lose(budget, 100, was_sent=True)
        return await spend(budget, 1)

    assert asyncio.run(run()) == LEASE_S + 60


def test_impatient_caller_is_told_when_and_takes_nothing(make_budget: MakeBudget) -> None:
    async def run() -> float:
        budget = make_budget()
        await spend(budget, 90)
        with pytest.raises(BudgetSpentError, match="try again after 2024-01-01 12:01:00 UTC"):
            await spend(budget, 20, patience_s=59)
        return await spend(budget, 10)

    assert asyncio.run(run()) == 0


def test_request_that_can_never_fit_is_refused_at_once(make_budget: MakeBudget) -> None:
    async def run() -> None:
        with pytest.raises(BadInputError, match="costs 101"):
            await spend(make_budget(), 101)

    asyncio.run(run())


def test_all_limits_of_a_venue_hold_at_once(make_budget: MakeBudget) -> None:
    # The fourth request waits for the count (12 s), the fifth for the weight, of which the fourth took the rest.
    async def run() -> list[float]:
        budget = make_budget(WEIGHT, REQUESTS)
        return [await spend(budget, weight) for weight in (10, 10, 10, 70, 1)]

    assert asyncio.run(run()) == [0, 0, 0, 12, 48]


def test_what_does_not_fit_one_limit_takes_nothing_from_the_other(make_budget: MakeBudget) -> None:
    async def run() -> float:
        budget = make_budget(WEIGHT, REQUESTS)
        await spend(budget, 100)
        for _ in range(5):
            with pytest.raises(BudgetSpentError):
                await spend(budget, 1, patience_s=1)
        return await spend(budget, 1)

    assert asyncio.run(run()) == 60


def test_waiting_in_one_process_is_in_turn(make_budget: MakeBudget) -> None:
    order: list[int] = []

    async def one(budget: RateBudget, number: int) -> None:
        await spend(budget, 60)
        order.append(number)

    async def run() -> None:
        budget = make_budget()
        await asyncio.gather(*(one(budget, number) for number in range(6)))

    asyncio.run(run())
    assert order == list(range(6))


def test_clock_set_back_makes_no_wait_longer_than_lease_and_window(make_budget: MakeBudget, fake: FakeTime) -> None:
    async def run() -> float:
        budget = make_budget()
        await spend(budget, 100)
        fake.is_set(-86_400)
        return await spend(budget, 1)

    assert 60 <= asyncio.run(run()) <= LEASE_S + 60


def test_clock_set_back_makes_a_ban_no_longer(make_budget: MakeBudget, fake: FakeTime) -> None:
    async def run() -> float:
        budget = make_budget()
        await spend(budget, 1, status=418, headers={"retry-after": "300"})
        fake.is_set(-86_400)
        return await spend(budget, 1)

    assert asyncio.run(run()) == 300


@pytest.mark.parametrize("jump_s", [25, 86_400])
def test_clock_set_forward_frees_nothing_early(make_budget: MakeBudget, fake: FakeTime, jump_s: float) -> None:
    async def run() -> float:
        budget = make_budget()
        await spend(budget, 100)
        fake.is_set(jump_s)
        return await spend(budget, 1)

    assert asyncio.run(run()) == 60


def test_clock_set_forward_makes_a_ban_no_shorter(make_budget: MakeBudget, fake: FakeTime) -> None:
    async def run() -> float:
        budget = make_budget()
        await spend(budget, 1, status=418, headers={"retry-after": "300"})
        fake.is_set(250)
        return await spend(budget, 1)

    assert asyncio.run(run()) == 300


def test_jump_that_several_processes_notice_makes_no_wait_longer_than_lease_and_window(
    make_budget: MakeBudget, fake: FakeTime
) -> None:
    async def run() -> float:
        budgets = [make_budget() for _ in range(5)]
        await spend(budgets[0], 100)
        fake.is_set(3_600)
        for budget in budgets:
            with pytest.raises(BudgetSpentError):
                await spend(budget, 1, patience_s=1)
        return await spend(budgets[0], 1)

    assert 60 <= asyncio.run(run()) <= LEASE_S + 60


def test_ban_is_no_longer_for_the_jump_that_several_processes_notice(make_budget: MakeBudget, fake: FakeTime) -> None:
    async def run() -> float:
        budgets = [make_budget() for _ in range(5)]
        await spend(budgets[0], 1, status=418, headers={"retry-after": "300"})
        fake.is_set(3_600)
        for budget in budgets:
            with pytest.raises(BudgetSpentError):
                await spend(budget, 1, patience_s=1)
        return await spend(budgets[0], 1)

    assert asyncio.run(run()) == 300


def test_machine_that_slept_finds_everything_free(make_budget: MakeBudget, fake: FakeTime) -> None:
    async def run() -> float:
        budget = make_budget()
        await spend(budget, 100)
        fake.passes(8 * 3_600)
        return await spend(budget, 100)

    assert asyncio.run(run()) == 0


@pytest.mark.parametrize(
    "text",
    [
        "", "null", "[]", "{", '{"version": 99}', '{"version": 1}', "\x00\xff",
        '{"version": 1, "paused_us": [0, 0], "queue": [], "holds": {"weight in 60 s": [[1, "x"]]}}',
        '{"version": 1, "paused_us": [0, 0], "queue": [1], "holds": {}}',
    ],
)  # fmt: skip
def test_unreadable_state_counts_as_full_for_a_window_and_heals(
    make_budget: MakeBudget, tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "budgets"
    folder.mkdir()
    (folder / "binance.json").write_text(text, encoding="latin-1")

    async def run() -> tuple[float, float]:
        return await spend(make_budget(), 50), await spend(make_budget(), 50)

    with caplog.at_level(logging.WARNING):
        assert asyncio.run(run()) == (60, 0)
    assert caplog.text.count("unreadable") == 1


def test_limits_that_change_between_two_runs_keep_what_was_spent(make_budget: MakeBudget) -> None:
    async def run() -> float:
        await spend(make_budget(WEIGHT), 60)
        return await spend(make_budget(replace(WEIGHT, limit=50)), 1)

    assert asyncio.run(run()) == 60


def test_folder_that_cannot_be_written_is_named(tmp_path: Path, fake: FakeTime) -> None:
    (tmp_path / "file").write_text("")
    budget = RateBudget(tmp_path / "file", "binance", [WEIGHT], fake.timing)
    with pytest.raises(StorageError, match="file"):
        asyncio.run(spend(budget, 1))


def test_state_stays_small_at_the_pace_of_binance(tmp_path: Path, fake: FakeTime) -> None:
    # 500 requests over 30 s would be 500 entries if each were kept by itself.
    budget = RateBudget(tmp_path, "binance", [replace(WEIGHT, limit=6_000)], fake.timing, lease_s=LEASE_S)

    async def run() -> None:
        for _ in range(500):
            await spend(budget, 2, took_s=0.06)

    asyncio.run(run())
    assert (tmp_path / "binance.json").stat().st_size < 4_096
    assert sorted(path.name for path in tmp_path.iterdir()) == ["binance.json", "binance.lock"]


def test_cancelled_waiter_lets_the_next_one_through(make_budget: MakeBudget, fake: FakeTime) -> None:
    async def run() -> float:
        budget = make_budget()
        await spend(budget, 100)
        hangs = asyncio.Event()

        async def sleep_for_ever(_seconds: float) -> None:
            hangs.set()
            await asyncio.sleep(60)

        waiting = budget.timing.sleep
        budget.timing = replace(budget.timing, sleep=sleep_for_ever)
        waiter = asyncio.create_task(spend(budget, 1))
        await hangs.wait()
        waiter.cancel()
        await asyncio.gather(waiter, return_exceptions=True)
        budget.timing = replace(budget.timing, sleep=waiting)
        fake.passes(60)
        return await spend(budget, 1)

    assert asyncio.run(run()) == 0
