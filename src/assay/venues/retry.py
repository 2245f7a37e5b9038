"""What to do about an answer that did not come: try again, later and later, and at some point give up.

Written out instead of taken from stamina or tenacity, because randomness, seconds and sleep are arguments here: stamina
draws from the global generator, measures and sleeps by itself, and can be switched off for the whole process.

>>> from random import Random
>>> policy = RetryPolicy(first_wait_s=1.0, longest_wait_s=10.0)
>>> all(0 <= policy.wait_s(failures, Random(7)) <= min(10, 2 ** (failures - 1)) for failures in range(1, 50))
True
"""

from __future__ import annotations

import itertools
import logging
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from assay.domain.errors import TerminalError, TransientError
from assay.venues.budget import RateBudget
from assay.venues.circuit import Circuit, VenueDownError
from assay.venues.errors import NothingThereError
from assay.venues.spec import Request
from assay.venues.transport import Response, Transport, TransportError

if TYPE_CHECKING:
    from assay.venues.parsed import ErrorReader  # brings Polars, which moving bytes does not need

_REQUEST_TIMEOUT, _BANNED, _TOO_MANY = 408, 418, 429
_log = logging.getLogger(__name__)


class UnusableAnswerError(TransientError):
    """The venue answered that it cannot answer now."""

    def __init__(self, request: Request, response: Response) -> None:
        what = f"{request.venue} answered {response.status} to {request.endpoint}"
        super().__init__(what, value=_shown(response), todo="it may work when tried again")
        self.response = response


class RefusedError(TerminalError):
    """The venue will not answer this question, however often it is asked."""

    def __init__(self, request: Request, response: Response) -> None:
        what = f"{request.venue} answered {response.status} to {request.endpoint}"
        super().__init__(what, value=_shown(response), todo=_ADVICE.get(response.status, "check what was asked for"))
        self.response = response


class GaveUpError(TransientError):
    """As many tries as are worth it have failed."""


# Reference: Binance spot API, "HTTP Return Codes" (403 is its firewall); RFC 7725 (451: not for this country).
_ADVICE = {
    401: "the venue wants a key, or another one",
    403: "the venue's firewall blocks this address; ask less, or from elsewhere",
    404: "check the base URL",
    451: "the venue does not serve this country; set another base URL",
}

_SHUT_OUT = frozenset({401, 403, 451})


def is_transient(status: int) -> bool:
    """Return whether the same request may get a better answer than this HTTP status later.

    >>> [status for status in (200, 301, 400, 404, 408, 418, 429, 500, 503) if is_transient(status)]
    [408, 418, 429, 500, 503]
    """
    return status in (_REQUEST_TIMEOUT, _BANNED, _TOO_MANY) or status >= 500


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long to try.

    Parameters
    ----------
    attempts : int
        At most so many.
    total_s : float
        No wait begins that would end later than this after the first attempt began.
    first_wait_s, longest_wait_s : float
        Bound of the first wait, doubled after each failure, up to the longest.
    """

    attempts: int = 6
    total_s: float = 180.0
    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0

    def wait_s(self, failures: int, rng: Random) -> float:
        """Return the seconds to wait after so many failures: anything up to the bound, so that crowds spread out.

        Reference: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015 ("full jitter").
        """
        # Doubled sixty times, any first wait is beyond any longest one, and larger powers overflow.
        bound_s = self.first_wait_s * 2 ** min(failures - 1, 60)
        return rng.uniform(0.0, min(self.longest_wait_s, bound_s))


class RetryingTransport:
    """A :class:`Transport` that spends the budget, retries what is transient, and returns usable answers only.

    Parameters
    ----------
    transport : Transport
        Moves the bytes.
    budget : RateBudget
        The venue's limits; its timing is used for all waiting.
    circuit : Circuit
        The venue's health; one for all tasks of the process.
    policy : RetryPolicy
        How often and how long to try.
    rng : Random
        Jitter.
    read_error : ErrorReader, optional
        Reads the venue's error bodies, so that a refusal is raised as the venue's own error.
    """

    def __init__(
        self,
        transport: Transport,
        budget: RateBudget,
        *,
        circuit: Circuit,
        policy: RetryPolicy,
        rng: Random,
        read_error: ErrorReader | None = None,
    ) -> None:
        self._transport = transport
        self._budget = budget
        self._circuit = circuit
        self._policy = policy
        self._rng = rng
        self._read_error = read_error

    async def send(self, request: Request) -> Response:
        """Return the answer, whose status is 2xx.

        Raises
        ------
        GaveUpError
            If no attempt brought one; the last failure is its cause.
        VenueDownError
            If the venue is known to be down.
        BudgetSpentError
            If the limits leave no room in time.
        TerminalError
            If trying again cannot help: a refusal, a wrong certificate, an endless body.
        """
        timing, policy = self._budget.timing, self._policy
        began = timing.elapsed()
        for attempt in itertools.count(1):
            left_s = policy.total_s - (timing.elapsed() - began)
            try:
                return await self._attempt(request, left_s)
            except VenueDownError:
                raise
            except (TransportError, UnusableAnswerError) as error:
                asked_s = error.response.retry_after_s if isinstance(error, UnusableAnswerError) else None
                wait_s = (asked_s or 0.0) + policy.wait_s(attempt, self._rng)
                spent_s = timing.elapsed() - began
                if attempt >= policy.attempts or spent_s + wait_s > policy.total_s:
                    what = f"{request.venue} gave no usable answer in {attempt} attempts and {spent_s:.0f} s"
                    todo = f"try again later; the last attempt failed because {error}"
                    raise GaveUpError(what, value=request.endpoint, todo=todo) from error
                _log.info(
                    "venue=%s endpoint=%s attempt=%d wait_s=%.1f failure=%r",
                    *(request.venue, request.endpoint, attempt, wait_s, error.what),
                )
                await timing.sleep(wait_s)
        raise AssertionError("itertools.count has no end")

    async def _attempt(self, request: Request, left_s: float) -> Response:
        # Asked before the queue for the budget, so that nobody queues for a venue that is down; and again after it.
        self._circuit.check(request)
        async with self._budget.spend(request, patience_s=left_s) as spending:
            with self._circuit.attempt(request):
                try:
                    response = await self._transport.send(request)
                except TransportError:
                    self._circuit.failed()
                    raise
                spending.heed(response)
                # Too many requests is no failure of the venue: it is there, and says so.
                if response.status >= 500:
                    self._circuit.failed()
                else:
                    self._circuit.succeeded()
        return self._usable(request, response)

    def _usable(self, request: Request, response: Response) -> Response:
        if 200 <= response.status < 300:
            return response
        if is_transient(response.status):
            raise UnusableAnswerError(request, response)
        own = self._read_error(response.body) if self._read_error else None
        if isinstance(own, NothingThereError):
            return response
        if isinstance(own, TransientError):
            raise UnusableAnswerError(request, response) from own
        # Who is shut out is shut out of everything, whatever the words.
        raise RefusedError(request, response) if own is None or response.status in _SHUT_OUT else own


def _shown(response: Response) -> str:
    return response.headers.get("location") or response.body[:200].decode("utf-8", errors="replace")
