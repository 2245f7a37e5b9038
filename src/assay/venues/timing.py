"""What time it is, how much of it has passed, and how to wait: one argument, so that a test or a replay sets all three.

>>> from datetime import datetime, UTC
>>> from assay.domain.clock import FrozenClock
>>> Timing(FrozenClock(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))).now_us()
1000000
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from assay.domain.clock import Clock
from assay.domain.interval import EPOCH

SECOND_US = 1_000_000
Sleep = Callable[[float], Awaitable[None]]


def machine_seconds() -> float:
    """Return seconds that nobody can set, counted from the machine's start.

    Linux can count those that the machine slept through as well, which tells a laptop that was shut (time did pass)
    from a clock that was set (it did not). Elsewhere both look alike, and :class:`RateBudget` takes the careful view.
    """
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(frozen=True, slots=True)
class Timing:
    """A clock, a way to wait, and a count of seconds that only goes up; the three must tell the same story.

    Parameters
    ----------
    clock : Clock
        The wall clock, UTC: what other processes and the venue can be told about.
    sleep : callable, default asyncio.sleep
        Waits for so many seconds.
    elapsed : callable, default machine_seconds
        Seconds since some moment; never set, so differences can be trusted within a process.
    """

    clock: Clock
    sleep: Sleep = asyncio.sleep
    elapsed: Callable[[], float] = machine_seconds

    def now_us(self) -> int:
        """Return the wall clock in microseconds since the epoch."""
        return (self.clock.now() - EPOCH) // timedelta(microseconds=1)
