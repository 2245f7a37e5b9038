"""What the README says of Bitcoin and Ether, held against the recordings and against a script that shares no line."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest

from assay.evidence.direction import DirectionEvidence
from assay.evidence.verdict import EdgeVerdict, Verdict
from assay.pipelines.building import build
from assay.pipelines.training import TrainRequest, train
from tests.integration.conftest import MakeWorkspace, bring_in
from tests.integration.oracle_next_bar import next_bar_rows, next_bar_scores

ROOT = Path(__file__).parents[2]
KLINES = ROOT.parent / "shared" / "data" / "klines" / "binance_spot_1h_2017_2022"
PAGE = ROOT / "docs" / "reference" / "hourly-evidence.md"


def _cells(symbol: str, ahead: str) -> list[str]:
    """Return what the page says of the logistic model of `next_bar`."""
    said = [
        line.strip("| ").split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")
    ]
    (found,) = [cells for cells in said if cells[:4] == [symbol, ahead, "next_bar", "logistic"]]
    return found


@pytest.mark.soak
@pytest.mark.recorded
@pytest.mark.skipif(not KLINES.is_dir(), reason="the recordings in ../shared/data are not on this machine")
@pytest.mark.parametrize("symbol", ["BTC-USDT", "ETH-USDT"])
def test_an_hour_ahead_has_skill_and_no_edge_and_a_day_ahead_has_neither(
    make_workspace: MakeWorkspace, symbol: str
) -> None:
    file = KLINES / f"{symbol.replace('-', '')}.parquet"
    workspace = make_workspace()
    bring_in(workspace, file, symbol)
    build(workspace)
    hour, day = (
        train(workspace, TrainRequest(symbol, "ada", task=task, feature_set="next_bar")).trained[0]
        for task in ("direction_1h", "direction_24h")
    )
    assert isinstance(hour.skill, DirectionEvidence)
    assert isinstance(day.skill, DirectionEvidence)
    # The last bar of a file is provisional: nothing shows that it was finished, so the model does not learn from it.
    raw = pl.read_parquet(file).sort("Open Time").head(-1)
    prices = {name.lower(): pl.col(name).cast(pl.Float64) for name in ("Open", "High", "Low", "Close", "Volume")}
    rows = next_bar_rows(raw.select(hour=pl.col("Open Time") // 3_600_000, **prices))
    expected, from_open = next_bar_scores(rows), next_bar_scores(rows, "ahead_of_open")
    assert hour.skill.n == expected["n"]
    assert hour.skill.model.accuracy.value == pytest.approx(expected["accuracy"], abs=1e-9)
    assert hour.skill.baseline.accuracy.value == pytest.approx(expected["baseline_accuracy"], abs=1e-9)
    assert hour.edge.gross.value == pytest.approx(expected["gross"], abs=1e-9)
    assert (hour.skill.verdict, hour.edge.verdict) == (Verdict.SKILL, EdgeVerdict.NO_EDGE)
    assert (day.skill.verdict, day.edge.verdict) == (Verdict.NO_SKILL, EdgeVerdict.NO_EDGE)
    # It is not the jump of the last trade from bid to ask alone: whoever buys at the next open sees it as well.
    assert from_open["accuracy"] > expected["accuracy"] - 0.006
    # What is behind most of it: an hour that closed at an end of its range is followed by one that goes the other way.
    learned = rows.head(hour.rows)
    ups = [learned.filter(end)["ahead"].gt(0).mean() for end in (pl.col("w1") > -0.1, pl.col("w1") < -0.9)]
    assert ups == pytest.approx([0.41, 0.61] if symbol == "BTC-USDT" else [0.44, 0.59], abs=0.005)
    for ahead, skill in (("1 h", hour.skill), ("24 h", day.skill)):
        right, base_rate = _cells(symbol, ahead)[4:6]
        assert right.startswith(f"{100 * skill.model.accuracy.value:.1f} [")
        assert base_rate == f"{100 * skill.baseline.accuracy.value:.1f}"


def test_the_readme_says_what_the_page_says() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for symbol in ("BTC-USDT", "ETH-USDT"):
        for ahead in ("1 h", "24 h"):
            right = re.escape(_cells(symbol, ahead)[4])
            assert re.search(rf"^\| {symbol} \| {ahead} \|.*{right}", readme, flags=re.MULTILINE)
