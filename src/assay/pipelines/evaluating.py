"""What a registered model has been worth since it was trained: on outcomes that had no part in making or choosing it.

Who evaluates a model that is not the champion looks at outcomes that its promotion would be decided on, and that is a
look like the one of a promotion: it is taken down, and the next one needs a wider interval. The champion is looked at
freely: nothing is chosen by it, and its forecasts are shown with their outcomes anyway.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError, NoDataError
from assay.evidence.claim import Claim
from assay.evidence.dependence import judge_dependence
from assay.evidence.scores import Drawing, score_directions, score_values, scores_document
from assay.evidence.selection import Contest
from assay.evidence.verdict import Verdict
from assay.features.compile import use_cache_dir
from assay.lake.model_aliases import read_aliases
from assay.lake.model_store import ModelVersion, read_version
from assay.lake.model_tests import KeptTest, count_looks, keep_test
from assay.lake.sealed import Author, documents_of
from assay.measures.signals import decide, expected_moves
from assay.models.estimator import direction
from assay.models.registry import Model
from assay.models.walk_forward import OutOfSample, ValuesOutOfSample, foretell
from assay.pipelines import steps
from assay.pipelines.judging import Said, Verdicts, judge, judge_changes
from assay.pipelines.paired_tests import Asking, find_key, find_model
from assay.pipelines.tasks import find_task
from assay.pipelines.training_plan import in_words
from assay.pipelines.training_rows import Rows, microseconds_of, moment_of
from assay.pipelines.weighing import Tested, compare_baselines
from assay.pipelines.workspace import Workspace
from assay.settings import Settings

_VERSION = re.compile(r"[0-9a-f]{1,12}")
_OF_A_SIGNAL = ("usual_move", "confidence", "cost")


@dataclass(frozen=True, slots=True)
class EvaluateRequest:
    """Which model.

    Attributes
    ----------
    what : str
        A version, or how it begins; or a symbol, series or source, for the champion of `task`.
    by : str
        Who looks.
    task : str
    """

    what: str
    by: str
    task: str = "direction_24h"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a model has been worth since it was trained.

    Attributes
    ----------
    version : ModelVersion
    is_champion : bool
    since : datetime
        The last moment whose outcome had a part in making or choosing it.
    rows : int
        Outcomes since.
    looks : int
        How often anybody looked at these outcomes, this time included.
    verdict : str
        That of the skill; ``not_enough_data`` where there is too little, or nothing.
    sentence : str
    found : mapping of str to object
        ``skill``, ``edge``, ``scores`` and ``baselines`` as plain values, of directions ``dependence``; empty without
        an outcome.
    """

    version: ModelVersion
    is_champion: bool
    since: datetime
    rows: int
    looks: int
    verdict: str
    sentence: str
    found: dict[str, object] = field(default_factory=dict, hash=False)

    def to_dict(self) -> dict[str, object]:
        """Return it as plain values for JSON; times ISO 8601."""
        paper = self.version.paper
        return {
            "version": self.version.version,
            "task": paper.key.task,
            "series": paper.key.source,
            "model": paper.estimator,
            "is_champion": self.is_champion,
            "since": self.since.isoformat(),
            "rows": self.rows,
            "looks": self.looks,
            "verdict": self.verdict,
            "sentence": self.sentence,
            **self.found,
        }


