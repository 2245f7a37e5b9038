"""A model in memory, backtested: taught anew before each part of the period, from outcomes that were known by then.

What somebody fitted in a notebook does not say on which rows. So it is not asked as it is: an untaught copy learns from
what came before each part, one horizon apart from it, and is asked about that part alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

import numpy as np
import polars as pl

from assay.backtest.layout import Floats, Ints
from assay.domain.errors import BadInputError, NoDataError
from assay.domain.instrument import SeriesId
from assay.features.labels.names import DIRECTION as DIRECTION_LABEL
from assay.features.sets import DIRECTION
from assay.lake.trials import Value
from assay.models.registry import StorableDirection, new_direction
from assay.pipelines.backtest_columns import features_of_set, request_of
from assay.pipelines.backtest_market import LakeMarket
from assay.pipelines.backtest_sizing import Sizing
from assay.pipelines.backtest_strategies import Made, Maker, Thresholds, made_of
from assay.pipelines.direction import of_present_asset
from assay.pipelines.training_rows import find_features
from assay.pipelines.training_table import TableRequest, label_named, make_training_table
from assay.pipelines.workspace import Workspace

_FEWEST_ROWS = 100


@dataclass(slots=True)
class EstimatorAsClassifier:
    """An estimator of the registry with its usual parameters, spoken to as :class:`Teachable`."""

    name: str
    _taught: StorableDirection | None = None

    def fit(self, X: pl.DataFrame, y: Ints) -> EstimatorAsClassifier:  # noqa: N803
        """Learn from rows, the oldest first."""
        self._taught = new_direction(self.name, X.columns)
        self._taught.fit(_matrix(X), y.astype(np.float64))
        return self

    def predict_proba(self, X: pl.DataFrame) -> Floats:  # noqa: N803
        """Return the probabilities of both classes, shape (n, 2)."""
        assert self._taught is not None
        up = self._taught.predict_proba(_matrix(X))
        return np.column_stack([1.0 - up, up])


def taught_estimator(name: str, **chosen: Any) -> TaughtPlan:  # noqa: ANN401  # what a TaughtPlan has
    """Return the plan of an estimator of the registry; BadInputError if it foretells no direction."""
    new_direction(name, ())
    return TaughtPlan(partial(EstimatorAsClassifier, name), name, **chosen)


def _matrix(rows: pl.DataFrame) -> Floats:
    return np.ascontiguousarray(rows.cast(pl.Float64).to_numpy(), dtype=np.float64)


class Teachable(Protocol):
    """What scikit-learn calls a classifier."""

    def fit(self, X: Any, y: Any) -> Any:  # noqa: ANN401, N803  # the names are scikit-learn's
        """Learn from rows."""
        ...

    def predict_proba(self, X: Any) -> Any:  # noqa: ANN401, N803
        """Return the probabilities of both classes, shape (n, 2)."""
        ...


@dataclass(frozen=True, slots=True)
class TaughtPlan:
    """Be long while a classifier foretells a rise.

    Attributes
    ----------
    untaught : callable
        Makes a copy that has learned nothing.
    name : str
    chosen : mapping
        Its parameters, for the ledger.
    features, label : str
        Feature set, and a label of a direction such as ``direction_24h``.
    thresholds : Thresholds
    parts : int, optional
        Of the period; before each it is taught anew. ``model.folds`` if it is not said.
    """

    untaught: Callable[[], Teachable]
    name: str
    chosen: Mapping[str, Value] = field(default_factory=dict, hash=False)
    features: str = DIRECTION.name
    label: str = "direction"
    thresholds: Thresholds = field(default_factory=Thresholds)
    parts: int | None = None

    kind = "classifier"

    def parameters(self) -> dict[str, Value]:
        """Return the classifier, its parameters, and what it is taught."""
        return {
            "classifier": self.name, "label": self.label,
            **{f"classifier.{name}": value for name, value in self.chosen.items()}, **self.thresholds.parameters(),
            **({} if self.parts is None else {"parts": self.parts}),
        }  # fmt: skip

    def not_before(self, workspace: Workspace, series: SeriesId) -> None:
        """Return nothing: it is taught by what came before."""

    def maker(self, workspace: Workspace, found: LakeMarket, plans: Sequence[TaughtPlan]) -> Maker:  # noqa: ARG002
        """Return what makes signals of what it says of each part of the period.

        Raises
        ------
        NoDataError
            If there are fewer than 100 rows to learn from before the first part.
        BadInputError
            If the label is none of a direction, or the classifier fails.
        """
        rule = label_named(workspace, self.label)
        if rule.kind != DIRECTION_LABEL:
            raise BadInputError("a classifier is taught a direction", value=rule.name, todo="give direction_24h")
        chosen = find_features(workspace, self.features, found.series.interval)
        asked = request_of(found, self.features)
        table = make_training_table(
            workspace, TableRequest((asked.symbol,), self.features, rule.name, asked.interval, asked.span)
        )  # fmt: skip
        rows = of_present_asset(table.frame, found.series)
        matrix = features_of_set(workspace, found, self.features).select(chosen.names).fill_null(np.nan)
        is_whole = np.isfinite(matrix.to_numpy()).all(axis=1)
        blocks = min(self.parts or workspace.settings.model.folds, int(is_whole.sum()))
        said = np.full(matrix.height, np.nan)
        for places in np.array_split(np.flatnonzero(is_whole), max(blocks, 1)):
            if places.size:
                begins = found.bars["close_time"][int(places[0])]
                known = rows.filter(pl.col("until") + rule.horizon <= begins)
                said[places] = self._said(known, matrix[places], chosen.names, rule.column)
        # Its name and parameters need not say what a classifier does, nor that chance has a part in it.
        answers = hashlib.sha256(said.tobytes()).hexdigest()[:16]
        told = f"{self.name}, taught {rule.name} anew before each of {blocks} parts from outcomes known "
        told += f"{rule.horizon / timedelta(hours=1):g} h before"

        def made(plan: TaughtPlan, sizing: Sizing, volatility: Floats | None) -> Made:
            flags, how = plan.thresholds.flags(said, usual=0.5, what="the probability of a rise")
            signals = made_of(found, flags, (sizing, volatility), (table.feature_set, (told, how)))
            return replace(signals, said=answers)

        return made

    def _said(self, known: pl.DataFrame, matrix: pl.DataFrame, names: tuple[str, ...], label: str) -> Floats:
        if known.height < _FEWEST_ROWS or known[label].n_unique() < 2:
            todo = f"it needs {_FEWEST_ROWS} rows of both answers from before the period; start later"
            raise NoDataError("too few rows to teach a model", value=f"{known.height:,} rows", todo=todo)
        model = self.untaught()
        try:
            model.fit(known.select(names), known[label].cast(pl.Int64).to_numpy())
            said: Floats = np.asarray(model.predict_proba(matrix), dtype=np.float64)[:, 1]
        except Exception as error:
            if isinstance(error, BadInputError):
                raise
            raise BadInputError(
                f"the classifier {self.name} fails", value=f"{type(error).__name__}: {error}", todo="mend it"
            ) from error
        if said.size != matrix.height:
            value = f"{said.size:,} probabilities of {matrix.height:,} rows"
            raise BadInputError(f"the classifier {self.name} fails", value=value, todo="mend it")
        return said
