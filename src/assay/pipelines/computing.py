"""Features of any series over bars of the lake: a set or a few Steps in, a frame out, with what computed it.

All bars before the range go in as well, so that a value does not depend on where the range begins.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from assay.domain.errors import BadInputError, NoDataError
from assay.domain.instrument import Resolution, resolve
from assay.domain.interval import Interval
from assay.features.aliases import StepColumn, usual_name
from assay.features.bars import Bars, FloatArray
from assay.features.compile import use_cache_dir
from assay.features.declared import DeclaredSet
from assay.features.own import running
from assay.features.referenced import run_referenced
from assay.features.step import Step
from assay.lake import content, reads
from assay.lake.identities import spans_of_bars, stated_segments
from assay.lake.reads import Span
from assay.pipelines import steps
from assay.pipelines.feature_sets import check_bars, chosen_set, held
from assay.pipelines.references import available_with, reference_columns
from assay.pipelines.workspace import Workspace

STEP_NAMES, USUAL_NAMES = "steps", "usual"
KEY = ("venue", "market", "symbol", "interval", "open_time")
_COLUMNS = (*reads.STEP_COLUMNS, "available_at")


@dataclass(frozen=True, slots=True)
class ComputeRequest:
    """What to compute over which bars, and from whose point of view.

    Attributes
    ----------
    symbol : str
        Any spelling, or ``venue:market:SYMBOL``.
    features : str
        Name of a feature set, or Steps with commas between them: ``rsi:14,MACD_signal,rolling_mean:24@volume``.
    interval : str, default "1h"
    span : Span
        Rows whose bars open in ``[start, end)``; only bars that are closed.
    names : str, default "steps"
        ``usual`` names the columns as they are usually known: ``RSI_14``.
    reference : str
        What Steps that read a reference, such as beta, are held against where they do not say so themselves.
    """

    symbol: str
    features: str
    interval: str = "1h"
    span: Span = reads.EVERYTHING
    names: str = STEP_NAMES
    reference: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ComputedFeatures:
    """Features of one series.

    Attributes
    ----------
    resolution : Resolution
        The series, and whether it stands in for what was asked.
    feature_set : str
        Name, version and hash of the computation.
    span : Span
        What was asked; `as_of` is set also where it was not: asking with it gives these rows again.
    frame : polars.DataFrame
        venue, market, symbol, interval, open_time, close_time, a column for each feature, null where it has no value,
        and available_at: when a live system could first have had the row.
    content_hash : str
        16 hexadecimal digits of the frame's columns and values, to 12 significant digits.
    """

    resolution: Resolution
    feature_set: str
    span: Span
    frame: pl.DataFrame
    content_hash: str

    def about(self) -> dict[str, object]:
        """Return everything but the rows, as plain values for JSON."""
        moments = {name: getattr(self.span, name) for name in ("start", "end", "as_of", "available_at")}
        return {
            "content_hash": self.content_hash,
            "rows": self.frame.height,
            "series": str(self.resolution.series),
            "is_stand_in": self.resolution.is_stand_in,
            "feature_set": self.feature_set,
            "columns": self.frame.columns,
            **{name: None if moment is None else moment.isoformat() for name, moment in moments.items()},
        }


def compute_features(workspace: Workspace, request: ComputeRequest) -> ComputedFeatures:
    """Return the features that `request` names.

    Raises
    ------
    BadInputError
        If a name is none, or the bars are too long for one.
    NoDataError
        If no series answers to the symbol, or no bar is in the range.
    """
    if request.names not in {STEP_NAMES, USUAL_NAMES}:
        raise BadInputError("unknown kind of names", value=request.names, todo=f"{STEP_NAMES} or {USUAL_NAMES}")
    interval = Interval.parse(request.interval)
    chosen = check_bars(chosen_set(workspace, request.features, interval), interval)
    chosen = held(chosen, request.reference)
    use_cache_dir(workspace.home.cache / "numba")
    with workspace.lake() as lake:
        span = request.span if request.span.as_of else dataclasses.replace(request.span, as_of=reads.known_until(lake))
        span = dataclasses.replace(span, only_closed=True)
        then = reads.list_series(lake, as_of=span.as_of, available_at=span.available_at)
        places = workspace.settings.preferred_places
        found = resolve(request.symbol, then or reads.list_series(lake), places=places, interval=request.interval)
        # The first bars of a range need those before it.
        klines = reads.read_klines(lake, found.series, dataclasses.replace(span, start=None), _COLUMNS)
        bars = steps.bars_of(klines)
        references = reference_columns(
            lake, chosen.feature_set, bars, interval=found.series.interval, span=span, places=places
        )
    values = {name: one.values for name, one in references.items()}
    spans = [one.rows for one in spans_of_bars(klines, stated_segments(found.series.symbol.base))]
    columns = _columns(chosen, bars, values, spans=spans, names=request.names)
    keys = zip(KEY, found.series.key, strict=False)
    # A feature may depend on any bar before it, of the series and of what it is held against.
    available = available_with(klines["available_at"].dt.epoch("us").to_numpy(), references)
    frame = klines.select(
        *(pl.lit(value).alias(name) for name, value in keys),
        "open_time",
        "close_time",
        *(pl.Series(name, values).fill_nan(None) for name, values in columns.items()),
        pl.Series("available_at", available).cast(pl.Datetime("us", "UTC")),
    )
    if span.start is not None:
        frame = frame.filter(pl.col("open_time") >= span.start)
    if frame.is_empty():
        raise NoDataError("no bar is in the range", value=found.series, todo="ask for an earlier one")
    identity = steps.identity(chosen.feature_set)
    return ComputedFeatures(found, identity, span, frame, content.frame_hash(frame, KEY))


def _columns(
    chosen: DeclaredSet, bars: Bars, references: Mapping[str, FloatArray], *, spans: Sequence[slice], names: str
) -> dict[str, FloatArray]:
    """Return the columns by the names that they are to have, computed anew for each of the spans of rows."""
    with running(*chosen.feature_set.steps):
        parts = [
            run_referenced(
                chosen.feature_set,
                bars.rows(rows.start, rows.stop),
                {name: values[rows] for name, values in references.items()},
            )
            for rows in spans
        ]
    matrix = np.concatenate(parts)
    of_step = {output: step for step in chosen.feature_set.steps for output in step.outputs}
    found = {
        _named(chosen, of_step[column], column, names): matrix[:, at]
        for column, at in zip(chosen.columns, chosen.places, strict=True)
    }
    if len(found) < len(chosen.columns):
        todo = f"take --names {STEP_NAMES}, or other aliases"
        raise BadInputError("two columns of one name", value=", ".join(chosen.columns), todo=todo)
    return found


def _named(chosen: DeclaredSet, step: Step, output: str, names: str) -> str:
    if output in chosen.aliases:
        return chosen.aliases[output]
    return usual_name(StepColumn(step, output)) if names == USUAL_NAMES else output
