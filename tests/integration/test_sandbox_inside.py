"""The transport without a socket brings what the one over real sockets brings, answers and failures alike."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from itertools import count

import pytest

from assay.domain.clock import FrozenClock
from assay.domain.errors import BadInputError
from assay.venues.errors import PoisonPageError
from assay.venues.http import HttpOptions, HttpTransport
from assay.venues.registry import find_spec, find_venue
from assay.venues.requests import (
    build_request,
    coin_markets_request,
    depth_request,
    instruments_request,
    klines_request,
    tickers_request,
    trades_request,
)
from assay.venues.sandbox.answers import Answer
from assay.venues.sandbox.exchange import Exchange
from assay.venues.sandbox.fault_plans import all_kinds
from assay.venues.sandbox.faults import Fault, FaultPlan, Kind
from assay.venues.sandbox.inside import ExchangeTransport
from assay.venues.sandbox.market import Market
from assay.venues.sandbox.server import running
from assay.venues.spec import Request
from assay.venues.transport import Response, Transport, TransportError
from tests.unit.venues.fake_time import FakeTime
from tests.unit.venues.sandbox.reading import BTC, HOUR, at

MARKET = Market(12)
NOON = at(2024, 5, 1, 12, 0, 30)
START, END = at(2024, 4, 30), at(2024, 5, 1)
BINANCE, COINGECKO, WAZIRX = (find_spec(name) for name in ("binance", "coingecko", "wazirx"))
KLINES = klines_request(BINANCE, BTC, interval=HOUR, start=START, end=END)
UNKNOWN = Request("binance", "klines", "/api/v3/klines", (("interval", "1h"), ("symbol", "A B&C=é")), 2)
REQUESTS = [
    KLINES,
    UNKNOWN,
    build_request(BINANCE, BINANCE.endpoint("ping"), {}),
    tickers_request(BINANCE),
    depth_request(BINANCE, BTC, limit=10),
    trades_request(BINANCE, BTC, start=at(2024, 5, 1, 11, 58), end=NOON),
    instruments_request(BINANCE),
    coin_markets_request(COINGECKO),
    coin_markets_request(COINGECKO, quote="inr", limit=7),
    klines_request(WAZIRX, BTC, interval=HOUR, start=START, end=END),
    tickers_request(WAZIRX),
]
PATIENCE_S = 60.0
SHORT_S = 6.0
"""Where silence is to be waited out over real sockets, which takes real time; still enough for any real answer."""
Outcome = Response | tuple[str, bool]


async def outcomes(transport: Transport, requests: list[Request]) -> list[Outcome]:
    found: list[Outcome] = []
    for request in requests:
        try:
            found.append(await transport.send(request))
        except TransportError as error:
            found.append((str(error), error.was_sent))
    return found


def exchange(*faults: Fault) -> Exchange:
    # No second passes for the limits either, so that both see the same windows.
    return Exchange(MARKET, FrozenClock(NOON), elapsed=lambda: 0.0, faults=FaultPlan(3, faults))


def patience(faults: tuple[Fault, ...]) -> float:
    return SHORT_S if any(one.kind is Kind.SILENCE for one in faults) else PATIENCE_S


def over_sockets(requests: list[Request], *faults: Fault) -> list[Outcome]:
    async def ask(base_url: str) -> list[Outcome]:
        options = HttpOptions(timeout_s=patience(faults))
        async with HttpTransport(base_url, FrozenClock(NOON), options) as transport:
            return await outcomes(transport, requests)

    with running(exchange(*faults)) as there:
        return asyncio.run(ask(there.base_urls[requests[0].venue]))


def inside(requests: list[Request], *faults: Fault) -> list[Outcome]:
    venue = requests[0].venue
    transport = ExchangeTransport(exchange(*faults), venue, FrozenClock(NOON), timeout_s=patience(faults))
    return asyncio.run(outcomes(transport, requests))


@pytest.mark.parametrize("venue", ["binance", "coingecko", "wazirx"])
def test_answers_are_the_same_to_the_last_header(venue: str) -> None:
    requests = [one for one in REQUESTS if one.venue == venue]
    found = inside(requests)  # first, so that the market is warm for those who have less patience
    assert found == over_sockets(requests)
    assert all(isinstance(one, Response) for one in found)


@pytest.mark.parametrize("kind", Kind)
def test_faults_are_the_same(kind: Kind) -> None:
    fault = Fault(kind, seconds=60.0, calls=(2,))
    requests = [KLINES] * 3
    found = inside(requests, fault)
    assert found == over_sockets(requests, fault)
    assert found != inside(requests) or kind is Kind.RESTATED  # whose bars are long past


def test_who_is_stopped_waits_for_no_answer_of_others() -> None:
    answered: list[str] = []

    class Told(Exchange):
        def answer(self, path: str, params: Mapping[str, str]) -> Answer:
            answered.append(path)
            return super().answer(path, params)

    async def stop() -> list[object]:
        transport = ExchangeTransport(
            Told(MARKET, FrozenClock(NOON), elapsed=lambda: 0.0), "binance", FrozenClock(NOON)
        )
        tasks = [asyncio.create_task(transport.send(KLINES)) for _ in range(50)]
        await asyncio.sleep(0)  # all have begun
        for task in tasks:
            task.cancel()
        return list(await asyncio.gather(*tasks, return_exceptions=True))

    assert {type(one) for one in asyncio.run(stop())} == {asyncio.CancelledError}
    assert answered == []


def test_limits_are_the_same() -> None:
    requests = [REQUESTS[-2]] * 12
    found = inside(requests)
    assert found == over_sockets(requests)
    statuses = [one.status for one in found if isinstance(one, Response)]
    assert statuses[0] == 200
    assert set(statuses[1:]) == {429, 418}


def test_whatever_goes_wrong_is_an_error_or_a_reject_that_the_client_knows() -> None:
    seen: Counter[str] = Counter()
    plan = all_kinds(5, start=NOON - timedelta(days=9), rate=0.1)
    faulty = Exchange(MARKET, FrozenClock(NOON), elapsed=count(step=61.0).__next__, faults=plan)
    for request in (KLINES, REQUESTS[4], coin_markets_request(COINGECKO), tickers_request(WAZIRX)):
        venue = find_venue(request.venue)
        transport = ExchangeTransport(faulty, request.venue, FrozenClock(NOON))
        for found in asyncio.run(outcomes(transport, [request] * 150)):
            if not isinstance(found, Response):
                seen[found[0].partition(":")[0]] += 1
            elif found.status != 200:
                seen[str(found.status)] += 1
            else:
                try:
                    parsed = venue.handlers[request.endpoint](found.body, request, asked_at=NOON)
                except PoisonPageError:
                    seen["poison"] += 1
                else:
                    seen["rejected" if parsed.rejected.height else "read"] += 1
    failures = {"no whole answer within 30 s", "the connection broke off"}
    assert set(seen) == failures | {"read", "rejected", "poison", "429", "418", "500", "502", "503", "504"}


def test_silence_passes_in_the_client_s_own_time() -> None:
    fake = FakeTime(moment=NOON)
    patient = ExchangeTransport(
        exchange(Fault(Kind.SILENCE, seconds=9.0)), "binance", fake, timeout_s=10.0, sleep=fake.sleep
    )
    response = asyncio.run(patient.send(KLINES))
    assert (response.status, response.received_at - response.asked_at) == (504, timedelta(seconds=9))
    hasty = ExchangeTransport(
        exchange(Fault(Kind.SILENCE, seconds=9.0)), "binance", fake, timeout_s=4.0, sleep=fake.sleep
    )
    with pytest.raises(TransportError, match="no whole answer within 4 s"):
        asyncio.run(hasty.send(KLINES))
    assert fake.sleeps == [9.0, 4.0]


def test_venue_that_is_not_there_is_named() -> None:
    with pytest.raises(BadInputError, match="no such venue in the sandbox"):
        ExchangeTransport(exchange(), "kraken", FrozenClock(NOON))
