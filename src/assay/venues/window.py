"""How much of one limit is taken: units, each held until the venue has certainly forgotten it.

Venues count in windows whose edges we cannot see: Binance's minute starts by Binance's clock, and a request sent at our
59.9 s may arrive in its next minute. So no edges are assumed. A unit is held from before its request leaves until one
window after its answer came. Then *any* window of the venue, wherever its edges lie, holds at most `limit` units: take
the last request that arrives in it; each other one arrived after the window began, was answered after that, is held
until after the window ends, and so was counted when the last one asked. It costs nothing at a steady pace.

>>> minute = Window(limit=10, window_us=60_000_000)
>>> minute.hold(until_us=61_000_000, units=8)
>>> minute.taken(now_us=0), minute.free_at(now_us=0, units=2), minute.free_at(now_us=0, units=3)
(8, 0, 61000000)
"""

from __future__ import annotations

from dataclasses import dataclass, field

# Holds end on a grid of sixty to the window, rounded up, so that the state stays small at 6,000 requests a minute.
_GRAINS = 60


@dataclass(slots=True)
class Window:
    """The holds on one limit; times in microseconds since the epoch.

    Parameters
    ----------
    limit : int
        Units that the venue allows in a window.
    window_us : int
        Length of the window.
    holds : dict of int to int
        Units by the moment at which they become free.
    """

    limit: int
    window_us: int
    holds: dict[int, int] = field(default_factory=dict)

    def taken(self, now_us: int) -> int:
        """Return the units held at `now_us`."""
        return sum(units for until_us, units in self.holds.items() if until_us > now_us)

    def free_at(self, now_us: int, units: int) -> int:
        """Return the first moment at which `units` more fit if nobody takes any before; at most `limit` can ever."""
        excess = self.taken(now_us) + units - self.limit
        if excess <= 0:
            return now_us
        for until_us in sorted(until_us for until_us in self.holds if until_us > now_us):
            excess -= self.holds[until_us]
            if excess <= 0:
                return until_us
        return now_us + self.window_us

    def hold(self, until_us: int, units: int) -> None:
        """Hold `units` until `until_us`, rounded up to the grid."""
        if units > 0:
            end_us = self._on_grid(until_us)
            self.holds[end_us] = self.holds.get(end_us, 0) + units

    def release(self, until_us: int, units: int) -> None:
        """Give back `units` that were to be held until `until_us`; what is free already stays so."""
        end_us = self._on_grid(until_us)
        left = self.holds.pop(end_us, 0) - units
        if left > 0:
            self.holds[end_us] = left

    def tidy(self, now_us: int, latest_us: int) -> None:
        """Forget what is free, and let nothing be held beyond `latest_us`.

        Nothing is ever held for longer on purpose; a hold that is was written before the clock was set back, and
        without the bound it would block everybody until the clock had caught up.
        """
        holds, self.holds = self.holds, {}
        for until_us, units in holds.items():
            if until_us > now_us:
                self.hold(min(until_us, latest_us), units)

    def _on_grid(self, moment_us: int) -> int:
        grain_us = max(1, self.window_us // _GRAINS)
        return -(-moment_us // grain_us) * grain_us
