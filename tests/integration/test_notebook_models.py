"""The page on models in a notebook runs as it stands, and its rows are those that were asked for."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

import assay
from assay.domain.errors import BadInputError, NoDataError
from assay.lake.model_store import read_versions
from assay.lake.sealed import documents_of
from assay.lake.trial_ledger import read_trials
from assay.pipelines.building import build
from assay.pipelines.mirroring import trial_of
from assay.pipelines.workspace import open_workspace
from assay.settings import load_settings
from tests.integration.command import Command, clone
from tests.integration.conftest import NOW, bring_in, open_frozen
from tests.integration.homes import made_once
from tests.made_klines import hourly, write_csv

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "models-in-a-notebook.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
BARS = 24 * 200
SETTINGS = "model: {block_bars: 24, bootstrap_samples: 100, folds: 3}\nlake: {threads: 1}\n"


def _make(folder: Path) -> Path:
    workspace = open_frozen(folder / "home", NOW)
    bring_in(workspace, write_csv(folder / "rows.csv", hourly(BARS, seed=3)), recorded_at=NOW)
    build(workspace)
    (workspace.home.root / "assay.yaml").write_text(SETTINGS, encoding="utf-8")
    return workspace.home.root


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home with two hundred days of hours, which notebooks use."""
    made = made_once(tmp_path_factory, "notebook", _make)
    monkeypatch.setenv("ASSAY_HOME", str(made))
    return made


@pytest.fixture
def data(home: Path) -> assay.TrainingData:
    return assay.CryptoDataLoader(label="direction_1h").load_training_data("BTC-USD", days=60)


def test_page_runs_as_it_stands(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for body in BLOCKS:
        exec(compile(body, str(PAGE), "exec"), names)
    first, scores, refusal = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"\(4296, 6\) direction_24h 0\.\d{3} up", first)
    assert re.fullmatch(r"forest 0\.\d{3}, base rate 0\.\d{3}", scores)
    assert refusal.startswith("a model's file is damaged")
    assert len(BLOCKS) == 5


def test_rows_are_those_of_the_training_table_with_what_proves_them(data: assay.TrainingData) -> None:
    X, y = data  # noqa: N806
    assert X is data.X
    frame = data.table.frame
    assert list(data.names) == X.columns == [
        "log_return_1", "log_return_6", "log_return_24", "rsi_14", "close_to_ema_12", "close_to_ema_26",
    ]  # fmt: skip
    assert X.equals(frame.select(data.names))
    assert (y == frame["is_up"].to_numpy()).all()
    assert set(y) == {0, 1}
    assert len(data) == len(X) == 60 * 24 - 1  # of the last hour the answer is not known
    assert data.times.equals(frame["close_time"].alias(data.times.name))
    assert data.spans.columns == ["times", "until"]
    assert (data.until - data.times).unique().to_list() == [timedelta(hours=1)]
    assert (data.label, data.horizon) == ("direction_1h", timedelta(hours=1))
    assert data.weight.shape == (len(data),)
    again = assay.make_training_table("BTC-USD", label="direction_1h", start=frame["open_time"][0], as_of=data.as_of)
    assert again.content_hash == data.content_hash


def test_days_end_at_the_newest_bar_that_was_known_then(home: Path, data: assay.TrainingData) -> None:
    loader = assay.CryptoDataLoader(label="direction_1h")
    newest = data.until[-1]
    end = newest - timedelta(days=30)
    earlier = loader.load_training_data("BTC-USD", days=10, end=end)
    assert earlier.until[-1] <= end
    assert len(earlier) == 239
    known = loader.load_training_data("BTC-USD", days=10, available_at=end)
    assert known.until[-1] <= end
    of_loader = assay.CryptoDataLoader(label="direction_1h", available_at=end).load_training_data("BTC-USD", days=10)
    assert of_loader.content_hash == known.content_hash
    since = loader.load_training_data("BTC-USD", days=1, start=data.times[1_000])
    assert len(since) == len(data) - 1_000 - 1
    assert len(loader.load_training_data("BTC-USD", days=None)) > BARS - 100


