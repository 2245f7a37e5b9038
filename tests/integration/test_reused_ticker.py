"""One ticker that meant two assets: whoever reads bars of both sides is warned, and nobody learns from both at once."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import assay
from assay.lake import reads
from assay.lake.identities import parts_of_one_asset, spans_of_bars, stated_segments
from assay.pipelines.building import build
from assay.pipelines.direction import of_present_asset
from assay.selectors.candles import CandleRequest, candles
from assay.selectors.query import query
from tests.integration.command import Command
from tests.integration.conftest import NOW, bring_in, open_frozen
from tests.made_klines import hourly, write_csv

EDGE = datetime(2022, 5, 28, 6, tzinfo=UTC)
"""The second Terra chain began under the old ticker."""
BEFORE, AFTER = 300, 320
MET = "LUNA meant terra-luna until 2022-05-28 06:00 UTC, then terra-luna-2"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a home with bars of both sides, and with those of one side under a ticker of its own."""
    folder = tmp_path_factory.mktemp("reused")
    workspace = open_frozen(folder / "home", NOW)
    rows = hourly(BEFORE + AFTER, start=EDGE - timedelta(hours=BEFORE))
    # In two builds, with the edge in the second: its indicators would go on from what the first one saved.
    bring_in(workspace, write_csv(folder / "begun.csv", rows[: BEFORE - 10]), "LUNA-USDT", recorded_at=NOW)
    build(workspace)
    bring_in(workspace, write_csv(folder / "luna.csv", rows[BEFORE - 10 :]), "LUNA-USDT", recorded_at=NOW)
    bring_in(workspace, write_csv(folder / "other.csv", rows[BEFORE:]), "OTHER-USDT", recorded_at=NOW)
    bring_in(workspace, write_csv(folder / "brief.csv", rows[BEFORE - 3 :]), "LUNA-USDC", recorded_at=NOW)
    build(workspace)
    return workspace.home.root


@pytest.fixture(autouse=True)
def in_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_HOME", str(home))


