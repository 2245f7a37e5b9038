"""M: models that are trained, judged, promoted and served. What is done of each row stands in README.md.

One home has a series whose moves go on, so that whoever sees the last one is right 62 times of 100, and a random walk.
"""

# ruff: noqa: N802  # the ids of the rows are written as in the scope

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from scipy.stats import norm

from assay import CryptoDataLoader, EnsembleModel, LogisticRegression, RandomForestClassifier
from assay.domain.clock import FrozenClock
from assay.domain.errors import AssayError
from assay.domain.model_key import ModelKey
from assay.features.registry import use_own_steps
from assay.lake import model_aliases
from assay.lake.model_aliases import Aliases
from assay.lake.model_store import ModelVersion, read_artefact, read_versions
from assay.lake.sealed import Author, documents_of
from assay.models.artefact import unpack
from assay.models.registry import new_direction
from assay.pipelines.predicting import predict
from assay.pipelines.workspace import Workspace, open_workspace
from assay.settings import load_settings
from tests.integration.command import clone
from tests.integration.served import serving
from tests.integration.training_home import BARS, learned_home
from tests.made_klines import HOUR, START
from tests.parity.conftest import assay, done, select

if TYPE_CHECKING:
    from assay.models.registry import StorableDirection

BTC = "binance:spot:BTC-USDT:1h"
HOUR_AHEAD = ("--task", "direction_1h")
BOB = Author("bob", START)
EULER = 0.5772156649015329


@dataclass(frozen=True, slots=True)
class Models:
    """A home in which models were trained: of ETH-USDT, which nobody can foretell, and then of BTC-USDT."""

    root: Path
    noise: ModelVersion
    effect: ModelVersion


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    made = learned_home(tmp_path_factory)
    return Models(made.root, made.noise.version, made.effect.version)


@pytest.fixture
def home(models: Models, tmp_path: Path) -> Iterator[Path]:
    """Return a copy to write to."""
    yield clone(models.root, tmp_path / "home")
    use_own_steps({})


def _opened(home: Path) -> Workspace:
    """Return the home when its last bar is half an hour old: later nothing in it may be relied on."""
    return open_workspace(load_settings({"home": home}), clock=FrozenClock(START + BARS * HOUR + HOUR / 2))


def _trained(home: Path, *words: str) -> dict[str, Any]:
    (made,) = done(home, "train", *words, "--by", "ada")["trained"]
    found: dict[str, Any] = made
    return found


def test_M01_a_source_has_one_model_with_its_scaler_inside_which_answers_for_each_of_its_series(home: Path) -> None:
    made = _trained(home, "binance")
    assert (made["paper"]["task"], made["series"]) == ("direction_24h", "binance:1h")
    assert 1.5 * BARS < made["rows"] + made["kept_rows"] < 2 * BARS  # of both, without what they need to warm up
    coins = assay(home, "train", "coingecko", "--json")
    assert (coins.code, coins.document["error"]["type"]) == (1, "NoDataError")
    key = ModelKey("direction_24h", "binance:1h")
    documents = documents_of(_opened(home).home)
    (version,) = read_versions(documents, key)
    model = cast("StorableDirection", unpack(read_artefact(documents, version)).estimator)
    # Features as they come, not scaled: a hundredth of a per cent and an index up to 100 side by side.
    raw = np.array([[0.0001, 0.001, -0.002, 45.0, 0.0, 0.001], [0.004, -0.01, 0.02, 70.0, 0.01, 0.01]])
    assert np.all(np.abs(model.predict_proba(raw) - 0.5) < 0.4)
    model_aliases.promote(documents, key, version.version, known=Aliases(), author=BOB, why="for want of another")
    predict(_opened(home))
    found = select(home, "select symbol, model_version, probability_up from gold.price_predictions "
                         "where task = 'direction_24h' and kind = 'live' and model_version <> ''")  # fmt: skip
    assert {one["model_version"] for one in found} == {version.version}
    likely = {one["symbol"]: one["probability_up"] for one in found}
    assert {"BTC-USDT", "ETH-USDT"} <= likely.keys()
    assert all(0 < one < 1 for one in likely.values())


