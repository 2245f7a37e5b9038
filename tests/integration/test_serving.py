"""Champions are asked after a build and whenever somebody asks: the same numbers, or words why there are none."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from assay.domain.errors import NoDataError
from assay.domain.instrument import SeriesId
from assay.domain.model_key import ModelKey, key_of_source
from assay.evidence.causality import Certificate
from assay.evidence.promotion import certificate_document
from assay.lake import model_aliases
from assay.lake.build_tests import read_build_tests
from assay.lake.model_aliases import read_aliases
from assay.lake.model_store import ModelPaper, ModelVersion, register
from assay.lake.prediction_tables import PREDICTIONS
from assay.lake.sealed import Author, documents_of
from assay.models import registry
from assay.models.artefact import Artefact, pack
from assay.models.registry import new_estimator
from assay.pipelines import steps
from assay.pipelines.auditing import features_of
from assay.pipelines.building import build
from assay.pipelines.champions import troubles
from assay.pipelines.predicting import predict as predict_all
from assay.pipelines.tasks import find_task
from assay.pipelines.training_rows import find_features, moment_of, read_rows
from assay.pipelines.workspace import Workspace
from assay.selectors.outcomes import TOLD
from assay.selectors.predictions import predict, prediction_history, predictions
from tests.integration.command import clone
from tests.integration.conftest import NOW, at, bring_in, open_frozen
from tests.integration.served import serving
from tests.made_klines import HOUR, START, hourly, write_csv

BARS = 420
ROWS = hourly(BARS)
LAST = START + BARS * HOUR
"""Close of the newest bar, a minute before the clock of the home."""
CLOCK = LAST + timedelta(minutes=1)
BTC = SeriesId.parse("binance:spot:BTC-USDT:1h")
ETH = SeriesId.parse("binance:spot:ETH-USDT:1h")
SOURCE = "binance:1h"
CHAMPIONS: tuple[tuple[str, str, dict[str, object]], ...] = (
    ("direction_1h", "logistic", {}),
    ("direction_2h", "random_forest", {"trees": 8, "depth": 4}),
    ("direction_3h", "lightgbm", {"trees": 8}),
    ("direction_4h", "calibrated", {"of": "logistic", "folds": 2}),
    ("delta_1h", "lightgbm", {"trees": 8}),
    ("signal_1h", "logistic", {}),
)
NUMBERS = ("probability_up", "value", "low", "high", "expected_move", "close", "cost", "confidence")
EVIDENCE = {"interval": {"level": 0.9, "low": -0.01, "high": 0.02}, "signal": {"confidence": 0.6, "usual_move": 0.01}}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a home with a series, another one with a hole among its last bars, and one that is too short."""
    folder = tmp_path_factory.mktemp("serving")
    workspace = open_frozen(folder / "home", CLOCK)
    bring_in(workspace, write_csv(folder / "a.csv", ROWS), recorded_at=CLOCK)
    holed = hourly(BARS, seed=5)
    bring_in(workspace, write_csv(folder / "b.csv", holed[:-3] + holed[-2:]), "ETH-USDT", recorded_at=CLOCK)
    bring_in(workspace, write_csv(folder / "c.csv", hourly(BARS, seed=6)[-9:]), "XRP-USDT", recorded_at=CLOCK)
    build(workspace)
    predict_all(workspace)
    return workspace.home.root


@pytest.fixture
def workspace(base: Path, tmp_path: Path) -> Workspace:
    return open_frozen(clone(base, tmp_path / "home"), CLOCK)


