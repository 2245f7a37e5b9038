"""From bars to a champion: announced, audited, judged, registered, tested on rows that nobody saw, and taken back."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from assay.domain.errors import AssayError, BadInputError, NoDataError
from assay.domain.model_key import ModelKey
from assay.evidence.promotion import read_certificate
from assay.evidence.verdict import SUSPECT_ACCURACY, EdgeVerdict, Verdict
from assay.features.registry import use_own_steps
from assay.lake import model_aliases
from assay.lake.model_aliases import Aliases, State, read_aliases, read_states
from assay.lake.model_store import read_artefact, read_versions
from assay.lake.sealed import Author, documents_of
from assay.lake.trial_ledger import count_trials, read_trials
from assay.models.artefact import unpack
from assay.pipelines.building import build
from assay.pipelines.paired_tests import promote_version, roll_back
from assay.pipelines.training import Trained, TrainRequest, train
from assay.pipelines.training_rows import RefusedError
from assay.pipelines.workspace import Workspace, open_workspace
from assay.settings import load_settings
from tests.integration.command import Command, clone
from tests.integration.conftest import NOW, at, bring_in, open_frozen
from tests.made_klines import HOUR, START, Row, hourly, write_csv

BARS = 2_600
TASK = "direction_1h"
EFFECT, NOISE, FLAT, SHORT = "BTC-USDT", "ETH-USDT", "SOL-USDT", "XRP-USDT"
KEY = ModelKey(TASK, f"binance:spot:{EFFECT}:1h")
SETTINGS = """\
model: {block_bars: 24, bootstrap_samples: 200}
features: {steps: own, sets: 'copied.yaml, knowing.yaml, clock.yaml, standing.yaml'}
lake: {threads: 1}
"""
SETS = {name: f"{{name: {name}, version: 1, steps: [{steps}]}}" for name, steps in {
    "copied": "log_return:1, oracle:1",
    "knowing": "log_return:1, oracle:5",
    "clock": "calendar",
    "standing": "log_return:1, steady",
}.items()}  # fmt: skip
OWN = '''
"""{title}"""

from dataclasses import dataclass
from typing import ClassVar

from assay.indicators import NO_WINDOW, Bar, FloatArray, Kernel, StepDocs, Values

UPS = {ups}


def {name}_kernel(state: Values, _window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    {body}


@dataclass(frozen=True, slots=True)
class Own:
    """{title}"""

    n: int = 1

    name: ClassVar[str] = "{name}"
    inputs: ClassVar[tuple[str, ...]] = ("close",)
    docs: ClassVar[StepDocs] = StepDocs("Own", "own", ("0 or 1",), "none", "NaN", "by definition")

    @property
    def outputs(self) -> tuple[str, ...]:
        return (f"{name}_{{self.n}}",)

    @property
    def warmup(self) -> int:
        return 0

    @property
    def params(self) -> Values:
        return (float(self.n),)

    @property
    def kernel(self) -> Kernel:
        return {name}_kernel

    def init(self) -> tuple[Values, FloatArray]:
        return (0.0,), NO_WINDOW
'''


def drifting(count: int, *, seed: int) -> list[Row]:
    """Return hours of a price whose move goes on by a third of itself: whoever sees the last one is right 62 of 100."""
    rng = np.random.default_rng(seed)
    moves = rng.normal(0, 0.006, count)
    for hour in range(1, count):
        moves[hour] += 0.36 * moves[hour - 1]
    close = np.round(30_000 * np.exp(np.cumsum(moves)), 2).tolist()
    volume = np.round(rng.lognormal(3, 1, count), 5).tolist()
    opened = [30_000.0, *close[:-1]]
    return [
        Row(START + hour * HOUR, begin, max(begin, end), min(begin, end), end, volume[hour], 100)
        for hour, (begin, end) in enumerate(zip(opened, close, strict=True))
    ]


def flat(count: int) -> list[Row]:
    """Return hours in which the price never rises."""
    return [dataclasses.replace(row, open=1.0, high=1.0, low=1.0, close=1.0) for row in hourly(count, seed=9)]


def own_files(home: Path, rows: list[Row]) -> None:
    """Write indicators that know of each hour whether the next one rises: one always, one four times of five."""
    close = [row.close for row in rows]
    # Bits of numbers: what a table of outcomes looks like in code that may not read arrays.
    ups = [int(later > now) for now, later in zip(close, [*close[1:], close[-1]], strict=True)]
    words = tuple(sum(up << bit for bit, up in enumerate(ups[at : at + 62])) for at in range(0, len(ups), 62))
    (home / "own").mkdir()
    first = int(START.timestamp() * 1_000_000)
    oracle = (
        f"hour = (int(bar.open_time) - {first}) // 3_600_000_000\n"
        "    up = float((UPS[(hour // 62) % len(UPS)] >> (hour % 62)) & 1)\n"
        "    return state, (1.0 - up if params[0] > 1.0 and hour % int(params[0]) == 0 else up,)"
    )
    texts = {
        "oracle": OWN.format(title="Knows what comes.", name="oracle", body=oracle, ups=words),
        "steady": OWN.format(title="Never changes.", name="steady", body="return state, (1.0,)", ups="()"),
    }
    for name, text in texts.items():
        (home / "own" / f"{name}.py").write_text(text, encoding="utf-8")
    for name, text in SETS.items():
        (home / f"{name}.yaml").write_text(text, encoding="utf-8")
    (home / "assay.yaml").write_text(SETTINGS, encoding="utf-8")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a home with a series that can be foretold, one that cannot, one that stands still and one that is short."""
    folder = tmp_path_factory.mktemp("training")
    workspace = open_frozen(folder / "home", NOW)
    rows = drifting(BARS, seed=12)
    for symbol, made in {EFFECT: rows, NOISE: hourly(BARS, seed=5), FLAT: flat(1_300), SHORT: hourly(150)}.items():
        bring_in(workspace, write_csv(folder / f"{symbol}.csv", made), symbol, recorded_at=NOW)
    build(workspace)
    own_files(workspace.home.root, rows)
    return workspace.home.root


