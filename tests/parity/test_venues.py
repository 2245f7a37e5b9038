"""S06 to S08: Coinbase, Yahoo, the history of coins, and any exchange through ccxt."""

# ruff: noqa: N802  # the ids of the rows are written as in the scope

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from assay.domain.clock import FrozenClock
from assay.pipelines.ingesting import Outcome, Wanted, ingest, plan_ingest
from assay.pipelines.workspace import open_workspace
from assay.settings import IngestSettings, Settings, VenuesSettings
from assay.venues.datasets import COIN_HISTORY, INSTRUMENTS, KLINES, ORDER_BOOKS, TICKERS, TRADES
from assay.venues.sandbox.exchange import Exchange
from assay.venues.sandbox.server import running
from tests.integration.simulated import MARKET, START, Simulation, batch_paths


def held(sim: Simulation, wanted: Wanted, *datasets: str) -> dict[str, pl.DataFrame]:
    """Return what a poll brings, by dataset."""
    home = sim.workspace()
    assert sim.poll(home, wanted).outcome is Outcome.COMPLETE
    return {
        name: pl.concat([pl.read_parquet(path, hive_partitioning=False) for path in batch_paths(home, name)])
        for name in datasets
    }


@pytest.mark.parametrize("api", ["coinbase", "coinbase_advanced"])
def test_S06_candles_products_ticker_book_and_trades(tmp_path: Path, api: str) -> None:
    datasets = (KLINES, INSTRUMENTS, TICKERS, ORDER_BOOKS, TRADES)
    found = held(Simulation(tmp_path), Wanted((api, f"{api}:trades"), ("BTC-USD",), ("1h", "1d"), "30d"), *datasets)
    assert all(frame["venue"].unique().to_list() == ["coinbase"] for frame in found.values())
    bars = found[KLINES].filter(pl.col("interval") == "1h", ~pl.col("is_provisional"))
    assert bars["open_time"].n_unique() == 30 * 24 + 12
    assert (bars["low"] <= pl.Series(bars.select(pl.min_horizontal("open", "close"))["open"])).all()
    assert found[ORDER_BOOKS].height == 1
    assert found[TRADES].height == 1_000
    assert "BTC-USD" in found[TICKERS]["symbol"]
    assert found[INSTRUMENTS]["tick_size"].null_count() == 0


def test_S07_charts_of_hours_and_days_and_the_history_of_coins(tmp_path: Path) -> None:
    sources = ("yahoo", "coingecko:coin_history")
    found = held(
        Simulation(tmp_path), Wanted(sources, ("BTC-USD", "BTC-INR"), ("1h", "1d"), "40d"), KLINES, COIN_HISTORY
    )
    bars = found[KLINES].filter(~pl.col("is_provisional"))
    counts = dict(bars.group_by("interval").agg(pl.col("open_time").n_unique()).iter_rows())
    assert counts == {"1h": 40 * 24 + 12, "1d": 40}
    assert set(bars["symbol"]) == {"BTC-USD", "BTC-INR"}
    assert (bars["quote_volume"] == 0).any()
    assert set(found[COIN_HISTORY]["quote"]) == {"USD", "INR"}
    assert found[COIN_HISTORY]["price"].min() > 0  # type: ignore[operator]


def test_S08_any_exchange_through_ccxt(tmp_path: Path) -> None:
    pytest.importorskip("ccxt")
    clock = FrozenClock(START)
    with running(Exchange(MARKET, clock, elapsed=iter(range(0, 10**9, 100)).__next__)) as there:
        venues = VenuesSettings.model_validate({"ccxt": {"exchanges": f"binance={there.base_urls['binance']}"}})
        settings = Settings(
            home=tmp_path / "home", venues=venues, ingest=IngestSettings(limits_dir=tmp_path / "limits")
        )
        home = open_workspace(settings, clock=clock)
        plan = plan_ingest(settings, Wanted(("ccxt_binance:klines",), ("BTC",), ("1h",), "5d"), START)
        result = ingest(home, plan)
    (proof,) = result.venues[0].proofs
    assert (str(proof.series), proof.held, proof.absent) == ("binance:spot:BTC-USDT:1h", 5 * 24 + 12, 0)
