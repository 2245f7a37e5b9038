"""A home that is followed for long: what a minute leaves behind, in the process and in the tables, does not add up."""

from __future__ import annotations

import gc
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import psutil
import pytest

from assay.domain.clock import FrozenClock
from assay.lake.origin import HomeTime, write_time
from assay.pipelines import dbt
from assay.pipelines.demoing import START, DemoPlan, demo, prepare
from assay.pipelines.following import Followed, follow
from assay.pipelines.workspace import open_workspace
from assay.settings import Settings
from tests.integration.homes import share_caches

SMALL = DemoPlan(symbols=("BTC", "ETH"), depth_symbols=(), hourly="4d", minutely="6h", rupees="2d", coins="1d")
MINUTES = 3
WARM_MINUTES, LONG_MINUTES = 10, 30
GROWTH = 1.1


class Following:
    """A home of the demo whose minutes pass as soon as they are waited for."""

    def __init__(self, home: Path) -> None:
        settings = Settings(home=home)
        workspace = open_workspace(settings)
        share_caches(workspace.home.root)
        demo(*prepare(workspace, SMALL))
        self.machine = FrozenClock(START)
        write_time(workspace.home, HomeTime(START, START))
        self.workspace = open_workspace(settings)
        self.told: list[Followed] = []

    def minutes(self, count: int) -> None:
        """Follow for so many minutes."""

        def wait(seconds: float) -> None:
            self.machine.moment += timedelta(seconds=seconds)

        def elapsed() -> float:
            # Those of the simulated machine: a minute that takes this one longer is no second minute.
            return (self.machine.moment - START).total_seconds()

        follow(self.workspace, slots=count, machine=self.machine, wait=wait, elapsed=elapsed, tell=self.told.append)
        self.machine.moment += timedelta(minutes=1)


@pytest.fixture(scope="module")
def following(tmp_path_factory: pytest.TempPathFactory) -> Following:
    """Follow a home for some minutes."""
    one = Following(tmp_path_factory.mktemp("following") / "home")
    one.minutes(MINUTES)
    return one


def test_every_minute_brings_its_bars(following: Following) -> None:
    assert [one.error for one in following.told] == [""] * len(following.told)
    with following.workspace.lake() as lake:
        (closed,) = lake.execute(
            "select max(close_time) from lake.silver.crypto_prices_cleaned where interval = '1m' and is_closed"
        ).fetchall()[0]
    assert closed >= START.replace(second=0) + timedelta(minutes=MINUTES - 1)


def test_nothing_of_a_minute_stays_open(following: Following) -> None:
    root = following.workspace.home.root
    extensions = following.workspace.home.extensions
    opened = [Path(one.path) for one in psutil.Process().open_files()]
    assert [one for one in opened if root in one.parents and extensions not in one.parents] == []


def test_one_more_minute_opens_no_more_connections(following: Following) -> None:
    def live() -> int:
        gc.collect()
        # By type(), because asking a dead weak proxy for its class raises.
        return sum(issubclass(type(one), duckdb.DuckDBPyConnection) for one in gc.get_objects())

    before, parsed = live(), [id(one) for one in dbt._projects.values()]
    following.minutes(1)
    assert live() <= before
    assert [id(one) for one in dbt._projects.values()] == parsed  # and the project is not read again


def test_a_minute_writes_what_is_new_and_not_the_hours_before(following: Following) -> None:
    minutes, series = len(following.told) - 1, 2
    with following.workspace.lake() as lake:
        observed = _count(lake, "silver.kline_revisions", following)
        most = lake.execute(
            "select max(observations) from (select count(*) as observations from lake.silver.kline_revisions "
            "where interval = '1m' group by venue, market, symbol, open_time)"
        ).fetchall()[0][0]
    assert observed <= series * minutes * 5
    assert most <= 5


def test_the_steps_go_on_from_a_state_among_the_newest_bars(following: Following) -> None:
    with following.workspace.lake() as lake:
        rows = lake.execute(
            "select count(*), max(kept.open_time) filter (where kept.open_time < from_time), any_value(from_time) from "
            "lake.refresh.feature_states as kept join lake.refresh.zones "
            "using (venue, market, symbol, interval) where interval = '1m' group by venue, market, symbol"
        ).fetchall()
    assert len(rows) == 2
    for states, newest, begins in rows:
        assert 3 <= states <= 8
        assert begins - newest <= timedelta(minutes=2 * 128 + 1)


@pytest.mark.soak
def test_memory_levels_off(following: Following) -> None:
    """Without an end of growth half an hour adds a quarter."""
    process = psutil.Process()
    following.minutes(WARM_MINUTES)
    warm = process.memory_info().rss
    following.minutes(LONG_MINUTES)
    assert process.memory_info().rss <= GROWTH * warm


def _count(lake: duckdb.DuckDBPyConnection, table: str, following: Following) -> int:
    since: datetime = START.replace(second=0) + timedelta(minutes=1)
    found = lake.execute(
        f"select count(*) from lake.{table} where interval = '1m' and known_at > ?", [since]
    ).fetchall()
    return int(found[0][0])
