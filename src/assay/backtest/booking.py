"""Fourth step: what a fill makes of cash and position.

>>> book(1_000.0, Held(0.0, 0.0), 2.0, 100.0, 0.2)
(799.8, Held(quantity=2.0, entry_price=100.0))
>>> book(799.8, Held(2.0, 100.0), 2.0, 110.0, 0.0)
(579.8, Held(quantity=4.0, entry_price=105.0))
"""

from __future__ import annotations

from typing import NamedTuple


class Held(NamedTuple):
    """A position: signed base units, and the mean price at which they were entered."""

    quantity: float
    entry_price: float


def book(cash: float, held: Held, quantity: float, price: float, fee: float) -> tuple[float, Held]:  # noqa: PLR0917
    """Return cash and position after a fill that either adds to a position or takes from it.

    Parameters
    ----------
    cash : float
        Quote units.
    held : Held
    quantity : float
        Bought, or negative: sold. Never more than closes the position where it goes against it.
    price, fee : float
        Per unit; of the whole fill.
    """
    cash = cash - quantity * price - fee
    after = held.quantity + quantity
    if held.quantity * quantity < 0.0:
        return cash, Held(after, held.entry_price if after != 0.0 else 0.0)
    weight = abs(held.quantity) * held.entry_price + abs(quantity) * price
    return cash, Held(after, weight / abs(after))
