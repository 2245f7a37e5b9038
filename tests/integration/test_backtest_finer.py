"""Backtests over a lake that has quarters of an hour of some hours: they decide what happened inside these."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from assay.domain.errors import BadInputError
from assay.lake.reads import Span
from assay.pipelines.backtest_report import BacktestReport
from assay.pipelines.backtest_sizing import Sizing
from assay.pipelines.backtest_strategies import RulesPlan
from assay.pipelines.backtesting import BacktestRequest, backtest
from assay.pipelines.building import build
from tests.integration.command import clone
from tests.integration.conftest import at, bring_in, open_frozen
from tests.integration.homes import made_once
from tests.made_klines import HEADER, START, Row, hourly, write_csv

QUARTER, HOURS = timedelta(minutes=15), 96
NOW = START + timedelta(days=10)
HOURS_KNOWN, QUARTERS_KNOWN = NOW - timedelta(days=2), NOW - timedelta(days=1)
WITHOUT = {20, 33}
"""Hours of which a quarter is missing, or has another price."""
LAST = 72
"""From this hour on there are no quarters."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = made_once(tmp_path_factory, "quarters", _make)
    return clone(made, tmp_path_factory.mktemp("finer") / "home")


def _make(folder: Path) -> Path:
    workspace = open_frozen(folder / "home", NOW)
    quarters = [replace(row, open_time=START + place * QUARTER) for place, row in enumerate(hourly(HOURS * 4, seed=5))]
    hours = [_hour(quarters[4 * hour : 4 * hour + 4]) for hour in range(HOURS)]
    bring_in(at(workspace, HOURS_KNOWN), write_csv(folder / "hours.csv", hours), recorded_at=HOURS_KNOWN)
    quarters[33 * 4] = replace(quarters[33 * 4], high=round(quarters[33 * 4].high * 1.2, 2))
    written = quarters[: 20 * 4 + 1] + quarters[20 * 4 + 2 : LAST * 4]
    lines = [_line(row) for row in written]
    (folder / "quarters.csv").write_text("\n".join([HEADER, *lines]) + "\n")
    bring_in(at(workspace, QUARTERS_KNOWN), folder / "quarters.csv", recorded_at=QUARTERS_KNOWN, interval="15m")
    build(workspace)
    return workspace.home.root


def _hour(quarters: list[Row]) -> Row:
    return Row(
        quarters[0].open_time, quarters[0].open, max(one.high for one in quarters), min(one.low for one in quarters),
        quarters[-1].close, sum(one.volume for one in quarters), sum(one.num_trades for one in quarters),
    )  # fmt: skip


def _line(row: Row) -> str:
    opened = round(row.open_time.timestamp() * 1000)
    return row.line().replace(f",{opened + 3_599_999},", f",{opened + 899_999},")


def tried(home: Path, *, finer: str = "auto", span: Span | None = None) -> BacktestReport:
    rules = RulesPlan(buy="close > open", sell="close < open")
    request = BacktestRequest(
        "BTC-USDT", "tester", rules, span=span or Span(), sizing=Sizing(stop_loss=0.004, take_profit=0.004), finer=finer
    )
    return backtest(open_frozen(home, NOW), request)


def test_hours_whose_quarters_tell_all_are_decided_by_them(home: Path) -> None:
    finer, plain = tried(home), tried(home, finer="none")
    assert finer.found.market.finer is not None
    refined = set(finer.found.market.finer.is_row_refined.nonzero()[0].tolist())
    assert refined == set(range(LAST)) - WITHOUT
    assert finer.result.refined == len(refined)
    assert plain.result.refined == 0
    assert f"{len(refined)} of {HOURS} bars are decided by finer ones" in finer.says[0]
    document = finer.to_dict()
    assert document["bars_refined"] == len(refined)
    # What the quarters tell is among what the hours leave open, and is less.
    assert plain.band.is_bound
    assert finer.band.is_bound
    (low, high), (lowest, highest) = finer.band.total_return, plain.band.total_return
    assert lowest < low <= high < highest
    assert plain.band.bars_in_doubt > finer.band.bars_in_doubt
    # Decisions are those of the hours, and the trials differ.
    assert [order.row for order in finer.result.orders] == [order.row for order in plain.result.orders]
    assert finer.found.data_version != plain.found.data_version


def test_only_quarters_that_were_known_decide(home: Path) -> None:
    before = tried(home, span=Span(as_of=HOURS_KNOWN + timedelta(hours=1)))
    assert before.result.refined == 0
    assert before.found.data_version == tried(home, finer="none").found.data_version
    part = tried(home, span=Span(start=START + timedelta(hours=60), end=START + timedelta(hours=80)))
    assert part.result.refined == LAST - 60


def test_choice_that_is_none_is_refused(home: Path) -> None:
    with pytest.raises(BadInputError, match=r"no such choice of finer bars: .1m.; use auto"):
        tried(home, finer="1m")
