"""What a champion foretells from one bar: the same numbers in a batch after a build and whenever it is asked.

A number is said only where everything that it follows from is there and proven. Else there is a row that abstains and
says why: the newest bar is late, a bar is missing in the warm-up, a feature has no value, or the model is in doubt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import polars as pl

from assay.domain.errors import AssayError
from assay.domain.instrument import SeriesId
from assay.features.bars import Bars
from assay.features.compile import use_cache_dir
from assay.features.own import running
from assay.features.referenced import run_referenced
from assay.lake import reads
from assay.lake.prediction_tables import ABSTAIN, ABSTAINED, LIVE, PREDICTION_SCHEMA
from assay.lake.reads import Span
from assay.measures.signals import HOLD, WORDS, decide, expected_moves
from assay.models.registry import StorableDirection, StorableValue
from assay.pipelines import coin_bars, steps
from assay.pipelines.champions import Champion
from assay.pipelines.direction import of_present_asset
from assay.pipelines.references import reference_columns
from assay.pipelines.tasks import Task
from assay.pipelines.workspace import Workspace

if TYPE_CHECKING:
    import duckdb

COMPUTED = "computed"
"""Kind of a forecast that was made when somebody asked; no table holds one."""
COLUMNS = reads.STEP_COLUMNS
_HOUR = timedelta(hours=1)


class _NothingToSayError(Exception):
    """No number follows from what is there."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One forecast that is wanted.

    Attributes
    ----------
    series : SeriesId
    at : datetime
        The moment of the forecast: the close of a bar.
    now : datetime
        When it is made.
    kind : str
        ``live`` or ``computed``.
    span : Span
        From whose point of view other series are seen.
    """

    series: SeriesId
    at: datetime
    now: datetime
    kind: str = LIVE
    span: Span = reads.EVERYTHING


def read_bars(lake: duckdb.DuckDBPyConnection, series: SeriesId, span: Span) -> pl.DataFrame:
    """Return the closed bars that a series is foretold from; of a coin, those of its prices.

    Raises
    ------
    NoDataError
        If there is none.
    """
    if series.venue == coin_bars.VENUE:
        return coin_bars.read_coin_bars(lake, series, span).select(COLUMNS)
    return reads.read_klines(lake, series, span, COLUMNS)


def due_at(workspace: Workspace, series: SeriesId, closed_until: datetime, *, now: datetime) -> datetime:
    """Return the moment that is foretold from `now`: the close of the newest bar, or that of the one that is missing.

    A bar is late once the next one should have closed ``model.tolerance_minutes`` ago.
    """
    length = series.interval.duration
    tolerance = timedelta(minutes=workspace.settings.model.tolerance_minutes)
    return closed_until if now - closed_until <= length + tolerance else series.interval.floor(now)


def foretell(
    workspace: Workspace, champion: Champion, asked: Asked, *, lake: duckdb.DuckDBPyConnection, klines: pl.DataFrame
) -> dict[str, object]:
    """Return what a champion says at the close of a bar, as a row of ``gold.price_predictions``.

    Parameters
    ----------
    workspace : Workspace
    champion : Champion
    asked : Asked
    lake : connection
        For what features are held against.
    klines : polars.DataFrame
        Closed bars of the series with :data:`COLUMNS`, in order of time; what closed after `asked.at` is not looked at.

    Returns
    -------
    dict of str to object
        One that abstains, with its reason, where no number follows from what is there. The same bars, model and moment
        give the same numbers, bit for bit.
    """
    use_cache_dir(workspace.home.cache / "numba")
    row = _stamped(champion, asked)
    try:
        return row | _numbers(workspace, champion, asked, lake=lake, klines=klines)
    except (_NothingToSayError, AssayError) as error:
        return row | {"signal": ABSTAIN, "reason": str(error), "kind": ABSTAINED, "data_version": ""}


def _stamped(champion: Champion, asked: Asked) -> dict[str, object]:
    """Return what is known of a forecast before it is made."""
    standing, paper = champion.standing, champion.paper
    horizon = champion.task.horizon if champion.task else timedelta()
    rows = paper.evidence.get("rows") if paper else None
    told = dict(zip(("venue", "market", "symbol", "interval"), asked.series.key, strict=True))
    return dict.fromkeys(PREDICTION_SCHEMA) | {
        **told,
        "task": standing.key.task,
        "model": paper.estimator if paper else "",
        "model_version": standing.version,
        "feature_set": paper.feature_set if paper else "",
        "horizon_hours": horizon / _HOUR,
        "as_of": asked.at,
        "until": asked.at + horizon,
        "kind": asked.kind,
        "fitted_until": paper.seen_until if paper else None,
        "fitted_rows": rows if isinstance(rows, int) else None,
        "known_at": asked.now,
    }


def _numbers(
    workspace: Workspace, champion: Champion, asked: Asked, *, lake: duckdb.DuckDBPyConnection, klines: pl.DataFrame
) -> dict[str, object]:
    if champion.doubt or not (champion.artefact and champion.features and champion.task and champion.paper):
        raise _NothingToSayError(f"the champion is not asked: {champion.doubt or 'it is not there'}")
    bars = _bars(klines, asked, warmup=champion.features.feature_set.warmup)
    chosen = champion.features
    references = reference_columns(
        lake, chosen.feature_set, bars, interval=asked.series.interval, span=asked.span,
        places=workspace.settings.preferred_places,
    )  # fmt: skip
    with running(*chosen.feature_set.steps):
        matrix = run_referenced(chosen.feature_set, bars, {name: one.values for name, one in references.items()})
    row = np.ascontiguousarray(matrix[-1:, chosen.places], dtype=np.float64)
    absent = [name for name, value in zip(chosen.names, row[0], strict=True) if not np.isfinite(value)]
    if absent:
        raise _NothingToSayError(f"a feature has no value: {', '.join(absent)}")
    close = float(bars.close[-1])
    told = _said(champion.task, champion, row, close=close, settings_cost=2 * workspace.settings.model.cost_bps / 1e4)
    reason = "; ".join(filter(None, (str(told["reason"]), champion.standing.trouble)))
    return {**told, "reason": reason, "close": close, "data_version": steps.data_version_of(bars)}


def _bars(klines: pl.DataFrame, asked: Asked, *, warmup: int) -> Bars:
    """Return the bars up to the moment, if they end there and none is missing in the warm-up of the features."""
    known = of_present_asset(klines.filter(pl.col("close_time") <= asked.at), asked.series) if klines.height else klines
    if known.is_empty():
        raise _NothingToSayError("there is no closed bar yet")
    newest = known["close_time"][-1]
    if newest != asked.at:
        late = asked.at - newest
        raise _NothingToSayError(f"the newest bar closed at {newest:%Y-%m-%d %H:%M} UTC, {late} before: it is late")
    if known.height <= warmup:
        raise _NothingToSayError(f"{known.height} bars are there, and the features need {warmup + 1}")
    since = asked.at - (warmup + 1) * asked.series.interval.duration
    missing = warmup + 1 - known.filter(pl.col("open_time") >= since).height
    if missing > 0:
        raise _NothingToSayError(f"{missing} of the last {warmup + 1} bars are missing, which the features need")
    return steps.bars_of(known)


def _said(
    task: Task, champion: Champion, row: np.ndarray[tuple[int, int], np.dtype[np.float64]], *,
    close: float, settings_cost: float,
) -> dict[str, object]:  # fmt: skip
    """Return the numbers of a model, and what is to be done on them."""
    assert champion.artefact is not None
    assert champion.paper is not None
    if task.kind == "value":
        estimator = cast("StorableValue", champion.artefact.estimator)
        return _value(float(estimator.predict(row)[0]), close, champion.paper.evidence, settings_cost)
    probability = cast("StorableDirection", champion.artefact.estimator).predict_proba(row)
    is_up = bool(probability[0] > 0.5)
    told = {"probability_up": float(probability[0]), "is_up": is_up, "cost": settings_cost}
    if task.kind == "direction":
        return told | {"signal": "UP" if is_up else "DOWN", "reason": ""}
    terms = _mapping(champion.paper.evidence, "signal")
    try:
        confidence, usual = float(terms["confidence"]), float(terms["usual_move"])
    except (KeyError, TypeError, ValueError):
        raise _NothingToSayError("its paper does not say from which confidence on it acts") from None
    move = expected_moves(probability, usual)
    done = int(decide(probability, move, confidence=confidence, cost=settings_cost)[0])
    reason = "" if done != HOLD else _why_hold(float(probability[0]), float(move[0]), confidence, settings_cost)
    return told | {
        "expected_move": float(move[0]), "confidence": confidence, "signal": WORDS[done], "reason": reason
    }  # fmt: skip


def _value(foretold: float, close: float, evidence: Mapping[str, object], cost: float) -> dict[str, object]:
    """Return a foretold return as a change of the price, with the band that its errors kept."""
    band = _mapping(evidence, "interval")
    is_worth_it = abs(foretold) > cost
    low, high = (band.get(name) for name in ("low", "high"))
    return {
        "value": foretold * close,
        "low": (foretold + float(low)) * close if low is not None else None,
        "high": (foretold + float(high)) * close if high is not None else None,
        "is_up": foretold > 0,
        "expected_move": foretold,
        "cost": cost,
        "signal": ("UP" if foretold > 0 else "DOWN") if is_worth_it else WORDS[HOLD],
        "reason": "" if is_worth_it else _too_small(foretold, cost),
    }


def _why_hold(probability: float, move: float, confidence: float, cost: float) -> str:
    likelier = max(probability, 1.0 - probability)
    if likelier < confidence:
        return f"the likelier direction has a probability of {likelier:.3f}, and {confidence:.3f} is asked for"
    return _too_small(move, cost)


def _too_small(move: float, cost: float) -> str:
    return f"the expected move of {100 * move:.2f} % does not cover costs of {100 * cost:.2f} %"


def _mapping(document: Mapping[str, object], name: str) -> Mapping[str, Any]:
    found = document.get(name)
    return found if isinstance(found, Mapping) else {}
