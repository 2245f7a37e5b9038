"""A venue's rate limits, shared by every process of this machine: spend before you ask, and nobody gets banned.

The state is a file, since the limits are by address and a command, the scheduler and a notebook share one. Its times
are the wall clock's: Python promises nothing about comparing one process's monotonic clock with another's, a machine
that restarts begins a new one, and a ban goes on meanwhile. A wall clock can be set, though. Set back, no wait grows
beyond the lease and one window (:meth:`Window.tidy`). Set forward, what is held would become free too early; a process
sees that in its own count of seconds, and moves what is held along (:meth:`Ledger.shift`).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import math
import os
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from assay.domain.errors import BadInputError, TransientError
from assay.domain.interval import EPOCH
from assay.venues.ledger import Ledger, UnreadableLedgerError
from assay.venues.locked_file import LockedFile, StateBusyError
from assay.venues.spec import RateLimit, Request
from assay.venues.timing import SECOND_US, Timing
from assay.venues.transport import Response, TransportError
from assay.venues.window import Window

# A venue that says 429 without saying for how long: its window. 418: the shortest ban that Binance documents.
_UNSAID_S = {429: 60.0, 418: 120.0}
_JUMP_US = SECOND_US
_log = logging.getLogger(__name__)
_numbers = itertools.count()
T = TypeVar("T")


class BudgetSpentError(TransientError):
    """It would take longer than the caller can wait until the venue may be asked again."""


@dataclass(slots=True)
class Spending:
    """What one request costs, and what came of it."""

    cost: dict[str, int]
    who: str
    taken_us: int = 0
    answer: Response | None = None
    never_sent: bool = False

    def heed(self, answer: Response) -> None:
        """Take the answer: it ends the request, and its headers and status say how much room there is."""
        self.answer = answer


class RateBudget:
    """The limits of one venue; make one for each event loop, any number of them share the state.

    Parameters
    ----------
    directory : Path
        Where the state is kept; every process that shares this address must name the same one.
    venue : str
        Name of the state. The sandbox's limits are its own, so give it another name or directory.
    limits : sequence of RateLimit
        All of them hold at once. One of the kind ``requests`` counts requests, any other counts their weight.
    timing : Timing
        Clock, sleep and seconds; simulated ones must agree with each other.
    lease_s : float
        Longest time a request may be under way; at least the transport's time-out.
    """

    def __init__(
        self, directory: Path, venue: str, limits: Sequence[RateLimit], timing: Timing, *, lease_s: float = 60.0
    ) -> None:
        self.venue = venue
        self.timing = timing
        self._limits = {f"{limit.kind} in {limit.window_s:g} s": limit for limit in limits}
        self._lease_us = int(lease_s * SECOND_US)
        self._file = LockedFile(directory / f"{venue}.json")
        # Whoever waits in this process waits in turn; only the first of them looks at the file.
        self._turn = asyncio.Lock()
        self._seen = (timing.now_us(), timing.elapsed())

    @contextlib.asynccontextmanager
    async def spend(self, request: Request, *, patience_s: float = math.inf) -> AsyncIterator[Spending]:
        """Wait until `request` may be sent, send it in the block, and give the answer to :meth:`Spending.heed`.

        Without an answer the cost stays taken for the lease, since the request may still arrive, unless the block
        raises a :class:`TransportError` that says it never left.

        Raises
        ------
        BudgetSpentError
            If there is no room within `patience_s` seconds.
        BadInputError
            If the request costs more than the venue ever allows.
        StorageError, StateBusyError
            If the state cannot be written, or a stopped process has it.
        """
        spending = Spending(self._cost(request), f"{os.getpid()}.{next(_numbers)}")
        await self._wait_for_room(spending, patience_s)
        try:
            yield spending
        except TransportError as error:
            spending.never_sent = not error.was_sent
            raise
        finally:
            self._settle(spending)

    def reserve(self, spending: Spending) -> float:
        """Take the cost and return 0, or take nothing and return how many seconds to wait before asking again."""

        def ask(ledger: Ledger, now_us: int) -> int:
            spending.taken_us = now_us
            return ledger.ask(spending.cost, spending.who, now_us)

        return self._change(ask) / SECOND_US

    async def _wait_for_room(self, spending: Spending, patience_s: float) -> None:
        deadline = self.timing.elapsed() + patience_s
        async with self._turn:
            try:
                await self._ask_until(deadline, spending)
            except (BudgetSpentError, asyncio.CancelledError):
                self._change(lambda ledger, _: ledger.leave(spending.who))
                raise

    async def _ask_until(self, deadline: float, spending: Spending) -> None:
        # No single sleep is longer than a window: whatever happens to the clock meanwhile is then seen.
        longest_s = max((limit.window_s for limit in self._limits.values()), default=60.0)
        while wait_s := self.reserve(spending):
            if self.timing.elapsed() + wait_s > deadline:
                free_at = EPOCH + timedelta(microseconds=self.timing.now_us(), seconds=wait_s)
                todo = f"try again after {free_at:%Y-%m-%d %H:%M:%S} UTC"
                # The state of another address is named venue-address.
                venue = self.venue.partition("-")[0]
                raise BudgetSpentError("no more requests allowed for now", value=venue, todo=todo)
            await self.timing.sleep(min(wait_s, longest_s))

    def _cost(self, request: Request) -> dict[str, int]:
        cost = {kind: 1 if limit.kind == "requests" else request.weight for kind, limit in self._limits.items()}
        for kind, units in cost.items():
            if units > self._limits[kind].limit:
                todo = f"the limit is {self._limits[kind].limit} {kind}"
                raise BadInputError(
                    f"one request that costs {units}", value=f"{self.venue} {request.endpoint}", todo=todo
                )
        return cost

    def _settle(self, spending: Spending) -> None:
        answer = spending.answer
        if not self._limits and (answer is None or answer.status not in _UNSAID_S):
            return  # nothing was taken, and nobody asks for a pause

        def settle(ledger: Ledger, now_us: int) -> None:
            if spending.never_sent:
                ledger.refund(spending.cost, spending.taken_us)
            if answer is None:
                return
            ledger.settle(spending.cost, spending.taken_us, now_us)
            for kind, limit in self._limits.items():
                used = answer.headers.get(limit.header or "", "").strip()
                # The largest count a venue could mean; more digits are no count.
                if used.isascii() and used.isdigit() and len(used) < 10:
                    ledger.adopt(kind, int(used), now_us)
            if answer.status in _UNSAID_S:
                asked_s = answer.retry_after_s
                pause_s = _UNSAID_S[answer.status] if asked_s is None else asked_s
                _log.warning("venue=%s status=%d pause_s=%.0f", self.venue, answer.status, pause_s)
                ledger.pause(pause_s, now_us)

        try:
            self._change(settle)
        except StateBusyError as error:
            # The answer is worth more than the account: unsettled, the cost stays taken for the lease.
            _log.warning("venue=%s unsettled=%r", self.venue, str(error))

    def _change(self, change: Callable[[Ledger, int], T]) -> T:
        windows = {kind: Window(limit.limit, int(limit.window_s * SECOND_US)) for kind, limit in self._limits.items()}
        ledger = Ledger(windows, self._lease_us)
        with self._file.held() as file:
            # The clock is read under the lock, so that the moments in the file are in the order of its changes.
            now_us, seconds = self.timing.now_us(), self.timing.elapsed()
            text = file.read()
            try:
                if text is not None:
                    ledger.load(text)
            except UnreadableLedgerError as error:
                _log.warning("venue=%s unreadable=%r", self.venue, str(error))
                ledger.fill(now_us)
            jump_us = now_us - self._seen[0] - int((seconds - self._seen[1]) * SECOND_US)
            self._seen = (now_us, seconds)
            if jump_us > _JUMP_US:
                _log.warning("venue=%s clock_jumped_s=%.0f", self.venue, jump_us / SECOND_US)
                ledger.shift(jump_us)
            ledger.tidy(now_us)
            result = change(ledger, now_us)
            changed = ledger.to_text()
            if changed != text:  # without limits nothing changes from request to request
                file.replace(changed)
        return result
