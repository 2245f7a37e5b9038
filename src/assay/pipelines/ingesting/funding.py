"""Which questions bring the funding of a contract: one a calendar month, so that they do not depend on when one asks.

Funding is paid every eight hours, or every four, or every hour: a month of it always fits on one page, and how many
rows a month should have cannot be known. The answer about a month that is over is final, and asked for once; the month
that runs is asked about again and again.

>>> from assay.domain.interval import parse_moment
>>> from assay.venues.binance_usdm.spec import SPEC
>>> within = parse_moment("2024-01-20"), parse_moment("2024-03-02T08:05Z")
>>> [slot for _, slot in funding_questions(SPEC, Symbol("BTC", "USDT"), within, settle=timedelta(hours=2))]
['2024-02-01T00:00:00+00:00', '2024-03-01T00:00:00+00:00', '']
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from assay.domain.interval import Interval
from assay.domain.spans import Span
from assay.domain.symbol import Symbol
from assay.venues.requests import funding_request
from assay.venues.spec import Request, VenueSpec

FUNDING_EVERY = timedelta(hours=4)
_MONTH = Interval.parse("1M")


def funding_questions(
    spec: VenueSpec, symbol: Symbol, within: Span, *, settle: timedelta
) -> Iterator[tuple[Request, str]]:
    """Yield a question for each month that `within` touches, oldest first, with the slot of a final answer, or ``""``.

    Parameters
    ----------
    spec : VenueSpec
    symbol : Symbol
    within : (datetime, datetime)
        The end is now, or before.
    settle : timedelta
        How long after its end a month is final.
    """
    start, end = within
    for opened in _MONTH.opens(_MONTH.floor(start), end):
        closed = _MONTH.close_time(opened)
        slot = closed.isoformat() if closed <= end - settle else ""
        yield funding_request(spec, symbol, start=opened, end=closed), slot
