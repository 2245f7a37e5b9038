"""What happened to a symbol in the last 24 hours, while it was one asset.

>>> from assay.venues.sandbox.assets import DEFAULT_ASSETS
>>> DEFAULT_ASSETS[0].listings()[0].price_text(4_370_012)
'43700.12000000'
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from assay.venues.sandbox.assets import Listing
from assay.venues.sandbox.bars import DAY_US, MINUTE_US, join, to_datetime, to_us
from assay.venues.sandbox.tape import Tape


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


def day_before(listing: Listing, now_us: int) -> int:
    """Return when the window of the last 24 hours begins, in microseconds."""
    return max(-(-now_us // MINUTE_US) * MINUTE_US - DAY_US, to_us(listing.listed_at))


def make_day(tape: Tape, listing: Listing, now_us: int) -> Day:
    """Return the last 24 hours of a listing that means one asset."""
    first_us = day_before(listing, now_us)
    bars = join(list(tape.bars(listing.asset, first_us, now_us)))
    of_day = partial(Day, listing=listing, open_time=to_datetime(first_us), close_time=to_datetime(now_us))
    if not len(bars):
        before = int(tape.last_trade(listing.asset, first_us).price[0])
        return of_day(open=before, high=before, low=before, last=before, volume=0, quote_volume=0)
    return of_day(
        open=int(bars.open[0]),
        high=int(bars.high.max()),
        low=int(bars.low.min()),
        last=int(bars.close[-1]),
        volume=int(bars.volume.sum()),
        quote_volume=int(bars.quote_volume.sum()),
    )
