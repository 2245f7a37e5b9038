"""Time as an argument: nothing below the pipelines asks the machine what time it is.

>>> from datetime import datetime, UTC
>>> FrozenClock(datetime(2024, 1, 1, tzinfo=UTC)).now().year
2024
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Says what time it is."""

    def now(self) -> datetime:
        """Return the current moment, UTC-aware."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)


@dataclass(slots=True)
class FrozenClock:
    """A clock that stands still until it is set; for tests, replays and the sandbox."""

    moment: datetime

    def now(self) -> datetime:
        """Return the moment it was set to."""
        return self.moment


@dataclass(frozen=True, slots=True)
class ShiftedClock:
    """Goes on as fast as another clock, and says another time: `start` when that one says `since`.

    It never says less than `start`, also when the other one is set back.

    >>> machine = FrozenClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
    >>> clock = ShiftedClock(machine, since=machine.now(), start=datetime(2024, 5, 1, tzinfo=UTC))
    >>> machine.moment = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
    >>> clock.now().isoformat()
    '2024-05-01T00:00:30+00:00'
    """

    machine: Clock
    since: datetime
    start: datetime

    def now(self) -> datetime:
        """Return the shifted moment."""
        return self.start + max(self.machine.now() - self.since, timedelta(0))
