"""Second step: what is paid where the market stands at a price.

>>> round(fill_price(Touch(100.0, 1.0, 0.0, math.nan), 2.0, 8.0, Rates(slip=0.001, impact=0.01, tick=0.1)), 9)
100.6
"""

from __future__ import annotations

import math
from typing import NamedTuple

from assay.measures.trading_costs import square_root_impact, taker_price, to_tick


class Touch(NamedTuple):
    """Where an order or guard was reached."""

    price: float
    """The market's, in quote units."""
    side: float
    """1 buys, -1 sells."""
    is_maker: float
    """1: it waited in the book and somebody came to it."""
    bound: float
    """Limit that a price must not pass; NaN: there is none."""


class Rates(NamedTuple):
    """What taking costs, as fractions of the price, and the step of prices."""

    slip: float
    impact: float
    tick: float


def fill_price(touch: Touch, quantity: float, volume: float, rates: Rates) -> float:
    """Return the price of a fill in quote units.

    Parameters
    ----------
    touch : Touch
    quantity : float
        What is traded, in base units, > 0; the impact hangs on it.
    volume : float
        Traded by all in the bar; NaN: not known, and then there is no impact.
    rates : Rates

    Returns
    -------
    float
        Never better than the market's, rounded to the worse tick, and never beyond the bound.
    """
    if touch.is_maker > 0.0:
        return touch.price
    impact = square_root_impact(quantity, volume, rates.impact)
    price = to_tick(taker_price(touch.price, touch.side, rates.slip, impact), rates.tick, touch.side)
    if math.isnan(touch.bound):
        return price
    return min(price, touch.bound) if touch.side > 0.0 else max(price, touch.bound)
