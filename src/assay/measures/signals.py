"""BUY, SELL or HOLD: what is done on a probability, and when nothing is.

A forecast is acted on where two things hold: its probability is as high as was asked for, and the move that it expects
is more than a trade costs. Everything else is HOLD, and so is every number that is missing: nothing is ever bought on
an unknown.

>>> import numpy as np
>>> likely = np.array([0.90, 0.10, 0.60, 0.90, np.nan])
>>> made = decide(likely, np.array([0.01, 0.01, 0.01, 0.001, 0.01]), cost=0.002)
>>> made.tolist(), in_words(made)
([1, -1, 0, 0, 0], ('BUY', 'SELL', 'HOLD', 'HOLD', 'HOLD'))
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError

BUY, SELL, HOLD = 1, -1, 0
WORDS = {BUY: "BUY", SELL: "SELL", HOLD: "HOLD"}
CONFIDENCE = 0.75
"""How probable the direction has to be where nobody says otherwise."""


def decide(
    probability_up: NDArray[np.float64],
    expected_move: NDArray[np.float64] | float,
    *,
    confidence: float = CONFIDENCE,
    cost: NDArray[np.float64] | float,
) -> NDArray[np.int8]:
    """Return what is done on each forecast: 1 to buy, -1 to sell, 0 to hold.

    Parameters
    ----------
    probability_up : ndarray of float64, shape (n,)
        Calibrated: of the rows called 0.8, eight in ten go up. NaN holds.
    expected_move : ndarray of float64, shape (n,), or float
        How far the price is expected to go in the likelier direction, a fraction, whatever its sign; see
        :func:`expected_moves`. NaN holds.
    confidence : float, default 0.75
        Above one half, at most 1: the least probability of the direction that is acted on.
    cost : float or ndarray of float64, shape (n,)
        Of getting in and out together, a fraction.

    Raises
    ------
    BadInputError
        If a probability, the confidence or a cost is out of range, or shapes do not fit.
    """
    check_confidence(confidence)
    if probability_up.ndim != 1 or np.any((probability_up < 0) | (probability_up > 1)):
        raise BadInputError("a probability lies between 0 and 1", value=f"shape {probability_up.shape}")
    try:
        move = np.broadcast_to(np.asarray(expected_move, dtype=np.float64), probability_up.shape)
        paid = np.broadcast_to(np.asarray(cost, dtype=np.float64), probability_up.shape)
    except ValueError:
        raise BadInputError("moves and costs are one for all or one a forecast", value=probability_up.shape) from None
    if not np.all(np.isfinite(paid) & (paid >= 0)):
        raise BadInputError("a cost is a fraction, not negative", todo="give 0.002 for 20 bps")
    is_worth_it = np.abs(move) > paid
    is_up, is_down = probability_up >= confidence, 1.0 - probability_up >= confidence
    return np.where(is_worth_it & is_up, BUY, np.where(is_worth_it & is_down, SELL, HOLD)).astype(np.int8)


def expected_moves(probability_up: NDArray[np.float64], usual_move: float) -> NDArray[np.float64]:
    """Return how far the price is expected to go, as a fraction with its sign, shape (n,).

    Where up and down are equally far, that is the usual move times what the likelier direction has over the other one.

    Parameters
    ----------
    probability_up : ndarray of float64, shape (n,)
    usual_move : float
        Mean size of the moves over the horizon, of rows that were known by the moment of the forecast.

    Examples
    --------
    >>> expected_moves(np.array([0.75, 0.5, 0.25]), 0.02).tolist()
    [0.01, 0.0, -0.01]
    """
    result: NDArray[np.float64] = (2.0 * probability_up - 1.0) * usual_move
    return result


def in_words(signals: NDArray[np.int8]) -> tuple[str, ...]:
    """Return BUY, SELL or HOLD for each signal."""
    return tuple(WORDS[one] for one in signals.tolist())


def check_confidence(confidence: float) -> None:
    """Raise BadInputError unless it is above one half and at most 1."""
    if math.isnan(confidence) or not 0.5 < confidence <= 1.0:
        raise BadInputError("a confidence lies above 0.5, up to 1", value=confidence, todo="0.75 is usual")
