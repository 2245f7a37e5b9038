"""The kline: what a market did in ``[open_time, close_time)``, and when anybody could have known.

Two clocks belong to every kline. ``known_at`` is when Assay received it; ``as_of`` reads filter on it alone.
``available_at`` is when a live system would have had it; training and backtests filter on it. For history that was
loaded long after the fact the two are years apart, which is why one column cannot serve both.

>>> from datetime import datetime, UTC
>>> from assay.domain.interval import Interval
>>> opened = datetime(2024, 1, 1, tzinfo=UTC)
>>> kline = Kline(Interval.parse("1h"), opened, 42283.58, 42554.57, 42261.02, 42475.23, 1271.68)
>>> kline.close_time.isoformat(), kline.defect()
('2024-01-01T01:00:00+00:00', None)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from assay.domain.interval import Interval


class BarState(StrEnum):
    """How far a bar can be trusted to be finished."""

    PROVISIONAL = "provisional"
    """Seen before its close, or nothing shows that it was seen after; shown, never traded or trained on."""
    CLOSED = "closed"
    """Seen after its close."""


@dataclass(frozen=True, slots=True)
class Kline:
    """One bar of one instrument.

    Prices are in quote units per base unit, `volume` and `taker_buy_volume` in base units, `quote_volume` and
    `taker_buy_quote_volume` in quote units. ``None`` means that the source does not publish the column.
    """

    interval: Interval
    open_time: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float
    quote_volume: float | None = None
    num_trades: int | None = None
    taker_buy_volume: float | None = None
    taker_buy_quote_volume: float | None = None
    state: BarState = BarState.CLOSED

    @property
    def close_time(self) -> datetime:
        """Exclusive end of the bar."""
        return self.interval.close_time(self.open_time)

    def defect(self) -> str | None:
        """Return why this cannot be a bar, or ``None`` if it can."""
        prices = (self.open, self.high, self.low, self.close)
        if not all(math.isfinite(value) for value in (*prices, self.volume)):
            return "not finite"
        if min(prices) <= 0:
            return "price not positive"
        if self.volume < 0:
            return "negative volume"
        if self.high < max(self.open, self.close) or self.low > min(self.open, self.close):
            return "high or low inside the body"
        return None if self.interval.is_aligned(self.open_time) else "off grid"
