"""The evidence of a trained model, the search for its parameters, and what it has been worth since."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from assay.domain.errors import BadInputError, NoDataError
from assay.features.registry import use_own_steps
from assay.lake.model_store import read_artefact, register
from assay.lake.sealed import Author, documents_of
from assay.lake.trial_ledger import count_trials
from assay.pipelines.evaluating import EvaluateRequest, Evaluation, evaluate
from assay.pipelines.paired_tests import promote_version
from assay.pipelines.training import Trained
from assay.pipelines.workspace import Workspace
from tests.integration.command import Command, clone
from tests.integration.conftest import NOW
from tests.integration.training_home import EFFECT, KEY, TASK, Learned, learned_home, of_direction, opened, trained


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


def evidence_of(one: Trained) -> dict[str, Any]:
    """Return the evidence as it is kept: what JSON makes of it."""
    found: dict[str, Any] = json.loads(json.dumps(dict(one.version.paper.evidence), allow_nan=False))
    return found


def test_all_evidence_is_kept_and_its_parts_agree(learned: Learned) -> None:
    one, found = learned.effect, evidence_of(learned.effect)
    skill, scores = of_direction(one), found["scores"]
    parts = [scores[name] for name in ("validation", "test")]
    assert sum(part["rows"] for part in parts) == skill.n
    right = sum(part["rows"] * part["accuracy"]["value"] for part in parts)
    assert right == pytest.approx(skill.n * skill.model.accuracy.value)
    assert parts[0]["last_at"] < parts[1]["first_at"]
    assert scores["train"]["rows"] == one.rows
    assert (scores["validation_folds"], scores["folds"]) == (1, 3)
    for part in (scores["train"], *parts):
        for name in ("accuracy", "precision", "recall", "f1", "log_loss", "brier"):
            assert part[name]["low"] < part[name]["value"] < part[name]["high"]
    baselines = {each["name"]: each for each in found["baselines"]}
    assert list(baselines) == ["base_rate", "last_value", "seasonal_naive", "ewma"]
    assert baselines["base_rate"]["gain"]["value"] == pytest.approx(skill.difference.value)
    assert baselines["seasonal_naive"]["diebold_mariano"]["p_better"] < 1e-6
    assert {each["name"]: each["answer"] for each in found["ablation"]["groups"]}["returns"] == "adds"
    assert found["ablation"]["folds"] == found["ablation"]["of_folds"] == 3
    for kind, names in {"volatility": ("calm", "usual", "wild"), "trend": ("falling", "rising")}.items():
        assert tuple(each["name"] for each in found["regimes"][kind]) == names
        assert 0 < sum(each["rows"] for each in found["regimes"][kind]) <= skill.n
    assert found["dependence"]["is_found"]
    assert not evidence_of(learned.noise)["dependence"]["is_found"]


def test_a_search_chooses_on_older_outcomes_than_it_is_judged_on(workspace: Workspace) -> None:
    one = trained(workspace, search=3)
    found = evidence_of(one)
    assert found["search"]["combinations"] == 3
    assert found["search"]["best_loss"] <= found["search"]["usual_loss"]
    assert one.version.paper.parameters["inverse_penalty"] == found["search"]["best"]["inverse_penalty"]
    skill = of_direction(one)
    assert (skill.n, skill.claim.folds) == (found["scores"]["test"]["rows"], 2)
    assert skill.first_at.isoformat() == found["scores"]["test"]["first_at"]
    # The usual combination was tried before: of this home there are one of the noise and three of these.
    assert skill.claim.trials == 4
    again = trained(workspace, search=3).version
    assert (again.version, again.paper.model_hash) == (one.version.version, one.version.paper.model_hash)
    assert count_trials(documents_of(workspace.home)).of(KEY).trials == 3
    with pytest.raises(BadInputError, match="not a number of combinations"):
        trained(workspace, search=1)
    with pytest.raises(BadInputError, match="no parameter to search: 'base_rate'"):
        trained(workspace, model="base_rate", search=3)


def evaluated(workspace: Workspace, what: str, task: str = TASK) -> Evaluation:
    return evaluate(workspace, EvaluateRequest(what, "ada", task))


def test_a_model_is_evaluated_on_outcomes_since_it_was_trained_and_that_is_a_look(
    workspace: Workspace, learned: Learned
) -> None:
    version, documents = learned.effect.version, documents_of(workspace.home)
    found = evaluated(workspace, version.version[:8])
    assert (found.rows, found.looks, found.is_champion) == (learned.effect.kept_rows, 1, False)
    assert (found.verdict, found.since) == ("skill", version.paper.seen_until)
    parts = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert parts["scores"]["model"]["accuracy"]["value"] == parts["skill"]["model"]["accuracy"]["value"]
    assert [one["name"] for one in parts["baselines"]] == ["base_rate", "last_value", "seasonal_naive", "ewma"]
    assert datetime.fromisoformat(parts["skill"]["first_at"]) >= version.paper.seen_until
    assert evaluated(workspace, version.version).looks == 1  # the same rows again
    with pytest.raises(NoDataError, match="nothing is champion of direction_1h"):
        evaluated(workspace, EFFECT)
    # A promotion's test is on the same rows against the same opponent: one look with the evaluation.
    assert promote_version(workspace, version.version, by="ada", why="first").result.decision.is_promoted
    champion = evaluated(workspace, EFFECT)
    assert (champion.version.version, champion.is_champion, champion.looks) == (version.version, True, 1)
    other = trained(workspace, parameters={"inverse_penalty": "0.5"}).version
    assert evaluated(workspace, other.version).looks == 2
    assert evaluated(workspace, EFFECT).looks == 2
    # Of a model that has just been made of everything there is nothing to say.
    paper = dataclasses.replace(version.paper, seen_until=NOW)
    newest = register(documents, paper, read_artefact(documents, version), Author("ada", NOW))
    nothing = evaluated(workspace, newest.version)
    assert (nothing.rows, nothing.verdict, nothing.found) == (0, "not_enough_data", {})
    assert nothing.sentence.startswith("Not enough data: no outcome is known of a forecast since ")


def test_a_model_of_values_is_evaluated_by_squared_errors(workspace: Workspace) -> None:
    version = trained(workspace, task="delta_1h", model="drift").version.version
    found = evaluated(workspace, version).to_dict()
    assert found["verdict"] in ("no_skill", "worse")
    scores, baselines = (json.loads(json.dumps(found[name], allow_nan=False)) for name in ("scores", "baselines"))
    assert set(scores["model"]) == {"mae", "rmse", "r2"}
    assert [one["name"] for one in baselines] == ["last_value", "drift", "seasonal_naive", "ewma"]


def test_command_says_what_a_model_has_been_worth(
    workspace: Workspace, learned: Learned, capsys: pytest.CaptureFixture[str]
) -> None:
    assay, version = Command(capsys, workspace.home.root), learned.effect.version.version
    said = assay("evaluate", version[:6], "--by", "ada")
    assert said.code == 0, said.err
    assert f"model       {version}, logistic" in said.out
    assert "look 1 at them" in said.out
    assert "Skill: 1 h direction accuracy" in said.out
    document = assay("evaluate", version, "--json").document
    assert (document["version"], document["rows"]) == (version, learned.effect.kept_rows)
    refused = assay("evaluate", "0" * 12)
    assert refused.is_one_line()
    assert "there is no such model" in refused.err
