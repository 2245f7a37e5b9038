"""Training: from bars to a registered model, with everything in between that makes it worth asking.

What is about to be tried is in the ledger before anything is fitted. The features and the label are audited on the bars
that are learned from. The model foretells fold after fold what it was not taught; two verdicts say what that is worth.
Then it is fitted once more on all of these rows, and registered with its evidence. The newest part of the rows is
looked at by nothing here: :mod:`assay.pipelines.paired_tests` needs it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import metadata

import numpy as np

from assay.domain.errors import BadInputError, NoDataError, TerminalError
from assay.domain.instrument import SeriesId, resolve
from assay.domain.interval import Interval
from assay.domain.model_key import ModelKey
from assay.evidence.causality import Certificate
from assay.evidence.direction import Claim, DirectionEvidence, Forecasts, judge_direction
from assay.evidence.edge import EdgeEvidence, Trades, judge_edge
from assay.evidence.importance import FittedFold, ImportanceEvidence, Shuffling, permutation_importance
from assay.evidence.promotion import certificate_document
from assay.evidence.verdict import Verdict
from assay.features.compile import use_cache_dir
from assay.features.declared import DeclaredSet
from assay.features.labels import LabelRule
from assay.features.sets import DIRECTION
from assay.lake import reads
from assay.lake.model_store import ModelPaper, ModelVersion, register
from assay.lake.sealed import Author, Documents, documents_of
from assay.lake.trial_ledger import Recorder, count_trials, recorded
from assay.lake.trials import Configuration, Search
from assay.measures.losses import zero_one_losses
from assay.models.artefact import Artefact, pack
from assay.models.base_rate import BaseRate
from assay.models.estimator import LOGISTIC
from assay.models.registry import StorableDirection, new_direction
from assay.models.splits import Fold, walk_forward
from assay.models.walk_forward import OutOfSample, out_of_sample
from assay.pipelines import steps
from assay.pipelines.training_rows import (
    RefusedError,
    Rows,
    certify,
    check_rows,
    closed_by,
    direction_task,
    find_features,
    moment_of,
    read_rows,
    to_learn_from,
)
from assay.pipelines.workspace import Workspace
from assay.settings import Settings

Count = Callable[[int, int], None]
_OF_LIBRARY = {"logistic": "scikit-learn", "random_forest": "scikit-learn", "calibrated": "scikit-learn",
               "lightgbm": "lightgbm", "xgboost": "xgboost-cpu"}  # fmt: skip
_REPEATS = 3


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """What to train.

    Attributes
    ----------
    source : str
        A symbol in any spelling, or a venue for all of its series of the symbols in ``ingest.symbols``.
    model : str
        Name of an estimator of directions.
    task : str
        Such as ``direction_24h``.
    interval, feature_set : str
    seed : int, optional
        ``model.seed`` if left out.
    parameters : mapping of str to object
        Of the estimator, in place of the usual ones; a text is read as a number where it is one.
    by : str
        Who trains.
    """

    source: str
    by: str
    model: str = LOGISTIC
    task: str = "direction_24h"
    interval: str = "1h"
    feature_set: str = DIRECTION.name
    seed: int | None = None
    parameters: Mapping[str, object] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Trained:
    """One model, and what it is worth.

    Attributes
    ----------
    version : ModelVersion
    skill : DirectionEvidence
        Out of sample, against the base rate.
    edge : EdgeEvidence
        The same forecasts traded, net of costs.
    importance : ImportanceEvidence
    rows, kept_rows : int
        Rows that it was fitted on, and newer ones that nothing has looked at.
    """

    version: ModelVersion
    skill: DirectionEvidence
    edge: EdgeEvidence
    importance: ImportanceEvidence
    rows: int
    kept_rows: int


@dataclass(frozen=True, slots=True)
class NotTrained:
    """A series without a model, and why."""

    series: SeriesId
    reason: str


@dataclass(frozen=True, slots=True)
class TrainResult:
    """The models of all series, and the series that have none."""

    trained: tuple[Trained, ...]
    refused: tuple[NotTrained, ...] = ()


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the models of all series have in common."""

    workspace: Workspace
    documents: Documents
    rule: LabelRule
    chosen: DeclaredSet
    estimator: StorableDirection
    seed: int
    author: Author

    @property
    def feature_set(self) -> str:
        return steps.identity(self.chosen.feature_set)


@dataclass(frozen=True, slots=True, eq=False)
class _Prepared:
    """The rows of one series, audited, and the trial that they are for."""

    series: SeriesId
    rows: Rows
    kept_rows: int
    certificate: Certificate
    configuration: Configuration


