"""Features of any series over bars of the lake: a set or a few Steps in, a frame out, with what computed it.

All bars before the range go in as well, so that a value does not depend on where the range begins.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import yaml

from assay.domain.errors import BadInputError, NoDataError
from assay.domain.instrument import Resolution, resolve
from assay.domain.interval import Interval
from assay.features.against import Against, references_of
from assay.features.aliases import StepColumn, usual_name
from assay.features.bars import Bars, FloatArray
from assay.features.compile import use_cache_dir
from assay.features.declared import DeclaredSet, declared_set, steps_of
from assay.features.drivers import run_batch
from assay.features.sets import FEATURE_SETS, FeatureSet, find_set
from assay.features.step import Step
from assay.lake import content, reads
from assay.lake.reads import Span
from assay.pipelines import steps
from assay.pipelines.references import reference_values
from assay.pipelines.workspace import Workspace

STEP_NAMES, USUAL_NAMES = "steps", "usual"
_REFERENCE = "reference"
KEY = ("venue", "market", "symbol", "interval", "open_time")
_COLUMNS = (
    "open_time", "close_time", "open", "high", "low", "close", "volume", "quote_volume", "taker_buy_volume",
    "num_trades", "available_at",
)  # fmt: skip


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


def known_sets(workspace: Workspace, interval: Interval | None = None) -> dict[str, DeclaredSet]:
    """Return the feature sets by name: those that are shipped and those of the files in ``features.sets``.

    Raises
    ------
    BadInputError
        If a file cannot be read, declares none, or takes a name that is taken.
    """
    found = {name: DeclaredSet(one) for name, one in FEATURE_SETS.items()}
    for text in workspace.settings.features.sets:
        path = Path(text).expanduser()
        made = _read(path, interval)
        if made.feature_set.name in found:
            todo = f"call the set in {path} something else"
            raise BadInputError("two feature sets of one name", value=made.feature_set.name, todo=todo)
        found[made.feature_set.name] = made
    return found


def compute_features(workspace: Workspace, request: ComputeRequest) -> ComputedFeatures:
    """Return the features that `request` names.

    Raises
    ------
    BadInputError
        If a name is none.
    NoDataError
        If no series answers to the symbol, or no bar is in the range.
    """
    if request.names not in {STEP_NAMES, USUAL_NAMES}:
        raise BadInputError("unknown kind of names", value=request.names, todo=f"{STEP_NAMES} or {USUAL_NAMES}")
    chosen = chosen_set(workspace, request.features, Interval.parse(request.interval))
    chosen = _held_against(chosen, request.reference)
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
        held_against = {
            name: reference_values(lake, name, bars, interval=found.series.interval, span=span, places=places)
            for name in sorted({name for step in chosen.feature_set.steps for name in references_of(step)})
        }
    columns = _columns(chosen, bars, held_against, names=request.names)
    keys = zip(KEY, found.series.key, strict=False)
    # A feature may depend on any bar before it.
    available = np.maximum.accumulate(klines["available_at"].dt.epoch("us").to_numpy())
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


def chosen_set(workspace: Workspace, features: str, interval: Interval | None = None) -> DeclaredSet:
    """Return the set of that name, or one of the Steps that are named with commas between them.

    Raises
    ------
    BadInputError
        If a name is none.
    """
    sets = known_sets(workspace, interval)
    if features in sets:
        return sets[features]
    texts = [text for text in features.split(",") if text.strip()]
    if not texts:
        raise BadInputError("no features named", value=features, todo="name a set, or Steps such as rsi:14,ema:26")
    try:
        made = steps_of(texts, interval)
    except BadInputError:
        if len(texts) == 1 and any(features.startswith(name[:4]) for name in sets):
            find_set(features)  # it looks like the name of a set: say which is near
        raise
    return DeclaredSet(FeatureSet("chosen", 1, made))


def _held_against(chosen: DeclaredSet, name: str) -> DeclaredSet:
    """Return the set with every Step that reads a reference held against one."""
    made: list[Step] = []
    for step in chosen.feature_set.steps:
        is_lacking = _REFERENCE in step.inputs and not references_of(step)
        if is_lacking and not name:
            todo = "name one, such as BTC-USDT, as reference"
            raise BadInputError("a step that needs something to be held against", value=step.outputs[0], todo=todo)
        made.append(Against(step, name) if is_lacking else step)
    return dataclasses.replace(chosen, feature_set=dataclasses.replace(chosen.feature_set, steps=tuple(made)))


def _read(path: Path, interval: Interval | None) -> DeclaredSet:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError) as error:
        todo = getattr(error, "strerror", None) or "write it as UTF-8 text"
        raise BadInputError("a file of features.sets cannot be read", value=path, todo=todo) from error
    except yaml.YAMLError as error:
        raise BadInputError("a feature set that is not YAML", value=path, todo=" ".join(str(error).split())) from error
    try:
        return declared_set(document, interval)
    except BadInputError as error:
        raise BadInputError(f"{path}: {error.what}", value=error.value, todo=error.todo) from error


def _columns(
    chosen: DeclaredSet, bars: Bars, held_against: Mapping[str, FloatArray], *, names: str
) -> dict[str, FloatArray]:
    """Return the columns by the names that they are to have."""
    found: dict[str, FloatArray] = {}
    for step in chosen.feature_set.steps:
        against = [held_against[name] for name in references_of(step)]
        values, _ = run_batch(step, dataclasses.replace(bars, reference=against[0]) if against else bars)
        for column, output in enumerate(step.outputs):
            found[_named(chosen, step, output, names)] = values[:, column]
    if len(found) < len(chosen.feature_set.columns):
        todo = f"take --names {STEP_NAMES}, or other aliases"
        raise BadInputError("two columns of one name", value=", ".join(chosen.feature_set.columns), todo=todo)
    return found


def _named(chosen: DeclaredSet, step: Step, output: str, names: str) -> str:
    if output in chosen.aliases:
        return chosen.aliases[output]
    return usual_name(StepColumn(step, output)) if names == USUAL_NAMES else output
