"""Several series on one grid, worked by hand: who has a bar when, what each costs, pays and when it is gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from assay.backtest.account import Account, Schedule
from assay.backtest.engine import run
from assay.backtest.market import Market
from assay.backtest.signals import Signals, Size
from assay.domain.instrument import Resolution, SeriesId
from assay.lake.reads import EVERYTHING
from assay.measures.trading_costs import Costs
from assay.pipelines import backtest_several
from assay.pipelines.backtest_market import LakeMarket, Terms
from assay.pipelines.backtest_several import SeveralMarkets, read_several
from assay.pipelines.workspace import open_workspace
from assay.settings import Settings

HOUR_US, START = 3_600_000_000, datetime(2024, 1, 1, tzinfo=UTC)
FIRST = int(START.timestamp() * 1_000_000)


def part(
    symbol: str, hours: list[int], costs: list[tuple[int, Costs]], *, funding: float = 0.0, gone: int = 0
) -> LakeMarket:
    """Return a market at these hours whose price is 100, with costs from these hours on."""
    opens, price = FIRST + np.array(hours) * HOUR_US, np.full(len(hours), 100.0)
    market = Market(
        (symbol,), opens, opens + HOUR_US, price, price, price, price,
        funding=np.full((len(hours), 1), funding) if funding else np.empty((0, 1)),
        delisted_at={symbol: FIRST + gone * HOUR_US} if gone else {},
    )  # fmt: skip
    moments = [START + timedelta(hours=hour) for hour in hours]
    bars = pl.DataFrame({"open_time": moments, "close_time": [one + timedelta(hours=1) for one in moments]})
    series = SeriesId.parse(f"binance:{'usdm' if funding else 'spot'}:{symbol}:1h")
    schedules = tuple(Schedule(one, FIRST + hour * HOUR_US) for hour, one in costs)
    return LakeMarket(
        Resolution(symbol, series, is_stand_in=False), EVERYTHING, bars, market, np.arange(len(hours)), schedules,
        bool(funding), ("fees as given", f"of {symbol}"), symbol[:3],
    )  # fmt: skip


def joined(parts: dict[str, LakeMarket], folder: Path, monkeypatch: pytest.MonkeyPatch) -> SeveralMarkets:
    monkeypatch.setattr(backtest_several, "read_market", lambda _home, one, *_: parts[str(one.series.symbol)])
    found = [one.resolution for one in parts.values()]
    return read_several(open_workspace(Settings(home=folder)), found, EVERYTHING, Terms())


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SeveralMarkets:
    parts = {
        "AAA-USDT": part("AAA-USDT", [0, 1, 2, 5, 6], [(0, Costs(taker_bps=10)), (2, Costs(taker_bps=20))]),
        "BBB-USDT": part("BBB-USDT", [2, 3, 4, 5], [(2, Costs(taker_bps=5, lot=0.5))], funding=0.001, gone=5),
    }
    return joined(parts, tmp_path, monkeypatch)


def test_rows_are_the_hours_of_any_of_them(both: SeveralMarkets) -> None:
    market = both.market
    assert ((market.open_time - FIRST) // HOUR_US).tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert np.flatnonzero(~np.isnan(market.close[:, 0])).tolist() == [0, 1, 2, 5, 6]
    assert np.flatnonzero(~np.isnan(market.close[:, 1])).tolist() == [2, 3, 4, 5]
    assert market.funding.tolist() == [[0, one] for one in (0, 0, 0.001, 0.001, 0.001, 0.001, 0)]
    assert both.bars.height == 7
    assert not both.may_short  # one of them is a spot market
    assert both.says == (
        "which series are traded was chosen by who asked", "fees as given", "AAA-USDT: of AAA-USDT",
        "BBB-USDT: of BBB-USDT",
    )  # fmt: skip


def test_each_has_its_own_costs_at_each_date(both: SeveralMarkets) -> None:
    told = [((one.from_time - FIRST) // HOUR_US, one.costs) for one in both.costs]
    late = Costs(taker_bps=5, lot=0.5)
    assert told == [
        (0, {"AAA-USDT": Costs(taker_bps=10), "BBB-USDT": late}),
        (2, {"AAA-USDT": Costs(taker_bps=20), "BBB-USDT": late}),
    ]


def test_one_account_pays_rounds_and_is_settled_by_symbol(both: SeveralMarkets) -> None:
    entry = np.zeros((7, 2), dtype=bool)
    entry[0, 0] = entry[2, 1] = True
    result = run(Signals(long_entry=entry, size=Size(0.3)), both.market, account=Account(1_000.0), costs=both.costs)
    first, second, settled = result.fills
    assert (first.symbol, first.row, first.quantity) == ("AAA-USDT", 1, 3.0)
    # 30 % of 999.70 are 2.99 units at 100: whole halves of them.
    assert (second.symbol, second.row, second.quantity) == ("BBB-USDT", 3, 2.5)
    assert (first.fee, second.fee) == pytest.approx((0.3, 0.125))
    assert (settled.symbol, settled.row, settled.reason) == ("BBB-USDT", 5, "delisted")
    # Held from hour 3 on, and gone at the open of hour 5: paid at that of hour 4.
    assert result.funding_paid.tolist() == pytest.approx([0, 0, 0, 0, 0.25, 0, 0])
    assert result.quantity[-1].tolist() == [3.0, 0.0]


def test_the_same_series_are_one_source_in_any_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = [(0, Costs())]
    parts = {name: part(name, [0, 1], free) for name in ("AAA-USDT", "BBB-USDT", "CCC-USDT")}
    turned = {name: parts[name] for name in reversed(parts)}
    one, other = (joined(some, tmp_path, monkeypatch) for some in (parts, turned))
    assert (one.source, one.data_version) == (other.source, other.data_version)
    fewer = joined({name: parts[name] for name in ("AAA-USDT", "BBB-USDT")}, tmp_path, monkeypatch)
    assert fewer.source != one.source
    assert one.source.startswith("several:")
    assert one.source.endswith(":1h")
