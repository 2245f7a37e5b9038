"""How tests ask the simulated venues without a socket, and read the answers through the venues' own parsers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from assay.domain.clock import FrozenClock
from assay.venues.parsed import Parsed
from assay.venues.registry import find_venue
from assay.venues.sandbox.answers import Answer
from assay.venues.sandbox.exchange import Exchange
from assay.venues.sandbox.faults import NO_FAULTS, Fault, FaultPlan
from assay.venues.sandbox.market import Market
from assay.venues.spec import Request
from tests.unit.venues.sandbox.reading import at

MARKET = Market(12)
NOON = at(2024, 5, 1, 12, 34, 56, 789_000)


@dataclass
class Seconds:
    """Seconds that pass when they are told to."""

    passed: float = 0.0

    def __call__(self) -> float:
        return self.passed


class Asking:
    """An exchange whose clock and seconds are in the test's hands."""

    def __init__(self, *faults: Fault, now: datetime = NOON, seed: int = 5) -> None:
        self.clock = FrozenClock(now)
        self.seconds = Seconds()
        plan = FaultPlan(seed, faults) if faults else NO_FAULTS
        self.exchange = Exchange(MARKET, self.clock, elapsed=self.seconds, faults=plan)

    def answer(self, venue: str, path: str, **params: object) -> Answer:
        prefix = self.exchange.prefixes[venue]
        return self.exchange.answer(prefix + path, {name: str(value) for name, value in params.items()})

    def json(self, venue: str, path: str, **params: object) -> Any:  # noqa: ANN401  # any JSON
        return msgspec.json.decode(self.answer(venue, path, **params).body)

    def send(self, request: Request) -> Answer:
        return self.exchange.answer(self.exchange.prefixes[request.venue] + request.path, dict(request.params))

    def read(self, request: Request) -> Parsed:
        """Return the answer as the venue's own parser reads it."""
        answer = self.send(request)
        assert answer.status == 200, answer.body
        handler = find_venue(request.venue).handlers[request.endpoint]
        return handler(answer.body, request, asked_at=self.clock.now())


def exact(units: object, decimals: int) -> float:
    """Return the float nearest to ``units * 10**-decimals``, by way of decimal arithmetic."""
    return float(Decimal(int(units)).scaleb(-decimals))  # type: ignore[call-overload]
