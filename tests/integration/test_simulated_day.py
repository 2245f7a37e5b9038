"""A simulated day on which everything goes wrong: in the end the lake is what it would be had nothing gone wrong.

Two homes are asked to do the same at the same moments, every quarter of an hour. One has an exchange without faults;
the other's does everything that an exchange can do, and each of its venues goes down for a while. Then the faults end,
and what can be healed has time to heal. Beside the other home, the market itself is asked: what a bar was, and what an
answer of that moment would have been.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from random import Random

import polars as pl
import pytest

from assay.domain.clock import FrozenClock
from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.lake import bronze
from assay.lake.bronze import BatchHeader
from assay.lake.content import HISTORY, KLINES, HashedTable, content_hash
from assay.pipelines.building import build
from assay.pipelines.ingesting import Wanted
from assay.pipelines.workspace import Workspace
from assay.selectors.status import status
from assay.venues.datasets import COIN_MARKETS, INSTRUMENTS, ORDER_BOOKS, TICKERS
from assay.venues.registry import find_spec
from assay.venues.sandbox.bars import to_us
from assay.venues.sandbox.exchange import Exchange
from assay.venues.sandbox.fault_plans import all_kinds
from assay.venues.sandbox.faults import NO_FAULTS, FaultPlan, Kind, any_of
from assay.venues.sandbox.rupees import inr_per_usdt
from tests.integration.simulated import MARKET, Simulation, WitnessedExchange, batch_paths, headers

SLOT = timedelta(minutes=15)
NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)
PATIENCE = timedelta(seconds=30)
"""So long a client waits for an answer."""
LATE = timedelta(seconds=20)
"""So long after the beginning of its slot a poll begins."""
INTERVALS = ("1m", "1h")
BASES = ("BTC", "DOGE")
SNAPSHOTS = (TICKERS, ORDER_BOOKS, COIN_MARKETS, INSTRUMENTS)
BARS = "lake.silver.crypto_prices_cleaned"
GRAIN = ["venue", "market", "symbol", "interval", "open_time"]
VALUES = [
    "open", "high", "low", "close", "volume", "quote_volume", "num_trades", "taker_buy_volume",
    "taker_buy_quote_volume",
]  # fmt: skip
FOLLOW_FROM_KLINES = (*KLINES, HashedTable("gold.daily_crypto_metrics", ("venue", "market", "symbol", "date")))
POLLED_KEYS = {
    "silver.processed_binance_tickers": "venue, market, venue_symbol, slot_at",
    "silver.processed_wazirx_tickers": "venue, market, venue_symbol, slot_at",
    "silver.processed_crypto_market": "venue, coin_id, slot_at",
    "silver.inr_usd_rates": "source, slot_at",
    "silver.order_books": "venue, market, symbol, slot_at",
    "gold.crypto_market": "coin_id",
}
OBSERVATIONS = {
    "silver.ticker_observations": TICKERS,
    "silver.coin_observations": COIN_MARKETS,
    "silver.order_books": ORDER_BOOKS,
}
Question = tuple[str, str, str]
"""Venue, endpoint and parameters as JSON."""
Outage = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Course:
    """What happens when.

    `bad` is how long everything goes wrong, `healing` how long nothing does after it; `settle` is the setting, and
    `build_every` the number of polls from one build to the next. `rate` is the probability of the common faults.
    """

    seed: int
    bad: timedelta
    healing: timedelta
    settle: str
    build_every: int
    since: datetime
    rate: float = 0.02
    faults: FaultPlan = NO_FAULTS

    @property
    def slots(self) -> list[datetime]:
        """All slots in which there is a poll."""
        return [NOON + number * SLOT for number in range((self.bad + self.healing) // SLOT)]

    def with_faults(self) -> Course:
        """Return the same with every kind of fault until the bad time ends."""
        plan = all_kinds(self.seed, start=NOON, rate=self.rate, lossy="klines", venues=NAMES)
        end = NOON + self.bad
        last = max(fault.end for fault in plan.faults if fault.end)
        # In a short bad time the hours in which venues are down are shorter, and follow each other sooner.
        pace = min(1.0, self.bad / (last - NOON))
        found = []
        for fault in plan.faults:
            start, until = (None if edge is None else NOON + pace * (edge - NOON) for edge in (fault.start, fault.end))
            found.append(replace(fault, start=start, end=min(until or end, end)))
        return replace(self, faults=FaultPlan(plan.seed, tuple(found)))

    def outage(self, venue: str) -> Outage:
        """Return from when until when a venue is down."""
        (down,) = [fault for fault in self.faults.faults if fault.kind is Kind.DOWN and fault.venue == venue]
        assert down.start is not None
        assert down.end is not None
        return down.start, down.end


@dataclass(slots=True)
class Day:
    """What became of a course."""

    course: Course
    workspace: Workspace
    exchange: WitnessedExchange
    ended: list[datetime] = field(default_factory=list)
    misstated: dict[tuple[object, ...], datetime] = field(default_factory=dict)
    """Bars that silver showed closed and wrong after some build, and when those were known."""


def live(course: Course, folder: Path, *, is_watched: bool) -> Day:
    """Poll in every slot and build at the end; if the day is watched, now and then as well."""
    sim = Simulation(folder, faults=course.faults)
    workspace = sim.workspace(
        symbols=BASES,
        depth_symbols=("BTC",),
        intervals=INTERVALS,
        since=(course.since - timedelta(days=9)).date().isoformat(),
        since_short=course.since.date().isoformat(),
        settle=course.settle,
    )
    assert isinstance(sim.exchange, WitnessedExchange)
    day = Day(course, workspace, sim.exchange)
    for number, slot in enumerate(course.slots, 1):
        assert sim.time.moment <= slot + LATE, "a poll took longer than its slot"
        sim.time.moment = slot + LATE
        is_last = number == len(course.slots)
        if is_last:
            # So that the bars which are open then are the same, whatever is asked first.
            sim.exchange.clock = FrozenClock(slot + LATE)
        sim.poll(workspace, Wanted())
        day.ended.append(sim.time.moment)
        if is_last or (is_watched and number % course.build_every == 0):
            build(workspace)
            day.misstated |= misstated(day, silver(day).filter("is_closed"))
    return day


def silver(day: Day) -> pl.DataFrame:
    """Return all bars of silver, in the order of their grain."""
    columns = ", ".join([*GRAIN, *VALUES, "close_time", "known_at", "revision", "is_closed"])
    with day.workspace.lake() as lake:
        return lake.execute(f"select {columns} from {BARS} order by all").pl()


@cache
def truth(venue: str, symbol: str, code: str, since: datetime, until: datetime) -> pl.DataFrame:
    """Return the bars of the market that close by `until` as a venue has to tell them; not through any of its code."""
    interval, pair = Interval.parse(code), Symbol.parse(symbol)
    listing = MARKET.listing(Symbol(pair.base, "USDT"))
    bars = MARKET.klines(listing.symbol, interval, start=since, end=until)
    told: list[dict[str, object]] = []
    for row in range(len(bars)):
        opened = datetime.fromtimestamp(int(bars.open_time[row]) / 1e6, UTC)
        if interval.close_time(opened) > until:
            continue
        rate = inr_per_usdt(opened) if pair.quote == "INR" else Decimal(1)
        prices = {name: listing.tick * rate * int(getattr(bars, name)[row]) for name in VALUES[:4]}
        values: dict[str, object] = {name: float(price.quantize(listing.tick)) for name, price in prices.items()}
        values["volume"] = float(listing.lot * int(bars.volume[row]))
        if venue == "binance":
            values["quote_volume"] = float(listing.tick * listing.lot * int(bars.quote_volume[row]))
            values["num_trades"] = int(bars.num_trades[row])
            values["taker_buy_volume"] = float(listing.lot * int(bars.taker_buy_volume[row]))
            values["taker_buy_quote_volume"] = float(listing.tick * listing.lot * int(bars.taker_buy_quote_volume[row]))
        place = {"venue": venue, "market": "spot", "symbol": symbol, "interval": code, "open_time": opened}
        told.append({**place, **dict.fromkeys(VALUES), **values})
    floats = dict.fromkeys(VALUES, pl.Float64()) | {"num_trades": pl.Int64()}
    moment = pl.Datetime("us", "UTC")
    return pl.DataFrame(told, schema={**dict.fromkeys(GRAIN, pl.String()), "open_time": moment, **floats})


def all_truth(course: Course, until: datetime) -> pl.DataFrame:
    """Return what silver has to hold closed at `until`, in the order of the grain."""
    pairs = [("binance", f"{base}-USDT") for base in BASES] + [("wazirx", f"{base}-INR") for base in BASES]
    begins = {"1m": course.since, "1h": course.since - timedelta(days=9)}
    frames = [truth(venue, symbol, code, begins[code], until) for venue, symbol in pairs for code in INTERVALS]
    return pl.concat(frames).sort(GRAIN)


def misstated(day: Day, closed: pl.DataFrame) -> dict[tuple[object, ...], datetime]:
    """Check bars that are said to be closed, and return those that are not what the market says in the end.

    They may only be bars that the venue itself stated wrongly, a short while after their close.
    """
    assert (closed["close_time"] <= closed["known_at"]).all()
    right = all_truth(day.course, day.ended[-1])
    wrong = closed.join(right, on=[*GRAIN, *VALUES], how="anti", nulls_equal=True)
    beside = wrong.join(right, on=GRAIN, suffix="_final")
    assert beside.height == wrong.height
    found: dict[tuple[object, ...], datetime] = {}
    for row in beside.iter_rows(named=True):
        place = tuple(row[name] for name in GRAIN)
        strike = any_of(day.course.faults.strikes(row["venue"], "klines", 1, NOON), Kind.RESTATED)
        assert strike is not None, place
        assert strike.picks(to_us(row["open_time"])), place
        # The venue's clock may be behind as well.
        late = timedelta(seconds=strike.fault.seconds) + timedelta(seconds=40)
        assert row["known_at"] < row["close_time"] + late, place
        assert row["volume"] < row["volume_final"], place
        assert row["open"] == row["open_final"], place
        found[place] = row["known_at"]
    return found


def asked_for(header: BatchHeader) -> Question:
    return header.venue, header.endpoint, json.dumps(header.parameters, sort_keys=True)


def held_slots(day: Day) -> Counter[tuple[Question, str]]:
    """Return how often each question of a moment was answered in each slot."""
    return Counter((asked_for(one), one.slot) for one in headers(day.workspace, *SNAPSHOTS))


def unanswered(day: Day) -> pl.DataFrame:
    """Return all rows that say which questions failed."""
    paths = batch_paths(day.workspace, bronze.FAILURES)
    return pl.concat([pl.read_parquet(path, hive_partitioning=False) for path in paths])


def unanswered_slots(day: Day) -> set[tuple[Question, str]]:
    """Return which questions of a moment bronze says were not answered, or not readably, in which slot."""
    fed = {spec.name: {spec.feeding(name).name for name in _published(spec.name)} for spec in map(find_spec, NAMES)}
    rows = unanswered(day).select("venue", "endpoint", "parameters", "slot").iter_rows()
    failed = {((venue, endpoint, asked), slot) for venue, endpoint, asked, slot in rows if endpoint in fed[venue]}
    poison = headers(day.workspace, bronze.POISON)
    return failed | {(asked_for(one), one.slot) for one in poison if one.endpoint in fed[one.venue]}


NAMES = ("binance", "coingecko", "wazirx")
"""Those that are asked unless settings say otherwise."""


def _published(venue: str) -> Iterator[str]:
    published = {one.dataset for one in find_spec(venue).endpoints}
    return (name for name in SNAPSHOTS if name in published)


def check_bars(faulty: Day, right: Day) -> None:
    """Nothing lost, nothing doubled, nothing wrong: bar by bar as the market was, and as the faultless home has it."""
    found, expected = silver(faulty), all_truth(faulty.course, faulty.course.slots[-1] + LATE)
    assert found.select(GRAIN).is_unique().all()
    assert found.filter("is_closed").select(expected.columns).equals(expected)
    # Of each series the bar that is open at the end is there as well, and is said to be open.
    open_bars = found.filter(~pl.col("is_closed"))
    assert open_bars.height == 2 * len(BASES) * len(INTERVALS)
    assert (open_bars["close_time"] > faulty.course.slots[-1] + LATE).all()
    with faulty.workspace.lake() as one, right.workspace.lake() as other:
        for table in FOLLOW_FROM_KLINES:
            hashes = {content_hash(lake, [table], without=HISTORY) for lake in (one, other)}
            assert len(hashes) == 1, table.name
        assert one.execute("select count(*) > 0 from lake.gold.daily_crypto_metrics").fetchone() == (True,)
    # Every observation of every poll: none of an open bar passed for a closed one, whether a build came in time or not.
    stated = observations(faulty, "silver.kline_revisions").filter(~pl.col("is_provisional"))
    ever = misstated(faulty, stated)
    assert ever.keys() >= faulty.misstated.keys()
    revisions = {tuple(row[:5]): row[5] for row in found.select(*GRAIN, "revision").iter_rows()}
    assert faulty.misstated, "no build saw a bar before it was restated: the day proves less than it could"
    assert all(revisions[place] > 1 for place in ever)


def check_snapshots(faulty: Day, right: Day) -> None:
    """Every answer is the one of its moment, each slot is answered at most once, and bronze says which are not."""
    root = faulty.workspace.home.bronze
    for header in Random(faulty.course.seed).sample(
        found := headers(faulty.workspace, *SNAPSHOTS), min(200, len(found))
    ):
        path = faulty.exchange.prefixes[header.venue] + find_spec(header.venue).endpoint(header.endpoint).path
        body = bronze.read_body(root, header)
        # One that was held back says what was true when it was given, and is known when it came.
        moment = max(one for one in faulty.exchange.given[path, body] if one <= header.known_at)
        assert header.known_at - moment <= PATIENCE
        clean = Exchange(MARKET, FrozenClock(moment), elapsed=lambda: 0.0)
        assert body == clean.answer(path, header.parameters).body, header
    held, wanted = held_slots(faulty), held_slots(right)
    assert set(held.values()) == set(wanted.values()) == {1}
    assert wanted.keys() - held.keys() == unanswered_slots(faulty) - held.keys()
    assert held.keys() <= wanted.keys()
    assert not headers(right.workspace, bronze.FAILURES, bronze.POISON)
    # What is asked once a slot and was not answered is not there; only the daily question gets another chance.
    daily = {find_spec(venue).feeding(INSTRUMENTS).name for venue in NAMES if INSTRUMENTS in _published(venue)}
    assert all(question[1] in daily for question, _ in unanswered_slots(faulty) & held.keys())
    with faulty.workspace.lake() as lake:
        for table, key in POLLED_KEYS.items():
            counted = f"select count(*), count(distinct ({key})) from lake.{table}"
            rows, distinct = lake.execute(counted).fetchone() or (0, 0)
            assert rows == distinct > 0, table
    check_observations(faulty, right)


def check_observations(faulty: Day, right: Day) -> None:
    """Silver holds every row of every answer, and of an answer that both homes got the same rows."""
    for table, dataset in OBSERVATIONS.items():
        found, expected = observations(faulty, table), observations(right, table)
        rows = {one.batch_id: one.counts["accepted"] for one in headers(faulty.workspace, dataset)}
        assert dict(found.group_by("batch_id").len().iter_rows()) == rows
        # A venue may say the same a few seconds later: then it is the same answer, which is known later.
        both = (one.join(other, on="batch_id", how="semi") for one, other in ((found, expected), (expected, found)))
        one, other = (rows.drop("known_at", "available_at").sort("batch_id", "row_number") for rows in both)
        assert one.height > 0
        assert one.equals(other)


def observations(day: Day, table: str) -> pl.DataFrame:
    """Return all rows of a table."""
    with day.workspace.lake() as lake:
        return lake.execute(f"select * from lake.{table}").pl()


def check_outages(faulty: Day) -> None:
    """Whoever looks at the failures, or asks for the status, sees when each venue was down."""
    failures = unanswered(faulty)
    assert set(failures["kind"]) <= {"outage", "budget"}
    assert (failures["asked_at"] <= failures["known_at"]).all()
    assert max(failures["known_at"].to_list()) < NOON + faulty.course.bad + SLOT, (
        "nothing fails after the faults have ended"
    )
    shown = status(faulty.workspace).outages
    assert all(one.end for one in shown), "every venue is back"
    for venue in NAMES:
        start, end = faulty.course.outage(venue)
        polls = zip(faulty.course.slots, faulty.ended, strict=True)
        down = {slot: ended for slot, ended in polls if slot + LATE >= start and ended < end}
        assert down, f"{venue}: no poll lies within the outage"
        of_venue = failures.filter(pl.col("venue") == venue, pl.col("kind") == "outage")
        noted = of_venue.filter(pl.col("asked_at") >= start, pl.col("known_at") < end)
        assert {slot.isoformat() for slot in down} <= set(noted["slot"])
        assert any(
            one.venue == venue and one.start <= min(down.values()) and one.end and one.end >= end for one in shown
        ), f"{venue}: its outage is not in the status"


def check_faults_struck(faulty: Day) -> None:
    """The day was as bad as it was meant to be: each kind of trouble that leaves a trace has left one."""
    klines = headers(faulty.workspace, bronze.KLINES)
    totals = Counter[str]()
    for one in klines:
        totals.update({name: int(one.counts[name]) for name in ("identical_duplicates", "quarantined", "provisional")})
    assert all(totals[name] > 0 for name in ("identical_duplicates", "quarantined", "provisional")), totals


def lived(course: Course, folder: Path) -> tuple[Day, Day]:
    return (
        live(course.with_faults(), folder / "faulty", is_watched=True),
        live(course, folder / "right", is_watched=False),
    )


def check_all(faulty: Day, right: Day) -> None:
    check_bars(faulty, right)
    check_snapshots(faulty, right)
    check_outages(faulty)
    check_faults_struck(faulty)


def test_two_hours_of_all_faults_leave_the_lake_of_two_faultless_hours(tmp_path: Path) -> None:
    hour = timedelta(hours=1)
    course = Course(7, 2 * hour, hour, settle="30m", build_every=6, since=NOON.replace(hour=0), rate=0.06)
    check_all(*lived(course, tmp_path))


@pytest.mark.soak
@pytest.mark.parametrize("seed", [1, 2])
def test_a_day_of_all_faults_leaves_the_lake_of_a_faultless_day(tmp_path: Path, seed: int) -> None:
    hour = timedelta(hours=1)
    course = Course(seed, 24 * hour, 3 * hour, settle="2h", build_every=16, since=NOON.replace(hour=0))
    check_all(*lived(course, tmp_path))
