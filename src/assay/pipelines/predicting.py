"""What is foretold of every hourly series, and what that is worth, kept for good.

After a build, a series with a new closed bar gets one more live prediction, and once a day its model is evaluated
again: fitted and tested fold after fold, always on what came later. Champions of the registry foretell their series
beside it. Every forecast in the tables was made by a model that had seen only labels known by then, and none is ever
changed.
"""

from __future__ import annotations

import itertools
import math
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from assay.domain.errors import TerminalError
from assay.domain.instrument import SeriesId
from assay.evidence.verdict import Verdict
from assay.features.compile import use_cache_dir
from assay.features.sets import DIRECTION
from assay.lake import prediction_tables
from assay.lake.model_store import read_keys
from assay.lake.prediction_tables import (
    ABSTAIN,
    ABSTAINED,
    EVIDENCE_SCHEMA,
    LIVE,
    PREDICTION_SCHEMA,
    WALK_FORWARD,
    Configuration,
    Foretold,
    SeriesState,
)
from assay.lake.sealed import documents_of
from assay.lake.zones import Key
from assay.models.estimator import LOGISTIC
from assay.pipelines import steps
from assay.pipelines.workspace import Workspace

if TYPE_CHECKING:
    import duckdb

    from assay.pipelines.direction import Dataset, Evaluation, Prediction
    from assay.settings import Settings

INTERVAL = "1h"
_HINDSIGHT = "made in an evaluation: whether the model has skill was not known then"
_NO_SIGNAL = {
    Verdict.NO_SKILL: "the model has shown no skill",
    Verdict.WORSE: "the model is worse than the base rate",
    Verdict.SUSPECT: "the model's score is too good to be true",
    Verdict.NOT_ENOUGH_DATA: "there is not enough data to judge the model",
}
_EVALUATED_EVERY = timedelta(days=1)
_SERIES_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class PredictResult:
    """What was added.

    Attributes
    ----------
    series : int
        Series that can be foretold.
    live, walk_forward, evidence : int
        New rows: predictions of the newest bars, forecasts of evaluations, evaluations.
    verdicts : dict
        Series by the verdict on them, after this run.
    seconds : float
    abstained : int
        New rows of champions that could not be asked, with the reason.
    """

    series: int = 0
    live: int = 0
    walk_forward: int = 0
    evidence: int = 0
    verdicts: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    abstained: int = 0


def predict(workspace: Workspace) -> PredictResult:
    """Foretell every hourly series that has a new closed bar, and evaluate those whose evaluation is a day old.

    It can be stopped at any moment: all rows of a run are committed together, and a second run adds only what the
    first one did not. A series with too little data gets evidence that says so.

    Raises
    ------
    LakeBusyError, StorageError
        If another process is writing, or the disk refuses.
    """
    started, now = time.perf_counter(), workspace.clock.now()
    with workspace.writing(), workspace.lake(read_only=False) as lake:
        prediction_tables.prepare(lake)
        configuration = _configuration(workspace.settings)
        found = prediction_tables.states(lake, configuration, interval=INTERVAL)
        due = [one for one in found if _needs_evaluation(one, now) or _needs_prediction(one)]
        verdicts = {one.key: one.verdict for one in found}
        added = {WALK_FORWARD: 0, LIVE: 0, ABSTAINED: 0, "evidence": 0}
        by_champions = _of_champions(workspace, lake)
        if due or by_champions:
            workspace.say(f"predicting {len(due)} series")
            use_cache_dir(workspace.home.cache / "numba")
            evaluated = [one.key for one in due if _needs_evaluation(one, now)]
            trials = prediction_tables.count_trials(lake, configuration, evaluated)
            parts = _foretold(lake, due, _Evaluating(workspace.settings, now, trials))
            added = prediction_tables.append(lake, itertools.chain(_noting(parts, verdicts), by_champions))
    seconds = round(time.perf_counter() - started, 3)
    tally = dict(Counter(verdict for verdict in verdicts.values() if verdict))
    return PredictResult(
        len(found), added[LIVE], added[WALK_FORWARD], added["evidence"], tally, seconds, added[ABSTAINED]
    )


def _of_champions(workspace: Workspace, lake: duckdb.DuckDBPyConnection) -> list[Foretold]:
    """Return what champions foretell; a home without models does not even load what they need."""
    if not read_keys(documents_of(workspace.home)):
        return []
    from assay.pipelines.champion_rows import rows_due  # noqa: PLC0415

    workspace.say("asking the champions")
    rows = pl.DataFrame(rows_due(workspace, lake), schema=PREDICTION_SCHEMA, orient="row")
    return [] if rows.is_empty() else [Foretold(rows, pl.DataFrame(schema=EVIDENCE_SCHEMA))]


def _configuration(settings: Settings) -> Configuration:
    return Configuration(LOGISTIC, steps.identity(DIRECTION), settings.model.horizon_hours)


def _needs_evaluation(state: SeriesState, now: datetime) -> bool:
    if state.evaluated_at is None:
        return True
    has_news = state.bars_known_at > state.evaluated_at or (state.is_scored and _has_new_bar(state))
    return has_news and now - state.evaluated_at >= _EVALUATED_EVERY


def _needs_prediction(state: SeriesState) -> bool:
    return state.is_scored and _has_new_bar(state)


def _has_new_bar(state: SeriesState) -> bool:
    return state.live_until is None or state.closed_until > state.live_until


def _noting(parts: Iterator[Foretold], verdicts: dict[Key, str | None]) -> Iterator[Foretold]:
    """Pass the parts on, and note the new verdicts."""
    for part in parts:
        for venue, market, symbol, interval, verdict in part.evidence.select(
            "venue", "market", "symbol", "interval", "verdict"
        ).iter_rows():
            verdicts[venue, market, symbol, interval] = verdict
        yield part


