"""One ticker that meant two assets: whoever reads bars of both sides is warned, and nobody learns from both at once."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

import assay
from assay.pipelines.building import build
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
    bring_in(workspace, write_csv(folder / "luna.csv", rows), "LUNA-USDT", recorded_at=NOW)
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


def test_of_an_asset_with_too_few_bars_there_are_no_rows(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made, alone = (assay.make_training_table(symbol) for symbol in ("LUNAUSDC", "OTHERUSDT"))
    assert made.frame.drop("symbol").equals(alone.frame.drop("symbol"))
    ask = Command(capsys, home)
    assert ask("features", "table", "LUNAUSDC", "--json").document["split"] == []
    assert f"two assets {MET}; no row knows bars of both" in ask("features", "table", "LUNAUSDT").out
