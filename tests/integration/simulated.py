"""A home beside an exchange in this process: both live by one simulated clock, so that a day takes seconds."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from assay.domain.clock import Clock
from assay.lake import bronze
from assay.lake.bronze import BatchHeader
from assay.lake.bronze_store import batches_of, store_of
from assay.pipelines.ingesting import Access, IngestResult, VenuePlan, Wanted, access_of, ingest, plan_ingest
from assay.pipelines.workspace import Workspace, open_workspace
from assay.settings import IngestSettings, Settings
from assay.venues.retry import RetryPolicy
from assay.venues.sandbox.answers import Answer
from assay.venues.sandbox.exchange import Exchange
from assay.venues.sandbox.faults import NO_FAULTS, FaultPlan
from assay.venues.sandbox.inside import ExchangeTransport
from assay.venues.sandbox.market import Market
from assay.venues.timing import Timing
from assay.venues.transport import Transport
from tests.integration.homes import ONE_THREAD, share_caches

START = datetime(2024, 6, 1, 12, 0, 20, tzinfo=UTC)
MARKET = Market(12)


@dataclass
class SimulatedTime:
    """Time that goes on only where somebody waits; who waits longest moves it for all who wait."""

    moment: datetime = START
    began: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.moment

    def now(self) -> datetime:
        return self.moment

    def elapsed(self) -> float:
        return (self.moment - self.began).total_seconds()

    async def sleep(self, seconds: float) -> None:
        until = self.moment + timedelta(seconds=seconds)
        await asyncio.sleep(0)
        self.moment = max(self.moment, until)

    def passes(self, length: timedelta) -> None:
        self.moment += length

    @property
    def timing(self) -> Timing:
        return Timing(self, self.sleep, self.elapsed)


class WitnessedExchange(Exchange):
    """An exchange that remembers when it gave which answer.

    An answer may be held back, and while it is on its way another wait may move the simulated time: how late it is
    known hangs on which thread was faster. When it was given does not.
    """

    def __init__(self, market: Market, clock: Clock, *, elapsed: Callable[[], float], faults: FaultPlan) -> None:
        super().__init__(market, clock, elapsed=elapsed, faults=faults)
        self.given: dict[tuple[str, bytes], list[datetime]] = {}
        """By path and body, the moments at which it was given."""

    def answer(self, path: str, params: Mapping[str, str]) -> Answer:
        """Return the answer, and remember it."""
        moment = self.clock.now()
        answer = super().answer(path, params)
        self.given.setdefault((path, answer.body), []).append(moment)
        return answer


class Simulation:
    """An exchange, and homes that ingest from it."""

    def __init__(
        self, folder: Path, *, faults: FaultPlan = NO_FAULTS, moment: datetime = START, market: Market = MARKET
    ) -> None:
        self.folder = folder
        self.time = SimulatedTime(moment)
        self.exchange: Exchange = WitnessedExchange(market, self.time, elapsed=self.time.elapsed, faults=faults)
        self.venue_clock: Clock = self.time

    def workspace(self, name: str = "home", **ingest_settings: object) -> Workspace:
        """Return a home whose clock is the simulated one."""
        fields = {"limits_dir": self.folder / "limits", **ingest_settings}
        settings = Settings(home=self.folder / name, ingest=IngestSettings(**fields), lake=ONE_THREAD)
        workspace = open_workspace(settings, clock=self.time)
        share_caches(workspace.home.root)
        return workspace

    def access(self, workspace: Workspace, *, policy: RetryPolicy | None = None) -> Access:
        """Return the way into the exchange, without sockets and without losing time."""

        def inside(plan: VenuePlan, clock: Clock) -> AbstractAsyncContextManager[Transport]:
            return contextlib.nullcontext(
                ExchangeTransport(self.exchange, plan.spec.name, clock, sleep=self.time.sleep)
            )

        found = access_of(workspace.settings.ingest, self.time, connect=inside)
        return replace(found, timing=self.time.timing, rng=Random(3), policy=policy or found.policy)

    def poll(self, workspace: Workspace, wanted: Wanted, *, policy: RetryPolicy | None = None) -> IngestResult:
        """Ingest once."""
        plan = plan_ingest(workspace.settings, wanted, self.time.now())
        return ingest(workspace, plan, access=self.access(workspace, policy=policy))


def headers(workspace: Workspace, *datasets: str) -> list[BatchHeader]:
    """Return the headers of all batches of the datasets, or of all, in packs too."""
    store = store_of(workspace.home.bronze_store)
    days = sorted(name for name, _ in store.days() if not name.startswith(f"{bronze.QUARANTINE}/"))
    read = [header for day in days for header, _ in bronze.read_headers_of(batches_of(store, day))]
    return [one for one in read if not datasets or one.dataset in datasets]


def batch_paths(workspace: Workspace, dataset: str) -> list[Path]:
    """Return the files of the batches of a dataset."""
    return sorted((workspace.home.bronze / dataset).glob("venue=*/known_date=*/*.parquet"))


def klines_of(sources: str = "binance:klines", *symbols: str, since: str = "30d", **more: Sequence[str]) -> Wanted:
    """Return the wish for klines."""
    return Wanted((sources,), symbols or ("BTCUSDT",), tuple(more.get("intervals", ("1h",))), since)
