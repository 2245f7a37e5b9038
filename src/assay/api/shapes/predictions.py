"""Shapes of forecasts and of what they have been worth."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from assay.api.shapes.shape import IntervalCode, KnownAt, Market, Moment, Number, Series, Shape, Symbol, Venue, said

Probability = Annotated[Number, said("Probability, 0 to 1, that the price is higher at `until`.", 0.52)]
Accuracy = Annotated[Number, said("Fraction of right forecasts out of sample; null with too little data.", 0.531)]


class Prediction(Shape):
    """The latest forecast of a series, and what its model has been worth on it."""

    probability_up: Probability
    signal: Annotated[str, said("`UP` or `DOWN` where the model has shown skill, else `ABSTAIN`.", "ABSTAIN")]
    verdict: Annotated[str | None, said("What the evidence allows to be said.", "no skill")]
    as_of: Annotated[datetime | None, said("Moment of the forecast, UTC.", "2026-05-01T09:00:00Z")]
    until: Annotated[datetime | None, said("Moment it is about, UTC.", "2026-05-02T09:00:00Z")]
    accuracy: Accuracy
    accuracy_low: Annotated[Number, said("Lower end of the 95 % interval of `accuracy`.", 0.508)]
    accuracy_high: Annotated[Number, said("Upper end of the 95 % interval of `accuracy`.", 0.552)]
    base_rate_accuracy: Annotated[Number, said("The same of always saying what was more frequent.", 0.529)]
    trials: Annotated[int | None, said("Configurations ever evaluated on the series, this one included.", 1)]
    first_as_of: Annotated[datetime | None, said("First forecast that was judged, UTC.", "2024-08-01T00:00:00Z")]
    last_as_of: Annotated[datetime | None, said("Last forecast that was judged, UTC.", "2026-04-30T09:00:00Z")]
    model: Annotated[str, said("Model.", "logistic")]
    horizon_hours: Annotated[int, said("How far ahead, in hours.", 24)]
    sentence: Annotated[str, said("The evidence in words.", "no skill: 53.1 % right, 52.9 % by the base rate")]


class SymbolPrediction(Shape):
    """The latest forecast of one series."""

    series: Series
    venue: Venue
    market: Market
    symbol: Symbol
    interval: IntervalCode
    close: Annotated[Number, said("Close of the last bar used, in the quote.", 64_210.5)]
    base_rate_up: Annotated[Number, said("How often the price rose over the horizon, 0 to 1.", 0.51)]
    fitted_until: Annotated[datetime | None, said("End of the last label the model was fitted on, UTC.")]
    fitted_rows: Annotated[int | None, said("Labels the model was fitted on.", 17_000)]
    known_at: KnownAt
    brief: Prediction


class Predictions(Shape):
    """The latest forecast of every series."""

    predictions: list[SymbolPrediction]


class PastPrediction(Shape):
    """One forecast against what happened."""

    as_of: Moment
    until: Moment
    kind: Annotated[
        str,
        said("`live`: made when that bar was the newest; `walk_forward`: made later, fitted on nothing after.", "live"),
    ]
    model: Annotated[str, said("Model.", "logistic")]
    horizon_hours: Annotated[int, said("How far ahead, in hours.", 24)]
    close: Annotated[float, said("Close at `as_of`, in the quote.", 64_210.5)]
    probability_up: Annotated[float, said("Probability that the price is higher at `until`, 0 to 1.", 0.52)]
    base_rate_up: Annotated[float, said("How often the price rose over the horizon, 0 to 1.", 0.51)]
    is_up: Annotated[bool, said("What was foretold.", True)]
    signal: Annotated[str, said("`UP` or `DOWN` where the model has shown skill, else `ABSTAIN`.", "ABSTAIN")]
    close_then: Annotated[Number, said("Close at `until`; null while it is not known.", 65_002.0)]
    went_up: Annotated[bool | None, said("What happened; null while it is not known.", True)]
    was_right: Annotated[bool | None, said("Whether that was foretold; null while it is not known.", True)]


class PredictionHistory(Shape):
    """Past forecasts of one series, the latest first."""

    series: Series
    interval: IntervalCode
    known: Annotated[int, said("How many of them have an outcome.", 180)]
    right: Annotated[int, said("How many of those were right.", 93)]
    rows: list[PastPrediction]


class MadePrediction(Shape):
    """The forecast that was made at a moment, and what its model has been worth."""

    series: Series
    interval: IntervalCode
    asked: Annotated[datetime, said("The moment asked for, UTC.", "2026-05-01T09:00:00Z")]
    prediction: PastPrediction
    brief: Prediction
