"""The simulated exchange in a process of its own: it says what it says here, and its end is said; see test_demo.py."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import psutil
import pytest

from assay.domain.clock import FrozenClock
from assay.domain.errors import BuildError
from assay.pipelines.simulating import simulated
from assay.pipelines.simulating_beside import exchange_beside
from assay.venues.sandbox.answers import Answer
from assay.venues.sandbox.exchange import Exchange

NOON = datetime(2026, 6, 1, 12, 0, 20, tzinfo=UTC)
ASKED = [
    ("/binance/api/v3/klines", {"symbol": "BTCUSDT", "interval": "1h", "limit": "1000"}),
    ("/binance/api/v3/klines", {"symbol": "NOPE", "interval": "1h"}),
    ("/wazirx/sapi/v1/klines", {"symbol": "btcinr", "interval": "1h", "limit": "10"}),
    ("/nowhere", {}),
    ("/coingecko/api/v3/coins/markets", {"vs_currency": "usd", "per_page": "3"}),
]


async def said(exchange: Exchange) -> list[Answer]:
    return list(await asyncio.gather(*(exchange.answered(path, params) for path, params in ASKED)))


def test_it_says_what_an_exchange_says_here_at_the_moment_of_the_clock() -> None:
    clock = FrozenClock(NOON)
    here = simulated(3, clock)
    with exchange_beside(3, clock) as there:
        assert there.name == here.name
        for clock.moment in (NOON, NOON + timedelta(days=1)):
            answers = asyncio.run(said(there))
            assert answers == asyncio.run(said(here))
            assert [one.status for one in answers] == [200, 400, 200, 404, 200]


def test_its_end_is_an_error_and_it_never_outlives_the_block() -> None:
    before = set(psutil.Process().children())
    with exchange_beside(3, FrozenClock(NOON)) as there:
        (child,) = set(psutil.Process().children()) - before
        child.suspend()  # so that the question is under way when it ends
        with pytest.raises(BuildError, match="has ended"):
            asyncio.run(_asked_while_it_ends(there, child))
        with pytest.raises(BuildError, match="has ended"):
            asyncio.run(said(there))
    assert not child.is_running()


async def _asked_while_it_ends(exchange: Exchange, child: psutil.Process) -> None:
    question = asyncio.ensure_future(exchange.answered(*ASKED[0]))
    await asyncio.sleep(0)
    child.kill()
    await question
