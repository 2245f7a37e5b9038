"""The exchange in a box as the source of a run: asked in this process, without a socket."""

from __future__ import annotations

import contextlib
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

from assay.domain.clock import Clock
from assay.pipelines.ingesting import Access, IngestPlan, VenuePlan, access_of
from assay.settings import Settings
from assay.venues.sandbox.exchange import Exchange
from assay.venues.sandbox.inside import ExchangeTransport
from assay.venues.sandbox.market import Market
from assay.venues.timing import machine_seconds
from assay.venues.transport import Transport

# The exchange counts requests by seconds that pass so much faster: who shares this process with it need not wait.
_HASTE = 1e6


def simulated(seed: int, clock: Clock) -> Exchange:
    """Return the exchange over the market with that seed, living by `clock`; it never has too many requests."""
    return Exchange(Market(seed), clock, elapsed=lambda: machine_seconds() * _HASTE)


def inside(exchange: Exchange, plan: IngestPlan) -> IngestPlan:
    """Return `plan` with the exchange's addresses in place of the venues' own, and without limits to keep."""

    def moved(one: VenuePlan) -> VenuePlan:
        base_url = f"http://sandbox.invalid{exchange.prefixes[one.spec.name]}"  # no one else can answer there
        archive = moved(one.archive) if one.archive else None
        return replace(one, spec=replace(one.spec, limits=()), base_url=base_url, archive=archive)

    return IngestPlan(tuple(moved(one) for one in plan.venues if one.spec.name in exchange.prefixes))


def access_inside(exchange: Exchange, settings: Settings, clock: Clock) -> Access:
    """Return the way into the exchange; answers that a fault holds back take their time."""

    def connect(plan: VenuePlan, clock: Clock) -> AbstractAsyncContextManager[Transport]:
        timing = access.timing
        timeout_s = settings.ingest.timeout_s
        transport = ExchangeTransport(exchange, plan.spec.name, clock, timeout_s=timeout_s, sleep=timing.sleep)
        return contextlib.nullcontext(transport)

    access = access_of(settings.ingest, clock, connect=connect)
    return access