def taught(
    workspace: Workspace, task: str, model: str, parameters: Mapping[str, object], *, source: str = "",
    seed: int = 0, **more: Any,  # noqa: ANN401  # of a paper
) -> ModelVersion:  # fmt: skip
    """Register a model of the first 300 bars, with a certificate as an audit would give it."""
    asked, chosen = find_task(workspace, task), find_features(workspace, "direction", BTC.interval)
    rows, _ = read_rows(workspace, BTC, asked.label, chosen)
    rows = rows.where(np.arange(rows.labels.size) < 300 - seed)
    fitted = new_estimator(asked.estimators, model, chosen.names, parameters).fit(rows.matrix, rows.labels)
    features = features_of(chosen.feature_set, asked.label)
    certificate = Certificate.of(
        "direction", code=features.code, config=features.config, data_version="00", checks=("stream",), density=1.0
    ).with_label(features.label)
    artefact = Artefact(asked.estimators, fitted, chosen.names, steps.identity(chosen.feature_set))
    paper = ModelPaper(
        key=ModelKey(task, source or str(BTC)), estimator=model, parameters=dict(fitted.parameters),
        feature_set=artefact.feature_set, data_version=rows.data_version, trained_from=moment_of(rows.at[0]),
        trained_until=moment_of(rows.until.max()), seen_until=moment_of(rows.until.max()),
        model_hash=artefact.model_hash, evidence={**EVIDENCE, "rows": int(rows.labels.size)},
        certificate=certificate_document(certificate),
    )  # fmt: skip
    paper = dataclasses.replace(paper, **more)
    return register(documents_of(workspace.home), paper, pack(artefact), Author("test", CLOCK))


def crown(workspace: Workspace, version: ModelVersion) -> ModelVersion:
    """Make a version the champion; whether it deserves it is a matter of other tests."""
    documents, key = documents_of(workspace.home), version.paper.key
    known = read_aliases(documents, key)
    author = Author("test", workspace.clock.now())
    model_aliases.promote(documents, key, version.version, known=known, author=author, why="test")
    return version


def rows_of(workspace: Workspace, task: str = "") -> pl.DataFrame:
    with workspace.lake() as lake:
        found = lake.execute(f"select * from lake.{PREDICTIONS} where model_version <> '' order by all").pl()
    return found.filter(pl.col("task") == task) if task else found


def bits(one: object) -> list[object]:
    """Return the numbers of a forecast so that two are equal only bit for bit."""
    return [None if value is None else float(value).hex() for value in (getattr(one, name) for name in NUMBERS)]


def test_what_is_served_is_what_the_batch_writes_bit_for_bit(workspace: Workspace) -> None:
    made = {task: crown(workspace, taught(workspace, task, model, given)) for task, model, given in CHAMPIONS}
    before = {task: predict(workspace, LAST, task=task).prediction for task in made}
    assert {one.kind for one in before.values()} == {"computed"}
    assert rows_of(workspace).is_empty(), "whoever asks writes nothing"
    told = predict_all(workspace)
    assert (told.live, told.abstained) == (len(made), 0)
    for task, one in before.items():
        after = predict(workspace, LAST, task=task).prediction
        assert after.kind == "live"
        assert bits(after) == bits(one)
        assert after.model_version == made[task].version
        same = [name for name in TOLD if name != "kind"]
        assert [getattr(after, name) for name in same] == [getattr(one, name) for name in same]
        # An hour of which no batch has a row, and what came of it.
        past = predict(workspace, LAST - 30 * HOUR, task=task).prediction
        assert past.kind == "computed"
        assert past.close == ROWS[-31].close
        assert past.close_then == next(row.close for row in ROWS if row.open_time + HOUR == past.until)
        assert past.was_right == (past.is_up == (past.close_then > past.close))
    assert (predict_all(workspace).live, rows_of(workspace).height) == (0, len(made))
    latest = {one.brief.task: one.brief for one in predictions(workspace) if one.symbol == "BTC-USDT"}
    assert {task: brief.model_version for task, brief in latest.items() if task in made} == {
        task: one.version for task, one in made.items()
    }


def test_a_value_has_its_band_and_a_signal_its_reason(workspace: Workspace) -> None:
    crown(workspace, taught(workspace, "delta_1h", "lightgbm", {"trees": 8}))
    crown(workspace, taught(workspace, "signal_1h", "logistic", {}))
    value = predict(workspace, LAST - 30 * HOUR, task="delta_1h").prediction
    assert value.close is not None
    assert value.value is not None
    assert value.expected_move is not None
    assert value.close_then is not None
    change = value.close_then - value.close
    assert value.value == value.expected_move * value.close
    assert (value.low, value.high) == (
        (value.expected_move - 0.01) * value.close,
        (value.expected_move + 0.02) * value.close,
    )
    assert value.error == value.value - change
    assert value.is_inside == (value.low <= change <= value.high)  # type: ignore[operator]
    assert value.probability_up is None
    done = predict(workspace, LAST - 30 * HOUR, task="signal_1h").prediction
    assert done.signal in {"BUY", "SELL", "HOLD"}
    assert (done.signal == "HOLD") == bool(done.reason) == (done.net_return == 0.0)


