"""What is to be trained: names looked up, rows read and audited, and a trial made of each model."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from assay.domain.errors import BadInputError
from assay.domain.instrument import SeriesId, resolve
from assay.domain.interval import CODES, Interval
from assay.domain.model_key import ModelKey, key_of_source
from assay.evidence.causality import Certificate
from assay.features.declared import DeclaredSet
from assay.features.sets import DIRECTION
from assay.lake import reads
from assay.lake.sealed import Author, Documents, documents_of
from assay.lake.trials import Configuration, Value
from assay.measures.signals import check_confidence
from assay.models.registry import Model, new_estimator
from assay.models.splits import Fold, walk_forward
from assay.pipelines import steps
from assay.pipelines.certifying import certify
from assay.pipelines.source_rows import NotTrained, known_sources, rows_of_key, series_of_source
from assay.pipelines.tasks import Task
from assay.pipelines.training_rows import Rows, check_rows, closed_by, find_features, moment_of, to_learn_from
from assay.pipelines.workspace import Workspace

_CALIBRATED = "calibrated"
_OF_CALIBRATION = frozenset({"of", "method", "folds", "purged_rows"})


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """What to train.

    Attributes
    ----------
    source : str
        A symbol in any spelling, or a source (``binance``, ``wazirx``, ``coingecko``) for one model of all of its
        series of the symbols in ``ingest.symbols``.
    by : str
        Who trains.
    model : str
        Name of an estimator of the task; empty for the usual one: logistic of a direction, lightgbm of a value.
    task : str
        Such as ``direction_24h``, ``delta_1h`` or ``signal_24h``.
    interval, feature_set : str
    seed : int, optional
        ``model.seed`` if left out.
    parameters : mapping of str to object
        Of the estimator, in place of the usual ones; a text is read as a number where it is one.
    each : bool
        Of a source, a model of each series instead.
    confidence : float, optional
        Of a signal: how probable a direction has to be to be acted on; ``model.confidence`` if left out.
    search : int
        Combinations of parameters to search, in all; 0 takes the usual ones.
    """

    source: str
    by: str
    model: str = ""
    task: str = "direction_24h"
    interval: str = "1h"
    feature_set: str = DIRECTION.name
    seed: int | None = None
    parameters: Mapping[str, object] = field(default_factory=dict, hash=False)
    each: bool = False
    confidence: float | None = None
    search: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What the models of a request have in common."""

    workspace: Workspace
    documents: Documents
    request: TrainRequest
    task: Task
    interval: Interval
    chosen: DeclaredSet
    seed: int
    confidence: float
    author: Author

    @property
    def feature_set(self) -> str:
        """As models name what they were trained on."""
        return steps.identity(self.chosen.feature_set)

    def estimator(self, *, series: int = 1) -> Model:
        """Return the untaught estimator of a model of so many series.

        Raises
        ------
        BadInputError
            If the task has no such estimator, or it does not take these parameters.
        """
        name, given = _named(self.task, self.request)
        usual = new_estimator(self.task.estimators, name, self.chosen.names, given).parameters
        decided: dict[str, object] = {one: self.seed for one in usual if is_seed(one)}
        if "purged_rows" in usual:
            # Rows of all series: a horizon of them is so many times as long.
            decided["purged_rows"] = self.task.horizon_bars(self.interval) * series
        return new_estimator(self.task.estimators, name, self.chosen.names, decided | given)

    @property
    def given(self) -> tuple[str, ...]:
        """The names of the parameters that the request decides, as the estimator has them."""
        return tuple(_named(self.task, self.request)[1])

    def folds(self, rows: Rows) -> tuple[Fold, ...]:
        """Return the blocks that are foretold, purged and with an embargo of one horizon.

        Raises
        ------
        NoDataError
            If a block would have too few rows.
        """
        embargo = self.task.horizon // timedelta(microseconds=1)
        return walk_forward(rows.at, rows.until, folds=self.workspace.settings.model.folds, embargo_us=embargo)


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """The rows of one model, audited, the trial that they are for, and how a search found its parameters."""

    key: ModelKey
    rows: Rows
    kept_rows: int
    estimator: Model
    certificate: Certificate
    configuration: Configuration
    left_out: tuple[NotTrained, ...] = ()
    searched: Mapping[str, object] | None = None


def keys_of(workspace: Workspace, request: TrainRequest, task: Task) -> list[ModelKey]:
    """Return what models are asked for.

    Raises
    ------
    NoDataError
        If there are no such bars.
    BadInputError
        If the interval or the symbol is none.
    """
    interval, settings = Interval.parse(request.interval), workspace.settings
    with workspace.lake() as lake:
        available = reads.list_series(lake)
    if request.source in known_sources(workspace, available):
        found = series_of_source(workspace, request.source, interval)
        if request.each:
            return [ModelKey(task.name, str(one)) for one in found]
        return [key_of_source(task.name, request.source, interval.code)]
    if request.each:
        raise BadInputError("one symbol is one series", value=request.source, todo="name a source, or leave --each out")
    _check_no_interval(request.source)
    found_one = resolve(request.source, available, places=settings.preferred_places, interval=interval.code)
    return [ModelKey(task.name, str(found_one.series))]


