"""MLflow has what the home has, and nothing of the home depends on it."""

from __future__ import annotations

import dataclasses
import json
import shutil
import socket
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from assay.domain.clock import FrozenClock
from assay.domain.model_key import ModelKey
from assay.lake import model_aliases
from assay.lake.model_aliases import read_aliases
from assay.lake.model_store import ModelPaper, ModelVersion, read_artefact, register
from assay.lake.sealed import Author, documents_of
from assay.lake.trial_ledger import recorded
from assay.lake.trials import Configuration, Search, Value
from assay.models.artefact import Artefact, pack, unpack
from assay.models.registry import new_direction
from assay.pipelines import mlflow_store
from assay.pipelines.mirroring import Mirrored, mirror, trial_of
from assay.pipelines.mlflow_store import MirrorError
from assay.pipelines.workspace import Workspace, open_workspace
from assay.selectors.model_card import model_card
from assay.settings import load_settings
from tests.integration.command import Command

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ADA = Author("ada", NOW)
KEY = ModelKey("direction_24h", "binance:spot:BTC-USDT:1h")
NAME = "assay.direction_24h.binance-spot-BTC-USDT-1h"
COLUMNS = ("log_return_1", "rsi_14")
Client = Any
"""Of MLflow, which has no types."""
SENTENCE = "No skill: right 51.5 % of the time"
# Libraries of MLflow warn about each other.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def mlflow() -> ModuleType:
    """Return MLflow, which tells nobody of its use."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in mlflow_store._USUAL.items():
            patch.setenv(name, value)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found: ModuleType = pytest.importorskip("mlflow", reason="the extra mlops is not installed")
            return found


@pytest.fixture(autouse=True)
def usual_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put back what the mirror sets for MLflow."""
    for name, value in mlflow_store._USUAL.items():
        monkeypatch.setenv(name, value)


def configuration(penalty: float) -> Configuration:
    parameters: dict[str, Value] = {"columns": ",".join(COLUMNS), "inverse_penalty": penalty}
    parameters |= {"tolerance": 1e-10, "max_iterations": 100}
    return Configuration(KEY, "logistic", parameters, "direction/1#00ff", "a1", 7, "2025")


def registered(workspace: Workspace, penalty: float) -> ModelVersion:
    """Register a model of the trial of that penalty."""
    rng = np.random.default_rng(7)
    features = rng.normal(size=(200, 2)) * [0.01, 15.0] + [0.0, 50.0]
    model = new_direction("logistic", COLUMNS, {"inverse_penalty": penalty})
    fitted = model.fit(features, (features[:, 0] > 0).astype(float))
    artefact = Artefact("direction", fitted, COLUMNS, "direction/1#00ff")
    paper = ModelPaper(
        KEY, fitted.name, dict(fitted.parameters), "direction/1#00ff", "a1", NOW, NOW, NOW, artefact.model_hash,
        requirements=("numpy==2.4.6", "scikit-learn==1.9.1"),
        evidence={
            "skill": {
                "verdict": "no_skill", "sentence": SENTENCE,
                "model": {"accuracy": {"value": 0.515, "low": 0.479, "high": None}},
            },
            "seed": 7,
        },
        certificate={"content_hash": "00ff"},
    )  # fmt: skip
    return register(documents_of(workspace.home), paper, pack(artefact), ADA)


@dataclass(frozen=True)
class Told:
    """A home with three trials, of two of which a model came, and MLflow after the first mirror and after a second."""

    workspace: Workspace
    first: ModelVersion
    second: ModelVersion
    made: Mirrored
    again: Mirrored
    uri: str


def told(workspace: Workspace) -> Mirrored:
    return mirror(workspace, lambda version: model_card(workspace, version))


def move(workspace: Workspace, version: str) -> None:
    documents = documents_of(workspace.home)
    known = read_aliases(documents, KEY)
    model_aliases.promote(documents, KEY, version, known=known, author=ADA, why="won")


def opened(home: Path, **more: object) -> Workspace:
    settings = load_settings({"home": home, **{name.replace("__", "."): value for name, value in more.items()}})
    return open_workspace(settings, clock=FrozenClock(NOW))


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, mlflow: ModuleType) -> Iterator[Told]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in mlflow_store._USUAL.items():
            patch.setenv(name, value)
        workspace = opened(tmp_path_factory.mktemp("mirror") / "home")
        grid = tuple(configuration(penalty) for penalty in (0.1, 1.0, 10.0))
        with recorded(documents_of(workspace.home), Search("penalties", planned=grid), ADA) as tried:
            for number, one in enumerate(grid):
                tried(one, {"accuracy": 0.51 + number / 100})
        first, second = registered(workspace, 0.1), registered(workspace, 1.0)
        move(workspace, first.version)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made, again = told(workspace), told(workspace)
        yield Told(workspace, first, second, made, again, f"sqlite:///{workspace.home.root / 'mlflow' / 'mlflow.db'}")


