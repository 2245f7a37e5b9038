"""The demo: a simulated market from nothing to predictions, and the same content hash on every machine and day.

It begins at a fixed moment of a time of its own. While the home is filled that time stands still, so that it does not
matter how long it takes or how often it is stopped; once it is looked at, the time goes on (``following.py``).
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from assay.domain.clock import Clock, FrozenClock, SystemClock
from assay.domain.duration import parse_duration
from assay.domain.errors import HomeError
from assay.domain.interval import parse_moment
from assay.lake import content, prediction_tables
from assay.lake.catalog import is_made
from assay.lake.home import Home
from assay.lake.manifest import partitions
from assay.lake.origin import HomeTime, check_origin, claim_origin, read_time, simulated_origin, write_time
from assay.lake.storage import storage_errors, write_if_absent
from assay.pipelines.building import build
from assay.pipelines.building_beside import ready_builder
from assay.pipelines.ingesting import IngestPlan, IngestResult, Progress, VenuePlan, Wanted, ingest, plan_ingest, silent
from assay.pipelines.predicting import PredictResult, predict
from assay.pipelines.runs import noted
from assay.pipelines.simulating import access_inside, inside, simulated
from assay.pipelines.simulating_beside import exchange_beside
from assay.pipelines.workspace import Workspace
from assay.settings import IngestSettings, Settings, VenuesSettings

if TYPE_CHECKING:
    import duckdb

    from assay.venues.sandbox.exchange import Exchange

START = datetime(2026, 6, 1, 12, 0, 20, tzinfo=UTC)
"""When the demo's time begins: a few seconds after a full hour, when its bar has been published."""
_BETWEEN_POLLS = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """What a demo home holds. It is written into the home once, and is what it holds from then on.

    Attributes
    ----------
    seed : int
        Which market.
    start : datetime
        When its time begins, UTC.
    symbols : tuple of str
        Assets; Binance quotes them in USDT, WazirX in INR.
    depth_symbols : tuple of str
        Those with an order book.
    hourly, minutely : str
        How far back Binance's bars of an hour and of a minute go, such as ``730d``.
    rupees : str
        The same of WazirX's hourly bars.
    coins : str
        For how long before its time begins the coins were asked for, once a day: venues tell no past of them.
    """

    seed: int = 0
    start: datetime = START
    symbols: tuple[str, ...] = IngestSettings().symbols
    depth_symbols: tuple[str, ...] = IngestSettings().depth_symbols
    hourly: str = "730d"
    minutely: str = "30d"
    rupees: str = "90d"
    coins: str = "7d"

    @property
    def past_polls(self) -> tuple[datetime, ...]:
        """When the coins were asked for before the time of the home begins."""
        count = parse_duration(self.coins) // _BETWEEN_POLLS
        return tuple(self.start - number * _BETWEEN_POLLS for number in range(count, 0, -1))

    @property
    def wishes(self) -> tuple[Wanted, ...]:
        """What is asked of the simulated venues."""
        return (
            Wanted(("binance",), (), ("1h",), self.hourly),
            Wanted(("binance:klines",), (), ("1m",), self.minutely),
            Wanted(("wazirx",), (), ("1h",), self.rupees),
            Wanted(("coingecko",)),
        )

    def settings(self, settings: Settings) -> Settings:
        """Return `settings` with this plan in place of what they say about venues and ingesting."""
        chosen = IngestSettings(
            symbols=self.symbols,
            depth_symbols=self.depth_symbols,
            limits_dir=settings.ingest.limits_dir,
            # The simulated venues never change a closed bar: asked again every minute for two hours, each would be
            # observed 120 times.
            settle="2m",
        )
        return settings.model_copy(update={"ingest": chosen, "venues": VenuesSettings()})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the evaluation of one series came to; fractions, None where there was too little data."""

    series: str
    verdict: str
    accuracy: float | None
    accuracy_low: float | None
    accuracy_high: float | None
    base_rate_accuracy: float | None
    difference: float | None
    difference_low: float | None
    difference_high: float | None
    sentence: str


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What a demo home holds.

    Attributes
    ----------
    home : str
    market : str
        What is simulated, with its seed.
    as_of : datetime
        What the home's clock says, UTC.
    series, bars, missing_bars : int
        Of all klines in silver.
    coins, tickers, order_books : int
        Rows of the polled tables.
    questions : int
        Requests to the simulated venues in this run.
    tests : int
        Quality tests that passed in this run; 0 if there was nothing new to build.
    predicted : PredictResult
    verdicts : tuple of Verdict
        The newest of every series.
    content_hash : str
        Of silver and gold.
    seconds : dict
        Time of each part.
    """

    home: str
    market: str
    as_of: datetime
    series: int
    bars: int
    missing_bars: int
    coins: int
    tickers: int
    order_books: int
    questions: int
    tests: int
    predicted: PredictResult
    verdicts: tuple[Verdict, ...]
    content_hash: str
    seconds: dict[str, float]


