"""The simulated rupee: what a dollar and, on the Indian venue, a tether cost in it; made up and the same all day.

A dollar is 83.0000 on 2024-01-01 and gains half a paisa a day, for ever and exactly: no market is behind it, and
anybody can compute it for any day. A tether costs 2 to 6 per cent more: the premium rises for sixty days and falls for
sixty. All prices of the Indian venue in rupees are those in tether times the price of the tether, so that nothing can
be won by going round.

>>> str(inr_per_usd(datetime(2024, 1, 1, 23, 59, tzinfo=UTC))), str(inr_per_usd(datetime(2024, 1, 3, tzinfo=UTC)))
('83.0000', '83.0100')
>>> str(inr_per_usdt(datetime(2024, 1, 1, tzinfo=UTC))), str(inr_per_usdt(datetime(2024, 3, 1, tzinfo=UTC)))
('84.66', '88.30')
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from assay.domain.interval import utc

TETHER_TICK = Decimal("0.01")
"""Smallest step of the tether's price in rupees."""

_ANCHOR = datetime(2024, 1, 1, tzinfo=UTC)
_AT_ANCHOR, _A_DAY, _LEAST = Decimal("83.0000"), Decimal("0.0050"), Decimal("10.0000")
_PREMIUM, _PREMIUM_RANGE, _HALF_CYCLE_DAYS = Decimal("0.02"), Decimal("0.04"), 60


def inr_per_usd(moment: datetime) -> Decimal:
    """Return rupees to a dollar on the UTC day of `moment`, with four decimals; never under 10."""
    return max(_LEAST, _AT_ANCHOR + _A_DAY * (utc(moment) - _ANCHOR).days)


def inr_per_usdt(moment: datetime) -> Decimal:
    """Return rupees to a tether on the UTC day of `moment`, with two decimals: the dollar and a premium."""
    day = (utc(moment) - _ANCHOR).days % (2 * _HALF_CYCLE_DAYS)
    up = Decimal(min(day, 2 * _HALF_CYCLE_DAYS - day)) / _HALF_CYCLE_DAYS
    return (inr_per_usd(moment) * (1 + _PREMIUM + _PREMIUM_RANGE * up)).quantize(TETHER_TICK)