def _check_no_interval(source: str) -> None:
    """Refuse a series or source as lists of models name it: its interval would be taken for the symbol."""
    name, _, code = source.rpartition(":")
    if name and code in CODES:
        todo = f"write {name} --interval {code}"
        raise BadInputError("the interval is an option of its own", value=source, todo=todo)


def plan_of(workspace: Workspace, request: TrainRequest, task: Task) -> Plan:
    """Return what all models of a request have in common, every name looked up and no row read.

    Raises
    ------
    BadInputError
        If a name, a parameter, the seed or the confidence is none, or the horizon does not fit the bars.
    """
    settings, interval = workspace.settings, Interval.parse(request.interval)
    task.label.check(interval)
    chosen = find_features(workspace, request.feature_set, interval)
    seed = settings.model.seed if request.seed is None else request.seed
    if seed < 0:
        raise BadInputError("not a seed", value=seed, todo="give a whole number from 0")
    if request.confidence is not None and task.kind != "signal":
        raise BadInputError(
            "only signals have a confidence", value=task.name, todo="leave it out, or ask for signal_24h"
        )
    confidence = settings.model.confidence if request.confidence is None else request.confidence
    check_confidence(confidence)
    author = Author(request.by, workspace.clock.now())
    plan = Plan(
        workspace, documents_of(workspace.home), request, task, interval, chosen, seed, confidence, author
    )  # fmt: skip
    plan.estimator()
    return plan


def prepare(plan: Plan, key: ModelKey) -> Prepared:
    """Return the rows of a model and its trial, with a certificate of what it learns from.

    Raises
    ------
    NoDataError, BadInputError
        If there are too few rows, or they teach nothing.
    LeakError
        If the features see the future.
    """
    found = rows_of_key(plan.workspace, key, plan.task, plan.chosen)
    learned = to_learn_from(found.rows)
    check_rows(learned)
    plan.folds(learned)
    end = int(learned.until.max())
    known = {series: closed_by(klines, end) for series, klines in found.bars.items()}
    known = {series: klines for series, klines in known.items() if klines.height}
    certificate = certify(plan.documents, key, plan.chosen, rule=plan.task.label, bars=known)
    estimator = plan.estimator(series=len(known))
    span = f"{moment_of(learned.at[0])} to {moment_of(end)}"
    configuration = Configuration(
        key, estimator.name, _tried_with(plan, estimator), plan.feature_set, learned.data_version, plan.seed, span
    )  # fmt: skip
    untouched = int((found.rows.at >= end).sum())
    return Prepared(key, learned, untouched, estimator, certificate, configuration, found.left_out)


def in_words(key: ModelKey, rows: Rows) -> str:
    """Return what a model is of, as people write it."""
    if key.is_pooled:
        return f"{len(rows.series)} series of {key.venue} {key.interval}"
    series = SeriesId.parse(key.source)
    return f"{series.symbol} {series.interval} on {series.place}"


def is_seed(name: str) -> bool:
    """Return whether a parameter is the seed of an estimator, or of a part of one."""
    return name.rpartition(".")[2] == "seed"


def _tried_with(plan: Plan, estimator: Model) -> dict[str, Value]:
    """Return what tells one idea from another: parameters, and the rule of a signal.

    The seed of the request has a place of its own in a trial; one that was given to a part of the estimator has not.
    """
    parameters: dict[str, Value] = {
        name: value for name, value in estimator.parameters.items() if not is_seed(name) or value != plan.seed
    }
    return parameters | {"confidence": plan.confidence} if plan.task.kind == "signal" else parameters


def _named(task: Task, request: TrainRequest) -> tuple[str, dict[str, object]]:
    """Return estimator and parameters as the registry has them; a signal's is put right by a calibration."""
    given = {_own_name(request.model, name): _number(value) for name, value in request.parameters.items()}
    if task.kind != "signal" or request.model == _CALIBRATED:
        return request.model, given
    inner = {
        name if name in _OF_CALIBRATION else f"{request.model}.{name}": value for name, value in given.items()
    }  # fmt: skip
    return _CALIBRATED, {"of": request.model} | inner


def _own_name(model: str, name: str) -> str:
    """Return a parameter's name as the estimator has it: ``lightgbm.trees`` of lightgbm is ``trees``."""
    return name.removeprefix(f"{model}.")


def _number(value: object) -> object:
    """Return what a text says: a whole number, a number, or itself."""
    if not isinstance(value, str):
        return value
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(value)
    return value