def prepare(workspace: Workspace, plan: DemoPlan) -> tuple[Workspace, DemoPlan]:
    """Make the home a demo home, or go on with the demo that it holds; return the workspace in the demo's time.

    Parameters
    ----------
    workspace : Workspace
    plan : DemoPlan
        Used if the home is empty; a demo home keeps its own.

    Raises
    ------
    HomeError
        If the home holds anything else than the demo of this seed.
    """
    home = workspace.home
    exchange = simulated(plan.seed, workspace.clock)
    kept = read_plan(home)
    if kept is not None and kept.seed != plan.seed:
        todo = f"choose another ASSAY_HOME, or --seed {kept.seed}"
        raise HomeError(f"this home holds the demo of seed {kept.seed}", value=home.root, todo=todo)
    check_origin(home, simulated_origin(exchange.name))
    if kept is None:
        if any(True for _ in partitions(home.bronze_store)):
            todo = "choose another ASSAY_HOME: the demo lives in a time of its own, and needs a home of its own"
            raise HomeError("this home is not empty, and holds no demo", value=home.root, todo=todo)
        claim_origin(home, simulated_origin(exchange.name))
        write_if_absent(home.demo, _plan_json(plan))
        kept = read_plan(home) or plan
    if read_time(home) is None:
        write_time(home, HomeTime(kept.start))
    return in_its_time(dataclasses.replace(workspace, settings=kept.settings(workspace.settings))), kept


def in_its_time(workspace: Workspace, machine: Clock | None = None) -> Workspace:
    """Return the workspace with the clock that its home remembers, driven by the machine's."""
    remembered = read_time(workspace.home)
    if remembered is None:
        return workspace
    return dataclasses.replace(workspace, clock=remembered.clock(machine or SystemClock()))


def set_going(workspace: Workspace, machine: Clock | None = None) -> Workspace:
    """Let the time of a demo home go on from where it stands, for all who open it from now on."""
    driver = machine or SystemClock()
    remembered = read_time(workspace.home)
    if remembered is not None and not remembered.is_running:
        write_time(workspace.home, HomeTime(remembered.simulated, driver.now()))
    return in_its_time(workspace, driver)


def ask(workspace: Workspace, plan: DemoPlan, exchange: Exchange, *, progress: Progress = silent) -> IngestResult:
    """Ask the simulated venues for everything that the plan wants and bronze lacks."""
    now = workspace.clock.now()
    wanted = _together([plan_ingest(workspace.settings, wish, now) for wish in plan.wishes])
    access = access_inside(exchange, workspace.settings, workspace.clock)
    return ingest(workspace, inside(exchange, wanted), access=access, progress=progress)


def ask_before(workspace: Workspace, plan: DemoPlan, exchange: Exchange) -> None:
    """Ask for the coins as a home does that has been at it for days, at the moments of the plan."""
    clock = FrozenClock(plan.start)
    past, exchange.clock = dataclasses.replace(workspace, clock=clock), clock
    for clock.moment in plan.past_polls:
        wanted = plan_ingest(past.settings, Wanted(("coingecko:coin_markets",)), clock.now())
        ingest(past, inside(exchange, wanted), access=access_inside(exchange, past.settings, clock))
    exchange.clock = workspace.clock


