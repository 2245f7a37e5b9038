"""Third step: how much of what is wanted can be traded: what the account may hold, lots, and the volume there was.

>>> purse = Purse(quantity=0.0, equity=1_000.0, others=0.0, leverage=1.0, refusal=0.0)
>>> closing, opening, verdict = fit(1.0, 20.0, 100.0, math.inf, purse, Steps(fee=0.001, lot=0.1, min_notional=5.0))
>>> closing, round(opening, 9), verdict == FILLED
(0.0, 9.9, True)
"""

from __future__ import annotations

import math
from typing import NamedTuple

from assay.backtest.layout import ALL, FILLED, FRACTION, NO_ROOM, NOTIONAL, PARTLY, TARGET, TOO_SMALL
from assay.measures.trading_costs import to_lot


class Purse(NamedTuple):
    """What an account has when it trades."""

    quantity: float
    """Held of this symbol, negative: short."""
    equity: float
    """With this symbol at the price of the fill."""
    others: float
    """Absolute value of all other positions."""
    leverage: float
    refusal: float
    """Why nothing may be opened; 0: it may."""


class Steps(NamedTuple):
    """What the venue asks."""

    fee: float
    lot: float
    min_notional: float


def wanted(sizing: float, amount: float, price: float, quantity: float, equity: float) -> float:  # noqa: PLR0917
    """Return how many units an order is for; negative: to sell, where it is the order's target that decides.

    Parameters
    ----------
    sizing : float
        ``UNITS``, ``NOTIONAL``, ``FRACTION`` (of the equity), ``ALL`` (of the position) or ``TARGET`` (what the
        position shall be, as a signed fraction of the equity).
    amount, price : float
    quantity : float
        Held.
    equity : float
    """
    if sizing == NOTIONAL:
        return amount / price
    if sizing == FRACTION:
        return amount * max(equity, 0.0) / price
    if sizing == ALL:
        return abs(quantity)
    if sizing == TARGET:
        return amount * max(equity, 0.0) / price - quantity
    return amount


def room(side: float, price: float, purse: Purse, fee: float) -> float:
    """Return how many units may be opened at most, once what is held the other way is closed.

    After the fill the absolute value of all positions is at most `leverage` times what the account is then worth, fees
    paid. With leverage 1 and nothing short that is: what the cash pays for.
    """
    value = abs(purse.quantity) * price
    if purse.quantity * side < 0.0:
        allowed = purse.leverage * (purse.equity - fee * value) - purse.others
    else:
        allowed = purse.leverage * purse.equity - purse.others - value
    return max(allowed / (price * (1.0 + purse.leverage * fee)), 0.0)


def fit(  # noqa: PLR0917  (a kernel takes no keyword-only parameters)
    side: float, units: float, price: float, capacity: float, purse: Purse, steps: Steps
) -> tuple[float, float, float]:
    """Return what is traded of `units`: what closes a position, what opens one, and what that makes of the order.

    Parameters
    ----------
    side : float
        1 buys, -1 sells.
    units : float
        Wanted, >= 0.
    price : float
        Of the fill.
    capacity : float
        Units that the bar's volume leaves.
    purse : Purse
    steps : Steps

    Returns
    -------
    closing, opening : float
        Base units, >= 0.
    verdict : float
        ``FILLED``; ``PARTLY``: the rest waits for volume; or why there was nothing. An order that is larger than what
        the account may hold is made smaller, and is filled by that.
    """
    held = abs(purse.quantity) if purse.quantity * side < 0.0 else 0.0
    closing = min(units, held)
    if closing < held:
        closing = to_lot(closing, steps.lot)
        if closing * price < steps.min_notional or closing <= 0.0:
            return 0.0, 0.0, TOO_SMALL
    if closing > capacity:
        return to_lot(capacity, steps.lot), 0.0, PARTLY
    if units - held <= 0.0:
        return closing, 0.0, FILLED
    opening, verdict = _opened(side, price, (units - held, capacity - closing), purse, steps)
    return closing, opening, verdict


def _opened(  # noqa: PLR0917
    side: float, price: float, most: tuple[float, float], purse: Purse, steps: Steps
) -> tuple[float, float]:
    asked, capacity = most
    if purse.refusal > 0.0:
        return 0.0, purse.refusal
    allowed = room(side, price, purse, steps.fee)
    if allowed <= 0.0:
        return 0.0, NO_ROOM
    opening, verdict = min(asked, allowed), FILLED
    if opening > capacity:
        opening, verdict = capacity, PARTLY
    opening = to_lot(opening, steps.lot)
    if opening * price < steps.min_notional or opening <= 0.0:
        return 0.0, verdict if verdict == PARTLY else TOO_SMALL
    return opening, verdict


def capacity_left(participation: float, volume: float, used: float) -> float:
    """Return how many units may still be traded in a bar of this volume.

    >>> capacity_left(0.1, 50.0, 2.0), capacity_left(math.inf, math.nan, 2.0)
    (3.0, inf)
    """
    return math.inf if participation == math.inf else max(participation * volume - used, 0.0)
