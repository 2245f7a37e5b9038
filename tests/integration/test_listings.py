"""What is listed when, from the sandbox through a build: coins that come and go, a new tick, a ticker used twice.

Every list of holes tells the same of them, before a build and after.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl
import pytest

from assay.lake.coverage_causes import HoleCause, Remedy
from assay.notebook import get_klines
from assay.pipelines.backfilling import Backfill, BackfillResult, backfill, plan_backfill
from assay.pipelines.building import build
from assay.pipelines.ingesting import Wanted
from assay.pipelines.workspace import Workspace
from assay.selectors.backfilled import backfilled_holes
from assay.selectors.coverage import SeriesHole
from assay.selectors.coverage_gaps import GapFilter, find_gaps
from assay.selectors.coverage_map import coverage_map
from assay.selectors.instruments import instruments
from assay.selectors.klines import klines
from assay.venues.sandbox.market import Market
from assay.venues.sandbox.scenarios import parse_scenario
from tests.integration.simulated import Simulation
from tests.unit.venues.sandbox.reading import at

MARKET = Market(12, scenarios=[parse_scenario("reused"), parse_scenario("tick:BTC=0.1@2024-04-02")])
LUNA_ENDED, LUNA_BEGAN = at(2022, 5, 13, 1), at(2022, 5, 31, 6)
LISTED, DELISTED, CHANGED = at(2024, 4, 2, 8), at(2024, 2, 20, 3), at(2024, 4, 2)
"""When the sandbox lists ENA, when it delists XMR, and when the tick of BTC changes."""
THEN = [at(2022, 5, 12, 12), at(2022, 5, 13, 12), at(2022, 6, 1, 12)]
BEFORE, NOW = at(2024, 4, 1, 12, 0, 20), at(2024, 4, 3, 12, 0, 20)
"""When the list of instruments is asked for: in the days of the first LUNA, and now."""
SINCE = at(2024, 2, 18)
HOURS = Backfill(("BTC", "ENA", "XMR"), "1h", f"{SINCE:%Y-%m-%d}")
LUNA = Backfill(("LUNA",), "1h", "2022-05-10", "2022-06-02")


@dataclass
class Story:
    """What was told after each of three backfills, and after a build."""

    home: Workspace
    first: BackfillResult
    last: BackfillResult
    told: list[tuple[SeriesHole, ...]]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    sim = Simulation(tmp_path_factory.mktemp("listings"), moment=THEN[0], market=MARKET)
    home = sim.workspace()
    for moment in (*THEN, BEFORE, NOW):
        sim.time.moment = moment
        sim.poll(home, Wanted(("binance:instruments",)))
    results, told = [], []
    for _ in range(3):
        for wanted in (LUNA, HOURS):
            plan = plan_backfill(home.settings, wanted, sim.time.now())
            results.append(backfill(home, plan, access=sim.access(home)))
        told.append(backfilled_holes(home, results[-1].proofs))
        sim.time.passes(timedelta(minutes=15))
    build(home)
    told.append(backfilled_holes(home, results[-1].proofs))
    return Story(home, results[1], results[-1], told)


@pytest.fixture(scope="module")
def home(story: Story) -> Workspace:
    return story.home


def causes(holes: tuple[SeriesHole, ...]) -> list[tuple[str, datetime, datetime, HoleCause, Remedy]]:
    return [(one.symbol, one.start, one.end, one.cause, one.remedy) for one in holes]


def test_before_a_build_the_answers_alone_tell(story: Story) -> None:
    end = NOW.replace(minute=0, second=0)
    assert not story.first.is_proven
    early, late = ("ENA-USDT", SINCE, LISTED), ("XMR-USDT", DELISTED, end - timedelta(hours=2))
    first = {(one.symbol, one.start): one for one in story.told[0]}
    assert causes((first[early[:2]],)) == [(*early, HoleCause.NOT_LISTED, Remedy.ASK)]
    assert "begin with the bar of 2024-04-02 08:00 UTC" in first[early[:2]].evidence
    assert first[late[:2]].cause is HoleCause.UNKNOWN
    assert "in doubt" in first[late[:2]].evidence

    assert story.last.is_proven
    confirmed = {(one.symbol, one.start): one for one in story.told[2]}
    assert causes((confirmed[early[:2]],)) == [(*early, HoleCause.NOT_LISTED, Remedy.NOTHING)]
    assert (confirmed[late[:2]].cause, confirmed[late[:2]].remedy) == (HoleCause.DELISTED, Remedy.NOTHING)
    assert "other symbols went on" in confirmed[late[:2]].evidence


def _without_end(one: SeriesHole) -> tuple[object, ...]:
    """Gaps end with the last answer, the proof with the last bar that has closed."""
    return one.symbol, one.interval, one.start, one.cause, one.evidence, one.remedy


def test_after_it_gaps_and_proof_say_the_same(story: Story) -> None:
    gaps = find_gaps(story.home, GapFilter(("ENA", "XMR"))).gaps
    assert {_without_end(one) for one in story.told[3]} == {_without_end(one) for one in gaps}
    [early] = [one for one in gaps if one.symbol == "ENA-USDT"]
    assert (early.cause, early.evidence) == (HoleCause.NOT_LISTED, "the venue lists it since 2024-04-02 08:00 UTC")
    assert {one.cause for one in gaps if one.symbol == "XMR-USDT"} == {HoleCause.DELISTED}


def test_map_tells_the_cause_of_a_day_before_the_first_bar_and_after_the_last(story: Story) -> None:
    days = coverage_map(story.home, days=46)
    by_symbol = {one.symbol: one for one in days.series}
    on = {day: number for number, day in enumerate(days.days)}
    early, gone = by_symbol["ENA-USDT"], by_symbol["XMR-USDT"]
    first, last = on[LISTED.date()], on[DELISTED.date()]
    assert early.causes[first - 1 : first + 2] == ({"not_listed": 24}, {"not_listed": 8}, None)
    assert (early.bars[first - 1], early.missing[first]) == (None, 0)
    assert gone.causes[last - 1 : last + 2] == (None, {"delisted": 21}, {"delisted": 24})
    assert by_symbol["BTC-USDT"].causes == (None,) * len(days.days)


def test_tick_is_that_of_the_date(home: Workspace) -> None:
    before, after = instruments(home, "BTCUSDT", venue="binance").states
    assert (before.tick_size, after.tick_size, after.change) == (0.01, 0.1, "changed")
    assert after.valid_from == before.valid_to
    assert BEFORE < after.valid_from < NOW + timedelta(minutes=1)
    assert after.valid_to is None
    then = instruments(home, "BTCUSDT", as_of=BEFORE + timedelta(hours=1)).states
    assert [one.tick_size for one in then] == [0.01]
    close = klines(home, "BTCUSDT").frame.filter(pl.col("open_time") >= CHANGED)["close"]
    assert ((close * 10).round(6) % 1 == 0).all()


def test_ticker_means_the_asset_of_the_date(home: Workspace) -> None:
    states = instruments(home, "LUNAUSDT").states
    assert [(one.status, one.asset_id, one.is_trading) for one in states] == [
        ("TRADING", "terra-luna", True),
        ("BREAK", "terra-luna", False),
        ("TRADING", "terra-luna-2", True),
    ]


def test_bars_over_the_reuse_come_with_the_assets_that_they_are_of(
    home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = klines(home, "LUNAUSDT")
    assert [one.asset_id for one in found.assets] == ["terra-luna", "terra-luna-2"]
    opened = found.frame["open_time"].to_list()
    assert [one for one in opened if LUNA_ENDED <= one < LUNA_BEGAN] == []
    assert {LUNA_ENDED - timedelta(hours=1), LUNA_BEGAN} <= set(opened)
    [gap] = find_gaps(home, GapFilter(("LUNA",))).gaps
    assert (gap.start, gap.end, gap.cause) == (LUNA_ENDED, LUNA_BEGAN, HoleCause.DELISTED)
    # Nothing is made of the one and the other: no return, and no gap of hours that nobody traded is filled.
    monkeypatch.setenv("ASSAY_HOME", str(home.home.root))
    frame = get_klines("LUNAUSDT", "1h", start="2022-05-31T06:00", end="2022-05-31T08:00")
    assert frame.height == 2


def test_fees_are_those_of_the_date(home: Workspace) -> None:
    own = ["binance:spot=10/10", "binance:spot=7.5/7.5@2024-04-02"]
    fees_of = home.settings.fees.model_copy(update={"own": own})
    with_fees = Workspace(home.settings.model_copy(update={"fees": fees_of}), home.home, home.clock, home.say)
    fees = [
        instruments(with_fees, "BTCUSDT", as_of=moment).states[-1].taker_bps
        for moment in (BEFORE, NOW + timedelta(hours=1))
    ]
    assert fees == [10.0, 7.5]