def test_M02_the_next_hours_change_is_learned_by_trees_and_held_against_no_change(home: Path) -> None:
    words = ("BTC-USDT", "--task", "delta_1h", "--set", "trees=20", "--model")
    searched = _trained(home, *words, "lightgbm", "--search", "2")
    for made in (searched, *(_trained(home, *words, model) for model in ("xgboost", "random_forest"))):
        evidence = made["paper"]["evidence"]
        assert made["paper"]["task"] == "delta_1h"
        assert {one["name"] for one in evidence["baselines"]} >= {"last_value", "drift"}
        scores = evidence["scores"]["test"]
        assert 0 < scores["mae"]["value"] < scores["rmse"]["value"]
        # A third of the move goes on: 0.36 squared is all of the variance that anybody can foretell.
        assert 0 < scores["r2"]["low"] < scores["r2"]["value"] < 0.36**2
        assert evidence["interval"]["low"] < 0 < evidence["interval"]["high"]
    assert searched["paper"]["evidence"]["skill"]["verdict"] == "skill"
    assert searched["paper"]["parameters"]["trees"] == 20  # what is given is not searched
    # Two combinations of one and one of each of the others.
    assert done(home, "models", "show", searched["version"])["trials"]["trials"] == 4


def test_M03_forest_and_voting_have_the_sizes_and_weights_of_the_scope() -> None:
    assert {"trees": 200, "depth": 15}.items() <= dict(new_direction("random_forest", ("x",)).parameters).items()
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(600, 2))
    labels = (rows.prod(axis=1) > 0).astype(np.float64)  # no line parts them, but trees do
    small = {"random_forest.trees": 20, "members": "logistic,random_forest", "weights": "1,3"}
    voting = new_direction("voting", ("x", "y"), small).fit(rows[:400], labels[:400])
    logistic, forest = (
        new_direction(name, ("x", "y"), given).fit(rows[:400], labels[:400]).predict_proba(rows[400:])
        for name, given in (("logistic", {}), ("random_forest", {"trees": 20}))
    )
    np.testing.assert_allclose(voting.predict_proba(rows[400:]), (logistic + 3 * forest) / 4, rtol=1e-12)
    right = [((one > 0.5) == labels[400:]).mean() for one in (logistic, forest)]
    assert right[0] < 0.6
    assert right[1] > 0.8


def test_M06_scores_baselines_importance_ablation_and_regimes_are_kept_with_their_intervals(models: Models) -> None:
    evidence: Any = models.effect.paper.evidence
    noise: Any = models.noise.paper.evidence
    for part in ("train", "validation", "test"):
        for name in ("accuracy", "precision", "recall", "f1"):
            one = evidence["scores"][part][name]
            assert one["low"] <= one["value"] <= one["high"]
    baselines = {one["name"]: one for one in evidence["baselines"]}
    assert {"base_rate", "last_value", "seasonal_naive"} <= baselines.keys()
    assert baselines["base_rate"]["diebold_mariano"]["p_better"] < 0.01
    assert evidence["importance"]["features"][0]["name"] == "log_return_1"
    groups = {one["name"]: one for one in evidence["ablation"]["groups"]}
    assert groups["returns"]["rise"]["low"] > 0
    assert evidence["regimes"]
    assert {one["answer"] for one in noise["ablation"]["groups"]} == {"nothing_found"}


