"""How venues are reached: clock, sleep, transports and chance in one argument, so that a test sets all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from assay.domain.clock import Clock
from assay.pipelines.ingesting.plan import VenuePlan
from assay.settings import IngestSettings
from assay.venues.ccxt import PREFIX
from assay.venues.retry import RetryPolicy
from assay.venues.timing import Timing
from assay.venues.transport import Transport

Connect = Callable[[VenuePlan, Clock], AbstractAsyncContextManager[Transport]]
"""Opens the way to a venue."""


@dataclass(frozen=True, slots=True)
class Access:
    """How venues are reached.

    Attributes
    ----------
    connect : callable
        Opens the transport to a venue.
    timing : Timing
        Clock, sleep and seconds. Its clock stamps what is received.
    rng : Random
        Spreads out the tries after a failure.
    limits_dir : Path
        Where the account with each venue is kept, for all processes that share this address.
    policy : RetryPolicy
        How often and how long to try.
    lease_s : float
        Longest time a request may be under way.
    concurrency : int
        Requests under way at once, for each venue.
    """

    connect: Connect
    timing: Timing
    rng: Random
    limits_dir: Path
    policy: RetryPolicy
    lease_s: float
    concurrency: int


def access_of(settings: IngestSettings, clock: Clock, *, connect: Connect | None = None) -> Access:
    """Return the way that the settings describe: over the network, unless `connect` opens another."""

    def over_http(plan: VenuePlan, clock: Clock) -> AbstractAsyncContextManager[Transport]:
        from assay.venues.http import HttpOptions, HttpTransport  # noqa: PLC0415  # httpx costs start-up time

        options = HttpOptions(timeout_s=settings.timeout_s, max_connections=settings.concurrency)
        if plan.spec.name.startswith(PREFIX):
            return _by_ccxt(plan, clock, settings)
        return HttpTransport(plan.base_url, clock, options)

    return Access(
        connect or over_http,
        Timing(clock),
        Random(),  # noqa: S311  # spreads out tries; nothing is kept of it
        settings.limits_dir,
        RetryPolicy(attempts=settings.attempts, total_s=settings.patience_s),
        # The transport takes no longer than its time-out; a little more, so that a slow machine does not matter.
        settings.timeout_s + 30.0,
        settings.concurrency,
    )


def _by_ccxt(plan: VenuePlan, clock: Clock, settings: IngestSettings) -> AbstractAsyncContextManager[Transport]:
    from assay.venues.ccxt.transport import CcxtTransport  # noqa: PLC0415  # the package is an extra

    base_url = plan.base_url if plan.is_undocumented else ""
    return CcxtTransport(plan.spec.venue, clock, base_url=base_url, timeout_s=settings.timeout_s)


def account_of(plan: VenuePlan) -> str:
    """Return the name of the account with a venue.

    Its documented addresses share one, since limits are by our address; any other address is a venue of its own.
    """
    if not plan.is_undocumented:
        return plan.spec.name
    return f"{plan.spec.name}-{hashlib.sha256(plan.base_url.encode()).hexdigest()[:12]}"
