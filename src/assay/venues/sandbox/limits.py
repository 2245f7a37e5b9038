"""How a venue counts what it is asked: weights in windows, 429 beyond the limit, 418 for who does not listen.

Binance says how it counts and bans, from two minutes to three days, but not how many requests it overlooks; here it is
ten. Seconds are real ones, also when the sandbox's clock stands still or races: clients wait in real time.
Reference: Binance spot API, "IP Limits".

>>> from assay.venues.binance.spec import SPEC
>>> meter = Meter(SPEC, elapsed=lambda: 0.0)
>>> meter.spend(6_000).wait_s, meter.spend(1).wait_s, meter.spend(1).headers["x-mbx-used-weight-1m"]
(None, 60, '6002')
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from assay.venues.spec import RateLimit, VenueSpec

TOO_MANY, BANNED = 429, 418
_OVERLOOKED = 10
_FIRST_BAN_S, _LONGEST_BAN_S = 120.0, 259_200.0


@dataclass(frozen=True, slots=True)
class Charge:
    """What became of a request: the headers that say what is used; status and seconds to wait if it was refused."""

    headers: Mapping[str, str]
    status: int = 200
    wait_s: int | None = None


@dataclass(slots=True)
class _Window:
    limit: RateLimit
    number: int = 0
    used: int = 0

    def add(self, now_s: float, weight: int) -> None:
        number = int(now_s // self.limit.window_s)
        if number != self.number:
            self.number, self.used = number, 0
        self.used += weight if self.limit.kind == "weight" else 1

    def left_s(self, now_s: float) -> float:
        """Return the seconds until the next window, if this one is full; else 0."""
        return (self.number + 1) * self.limit.window_s - now_s if self.used > self.limit.limit else 0.0


@dataclass(slots=True)
class Meter:
    """The counts of one venue.

    Parameters
    ----------
    spec : VenueSpec
        Whose limits.
    elapsed : callable
        Seconds since some moment, only going up.
    """

    spec: VenueSpec
    elapsed: Callable[[], float]
    _windows: list[_Window] = field(init=False)
    _ignored: int = field(init=False, default=0)
    _bans: int = field(init=False, default=0)
    _banned_until_s: float = field(init=False, default=-math.inf)

    def __post_init__(self) -> None:
        self._windows = [_Window(limit) for limit in self.spec.limits]

    def spend(self, weight: int) -> Charge:
        """Count a request of this weight, refused ones too, and say whether it is answered."""
        now_s = self.elapsed()
        if now_s < self._banned_until_s:
            return Charge({}, BANNED, math.ceil(self._banned_until_s - now_s))
        for window in self._windows:
            window.add(now_s, weight)
        headers = {window.limit.header: str(window.used) for window in self._windows if window.limit.header}
        wait_s = max(window.left_s(now_s) for window in self._windows)
        if wait_s <= 0.0:
            self._ignored = 0
            return Charge(headers)
        self._ignored += 1
        if self._ignored > _OVERLOOKED:
            ban_s = min(_FIRST_BAN_S * 2**self._bans, _LONGEST_BAN_S)
            self._bans, self._ignored = self._bans + 1, 0
            self._banned_until_s = now_s + ban_s
            return Charge(headers, BANNED, math.ceil(ban_s))
        return Charge(headers, TOO_MANY, math.ceil(wait_s))
