"""The home that the browser looks at: some weeks of a simulated market in which everything a page must show occurs.

Binance's hourly bars of one pair lack twelve hours, the last bars were restated, the newest is provisional, and a coin
has a name that would run as a script if a page let it. The home's clock stands still, so that pages do not change.
"""

from __future__ import annotations

import contextlib
import json
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from assay.domain.clock import Clock
from assay.lake.origin import HomeTime, write_time
from assay.pipelines.building import build
from assay.pipelines.ingesting import Access, VenuePlan, Wanted
from assay.pipelines.predicting import predict
from assay.pipelines.workspace import Workspace
from assay.venues.retry import RetryPolicy
from assay.venues.sandbox.faults import Fault, FaultPlan, Kind
from assay.venues.sandbox.inside import ExchangeTransport
from assay.venues.sandbox.market import Market
from assay.venues.spec import Request
from assay.venues.transport import Response, Transport
from tests.integration.kept_backtests import keep_backtests
from tests.integration.registered import register_models
from tests.integration.simulated import START, Simulation

SERIES = "binance:spot:BTC-USDT"
GAPPY = "binance:spot:ETH-USDT"
HOLE = (datetime(2024, 5, 28, 3, tzinfo=UTC), datetime(2024, 5, 28, 15, tzinfo=UTC))
"""Hours that Binance never gives of GAPPY: twelve bars."""
HOSTILE_COIN = "bitcoin"
HOSTILE_NAME = (
    '<script>document.title="owned"</script>\N{RIGHT-TO-LEFT OVERRIDE}<img src=x onerror=alert(1)>' + "W" * 300
)
BETWEEN = START + timedelta(minutes=30)
"""A moment between the two polls: all of the first is known, and nothing that was restated after it."""
_WANTED = (
    Wanted(("binance:klines", "wazirx:klines"), ("BTC", "ETH"), ("1h",), "60d"),
    Wanted(("binance:klines",), ("BTC",), ("1m",), "1d"),
    Wanted(("binance:tickers", "wazirx:tickers", "coingecko:coin_markets")),
)


class BrowserMarket(Simulation):
    """A simulation whose answers have a hole and a hostile name."""

    def __init__(self, folder: Path, moment: datetime = START) -> None:
        restated = Fault(Kind.RESTATED, venue="binance", seconds=600.0)
        super().__init__(folder, faults=FaultPlan(1, (restated,)), moment=moment, market=Market(12))

    def access(self, workspace: Workspace, *, policy: RetryPolicy | None = None) -> Access:
        """Return the way into the exchange, past what edits its answers."""

        def inside(plan: VenuePlan, clock: Clock) -> AbstractAsyncContextManager[Transport]:
            exact = ExchangeTransport(self.exchange, plan.spec.name, clock, sleep=self.time.sleep)
            return contextlib.nullcontext(_Edited(exact))

        return replace(super().access(workspace, policy=policy), connect=inside)

    def polls(self, workspace: Workspace) -> None:
        """Ask for everything once, at this moment."""
        for wanted in _WANTED:
            self.poll(workspace, wanted)

    def settles(self, workspace: Workspace) -> None:
        """Build and predict from what there is, and leave the home's clock at this moment."""
        build(workspace)
        predict(workspace)
        write_time(workspace.home, HomeTime(self.time.now()))


class _Edited:
    """A transport that takes the hole out of the bars, and puts the name into the coins."""

    def __init__(self, exact: Transport) -> None:
        self._exact = exact

    async def send(self, request: Request) -> Response:
        response = await self._exact.send(request)
        params = dict(request.params)
        if response.status == 200 and params.get("symbol") == "ETHUSDT" and params.get("interval") == "1h":
            low, high = (round(moment.timestamp() * 1000) for moment in HOLE)
            rows = [row for row in json.loads(response.body) if not low <= row[0] < high]
            return replace(response, body=json.dumps(rows).encode())
        if (
            response.status == 200
            and HOSTILE_COIN.encode() in response.body
            and request.path.endswith("/coins/markets")
        ):
            coins = json.loads(response.body)
            named = [{**coin, "name": HOSTILE_NAME} if coin["id"] == HOSTILE_COIN else coin for coin in coins]
            return replace(response, body=json.dumps(named).encode())
        return response


def make_home(folder: Path) -> Path:
    """Make the home below `folder` and return it: two polls an hour apart, and a build."""
    market = BrowserMarket(folder)
    workspace = market.workspace()
    market.polls(workspace)
    register_models(workspace, START, has_champion=False)
    market.time.passes(timedelta(hours=1))
    market.polls(workspace)
    market.settles(workspace)
    keep_backtests(workspace)
    return workspace.home.root


def one_hour_later(home: Path) -> None:
    """Let an hour pass in a copy of the home, so that a bar is new."""
    market = BrowserMarket(home.parent, moment=START + timedelta(hours=2))
    workspace = market.workspace(home.name)
    market.polls(workspace)
    market.settles(workspace)
