"""The simulated price of a dollar in rupees: a made-up, dated rate by which the Indian venue's prices are converted.

It is 83.0000 on 2024-01-01 and gains half a paisa a day, for ever and exactly: no market is behind it, and anybody can
compute it for any day.

>>> str(inr_per_usd(datetime(2024, 1, 1, 23, 59, tzinfo=UTC))), str(inr_per_usd(datetime(2024, 1, 3, tzinfo=UTC)))
('83.0000', '83.0100')
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from assay.domain.interval import utc

_ANCHOR = datetime(2024, 1, 1, tzinfo=UTC)
_AT_ANCHOR, _A_DAY, _LEAST = Decimal("83.0000"), Decimal("0.0050"), Decimal("10.0000")


def inr_per_usd(moment: datetime) -> Decimal:
    """Return rupees to a dollar on the UTC day of `moment`, with four decimals; never under 10."""
    return max(_LEAST, _AT_ANCHOR + _A_DAY * (utc(moment) - _ANCHOR).days)
