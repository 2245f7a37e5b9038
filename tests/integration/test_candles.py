"""Candles for a chart, against bars read plainly: ranges, coarser intervals, gaps, indicators, any moment."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from assay.domain.errors import BadInputError, NoDataError
from assay.domain.interval import Interval
from assay.lake.coverage_causes import HoleCause
from assay.pipelines.building import build
from assay.pipelines.workspace import Workspace
from assay.selectors.candles import CandleRequest, Candles, Gap, candles
from assay.selectors.query import query
from tests.integration.conftest import NOW, at, bring_in, open_frozen
from tests.made_klines import START, hourly, write_csv

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
COUNT = 24 * 70
FIRST, SECOND = NOW, NOW + timedelta(days=7)
BETWEEN = NOW + timedelta(days=1)
HOLES = ((100, 103), (500, 560))
ROWS = hourly(COUNT, holes=HOLES)
RESTATED = [row.restated(1.05) for row in ROWS[800:803]]
LAST = ROWS[-1].open_time


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Build ten weeks with two holes, the last bar not finished; restate three bars a week later."""
    folder = tmp_path_factory.mktemp("candles")
    workspace = open_frozen(folder / "home", FIRST)
    bring_in(workspace, write_csv(folder / "first.csv", ROWS))
    bring_in(workspace, write_csv(folder / "rupees.csv", hourly(48, seed=2)), "BTC-INR", venue="wazirx")
    bring_in(workspace, write_csv(folder / "ether.csv", hourly(48, seed=3)), "ETH-USDT")
    bring_in(workspace, write_csv(folder / "wrx.csv", hourly(48, seed=4)), "WRX-INR", venue="wazirx")
    build(workspace)
    later = at(workspace, SECOND)
    bring_in(later, write_csv(folder / "restated.csv", RESTATED), recorded_at=SECOND)
    build(later)
    with later.kept_open() as opened:
        yield opened


def ask(lake: Workspace, symbol: str = "BTC-USDT", interval: str = "1h", **more: object) -> Candles:
    return candles(lake, CandleRequest(symbol, interval, **more))  # type: ignore[arg-type]


def stored(lake: Workspace, as_of: datetime | None = None) -> pl.DataFrame:
    sql = (
        "select open_time, close_time, open, high, low, close, volume, quote_volume, is_closed, "
        "missing_bars_before as missing_bars, is_outlier from silver.crypto_prices_cleaned "
        "where symbol = 'BTC-USDT' order by open_time"
    )
    return query(lake, sql, as_of=as_of)


def test_without_a_range_the_latest_bars_are_shown_as_they_are_stored(lake: Workspace) -> None:
    found = ask(lake, limit=200)
    assert_frame_equal(found.frame, stored(lake).tail(200))
    assert (found.series, found.interval, found.stored_interval) == ("binance:spot:BTC-USDT", "1h", "1h")
    assert found.is_cut
    assert (found.first_open_time, found.last_open_time) == (START, LAST)
    assert found.provisional == (LAST,)
    assert LAST not in ask(lake, include_provisional=False).frame["open_time"]


@pytest.mark.parametrize("symbol", ["BTC-USDT", "btcusdt", "BTC/USDT", "binance:spot:BTC-USDT", "btc", "BTC-USD"])
def test_any_spelling_and_the_asset_alone_give_the_series_and_say_what_was_taken(lake: Workspace, symbol: str) -> None:
    resolution = ask(lake, symbol).resolution
    assert str(resolution.series) == "binance:spot:BTC-USDT:1h"
    assert resolution.is_stand_in == (symbol in ("btc", "BTC-USD"))


def test_an_asset_that_nobody_trades_in_dollars_is_shown_in_what_it_is_traded_in(lake: Workspace) -> None:
    assert ask(lake, "wrx").series == "wazirx:spot:WRX-INR"
    assert ask(lake, "wazirx:spot:btc").series == "wazirx:spot:BTC-INR"


def test_a_range_is_half_open_and_too_many_bars_are_cut_at_its_end(lake: Workspace) -> None:
    start, end = START + 30 * HOUR, START + 60 * HOUR
    found = ask(lake, start=start, end=end)
    assert found.frame["open_time"].to_list() == [start + n * HOUR for n in range(30)]
    assert not found.is_cut
    cut = ask(lake, start=start, end=end, limit=10)
    assert cut.frame["open_time"].to_list() == [start + n * HOUR for n in range(10)]
    assert cut.is_cut
    latest = ask(lake, end=end, limit=10)
    assert latest.frame["open_time"].to_list() == [end - n * HOUR for n in range(10, 0, -1)]