@pytest.fixture
def client(story: Told, mlflow: ModuleType) -> Client:
    return mlflow.MlflowClient(story.uri, story.uri)


def runs_of(client: Client) -> dict[str, Any]:
    experiment = client.get_experiment_by_name("assay/direction_24h")
    return {run.data.tags["assay.trial"]: run for run in client.search_runs([experiment.experiment_id])}


def test_every_trial_is_a_run_also_those_that_no_model_came_of(story: Told, client: Client) -> None:
    runs = runs_of(client)
    assert set(runs) == {configuration(penalty).trial for penalty in (0.1, 1.0, 10.0)}
    last = runs[configuration(10.0).trial]
    assert last.data.params["inverse_penalty"] == "10"
    assert last.data.params["data_version"] == "a1"
    assert last.data.metrics == {"accuracy": 0.53}
    assert "assay.version" not in last.data.tags
    assert last.info.status == "FINISHED"
    assert last.info.start_time == int(NOW.timestamp() * 1000)


def test_run_of_a_model_has_its_numbers_its_papers_and_its_own_artefact(
    story: Told, client: Client, tmp_path: Path
) -> None:
    assert trial_of(story.first) == dataclasses.replace(configuration(0.1), span="")
    run = runs_of(client)[configuration(0.1).trial]
    assert run.data.metrics["skill.model.accuracy"] == 0.515
    assert run.data.metrics["skill.model.accuracy.low"] == 0.479
    assert "skill.model.accuracy.high" not in run.data.metrics
    assert run.data.tags["assay.version"] == story.first.version
    assert run.data.tags["assay.skill"] == "no_skill"
    folder = Path(client.download_artifacts(run.info.run_id, "", str(tmp_path)))
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert names == {
        "model/MLmodel", "model/model.assay", "model/requirements.txt", "card.html", "card.md", "certificate.json",
        "paper.json",
    }  # fmt: skip
    kept = read_artefact(documents_of(story.workspace.home), story.first)
    assert (folder / "model" / "model.assay").read_bytes() == kept
    assert (folder / "model" / "requirements.txt").read_text() == "numpy==2.4.6\nscikit-learn==1.9.1\n"
    assert SENTENCE in (folder / "card.md").read_text()
    assert SENTENCE in (folder / "card.html").read_text()
    assert json.loads((folder / "paper.json").read_text())["model_hash"] == story.first.paper.model_hash


def test_rule_of_a_signal_is_part_of_its_trial(story: Told) -> None:
    signal = {**story.first.paper.evidence, "signal": {"confidence": 0.75}}
    paper = dataclasses.replace(story.first.paper, evidence=signal)
    found = trial_of(dataclasses.replace(story.first, paper=paper))
    assert found.parameters == {**configuration(0.1).parameters, "confidence": 0.75}


def test_champion_is_an_alias_and_answers_as_it_was_registered(story: Told, client: Client, mlflow: ModuleType) -> None:
    model = client.get_registered_model(NAME)
    assert set(model.aliases) == {"champion"}
    version = client.get_model_version_by_alias(NAME, "champion")
    assert version.tags == {
        "assay.version": story.first.version, "assay.model_hash": story.first.paper.model_hash,
        "assay.state": "champion",
    }  # fmt: skip
    assert version.description == SENTENCE
    mlflow.set_tracking_uri(story.uri)
    asked = mlflow.pyfunc.load_model(f"models:/{NAME}@champion")
    assert asked.metadata.signature.inputs.input_names() == list(COLUMNS)
    rows = np.random.default_rng(3).normal(size=(20, 2))
    frame = __import__("pandas").DataFrame(rows, columns=COLUMNS)
    ours = unpack(read_artefact(documents_of(story.workspace.home), story.first)).estimator
    assert asked.predict(frame).tobytes() == ours.predict_proba(rows).tobytes()  # type: ignore[union-attr]
    with pytest.raises(mlflow.MlflowException, match="rsi_14"):
        asked.predict(frame.drop(columns="rsi_14"))


def test_same_again_changes_nothing(story: Told) -> None:
    assert story.made == Mirrored(story.uri, runs=3, versions=2, new_runs=3, new_versions=2, moved=1)
    assert story.again == Mirrored(story.uri, runs=3, versions=2)


