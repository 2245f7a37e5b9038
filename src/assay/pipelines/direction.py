"""Will the price be higher one horizon from now? One model, held against the base rate, on data it has not seen.

The features are Steps, the label knows its span, the folds are purged by it, the scaler is fitted inside each fold,
and the verdict is about the paired difference to the baseline. What comes out may be, and usually is, "no skill".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from assay.domain.errors import NoDataError
from assay.domain.instrument import Resolution, SeriesId, resolve
from assay.domain.interval import EPOCH
from assay.evidence.direction import Claim, DirectionEvidence, Forecasts, judge_direction
from assay.evidence.verdict import Verdict
from assay.features.compile import use_cache_dir
from assay.features.labels import LabelRule
from assay.features.sets import DIRECTION
from assay.lake import reads
from assay.lake.identities import parts_of_one_asset, stated_segments
from assay.lake.reads import Span
from assay.models.base_rate import BaseRate
from assay.models.estimator import LOGISTIC, direction
from assay.models.logistic import Logistic
from assay.models.splits import Fold, walk_forward
from assay.models.walk_forward import OutOfSample, out_of_sample
from assay.pipelines import steps
from assay.pipelines.training_table import label_bars
from assay.pipelines.workspace import Workspace
from assay.settings import Settings

_COLUMNS = reads.STEP_COLUMNS


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model, fitted on everything known, says of the latest bar.

    Attributes
    ----------
    as_of : datetime
        Close of the last bar that was used: the moment of the forecast.
    until : datetime
        The moment that is foretold.
    close : float
        The price it starts from, quote units per base unit.
    probability_up : float
        The model's probability of a higher price.
    base_rate_up : float
        How often the price was higher in everything the model was fitted on.
    direction : str
        ``up`` or ``not up``.
    signal : str
        ``UP`` or ``DOWN`` if the model has shown skill; ``ABSTAIN`` otherwise.
    fitted_until : datetime
        When the last label it was fitted on was known; never after `as_of`.
    fitted_rows : int
        Labels it was fitted on.
    data_version : str
        16 hexadecimal digits of the bars that all of this follows from.
    """

    as_of: datetime
    until: datetime
    close: float
    probability_up: float
    base_rate_up: float
    direction: str
    signal: str
    fitted_until: datetime
    fitted_rows: int
    data_version: str