@dataclass(frozen=True, slots=True)
class _Evaluating:
    """What all series of a run share. `trials` are those of all series: the best of many is no proof of skill."""

    settings: Settings
    now: datetime
    trials: int


def _foretold(lake: duckdb.DuckDBPyConnection, due: Sequence[SeriesState], shared: _Evaluating) -> Iterator[Foretold]:
    for start in range(0, len(due), _SERIES_AT_ONCE):
        group = due[start : start + _SERIES_AT_ONCE]
        bars = prediction_tables.closed_bars(lake, [one.key for one in group])
        rows = [_foretell(one, bars[one.key], shared) for one in group]
        yield Foretold(
            pl.concat([pl.DataFrame(schema=PREDICTION_SCHEMA), *(frame for frames, _ in rows for frame in frames)]),
            pl.DataFrame([row for _, row in rows if row], schema=EVIDENCE_SCHEMA, orient="row"),
        )


def _foretell(
    state: SeriesState, klines: pl.DataFrame, shared: _Evaluating
) -> tuple[list[pl.DataFrame], dict[str, object] | None]:
    """Return the new predictions of one series, and its evidence if it was evaluated."""
    from assay.pipelines import direction  # noqa: PLC0415  # scikit-learn costs a second

    series, settings, now = SeriesId.of(*state.key), shared.settings, shared.now
    chosen = _configuration(settings)
    stamp = dict(zip(("venue", "market", "symbol", "interval"), state.key, strict=True)) | {
        "model": chosen.model,
        "feature_set": chosen.feature_set,
        "horizon_hours": chosen.horizon_hours,
        "known_at": now,
    }
    told = stamp | {"task": chosen.task, "model_version": ""}
    predictions: list[pl.DataFrame] = []
    evidence: dict[str, object] | None = None
    verdict = Verdict(state.verdict) if state.verdict else Verdict.NOT_ENOUGH_DATA
    try:
        dataset = direction.dataset_of(direction.of_present_asset(klines, series), series, settings)
        if _needs_evaluation(state, now):
            evaluation = direction.evaluate(dataset, series, settings, trials=shared.trials)
            verdict = evaluation.evidence.verdict
            predictions.append(_walk_forward(dataset, evaluation, told))
            evidence = stamp | _evidence(evaluation)
        predictions.append(_live(direction.predict_latest(dataset, settings, verdict), told | _doubt(verdict)))
    except TerminalError as error:  # too few bars, or a price that never moves: said in the evidence, and no failure
        if evidence is None and _needs_evaluation(state, now):
            sentence = f"Not enough data: {error}"
            evidence = stamp | {"verdict": Verdict.NOT_ENOUGH_DATA.value, "sentence": sentence, "trials": shared.trials}
    return predictions, evidence


def _walk_forward(dataset: Dataset, evaluation: Evaluation, stamp: dict[str, object]) -> pl.DataFrame:
    tested = evaluation.tested
    row = tested.row
    fitted_until = np.array([int(dataset.span_end[fold.train].max()) for fold in evaluation.folds])
    fitted_rows = np.array([fold.train.size for fold in evaluation.folds])
    return _frame(
        {
            "as_of": dataset.span_start[row],
            "until": dataset.span_end[row],
            "close": dataset.close[row],
            "probability_up": tested.probability,
            "base_rate_up": tested.baseline_probability,
            "is_up": tested.predicted.astype(np.bool_),
            "fitted_until": fitted_until[tested.fold],
            "fitted_rows": fitted_rows[tested.fold],
        },
        stamp | {"signal": ABSTAIN, "reason": _HINDSIGHT, "kind": WALK_FORWARD, "data_version": dataset.data_version},
    )


def _doubt(verdict: Verdict) -> dict[str, object]:
    """Return why a live forecast is no signal; empty if it is one."""
    return {"reason": _NO_SIGNAL.get(verdict, "")}


def _live(prediction: Prediction, stamp: dict[str, object]) -> pl.DataFrame:
    names = (
        "as_of", "until", "close", "probability_up", "base_rate_up", "signal", "data_version", "fitted_until",
        "fitted_rows",
    )  # fmt: skip
    values = {name: getattr(prediction, name) for name in names}
    values |= stamp | {"is_up": prediction.direction == "up", "kind": LIVE}
    return pl.DataFrame([values], schema=PREDICTION_SCHEMA, orient="row")


def _frame(columns: dict[str, np.ndarray[tuple[int], np.dtype[np.generic]]], stamp: dict[str, object]) -> pl.DataFrame:
    frame = pl.DataFrame(columns).with_columns(
        pl.lit(stamp.get(name), dtype=kind).alias(name)
        for name, kind in PREDICTION_SCHEMA.items()
        if name not in columns
    )
    return frame.select(pl.col(name).cast(kind) for name, kind in PREDICTION_SCHEMA.items())


def _evidence(evaluation: Evaluation) -> dict[str, object]:
    found = evaluation.evidence
    scores = {"accuracy": found.model.accuracy, "base_rate": found.baseline.accuracy, "difference": found.difference}
    numbers: dict[str, float | None] = {}
    for name, estimate in scores.items():
        value = f"{name}_accuracy" if name == "base_rate" else name
        interval = estimate.interval
        numbers |= {value: estimate.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
    return {name: None if number is None or math.isnan(number) else number for name, number in numbers.items()} | {
        "first_as_of": found.first_at,
        "last_as_of": found.last_at,
        "rows": found.n,
        "folds": found.claim.folds,
        "verdict": found.verdict.value,
        "sentence": found.sentence,
        "trials": found.claim.trials,
    }