def test_what_cannot_be_loaded_is_said(home: Path) -> None:
    loader = assay.CryptoDataLoader()
    with pytest.warns(UserWarning, match="the lake has 200 of 400 days of binance:spot:BTC-USDT:1h: fetch=True"):
        loader.load_training_data("BTC-USD", days=400)
    for days in (0, 10**30):
        with pytest.raises(BadInputError, match="not a number of days"):
            loader.load_training_data("BTC-USD", days=days)
    with pytest.raises(NoDataError):
        loader.load_training_data("DOGE-USD")
    with pytest.raises(BadInputError):
        assay.CryptoDataLoader(features="nothing").load_training_data("BTC-USD")
    with pytest.raises(TypeError, match="unknown: since"):
        loader.load_training_data("BTC-USD", since="2020-01-01")  # type: ignore[call-arg]


def test_values_are_floats_that_no_classifier_takes(home: Path) -> None:
    X, y = assay.CryptoDataLoader(label="delta_1h").load_training_data("BTC-USD", days=30)  # noqa: N806
    assert isinstance(y, np.ndarray)
    assert y.dtype == np.float64
    with pytest.raises(BadInputError, match="not of two classes"):
        assay.LogisticRegression().fit(X, y)


def test_no_row_that_is_learned_from_knows_of_the_block_that_is_tested(home: Path) -> None:
    data = assay.CryptoDataLoader(label="direction_24h").load_training_data("BTC-USD", days=60)
    folds = data.walk_forward(folds=4)
    times, until = data.times.to_numpy(), data.until.to_numpy()
    assert len(folds) == 4
    for train, test in folds:
        # A horizon of embargo lies between the last answer and the first question.
        assert until[train].max() + np.timedelta64(24, "h") <= times[test].min()
        assert train.size >= 100
    tested = np.concatenate([test for _, test in folds])
    assert (np.diff(tested) == 1).all()
    closer = data.walk_forward(folds=4, embargo=timedelta(0))
    assert all(near[0].size == far[0].size + 24 for near, far in zip(closer, folds, strict=True))
    with pytest.raises(NoDataError, match="too few labelled rows"):
        data.walk_forward(folds=50)
    with pytest.raises(BadInputError, match="embargo"):
        data.walk_forward(embargo=timedelta(hours=-1))


def test_notebook_has_nothing_that_is_not_there(home: Path) -> None:
    for name in assay.__all__:
        assert getattr(assay, name) is not None
    with pytest.raises(AttributeError, match="LSTMModel"):
        assay.LSTMModel  # noqa: B018


def test_command_on_a_card_makes_the_same_model(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assay_command = Command(capsys, clone(home, tmp_path / "copy"))
    words = ("train", "BTC-USDT", "--task", "direction_1h", "--set", "inverse_penalty=0.5")
    made = assay_command(*words, "--seed", "3", "--json")
    assert made.code == 0, made.err
    (one,) = made.document["trained"]
    card = assay_command("models", "card", one["version"][:6], "--json").document
    command = re.search(r"^```sh\nassay (.*)\n```$", card["markdown"], flags=re.MULTILINE)
    assert command
    again = assay_command(*command[1].split(), "--json")
    assert again.code == 0, again.err
    assert again.document["trained"][0]["model_hash"] == one["model_hash"]
    assert again.document["trained"][0]["version"] == one["version"]
    documents = documents_of(open_workspace(load_settings({"home": assay_command.home})).home)
    # The same is no other trial, and a mirror finds the model's.
    (trial,) = read_trials(documents)
    (version,) = read_versions(documents, trial.configuration.key)
    assert trial_of(version).trial == trial.configuration.trial
    page, text = tmp_path / "pages" / "card.html", tmp_path / "card.md"
    said = assay_command("models", "card", one["version"], "--html", page, "--markdown", text)
    assert said.out == f"written to {page}, in the new folder {page.parent}\nwritten to {text}\n"
    assert text.read_text(encoding="utf-8") == card["markdown"]
    assert one["paper"]["evidence"]["skill"]["sentence"].split(";")[0] in page.read_text(encoding="utf-8")
    wrong = assay_command("models", "card", "ffff")
    assert (wrong.code, wrong.is_one_line()) == (1, True)
