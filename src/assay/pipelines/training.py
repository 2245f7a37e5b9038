"""Training: from bars to a registered model, with everything in between that makes it worth asking.

What is about to be tried is in the ledger before anything is fitted. The features and the label are audited on the bars
that are learned from. The model foretells fold after fold what it was not taught; two verdicts say what that is worth.
Then it is fitted once more on all of these rows, and registered with its evidence. The newest part of the rows is
looked at by nothing here: :mod:`assay.pipelines.paired_tests` needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib import metadata
from typing import cast

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import NoDataError, TerminalError
from assay.domain.instrument import SeriesId
from assay.domain.model_key import ModelKey
from assay.evidence.claim import Claim
from assay.evidence.direction import DirectionEvidence
from assay.evidence.edge import EdgeEvidence
from assay.evidence.importance import ImportanceEvidence
from assay.evidence.promotion import certificate_document
from assay.evidence.values import ValueEvidence
from assay.evidence.verdict import Verdict
from assay.features.compile import use_cache_dir
from assay.lake.model_store import ModelPaper, ModelVersion, register
from assay.lake.trial_ledger import Recorder, count_trials, recorded
from assay.lake.trials import Search
from assay.models.artefact import Artefact, pack
from assay.models.estimator import direction
from assay.models.registry import Model, StorableDirection, StorableValue, new_direction, new_value
from assay.models.splits import Fold
from assay.models.walk_forward import OutOfSample, from_fold, out_of_sample, values_out_of_sample
from assay.pipelines.base_rates import SERIES, base_rates
from assay.pipelines.certifying import RefusedError
from assay.pipelines.judging import Said, Verdicts, importance, judge, judge_changes, judge_signals, trial_scores
from assay.pipelines.searching import check_search, chosen_folds, searched
from assay.pipelines.source_rows import NotTrained
from assay.pipelines.tasks import Task, find_task
from assay.pipelines.training_plan import Plan, Prepared, TrainRequest, in_words, keys_of, plan_of, prepare
from assay.pipelines.training_rows import Rows, moment_of
from assay.pipelines.weighing import Tested, weigh
from assay.pipelines.workspace import Workspace

__all__ = ["Count", "NotTrained", "TrainRequest", "TrainResult", "Trained", "train"]

Count = Callable[[int, int], None]
_OF_LIBRARY = {"logistic": "scikit-learn", "random_forest": "scikit-learn", "calibrated": "scikit-learn",
               "lightgbm": "lightgbm", "xgboost": "xgboost-cpu"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trained:
    """One model, and what it is worth.

    Attributes
    ----------
    version : ModelVersion
    skill : DirectionEvidence or ValueEvidence
        Out of sample, against the baseline of its task.
    edge : EdgeEvidence
        The same forecasts traded, net of costs.
    importance : ImportanceEvidence
    rows, kept_rows : int
        Rows that it was fitted on, and newer ones that nothing has looked at.
    more : mapping of str to object
        What only its task has: ``interval`` of a value, ``signal`` of a signal.
    left_out : tuple of NotTrained
        Series of its source that are not in it.
    """

    version: ModelVersion
    skill: DirectionEvidence | ValueEvidence
    edge: EdgeEvidence
    importance: ImportanceEvidence
    rows: int
    kept_rows: int
    more: Mapping[str, object] = field(default_factory=dict, hash=False)
    left_out: tuple[NotTrained, ...] = ()


@dataclass(frozen=True, slots=True)
class TrainResult:
    """The models that were made, and the series that have none."""

    trained: tuple[Trained, ...]
    refused: tuple[NotTrained, ...] = ()


def train(workspace: Workspace, request: TrainRequest, *, count: Count = lambda _done, _more: None) -> TrainResult:
    """Train, judge and register a model of a series, one of all series of a source, or one of each.

    Parameters
    ----------
    workspace : Workspace
    request : TrainRequest
    count : callable
        Told how much more is done, and how much more there is to do.

    Returns
    -------
    TrainResult
        Of each series of a source, those that no model could be made of are in it with the reason. The same data,
        parameters and seed give the same models.

    Raises
    ------
    BadInputError
        If a name or a parameter is unknown, a feature never changes or all answers are the same.
    NoDataError
        If there are no such bars, or too few.
    RefusedError
        If the features see the future, or the score is one that nobody reaches honestly.
    StorageError
        If the disk refuses.
    """
    use_cache_dir(workspace.home.cache / "numba")
    task = find_task(workspace, request.task)
    request = replace(request, model=request.model or task.usual_model)
    plan = plan_of(workspace, request, task)
    check_search(plan)
    keys = keys_of(workspace, request, task)
    count(0, 2 * len(keys))
    prepared: list[Prepared] = []
    trained: list[Trained] = []
    refused: list[NotTrained] = []
    for key in keys:
        workspace.say(f"auditing the features of {key.source}")
        try:
            prepared.append(searched(plan, prepare(plan, key)))
        except TerminalError as error:
            if not request.each:
                raise
            refused.append(_not_trained(key, error))
            count(1, 0)
        count(1, 0)
    if not prepared:
        raise NoDataError("no series can be learned from", value=refused[0].series, todo=refused[0].reason)
    search = Search(f"{request.model} of {task.name}", planned=tuple(one.configuration for one in prepared))
    with recorded(plan.documents, search, plan.author) as tried:
        trials = _trials(plan)
        for one in prepared:
            workspace.say(f"fitting {request.model} to {one.key.source}")
            try:
                trained.append(_trained(plan, one, tried, trials))
            except TerminalError as error:
                if not request.each:
                    raise
                refused.append(_not_trained(one.key, error))
            count(1, 0)
    return TrainResult(tuple(trained), tuple(refused))


def _not_trained(key: ModelKey, error: TerminalError) -> NotTrained:
    return NotTrained(SeriesId.parse(key.source), str(error))


def _trials(plan: Plan) -> int:
    """Return how many configurations of this task, each seed one, this home ever tried, on whatever series."""
    counts = count_trials(plan.documents).by_key
    return sum(one.ideas for key, one in counts.items() if key.task == plan.task.name)


def _trained(plan: Plan, each: Prepared, tried: Recorder, trials: int) -> Trained:
    rows, settings = each.rows, plan.workspace.settings
    folds, chosen_on = plan.folds(rows), chosen_folds(each)
    whole = _tested(plan.task, each.estimator, rows, folds)
    tested = from_fold(whole, chosen_on)
    claim = _claim(plan, each, folds=len(folds) - chosen_on, trials=trials)
    verdicts = _judged(plan, rows, tested, claim=claim, folds=folds[chosen_on:])
    tried(each.configuration, trial_scores(verdicts))
    if verdicts.skill.verdict is Verdict.SUSPECT:
        todo = "hold the features against their source: one of them knows what it should not"
        raise RefusedError(f"not trained: {verdicts.skill.sentence}", value=each.key.source, todo=todo)
    found = importance(rows, tested, claim, settings)
    fitted = each.estimator.clone().fit(rows.matrix, rows.labels)
    weighed = Tested(fitted, folds, whole.row, *_forecasts(whole), chosen_on=chosen_on)
    evidence = {
        "skill": verdicts.skill.to_dict(),
        "edge": verdicts.edge.to_dict(),
        "importance": found.to_dict(),
        **verdicts.more,
        **weigh(rows, weighed, claim, chosen=plan.chosen, settings=settings),
        **({"search": each.searched} if each.searched else {}),
        "rows": rows.labels.size,
        "kept_rows": each.kept_rows,
        "seed": plan.seed,
        **({"series": rows.series} if each.key.is_pooled else {}),
    }
    version = _register(plan, each, fitted, evidence)
    return Trained(
        version, verdicts.skill, verdicts.edge, found, rows.labels.size, each.kept_rows, verdicts.more, each.left_out
    )


def _tested(task: Task, estimator: Model, rows: Rows, folds: tuple[Fold, ...]) -> Said:
    """Return what the estimator and the baseline of its task say of rows that they were not taught."""
    if task.estimators == "value":
        usual = new_value(task.baseline, rows.columns)
        model = cast("StorableValue", estimator)
        return values_out_of_sample(model, usual, features=rows.matrix, values=rows.labels, folds=folds)
    base_rate = new_direction(task.baseline, rows.columns)
    asked = cast("StorableDirection", estimator)
    said = out_of_sample(asked, base_rate, features=rows.matrix, labels=rows.labels, folds=folds)
    if len(rows.series) == 1:
        return said
    series = rows.frame.select(SERIES)
    shares = np.concatenate([
        base_rates(series[fold.train], rows.labels[fold.train], series[fold.test]) for fold in folds
    ])  # fmt: skip
    return replace(said, baseline_probability=shares, baseline=direction(shares))


def _forecasts(tested: Said) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what the model and the baseline said: probabilities or values."""
    if isinstance(tested, OutOfSample):
        return tested.probability, tested.baseline_probability
    return tested.predicted, tested.baseline


