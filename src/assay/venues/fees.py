"""What venues charge everybody: the fees of the first tier of their public schedules, in basis points of the notional.

Whoever trades much, or pays in a venue's own coin, pays less; the setting ``fees.own`` says so. A schedule without a
beginning is one of which nothing states since when it holds. Venues change their fees without notice and publish them
nowhere that a program may ask: these figures were written down by hand, so hold them against the page that `source`
names before money depends on them.

>>> fee_at("binance", "spot", datetime(2024, 5, 1, tzinfo=UTC)).taker_bps
10.0
>>> fee_at("binance", "spot", datetime(2024, 5, 1, tzinfo=UTC), ["binance:spot=7.5/7.5@2024-01-31"]).source
'settings'
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class FeeSchedule:
    """Fees of one market of a venue.

    Attributes
    ----------
    venue, market : str
    maker_bps, taker_bps : float
        Basis points of the notional; below zero is a rebate.
    valid_from : datetime or None
        From when; None if nothing states it.
    source : str
        Where that is from.
    """

    venue: str
    market: str
    maker_bps: float
    taker_bps: float
    valid_from: datetime | None
    source: str


SCHEDULES = (
    FeeSchedule("binance", "spot", 10.0, 10.0, None, "binance.com/en/fee/schedule, regular user"),
    FeeSchedule("binance", "usdm", 2.0, 5.0, None, "binance.com/en/fee/futureFee, regular user"),
    FeeSchedule("coinbase", "spot", 40.0, 60.0, None, "Coinbase Exchange fee page, first tier"),
    FeeSchedule("wazirx", "spot", 20.0, 20.0, None, "wazirx.com/fees, first tier"),
)
"""By venue and market, a later one after an earlier one."""


def fee_at(venue: str, market: str, moment: datetime, own: Sequence[str] = ()) -> FeeSchedule | None:
    """Return the fees at a moment, those of the settings first; None if nothing is known.

    Parameters
    ----------
    own : sequence of str
        ``venue:market=maker/taker``, with ``@date`` if from then on.
    """
    for schedules in ([_own(text) for text in own], SCHEDULES):
        found = [
            one
            for one in schedules
            if (one.venue, one.market) == (venue, market) and (one.valid_from is None or one.valid_from <= moment)
        ]
        if found:
            return max(
                enumerate(found), key=lambda pair: (pair[1].valid_from or datetime.min.replace(tzinfo=UTC), pair[0])
            )[1]
    return None


def fee_changes(venue: str, market: str, own: Sequence[str] = ()) -> tuple[datetime, ...]:
    """Return the moments from which on other fees hold at a market, in order; as far as any is stated."""
    schedules = [*(_own(text) for text in own), *SCHEDULES]
    found = {one.valid_from for one in schedules if (one.venue, one.market) == (venue, market) and one.valid_from}
    return tuple(sorted(found))


def _own(text: str) -> FeeSchedule:
    place, _, rest = text.partition("=")
    fees, _, date = rest.partition("@")
    venue, market = place.split(":")
    maker, taker = (float(part) for part in fees.split("/"))
    since = datetime.fromisoformat(date).replace(tzinfo=UTC) if date else None
    return FeeSchedule(venue, market, maker, taker, since, "settings")
