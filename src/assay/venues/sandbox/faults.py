"""What can go wrong at a venue, when and how often: declared by endpoint, drawn by position, the same every time.

Whether a fault strikes the n-th request to an endpoint depends on the seed, the fault, the endpoint and n alone, so
that the same requests meet the same faults in every run, whoever else is asking.

>>> from datetime import UTC
>>> plan = FaultPlan(7, (Fault(Kind.MALFORMED, endpoint="klines", calls=(2,)),))
>>> [len(plan.strikes("binance", "klines", number, datetime(2024, 5, 1, tzinfo=UTC))) for number in (1, 2, 3)]
[0, 1, 0]
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from assay.domain.errors import BadInputError
from assay.venues.sandbox.bars import SECOND_US
from assay.venues.sandbox.draws import Stream, bits, uniform


class Kind(StrEnum):
    """What goes wrong. `seconds` of the :class:`Fault` means what is said here."""

    TOO_MANY = "429"
    """429 with Retry-After of `seconds`."""
    BANNED = "418"
    """418 with Retry-After of `seconds`."""
    SERVER_ERROR = "5xx"
    """500, 502, 503 or 504."""
    SILENCE = "silence"
    """No answer for `seconds`, then 504."""
    TRUNCATED = "truncated"
    """The connection breaks off in the middle of the body."""
    MALFORMED = "malformed"
    """A whole answer that is cut JSON."""
    WRONG_TYPES = "wrong_types"
    """In one row a number is text, or a text a number."""
    DUPLICATE = "duplicate"
    """One row comes twice."""
    OUT_OF_ORDER = "out_of_order"
    """Two neighbouring rows change places."""
    MISSING = "missing"
    """One row is not there."""
    RESTATED = "restated"
    """For `seconds` after its close a bar is without its last trades; drawn for each bar, not for each request."""
    EARLY = "early"
    """The bar in progress is sent though the range that was asked for ends before it."""
    SKEW = "skew"
    """The venue's clock is `seconds` ahead, or behind if they are negative."""
    DOWN = "down"
    """503 with a page in HTML to everything, and nothing is counted."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, and whom it strikes when.

    Parameters
    ----------
    kind : Kind
        What goes wrong.
    venue, endpoint : str
        Where; empty: everywhere.
    probability : float, default 1.0
        Of striking a request, independently of all others.
    calls : tuple of int
        The numbers, from 1, of the only requests to the endpoint that it can strike; empty: all.
    start, end : datetime, optional
        From when until (exclusively) when by the sandbox's clock.
    seconds : float, default 30.0
        See :class:`Kind`.

    Raises
    ------
    BadInputError
        If the probability is none, the seconds are no number (below zero: only for a clock that is behind), a call's
        number is below 1, or it ends before it starts.
    """

    kind: Kind
    venue: str = ""
    endpoint: str = ""
    probability: float = 1.0
    calls: tuple[int, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    seconds: float = 30.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.probability <= 1.0:
            raise BadInputError("not a probability", value=self.probability, todo="use 0 to 1")
        least = -math.inf if self.kind is Kind.SKEW else 0.0
        if not (math.isfinite(self.seconds) and self.seconds >= least):
            raise BadInputError(f"{self.kind} cannot last so many seconds", value=self.seconds, todo="use 0 or more")
        if any(call < 1 for call in self.calls):
            raise BadInputError("not the number of a call", value=list(self.calls), todo="count from 1")
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise BadInputError("a fault that ends before it starts", value=f"{self.start} to {self.end}")

    def can_strike(self, venue: str, endpoint: str, number: int, now: datetime) -> bool:
        """Whether it applies to this request, before it is drawn."""
        return (
            self.venue in ("", venue)
            and self.endpoint in ("", endpoint)
            and (not self.calls or number in self.calls)
            and (self.start is None or self.start <= now)
            and (self.end is None or now < self.end)
        )


@dataclass(frozen=True, slots=True)
class Strike:
    """A fault that strikes a request; `draw` in [0, 2**31) says which row, byte or status, `stream` is its own."""

    fault: Fault
    draw: int
    stream: Stream

    def picks(self, open_us: int) -> bool:
        """Whether the fault strikes the bar that opens then, whatever the request."""
        chance = float(uniform(self.stream.raw(open_us // SECOND_US, 1), 0, 32)[0])
        return chance < self.fault.probability


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """All faults of a sandbox.

    Parameters
    ----------
    seed : int
        Of the draws.
    faults : tuple of Fault
        Each is drawn by itself; several can strike one request.
    """

    seed: int = 0
    faults: tuple[Fault, ...] = ()

    def strikes(self, venue: str, endpoint: str, number: int, now: datetime) -> tuple[Strike, ...]:
        """Return the faults that strike the request which is `number`, from 1, of those to this endpoint."""
        found = []
        for position, fault in enumerate(self.faults):
            if not fault.can_strike(venue, endpoint, number, now):
                continue
            stream = Stream.of(self.seed, f"faults/{position}/{venue}/{endpoint}")
            word = stream.raw(number, 1)
            by_bar = fault.kind is Kind.RESTATED
            if by_bar or float(uniform(word, 0, 32)[0]) < fault.probability:
                found.append(Strike(fault, int(bits(word, 32, 31)[0]), stream))
        return tuple(found)


def any_of(strikes: tuple[Strike, ...], kind: Kind) -> Strike | None:
    """Return the first strike of that kind, or None."""
    return next((strike for strike in strikes if strike.fault.kind is kind), None)


NO_FAULTS = FaultPlan()
"""Nothing goes wrong."""
