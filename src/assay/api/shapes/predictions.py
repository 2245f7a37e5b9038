"""Shapes of forecasts and of what they have been worth."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from assay.api.shapes.shape import IntervalCode, KnownAt, Market, Moment, Number, Series, Shape, Symbol, Venue, said

Probability = Annotated[
    Number, said("Probability, 0 to 1, that the price is higher at `until`; null of a forecast of a value.", 0.52)
]
Signal = Annotated[
    str,
    said(
        "`UP` or `DOWN` of a champion, or where the model of the build has shown skill; `BUY`, `SELL` or `HOLD` of a "
        "task like `signal_24h`; else `ABSTAIN`.",
        "ABSTAIN",
    ),
]
Reason = Annotated[str, said("Why the signal is `ABSTAIN` or `HOLD`; empty otherwise.", "the model has shown no skill")]
Task = Annotated[
    str, said("What is foretold: `direction_24h`, `delta_1h`, `signal_24h` and the like.", "direction_24h")
]
Model = Annotated[str, said("Estimator.", "logistic")]
Version = Annotated[
    str, said("Version of the model in the registry; empty for what is fitted with each build.", "4f1c0a9be2d7")
]
Horizon = Annotated[float, said("How far ahead, in hours.", 24)]
Value = Annotated[Number, said("Foretold change of the price until then, in the quote; null of a direction.", 120.5)]
Low = Annotated[Number, said("Lower end of the band that the change lies in, in the quote.", -410.0)]
High = Annotated[Number, said("Upper end of that band, in the quote.", 655.0)]
Move = Annotated[Number, said("How far the price is expected to go, a fraction with its sign.", 0.011)]
Confidence = Annotated[Number, said("How probable a direction has to be to be acted on, 0.5 to 1.", 0.75)]
Cost = Annotated[Number, said("What getting in and out together costs, a fraction.", 0.002)]
KIND = (
    "`live`: made when that bar was the newest; `walk_forward`: made later, fitted on nothing after; `computed`: by "
    "the champion when this was asked, from what could be known then; `abstained`: nothing could be foretold."
)
Accuracy = Annotated[Number, said("Fraction of right forecasts out of sample; null with too little data.", 0.531)]


class Prediction(Shape):
    """The latest forecast of a series, and what its model has been worth on it."""

    probability_up: Probability
    signal: Signal
    reason: Reason
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
    task: Task
    model: Model
    model_version: Version
    horizon_hours: Horizon
    kind: Annotated[str | None, said(KIND, "live")]
    value: Value
    low: Low
    high: High
    expected_move: Move
    confidence: Confidence
    cost: Cost
    sentence: Annotated[str, said("The evidence in words.", "no skill: 53.1 % right, 52.9 % by the base rate")]


class SymbolPrediction(Shape):
    """The latest forecast of one series for one task."""

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
    """The latest forecast of every series and task."""

    predictions: list[SymbolPrediction]


class PastPrediction(Shape):
    """One forecast against what happened."""

    as_of: Moment
    until: Moment
    kind: Annotated[str, said(KIND, "live")]
    task: Task
    model: Model
    model_version: Version
    horizon_hours: Horizon
    close: Annotated[Number, said("Close at `as_of`, in the quote; null where its bar is missing.", 64_210.5)]
    probability_up: Probability
    base_rate_up: Annotated[Number, said("How often the price rose over the horizon, 0 to 1; null if not kept.", 0.51)]
    value: Value
    low: Low
    high: High
    is_up: Annotated[bool | None, said("What was foretold; null where nothing was.", True)]
    expected_move: Move
    confidence: Confidence
    cost: Cost
    signal: Signal
    reason: Reason
    data_version: Annotated[
        str, said("Hash of the bars that it follows from; empty of older forecasts.", "8c1f6e0d7a2b9354")
    ]
    fitted_until: Annotated[
        datetime | None,
        said("When the last outcome that had a part in the model was known, UTC.", "2026-04-30T09:00:00Z"),
    ]
    known_at: Annotated[datetime, said("When it was made, UTC.", "2026-05-01T09:00:21Z")]
    close_then: Annotated[Number, said("Close at `until`; null while it is not known.", 65_002.0)]
    went_up: Annotated[bool | None, said("What happened; null while it is not known.", True)]
    was_right: Annotated[bool | None, said("Whether that was foretold; null while it is not known.", True)]
    error: Annotated[Number, said("Of a value: the foretold change less the one that came, in the quote.", -671.0)]
    is_inside: Annotated[bool | None, said("Whether the change that came lies in the band.", True)]
    net_return: Annotated[
        Number,
        said("What acting on the signal gave net of costs, a fraction; 0 of `HOLD`, null of `ABSTAIN`.", 0.0103),
    ]


class PredictionHistory(Shape):
    """Past forecasts of one series, the latest first."""

    series: Series
    interval: IntervalCode
    task: Task
    tasks: Annotated[list[str], said("All tasks of which there are forecasts of the series.", ["direction_24h"])]
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
    others: Annotated[list[PastPrediction], said("What other models said at that moment of the same task.")]
