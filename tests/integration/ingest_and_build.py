"""A process of its own that polls the exchange in a box once and builds; made to be killed at a named point.

Usage: python ingest_and_build.py FOLDER HOME MOMENT WHAT [POINT HIT]

WHAT is ``ingest`` or ``all``. The exchange lives in the process and its clock stands at MOMENT, so that the same poll
brings the same answers however often it is begun again. What goes wrong depends on the question only, never on how many
were asked before: two rows are broken, one page is none, and one question has no answer.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from assay.domain.clock import Clock, FrozenClock
from assay.domain.points import Point, observed
from assay.pipelines.ingesting import IngestResult, VenuePlan, Wanted, access_of, ingest, plan_ingest
from assay.pipelines.runs import noted
from assay.pipelines.workspace import Workspace, open_workspace
from assay.settings import IngestSettings, Settings
from assay.venues.retry import RetryPolicy
from assay.venues.sandbox.exchange import Exchange
from assay.venues.sandbox.inside import ExchangeTransport
from assay.venues.spec import Request
from assay.venues.transport import Response, Transport
from tests.integration.homes import ONE_THREAD, share_caches
from tests.integration.simulated import MARKET, START, SimulatedTime

HOUR = timedelta(hours=1)
OLD_HOLE = START.replace(minute=0, second=0) - timedelta(days=20)
"""The bar that opens then is broken in every answer, and so is the last one that closed before the poll."""
UNREADABLE, UNANSWERED = ("depth", "ETHUSDT"), ("depth", "XRPUSDT")
WANTED = Wanted(since="2024-04-20")


class Bent:
    """A transport that bends some answers."""

    def __init__(self, transport: Transport, moment: datetime) -> None:
        self._transport = transport
        latest = moment.replace(minute=0, second=0, microsecond=0) - HOUR
        self._broken = {int(one.timestamp() * 1_000) for one in (OLD_HOLE, latest)}

    async def send(self, request: Request) -> Response:
        """Pass the question on."""
        response = await self._transport.send(request)
        asked = request.endpoint, request.param("symbol")
        if asked == UNREADABLE:
            return replace(response, body=b"<html>maintenance</html>")
        if asked == UNANSWERED:
            return replace(response, status=503, body=b"")
        if asked == ("klines", "BTCUSDT"):
            rows = json.loads(response.body)
            bent = [[row[0], "much", *row[2:]] if row[0] in self._broken else row for row in rows]
            return replace(response, body=json.dumps(bent).encode())
        return response


def workspace_of(folder: Path, home: str, moment: datetime) -> Workspace:
    """Return the workspace of a home below `folder`, whose clock stands still."""
    settings = IngestSettings(
        limits_dir=folder / f"{home}-limits", symbols=("BTC", "XRP"), depth_symbols=("BTC", "ETH", "XRP")
    )
    workspace = open_workspace(
        Settings(home=folder / home, ingest=settings, lake=ONE_THREAD), clock=FrozenClock(moment)
    )
    share_caches(workspace.home.root)
    return workspace


def poll(workspace: Workspace, moment: datetime) -> IngestResult:
    """Ask everything once; answers are stamped with `moment`, while those who wait for limits lose no time."""
    time = SimulatedTime(moment)
    frozen = FrozenClock(moment)
    exchange = Exchange(MARKET, frozen, elapsed=time.elapsed)

    def inside(plan: VenuePlan, _clock: Clock) -> AbstractAsyncContextManager[Transport]:
        return contextlib.nullcontext(Bent(ExchangeTransport(exchange, plan.spec.name, frozen), moment))

    found = access_of(workspace.settings.ingest, time, connect=inside)
    access = replace(found, timing=time.timing, rng=Random(3), policy=RetryPolicy(attempts=2))
    plan = plan_ingest(workspace.settings, WANTED, moment)
    with noted(workspace, "ingest"):
        return ingest(workspace, plan, access=access)


def work(folder: Path, home: str, moment: datetime, *, with_build: bool = True) -> Workspace:
    """Poll and build, as the commands do."""
    from assay.pipelines.building import build  # not needed to ingest

    workspace = workspace_of(folder, home, moment)
    poll(workspace, moment)
    if with_build:
        with noted(workspace, "build"):
            build(workspace)
    return workspace


class Killer:
    """Kills this process when it comes to a point for the n-th time."""

    def __init__(self, point: Point, hit: int) -> None:
        self._point = point
        self._left = hit
        self._lock = threading.Lock()

    def __call__(self, point: Point) -> None:
        with self._lock:
            self._left -= point is self._point
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def main(folder: str, home: str, moment: str, what: str, *kill: str) -> None:
    observer = Killer(Point(kill[0]), int(kill[1])) if kill else lambda _point: None
    with observed(observer):
        work(Path(folder), home, datetime.fromisoformat(moment), with_build=what == "all")
    print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
