"""What time it is on the sandbox: a clock that starts when one likes and runs as fast as one likes.

A clock that stands still is :class:`assay.domain.clock.FrozenClock`.

>>> from datetime import UTC
>>> machine = FrozenClock(datetime(2026, 1, 1, tzinfo=UTC))
>>> clock = PacedClock(machine, start=datetime(2024, 5, 1, tzinfo=UTC), pace=60.0)
>>> machine.moment += timedelta(seconds=2)
>>> clock.now().isoformat()
'2024-05-01T00:02:00+00:00'
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from assay.domain.clock import Clock, FrozenClock
from assay.domain.errors import BadInputError
from assay.domain.interval import utc


class PacedClock:
    """Runs `pace` times as fast as another clock, from `start` on.

    Parameters
    ----------
    clock : Clock
        What it is driven by.
    start : datetime
        What it says first.
    pace : float, default 1.0
        Its seconds in one second of `clock`.

    Raises
    ------
    BadInputError
        If the pace is not a positive number.
    """

    def __init__(self, clock: Clock, *, start: datetime, pace: float = 1.0) -> None:
        if not (math.isfinite(pace) and pace > 0.0):
            raise BadInputError("not a pace", value=pace, todo="use a positive number, such as 60")
        self._clock = clock
        self._began = clock.now()
        self._start = utc(start)
        self._pace = pace

    def now(self) -> datetime:
        """Return the moment, in UTC."""
        passed: timedelta = self._clock.now() - self._began
        return self._start + passed * self._pace


def make_clock(kind: str, machine: Clock, *, start: datetime | None = None) -> Clock:
    """Return the clock that a person named: ``frozen``, ``running``, or a pace such as ``60x``.

    Parameters
    ----------
    kind : str
        Which one.
    machine : Clock
        What a moving clock is driven by.
    start : datetime, optional
        What it says first; else what `machine` says now.

    Raises
    ------
    BadInputError
        If it is none of them.

    Examples
    --------
    >>> from datetime import UTC
    >>> make_clock("frozen", FrozenClock(datetime(2024, 5, 1, tzinfo=UTC))).now().year
    2024
    """
    first = machine.now() if start is None else utc(start)
    if kind == "frozen":
        return FrozenClock(first)
    if kind == "running":
        return PacedClock(machine, start=first)
    try:
        pace = float(kind.removesuffix("x")) if kind.endswith("x") else math.nan
    except ValueError:
        pace = math.nan
    if not (math.isfinite(pace) and pace > 0.0):
        raise BadInputError("not a clock", value=kind, todo="use frozen, running, or a pace such as 60x")
    return PacedClock(machine, start=first, pace=pace)