@dataclass(frozen=True, slots=True)
class DirectionAnswer:
    """The evidence and the latest prediction for one series."""

    resolution: Resolution
    model: str
    features: tuple[str, ...]
    feature_set: str
    labelled_rows: int
    evidence: DirectionEvidence
    prediction: Prediction


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """One series as a model sees it: its labelled rows in order of time, and the latest row.

    `matrix` has shape (n, n_features); `labels` (n,), 0 or 1; `close` (n,), quote units; `span_start` and `span_end`
    (n,), microseconds, are the moment of the forecast and the moment at which its outcome is known. `data_version` is a
    hash of the bars.
    """

    matrix: np.ndarray[tuple[int, int], np.dtype[np.float64]]
    labels: np.ndarray[tuple[int], np.dtype[np.float64]]
    close: np.ndarray[tuple[int], np.dtype[np.float64]]
    span_start: np.ndarray[tuple[int], np.dtype[np.int64]]
    span_end: np.ndarray[tuple[int], np.dtype[np.int64]]
    latest: np.ndarray[tuple[int, int], np.dtype[np.float64]]
    latest_close: float
    latest_at: int
    data_version: str


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What was said of the rows of each fold by a model fitted before it, and what that is worth."""

    folds: tuple[Fold, ...]
    tested: OutOfSample
    evidence: DirectionEvidence


def new_model() -> Logistic:
    """Return the model that foretells directions, untaught."""
    return Logistic(DIRECTION.columns)


def answer_direction(
    workspace: Workspace, symbol: str, *, interval: str = "1h", span: Span = reads.EVERYTHING
) -> DirectionAnswer:
    """Evaluate the direction model on a series and predict from its latest bar.

    Parameters
    ----------
    workspace : Workspace
        Its settings give horizon, folds, bootstrap and seed.
    symbol : str
        Any spelling; ``venue:market:SYMBOL`` to be exact.
    interval : str, default "1h"
    span : Span
        The part of history to use, and from whose point of view.

    Raises
    ------
    BadInputError, NoDataError
        If no series answers to the symbol, the horizon does not fit the interval, or there is too little data.
    """
    use_cache_dir(workspace.home.cache / "numba")
    settings = workspace.settings
    with workspace.lake() as lake:
        then = reads.list_series(lake, as_of=span.as_of, available_at=span.available_at)
        available = then or reads.list_series(lake)
        resolution = resolve(symbol, available, places=settings.preferred_places, interval=interval)
        klines = of_present_asset(reads.read_klines(lake, resolution.series, span, _COLUMNS), resolution.series)
    dataset = dataset_of(klines, resolution.series, settings)
    evidence = evaluate(dataset, resolution.series, settings).evidence
    prediction = predict_latest(dataset, settings, evidence.verdict)
    return DirectionAnswer(
        resolution, LOGISTIC, DIRECTION.columns, steps.identity(DIRECTION), dataset.labels.size, evidence, prediction
    )


def of_present_asset(klines: pl.DataFrame, series: SeriesId) -> pl.DataFrame:
    """Return the bars of the asset that the ticker of the series meant last: a model of it knows no other."""
    return parts_of_one_asset(klines, stated_segments(series.symbol.base))[-1]


def dataset_of(klines: pl.DataFrame, series: SeriesId, settings: Settings) -> Dataset:
    """Return the rows of closed bars of one series, in order of time, that a model can use.

    Raises
    ------
    BadInputError
        If the horizon is not a whole number of bars.
    NoDataError
        If no row is past the warm-up of the features.
    """
    rule = LabelRule("direction", timedelta(hours=settings.model.horizon_hours))
    labelled = label_bars(klines, series, DIRECTION, rule)
    bars, matrix, label, complete = labelled.bars, labelled.matrix, labelled.label, labelled.is_complete
    rows = complete & label.is_defined
    if not complete.any():
        todo = f"{DIRECTION.warmup + 1} bars in a row are needed; import more"
        raise NoDataError("too few bars to compute the features", value=len(bars), todo=todo)
    last = int(np.flatnonzero(complete)[-1])
    return Dataset(
        matrix=matrix[rows],
        labels=label.value[rows],
        close=bars.close[rows],
        span_start=label.span_start[rows],
        span_end=label.span_end[rows],
        latest=matrix[last : last + 1],
        latest_close=float(bars.close[last]),
        latest_at=int(bars.close_time[last]),
        data_version=steps.data_version_of(bars),
    )


def evaluate(dataset: Dataset, series: SeriesId, settings: Settings, *, trials: int = 1) -> Evaluation:
    """Let the model foretell fold after fold, and judge it against the base rate.

    Parameters
    ----------
    dataset : Dataset
    series : SeriesId
        Named in the verdict's sentence.
    settings : Settings
        Horizon, folds, bootstrap and seed.
    trials : int, default 1
        Configurations tried on this series, this one included.

    Raises
    ------
    NoDataError
        If a fold would have too few rows.
    BadInputError
        If a fold has nothing but ups, or nothing but downs, to learn from.
    """
    chosen = settings.model
    folds = walk_forward(dataset.span_start, dataset.span_end, folds=chosen.folds)
    tested = out_of_sample(new_model(), BaseRate(), features=dataset.matrix, labels=dataset.labels, folds=folds)
    horizon_bars = timedelta(hours=chosen.horizon_hours) // series.interval.duration
    claim = Claim(
        series=f"{series.symbol} {series.interval} on {series.place}",
        horizon=f"{chosen.horizon_hours} h",
        horizon_bars=horizon_bars,
        folds=chosen.folds,
        trials=trials,
        block_bars=max(chosen.block_bars, 2 * horizon_bars),
    )
    forecasts = Forecasts(dataset.span_start[tested.row], dataset.labels[tested.row], tested.predicted, tested.baseline)
    rng = np.random.default_rng(chosen.seed)
    return Evaluation(folds, tested, judge_direction(forecasts, claim, rng=rng, samples=chosen.bootstrap_samples))


def predict_latest(dataset: Dataset, settings: Settings, verdict: Verdict) -> Prediction:
    """Fit the model on every label that is known by the latest bar, and ask it about that bar.

    Raises
    ------
    BadInputError
        If there is no such label, or all of them are the same.
    """
    # Only labels whose span had ended by the moment of the forecast: nothing of the future is learned from.
    known = dataset.span_end <= dataset.latest_at
    fitted = new_model().fit(dataset.matrix[known], dataset.labels[known])
    probability = fitted.predict_proba(dataset.latest)
    is_up = bool(direction(probability)[0])
    as_of = _moment(dataset.latest_at)
    signal = ("UP" if is_up else "DOWN") if verdict is Verdict.SKILL else "ABSTAIN"
    return Prediction(
        as_of=as_of,
        until=as_of + timedelta(hours=settings.model.horizon_hours),
        close=dataset.latest_close,
        probability_up=float(probability[0]),
        base_rate_up=float(dataset.labels[known].mean()),
        direction="up" if is_up else "not up",
        signal=signal,
        fitted_until=_moment(int(dataset.span_end[known].max())),
        fitted_rows=int(known.sum()),
        data_version=dataset.data_version,
    )


def _moment(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)
