"""The model's scores, held against a script that shares no line with Assay."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from assay.domain.errors import BadInputError, NoDataError
from assay.evidence.verdict import Verdict
from assay.lake.reads import Span
from assay.pipelines.building import build
from assay.pipelines.direction import answer_direction
from tests.integration.conftest import MakeWorkspace, bring_in
from tests.integration.oracle_direction import direction_scores
from tests.made_klines import hourly, write_csv

KLINES = Path(__file__).parents[3] / "shared" / "data" / "klines"
BTC = KLINES / "binance_spot_1h_2017_2022" / "BTCUSDT.parquet"


@pytest.mark.recorded
@pytest.mark.skipif(not BTC.exists(), reason="the recordings in ../shared/data are not on this machine")
def test_scores_on_btc_2017_to_2022_equal_those_of_an_independent_script(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace()
    bring_in(workspace, BTC)
    build(workspace)
    answer = answer_direction(workspace, "BTC-USD")
    # The last bar of a file is provisional: nothing shows that it was finished, so the model does not learn from it.
    raw = pl.read_parquet(BTC).head(-1)
    expected = direction_scores(raw["Open Time"].to_numpy() * 1_000, raw["Close"].to_numpy())
    evidence = answer.evidence
    for name in ("accuracy", "precision", "recall", "f1"):
        assert getattr(evidence.model, name).value == pytest.approx(expected[name], abs=1e-9)
    assert evidence.baseline.accuracy.value == pytest.approx(expected["baseline_accuracy"], abs=1e-9)
    assert evidence.n == expected["n"] == 35_766
    # 24 hours ahead, the direction of BTC is not distinguishable from its base rate.
    assert evidence.verdict is Verdict.NO_SKILL
    assert answer.prediction.signal == "ABSTAIN"
    assert answer.prediction.as_of == datetime(2022, 6, 30, tzinfo=UTC)
    assert answer.resolution.is_stand_in
    assert str(answer.resolution.series) == "binance:spot:BTC-USDT:1h"


def test_a_planted_effect_is_found(make_workspace: MakeWorkspace, tmp_path: Path) -> None:
    # Prices that return to a level: what is low rises. A judge that always says "no skill" would fail here.
    rows = hourly(4_000, seed=3)
    rng = np.random.default_rng(3)
    level = 0.0
    made = []
    for row in rows:
        level = 0.97 * level + float(rng.normal(0, 0.01))
        price = round(30_000 * float(np.exp(level)), 2)
        made.append(type(row)(row.open_time, price, price, price, price, 1.0, 1))
    workspace = make_workspace()
    bring_in(workspace, write_csv(tmp_path / "returning.csv", made))
    build(workspace)
    evidence = answer_direction(workspace, "BTC-USDT").evidence
    assert evidence.verdict in (Verdict.SKILL, Verdict.SUSPECT)
    assert evidence.difference.interval.low > 0


def test_the_same_data_gives_the_same_answer_bit_for_bit(make_workspace: MakeWorkspace, tmp_path: Path) -> None:
    workspace = make_workspace()
    bring_in(workspace, write_csv(tmp_path / "a.csv", hourly(2_000)))
    build(workspace)
    first, second = (answer_direction(workspace, "BTC-USDT") for _ in range(2))
    assert first.evidence.to_dict() == second.evidence.to_dict()
    assert first.prediction == second.prediction


def test_the_future_changes_nothing_about_what_was_said_before(make_workspace: MakeWorkspace, tmp_path: Path) -> None:
    rows = hourly(2_400)
    short, long = make_workspace("short"), make_workspace("long")
    bring_in(short, write_csv(tmp_path / "short.csv", rows[:2_000]))
    bring_in(long, write_csv(tmp_path / "long.csv", rows))
    for workspace in (short, long):
        build(workspace)
    # 1,999 bars are closed in the short one: its last row is provisional.
    end = rows[1_999].open_time
    then, now = answer_direction(short, "BTC-USDT"), answer_direction(long, "BTC-USDT", span=Span(end=end))
    assert now.evidence.to_dict() == then.evidence.to_dict()
    assert now.prediction == then.prediction


def test_too_little_history_and_unknown_symbols_are_refused_in_words(
    make_workspace: MakeWorkspace, tmp_path: Path
) -> None:
    workspace = make_workspace()
    bring_in(workspace, write_csv(tmp_path / "a.csv", hourly(200)))
    build(workspace)
    with pytest.raises(NoDataError, match="too few labelled rows"):
        answer_direction(workspace, "BTC-USDT")
    with pytest.raises(NoDataError, match="no series for the symbol"):
        answer_direction(workspace, "DOGE-USDT")
    with pytest.raises(BadInputError, match="not a symbol"):
        answer_direction(workspace, "what?")
