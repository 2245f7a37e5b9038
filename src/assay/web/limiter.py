"""Slowing down whoever tries out passwords: so many attempts in a stretch of time, then none until some have aged.

>>> limiter = AttemptLimiter(limit=2, per_s=60.0)
>>> [limiter.wait_s("a", now=0.0), limiter.wait_s("a", now=10.0), limiter.wait_s("a", now=20.0)]
[0.0, 0.0, 40.0]
"""

from __future__ import annotations

import threading
from collections import deque

_MOST_KEYS = 20_000


class AttemptLimiter:
    """Counts attempts by key, in this process; safe to use from many threads.

    Parameters
    ----------
    limit : int
        Attempts of one key that are let through in `per_s`.
    per_s : float
        Seconds.
    """

    def __init__(self, *, limit: int, per_s: float) -> None:
        self.limit = limit
        self.per_s = per_s
        self._attempts: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def wait_s(self, *keys: str, now: float) -> float:
        """Count one attempt of all `keys` and return 0, or count nothing and return how long to wait.

        Parameters
        ----------
        *keys : str
            What the attempt is counted under, like the address it is from and the name it is for.
        now : float
            Seconds on a clock that only goes forward.
        """
        with self._lock:
            waits = [self._wait(key, now) for key in keys]
            if max(waits) > 0:
                return max(waits)
            for key in keys:
                self._attempts.setdefault(key, deque()).append(now)
            self._bound(now)
            return 0.0

    def forget(self, key: str) -> None:
        """Start again for `key`: the right password was given."""
        with self._lock:
            self._attempts.pop(key, None)

    def _wait(self, key: str, now: float) -> float:
        attempts = self._attempts.get(key)
        if attempts is None:
            return 0.0
        while attempts and attempts[0] <= now - self.per_s:
            attempts.popleft()
        return attempts[0] + self.per_s - now if len(attempts) >= self.limit else 0.0

    def _bound(self, now: float) -> None:
        """Keep the memory bounded: forget what has aged, then what was tried first."""
        if len(self._attempts) <= _MOST_KEYS:
            return
        self._attempts = {key: seen for key, seen in self._attempts.items() if seen and seen[-1] > now - self.per_s}
        while len(self._attempts) > _MOST_KEYS:
            del self._attempts[next(iter(self._attempts))]
