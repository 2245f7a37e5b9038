"""When a venue could not be had: from the questions that nobody answered to the first answer after them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from assay.lake import bronze
from assay.lake.bronze_store import Bronze, batches_of

_REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A question that a run gave up: when it was asked first, and when it was given up."""

    venue: str
    endpoint: str
    kind: str
    cause: str
    asked_at: datetime
    known_at: datetime


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which a venue did not answer some endpoints.

    Attributes
    ----------
    venue : str
    endpoints : tuple of str
    start : datetime
        When the first of the questions was asked.
    end : datetime or None
        When the last of these endpoints answered again; None: not yet.
    questions : int
        How many were given up.
    cause : str
        Of the first one.
    """

    venue: str
    endpoints: tuple[str, ...]
    start: datetime
    end: datetime | None
    questions: int
    cause: str


def find_outages(
    unanswered: Iterable[Unanswered], answered: Mapping[tuple[str, str], Sequence[datetime]]
) -> list[Outage]:
    """Return the outages, the latest first.

    Parameters
    ----------
    unanswered : iterable of Unanswered
        In any order. Refused questions are no outage: the venue was there and said no.
    answered : mapping of (venue, endpoint) to sequence of datetime
        When answers were received, in order.

    Examples
    --------
    >>> from datetime import UTC, timedelta
    >>> noon = datetime(2024, 5, 1, 12, tzinfo=UTC)
    >>> hour = timedelta(hours=1)
    >>> lost = [Unanswered("binance", "klines", "outage", "503", noon + hour * n, noon + hour * n) for n in (0, 1)]
    >>> (found,) = find_outages(lost, {("binance", "klines"): [noon - hour, noon + 2 * hour]})
    >>> found.questions, found.end - found.start
    (2, datetime.timedelta(seconds=7200))
    """
    lost = sorted(
        (one for one in unanswered if one.kind != _REFUSED), key=lambda one: (one.venue, one.endpoint, one.asked_at)
    )
    found: list[Outage] = []
    for (venue, endpoint), questions in groupby(lost, key=lambda one: (one.venue, one.endpoint)):
        moments = answered.get((venue, endpoint), ())
        # All questions that the same answer was the first one after belong to one outage.
        for end, group in groupby(questions, key=lambda one: _first_after(moments, one.asked_at)):
            together = list(group)
            found.append(Outage(venue, (endpoint,), together[0].asked_at, end, len(together), together[0].cause))
    merged = [one for _, group in groupby(_by_venue(found), key=lambda one: one.venue) for one in _merged(group)]
    return sorted(merged, key=lambda one: one.start, reverse=True)


def read_unanswered(root: Bronze, *, since: datetime) -> list[Unanswered]:
    """Return the questions that were given up from the day of `since` on, from the bronze at `root`."""
    days = [day for day, _ in bronze.partitions(root, bronze.FAILURES)]
    recent = [day for day in days if day.rpartition("/")[2] >= f"known_date={since:%Y-%m-%d}"]
    batches = {one: file for day in recent for one, file in batches_of(root, day).items()}
    if not batches:  # a status without any failure needs nothing that reads rows
        return []
    rows = bronze.read_batches(batches, ("venue", "endpoint", "kind", "cause", "asked_at", "known_at"))
    return [Unanswered(**row) for row in rows.iter_rows(named=True)]


def _first_after(moments: Sequence[datetime], asked_at: datetime) -> datetime | None:
    position = bisect_right(moments, asked_at)
    return moments[position] if position < len(moments) else None


def _by_venue(found: list[Outage]) -> list[Outage]:
    return sorted(found, key=lambda one: (one.venue, one.start))


def _merged(outages: Iterable[Outage]) -> Iterable[Outage]:
    """Join what overlaps, of one venue and in order of time."""
    last: Outage | None = None
    for one in outages:
        if last is None or (last.end is not None and one.start > last.end):
            if last:
                yield last
            last = one
            continue
        end = None if last.end is None or one.end is None else max(last.end, one.end)
        endpoints = tuple(sorted({*last.endpoints, *one.endpoints}))
        last = Outage(last.venue, endpoints, last.start, end, last.questions + one.questions, last.cause)
    if last:
        yield last