def test_the_champion_of_a_source_foretells_what_has_none_of_its_own(workspace: Workspace) -> None:
    pooled = crown(workspace, taught(workspace, "direction_1h", "logistic", {}, source=SOURCE))
    assert pooled.paper.key == key_of_source("direction_1h", "binance", "1h")
    own = crown(workspace, taught(workspace, "direction_1h", "logistic", {}, seed=7))
    told = predict_all(workspace)
    assert (told.live, told.abstained) == (1, 2)
    by = {row["symbol"]: row for row in rows_of(workspace).iter_rows(named=True)}
    assert by["BTC-USDT"]["model_version"] == own.version
    assert by["ETH-USDT"]["model_version"] == by["XRP-USDT"]["model_version"] == pooled.version
    assert "1 of the last 26 bars are missing" in by["ETH-USDT"]["reason"]
    assert "9 bars are there, and the features need 26" in by["XRP-USDT"]["reason"]
    assert {by[name]["signal"] for name in ("ETH-USDT", "XRP-USDT")} == {"ABSTAIN"}
    assert by["ETH-USDT"]["probability_up"] is None


def test_the_tests_of_a_build_look_at_what_champions_said(workspace: Workspace, tmp_path: Path) -> None:
    for task, source in (("delta_1h", str(BTC)), ("signal_1h", str(BTC)), ("direction_1h", SOURCE)):
        crown(workspace, taught(workspace, task, "ewma" if task == "delta_1h" else "logistic", {}, source=source))
    told = predict_all(workspace)
    assert (told.live, told.abstained) == (3, 2)
    bring_in(workspace, write_csv(tmp_path / "d.csv", hourly(30)), "SOL-USDT", recorded_at=CLOCK)
    build(workspace)
    tests = read_build_tests(workspace.home)
    assert tests is not None
    assert [one for one in tests.warned if one.table == PREDICTIONS] == []
    with workspace.lake() as lake:
        seen = "select count(*) from lake.refresh.tested where name = 'gold.price_predictions'"
        assert lake.execute(seen).fetchall() == [(1,)]


def test_where_the_newest_bar_is_late_it_abstains_once_an_hour(workspace: Workspace) -> None:
    crown(workspace, taught(workspace, "direction_1h", "logistic", {}))
    late = at(workspace, LAST + timedelta(hours=3, minutes=20))
    for _ in range(2):
        predict_all(late)
    (row,) = rows_of(late).iter_rows(named=True)
    assert (row["as_of"], row["kind"], row["signal"]) == (LAST + 3 * HOUR, "abstained", "ABSTAIN")
    assert "it is late" in row["reason"]
    assert row["probability_up"] is row["close"] is None
    brief = next(one.brief for one in predictions(late) if one.brief.task == "direction_1h")
    assert (brief.signal, brief.kind, brief.probability_up) == ("ABSTAIN", "abstained", None)
    assert predict_all(at(workspace, LAST + timedelta(hours=1, minutes=15))).live == 1  # within the tolerance
    with late.lake() as lake:  # what it said is left as it was
        count = lake.execute(f"select count(*) from lake.{PREDICTIONS} where kind = 'abstained'").fetchall()
    assert count == [(1,)]


def test_one_that_has_seen_the_hour_is_not_asked(workspace: Workspace) -> None:
    version = crown(at(workspace, CLOCK + HOUR), taught(workspace, "direction_1h", "logistic", {}))
    seen = version.paper.seen_until
    assert predict(workspace, seen, task="direction_1h").prediction.kind == "computed"
    with pytest.raises(NoDataError, match=f"fitted on outcomes until {seen:%Y-%m-%d %H:%M} UTC"):
        predict(workspace, seen - HOUR, task="direction_1h")
    assert predict(workspace, LAST, task="direction_1h", as_of=CLOCK + HOUR).prediction.kind == "computed"
    with pytest.raises(NoDataError, match="nothing was foretold"):  # nobody was champion then
        predict(workspace, LAST, task="direction_1h", as_of=CLOCK)