def train(workspace: Workspace, request: TrainRequest, *, count: Count = lambda _done, _more: None) -> TrainResult:
    """Train, judge and register a model of one series, or one of each series of a venue.

    Parameters
    ----------
    workspace : Workspace
    request : TrainRequest
    count : callable
        Told how much more is done, and how much more there is to do.

    Returns
    -------
    TrainResult
        Of a venue, series that no model could be made of are in it with the reason. The same data, parameters and
        seed give the same models.

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
    series, is_source = _series_of(workspace, request)
    plan = _plan(workspace, request, series[0])
    count(0, 2 * len(series))
    prepared: list[_Prepared] = []
    trained: list[Trained] = []
    refused: list[NotTrained] = []
    for one in series:
        workspace.say(f"auditing the features of {one}")
        try:
            prepared.append(_prepared(plan, one))
        except TerminalError as error:
            if not is_source:
                raise
            refused.append(NotTrained(one, str(error)))
            count(1, 0)
        count(1, 0)
    if not prepared:
        raise NoDataError("no series can be learned from", value=refused[0].series, todo=refused[0].reason)
    search = Search(f"{request.model} of {plan.rule.name}", planned=tuple(one.configuration for one in prepared))
    with recorded(plan.documents, search, plan.author) as tried:
        trials = _trials(plan)
        for each in prepared:
            workspace.say(f"fitting {request.model} to {each.series}")
            try:
                trained.append(_trained(plan, each, tried, trials))
            except TerminalError as error:
                if not is_source:
                    raise
                refused.append(NotTrained(each.series, str(error)))
            count(1, 0)
    return TrainResult(tuple(trained), tuple(refused))


def _series_of(workspace: Workspace, request: TrainRequest) -> tuple[list[SeriesId], bool]:
    """Return the series that are asked for, and whether that is a venue."""
    code, settings = Interval.parse(request.interval).code, workspace.settings
    with workspace.lake() as lake:
        available = reads.list_series(lake)
    venues = {one.venue for one in available} | set(type(settings.venues).model_fields)
    if request.source not in venues:
        return [resolve(request.source, available, places=settings.preferred_places, interval=code).series], False
    usual = {text.partition("-")[0].upper() for text in settings.ingest.symbols}
    found = [one for one in available if (one.venue, one.interval.code) == (request.source, code)]
    chosen = [one for one in found if one.symbol.base in usual]
    if not chosen:
        todo = "import or ingest some, or name a symbol"
        raise NoDataError(f"no bars of {code} of this source", value=request.source, todo=todo)
    return chosen, True


def _plan(workspace: Workspace, request: TrainRequest, series: SeriesId) -> _Plan:
    """Return what all models have in common, every name looked up and no row read."""
    rule = direction_task(workspace, request.task)
    rule.check(series.interval)
    chosen = find_features(workspace, request.feature_set, series)
    seed = workspace.settings.model.seed if request.seed is None else request.seed
    if seed < 0:
        raise BadInputError("not a seed", value=seed, todo="give a whole number from 0")
    given = {_own_name(request.model, name): _number(value) for name, value in request.parameters.items()}
    usual = new_direction(request.model, chosen.names, given).parameters
    decided: dict[str, object] = {name: seed for name in usual if _is_seed(name)}
    if "purged_rows" in usual:
        decided["purged_rows"] = rule.horizon // series.interval.duration
    estimator = new_direction(request.model, chosen.names, decided | given)
    author = Author(request.by, workspace.clock.now())
    return _Plan(workspace, documents_of(workspace.home), rule, chosen, estimator, seed, author)


def _prepared(plan: _Plan, series: SeriesId) -> _Prepared:
    rows, klines = read_rows(plan.workspace, series, plan.rule, plan.chosen)
    learned = to_learn_from(rows)
    check_rows(learned)
    _folds(plan, learned)
    key = ModelKey(plan.rule.name, str(series))
    known = closed_by(klines, int(learned.until.max()))
    certificate = certify(plan.documents, key, plan.chosen, rule=plan.rule, klines=known)
    parameters = {name: value for name, value in plan.estimator.parameters.items() if not _is_seed(name)}
    configuration = Configuration(
        key, plan.estimator.name, parameters, plan.feature_set,
        learned.data_version, plan.seed, f"{moment_of(learned.at[0])} to {moment_of(learned.until.max())}",
    )  # fmt: skip
    untouched = int((rows.at >= learned.until.max()).sum())
    return _Prepared(series, learned, untouched, certificate, configuration)


def _trials(plan: _Plan) -> int:
    """Return how many configurations of this task were ever tried in this home, on whatever series."""
    counts = count_trials(plan.documents).by_key
    return sum(one.ideas for key, one in counts.items() if key.task == plan.rule.name)


def _trained(plan: _Plan, each: _Prepared, tried: Recorder, trials: int) -> Trained:
    rows, settings = each.rows, plan.workspace.settings
    folds = _folds(plan, rows)
    tested = out_of_sample(plan.estimator, BaseRate(), features=rows.matrix, labels=rows.labels, folds=folds)
    horizon_bars = plan.rule.horizon // each.series.interval.duration
    claim = Claim(
        series=f"{each.series.symbol} {each.series.interval} on {each.series.place}",
        horizon=f"{plan.rule.name.rpartition('_')[2][:-1]} {plan.rule.name[-1]}",
        horizon_bars=horizon_bars,
        folds=len(folds),
        trials=trials,
        block_bars=max(settings.model.block_bars, 2 * horizon_bars),
    )
    skill, edge = _judged(rows, tested, claim, settings)
    tried(each.configuration, _scores(skill, edge))
    if skill.verdict is Verdict.SUSPECT:
        todo = "hold the features against their source: one of them knows what it should not"
        raise RefusedError(f"not trained: {skill.sentence}", value=str(each.series), todo=todo)
    importance = _importance(rows, tested, claim, settings)
    fitted = plan.estimator.clone().fit(rows.matrix, rows.labels)
    artefact = Artefact("direction", fitted, rows.columns, plan.feature_set)
    evidence = {
        "skill": skill.to_dict(),
        "edge": edge.to_dict(),
        "importance": importance.to_dict(),
        "rows": rows.labels.size,
        "kept_rows": each.kept_rows,
        "seed": plan.seed,
    }
    paper = ModelPaper(
        key=each.configuration.key,
        estimator=fitted.name,
        parameters=dict(fitted.parameters),
        feature_set=plan.feature_set,
        data_version=each.configuration.data_version,
        trained_from=moment_of(rows.at[0]),
        trained_until=moment_of(rows.until.max()),
        seen_until=moment_of(rows.until.max()),
        model_hash=artefact.model_hash,
        requirements=_requirements(plan.estimator),
        evidence=evidence,
        certificate=certificate_document(each.certificate),
    )
    version = register(plan.documents, paper, pack(artefact), plan.author)
    return Trained(version, skill, edge, importance, rows.labels.size, each.kept_rows)


def _folds(plan: _Plan, rows: Rows) -> Sequence[Fold]:
    embargo = plan.rule.horizon // timedelta(microseconds=1)
    return walk_forward(rows.at, rows.until, folds=plan.workspace.settings.model.folds, embargo_us=embargo)


def _judged(
    rows: Rows, tested: OutOfSample, claim: Claim, settings: Settings
) -> tuple[DirectionEvidence, EdgeEvidence]:
    """Return both verdicts, on the same forecasts."""
    chosen, at = settings.model, rows.at[tested.row]
    forecasts = Forecasts(at, rows.labels[tested.row], tested.predicted, tested.baseline)
    skill = judge_direction(forecasts, claim, rng=np.random.default_rng(chosen.seed), samples=chosen.bootstrap_samples)
    position = np.where(tested.predicted == 1, 1.0, -1.0)
    trades = Trades(at, position, rows.forward_return[tested.row], cost=2 * chosen.cost_bps / 1e4)
    edge = judge_edge(trades, claim, rng=np.random.default_rng(chosen.seed), samples=chosen.bootstrap_samples)
    return skill, edge


def _importance(rows: Rows, tested: OutOfSample, claim: Claim, settings: Settings) -> ImportanceEvidence:
    folds = [
        FittedFold(model.predict_proba, rows.matrix[chosen], rows.labels[chosen])
        for number, model in enumerate(tested.fitted)
        for chosen in [tested.row[tested.fold == number]]
    ]
    terms = Shuffling(repeats=_REPEATS, bootstrap_block=min(claim.block, tested.row.size))
    rng = np.random.default_rng(settings.model.seed)
    return permutation_importance(folds, rows.columns, loss=zero_one_losses, terms=terms, rng=rng)


def _scores(skill: DirectionEvidence, edge: EdgeEvidence) -> dict[str, float]:
    return {
        "accuracy": skill.model.accuracy.value,
        "baseline_accuracy": skill.baseline.accuracy.value,
        "difference": skill.difference.value,
        "net_return": edge.net.value,
    }


def _requirements(estimator: StorableDirection) -> tuple[str, ...]:
    """Return the versions of what computed the model."""
    told = f"{estimator.name},{estimator.parameters.get('members', '')},{estimator.parameters.get('of', '')}"
    needed = {"assay", "numpy"} | {library for name, library in _OF_LIBRARY.items() if name in told.split(",")}
    return tuple(f"{name}=={metadata.version(name)}" for name in sorted(needed))


def _own_name(model: str, name: str) -> str:
    """Return a parameter's name as the estimator has it: ``lightgbm.trees`` of lightgbm is ``trees``."""
    return name.removeprefix(f"{model}.")


def _is_seed(name: str) -> bool:
    return name.rpartition(".")[2] == "seed"


def _number(value: object) -> object:
    """Return what a text says: a whole number, a number, or itself."""
    if not isinstance(value, str):
        return value
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(value)
    return value