def demo(workspace: Workspace, plan: DemoPlan, *, progress: Progress = silent, is_beside: bool = False) -> DemoResult:
    """Fill a prepared home up to its time, build, predict, and say what it holds.

    It can be stopped at any moment; run again, it goes on, and what is there already is not asked for again. With
    `is_beside` a first build is made in a process of its own, which gets ready while bars are fetched.

    Raises
    ------
    AssayError
        As ingesting, building and predicting do.
    """
    with noted(workspace, "demo") as summary:
        seconds: dict[str, float] = {}
        watch = _Watch(seconds)
        with contextlib.ExitStack() as stack:
            # In a home that has been built a refresh is over before another process would be ready for it.
            beside, exchange = None, simulated(plan.seed, workspace.clock)
            if is_beside and not is_made(workspace.home):
                exchange = stack.enter_context(exchange_beside(plan.seed, workspace.clock))
                beside = stack.enter_context(ready_builder(workspace))
            if not _is_running(workspace.home):
                workspace.say("asking for the coins of the days before")
                ask_before(workspace, plan, exchange)
            ingested = ask(workspace, plan, exchange, progress=progress)
            watch.done("ingest")
            built = build(workspace) if beside is None else beside.build(workspace)
            watch.done("build")
            hashing = content.Hashing()
            with workspace.lake() as lake:  # which no prediction changes: they may still be on their way
                hashing.add(lake, content.SILVER)
            predicted = predict(workspace) if beside is None else beside.predictions(workspace)
        watch.done("predict")
        workspace.say("hashing what is there")
        with workspace.lake() as lake:
            counts = _counts(lake)
            verdicts = tuple(_verdict(row) for row in prediction_tables.latest_evidence(lake))
            hashing.add(lake, content.GOLD)
            hash_ = hashing.hexdigest()
        watch.done("hash")
        summary |= {"new_batches": ingested.new_batches, "content_hash": hash_}
    requests = sum(venue.traffic.requests for venue in ingested.venues)
    now = workspace.clock.now()
    return DemoResult(
        home=str(workspace.home.root), market=exchange.name, as_of=now, **counts, questions=requests,
        tests=len(built.tests), predicted=predicted, verdicts=verdicts, content_hash=hash_, seconds=seconds,
    )  # fmt: skip


def _is_running(home: Home) -> bool:
    remembered = read_time(home)
    return remembered is not None and remembered.is_running


def read_plan(home: Home) -> DemoPlan | None:
    """Return the plan that a demo home holds, or None if it is no demo home.

    Raises
    ------
    HomeError
        If the file that holds it is damaged.
    """
    with storage_errors(home.demo):
        try:
            body = home.demo.read_bytes()
        except FileNotFoundError:
            return None
    try:
        found = json.loads(body)
        found |= {name: tuple(found[name]) for name in ("symbols", "depth_symbols")}
        return DemoPlan(**found | {"start": parse_moment(found["start"])})
    except (ValueError, KeyError, TypeError, AttributeError):
        todo = "delete the home, and run `assay demo` again"
        raise HomeError("the demo's plan is damaged", value=home.demo, todo=todo) from None


def _plan_json(plan: DemoPlan) -> bytes:
    return json.dumps(dataclasses.asdict(plan) | {"start": plan.start.isoformat()}).encode() + b"\n"


def _together(plans: Sequence[IngestPlan]) -> IngestPlan:
    """Return one plan that asks each venue everything that the plans ask of it."""
    venues: dict[str, VenuePlan] = {}
    for one in (venue for plan in plans for venue in plan.venues):
        known = venues.get(one.spec.name)
        venues[one.spec.name] = (
            one
            if known is None
            else dataclasses.replace(
                known, series=(*known.series, *one.series), snapshots=(*known.snapshots, *one.snapshots)
            )
        )
    return IngestPlan(tuple(venues.values()))


class _Watch:
    """Notes the seconds of one part after the other."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self._seconds = seconds
        self._last = time.perf_counter()

    def done(self, name: str) -> None:
        now = time.perf_counter()
        self._seconds[name] = round(now - self._last, 3)
        self._last = now


_COUNTS = """
select count(distinct (venue, market, symbol, interval)) as series, count(*) as bars,
    coalesce(sum(missing_bars_before), 0)::bigint as missing_bars,
    (select count(*) from lake.gold.crypto_market) as coins,
    (select count(*) from lake.silver.ticker_observations) as tickers,
    (select count(*) from lake.silver.order_books) as order_books
from lake.silver.crypto_prices_cleaned
"""


def _counts(lake: duckdb.DuckDBPyConnection) -> dict[str, int]:
    return lake.execute(_COUNTS).pl().row(0, named=True)


def _verdict(row: dict[str, object]) -> Verdict:
    series = ":".join(str(row[name]) for name in ("venue", "market", "symbol", "interval"))
    return Verdict(series, *(row[one.name] for one in dataclasses.fields(Verdict)[1:]))  # type: ignore[arg-type]
