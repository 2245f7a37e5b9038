"""What it costs to trade: fees, spread, slippage, impact, funding, and the steps in which a venue counts.

The functions take one number each and are compiled into the loop of a backtest; a paper session and a rebalancing ask
the same ones. Rates are fractions inside and basis points where a person writes them.

>>> costs = Costs(taker_bps=10, spread_bps=4, slippage_bps=1)
>>> price = taker_price(100.0, 1.0, costs.slip, 0.0)
>>> round(price, 6), round(fee_of(price * 2.0, costs.taker), 6)
(100.03, 0.20006)
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from assay.domain.errors import BadInputError

BPS = 1e-4
_NEARLY = 1e-9
"""Steps by which a quotient may miss a whole number through rounding and still be taken for it."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What a venue takes for an instrument, in force from some date on.

    Raises
    ------
    BadInputError
        If one is negative or not a number, or a fee, or slippage and spread, could take the whole price.
    """

    maker_bps: float = 0.0
    """Fee of an order that waited in the book, on the notional."""
    taker_bps: float = 0.0
    """Fee of an order that took what was there."""
    spread_bps: float = 0.0
    """Distance from bid to ask; an order that takes pays half of it."""
    slippage_bps: float = 0.0
    """What an order that takes loses besides, whatever its size."""
    impact_bps: float = 0.0
    """What an order as large as all that was traded in the bar would lose; a part of it, the root of that part."""
    tick: float = 0.0
    """Smallest step of a price in quote units; 0: there is none."""
    lot: float = 0.0
    """Smallest step of a quantity in base units; 0: there is none."""
    min_notional: float = 0.0
    """Smallest order in quote units. Closing a position altogether is allowed whatever is left of it."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not (isinstance(value, int | float) and math.isfinite(value) and value >= 0):
                todo = "give a number that is not negative; a rebate cannot be modelled"
                raise BadInputError(f"a cost cannot be that: {field.name}", value=value, todo=todo)
        lost = self.spread_bps / 2 + self.slippage_bps + self.impact_bps
        for what, bps in (
            ("spread, slippage and impact take", lost),
            ("a fee takes", max(self.maker_bps, self.taker_bps)),
        ):
            if bps >= 1e4:
                todo = "give basis points: 10 are 0.1 %"
                raise BadInputError(f"{what} the whole price", value=f"{bps:g} bps", todo=todo)

    @property
    def maker(self) -> float:
        """Fee as a fraction of the notional."""
        return self.maker_bps * BPS

    @property
    def taker(self) -> float:
        """Fee as a fraction of the notional."""
        return self.taker_bps * BPS

    @property
    def slip(self) -> float:
        """Half the spread and the fixed slippage, as a fraction of the price."""
        return (self.spread_bps / 2 + self.slippage_bps) * BPS

    @property
    def impact(self) -> float:
        """Impact of an order for all of a bar's volume, as a fraction of the price."""
        return self.impact_bps * BPS


def fee_of(notional: float, rate: float) -> float:
    """Return the fee in quote units; `notional` is not negative."""
    return notional * rate


def square_root_impact(quantity: float, volume: float, impact: float) -> float:
    """Return by which fraction of the price an order moves it against itself.

    0 where the volume is not known or nothing was traded: who trades then is decided elsewhere.

    References
    ----------
    Almgren, Thum, Hauptmann, Li (2005), "Direct estimation of equity market impact"; Tóth et al. (2011), "Anomalous
    price impact and the critical nature of liquidity in financial markets".

    Examples
    --------
    >>> square_root_impact(25.0, 100.0, 0.01)
    0.005
    """
    if impact > 0.0 and volume > 0.0:
        return impact * math.sqrt(quantity / volume)
    return 0.0


def taker_price(price: float, side: float, slip: float, impact: float) -> float:
    """Return what an order that takes pays (side 1) or gets (side -1) where the market stands at `price`."""
    return price * (1.0 + side * (slip + impact))


def to_tick(price: float, tick: float, direction: float) -> float:
    """Return `price` on the grid of prices, rounded up (direction 1) or down (-1); as it is where `tick` is 0, or NaN.

    Examples
    --------
    >>> to_tick(100.03, 0.05, 1.0), to_tick(100.03, 0.05, -1.0), to_tick(0.3, 0.1, 1.0)
    (100.05000000000001, 100.0, 0.30000000000000004)
    """
    if tick <= 0.0 or math.isnan(price):
        return price
    steps = price / tick
    return (math.ceil(steps - _NEARLY) if direction > 0.0 else math.floor(steps + _NEARLY)) * tick


def to_lot(quantity: float, lot: float) -> float:
    """Return `quantity` in whole lots, rounded down; as it is where `lot` is 0.

    Examples
    --------
    >>> to_lot(0.37, 0.25), round(to_lot(0.3, 0.1), 12)
    (0.25, 0.3)
    """
    return math.floor(quantity / lot + _NEARLY) * lot if lot > 0.0 else quantity


def funding_payment(quantity: float, mark: float, rate: float) -> float:
    """Return what the holder of a perpetual pays at a funding time, in quote units; negative: gets.

    With a positive rate longs pay shorts (`quantity` > 0 is long).

    References
    ----------
    Binance, "Introduction to Binance Futures Funding Rates": funding amount = nominal value × funding rate.

    Examples
    --------
    >>> funding_payment(-2.0, 100.0, 0.001)
    -0.2
    """
    return quantity * mark * rate