def _judged(plan: Plan, rows: Rows, tested: Said, *, claim: Claim, folds: tuple[Fold, ...]) -> Verdicts:
    settings = plan.workspace.settings
    if not isinstance(tested, OutOfSample):
        return judge_changes(rows, tested, claim, settings)
    if plan.task.kind == "signal":
        return judge_signals(rows, tested, claim, settings, folds=folds, confidence=plan.confidence)
    return judge(rows, tested, claim, settings)


def _claim(plan: Plan, each: Prepared, *, folds: int, trials: int) -> Claim:
    horizon_bars = plan.task.horizon_bars(plan.interval)
    return Claim(
        series=in_words(each.key, each.rows),
        horizon=plan.task.horizon_in_words,
        horizon_bars=horizon_bars,
        folds=folds,
        trials=trials,
        block_bars=max(plan.workspace.settings.model.block_bars, 2 * horizon_bars),
    )


def _register(plan: Plan, each: Prepared, fitted: Model, evidence: Mapping[str, object]) -> ModelVersion:
    rows = each.rows
    artefact = Artefact(plan.task.estimators, fitted, rows.columns, plan.feature_set)
    paper = ModelPaper(
        key=each.key,
        estimator=fitted.name,
        parameters=dict(fitted.parameters),
        feature_set=plan.feature_set,
        data_version=each.configuration.data_version,
        trained_from=moment_of(rows.at[0]),
        trained_until=moment_of(rows.until.max()),
        seen_until=moment_of(rows.until.max()),
        model_hash=artefact.model_hash,
        requirements=_requirements(fitted),
        evidence=evidence,
        certificate=certificate_document(each.certificate),
    )
    return register(plan.documents, paper, pack(artefact), plan.author)


def _requirements(estimator: Model) -> tuple[str, ...]:
    """Return the versions of what computed the model."""
    told = f"{estimator.name},{estimator.parameters.get('members', '')},{estimator.parameters.get('of', '')}"
    needed = {"assay", "numpy"} | {library for name, library in _OF_LIBRARY.items() if name in told.split(",")}
    return tuple(f"{name}=={metadata.version(name)}" for name in sorted(needed))
