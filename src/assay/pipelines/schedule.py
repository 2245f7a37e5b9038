"""The built-in schedule: when a job is due, whatever the machine and its clock have done meanwhile.

Time is cut into slots that begin at whole multiples of a length since the epoch, the same on every machine. A job is
due once in each slot. A machine that slept, or a run that took longer than a slot, misses the slots in between: they
are not made up for, since a run takes in everything that is new, and a second one right after it would find nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from assay.domain.clock import Clock
from assay.domain.duration import slot_of
from assay.domain.errors import BadInputError

# A bar that closes when a slot begins is published a little later.
AFTER = timedelta(seconds=5)
# No single wait is longer, so that a machine that wakes up, or a clock that is set, is seen soon.
_LONGEST_WAIT_S = 20.0
_SHORTEST = timedelta(seconds=10)
_LONGEST = timedelta(days=7)


def check_every(every: timedelta) -> timedelta:
    """Return `every`, or raise BadInputError if no schedule can have slots of that length."""
    if not _SHORTEST <= every <= _LONGEST:
        raise BadInputError("not a length of a schedule", value=every, todo="use 10 s to 7 days, such as 15m")
    return every


def due_slots(
    every: timedelta, *, clock: Clock, elapsed: Callable[[], float], wait: Callable[[float], object]
) -> Iterator[datetime]:
    """Yield each slot when a run is due: the one of now at once, then every one when it has begun.

    The slot is told by the clock. A clock that is set back tells slots that were there before, and so that this does
    not stop the schedule, a change of slot in either direction counts, and so does a whole length that has passed by
    the count of seconds alone.

    Parameters
    ----------
    every : timedelta
        Length of a slot.
    clock : Clock
        What time it is.
    elapsed : callable
        Seconds that nobody can set.
    wait : callable
        Waits for so many seconds; may return earlier.
    """
    check_every(every)
    last: datetime | None = None
    begun_s = elapsed()
    while True:
        moment = clock.now() - AFTER
        slot = slot_of(moment, every)
        left_s = every.total_seconds() - (elapsed() - begun_s)
        if last is None or slot != last or left_s <= 0:
            last, begun_s = slot, elapsed()
            yield slot
        else:
            wait(max(0.05, min(_LONGEST_WAIT_S, left_s, (slot + every - moment).total_seconds())))
