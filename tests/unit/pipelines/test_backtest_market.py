"""Terms, funding and holes of a market as a backtest trades it, worked by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from assay.domain.errors import BadInputError
from assay.domain.instrument import SeriesId
from assay.domain.interval import Interval
from assay.measures.trading_costs import Costs
from assay.pipelines import backtest_market
from assay.pipelines.backtest_market import Terms
from assay.pipelines.workspace import Workspace, open_workspace
from assay.settings import Settings
from assay.settings.fees import FeeSettings

START, DAY, HOUR_US = datetime(2024, 1, 1, tzinfo=UTC), timedelta(days=1), 3_600_000_000
ENDS = START, START + 30 * DAY
BINANCE = SeriesId.parse("binance:spot:BTC-USDT:1h")


def state(day: int, **more: object) -> dict[str, Any]:
    usual = {"valid_from": START + day * DAY, "tick_size": 0.5, "lot_size": 0.1, "min_notional": 5.0}
    return usual | {"delisted_at": None} | more


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    own = ("binance:spot=7.5/9@2024-01-11", "kraken:spot=-1/25")
    return open_workspace(Settings(home=tmp_path, fees=FeeSettings(own=own)))


def costs(workspace: Workspace, series: SeriesId, states: list[dict[str, Any]], **terms: float) -> Any:  # noqa: ANN401
    return backtest_market._costs(workspace, series, ENDS, states=states, terms=Terms(**terms))


def test_costs_are_those_of_their_dates(workspace: Workspace) -> None:
    found, said = costs(workspace, BINANCE, [state(-9), state(20, tick_size=1.0)])
    usual = {"spread_bps": 2.0, "slippage_bps": 1.0, "lot": 0.1, "min_notional": 5.0}
    assert [(one.from_time, one.costs) for one in found] == [
        (day_us(0), Costs(10.0, 10.0, tick=0.5, **usual)),
        (day_us(10), Costs(7.5, 9.0, tick=0.5, **usual)),
        (day_us(20), Costs(7.5, 9.0, tick=1.0, **usual)),
    ]
    assert len(said) == 3
    assert said[1].endswith("(settings) from 2024-01-11 00:00 UTC on")


def test_terms_of_the_first_list_stand_for_those_before_it_and_that_is_said(workspace: Workspace) -> None:
    found, said = costs(workspace, BINANCE, [state(60)], fee_bps=3.0)
    (one,) = found
    assert one.costs == Costs(3.0, 3.0, 2.0, 1.0, tick=0.5, lot=0.1, min_notional=5.0)
    assert said[-1] == "steps of price and quantity before 2024-03-01 are those of the first list, of that day"


def test_without_a_list_nothing_is_rounded_and_a_rebate_is_not_counted_on(workspace: Workspace) -> None:
    found, said = costs(workspace, SeriesId.parse("kraken:spot:BTC-USD:1h"), [])
    assert found[0].costs == Costs(0.0, 25.0, 2.0, 1.0)
    assert "no list of the venue is known" in said[-1]


def test_a_venue_whose_fees_nobody_knows_is_refused(workspace: Workspace) -> None:
    with pytest.raises(BadInputError, match="nobody knows the fees of this venue.*--fee-bps"):
        costs(workspace, SeriesId.parse("gemini:spot:BTC-USD:1h"), [])


def test_holes_are_rows_without_prices() -> None:
    hours = [0, 1, 4]
    opened = pl.Series([START + hour * timedelta(hours=1) for hour in hours]).cast(pl.Datetime("us", "UTC"))
    prices = {name: [1.0, 2.0, 3.0] for name in ("open", "high", "low", "close", "volume")}
    bars = pl.DataFrame({"open_time": opened, "close_time": opened + timedelta(hours=1), **prices})
    rows, columns = backtest_market._on_a_grid(bars, Interval.parse("1h"))
    assert rows.tolist() == hours
    assert ((columns["open_time"] - day_us(0)) // HOUR_US).tolist() == [0, 1, 2, 3, 4]
    assert np.array_equal(columns["close"], [1.0, 2.0, np.nan, np.nan, 3.0], equal_nan=True)


def test_funding_is_due_at_the_open_from_its_minute_on_and_adds_up_in_longer_bars() -> None:
    times = [START + timedelta(hours=8, milliseconds=3), START + timedelta(hours=16), START + timedelta(days=9)]
    rates = pl.DataFrame({"funding_time": times, "funding_rate": [0.01, 0.02, 0.5]})
    hours = day_us(0) + np.arange(24) * HOUR_US
    due, said = backtest_market._funding(rates, hours)
    assert np.flatnonzero(due).tolist() == [8, 16]
    assert due[[8, 16]].tolist() == [0.01, 0.02]
    assert said.startswith("funding: 2 rates from 2024-01-01 08:00 to 2024-01-01 16:00")
    days = day_us(0) + np.arange(3) * 24 * HOUR_US
    assert backtest_market._funding(rates, days)[0].tolist() == pytest.approx([0.0, 0.03, 0.0])
    assert "none is paid" in backtest_market._funding(rates.clear(), hours)[1]


def test_a_delisting_counts_if_it_stood_at_the_end() -> None:
    gone, back = state(0, delisted_at=START + 5 * DAY), state(8)
    assert backtest_market._delisting([gone], START + 9 * DAY) == START + 5 * DAY
    assert backtest_market._delisting([gone], START + 4 * DAY) is None
    assert backtest_market._delisting([gone, back], START + 9 * DAY) is None
    assert backtest_market._delisting([], START) is None


def day_us(day: int) -> int:
    return int((START + day * DAY).timestamp()) * 1_000_000