UNPROVEN: dict[str, tuple[dict[str, Any], str]] = {
    "direction_1h": ({"certificate": None}, "have no certificate"),
    "direction_2h": ({"feature_set": "direction/1#00000000"}, "computed otherwise now"),
    "direction_3h": ({"model_hash": "0000000000000000"}, "another model than its paper says"),
    "direction_4h": ({"certificate": {"nothing": "of it"}}, "not a certificate"),
    "direction_5h": ({"feature_set": "gone/1#00000000"}, "unknown feature set"),
}


def test_one_that_is_not_proven_is_not_asked(workspace: Workspace) -> None:
    for task, (more, _) in UNPROVEN.items():
        crown(workspace, taught(workspace, task, "logistic", {}, **more))
    told = predict_all(workspace)
    assert (told.live, told.abstained) == (0, len(UNPROVEN))
    for row in rows_of(workspace).iter_rows(named=True):
        assert UNPROVEN[row["task"]][1] in row["reason"]
        assert (row["kind"], row["signal"], row["probability_up"]) == ("abstained", "ABSTAIN", None)
    made = predict(workspace, LAST, task="direction_1h")
    assert (made.prediction.signal, made.prediction.probability_up) == ("ABSTAIN", None)


def test_who_is_champion_is_known_at_the_next_question(workspace: Workspace) -> None:
    first = crown(workspace, taught(workspace, "direction_1h", "logistic", {}))
    predict_all(workspace)
    documents, key = documents_of(workspace.home), first.paper.key
    asked = f"date={LAST:%Y-%m-%d}&hour={LAST.hour - 1}&task=direction_1h"
    with serving(workspace) as client:

        def latest() -> tuple[str, str]:
            (one,) = client.json("/api/v1/predictions?task=direction_1h")["predictions"]
            return one["brief"]["model_version"], one["brief"]["kind"]

        def hour_before() -> str:
            return str(client.json(f"/predict?{asked}")["prediction"]["model_version"])

        assert latest() == (first.version, "live")
        assert hour_before() == first.version
        second = crown(workspace, taught(workspace, "direction_1h", "logistic", {}, seed=9))
        assert latest() == (second.version, "computed")
        assert hour_before() == second.version
        predict_all(workspace)
        assert latest() == (second.version, "live")
        known = read_aliases(documents, key)
        model_aliases.roll_back(documents, key, known=known, author=Author("test", CLOCK), why="test")
        assert latest() == (first.version, "live")
        assert hour_before() == first.version
    both = prediction_history(workspace, "BTC-USDT", limit=9).rows
    assert {one.model_version for one in both} <= {"", first.version, second.version}


def test_a_damaged_model_is_not_served_and_that_is_said(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    version = crown(workspace, taught(workspace, "direction_1h", "logistic", {}))
    file = workspace.home.root / version.artefact_name
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert "damaged" in troubles(workspace)[version.paper.key]
    predict_all(workspace)
    (row,) = rows_of(workspace).iter_rows(named=True)
    assert (row["model_version"], row["kind"]) == (version.version, "abstained")
    assert "damaged" in row["reason"]
    file.write_bytes(whole)
    assert troubles(workspace) == {}
    assert predict_all(workspace).live == 1, "what could not be foretold is, once it can"
    gone = {name: make for name, make in registry._DIRECTION.items() if name != "random_forest"}
    forest = crown(workspace, taught(workspace, "direction_2h", "random_forest", {"trees": 4}))
    monkeypatch.setattr(registry, "_DIRECTION", gone)
    predict_all(workspace)
    (row,) = rows_of(workspace, "direction_2h").iter_rows(named=True)
    assert (row["model_version"], row["signal"]) == (forest.version, "ABSTAIN")
    assert "no estimator of a direction has this name" in row["reason"]


def test_a_home_without_anything_has_no_forecasts(tmp_path: Path) -> None:
    empty = open_frozen(tmp_path / "empty", NOW)
    assert predict_all(empty).series == 0
    assert predictions(empty) == ()
