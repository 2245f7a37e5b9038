"""Columns of a backtest by name, at the close of each of its bars: of the bars, of feature sets, of indicators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from assay.backtest.layout import Floats
from assay.domain.errors import BadInputError
from assay.features.declared import set_of_texts
from assay.pipelines import steps
from assay.pipelines.backtest_market import COLUMNS, LakeMarket
from assay.pipelines.computing import ComputeRequest, compute_features
from assay.pipelines.feature_sets import know_own_steps
from assay.pipelines.training_rows import find_features
from assay.pipelines.workspace import Workspace

ON_BARS = "bars"
"""What computes columns that are read and not computed."""
_OF_BARS = COLUMNS[2:]


def columns_of(workspace: Workspace, found: LakeMarket, names: Sequence[str], features: str) -> dict[str, Floats]:
    """Return columns by name at the close of each bar, NaN where one has no value.

    A name means a column of the bars, else one of the feature set, else an indicator.

    Raises
    ------
    BadInputError
        If a name means none of them, or an indicator of several columns.
    """
    columns = {name: _floats(found.bars[name]) for name in names if name in _OF_BARS}
    of_set = _of_set(workspace, found, names, features)
    if of_set:
        frame = features_of_set(workspace, found, features)
        columns |= {name: _floats(frame[name]) for name in of_set}
    wanted = [name for name in names if name not in columns]
    if wanted:
        know_own_steps(workspace)
        outputs = {name: _output(name, found, features) for name in wanted}
        frame = _of_bars(compute_features(workspace, request_of(found, ",".join(wanted))).frame, found)
        columns |= {name: _floats(frame[output]) for name, output in outputs.items()}
    return columns


def check_names(found: LakeMarket, names: Sequence[str], features: str) -> None:
    """Raise BadInputError if a name is no column of the bars, and no indicator of one column."""
    if not features:
        for name in dict.fromkeys(names):
            if name not in _OF_BARS:
                _output(name, found, features)


def of_indicator(workspace: Workspace, found: LakeMarket, name: str, column: str) -> Floats:
    """Return one column of an indicator at the close of each bar, NaN where it has no value."""
    know_own_steps(workspace)
    return _floats(_of_bars(compute_features(workspace, request_of(found, name)).frame, found)[column])


def feature_set_of(workspace: Workspace, found: LakeMarket, names: Sequence[str], features: str) -> str:
    """Return the names of what computes these columns; :data:`ON_BARS` where nothing does."""
    interval, parts = found.series.interval, []
    of_set = _of_set(workspace, found, names, features)
    if of_set:
        parts.append(steps.identity(find_features(workspace, features, interval).feature_set))
    wanted = [name for name in names if name not in of_set and name not in _OF_BARS]
    if wanted:
        parts.append(steps.identity(set_of_texts(wanted, interval).feature_set))
    return " ".join(parts) or ON_BARS


def _of_set(workspace: Workspace, found: LakeMarket, names: Sequence[str], features: str) -> list[str]:
    """Return those of the names that are columns of the feature set and none of the bars."""
    declared = find_features(workspace, features, found.series.interval).names if features else ()
    return [name for name in names if name in declared and name not in _OF_BARS]


def _output(name: str, found: LakeMarket, features: str) -> str:
    """Return the column that an indicator's name means."""
    try:
        outputs = set_of_texts([name], found.series.interval).columns
    except BadInputError as error:
        where = f"neither bars nor {features} nor indicators have" if features else "neither bars nor indicators have"
        what = f"a rule names a column that {where}"
        raise BadInputError(what, value=name, todo=f"{error.what}: {error.todo}") from error
    if len(outputs) > 1:
        todo = f"name one of its columns, as `assay features list` does; it has {', '.join(outputs)}"
        raise BadInputError("a rule names an indicator of several columns", value=name, todo=todo)
    return outputs[0]


def request_of(found: LakeMarket, features: str) -> ComputeRequest:
    """Return the request of features over all bars until the end of the period, from its point of view."""
    series = found.series
    return ComputeRequest(
        f"{series.place}:{series.symbol}", features, series.interval.code, replace(found.span, start=None)
    )  # fmt: skip


def features_of_set(workspace: Workspace, found: LakeMarket, name: str) -> pl.DataFrame:
    """Return the features of a set at the close of each bar."""
    return _of_bars(compute_features(workspace, request_of(found, name)).frame, found)


def _of_bars(frame: pl.DataFrame, found: LakeMarket) -> pl.DataFrame:
    return found.bars.select("open_time").join(frame, on="open_time", how="left", maintain_order="left")


def _floats(column: pl.Series) -> Floats:
    values: Floats = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
    return values
