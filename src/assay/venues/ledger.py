"""Our account with one venue, as all processes of the machine share it: what is taken, who waits, and any ban.

Arithmetic only; :mod:`assay.venues.budget` keeps it in a file. All windows of a venue stand in one ledger, so that a
request counts against all of them or none, and a ban stops everything at once.

>>> ledger = Ledger({"weight": Window(limit=10, window_us=60_000_000)}, lease_us=30_000_000)
>>> ledger.ask({"weight": 8}, "first", now_us=0), ledger.ask({"weight": 8}, "second", now_us=0)
(0, 90000000)
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from assay.venues.timing import SECOND_US
from assay.venues.window import Window

VERSION = 1
LONGEST_PAUSE_S = 3 * 86_400.0
"""No venue bans for longer than three days. Reference: Binance spot API, "Limits": "from 2 minutes to 3 days"."""
_GRACE_US = SECOND_US


class UnreadableLedgerError(ValueError):
    """The text is no ledger."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A place in the queue. Who comes later leaves room for it, or a heavy request would starve behind light ones."""

    who: str
    cost: Mapping[str, int]
    until_us: int


@dataclass(slots=True)
class Ledger:
    """Windows by the kind of the limit, the pause, and the queue; times in microseconds since the epoch.

    Parameters
    ----------
    windows : dict of str to Window
        One for each limit of the venue.
    lease_us : int
        How long a request may be under way. What a process took and never settled, because it was killed or got no
        answer, is held for this long plus one window.
    """

    windows: dict[str, Window]
    lease_us: int
    paused_at_us: int = 0
    paused_until_us: int = 0
    queue: list[Claim] = field(default_factory=list)

    @property
    def longest_window_us(self) -> int:
        """Length of the longest window."""
        return max((window.window_us for window in self.windows.values()), default=0)

    def ask(self, cost: Mapping[str, int], who: str, now_us: int) -> int:
        """Take `cost` and return 0, or take nothing and return how many microseconds to wait before asking again."""
        self.tidy(now_us)
        if self.paused_until_us > now_us:
            return self.paused_until_us - now_us
        ahead = list(itertools.takewhile(lambda claim: claim.who != who, self.queue))
        free_us = now_us
        for kind, window in self.windows.items():
            units = cost.get(kind, 0) + sum(claim.cost.get(kind, 0) for claim in ahead)
            free_us = max(free_us, window.free_at(now_us, min(units, window.limit)))
        behind = self.queue[len(ahead) + 1 :]
        if free_us == now_us:
            self.queue = ahead + behind
            for kind, units in cost.items():
                self.windows[kind].hold(self._lease_end(kind, now_us), units)
            return 0
        # A place is kept for as long as its owner needs to ask again; one that was killed leaves it soon.
        back_us = min(free_us, now_us + self.longest_window_us) + _GRACE_US
        self.queue = [*ahead, Claim(who, dict(cost), back_us), *behind]
        return free_us - now_us

    def leave(self, who: str) -> None:
        """Give up a place in the queue."""
        self.queue = [claim for claim in self.queue if claim.who != who]

    def settle(self, cost: Mapping[str, int], asked_us: int, now_us: int) -> None:
        """Say that what was taken at `asked_us` was answered at `now_us`: from here on it is held for one window."""
        self.refund(cost, asked_us)
        for kind, units in cost.items():
            self.windows[kind].hold(now_us + self.windows[kind].window_us, units)

    def refund(self, cost: Mapping[str, int], asked_us: int) -> None:
        """Give back what was taken at `asked_us` for a request that never left."""
        for kind, units in cost.items():
            self.windows[kind].release(self._lease_end(kind, asked_us), units)

    def adopt(self, kind: str, used: int, now_us: int) -> None:
        """Believe the venue when it has counted more than we have: somebody else uses this address too."""
        window = self.windows[kind]
        window.hold(now_us + window.window_us, used - window.taken(now_us))

    def pause(self, seconds: float, now_us: int) -> None:
        """Let nobody take anything for `seconds`, three days at most; a longer pause that is set stays."""
        until_us = now_us + int(min(seconds, LONGEST_PAUSE_S) * SECOND_US)
        if until_us > self.paused_until_us:
            self.paused_at_us, self.paused_until_us = now_us, until_us

    def fill(self, now_us: int) -> None:
        """Take everything for one window: the careful view when what was taken is not known."""
        for window in self.windows.values():
            window.hold(now_us + window.window_us, window.limit - window.taken(now_us))

    def shift(self, by_us: int) -> None:
        """Move everything that was written before the clock was set forward by `by_us` along with it.

        If several processes notice the same jump and each does so, :meth:`tidy` bounds what comes of it.
        """
        for window in self.windows.values():
            window.holds = {until_us + by_us: units for until_us, units in window.holds.items()}
        self.paused_at_us += by_us
        self.paused_until_us += by_us

    def tidy(self, now_us: int) -> None:
        """Forget what is over, and bound what a clock that was set back would make endless."""
        if now_us < self.paused_at_us:
            self.paused_until_us -= self.paused_at_us - now_us
            self.paused_at_us = now_us
        for kind, window in self.windows.items():
            window.tidy(now_us, self._lease_end(kind, now_us))
        latest_us = now_us + self.longest_window_us + _GRACE_US
        self.queue = [claim for claim in self.queue if now_us < claim.until_us <= latest_us]

    def _lease_end(self, kind: str, asked_us: int) -> int:
        return asked_us + self.lease_us + self.windows[kind].window_us

    def to_text(self) -> str:
        """Return the state as JSON; the limits are not part of it."""
        return json.dumps(
            {
                "version": VERSION,
                "paused_us": [self.paused_at_us, self.paused_until_us],
                "queue": [[claim.who, dict(claim.cost), claim.until_us] for claim in self.queue],
                "holds": {kind: list(window.holds.items()) for kind, window in self.windows.items()},
            }
        )

    def load(self, text: str) -> None:
        """Take the state from `text`; a limit it does not know starts empty, one we do not know is left out.

        Raises
        ------
        UnreadableLedgerError
            If `text` was not written by :meth:`to_text`.
        """
        try:
            state = json.loads(text)
            if state["version"] != VERSION:
                raise UnreadableLedgerError(f"version {state['version']}")
            paused_at_us, paused_until_us = map(int, state["paused_us"])
            queue = [_claim(*claim) for claim in state["queue"]]
            holds = {kind: {int(end): int(units) for end, units in pairs} for kind, pairs in state["holds"].items()}
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise UnreadableLedgerError(str(error)) from error
        self.paused_at_us, self.paused_until_us, self.queue = paused_at_us, paused_until_us, queue
        for kind, window in self.windows.items():
            window.holds = holds.get(kind, {})


def _claim(who: str, cost: Mapping[str, int], until_us: int) -> Claim:
    return Claim(str(who), {kind: int(units) for kind, units in cost.items()}, int(until_us))
