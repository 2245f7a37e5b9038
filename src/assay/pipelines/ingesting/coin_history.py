"""Which questions bring the history of a coin: one a calendar month for hours, one in four months for days.

CoinGecko chooses the steps by the length of the range: a range of 2 to 90 days comes in hours, a longer one in days. A
third of a year, from January, May or September on, always has more than 90. So questions do not depend on when one
asks. The answer about a period that is over is final, and asked for once; the one that runs is asked about again and
again. One that began before the provider's reach would be refused, and is left out.

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

_MONTH, _HOUR, _DAY = (Interval.parse(code) for code in ("1M", "1h", "1d"))
STEPS = (_HOUR, _DAY)
"""What history comes in."""
_PERIOD_MONTHS = {_HOUR: 1, _DAY: 4}


def history_questions(
    spec: VenueSpec, symbol: Symbol, within: Span, *, reach: datetime, settle: timedelta, step: Interval = _HOUR
) -> Iterator[tuple[Request, str]]:
    """Yield a question for each period that `within` touches, oldest first, with the slot of a final answer, or ``""``.

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
        How long after its end a period is final.
    step : Interval
        One of :data:`STEPS`.

    Raises
    ------
    BadInputError
        If no id is known for the coin.
    """
    start, end = within
    for opened, closed in _periods(start, end, _PERIOD_MONTHS[step]):
        if opened < reach:
            continue
        slot = closed.isoformat() if closed <= end - settle else ""
        yield coin_history_request(spec, symbol, start=opened, end=closed), slot


def _periods(start: datetime, end: datetime, months: int) -> Iterator[Span]:
    """Yield the periods of so many months of a year that ``[start, end)`` touches."""
    opened = _MONTH.floor(start)
    opened = opened.replace(month=opened.month - (opened.month - 1) % months)
    while opened < end:
        closed = opened
        for _ in range(months):
            closed = _MONTH.close_time(closed)
        yield opened, closed
        opened = closed
