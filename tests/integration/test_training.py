"""From bars to a champion: announced, audited, judged, registered, tested on rows that nobody saw, and taken back."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assay.domain.errors import AssayError, BadInputError, NoDataError
from assay.evidence.promotion import read_certificate
from assay.evidence.verdict import SUSPECT_ACCURACY, EdgeVerdict, Verdict
from assay.features.registry import use_own_steps
from assay.lake import model_aliases
from assay.lake.model_aliases import Aliases, State, read_aliases, read_states
from assay.lake.model_store import read_artefact, read_versions
from assay.lake.model_tests import count_looks
from assay.lake.sealed import Author, documents_of
from assay.lake.trial_ledger import count_trials, read_trials
from assay.models.artefact import unpack
from assay.pipelines.certifying import RefusedError
from assay.pipelines.paired_tests import promote_version, roll_back
from assay.pipelines.training import train
from assay.pipelines.workspace import Workspace
from tests.integration.command import Command, clone
from tests.integration.conftest import NOW
from tests.integration.training_home import (
    BARS,
    EFFECT,
    FLAT,
    KEY,
    NOISE,
    SHORT,
    TASK,
    TREES,
    Learned,
    learned_home,
    of_direction,
    opened,
    request,
    trained,
    training_home,
)
from tests.made_klines import HOUR, START


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return training_home(tmp_path_factory)


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


def test_a_real_effect_is_found_and_kept_with_all_that_shows_it(learned: Learned) -> None:
    one, documents = learned.effect, documents_of(learned.workspace.home)
    assert one.skill.verdict is Verdict.SKILL
    assert 0.58 < of_direction(one).model.accuracy.value < SUSPECT_ACCURACY
    assert one.edge.verdict is EdgeVerdict.NO_EDGE  # skill is no money: a trade costs more than an hour moves
    assert one.edge.cost == pytest.approx(0.002)
    assert one.importance.top[0].name == "log_return_1"
    (kept,) = read_versions(documents, KEY)
    paper = kept.paper
    assert kept.version == one.version.version
    fitted = unpack(read_artefact(documents, kept))
    assert (fitted.model_hash, fitted.feature_set) == (paper.model_hash, paper.feature_set)
    assert paper.certificate is not None
    certificate = read_certificate(paper.certificate)
    assert {"stream", "target", "span"} <= set(certificate.checks)
    assert {name.partition("==")[0] for name in paper.requirements} == {"assay", "numpy", "scikit-learn"}
    (trial,) = read_trials(documents, KEY)
    assert trial.scores["accuracy"] == of_direction(one).model.accuracy.value
    assert trial.configuration.data_version == paper.data_version


def test_the_newest_fifth_of_the_rows_is_touched_by_nothing(learned: Learned) -> None:
    one = learned.effect
    assert one.kept_rows == pytest.approx(0.2 * (one.rows + one.kept_rows), abs=2)
    assert one.version.paper.seen_until == START + BARS * HOUR - one.kept_rows * HOUR
    assert one.skill.last_at < one.version.paper.seen_until


def test_same_data_and_seed_give_the_same_model_and_one_trial(workspace: Workspace, learned: Learned) -> None:
    again = trained(workspace).version
    assert (again.version, again.paper.model_hash) == (
        learned.effect.version.version, learned.effect.version.paper.model_hash,
    )  # fmt: skip
    one, same = (trained(workspace, seed=1, **TREES).version for _ in range(2))
    other = trained(workspace, seed=2, **TREES).version
    assert one.paper.model_hash == same.paper.model_hash != other.paper.model_hash
    assert one.paper.parameters["trees"] == 16
    counts = count_trials(documents_of(workspace.home)).of(KEY)
    assert (counts.trials, counts.ideas) == (3, 3)
    # A seed that is given to the estimator itself is no way around the count.
    given = {"trees": "16", "depth": "3", "seed": "3"}
    hidden = trained(workspace, seed=1, model="random_forest", parameters=given).version
    assert hidden.paper.parameters["seed"] == 3
    assert count_trials(documents_of(workspace.home)).of(KEY).ideas == 4


def test_what_was_tried_since_widens_the_interval(workspace: Workspace, learned: Learned) -> None:
    alone, of_two = learned.noise, trained(workspace, NOISE)
    assert (alone.skill.claim.trials, of_two.skill.claim.trials) == (1, 2)
    assert of_direction(of_two).difference.interval.level > of_direction(alone).difference.interval.level
    assert of_two.version.paper.model_hash == alone.version.paper.model_hash


def test_noise_is_registered_as_no_skill_and_not_promoted(
    workspace: Workspace, learned: Learned, capsys: pytest.CaptureFixture[str]
) -> None:
    assert learned.noise.skill.verdict is Verdict.NO_SKILL
    said = Command(capsys, workspace.home.root)("models", "promote", learned.noise.version.version)
    assert said.code == 1
    assert said.out.startswith("Kept: it has not won")
    assert "at 98 %" in said.out
    assert said.out.endswith("there is no champion\n")
    # Another model of the same rows: the second look at them has to show more.
    other = trained(workspace, NOISE, parameters={"inverse_penalty": "0.001"}).version.version
    result = promote_version(workspace, other, by="ada", why="hope").result
    assert not result.decision.is_promoted
    assert "at 99 %" in result.decision.sentence
    assert result.aliases == Aliases()


def test_a_model_that_wins_on_untouched_rows_is_promoted_and_taken_back(workspace: Workspace, learned: Learned) -> None:
    documents, good = documents_of(workspace.home), learned.effect.version.version
    weak = trained(workspace, model="base_rate").version.version
    model_aliases.promote(documents, KEY, weak, known=Aliases(), author=Author("ada", NOW), why="for want of another")
    made = promote_version(workspace, good[:6], by="bob", why="better").result
    assert made.decision.is_promoted, made.decision.sentence
    assert f"beats {weak} by +0." in made.decision.sentence
    with pytest.raises(BadInputError, match="the champion already"):
        promote_version(workspace, good, by="bob", why="again")
    key, aliases = roll_back(workspace, TASK, "btcusdt", by="eve", why="it costs more than it earns")
    assert (key, aliases.champion) == (KEY, weak)
    assert read_aliases(documents, KEY) == aliases
    assert read_states(documents, KEY)[good] is State.ROLLED_BACK


def test_a_feature_that_has_the_answers_is_refused_before_anything_is_tried(workspace: Workspace) -> None:
    with pytest.raises(RefusedError, match="sees the future: oracle_1: ") as refused:
        train(workspace, request(feature_set="copied"))
    assert refused.value.exit_code == 4
    documents = documents_of(workspace.home)
    assert len(read_versions(documents, KEY)) == 1
    assert count_trials(documents).of(KEY).trials == 1


def test_a_score_that_nobody_reaches_honestly_is_refused_and_counts_as_a_trial(workspace: Workspace) -> None:
    with pytest.raises(RefusedError, match="Too good to be true, look for a leak"):
        train(workspace, request(feature_set="knowing"))
    documents = documents_of(workspace.home)
    assert len(read_versions(documents, KEY)) == 1
    assert count_trials(documents).of(KEY).trials == 2


def test_training_that_is_interrupted_counts_as_a_trial(workspace: Workspace) -> None:
    def interrupt(text: str) -> None:
        if text.startswith("fitting"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(dataclasses.replace(workspace, say=interrupt), request(parameters={"inverse_penalty": "0.5"}))
    documents = documents_of(workspace.home)
    assert count_trials(documents).of(KEY).trials == 2
    assert len(read_versions(documents, KEY)) == 1


def test_a_venue_gives_a_model_of_each_series_and_says_which_have_none(workspace: Workspace) -> None:
    seen: list[tuple[int, int]] = []
    choice = {"inverse_penalty": "0.25"}
    made = train(
        workspace, request("binance", each=True, parameters=choice), count=lambda done, more: seen.append((done, more))
    )  # fmt: skip
    assert [one.version.paper.key.source.split(":")[2] for one in made.trained] == [EFFECT, NOISE]
    # Both were announced before either was fitted: these two, and the two that were there.
    assert [one.skill.claim.trials for one in made.trained] == [4, 4]
    reasons = {str(one.series.symbol): one.reason for one in made.refused}
    assert "a feature never changes" in reasons[FLAT]
    assert "too few" in reasons[SHORT]
    done, more = (sum(part) for part in zip(*seen, strict=True))
    assert done == more == 8


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"model": "forest"}, BadInputError, "no estimator of a direction has this name: 'forest'"),
        ({"model": "ewma"}, BadInputError, "no estimator of a direction has this name: 'ewma'"),
        ({"task": "direction_90m"}, BadInputError, "not a whole number of bars"),
        (
            {"task": "return_1h"},
            BadInputError,
            "unknown task: 'return_1h'; write direction_24h, sig",
        ),
        ({"task": "delta_1h", "model": "logistic"}, BadInputError, "no estimator of a value has this name: 'logistic'"),
        ({"task": "signal_1h", "confidence": 0.5}, BadInputError, "a confidence lies above 0.5"),
        ({"confidence": 0.9}, BadInputError, "only signals have a confidence"),
        ({"each": True}, BadInputError, "one symbol is one series"),
        ({"source": "coingecko"}, NoDataError, "not enough data: '0 snapshots of 0 coins'; at least "),
        ({"source": "coingecko", "feature_set": "volumes"}, BadInputError, "reads what prices of coins have not"),
        ({"task": "tomorrow"}, BadInputError, "unknown task"),
        ({"feature_set": "direktion"}, BadInputError, "did you mean direction"),
        ({"parameters": {"trees": "3"}}, BadInputError, "unknown parameter of logistic: 'trees'"),
        ({"parameters": {"tolerance": "small"}}, BadInputError, "tolerance is not a number"),
        ({"parameters": {"tolerance": "9" * 400}}, BadInputError, "tolerance is not a number"),
        ({"source": "binance:spot:BTC-USDT:1h"}, BadInputError, "write binance:spot:BTC-USDT --interval 1h"),
        ({"source": "binance:1h"}, BadInputError, "write binance --interval 1h"),
        ({"seed": -1}, BadInputError, "not a seed"),
        ({"interval": "7q"}, BadInputError, "7q"),
        ({"interval": "30m"}, NoDataError, "no bars of 30m for the symbol"),
        ({"source": "DOGE-USDT"}, NoDataError, "no series for the symbol"),
        ({"source": "wazirx"}, NoDataError, "no bars of 1h of this source: 'wazirx'"),
        ({"source": SHORT}, NoDataError, "too few"),
        ({"source": FLAT}, BadInputError, "a feature never changes"),
        ({"feature_set": "standing"}, BadInputError, "a feature never changes: 'steady_1 = 1'"),
        ({"source": FLAT, "feature_set": "clock"}, BadInputError, "all answers are the same: 'not up'"),
    ],
)
def test_what_cannot_be_trained_is_refused_with_the_reason(
    base: Path, wrong: dict[str, object], error: type[AssayError], words: str
) -> None:
    source = [wrong[name] for name in wrong if name == "source"]
    wrong = {name: value for name, value in wrong.items() if name != "source"}
    with pytest.raises(error, match=words):
        train(opened(base), request(*source, **wrong))  # type: ignore[arg-type]
    assert not (base / "trials").exists()


def test_commands_say_what_was_made_and_who_is_champion(
    base: Path, workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert Command(capsys, base)("models", "list").out == "no models; `assay train BTC-USDT` makes one\n"
    assay = Command(capsys, workspace.home.root)
    said = assay("train", "btcusdt", "--task", TASK, "--by", "ada", "--set", "inverse_penalty=0.5")
    assert said.code == 0, said.err
    lines = dict(line.split(maxsplit=1) for line in said.out.splitlines()[1:])
    assert lines["skill"].startswith("Skill: 1 h direction accuracy 6")
    assert lines["edge"].startswith("No edge: ")
    version = lines["version"].split(";")[0]
    assert assay("train", SHORT, "--json").document["error"]["what"].startswith("too few")
    promoted = assay("models", "promote", version, "--by", "ada", "--why", "first", "--json").document
    assert (promoted["is_promoted"], promoted["champion"]) == (True, version)
    listed = {one["version"]: one for one in assay("models", "list", "--json").document["models"]}[version]
    assert [listed[name] for name in ("state", "skill", "edge")] == ["champion", "skill", "no_edge"]
    shown = assay("models", "show", version[:5])
    assert "inverse_penalty 0.5" in shown.out
    assert f"promote: champion {version}, by ada: first: Promoted" in shown.out
    page = assay("models", "show", version, "--json").document
    assert page["paper"]["evidence"]["skill"]["verdict"] == "skill"
    assert assay("models", "rollback", TASK, EFFECT).is_one_line()
    assert assay("models", "promote", "ffff").is_one_line()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("train", EFFECT, "--set", "trees"), "not a parameter: 'trees'"),
        (("train", EFFECT, "--set", "a=1", "--set", "a=2"), "a parameter is given twice"),
        (("models", "rollback", "direction_9h", EFFECT), "there are no models of this task"),
        (("models", "show", "abc"), "there is no such model"),
    ],
)
def test_commands_refuse_in_one_line(
    base: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], says: str
) -> None:
    said = Command(capsys, base)(*words)
    assert said.is_one_line()
    assert says in said.err


def test_damaged_artefact_is_not_promoted(workspace: Workspace, learned: Learned) -> None:
    documents, one = documents_of(workspace.home), learned.effect.version
    path = Path(documents.place(one.artefact_name))
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(AssayError, match="damaged"):
        promote_version(workspace, one.version, by="ada", why="try")
    assert read_aliases(documents, KEY) == Aliases()


def test_who_gives_no_reason_has_not_looked(workspace: Workspace, learned: Learned) -> None:
    documents = documents_of(workspace.home)
    ever = {"first_at": datetime.min.replace(tzinfo=UTC), "until": datetime.max.replace(tzinfo=UTC)}
    before = count_looks(documents, KEY, **ever)
    with pytest.raises(BadInputError, match="needs a reason"):
        promote_version(workspace, learned.effect.version.version, by="ada", why=" ")
    assert count_looks(documents, KEY, **ever) == before
