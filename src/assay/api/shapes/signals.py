"""Shapes of signals."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from assay.api.shapes.predictions import Model, Move, Probability, Task, Version
from assay.api.shapes.shape import IntervalCode, KnownAt, Market, Number, Series, Shape, Symbol, Venue, said


class Signal(Shape):
    """What is to be done with one series, by one model."""

    series: Series
    venue: Venue
    market: Market
    symbol: Symbol
    interval: IntervalCode
    task: Task
    action: Annotated[
        str, said("`BUY`, `SELL`, `HOLD` (nothing is worth doing) or `ABSTAIN` (nothing can be said).", "HOLD")
    ]
    reason: Annotated[
        str,
        said(
            "Why; never empty.",
            "the likelier direction has a probability of 0.542, and 0.750 is asked for",
        ),
    ]
    probability_up: Probability
    confidence: Annotated[Number, said("Probability of the likelier direction, 0.5 to 1.", 0.542)]
    confidence_needed: Annotated[Number, said("How high it has to be to be acted on, 0.5 to 1.", 0.75)]
    expected_move: Move
    cost: Annotated[Number, said("What getting in and out together costs, a fraction.", 0.002)]
    close: Annotated[Number, said("The price that it starts from, in the quote.", 64_210.5)]
    as_of: Annotated[datetime | None, said("Moment of the forecast, UTC.", "2026-05-01T09:00:00Z")]
    until: Annotated[datetime | None, said("Moment it is about, UTC.", "2026-05-02T09:00:00Z")]
    model: Model
    model_version: Version
    verdict: Annotated[str | None, said("What the evidence of the model allows to be said.", "no_skill")]
    known_at: KnownAt


class Signals(Shape):
    """What is to be done at a moment."""

    signals: Annotated[list[Signal], said("By series and task.")]