def test_promotion_moves_the_alias_and_a_mirror_that_was_broken_off_is_made_whole(story: Told, client: Client) -> None:
    documents = documents_of(story.workspace.home)
    run = runs_of(client)[configuration(1.0).trial]
    client.delete_tag(run.info.run_id, "assay.mirrored")
    move(story.workspace, story.second.version)
    assert told(story.workspace) == Mirrored(story.uri, runs=3, versions=2, new_runs=1, moved=1)
    assert len(runs_of(client)) == 3
    now = client.get_model_version_by_alias(NAME, "champion")
    assert now.tags["assay.version"] == story.second.version
    states = {
        one.tags["assay.version"]: one.tags["assay.state"] for one in client.search_model_versions(f"name='{NAME}'")
    }
    assert states == {story.first.version: "former champion", story.second.version: "champion"}
    # Somebody who moves an alias in MLflow moves nothing here, and it is moved back.
    client.delete_registered_model_alias(NAME, "champion")
    client.set_registered_model_alias(NAME, "challenger", now.version)
    assert told(story.workspace).moved == 2
    assert set(client.get_registered_model(NAME).aliases) == {"champion"}
    assert read_aliases(documents, KEY).champion == story.second.version


@pytest.fixture
def away() -> Iterator[int]:
    """Return a port at which nobody listens, and nobody else will as long as the test runs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def assay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    workspace = opened(tmp_path / "home")
    first, second = registered(workspace, 0.1), registered(workspace, 1.0)
    move(workspace, first.version)
    move(workspace, second.version)
    return Command(capsys, workspace.home.root)


@pytest.mark.parametrize("place", ["http://ada:hidden@127.0.0.1:{}", "postgresql://ada:hidden@127.0.0.1:{}/mlflow"])
def test_server_that_is_away_is_a_warning_and_stops_no_move(
    assay: Command, away: int, place: str, monkeypatch: pytest.MonkeyPatch, mlflow: ModuleType
) -> None:
    monkeypatch.setenv("ASSAY_MLOPS__TRACKING_URI", place.format(away))
    said = assay("models", "rollback", KEY.task, "BTC-USDT", "--by", "ada")
    assert said.code == 0
    assert said.err.startswith("warning: MLflow cannot be told: ")
    assert "nothing is lost" in said.err
    assert "hidden" not in said.err
    documents = documents_of(opened(assay.home).home)
    assert read_aliases(documents, KEY).number == 3
    failed = assay("models", "mirror")
    assert failed.code == MirrorError.exit_code == 3
    assert failed.is_one_line()
    assert "hidden" not in failed.err


def test_mirror_is_made_by_itself_where_the_settings_name_one(
    assay: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mlflow: ModuleType, story: Told
) -> None:
    # A copy of a database that is there: MLflow takes seconds to make a new one.
    other = shutil.copy(story.workspace.home.root / "mlflow" / "mlflow.db", tmp_path / "other.db")
    uri = f"sqlite:///{other}"
    monkeypatch.setenv("ASSAY_MLOPS__TRACKING_URI", uri)
    monkeypatch.setenv("ASSAY_MLOPS__PREFIX", "desk")
    monkeypatch.chdir(tmp_path)
    said = assay("models", "rollback", KEY.task, "BTC-USDT", "--by", "ada")
    assert (said.code, said.err) == (0, "")
    client = mlflow.MlflowClient(uri, uri)
    name = NAME.replace("assay", "desk")
    states = {one.tags["assay.state"] for one in client.search_model_versions(f"name='{name}'")}
    assert states == {"champion", "rolled back"}
    assert not (assay.home / "mlflow" / "mlflow.db").exists()


def test_nothing_to_mirror_asks_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = opened(tmp_path / "home").home.root
    said = Command(capsys, home)("models", "mirror")
    assert (said.code, said.err) == (0, "")
    assert said.out == "nothing to mirror; `assay train BTC-USDT` makes a model\n"
    assert not (home / "mlflow").exists()


def test_without_the_extra_it_is_said_what_to_install(assay: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    said = assay("models", "mirror")
    assert said.code == 2
    assert said.is_one_line()
    assert "pip install 'assay[mlops]'" in said.err


@pytest.mark.parametrize("place", ["file:///tmp/x", "other.db", "http://", "ftp://host"])
def test_address_of_no_store_is_refused_without_showing_it(
    assay: Command, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_MLOPS__TRACKING_URI", place)
    said = assay("models", "mirror")
    assert said.code == 2
    assert "mlops.tracking_uri" in said.err
    assert place not in said.err.replace("http://host:5000", "")


def test_neither_server_nor_demo_nor_training_loads_mlflow() -> None:
    script = """
import sys
import assay.server.app, assay.cli.demo, assay.cli.serve, assay.pipelines.demoing, assay.pipelines.training
import assay.cli.train, assay.cli.models, assay.notebook.ensemble
print([name for name in sys.modules if name.partition(".")[0] in ("mlflow", "sqlalchemy", "alembic")])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=600)
    assert done.stdout == "[]\n", done.stderr
