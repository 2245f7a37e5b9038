"""Which questions bring the history of a coin: one a calendar month, so that they do not depend on when one asks.

A provider chooses the steps by the length of the range; a month comes in hours. The answer about a month that is over
is final, and asked for once; the month that runs is asked about again and again. One that began before the provider's
reach would be refused, and is left out.

>>> from assay.domain.interval import EPOCH, parse_moment
>>> from assay.venues.coingecko.spec import SPEC
>>> within = parse_moment("2024-01-20"), parse_moment("2024-03-02T08:05Z")
>>> found = history_questions(SPEC, Symbol("BTC", "USD"), within, reach=EPOCH, settle=timedelta(hours=2))
>>> [slot for _, slot in found]
['2024-02-01T00:00:00+00:00', '2024-03-01T00:00:00+00:00', '']
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from assay.domain.interval import Interval
from assay.domain.spans import Span
from assay.domain.symbol import Symbol
from assay.venues.requests import coin_history_request
from assay.venues.spec import Request, VenueSpec

_MONTH = Interval.parse("1M")


def history_questions(
    spec: VenueSpec, symbol: Symbol, within: Span, *, reach: datetime, settle: timedelta
) -> Iterator[tuple[Request, str]]:
    """Yield a question for each month that `within` touches, oldest first, with the slot of a final answer, or ``""``.

    Parameters
    ----------
    spec : VenueSpec
    symbol : Symbol
        A coin in a currency.
    within : (datetime, datetime)
        The end is now, or before.
    reach : datetime
        From when on the provider tells anything.
    settle : timedelta
        How long after its end a month is final.

    Raises
    ------
    BadInputError
        If no id is known for the coin.
    """
    start, end = within
    for opened in _MONTH.opens(max(_MONTH.floor(start), _MONTH.ceil(reach)), end):
        closed = _MONTH.close_time(opened)
        slot = closed.isoformat() if closed <= end - settle else ""
        yield coin_history_request(spec, symbol, start=opened, end=closed), slot
