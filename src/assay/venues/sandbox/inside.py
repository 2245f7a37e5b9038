"""The sandbox without a socket: a transport that asks the exchange in this process.

What comes back is what :class:`assay.venues.http.HttpTransport` brings from the sandbox's server, failures included: an
answer held back for longer than the client's patience is a time-out, a body that is cut off is a broken connection.
No time passes unless a way to wait is given, so that a simulated day takes the time that its answers take.

>>> import asyncio
>>> from datetime import datetime, UTC
>>> from assay.domain.clock import FrozenClock
>>> from assay.venues.binance.spec import SPEC
>>> from assay.venues.requests import tickers_request
>>> from assay.venues.sandbox.market import Market
>>> clock = FrozenClock(datetime(2024, 5, 1, tzinfo=UTC))
>>> transport = ExchangeTransport(Exchange(Market(1), clock, elapsed=lambda: 0.0), "binance", clock)
>>> asyncio.run(transport.send(tickers_request(SPEC))).status
200
"""

from __future__ import annotations

import asyncio

from assay.domain.clock import Clock
from assay.domain.errors import BadInputError
from assay.venues.sandbox.exchange import Exchange
from assay.venues.spec import Request
from assay.venues.timing import Sleep
from assay.venues.transport import Response, TransportError


class ExchangeTransport:
    """A :class:`assay.venues.transport.Transport` to one venue of an exchange in this process.

    Parameters
    ----------
    exchange : Exchange
        What answers.
    venue : str
        Which of its venues.
    clock : Clock
        Stamps the answers; the client's, which need not be the exchange's.
    timeout_s : float, default 30.0
        The client's patience.
    sleep : callable, optional
        Lets the seconds pass for which an answer is held back; None: no time passes.

    Raises
    ------
    BadInputError
        If the exchange has no such venue.
    """

    def __init__(
        self, exchange: Exchange, venue: str, clock: Clock, *, timeout_s: float = 30.0, sleep: Sleep | None = None
    ) -> None:
        if venue not in exchange.prefixes:
            raise BadInputError("no such venue in the sandbox", value=venue, todo=f"use {', '.join(exchange.prefixes)}")
        self._exchange = exchange
        self._prefix = exchange.prefixes[venue]
        self._clock = clock
        self._timeout_s = timeout_s
        self._sleep = sleep

    async def send(self, request: Request) -> Response:
        """Return the whole answer, whatever its status.

        Raises
        ------
        TransportError
            If a fault holds the answer back for longer than `timeout_s`, or breaks its body off.
        """
        # Whoever stops this, or waits for a turn, gets one between two answers, as over a socket.
        await asyncio.sleep(0)
        asked_at = self._clock.now()
        # Here and now: in threads beside the client both would wait for the interpreter most of the time.
        answer = await self._exchange.answered(self._prefix + request.path, dict(request.sent))
        await self._wait(min(answer.hold_s, self._timeout_s))
        if answer.hold_s >= self._timeout_s:
            what = f"no whole answer within {self._timeout_s:g} s"
            raise TransportError(what, request=request, was_sent=True)
        if answer.is_cut:
            raise TransportError("the connection broke off", request=request, was_sent=True)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        headers["content-length"] = str(len(answer.body))
        return Response(answer.status, headers, answer.body, asked_at=asked_at, received_at=self._clock.now())

    async def _wait(self, seconds: float) -> None:
        if seconds > 0.0 and self._sleep is not None:
            await self._sleep(seconds)
