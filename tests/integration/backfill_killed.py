"""A process of its own that loads a series from the archive and the exchange; made to be killed at a point.

Usage: python backfill_killed.py FOLDER HOME POINT

It is killed when it comes to POINT for the first time after the first zip has come. The clock stands, so that the same
questions bring the same answers however often they are asked.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from threading import Event

from assay.domain.clock import Clock, FrozenClock
from assay.domain.points import Point, observed
from assay.pipelines.backfilling import Backfill, BackfillResult, backfill, plan_backfill
from assay.pipelines.ingesting import VenuePlan, access_of
from assay.pipelines.workspace import Workspace, open_workspace
from assay.settings import IngestSettings, Settings
from assay.venues.sandbox.exchange import Exchange
from assay.venues.sandbox.inside import ExchangeTransport
from assay.venues.spec import Request
from assay.venues.transport import Response, Transport
from tests.integration.homes import ONE_THREAD, share_caches
from tests.integration.simulated import MARKET, SimulatedTime
from tests.unit.venues.sandbox.reading import at

NOW = at(2025, 2, 11, 9, 30, 20)
SINCE = at(2024, 12, 10)
QUARTERS = Backfill(("BTC-USDT",), "15m", f"{SINCE:%Y-%m-%d}")
FILES = ("archive_spot_monthly",)


@dataclass(frozen=True, slots=True)
class Watched:
    """A transport that notes when the first zip has come, and how often each endpoint was asked."""

    way: Transport
    has_zip: Event
    asked: list[str] = field(default_factory=list)

    async def send(self, request: Request) -> Response:
        """Pass the question on."""
        self.asked.append(request.endpoint)
        response = await self.way.send(request)
        if request.endpoint in FILES:
            self.has_zip.set()
        return response


def workspace_of(folder: Path, home: str) -> Workspace:
    """Return the workspace of a home below `folder`, whose clock stands still."""
    settings = IngestSettings(limits_dir=folder / f"{home}-limits")
    workspace = open_workspace(Settings(home=folder / home, ingest=settings, lake=ONE_THREAD), clock=FrozenClock(NOW))
    share_caches(workspace.home.root)
    return workspace


def load(workspace: Workspace, has_zip: Event) -> tuple[BackfillResult, list[str]]:
    """Backfill once; return what came of it, and which endpoints were asked."""
    time, frozen = SimulatedTime(NOW), FrozenClock(NOW)
    exchange = Exchange(MARKET, frozen, elapsed=time.elapsed)
    asked: list[str] = []

    def inside(plan: VenuePlan, _clock: Clock) -> AbstractAsyncContextManager[Transport]:
        way = ExchangeTransport(exchange, plan.spec.name, frozen)
        return contextlib.nullcontext(Watched(way, has_zip, asked))

    found = access_of(workspace.settings.ingest, time, connect=inside)
    access = replace(found, timing=time.timing, rng=Random(3))
    return backfill(workspace, plan_backfill(workspace.settings, QUARTERS, NOW), access=access), asked


def main(folder: str, home: str, point: str) -> None:
    has_zip = Event()

    def observer(reached: Point) -> None:
        if reached is Point(point) and has_zip.is_set():
            os.kill(os.getpid(), signal.SIGKILL)

    workspace = workspace_of(Path(folder), home)
    with observed(observer):
        load(workspace, has_zip)


if __name__ == "__main__":
    main(*sys.argv[1:])
