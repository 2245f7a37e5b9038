"""What happened to a symbol in the last 24 hours.

>>> from assay.venues.sandbox.assets import DEFAULT_ASSETS
>>> DEFAULT_ASSETS[0].listings()[0].price_text(4_370_012)
'43700.12000000'
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from assay.venues.sandbox.assets import Listing


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The 1,440 minutes that end with the one in progress, as far as it has gone.

    Prices are in ticks, quantities in lots, `quote_volume` in ticks times lots; the window is
    ``[open_time, close_time)``. A symbol listed within the window starts at its listing.
    """

    listing: Listing
    open_time: datetime
    close_time: datetime
    open: int
    high: int
    low: int
    last: int
    volume: int
    quote_volume: int

    @property
    def change(self) -> int:
        """Last price less the open, in ticks."""
        return self.last - self.open

    @property
    def change_pct(self) -> float:
        """Change in per cent of the open."""
        return 100.0 * self.change / self.open

    @property
    def weighted_average(self) -> float:
        """Price weighted by quantity, in ticks; the last price if nothing was traded."""
        return self.quote_volume / self.volume if self.volume else float(self.last)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticker(Day):
    """A day with what else an exchange tells of it. Ids are -1 if nothing was traded, as on Binance."""

    last_quantity: int
    previous_close: int
    bid: int
    bid_quantity: int
    ask: int
    ask_quantity: int
    num_trades: int
    first_id: int
    last_id: int
