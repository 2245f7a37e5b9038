"""Binance's futures from the wire to silver: another market of the same venue, with the funding that it pays."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from assay.lake import as_of
from assay.measures.trading_costs import Costs
from assay.pipelines.backtest_strategies import RulesPlan
from assay.pipelines.backtesting import BacktestRequest, backtest
from assay.pipelines.building import build
from assay.pipelines.ingesting import IngestResult, Wanted
from assay.pipelines.workspace import Workspace
from assay.venues.sandbox.futures import Futures
from tests.integration.simulated import MARKET, START, Simulation, headers
from tests.unit.venues.sandbox.reading import BTC, at

WANTED = Wanted(("binance_usdm", "binance:klines"), ("BTC-USDT",), ("1h",), "40d")
_RATES = "select funding_time, funding_rate from {} where symbol = 'BTC-USDT' order by funding_time"


class Polled:
    """A home that asked for futures and spot, and again six hours later."""

    def __init__(self, folder: Path) -> None:
        self.simulated = Simulation(folder)
        self.workspace: Workspace = self.simulated.workspace()
        self.first: IngestResult = self.simulated.poll(self.workspace, WANTED)
        self.known: datetime = self.simulated.time.now()
        self.simulated.time.passes(timedelta(hours=6))
        self.second = self.simulated.poll(self.workspace, WANTED)
        build(self.workspace)

    def rates(self, moment: datetime | None = None) -> list[tuple[object, ...]]:
        with self.workspace.lake() as lake:
            return lake.execute(_RATES.format(as_of.relation("silver.funding_rates", moment))).fetchall()


@pytest.fixture(scope="module")
def polled(tmp_path_factory: pytest.TempPathFactory) -> Polled:
    return Polled(tmp_path_factory.mktemp("usdm"))


def test_both_markets_of_the_venue_are_complete_and_apart(polled: Polled) -> None:
    proofs = [str(proof.series) for report in polled.first.venues for proof in report.proofs if proof.held]
    assert sorted(proofs) == ["binance:spot:BTC-USDT:1h", "binance:usdm:BTC-USDT:1h"]
    sql = """
        select round(future.close - spot.close, 6), count(*)
        from (select * from lake.silver.crypto_prices_cleaned where market = 'spot') as spot
        inner join (select * from lake.silver.crypto_prices_cleaned where market = 'usdm') as future
            using (venue, symbol, interval, open_time)
        where spot.is_closed and future.is_closed
        group by all
    """
    with polled.workspace.lake() as lake:
        [(premium, bars)] = lake.execute(sql).fetchall()
    assert (premium, bars) == (21.85, 40 * 24 + 12 + 6)


def test_funding_is_what_the_market_paid(polled: Polled) -> None:
    paid = Futures(MARKET).funding(BTC, start=at(2024, 4, 1), end=polled.simulated.time.now())
    assert polled.rates() == [(one.paid_at, one.rate / 10**8) for one in paid]


def test_a_month_that_is_over_is_asked_for_once(polled: Polled) -> None:
    asked = [one for one in headers(polled.workspace, "funding_rates") if one.slot]
    months = [one.slot[:10] for one in asked if one.slot.endswith("00:00:00+00:00") and one.slot[8:10] == "01"]
    assert sorted(months)[:1] == ["2024-05-01"]
    assert len(asked) == len(months) + 2  # the month that runs, once in each of two slots
    assert {one.venue for one in asked} == {"binance"}
    report = next(one for one in polled.second.venues if one.venue == "binance_usdm")
    assert report.datasets["funding_rates"].skipped == len(months)


def test_funding_as_of_a_moment_is_what_was_known_then(polled: Polled) -> None:
    then = polled.rates(polled.known)
    assert then == [row for row in polled.rates() if row[0] <= START]  # type: ignore[operator]
    assert len(then) == len(polled.rates()) - 1


def test_funding_of_old_was_available_when_it_was_paid(polled: Polled) -> None:
    sql = "select distinct available_at - funding_time from lake.silver.funding_rates where funding_time < $1"
    with polled.workspace.lake() as lake:
        assert lake.execute(sql, [START - timedelta(days=1)]).fetchall() == [(timedelta(seconds=2),)]


def test_contracts_are_of_their_own_market(polled: Polled) -> None:
    found = headers(polled.workspace, "instruments")
    assert [one.endpoint for one in found] == ["usdm_exchange_info"]


def test_a_backtest_of_a_contract_goes_short_pays_the_funding_and_keeps_its_steps(polled: Polled) -> None:
    plan = RulesPlan(buy="rsi_14 < 45", sell="rsi_14 > 50", short="rsi_14 > 60", cover="rsi_14 < 55")
    report = backtest(polled.workspace, BacktestRequest("binance:usdm:BTC-USDT", "ada", plan))
    result, bars = report.result, report.found.bars
    assert {one.side for one in result.trades} == {"long", "short"}
    rates = {moment: float(str(rate)) for moment, rate in polled.rates()}
    held_before = [0.0, *result.quantity[:-1, 0].tolist()]
    due = [
        held * float(opened) * rates.get(moment, 0.0)
        for held, opened, moment in zip(held_before, bars["open"], bars["open_time"], strict=True)
    ]
    assert sum(map(bool, due)) > 10
    assert result.funding_paid.tolist() == pytest.approx(due, abs=1e-9)
    (contract,) = {(one.costs.tick, one.costs.lot) for one in report.found.costs if isinstance(one.costs, Costs)}
    for step, values in zip(
        contract, ([one.price for one in result.fills], [one.quantity for one in result.fills]), strict=True
    ):
        assert step > 0
        assert all(value / step == pytest.approx(round(value / step), abs=1e-6) for value in values)
    assert any(told.startswith("fees 2/5 bps (maker/taker)") for told in report.says)