def evaluate(workspace: Workspace, request: EvaluateRequest) -> Evaluation:
    """Hold a model against what has come of its forecasts since it was trained.

    Parameters
    ----------
    workspace : Workspace
    request : EvaluateRequest

    Returns
    -------
    Evaluation
        The same home gives the same numbers, but for the looks.

    Raises
    ------
    NoDataError
        If there is no such model, no champion, or its bars are gone.
    BadInputError
        If several begin so, or its features are computed otherwise now.
    DamagedError
        If one of its files, or of the history, is damaged.
    """
    use_cache_dir(workspace.home.cache / "numba")
    documents = documents_of(workspace.home)
    version = _version(workspace, request)
    key = version.paper.key
    asking = Asking(workspace, documents, key, find_task(workspace, key.task))
    _check_features(asking, version)
    is_champion = read_aliases(documents, key).champion == version.version
    rows, since = asking.rows(version), version.paper.seen_until
    is_new = rows.at >= microseconds_of(since)
    if not np.any(is_new):
        sentence = f"Not enough data: no outcome is known of a forecast since {since:%Y-%m-%d %H:%M} UTC"
        return Evaluation(version, is_champion, since, 0, 0, Verdict.NOT_ENOUGH_DATA.value, sentence)
    new = rows.where(is_new)
    looks = _look(asking, version, new, Author(request.by, workspace.clock.now()), is_champion=is_champion)
    claim = _claim(asking, new, looks)
    tested = _tested(asking, version, rows, np.flatnonzero(is_new))
    verdicts = _judged(version, rows, tested.said, claim=claim, settings=workspace.settings)
    found: dict[str, object] = {
        "skill": verdicts.skill.to_dict(),
        "edge": verdicts.edge.to_dict(),
        "scores": _scores(rows, tested.weighed, claim, workspace.settings),
    }
    with contextlib.suppress(NoDataError):  # fewer moments than the horizon has bars
        found["baselines"] = compare_baselines(rows, tested.weighed, claim, workspace.settings)
    if asking.task.estimators == "direction":
        contest = Contest(claim.horizon_bars, trials=looks, block_bars=claim.block)
        up = (tested.weighed.forecast > 0.5).astype(np.float64)
        found["dependence"] = judge_dependence(new.labels, up, new.at, contest).to_dict()
    skill = verdicts.skill
    return Evaluation(
        version, is_champion, since, new.labels.size, looks, skill.verdict.value, skill.sentence, found
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Tested:
    """The same forecasts, as verdicts and as comparisons want them."""

    said: Said
    weighed: Tested


def _version(workspace: Workspace, request: EvaluateRequest) -> ModelVersion:
    """Return the version that is meant, or the champion of what is meant."""
    documents = documents_of(workspace.home)
    if _VERSION.fullmatch(request.what):
        return find_model(documents, request.what)
    key = find_key(workspace, request.task, request.what)
    champion = read_aliases(documents, key).champion
    if not champion:
        todo = "name a version (`assay models list` shows them), or promote one"
        raise NoDataError(f"nothing is champion of {key.task}", value=key.source, todo=todo)
    return read_version(documents, key, champion)


def _check_features(asking: Asking, version: ModelVersion) -> None:
    now = steps.identity(asking.features(version).feature_set)
    if now != version.paper.feature_set:
        what = f"{version.version} cannot be asked: its features are computed otherwise now"
        todo = "put them back as they were, or train it again"
        raise BadInputError(what, value=f"{now}, not {version.paper.feature_set}", todo=todo)


def _look(asking: Asking, version: ModelVersion, rows: Rows, author: Author, *, is_champion: bool) -> int:
    """Take the look down, unless it is at the champion, and return how many there were at these outcomes."""
    first_at, until = moment_of(rows.at[0]), moment_of(rows.until.max())
    if not is_champion:
        kept = KeptTest(
            version.version, asking.task.baseline, first_at, until, rows.data_version,
            {"rows": rows.labels.size, "evaluation": True},
        )  # fmt: skip
        keep_test(asking.documents, asking.key, kept, author)
    return max(1, count_looks(asking.documents, asking.key, first_at=first_at, until=until))


def _claim(asking: Asking, rows: Rows, looks: int) -> Claim:
    horizon_bars = asking.task.horizon_bars(asking.interval)
    return Claim(
        series=in_words(asking.key, rows),
        horizon=asking.task.horizon_in_words,
        horizon_bars=horizon_bars,
        folds=1,
        trials=looks,
        block_bars=max(asking.workspace.settings.model.block_bars, 2 * horizon_bars),
    )


def _tested(asking: Asking, version: ModelVersion, rows: Rows, row: NDArray[np.intp]) -> _Tested:
    """Return what model and baseline, both as they were taught then, say of some rows."""
    model: Model = asking.model(version, rows)
    asked = np.zeros(rows.labels.size, dtype=np.bool_)
    asked[row] = True
    known = rows.where(rows.until <= microseconds_of(version.paper.seen_until))
    said, usual = foretell(model, rows.matrix[row]), asking.usual(known, rows.where(asked))
    fold = np.zeros(row.size, dtype=np.int64)
    weighed = Tested(model, (), row, said, usual)
    if asking.task.estimators == "value":
        return _Tested(ValuesOutOfSample(row, fold, said, usual), weighed)
    return _Tested(OutOfSample(row, fold, said, direction(said), usual, direction(usual)), weighed)


def _judged(version: ModelVersion, rows: Rows, said: Said, *, claim: Claim, settings: Settings) -> Verdicts:
    if isinstance(said, ValuesOutOfSample):
        return judge_changes(rows, said, claim, settings)
    signal = version.paper.evidence.get("signal")
    if signal is None:
        return judge(rows, said, claim, settings)
    try:
        usual_move, confidence, cost = (float(signal[name]) for name in _OF_A_SIGNAL)  # type: ignore[index]
    except (KeyError, TypeError, ValueError):
        what = "the paper of this model does not say when its signal acts"
        raise BadInputError(what, value=version.version, todo="train it again") from None
    moves = expected_moves(said.probability, usual_move)
    made = decide(said.probability, moves, confidence=confidence, cost=cost)
    return judge(rows, said, claim, settings, position=made.astype(np.float64))


def _scores(rows: Rows, tested: Tested, claim: Claim, settings: Settings) -> dict[str, object]:
    drawing = Drawing(claim.block, settings.model.bootstrap_samples, settings.model.seed, claim.level)
    score = score_directions if tested.task == "direction" else score_values
    actual, at = rows.labels[tested.row], rows.at[tested.row]
    parts = {"model": tested.forecast, "baseline": tested.usual}
    return {name: scores_document(score(actual, said, at, drawing)) for name, said in parts.items()}
