"""What is to be done at the moment, series by series: BUY, SELL, HOLD or ABSTAIN, and always why.

A signal is acted on where three things hold: its model has shown skill or is the champion, the direction is as probable
as was asked for, and the move that it expects is more than getting in and out costs. A forecast whose time is over says
nothing about now, whatever it said then.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from assay.measures.signals import decide, in_words
from assay.pipelines.workspace import Workspace
from assay.selectors.predictions import SymbolPrediction, predictions

ABSTAIN, HOLD = "ABSTAIN", "HOLD"
_DECIDED = ("BUY", "SELL", HOLD)


@dataclass(frozen=True, slots=True)
class Signal:
    """What is to be done with one series, by one model.

    Attributes
    ----------
    series, venue, market, symbol, interval : str
        `series` is ``venue:market:SYMBOL``.
    task : str
        What the model foretells.
    action : str
        ``BUY``, ``SELL``, ``HOLD`` (nothing is worth doing) or ``ABSTAIN`` (nothing can be said).
    reason : str
        Why; never empty.
    probability_up : float or None
    confidence, confidence_needed : float or None
        Probability of the likelier direction, and how high it has to be.
    expected_move, cost : float or None
        How far the price is expected to go, with its sign, and what getting in and out costs; fractions.
    close : float or None
        The price that it starts from, in the quote.
    as_of, until : datetime or None
        The moment of the forecast, and the one it is about.
    model, model_version : str
        The version is empty for what is fitted with each build.
    verdict : str or None
        What the evidence of the model allows to be said about its skill.
    known_at : datetime
    """

    series: str
    venue: str
    market: str
    symbol: str
    interval: str
    task: str
    action: str
    reason: str
    probability_up: float | None
    confidence: float | None
    confidence_needed: float | None
    expected_move: float | None
    cost: float | None
    close: float | None
    as_of: datetime | None
    until: datetime | None
    model: str
    model_version: str
    verdict: str | None
    known_at: datetime


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for all of them: the moment, and what a forecast that says nothing of its own is held against.

    Attributes
    ----------
    now : datetime
    confidence : float
        The least probability of a direction that is acted on.
    cost : float
        Of getting in and out together, a fraction.
    """

    now: datetime
    confidence: float
    cost: float


def signals(
    workspace: Workspace,
    *,
    venue: str | None = None,
    task: str = "",
    as_of: datetime | None = None,
    available_at: datetime | None = None,
) -> tuple[Signal, ...]:
    """Return the signals of now, or of a moment in the past, by series and task.

    Forecasts of a value have no probability, and so no signal.

    Raises
    ------
    BadInputError
        If `venue` cannot name one.
    NoDataError
        If the lake has nothing of `venue`.
    """
    model = workspace.settings.model
    now = min((one for one in (as_of, available_at) if one), default=workspace.clock.now())
    terms = Terms(now, model.confidence, 2 * model.cost_bps / 1e4)
    found = predictions(workspace, venue=venue, task=task, as_of=as_of, available_at=available_at)
    return tuple(signal_of(one, terms) for one in found if not one.brief.task.startswith("delta_"))


def signal_of(one: SymbolPrediction, terms: Terms) -> Signal:
    """Return what is to be done on the latest forecast of a series, at the moment of the terms."""
    brief = one.brief
    likely = brief.probability_up
    bar = _Bar(
        None if likely is None else max(likely, 1.0 - likely),
        terms.confidence if brief.confidence is None else brief.confidence,
        brief.expected_move,
        terms.cost if brief.cost is None else brief.cost,
    )
    action, reason = _decided(one, bar, terms.now)
    return Signal(
        series=one.series,
        venue=one.venue,
        market=one.market,
        symbol=one.symbol,
        interval=one.interval,
        task=brief.task,
        action=action,
        reason=reason,
        probability_up=likely,
        confidence=bar.confidence,
        confidence_needed=bar.needed,
        expected_move=bar.move,
        cost=bar.cost,
        close=one.close,
        as_of=brief.as_of,
        until=brief.until,
        model=brief.model,
        model_version=brief.model_version,
        verdict=brief.verdict,
        known_at=one.known_at,
    )


@dataclass(frozen=True, slots=True)
class _Bar:
    """What a forecast has, and what it takes to be acted on."""

    confidence: float | None
    needed: float
    move: float | None
    cost: float

    def why(self, action: str) -> str:
        """Return the numbers that decided."""
        sure = 0.5 if self.confidence is None else self.confidence
        if action == HOLD and sure < self.needed:
            return f"the likelier direction has a probability of {sure:.3f}, and {self.needed:.3f} is asked for"
        if self.move is None:
            return "how far the price is expected to go is not known"
        told = f"a move of {1e4 * abs(self.move):.1f} bps is expected, and a trade costs {1e4 * self.cost:.1f} bps"
        return told if action == HOLD else f"probability {sure:.3f}, and {self.needed:.3f} is asked for; {told}"


def _decided(one: SymbolPrediction, bar: _Bar, now: datetime) -> tuple[str, str]:
    """Return what is to be done, and why."""
    brief = one.brief
    if brief.as_of is None or brief.until is None:
        return ABSTAIN, brief.reason or "nothing was foretold of it yet"
    if brief.until <= now:
        return ABSTAIN, f"the latest forecast was about {brief.until:%Y-%m-%d %H:%M} UTC, which is over"
    if brief.signal == ABSTAIN or brief.probability_up is None:
        return ABSTAIN, brief.reason or "the model has shown no skill"
    if brief.signal in _DECIDED:
        return brief.signal, brief.reason or bar.why(brief.signal)
    move = math.nan if bar.move is None else bar.move
    likely = np.array([brief.probability_up])
    action = in_words(decide(likely, move, confidence=bar.needed, cost=bar.cost))[0]
    # What is said of a direction is why another one than the champion foretells it.
    return action, "; ".join(filter(None, (bar.why(action), brief.reason)))