def test_M07_every_configuration_is_counted_and_deflates_the_sharpe_ratio(
    models: Models, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_MODEL__COST_BPS", "0.5")
    more = _trained(home, "ETH-USDT", *HOUR_AHEAD, "--set", "inverse_penalty=0.01")
    for evidence, trials in ((models.noise.paper.evidence, 1), (more["paper"]["evidence"], 3)):
        edge: Any = evidence["edge"]
        assert edge["trials"] == trials
        blocks = edge["forecasts"] // edge["block_bars"]
        # Bailey and Lopez de Prado 2014: of so many strategies without worth the best is expected to show this.
        best = (1 - EULER) * norm.ppf(1 - 1 / trials) + EULER * norm.ppf(1 - 1 / (trials * np.e)) if trials > 1 else 0.0
        scale = norm.ppf(edge["probabilistic_sharpe"]) / edge["sharpe_per_block"]
        expected = norm.cdf((edge["sharpe_per_block"] - best / np.sqrt(blocks - 1)) * scale)
        assert edge["deflated_sharpe"] == pytest.approx(expected, rel=1e-6)
    assert done(home, "models", "show", more["version"])["trials"]["trials"] == 2  # of this series


def test_M08_a_champion_needs_a_certificate_and_a_won_test_and_is_taken_back(models: Models, home: Path) -> None:
    version = models.effect.version
    assert models.effect.paper.certificate
    lost = assay(home, "models", "promote", models.noise.version, "--json")
    assert (lost.code, lost.document["is_promoted"]) == (1, False)
    assert "it has not won" in lost.document["sentence"]
    # Somebody made a model that knows nothing the champion, and answers for it by name.
    weak = _trained(home, "BTC-USDT", *HOUR_AHEAD, "--model", "base_rate")["version"]
    model_aliases.promote(
        documents_of(_opened(home).home), ModelKey("direction_1h", BTC), weak,
        known=Aliases(), author=BOB, why="for want of another",
    )  # fmt: skip
    made = done(home, "models", "promote", version, "--why", "it is right more often", "--by", "ada")
    assert (made["is_promoted"], made["champion"]) == (True, version)
    card = done(home, "models", "card", version)["markdown"]
    evidence: Any = models.effect.paper.evidence
    assert evidence["skill"]["sentence"] in card
    kept = assay(home, "models", "promote", weak, "--json").document
    assert (kept["is_promoted"], kept["champion"]) == (False, version)
    back = done(home, "models", "rollback", "direction_1h", "BTC-USDT", "--why", "costs", "--by", "eve")
    assert back["champion"] == weak
    page = done(home, "models", "show", version)
    assert page["brief"]["state"] == "rolled back"
    moves = [(move["action"], move["author"]["name"], move["aliases"]["champion"]) for move in page["history"]]
    assert moves == [("promote", "bob", weak), ("promote", "ada", version), ("rollback", "eve", weak)]


def test_M09_predictions_signals_and_models_follow_the_champion_without_a_restart(models: Models, home: Path) -> None:
    version = models.effect.version
    workspace = _opened(home)
    with serving(workspace) as site:
        before = site.json("/api/v1/predictions?task=direction_1h")["predictions"]
        assert version not in str(before)
        done(home, "models", "promote", version)
        predict(workspace)
        (found,) = [
            one for one in site.json("/api/v1/predictions?task=direction_1h")["predictions"] if version in str(one)
        ]
        at = found["brief"]["as_of"]
        asked = f"date={at[:10]}&hour={int(at[11:13])}&symbol=BTC&task=direction_1h"
        told = site.json(f"/predict?{asked}")["prediction"]
        (row,) = select(home, f"select probability_up from gold.price_predictions where model_version = '{version}' "
                              f"and symbol = 'BTC-USDT' and kind = 'live'")  # fmt: skip
        assert told["probability_up"] == found["brief"]["probability_up"] == row["probability_up"]
        compared = {one["series"]: one for one in site.json("/api/v1/models?task=direction_1h")["comparisons"]}
        assert compared[BTC]["champion"] == version
        assert compared[BTC]["models"][0]["skill"]["verdict"] == "skill"
        signals = site.json("/api/v1/signals?task=direction_1h")["signals"]
        (btc,) = [one for one in signals if one["symbol"] == "BTC-USDT"]
        confidence = max(told["probability_up"], 1 - told["probability_up"])
        assert btc["confidence"] == pytest.approx(confidence)
        # No forecast of this model is that sure: nothing is done, and that is said.
        assert (btc["action"], btc["confidence_needed"]) == ("HOLD", 0.75), btc["reason"]
        assert "0.75" in btc["reason"]


def test_M11_a_notebook_has_rows_models_and_ensembles_with_files_that_are_checked(
    models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_HOME", str(models.root))
    X, y = load = CryptoDataLoader(label="direction_1h").load_training_data("BTC-USD", days=60)  # noqa: N806
    old, new = slice(None, 1_000), slice(1_000, None)
    members = [RandomForestClassifier(n_estimators=20, max_depth=5), LogisticRegression()]
    ensemble = EnsembleModel(members, weights=[1, 2]).fit(X[old], y[old])
    assert ensemble.score(X[new], y[new]) > 0.55  # the move goes on
    file = ensemble.save(tmp_path / "ensemble.model")
    again = EnsembleModel.load(file)
    np.testing.assert_array_equal(again.predict_proba(X), ensemble.predict_proba(X))
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(AssayError):
        EnsembleModel.load(file)
    assert load.spans.height == len(y)