@pytest.mark.parametrize(("interval", "every"), [("4h", "4h"), ("1d", "1d"), ("1w", "1w"), ("1M", "1mo")])
def test_coarser_bars_are_made_of_the_stored_ones(lake: Workspace, interval: str, every: str) -> None:
    found = ask(lake, interval=interval)
    grouped = (
        stored(lake)
        .group_by_dynamic("open_time", every=every)
        .agg(
            pl.col("open").first(), pl.col("high").max(), pl.col("low").min(), pl.col("close").last(),
            pl.col("volume").sum(), pl.col("quote_volume").sum(), pl.len(),
        )
    )  # fmt: skip
    columns = [name for name in grouped.columns if name != "len"]
    assert_frame_equal(found.frame.select(columns), grouped.select(columns), rel_tol=1e-12)
    hours = (found.frame["close_time"] - found.frame["open_time"]).dt.total_hours()
    inside = found.frame["missing_bars"] + grouped["len"]
    assert (inside[1:-1] == hours[1:-1]).all()
    assert found.stored_interval == "1h"
    assert found.provisional == (found.frame["open_time"][-1],)


def test_a_day_of_the_chart_is_the_day_of_the_gold_table(lake: Workspace) -> None:
    columns = "open, high, low, close, volume, bars"
    sql = f"select {columns} from gold.daily_crypto_metrics where symbol = 'BTC-USDT' order by date"
    gold = query(lake, sql)
    days = ask(lake, interval="1d", include_provisional=False).frame
    # The table takes the closed hours of the last day; the chart shows whole days.
    assert_frame_equal(days.select(gold.columns[:-1]), gold.head(len(days)).drop("bars"), rel_tol=1e-12)
    assert (24 - days["missing_bars"] == gold.head(len(days))["bars"]).all()


def test_a_range_with_too_many_bars_is_shown_at_the_next_interval_that_fits(lake: Workspace) -> None:
    shown = {
        limit: ask(lake, start=START, limit=limit, may_coarsen=True).interval
        for limit in (2_000, 900, 450, 300, 80, 15, 3)
    }
    assert shown == {2_000: "1h", 900: "2h", 450: "4h", 300: "6h", 80: "1d", 15: "1w", 3: "1M"}
    assert ask(lake, start=START, limit=2, may_coarsen=True).is_cut  # there is nothing coarser
    assert ask(lake, limit=80, may_coarsen=True).interval == "1h"  # no range was asked for


def test_an_interval_finer_than_what_is_stored_is_refused_or_made_coarser(lake: Workspace) -> None:
    with pytest.raises(NoDataError, match="cannot be shown at this interval.*bars of 1h are stored"):
        ask(lake, interval="5m")


def test_gaps_say_which_bars_are_missing(lake: Workspace) -> None:
    everything = ask(lake, limit=5_000)
    proven = HoleCause.UNKNOWN  # a file proves nothing of what it lacks
    expected = tuple(Gap(START + first * HOUR, START + last * HOUR, last - first, proven) for first, last in HOLES)
    assert everything.gaps == expected
    assert everything.gap_count == 2
    inside = ask(lake, start=START + 510 * HOUR, end=START + 570 * HOUR)
    assert inside.gaps == expected[1:]  # it begins before the range and reaches into it
    assert ask(lake, start=START, end=START + 90 * HOUR).gaps == ()
    weeks = ask(lake, interval="1w")
    assert weeks.gaps == expected
    assert weeks.frame["missing_bars"].to_list()[:5] == [3, 0, 4, 56, 0]


@pytest.mark.parametrize("as_of", [None, BETWEEN])
def test_indicators_are_those_of_the_silver_table_wherever_the_range_begins(
    lake: Workspace, as_of: datetime | None
) -> None:
    columns = "ema_12, ema_26, rsi_14"
    sql = f"select open_time, {columns} from silver.technical_indicators where symbol = 'BTC-USDT' order by open_time"
    expected = query(lake, sql, as_of=as_of)
    for start, end in ((START, START + 50 * HOUR), (START + 790 * HOUR, START + 810 * HOUR)):
        names = ("ema:12", "ema:26", "rsi")
        found = ask(lake, start=start, end=end, indicators=names, as_of=as_of)
        part = expected.filter(pl.col("open_time").is_between(start, end, closed="left"))
        for name, column in zip(names, columns.split(", "), strict=True):
            line = found.indicators[name]
            assert line.outputs == (column,)
            values = part[column].cast(pl.Float64).fill_null(np.nan).to_numpy()
            np.testing.assert_array_equal(line.values[column], values)


def test_an_indicator_of_coarser_bars_is_computed_over_those(lake: Workspace) -> None:
    found = ask(lake, interval="1d", indicators=("ema:12",), start=START + 20 * DAY)
    closes = ask(lake, interval="1d").frame["close"].to_list()
    value, expected = float(np.mean(closes[:12])), []
    for close in closes[12:]:
        value += 2 / 13 * (close - value)
        expected.append(value)
    np.testing.assert_allclose(found.indicators["ema:12"].values["ema_12"], expected[20 - 12 :], rtol=1e-12)


