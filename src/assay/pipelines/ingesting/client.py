"""Asking one venue: within its limits, again where that helps, and counted; what comes back is read."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from assay.pipelines.ingesting.access import Access, account_of
from assay.pipelines.ingesting.plan import VenuePlan
from assay.venues.budget import RateBudget
from assay.venues.circuit import Circuit
from assay.venues.errors import PoisonPageError, VenueBusyError
from assay.venues.parsed import Parsed, Venue
from assay.venues.registry import find_venue
from assay.venues.requests import instruments_request
from assay.venues.retry import RetryingTransport
from assay.venues.spec import Endpoint, Request, Role
from assay.venues.transport import Response, Transport

POISON_TRIES = 3
"""A page that cannot be read may have been cut on its way, so it is asked for again at once."""
_TICK = timedelta(seconds=1)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """A usable answer, read.

    `venue_now` is the earlier of our clock when we asked and the venue's when it answered: a bar that closed later is
    not finished, whichever clock is wrong.
    """

    request: Request
    endpoint: Endpoint
    response: Response
    parsed: Parsed
    venue_now: datetime

    def param(self, role: Role) -> str | None:
        """Return the text of the parameter with that role, or None if it was not sent."""
        parameter = self.endpoint.parameter(role)
        return self.request.param(parameter.name) if parameter else None


class UnreadableAnswerError(Exception):
    """Every try brought a page that cannot be read; not for people, who find it in quarantine."""

    def __init__(self, response: Response, error: PoisonPageError) -> None:
        super().__init__(str(error))
        self.response = response
        self.cause = error.cause


@dataclass(slots=True)
class Traffic:
    """What went over the wire, and what it cost.

    Attributes
    ----------
    requests : int
        Sent, tries included.
    bytes : int
        Of bodies received.
    waited_s : float
        Waited for the venue's limits, and between tries.
    skew_s : float
        By how much the venue's clock is ahead of ours, at the most; negative if it is behind.
    """

    requests: int = 0
    bytes: int = 0
    waited_s: float = 0.0
    skew_s: float = 0.0


class Counted:
    """A transport that counts what passes it."""

    def __init__(self, transport: Transport, traffic: Traffic) -> None:
        self._transport = transport
        self._traffic = traffic

    async def send(self, request: Request) -> Response:
        """Pass `request` on."""
        self._traffic.requests += 1
        response = await self._transport.send(request)
        self._traffic.bytes += len(response.body)
        venue_time = response.venue_time
        if venue_time is not None:
            # The header is cut to the second, and was written at some moment between asking and receiving.
            ahead, behind = venue_time - response.received_at, venue_time + _TICK - response.asked_at
            skew_s = max(ahead.total_seconds(), 0.0) + min(behind.total_seconds(), 0.0)
            self._traffic.skew_s = max(self._traffic.skew_s, skew_s, key=abs)
        return response


class VenueClient:
    """One venue, asked over one transport."""

    def __init__(self, plan: VenuePlan, access: Access, transport: Transport) -> None:
        self.traffic = Traffic()
        self.venue: Venue = find_venue(plan.spec.name)
        timing = replace(access.timing, sleep=self._sleep)
        self._sleep_s = access.timing.sleep
        spec = plan.spec
        self._list = instruments_request(spec) if spec.lists_first else None
        self._list_gate = asyncio.Lock()
        budget = RateBudget(access.limits_dir, account_of(plan), spec.limits, timing, lease_s=access.lease_s)
        self._transport = RetryingTransport(
            Counted(transport, self.traffic),
            budget,
            circuit=Circuit(spec.name, timing.elapsed),
            policy=access.policy,
            rng=access.rng,
            read_error=self.venue.read_error,
        )

    async def ask(self, request: Request) -> Answer:
        """Return the answer to `request`.

        Raises
        ------
        UnreadableAnswerError
            If the page cannot be read, however often it is asked for.
        TransientError, TerminalError
            If no answer came, or the venue refused.
        """
        await self._list_first()
        for tries in range(1, POISON_TRIES + 1):
            response = await self._transport.send(request)
            try:
                return self._read(request, response)
            except (PoisonPageError, VenueBusyError) as error:
                _log.info("venue=%s endpoint=%s try=%d unread=%r", request.venue, request.endpoint, tries, str(error))
                if tries < POISON_TRIES:
                    continue
                if isinstance(error, PoisonPageError):
                    raise UnreadableAnswerError(response, error) from error
                raise
        raise AssertionError("the last try returns or raises")

    async def _list_first(self) -> None:
        """Ask for the list of instruments, once, where nothing else can be asked without it."""
        if self._list is None:
            return
        async with self._list_gate:
            if self._list is not None:
                await self._transport.send(self._list)
                self._list = None

    def _read(self, request: Request, response: Response) -> Answer:
        venue_now = min(response.asked_at, response.venue_time or response.asked_at)
        parsed = self.venue.handlers[request.endpoint](response.body, request, asked_at=venue_now)
        return Answer(request, self.venue.spec.endpoint(request.endpoint), response, parsed, venue_now)

    async def _sleep(self, seconds: float) -> None:
        self.traffic.waited_s += seconds
        await self._sleep_s(seconds)
