"""A clock, a sleep and a count of seconds that agree with each other and cost no time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from assay.venues.timing import Timing

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


@dataclass
class FakeTime:
    """Time that passes only when somebody sleeps, or when it is moved."""

    moment: datetime = NOON
    seconds: float = 0.0
    sleeps: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return self.moment

    def elapsed(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.passes(seconds)
        await asyncio.sleep(0)

    def passes(self, seconds: float) -> None:
        """Let time go by."""
        self.seconds += seconds
        self.moment += timedelta(seconds=seconds)

    def is_set(self, seconds: float) -> None:
        """Set the wall clock forward or back, while no time goes by."""
        self.moment += timedelta(seconds=seconds)

    @property
    def timing(self) -> Timing:
        return Timing(self, self.sleep, self.elapsed)
