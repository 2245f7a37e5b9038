"""Trying again, against a real server: what is retried, when, for how long, and when nobody asks at all."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.domain.errors import TransientError
from assay.venues.budget import BudgetSpentError, RateBudget
from assay.venues.circuit import Circuit, VenueDownError
from assay.venues.errors import VenueBusyError, VenueError, VenueRefusedError
from assay.venues.http import HttpOptions, HttpTransport
from assay.venues.ledger import Ledger
from assay.venues.retry import GaveUpError, RefusedError, RetryingTransport, RetryPolicy, UnusableAnswerError
from assay.venues.spec import RateLimit
from assay.venues.transport import Response, TransportError
from assay.venues.window import Window
from tests.unit.venues.fake_time import FakeTime
from tests.unit.venues.scripted_server import QUESTION, Act, ScriptedServer, answer, say_nothing

PLENTY = RateLimit("weight", 1_000_000, 60.0, None, "made up")
POLICY = RetryPolicy(attempts=5, total_s=100.0, first_wait_s=1.0, longest_wait_s=8.0)
SEED = 5


async def drop(_writer: asyncio.StreamWriter) -> None:
    """Close the connection without a word."""


class Scene:
    """A client with everything around it, in time that costs nothing, and the server it talks to."""

    def __init__(
        self, folder: Path, server: ScriptedServer, policy: RetryPolicy = POLICY, *, patience_s: float = 60.0
    ) -> None:
        self.fake = FakeTime()
        self.folder = folder
        self.server = server
        self.budget = RateBudget(folder, "binance", [PLENTY], self.fake.timing)
        self.circuit = Circuit("binance", self.fake.elapsed)
        self.transport = HttpTransport(server.url, self.fake, HttpOptions(timeout_s=patience_s))
        self.client = RetryingTransport(
            self.transport,
            self.budget,
            circuit=self.circuit,
            policy=policy,
            rng=Random(SEED),
            read_error=read_error,
        )

    async def ask(self) -> Response:
        return await self.client.send(QUESTION)


def read_error(body: bytes) -> VenueError | None:
    if body == b'{"code":-1121}':
        return VenueRefusedError("binance", -1121, "Invalid symbol.")
    return VenueBusyError("binance", -1001, "Disconnected.") if body == b'{"code":-1001}' else None


def play(
    folder: Path,
    *script: bytes | Act,
    act: Callable[[Scene], Awaitable[object]] | None = None,
    policy: RetryPolicy = POLICY,
) -> Scene:
    """Run `act` (ask once, if not given) against a server with that script, and return the scene afterwards."""

    async def run() -> Scene:
        async with ScriptedServer(*script) as server:
            # The short one is waited for, and enough for an answer on a machine that does other work.
            scene = Scene(folder, server, policy, patience_s=2.0 if say_nothing in script else 60.0)
            async with scene.transport:
                await (act(scene) if act else scene.ask())
            return scene

    return asyncio.run(run())


def waits(count: int) -> list[float]:
    """Return the waits that full jitter draws: evenly below 1, 2, 4, 8, 8 … seconds."""
    rng = Random(SEED)
    return [rng.uniform(0, bound) for bound in (1, 2, 4, 8, 8)[:count]]


@pytest.mark.parametrize(
    "failure",
    [
        answer(500), answer(502, b"<html>"), answer(503), answer(408), drop,
        answer(200, b"[1", content_length="9"), b"garbage\r\n\r\n", answer(400, b'{"code":-1001}'),
    ],
    ids=["500", "502", "503", "408", "closed", "cut off", "garbage", "the venue's own transient code"],
)  # fmt: skip
def test_transient_failure_is_retried_after_full_jitter(tmp_path: Path, failure: bytes | Act) -> None:
    scene = play(tmp_path, failure, failure, answer(200, b"[7]"))
    assert len(scene.server.seen) == 3
    assert scene.fake.sleeps == waits(2)


def test_time_out_is_retried(tmp_path: Path) -> None:
    scene = play(tmp_path, say_nothing, answer())
    assert (len(scene.server.seen), scene.fake.sleeps) == (2, waits(1))


def test_answer_of_the_attempt_that_worked_is_returned(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        assert (await scene.ask()).body == b"[7]"

    play(tmp_path, answer(500), answer(200, b"[7]"), act=act)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 422, 451])
def test_refusal_is_raised_at_once_with_what_the_venue_said(tmp_path: Path, status: int) -> None:
    async def act(scene: Scene) -> None:
        with pytest.raises(RefusedError, match=f"binance answered {status} to klines: 'not you'") as caught:
            await scene.ask()
        assert caught.value.response.status == status
        assert (len(scene.server.seen), scene.fake.sleeps) == (1, [])

    play(tmp_path, answer(status, b"not you"), act=act)


def test_refusal_in_the_venues_own_words_is_the_venues_own_error(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        with pytest.raises(VenueRefusedError, match="Invalid symbol"):
            await scene.ask()
        assert len(scene.server.seen) == 1

    play(tmp_path, answer(400, b'{"code":-1121}'), act=act)


@pytest.mark.parametrize("status", [401, 403, 451])
def test_who_is_shut_out_is_told_so_whatever_the_venue_says_beside_it(tmp_path: Path, status: int) -> None:
    async def act(scene: Scene) -> None:
        with pytest.raises(RefusedError, match=f"answered {status}"):
            await scene.ask()

    play(tmp_path, answer(status, b'{"code":-1121}'), act=act)


def test_retry_after_is_waited_out_before_the_jitter(tmp_path: Path) -> None:
    scene = play(tmp_path, answer(429, retry_after="7"), answer())
    assert scene.fake.sleeps == [7 + waits(1)[0]]


def test_retry_after_of_a_server_in_trouble_is_waited_out_too(tmp_path: Path) -> None:
    scene = play(tmp_path, answer(503, retry_after="Mon, 01 Jan 2024 12:00:20 GMT"), answer())
    assert scene.fake.sleeps == [20 + waits(1)[0]]


def test_process_that_was_not_told_to_wait_waits_too(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        with pytest.raises(GaveUpError):
            await scene.ask()
        other = Scene(tmp_path, scene.server)
        async with other.transport:
            await other.ask()
        assert other.fake.sleeps == [7]

    play(tmp_path, answer(429, retry_after="7"), answer(), act=act, policy=RetryPolicy(attempts=1))


def test_ban_that_outlasts_the_patience_is_not_waited_for(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        with pytest.raises(GaveUpError, match="1 attempts"):
            await scene.ask()
        with pytest.raises(BudgetSpentError, match="2024-01-01 13:00:00 UTC"):
            await scene.ask()
        assert (len(scene.server.seen), scene.fake.sleeps) == (1, [])

    play(tmp_path, answer(418, retry_after="3600"), act=act)


def test_giving_up_says_how_often_how_long_and_why(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        with pytest.raises(GaveUpError, match=r"no usable answer in 5 attempts .*klines.*answered 500") as caught:
            await scene.ask()
        assert isinstance(caught.value, TransientError)
        assert isinstance(caught.value.__cause__, UnusableAnswerError)
        assert (len(scene.server.seen), scene.fake.sleeps) == (5, waits(4))

    play(tmp_path, answer(500), act=act)


def test_no_wait_begins_that_would_end_after_the_total(tmp_path: Path) -> None:
    policy = RetryPolicy(attempts=1_000, total_s=30.0, first_wait_s=4.0, longest_wait_s=8.0)

    async def act(scene: Scene) -> None:
        with pytest.raises((GaveUpError, VenueDownError)):
            await scene.ask()
        assert 0 < sum(scene.fake.sleeps) <= 30

    play(tmp_path, answer(408), act=act, policy=policy)


@given(st.integers(1, 10_000), st.integers(0, 2**32))
def test_wait_lies_below_a_bound_that_doubles_up_to_the_longest(failures: int, seed: int) -> None:
    bound = min(8.0, 2.0 ** min(failures - 1, 10))
    assert 0 <= POLICY.wait_s(failures, Random(seed)) <= bound


def test_waits_are_spread_evenly_below_their_bound() -> None:
    # Uniform on [0, 4]: mean 2, standard deviation 4/√12; of 4,000 draws the mean has 4/√12/√4000 = 0.018.
    rng = Random(SEED)
    draws = [POLICY.wait_s(3, rng) for _ in range(4_000)]
    assert abs(statistics.fmean(draws) - 2) < 4 * 0.018
    assert abs(statistics.pstdev(draws) - 4 / 12**0.5) < 0.05


def test_hundreds_of_tasks_do_not_each_find_out_that_the_venue_is_down(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        for _ in range(2):
            with pytest.raises((GaveUpError, VenueDownError)):
                await scene.ask()
        assert scene.circuit.is_down
        asked, slept = len(scene.server.seen), len(scene.fake.sleeps)
        results = await asyncio.gather(*(scene.ask() for _ in range(300)), return_exceptions=True)
        assert {type(result) for result in results} == {VenueDownError}
        assert (len(scene.server.seen), len(scene.fake.sleeps)) == (asked, slept)
        assert asked <= 10

    play(tmp_path, answer(503), act=act, policy=RetryPolicy(attempts=6, first_wait_s=4, longest_wait_s=8))


def test_nobody_queues_for_a_venue_that_is_down(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        with pytest.raises(GaveUpError):
            await scene.ask()  # everybody has to wait for 90 s now, which would be worth it
        bring_down(scene.circuit, scene.fake)
        with pytest.raises(VenueDownError, match="asked again in 15 s"):
            await scene.ask()
        assert scene.fake.sleeps == []

    play(tmp_path, answer(429, retry_after="90"), act=act, policy=RetryPolicy(attempts=1))


def test_request_that_finds_the_venue_down_after_its_wait_costs_nothing(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        async def find_it_down() -> None:
            async with scene.budget.spend(QUESTION):
                assert charged(scene) == QUESTION.weight
                bring_down(scene.circuit, scene.fake)
                scene.circuit.check(QUESTION)

        with pytest.raises(VenueDownError):
            await find_it_down()
        assert charged(scene) == 0

    play(tmp_path, answer(), act=act)


def charged(scene: Scene, *, after_s: int = 0) -> int:
    """Return what the state file says is taken now, or would be after so many seconds."""
    window = Window(PLENTY.limit, 60_000_000)
    ledger = Ledger({"weight in 60 s": window}, 60_000_000)
    ledger.load((scene.folder / "binance.json").read_text(encoding="utf-8"))
    return window.taken(scene.fake.timing.now_us() + after_s * 1_000_000)


def test_venue_that_is_back_is_found_by_one_request_after_the_rest(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        bring_down(scene.circuit, scene.fake)
        scene.fake.passes(15)
        results = await asyncio.gather(*(scene.ask() for _ in range(20)), return_exceptions=True)
        assert len(scene.server.seen) == 1
        assert [type(result) for result in results].count(Response) == 1
        assert [type(result) for result in results].count(VenueDownError) == 19
        assert not scene.circuit.is_down
        await asyncio.gather(*(scene.ask() for _ in range(20)))

    play(tmp_path, answer(), act=act)


def bring_down(circuit: Circuit, fake: FakeTime) -> None:
    """Fail five times over twelve seconds."""
    for _ in range(5):
        circuit.failed()
        fake.passes(3)
    assert circuit.is_down
    fake.passes(-3)


def test_failures_all_at_one_moment_do_not_mean_that_the_venue_is_down() -> None:
    fake = FakeTime()
    circuit = Circuit("binance", fake.elapsed)
    for _ in range(200):
        circuit.failed()
    fake.passes(9)
    circuit.failed()
    assert not circuit.is_down
    fake.passes(1)
    circuit.failed()
    assert circuit.is_down


def test_few_failures_over_a_long_time_do_not_mean_that_the_venue_is_down() -> None:
    fake = FakeTime()
    circuit = Circuit("binance", fake.elapsed)
    for _ in range(4):
        circuit.failed()
        fake.passes(900)
    assert not circuit.is_down


def test_one_success_among_failures_starts_the_count_anew() -> None:
    fake = FakeTime()
    circuit = Circuit("binance", fake.elapsed)
    for number in range(40):
        circuit.failed()
        fake.passes(5)
        if number % 4 == 3:
            circuit.succeeded()
    assert not circuit.is_down


def test_rest_doubles_while_the_venue_stays_down_and_is_short_again_after_it_was_up() -> None:
    fake = FakeTime()
    circuit = Circuit("binance", fake.elapsed, rest_s=15, longest_rest_s=100)
    bring_down(circuit, fake)
    rests = []
    for _ in range(5):
        began = fake.seconds
        while True:
            try:
                with circuit.attempt(QUESTION):
                    break
            except VenueDownError:
                fake.passes(1)
        rests.append(fake.seconds - began)
        circuit.failed()
    assert rests == [15, 30, 60, 100, 100]
    circuit.succeeded()
    bring_down(circuit, fake)
    fake.passes(15)
    circuit.check(QUESTION)


def test_answers_that_were_on_their_way_do_not_lengthen_the_rest() -> None:
    fake = FakeTime()
    circuit = Circuit("binance", fake.elapsed, rest_s=15)
    bring_down(circuit, fake)
    for _ in range(50):
        circuit.failed()
    fake.passes(15)
    circuit.check(QUESTION)


def test_probe_that_is_interrupted_leaves_its_place_to_the_next() -> None:
    fake = FakeTime()
    circuit = Circuit("binance", fake.elapsed)
    bring_down(circuit, fake)
    fake.passes(15)
    probe = circuit.attempt(QUESTION)
    probe.__enter__()
    with pytest.raises(VenueDownError):
        circuit.check(QUESTION)
    error = asyncio.CancelledError()
    assert not probe.__exit__(type(error), error, None)
    with circuit.attempt(QUESTION):
        circuit.succeeded()
    assert not circuit.is_down


def test_too_many_requests_is_no_sign_of_a_venue_that_is_down(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        for _ in range(4):
            with pytest.raises(GaveUpError):
                await scene.ask()
        assert not scene.circuit.is_down

    play(tmp_path, answer(429, retry_after="9"), act=act)


def test_cancelled_request_counts_as_one_that_may_yet_arrive(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        task = asyncio.create_task(scene.ask())
        while not scene.server.seen:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (len(scene.server.seen), scene.fake.sleeps) == (1, [])
        assert [charged(scene, after_s=seconds) for seconds in (0, 119, 120)] == [QUESTION.weight, QUESTION.weight, 0]

    play(tmp_path, say_nothing, act=act)


def test_connection_that_cannot_be_made_is_retried_and_costs_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        async with ScriptedServer(answer()) as server:
            pass
        scene = Scene(tmp_path, server)
        async with scene.transport:
            with pytest.raises(GaveUpError) as caught:
                await scene.ask()
        assert isinstance(caught.value.__cause__, TransportError)
        assert scene.fake.sleeps == waits(4)
        assert charged(scene) == 0

    asyncio.run(run())