def test_bars_of_two_assets_under_one_ticker_come_with_a_warning(tmp_path: Path) -> None:
    said = f"not one series: {MET}; ask for one side"
    with pytest.warns(UserWarning, match=said):
        assert assay.get_klines("LUNAUSDT").height == BEFORE + AFTER
    with pytest.warns(UserWarning, match=said):
        assay.save_klines_to_csv("LUNAUSDT", folder=tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert assay.get_klines("LUNAUSDT", end=EDGE).height == BEFORE
        assert assay.get_klines("LUNAUSDT", start=EDGE).height == AFTER


def test_no_row_to_learn_from_knows_bars_of_both_assets() -> None:
    with pytest.warns(UserWarning, match=f"rows of two assets: {MET}; ask for one side"):
        both = assay.make_training_table("LUNAUSDT")
    assert both.split == (MET,)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = assay.make_training_table("LUNAUSDT", end=EDGE)
        second = assay.make_training_table("LUNAUSDT", start=EDGE)
        # The same bars under a ticker that never meant anything else.
        alone = assay.make_training_table("OTHERUSDT")
    assert (first.split, second.split, alone.split) == ((), (), ())
    assert both.frame.equals(pl.concat([first.frame, second.frame]))
    assert second.frame.drop("symbol").equals(alone.frame.drop("symbol"))
    assert first.frame["until"].max() <= EDGE  # type: ignore[operator]  # a column of moments
    assert second.frame["open_time"][0] > EDGE + timedelta(hours=20), "features begin anew"


def _without_series(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.drop("symbol", "feature_set", strict=False)


@pytest.mark.parametrize("as_of", [None, NOW])
@pytest.mark.parametrize("table", ["technical_indicators", "returns_and_risk"])
def test_indicators_begin_anew_with_the_asset(home: Path, table: str, as_of: datetime | None) -> None:
    workspace = open_frozen(home, NOW)
    sql = f"select * from silver.{table} where symbol = '{{}}' and open_time >= '{EDGE}' order by open_time"
    ours, alone = (query(workspace, sql.format(symbol), as_of=as_of) for symbol in ("LUNA-USDT", "OTHER-USDT"))
    assert ours.height == AFTER
    assert _without_series(ours).equals(_without_series(alone))
    before = query(workspace, sql.format("LUNA-USDT").replace(">=", "<"), as_of=as_of)
    assert before.height == BEFORE
    assert before.select(pl.last("*")).null_count().sum_horizontal()[0] < before.width // 2, "that of the first goes on"


def test_computed_features_and_lines_of_a_chart_begin_anew_as_well(home: Path) -> None:
    computed = [assay.compute_features(symbol, "rsi:14,ema:12,drawdown") for symbol in ("LUNAUSDT", "OTHERUSDT")]
    ours, alone = (one.filter(pl.col("open_time") >= EDGE) for one in computed)
    assert ours.height == AFTER
    assert _without_series(ours).equals(_without_series(alone))
    workspace = open_frozen(home, NOW)
    shown = [
        candles(workspace, CandleRequest(symbol, indicators=("rsi:14",), start=EDGE))
        .indicators["rsi:14"]
        .values["rsi_14"]
        for symbol in ("LUNA-USDT", "OTHER-USDT")
    ]
    np.testing.assert_array_equal(shown[0], shown[1])
    assert np.isnan(shown[0][:14]).all()


def test_model_of_a_ticker_knows_the_asset_that_it_means_now(home: Path) -> None:
    workspace = open_frozen(home, NOW)
    with workspace.lake() as lake:
        series = [one for one in reads.list_series(lake) if str(one.symbol) in {"LUNA-USDT", "OTHER-USDT"}]
        bars = {str(one.symbol): reads.read_klines(lake, one, reads.EVERYTHING) for one in series}
    kept = {str(one.symbol): of_present_asset(bars[str(one.symbol)], one) for one in series}
    assert kept["LUNA-USDT"]["open_time"].equals(kept["OTHER-USDT"]["open_time"])


def test_bar_that_an_edge_lies_in_is_of_no_asset() -> None:
    day, hour = timedelta(days=1), timedelta(hours=1)
    opened = [EDGE.replace(hour=0) + number * day for number in (-1, 0, 1)]
    days = pl.DataFrame({"open_time": opened, "close_time": [one + day for one in opened]})
    segments = stated_segments("LUNA")
    assert [(one.rows.start, one.rows.stop, one.is_of_one) for one in spans_of_bars(days, segments)] == [
        (0, 1, True), (1, 2, False), (2, 3, True),
    ]  # fmt: skip
    hours = pl.DataFrame({"open_time": [EDGE - hour, EDGE], "close_time": [EDGE, EDGE + hour]})
    assert [one.rows for one in spans_of_bars(hours, segments)] == [slice(0, 1), slice(1, 2)]
    assert [part.height for part in parts_of_one_asset(days, segments)] == [1, 1]
    assert [one.rows for one in spans_of_bars(hours, stated_segments("BTC"))] == [slice(0, 2)]


def test_of_an_asset_with_too_few_bars_there_are_no_rows(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made, alone = (assay.make_training_table(symbol) for symbol in ("LUNAUSDC", "OTHERUSDT"))
    assert made.frame.drop("symbol").equals(alone.frame.drop("symbol"))
    ask = Command(capsys, home)
    assert ask("features", "table", "LUNAUSDC", "--json").document["split"] == []
    assert f"two assets {MET}; no row knows bars of both" in ask("features", "table", "LUNAUSDT").out


def test_a_backtest_trades_the_last_asset_alone_and_its_indicators_begin_with_it() -> None:
    rules = {"buy": "rsi_14 < 45", "sell": "rsi_14 > 55"}
    found, alone = (assay.Backtester(symbol).run(**rules).result for symbol in ("LUNAUSDT", "OTHERUSDT"))
    assert f"{MET}: only the last of them is traded" in found.says
    assert found.result.equity.tobytes() == alone.result.equity.tobytes()
    assert len(found.result.trades) == len(alone.result.trades) > 2
