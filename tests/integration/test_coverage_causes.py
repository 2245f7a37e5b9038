"""Every hole has its cause, and what may still be had is asked for again: from the wire to the features."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from assay.domain.clock import Clock, FrozenClock
from assay.domain.errors import BadInputError
from assay.domain.instrument import SeriesId
from assay.domain.spans import Spans
from assay.lake.coverage_causes import HoleCause, Remedy
from assay.notebook import get_gaps
from assay.pipelines.building import build
from assay.pipelines.healing import heal, plan_healing
from assay.pipelines.ingesting import Access, Outcome, VenuePlan, ingest, plan_ingest
from assay.pipelines.maintaining import maintain
from assay.pipelines.workspace import Workspace
from assay.selectors.coverage_gaps import GapFilter, Gaps, find_gaps, healable, healed
from assay.selectors.coverage_map import coverage_map
from assay.selectors.data_page import data_health
from assay.venues.retry import RetryPolicy
from assay.venues.sandbox.faults import Fault, FaultPlan, Kind
from assay.venues.spec import Request
from assay.venues.transport import Response, Transport
from tests.integration.command import clone
from tests.integration.conftest import hashes
from tests.integration.simulated import Simulation, klines_of

HOUR = timedelta(hours=1)
COINS = ("BTCUSDT", "ETHUSDT", "XMRUSDT")
NOON = datetime(2024, 2, 17, 12, 0, 20, tzinfo=UTC)
DELISTED = datetime(2024, 2, 20, 3, tzinfo=UTC)
"""When the exchange delists XMR."""


def hour(day: int, of_day: int) -> datetime:
    return datetime(2024, 2, day, of_day, tzinfo=UTC)


DARK = hour(18, 12), hour(18, 15)
"""The venue is down, and has no bars of that time afterwards."""
DROPPED = hour(18, 17), hour(18, 18)
"""Answers lack this bar of BTC for a while."""


@dataclass
class _Lossy:
    """A way to the exchange on which rows get lost: of every symbol while it was dark, and one of BTC."""

    way: Transport
    is_dropping: list[bool]

    async def send(self, request: Request) -> Response:
        response = await self.way.send(request)
        asked = dict(request.params)
        if request.endpoint != "klines" or request.venue != "binance" or response.status != 200:
            return response
        lost = [DARK, DROPPED] if asked["symbol"] == "BTCUSDT" and self.is_dropping else [DARK]
        edges = [(start.timestamp() * 1_000, end.timestamp() * 1_000) for start, end in lost]
        rows = [row for row in json.loads(response.body) if not any(start <= row[0] < end for start, end in edges)]
        body = json.dumps(rows).encode()
        return replace(response, body=body, headers={**response.headers, "content-length": str(len(body))})


@dataclass
class Story:
    """A home that lived through an outage of the venue and one of its own."""

    sim: Simulation
    home: Workspace
    is_dropping: list[bool] = field(default_factory=lambda: [True])

    def access(self, home: Workspace | None = None) -> Access:
        found = self.sim.access(home or self.home, policy=RetryPolicy(attempts=2, total_s=20))
        inside = found.connect

        @contextlib.asynccontextmanager
        async def lossy(plan: VenuePlan, clock: Clock) -> AsyncIterator[Transport]:
            async with inside(plan, clock) as way:
                yield _Lossy(way, self.is_dropping)

        def connect(plan: VenuePlan, clock: Clock) -> AbstractAsyncContextManager[Transport]:
            return lossy(plan, clock)

        return replace(found, connect=connect)

    def poll(self, moment: datetime, since: str, sources: str = "binance:klines", *symbols: str) -> Outcome:
        self.sim.time.moment = moment + timedelta(seconds=20)
        interval = "1m" if sources.startswith("coinbase") else "1h"
        wanted = klines_of(sources, *(symbols or COINS), since=since, intervals=(interval,))
        plan = plan_ingest(self.home.settings, wanted, self.sim.time.now())
        return ingest(self.home, plan, access=self.access()).outcome

    def causes(
        self, as_of: datetime | None = None, home: Workspace | None = None
    ) -> dict[tuple[str, str, str, datetime, datetime], Remedy]:
        return {
            (one.symbol, one.interval, one.cause.value, one.start, one.end): one.remedy
            for one in find_gaps(home or self.home, as_of=as_of).gaps
            if one.venue == "binance"
        }


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    down = Fault(Kind.DOWN, venue="binance", start=DARK[0], end=DARK[1] - timedelta(minutes=10))
    sim = Simulation(tmp_path_factory.mktemp("causes"), faults=FaultPlan(5, (down,)), moment=NOON)
    story = Story(sim, sim.workspace())
    story.poll(hour(17, 12), "5d")
    story.poll(hour(17, 12), "3h", "coinbase:klines", "DASH-USD")
    # Nobody is there until the next morning, and then nobody asks for what was missed.
    story.poll(hour(18, 8), "8h")
    assert story.poll(hour(18, 13), "3h") is Outcome.RETRY
    for at in (18, 19, 20):
        story.poll(hour(18, at), "12h")
    story.poll(hour(20, 0), "30h")
    for at in (12, 13, 14):
        story.poll(hour(21, at), "40h")
    build(story.home)
    return story


def files(home: Workspace) -> list[str]:
    return sorted(path.name for path in home.home.bronze.rglob("*.parquet"))


def packed(story: Story) -> Workspace:
    """Return a copy of the home with the days that are over in packs, and nothing else of them there."""
    clone(story.home.home.root, story.sim.folder / "packed")
    home = story.sim.workspace("packed")
    for days in (0, 2):
        maintain(home, machine=FrozenClock(datetime.now(UTC) + timedelta(days=days)))
    return home


def heal_all(story: Story, home: Workspace) -> tuple[dict[str, tuple[int, int]], Gaps]:
    """Ask again for what may still be had; return how many bars were asked for and came, and what is left."""
    found = find_gaps(home)
    plan = plan_healing(home.settings, healable(found), story.sim.time.now())
    requests = [one.only for venue in plan.plan.venues for one in venue.series]
    assert all(requests)
    assert heal(home, plan, access=story.access(home)).outcome is Outcome.COMPLETE
    done = healed(plan.asked, find_gaps(home))
    return {str(one.series): (one.asked, one.healed) for one in done.series if one.healed}, done.left


def test_each_hole_has_the_cause_that_it_came_of_and_is_healed_where_it_can_be(story: Story) -> None:
    then, known = story.sim.time.now(), story.causes()
    before = dict(known)
    ours = {
        (f"{coin}-USDT", "1h", "our_outage", hour(17, 12), hour(18, 1)): Remedy.ASK for coin in ("BTC", "ETH", "XMR")
    }
    theirs = {(f"{coin}-USDT", "1h", "venue_outage", *DARK): Remedy.NOTHING for coin in ("BTC", "ETH", "XMR")}
    assert before.pop(("BTC-USDT", "1h", "unknown", *DROPPED)) is Remedy.ASK
    gone = {("XMR-USDT", "1h", "delisted", DELISTED, hour(21, 12)): Remedy.NOTHING}
    assert before == ours | theirs | gone

    other = packed(story)
    assert any(name.startswith("pack-") for name in files(other))
    assert len(files(other)) <= len(files(story.home)) - 10
    shutil.rmtree(other.home.cache / "coverage")
    assert find_gaps(other).gaps == find_gaps(story.home).gaps
    assert hashes(other) == hashes(story.home)

    story.is_dropping.clear()
    story.sim.time.moment = hour(21, 15) + timedelta(seconds=20)
    for home in (story.home, other):
        came, left = heal_all(story, home)
        assert came == {
            "binance:spot:BTC-USDT:1h": (14, 14),
            "binance:spot:ETH-USDT:1h": (13, 13),
            "binance:spot:XMR-USDT:1h": (13, 13),
        }
        assert left.healable_bars == 0
        again = plan_healing(home.settings, healable(left), story.sim.time.now())
        assert heal(home, again, access=story.access(home)).new_batches == 0
        build(home)
        assert story.causes(home=home) == theirs | gone

    assert story.causes(then) == known, "what was healed since, and what was known of outages then"
    refreshed = hashes(story.home)
    assert hashes(other) == refreshed
    assert find_gaps(other).gaps == find_gaps(story.home).gaps
    # Healing once more asks for nothing, and changes nothing.
    assert heal_all(story, other)[0] == {}
    assert build(other).new_batches == 0
    assert hashes(other) == refreshed
    build(story.home, full_refresh=True)
    assert hashes(story.home) == refreshed


def test_outage_as_of_its_own_time_has_no_end_and_its_holes_no_cause_yet(story: Story) -> None:
    during, after = hour(18, 13) + timedelta(minutes=30), hour(18, 18) + timedelta(minutes=30)
    (then,) = data_health(story.home, as_of=during).outages
    (now,) = [one for one in data_health(story.home).outages if one.start == then.start]
    (past,) = data_health(story.home, as_of=after).outages
    assert (then.end, past.end) == (None, now.end)
    assert during < (now.end or during) < after
    assert data_health(story.home, as_of=hour(18, 12)).outages == ()
    # One answer lacked the bars by then; it took three to be sure.
    dark = ("BTC-USDT", "1h", "venue_outage", *DARK)
    assert story.causes(after).get(dark) is Remedy.ASK
    assert dark not in story.causes(during)
    told = find_gaps(story.home, as_of=during)
    assert told.as_of == during


def test_minutes_without_a_trade_are_proven_by_the_venue_and_never_asked_again(story: Story) -> None:
    found = find_gaps(story.home, GapFilter(("DASH",), cause="no trades"))
    assert found.gaps
    assert {(one.venue, one.cause, one.remedy) for one in found.gaps} == {
        ("coinbase", HoleCause.NO_TRADES, Remedy.NOTHING)
    }
    assert healable(found) == {}


def test_page_and_map_count_causes(story: Story) -> None:
    health = data_health(story.home)
    assert {one.cause for one in health.causes} >= {HoleCause.VENUE_OUTAGE, HoleCause.DELISTED, HoleCause.NO_TRADES}
    days = coverage_map(story.home, days=10)
    assert sum(one.missing_bars for one in days.series) == health.missing_bars


def test_a_notebook_has_them_as_a_table(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_HOME", str(story.home.home.root))
    table = get_gaps("XMR", cause="delisted")
    assert table.select("venue", "symbol", "interval", "start", "cause").rows() == [
        ("binance", "XMR-USDT", "1h", DELISTED, "delisted")
    ]
    assert get_gaps("XMR", venue="coinbase").is_empty()


def test_filters_say_what_there_is(story: Story) -> None:
    everything = find_gaps(story.home).gaps
    some = find_gaps(story.home, GapFilter(venue="binance", interval="1h", since=hour(20, 0))).gaps
    assert some
    assert set(some) < set(everything)
    assert all(one.end > hour(20, 0) for one in some)
    with pytest.raises(BadInputError, match="unknown cause.*there is no_trades"):
        find_gaps(story.home, GapFilter(cause="gremlins"))
    with pytest.raises(BadInputError, match="allow 1 question or more"):
        plan_healing(story.home.settings, {}, story.sim.time.now(), most_questions=0)


def test_a_bound_leaves_the_older_holes_for_the_next_run(story: Story) -> None:
    series = SeriesId.parse("binance:spot:BTC-USDT:1h")
    old, new = (hour(1, 0), hour(1, 5)), (hour(1, 0) + 2_000 * HOUR, hour(1, 2) + 2_000 * HOUR)
    plan = plan_healing(story.home.settings, {series: Spans.of([old, new])}, NOON, most_questions=1)
    assert [*plan.asked[series]] == [new]
    assert plan.left_bars == 5
