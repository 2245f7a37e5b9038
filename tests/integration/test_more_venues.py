"""Coinbase, Yahoo and the history of coins, end to end: asked once, proven, and read from the tables."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from assay.lake.coverage_cache import read_coverage
from assay.pipelines.building import build
from assay.pipelines.ingesting import Outcome, Wanted
from assay.selectors.query import query
from assay.venues.datasets import COIN_HISTORY
from assay.venues.sandbox.faults import Fault, FaultPlan, Kind
from tests.integration.simulated import START, Simulation

WANTED = (
    Wanted(("coinbase", "coinbase_advanced:tickers"), ("BTC", "DASH"), ("1h",), "1d"),
    Wanted(("coinbase:klines",), ("DASH",), ("1m",), "12h"),
    Wanted(("yahoo",), ("BTC", "BTC-INR"), ("1h", "1d"), "3d"),
    Wanted(("coingecko:coin_history",), ("BTC", "ETH-INR"), since="40d"),
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A home that asked everything at eleven past noon, again half an hour later, and then built its tables."""
    sim = Simulation(tmp_path_factory.mktemp("more"), moment=START + timedelta(minutes=11))
    home = sim.workspace()
    first = [sim.poll(home, one) for one in WANTED]
    again = [sim.poll(home, one) for one in WANTED]
    moment = sim.time.now()
    sim.time.passes(timedelta(minutes=30))
    later = [sim.poll(home, one) for one in WANTED]
    build(home)
    return SimpleNamespace(sim=sim, home=home, first=first, again=again, later=later, moment=moment)


def rows(made: SimpleNamespace, sql: str, **more: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401
    return query(made.home, sql, **more).rows()


def test_everything_is_complete_and_a_second_run_asks_nothing(made: SimpleNamespace) -> None:
    for first, again in zip(made.first, made.again, strict=True):
        assert first.outcome is again.outcome is Outcome.COMPLETE
        assert first.new_batches > 0
        assert again.new_batches == 0
        assert sum(one.traffic.requests for one in again.venues) == 0


def test_minutes_without_a_trade_are_proven_empty_by_one_answer(made: SimpleNamespace) -> None:
    proofs = {str(proof.series): proof for venue in made.first[1].venues for proof in venue.proofs}
    thin = proofs["coinbase:spot:DASH-USD:1m"]
    assert thin.empty > 50
    # What closed within the last two hours may still come.
    assert all(hole.end > made.sim.time.now() - timedelta(hours=3) for hole in thin.missing)
    assert all(proof.empty == 0 for proof in made.first[0].venues[0].proofs)
    (missing,) = rows(made, "select sum(missing_bars_before) from silver.crypto_prices_cleaned where symbol='DASH-USD'")
    assert missing[0] > 50


def test_bars_of_both_are_in_silver_in_their_units(made: SimpleNamespace) -> None:
    found = rows(
        made,
        "select venue, count(*) filter (where volume is null), count(*) filter (where quote_volume is null), count(*) "
        "from silver.crypto_prices_cleaned where symbol = 'BTC-USD' and interval = '1h' group by all order by all",
    )
    assert [(venue, no_volume == bars, no_paid == bars) for venue, no_volume, no_paid, bars in found] == [
        ("coinbase", False, True),
        ("yahoo", True, False),
    ]
    zeros = rows(made, "select count(*) from silver.crypto_prices_cleaned where quote_volume = 0 and venue = 'yahoo'")
    assert zeros[0][0] > 5


def test_price_of_the_minute_is_a_defect_and_no_bar(made: SimpleNamespace) -> None:
    defects = rows(made, "select symbol, interval, defect from silver.kline_defects where venue = 'yahoo' group by all")
    assert set(defects) == {(pair, code, "off_grid") for pair in ("BTC-USD", "BTC-INR") for code in ("1h", "1d")}
    opened = rows(
        made, "select count(*) from silver.crypto_prices_cleaned where venue = 'yahoo' and minute(open_time) != 0"
    )
    assert opened == [(0,)]


def test_tickers_of_both_apis_are_of_one_venue(made: SimpleNamespace) -> None:
    found = rows(
        made,
        "select distinct venue, symbol from silver.ticker_observations where symbol in ('BTC-USD', 'DASH-USD')",
    )
    assert sorted(found) == [("coinbase", "BTC-USD"), ("coinbase", "DASH-USD")]


def test_history_of_coins_is_read_as_of_any_moment(made: SimpleNamespace) -> None:
    now = dict(rows(made, "select coin_id || quote, count(*) from silver.coin_history group by all"))
    then = dict(
        rows(made, "select coin_id || quote, count(*) from silver.coin_history group by all", as_of=made.moment)
    )
    assert now.keys() == then.keys() == {"bitcoinUSD", "ethereumINR"}
    # Half an hour later there is one price of a moment more.
    assert {name: now[name] - then[name] for name in now} == dict.fromkeys(now, 1)
    tally = made.later[3].venues[0].datasets[COIN_HISTORY]
    assert (tally.new, tally.skipped) == (2, 4), "a month that is over is not asked for again"


def test_row_that_was_set_aside_keeps_its_minute_from_counting_as_empty(
    tmp_path: Path,
) -> None:
    plan = FaultPlan(5, (Fault(Kind.WRONG_TYPES, endpoint="candles"),))
    sim = Simulation(tmp_path, faults=plan)
    home = sim.workspace()
    sim.poll(home, Wanted(("coinbase:klines",), ("DASH",), ("1m",), "1d"))
    ledger = read_coverage(home.home, "coinbase", settle=timedelta(hours=2), confirmations=3)
    (coverage,) = ledger.all_series()
    assert not coverage.no_trades
    assert coverage.in_vain


def test_range_before_the_first_bar_is_answered_by_an_error_and_no_failure(tmp_path: Path) -> None:
    sim = Simulation(tmp_path)
    result = sim.poll(sim.workspace(), Wanted(("yahoo",), ("ENA-USD",), ("1d",), "1600d"))
    (venue,) = result.venues
    assert (result.outcome, venue.failures, venue.poison) == (Outcome.COMPLETE, [], 0)
    (proof,) = venue.proofs
    assert (proof.expected, proof.held) == (1_600, 60)  # listed on 2024-04-02