def test_as_of_a_moment_the_bars_are_those_that_were_known_then(lake: Workspace) -> None:
    moments = [row.open_time for row in RESTATED]
    for interval in ("1h", "1d"):
        then, now = ask(lake, interval=interval, limit=5_000, as_of=BETWEEN), ask(lake, interval=interval, limit=5_000)
        assert then.frame.height == now.frame.height
        changed = now.frame.filter(then.frame["volume"] != now.frame["volume"])["open_time"].to_list()
        assert changed == sorted({Interval.parse(interval).floor(moment) for moment in moments})
    assert_frame_equal(ask(lake, limit=5_000, as_of=BETWEEN).frame, stored(lake, BETWEEN))
    assert_frame_equal(ask(lake, limit=5_000, as_of=SECOND).frame, stored(lake))
    with pytest.raises(NoDataError, match="nothing was known at that moment.*the lake received its first batch"):
        ask(lake, as_of=FIRST - HOUR)


@pytest.mark.parametrize(
    "request_",
    [
        CandleRequest("BTC-USDT", "13q"),
        CandleRequest("BTC-USDT", ""),
        CandleRequest(""),
        CandleRequest(":"),
        CandleRequest("a:b:c:d:e"),
        CandleRequest("' or 1=1 --"),
        CandleRequest("<script>alert(1)</script>"),
        CandleRequest("ẞTC-USDT"),
        CandleRequest("NO-SUCH"),
        CandleRequest("NOSUCH"),
        CandleRequest("kraken:spot:BTC-USDT"),
        CandleRequest("BTC-USDT", limit=0),
        CandleRequest("BTC-USDT", limit=-1),
        CandleRequest("BTC-USDT", limit=10**9),
        CandleRequest("BTC-USDT", start=START, end=START),
        CandleRequest("BTC-USDT", start=START + DAY, end=START),
        CandleRequest("BTC-USDT", start=datetime(2024, 1, 1)),  # that is what is tested
        CandleRequest("BTC-USDT", as_of=datetime(2024, 1, 1)),
        CandleRequest("BTC-USDT", end=datetime(1, 1, 1, tzinfo=UTC)),
        CandleRequest("BTC-USDT", start=datetime(9999, 12, 31, 23, tzinfo=UTC), may_coarsen=True),
        CandleRequest("BTC-USDT", as_of=datetime(1, 1, 1, tzinfo=UTC)),
        CandleRequest("BTC-USDT", indicators=("nothing:12",)),
        CandleRequest("BTC-USDT", indicators=("ema:0",)),
        CandleRequest("BTC-USDT", indicators=("ema:-1",)),
        CandleRequest("BTC-USDT", indicators=("ema:12:13",)),
        CandleRequest("BTC-USDT", indicators=("ema:9999999",)),
        CandleRequest("BTC-USDT", indicators=("ema:٣",)),
        CandleRequest("BTC-USDT", indicators=("",)),
        CandleRequest("BTC-USDT", indicators=tuple(f"ema:{n}" for n in range(1, 99))),
    ],
    ids=repr,
)
def test_hostile_requests_are_refused_with_what_to_do_and_leave_nothing_behind(
    lake: Workspace, request_: CandleRequest
) -> None:
    with pytest.raises((BadInputError, NoDataError)) as refused:
        candles(lake, request_)
    assert refused.value.todo
    assert "\n" not in str(refused.value)
    assert ask(lake).frame.height == 1_500


def test_the_whole_of_time_is_a_range_like_any_other(lake: Workspace) -> None:
    start, end = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
    assert ask(lake, start=start, end=end, limit=300, may_coarsen=True).interval == "6h"
    assert ask(lake, start=start, end=end, as_of=end, limit=5_000).frame.height == len(ROWS)


def test_a_second_look_reads_memory_and_not_the_lake(lake: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(lake, start=START + 4 * HOUR)

    def refuse() -> None:
        raise AssertionError

    assert lake.pool is not None
    monkeypatch.setattr(lake.pool, "cursor", refuse)
    for first in range(5):
        assert ask(lake, interval="1h", start=START + first * HOUR, indicators=("ema:12",)).frame.height == 1_500


def test_a_workspace_that_is_not_kept_open_gives_the_same(lake: Workspace) -> None:
    alone = open_frozen(lake.home.root, SECOND)
    asked = CandleRequest("BTC", "4h", indicators=("rsi:14",), limit=100)
    one, other = candles(alone, asked), candles(lake, asked)
    assert_frame_equal(one.frame, other.frame)
    np.testing.assert_array_equal(
        one.indicators["rsi:14"].values["rsi_14"], other.indicators["rsi:14"].values["rsi_14"]
    )


def test_warming_up_compiles_what_a_chart_needs(lake: Workspace) -> None:
    # In a process of its own: in this one another test may have had it compiled already.
    script = (
        "import sys; from pathlib import Path; from assay.pipelines.workspace import open_workspace; "
        "from assay.selectors.indicators import warm_up; from assay.settings import Settings; "
        "warm_up(open_workspace(Settings(home=Path(sys.argv[1]))))"
    )
    subprocess.run([sys.executable, "-c", script, str(lake.home.root)], check=True, timeout=600)
    assert list((lake.home.cache / "numba").rglob("*ema*"))
