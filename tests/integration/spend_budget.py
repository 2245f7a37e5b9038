"""A process of the budget tests: ``spend_budget.py MODE FOLDER URL COUNT``. It says ``ready`` and waits for a line.

``ask`` sends so many requests at once, within the budget; ``hang`` dies in the middle of one; ``hold`` in the middle of
a change to the state; ``hammer`` spends until it is killed.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from assay.domain.clock import SystemClock
from assay.venues.budget import RateBudget
from assay.venues.http import HttpTransport
from assay.venues.locked_file import LockedFile
from assay.venues.spec import RateLimit, Request
from assay.venues.timing import Timing
from assay.venues.transport import Response

LIMIT = RateLimit("weight", 20, 0.25, None, "made up")
LEASE_S = 3_600.0  # far longer than a test may take on a machine that does other work
QUESTION = Request("binance", "klines", "/klines", (), 2)
TIMING = Timing(SystemClock())


def open_budget(folder: Path, limit: RateLimit = LIMIT, timing: Timing = TIMING) -> RateBudget:
    return RateBudget(folder, "binance", [limit], timing, lease_s=LEASE_S)


async def ask(budget: RateBudget, url: str, count: int) -> None:
    async with HttpTransport(url, TIMING.clock) as transport:

        async def one() -> None:
            async with budget.spend(QUESTION) as spending:
                spending.heed(await transport.send(QUESTION))

        await asyncio.gather(*(one() for _ in range(count)))


async def hang(budget: RateBudget) -> None:
    async with budget.spend(QUESTION):
        print("spent", flush=True)
        await asyncio.sleep(LEASE_S)


async def hammer(budget: RateBudget) -> None:
    now = TIMING.clock.now()
    while True:
        async with budget.spend(QUESTION) as spending:
            spending.heed(Response(200, {}, b"", asked_at=now, received_at=now))


def main(mode: str, folder: Path, url: str, count: int) -> None:
    print("ready", flush=True)
    sys.stdin.readline()
    match mode:
        case "ask":
            asyncio.run(ask(open_budget(folder), url, count))
        case "hang":
            asyncio.run(hang(open_budget(folder)))
        case "hammer":
            asyncio.run(hammer(open_budget(folder, RateLimit("weight", 10**9, 0.25, None, "made up"))))
        case "hold":
            with LockedFile(folder / "binance.json").held():
                print("held", flush=True)
                time.sleep(LEASE_S)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
