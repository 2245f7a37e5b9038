"""One forecast of the past against what happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from assay.measures.signals import HOLD, WORDS

_UP, _DOWN = ("UP", "BUY"), ("DOWN", "SELL")


@dataclass(frozen=True, slots=True)
class PastPrediction:
    """One forecast against what happened.

    Attributes
    ----------
    as_of, until : datetime
    kind : str
        ``live``: made when that bar was the newest; ``walk_forward``: made later by a model that knew nothing after it;
        ``computed``: by the champion, when this was asked, from what could be known then; ``abstained``: none was made.
    task : str
        Such as ``direction_24h``, ``delta_1h``, ``signal_24h``.
    model : str
    model_version : str
        Of the registry; empty for what is fitted with each build.
    horizon_hours : float
    close : float or None
        The price it starts from; None where its bar is missing.
    probability_up, base_rate_up : float or None
        None of a forecast of a value; the base rate also where it was not kept.
    value, low, high : float or None
        The foretold change of the price, and the band that it lies in, in the quote; None of a direction.
    is_up : bool or None
        What was foretold.
    expected_move, cost : float or None
        How far the price was expected to go, with its sign, and what getting in and out costs; fractions.
    confidence : float or None
        How probable a direction had to be to be acted on.
    signal : str
        ``UP``, ``DOWN``, ``BUY``, ``SELL``, ``HOLD`` or ``ABSTAIN``.
    reason : str
        Why it is ``HOLD`` or ``ABSTAIN``.
    data_version : str
        Hash of the bars that it follows from.
    fitted_until : datetime or None
        When the last outcome that had a part in the model was known.
    known_at : datetime
        When it was made.
    close_then : float or None
        Close of the bar that ended at `until`; None while that is not known.
    went_up, was_right : bool or None
        What happened, and whether that was foretold; None while it is not known.
    error : float or None
        Of a value: the foretold change less the one that came, in the quote.
    is_inside : bool or None
        Whether the change that came lies in the band.
    net_return : float or None
        What acting on the signal gave when costs are paid, a fraction; 0 of ``HOLD``; None of ``ABSTAIN``.
    """

    as_of: datetime
    until: datetime
    kind: str
    task: str
    model: str
    model_version: str
    horizon_hours: float
    close: float | None
    probability_up: float | None
    base_rate_up: float | None
    value: float | None
    low: float | None
    high: float | None
    is_up: bool | None
    expected_move: float | None
    confidence: float | None
    cost: float | None
    signal: str
    reason: str
    data_version: str
    fitted_until: datetime | None
    known_at: datetime
    close_then: float | None
    went_up: bool | None
    was_right: bool | None
    error: float | None
    is_inside: bool | None
    net_return: float | None


TOLD = tuple(PastPrediction.__dataclass_fields__)[:22]
"""Those of its attributes that are columns of the table of predictions."""


def against(row: Mapping[str, Any], close_then: float | None) -> PastPrediction:
    """Return a row of the table of predictions against the close at its `until`; None while that is not known."""
    told = {name: row[name] for name in TOLD}
    if close_then is None or told["close"] is None:
        return PastPrediction(
            **told, close_then=close_then, went_up=None, was_right=None, error=None, is_inside=None, net_return=None
        )
    change = close_then - told["close"]
    value, low, high = told["value"], told["low"], told["high"]
    return PastPrediction(
        **told,
        close_then=close_then,
        went_up=change > 0,
        was_right=None if told["is_up"] is None else (change > 0) == told["is_up"],
        error=None if value is None else value - change,
        is_inside=None if low is None or high is None else low <= change <= high,
        net_return=_net_return(told["signal"], change / told["close"], told["cost"]),
    )


def _net_return(signal: str, gross: float, cost: float | None) -> float | None:
    if signal == WORDS[HOLD]:
        return 0.0
    if cost is None or signal not in _UP + _DOWN:
        return None
    return (gross if signal in _UP else -gross) - cost
