"""When a bar is final, and when one that is not yet is looked at again: at growing distances from its close.

A venue may restate a bar for a while after its close. An answer that came `settle` after the close is the last word.
Until then the bar is looked at again 1, 2, 4, 8 ... minutes after its close, and at `settle` for the last time. Bars
of one distance are due together, at moments counted from the epoch: otherwise every question would reach back to the
oldest bar that is due. So what is restated is known before the bar is four times as old, and at `settle` in any case.

>>> minute = Interval.parse("1m")
>>> settle_of(minute), settle_of(Interval.parse("1h"))
(datetime.timedelta(seconds=3600), datetime.timedelta(seconds=7200))
>>> [look.after // timedelta(minutes=1) for look in looks(minute, settle_of(minute))]
[1, 2, 4, 8, 16, 32, 60]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from assay.domain.duration import slot_of
from assay.domain.interval import Interval
from assay.domain.spans import NOTHING, Spans

SETTLE_BARS = 60
SHORTEST, LONGEST = timedelta(minutes=15), timedelta(hours=2)
"""Where nothing else is said, a bar is final when so many bars have followed it, within these bounds."""
_MINUTE = timedelta(minutes=1)


def settle_of(interval: Interval, settle: timedelta | None = None) -> timedelta:
    """Return how long after its close a bar may still change: `settle`, or what is usual for bars of that length."""
    return min(max(SETTLE_BARS * interval.duration, SHORTEST), LONGEST) if settle is None else settle


@dataclass(frozen=True, slots=True)
class Look:
    """A bar is due for a look `after` its close, at the next moment of a grid of `every` counted from the epoch."""

    after: timedelta
    every: timedelta


@cache
def looks(interval: Interval, settle: timedelta) -> tuple[Look, ...]:
    """Return when a bar is looked at again; the last time makes it final.

    The grid of a look is as coarse as its distance. That of the last one is finer, so that a bar is final soon. Where a
    grid would bring no two bars together there is none.
    """
    found = []
    after = _MINUTE
    while after < settle:
        found.append((after, after))
        after *= 2
    every = _MINUTE
    while 16 * every <= settle:
        every *= 2
    found.append((settle, every))
    return tuple(Look(after, every if every >= 2 * interval.duration else _MINUTE) for after, every in found)


def resting(
    interval: Interval, settle: timedelta, now: datetime, asked_since: Callable[[datetime | None], Spans]
) -> Spans:
    """Return the closed bars that were asked for and are not due for another look.

    Parameters
    ----------
    interval : Interval
    settle : timedelta
        How long after its close a bar may still change.
    now : datetime
    asked_since : callable
        Gives the closed bars that were asked for at a moment or later; of None, at any time.
    """
    found, later = NOTHING, interval.floor(now)
    due = looks(interval, settle)
    for look, following in zip((None, *due), due, strict=False):
        # The bars of which this look has come, and the next one has not: those that open from here up to `later`.
        first = interval.floor(slot_of(now, following.every) - following.after)
        if look is None:
            found |= asked_since(None).clip(first, later)
        else:
            found |= _seen(look, interval, within=(first, later), asked_since=asked_since)
        later = min(first, later)
    # The last look makes a bar final: one that is still in doubt after it is asked for in every slot.
    final = due[-1]
    return found.clip(interval.floor(slot_of(now, final.every) - final.after), interval.floor(now))


def _seen(
    look: Look,
    interval: Interval,
    *,
    within: tuple[datetime, datetime],
    asked_since: Callable[[datetime | None], Spans],
) -> Spans:
    """Return the bars that open within a range and were asked for since this look at them was due."""
    found, first, last = NOTHING, *within
    while first < last:
        due = slot_of(last + look.after, look.every)
        if due < last + look.after:
            due += look.every
        opened = max(interval.floor(due - look.after - look.every), first)
        found |= asked_since(due).clip(opened, last)
        last = opened
    return found