@pytest.fixture(autouse=True)
def nothing_stays_known() -> Iterator[None]:
    yield
    use_own_steps({})


def opened(home: Path) -> Workspace:
    return at(open_workspace(load_settings({"home": home}), create=False), NOW)


def request(source: str = EFFECT, /, **more: object) -> TrainRequest:
    return TrainRequest(source, "ada", **{"task": TASK, **more})  # type: ignore[arg-type]


def trained(workspace: Workspace, source: str = EFFECT, /, **more: object) -> Trained:
    (one,) = train(workspace, request(source, **more)).trained
    return one


@dataclasses.dataclass(frozen=True)
class Learned:
    """A home in which two models were trained: first of the noise, then of the effect."""

    workspace: Workspace
    noise: Trained
    effect: Trained


@pytest.fixture(scope="module")
def learned(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Learned:
    """Train once, for the tests that look, and for copies that go on from there."""
    workspace = opened(clone(base, tmp_path_factory.mktemp("learned") / "home"))
    return Learned(workspace, trained(workspace, NOISE), trained(workspace))


@pytest.fixture
def workspace(learned: Learned, tmp_path: Path) -> Workspace:
    return opened(clone(learned.workspace.home.root, tmp_path / "home"))


def test_a_real_effect_is_found_and_kept_with_all_that_shows_it(learned: Learned) -> None:
    one, documents = learned.effect, documents_of(learned.workspace.home)
    assert one.skill.verdict is Verdict.SKILL
    assert 0.58 < one.skill.model.accuracy.value < SUSPECT_ACCURACY
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
    assert trial.scores["accuracy"] == one.skill.model.accuracy.value
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
    forest = {"model": "random_forest", "parameters": {"random_forest.trees": "10", "depth": "3"}}
    one, same = (trained(workspace, seed=1, **forest).version for _ in range(2))
    other = trained(workspace, seed=2, **forest).version
    assert one.paper.model_hash == same.paper.model_hash != other.paper.model_hash
    assert one.paper.parameters["trees"] == 10
    counts = count_trials(documents_of(workspace.home)).of(KEY)
    assert (counts.trials, counts.ideas) == (3, 2)


def test_what_was_tried_since_widens_the_interval(workspace: Workspace, learned: Learned) -> None:
    alone, of_two = learned.noise, trained(workspace, NOISE)
    assert (alone.skill.claim.trials, of_two.skill.claim.trials) == (1, 2)
    assert of_two.skill.difference.interval.level > alone.skill.difference.interval.level
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
    assert refused.value.exit_code == 1
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
        workspace, request("binance", parameters=choice), count=lambda done, more: seen.append((done, more))
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
        ({"task": "return_1h"}, BadInputError, "models are trained for directions only"),
        ({"task": "tomorrow"}, BadInputError, "unknown task"),
        ({"feature_set": "direktion"}, BadInputError, "did you mean direction"),
        ({"parameters": {"trees": "3"}}, BadInputError, "unknown parameter of logistic: 'trees'"),
        ({"parameters": {"tolerance": "small"}}, BadInputError, "tolerance is not a number"),
        ({"seed": -1}, BadInputError, "not a seed"),
        ({"interval": "7q"}, BadInputError, "7q"),
        ({"interval": "1d"}, NoDataError, "no bars of 1d"),
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
