"""Models of a change of the price, of BUY and SELL, and of all series of a source."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from assay.domain.instrument import SeriesId
from assay.domain.interval import Interval
from assay.domain.model_key import key_of_source
from assay.evidence.promotion import read_certificate
from assay.evidence.values import SUSPECT_SKILL
from assay.evidence.verdict import EdgeVerdict, Verdict
from assay.features.labels import parse_label
from assay.features.registry import use_own_steps
from assay.features.sets import FEATURE_SETS
from assay.lake.model_store import read_artefact
from assay.lake.model_tests import count_looks
from assay.lake.reads import Span
from assay.lake.sealed import documents_of
from assay.lake.trial_ledger import count_trials
from assay.models.artefact import unpack
from assay.models.splits import walk_forward
from assay.pipelines.auditing import features_of
from assay.pipelines.coin_bars import read_coin_bars
from assay.pipelines.paired_tests import find_key, promote_version
from assay.pipelines.source_rows import rows_of_key
from assay.pipelines.tasks import find_task
from assay.pipelines.training_rows import find_features, to_learn_from
from assay.pipelines.workspace import Workspace
from tests.integration.command import clone
from tests.integration.conftest import NOW
from tests.integration.training_home import (
    EFFECT,
    KEY,
    NOISE,
    SHORT,
    TASK,
    TREES,
    Learned,
    learned_home,
    of_direction,
    of_value,
    opened,
    trained,
)
from tests.made_klines import HOUR, START, hourly


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Learned:
    return learned_home(tmp_path_factory)


@pytest.fixture
def workspace(learned: Learned, tmp_path: Path) -> Workspace:
    return opened(clone(learned.root, tmp_path / "home"))


@pytest.fixture(autouse=True)
def nothing_stays_known() -> Iterator[None]:
    yield
    use_own_steps({})


def test_a_change_of_the_price_is_foretold_with_a_band_and_promoted_by_squared_errors(workspace: Workspace) -> None:
    one = trained(workspace, task="delta_1h", **TREES)
    skill, band = of_value(one), one.more["interval"]
    assert skill.verdict is Verdict.SKILL
    assert 0 < skill.skill.value < SUSPECT_SKILL
    assert skill.baseline.scores.rmse == pytest.approx(0.0064, rel=0.1)  # of returns: their deviation
    assert isinstance(band, dict)
    assert band["low"] < 0 < band["high"]
    assert band["held"] == pytest.approx(0.9, abs=0.04)
    # Only moves that are larger than the costs are traded.
    assert 0 < one.edge.trades < skill.n / 2
    documents, version = documents_of(workspace.home), one.version
    assert unpack(read_artefact(documents, version)).task == "value"
    assert version.paper.evidence["interval"] == band
    made = promote_version(workspace, version.version, by="ada", why="first").result
    assert made.decision.is_promoted, made.decision.sentence
    assert "beats last_value by +" in made.decision.sentence
    weak = trained(workspace, task="delta_1h", model="drift").version.version
    kept = promote_version(workspace, weak, by="ada", why="hope").result
    assert not kept.decision.is_promoted
    assert kept.aliases.champion == version.version


def test_a_signal_acts_on_what_is_sure_and_moves_enough_and_else_holds(workspace: Workspace) -> None:
    one = trained(workspace, task="signal_1h", confidence=0.7)
    found, skill = one.more["signal"], of_direction(one)
    assert isinstance(found, dict)
    assert found["buy"] + found["sell"] + found["hold"] == skill.n
    assert 0 < found["buy"] + found["sell"] == one.edge.trades < skill.n
    assert found["right"] > skill.model.accuracy.value
    assert one.version.paper.parameters["of"] == "logistic"
    assert one.version.paper.parameters["purged_rows"] == 1
    never = trained(workspace, task="signal_1h", confidence=0.99)
    assert never.edge.verdict is EdgeVerdict.NOT_ENOUGH_DATA
    assert "no forecast was acted on" in never.edge.sentence
    # How sure one has to be is an idea of its own: who tries many finds one that looks good.
    key = dataclasses.replace(KEY, task="signal_1h")
    assert count_trials(documents_of(workspace.home)).of(key).ideas == 2


def test_a_source_gives_one_model_of_all_its_series(workspace: Workspace) -> None:
    one = trained(workspace, "binance")
    key, paper, skill = key_of_source(TASK, "binance", "1h"), one.version.paper, of_direction(one)
    assert paper.key == key
    counted = paper.evidence["series"]
    assert isinstance(counted, dict)
    assert {name.split(":")[2] for name in counted} == {EFFECT, NOISE, SHORT}
    assert sum(counted.values()) == one.rows
    # One that stands still is left out: among the others it would look like one that can be foretold.
    assert [(each.series.symbol.base, each.reason.partition(":")[0]) for each in one.left_out] == [
        ("SOL", "all answers are the same")
    ]
    # The opponent knows of each series how often it rose: to tell one series from another is no forecast.
    task, chosen = find_task(workspace, TASK), find_features(workspace, "direction", Interval.parse("1h"))
    rows = to_learn_from(rows_of_key(workspace, key, task, chosen).rows)
    folds = walk_forward(rows.at, rows.until, folds=3, embargo_us=HOUR // timedelta(microseconds=1))
    symbols, right = rows.frame["symbol"].to_numpy(), 0
    for fold in folds:
        for symbol in np.unique(symbols):
            past, now = (rows.labels[part[symbols[part] == symbol]] for part in (fold.train, fold.test))
            past = past if past.size else rows.labels[fold.train]
            right += int((now == (past.mean() > 0.5)).sum())
    assert skill.baseline.accuracy.value == right / skill.n
    # Rows of one moment are one observation.
    assert skill.sentence.endswith(" 3 trials)")
    assert f"n = {skill.n:,} at " in skill.sentence
    assert paper.certificate is not None
    certificate = read_certificate(paper.certificate)
    assert certificate.subject == f"direction on 3 series of binance:1h, with {TASK} on binance:spot:{EFFECT}:1h"
    assert trained(workspace, "binance").version.version == one.version.version  # and the certificate is found again
    assert find_key(workspace, TASK, "binance") == key
    # The newest rows of all of them are the test.
    made = promote_version(workspace, one.version.version, by="ada", why="try").result
    assert f"n = {one.kept_rows:,})" in made.decision.sentence
    assert count_looks(documents_of(workspace.home), key, first_at=START, until=NOW) == 1


def test_prices_of_coins_are_enough_for_a_model_of_their_source(workspace: Workspace) -> None:
    hours = 700
    moments = [START + hour * HOUR + timedelta(seconds=5) for hour in range(hours)]
    prices = {coin: [row.close for row in hourly(hours, seed=seed)] for coin, seed in (("bitcoin", 3), ("solana", 4))}
    points = pl.DataFrame([
        {"venue": "coingecko", "coin_id": coin, "quote": "USD", "event_time": at, "price": price,
         "known_at": NOW, "available_at": at + timedelta(minutes=1)}
        for coin, path in prices.items() for at, price in zip(moments, path, strict=True)
    ])  # fmt: skip
    with workspace.writing(), workspace.lake(read_only=False) as lake:
        lake.register("points", points)
        lake.execute("create table lake.silver.coin_history_observations as select * from points")
    one = trained(workspace, "coingecko")
    counted = one.version.paper.evidence["series"]
    assert counted == {f"coingecko:spot:{coin}-USD:1h": one.rows // 2 for coin in ("BTC", "SOL")}
    assert one.version.paper.key == key_of_source(TASK, "coingecko", "1h")
    assert of_direction(one).verdict is not Verdict.SKILL
    with workspace.lake() as lake:
        bars = read_coin_bars(lake, SeriesId.parse("coingecko:spot:SOL-USD:1h"), Span())
    # What was published at 12:01:05 is the price at 13:00.
    assert bars["close_time"][0] == START + HOUR
    assert bars["close"].to_list() == prices["solana"]
    assert len(one.left_out) == 15
    assert {each.reason.partition(":")[0] for each in one.left_out} == {"no prices of the coin"}


def test_a_certificate_of_another_label_is_not_taken_for_this_one(learned: Learned) -> None:
    paper = learned.effect.version.paper
    assert paper.certificate is not None
    certificate = read_certificate(paper.certificate)
    now = features_of(FEATURE_SETS["direction"], parse_label(TASK))
    other = features_of(FEATURE_SETS["direction"], parse_label("return_1h"))
    assert certificate.why_stale(code=now.code, config=now.config, label=now.label) == ""
    stale = certificate.why_stale(code=other.code, config=other.config, label=other.label)
    assert stale == "the code of the label has changed"
