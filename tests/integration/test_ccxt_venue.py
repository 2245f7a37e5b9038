"""Any exchange through ccxt: its bars are those of the native parsers, and all that is Assay's still holds."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from assay.domain.clock import FrozenClock
from assay.domain.errors import BadInputError
from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.lake import bronze
from assay.lake.origin import read_origin, simulated_origin
from assay.pipelines.ingesting import IngestResult, Outcome, Wanted, access_of, ingest, plan_ingest
from assay.pipelines.workspace import Workspace, open_workspace
from assay.settings import IngestSettings, Settings, VenuesSettings
from assay.settings.ingest import CcxtSettings
from assay.venues.ccxt.exchanges import find_exchange
from assay.venues.datasets import KLINES, ORDER_BOOKS, TICKERS
from assay.venues.http import HttpTransport
from assay.venues.registry import find_api, find_spec, find_venue
from assay.venues.requests import depth_request, klines_request
from assay.venues.retry import RetryPolicy
from assay.venues.sandbox.exchange import Exchange
from assay.venues.sandbox.faults import Fault, FaultPlan, Kind
from assay.venues.sandbox.server import Running, running
from tests.contract.venue_checks import FACTS
from tests.integration.simulated import MARKET, START, batch_paths, headers

pytest.importorskip("ccxt")
HOUR = Interval.parse("1h")
NATIVE = {"binance": "binance", "coinbase": "coinbase_advanced", "coinbaseexchange": "coinbase"}
"""Exchanges by ccxt's id, and the API of Assay that asks the same addresses."""


@pytest.fixture(scope="module")
def there() -> Iterator[Running]:
    with running(Exchange(MARKET, FrozenClock(START), elapsed=_much())) as found:
        yield found


def _much() -> Any:  # noqa: ANN401  # a clock by which no limit is ever reached
    seconds = iter(range(10**9))
    return lambda: float(next(seconds) * 1_000)


def workspace(folder: Path, there: Running, *exchanges: str, **more: Any) -> Workspace:  # noqa: ANN401
    ccxt = CcxtSettings(exchanges=tuple(f"{one}={there.base_urls[NATIVE[one]]}" for one in exchanges))
    settings = Settings(
        home=folder / "home",
        venues=VenuesSettings(ccxt=ccxt),
        ingest=IngestSettings(limits_dir=folder / "limits", **more),
    )
    return open_workspace(settings, clock=FrozenClock(START))


def poll(home: Workspace, wanted: Wanted) -> IngestResult:
    plan = plan_ingest(home.settings, wanted, START)
    access = access_of(home.settings.ingest, home.clock)
    return ingest(home, plan, access=replace(access, policy=RetryPolicy(attempts=2, first_wait_s=0.01)))


@pytest.mark.parametrize("check", FACTS, ids=lambda check: check.__name__.removeprefix("check_"))
def test_exchange_of_ccxt_is_a_venue_like_any_other(check: Any) -> None:  # noqa: ANN401
    check(find_venue("ccxt_kraken"))


@pytest.mark.parametrize("exchange", NATIVE)
def test_bars_are_those_of_the_native_parser(tmp_path: Path, there: Running, exchange: str) -> None:
    home = workspace(tmp_path, there, exchange)
    symbol = "BTC-USDT" if exchange == "binance" else "BTC-USD"
    wanted = Wanted((f"ccxt_{exchange}:klines",), (symbol,), ("1h",), "20d")
    result = poll(home, wanted)
    assert result.outcome is Outcome.COMPLETE
    (proof,) = result.venues[0].proofs
    assert (proof.held, proof.absent) == (20 * 24 + 12, 0)
    columns = ("open_time", "open", "high", "low", "close", "volume", "is_provisional")
    frames = [pl.read_parquet(path, hive_partitioning=False) for path in batch_paths(home, KLINES)]
    found = pl.concat(frames).unique("open_time").sort("open_time")
    assert found["venue"].unique().to_list() == [exchange]
    native = find_venue(NATIVE[exchange])
    ours = []
    for days in (20, 10):
        start = START.replace(hour=0, minute=0, second=0) - timedelta(days=days)
        request = klines_request(
            native.spec,
            native.spec.symbols.to_symbol(symbol.replace("-", "") if exchange == "binance" else symbol),
            interval=HOUR,
            start=start,
            end=start + timedelta(days=10, hours=13 if days == 10 else 0),
        )

        async def once(request: Any = request) -> bytes:  # noqa: ANN401
            async with HttpTransport(there.base_urls[NATIVE[exchange]], FrozenClock(START)) as transport:
                return (await transport.send(request)).body

        ours.append(native.handlers[request.endpoint](asyncio.run(once()), request, asked_at=START).rows)
    told = pl.concat(ours).unique("open_time").sort("open_time")
    assert found.select(columns).equals(told.select(columns))
    assert poll(home, wanted).new_batches == 0


def test_body_holds_the_words_of_the_exchange_beside_what_ccxt_made_of_them(tmp_path: Path, there: Running) -> None:
    home = workspace(tmp_path, there, "binance")
    assert poll(home, Wanted(("ccxt_binance",), ("BTC-USDT",), ("1h",), "1d")).outcome is Outcome.COMPLETE
    header = headers(home, KLINES)[0]
    body = json.loads(bronze.read_body(home.home.bronze, header))
    (raw,) = map(json.loads, body["raw"])
    assert [[row[0], *map(float, row[1:6])] for row in raw] == body["rows"]
    assert (header.venue, header.endpoint, body["exchange"]) == ("binance", "ccxt_klines", "binance")
    api = find_api(header.venue, header.endpoint)
    assert api is not None
    assert api.spec.name == "ccxt_binance"
    tickers = pl.read_parquet(batch_paths(home, TICKERS)[0], hive_partitioning=False)
    assert {"BTC-USDT", "ETH-USDT"} <= set(tickers["symbol"])
    assert read_origin(home.home) == simulated_origin("seed 12")


def test_list_of_markets_is_the_first_question_and_counts_as_one(tmp_path: Path) -> None:
    exchange = Exchange(MARKET, FrozenClock(START), elapsed=_much())
    with running(exchange) as there:
        home = workspace(tmp_path, there, "binance")
        (venue,) = poll(home, Wanted(("ccxt_binance:klines",), ("BTC-USDT", "ETH-USDT"), ("1h",), "1d")).venues
    calls = {endpoint: count for (_, endpoint), count in exchange._calls.items()}
    assert calls.pop("exchange_info") == 1
    assert venue.traffic.requests == calls["klines"] + 1


def test_list_that_does_not_come_is_told_of_every_question(tmp_path: Path) -> None:
    plan = FaultPlan(3, (Fault(Kind.SERVER_ERROR, endpoint="exchange_info"),))
    exchange = Exchange(MARKET, FrozenClock(START), elapsed=_much(), faults=plan)
    with running(exchange) as there:
        home = workspace(tmp_path, there, "binance")
        result = poll(home, Wanted(("ccxt_binance:klines",), ("BTC-USDT", "ETH-USDT"), ("1h",), "1d"))
    assert result.outcome is Outcome.RETRY
    assert {endpoint for (_, endpoint), count in exchange._calls.items() if count} == {"exchange_info"}


def test_book_is_that_of_the_native_parser(tmp_path: Path, there: Running) -> None:
    home = workspace(tmp_path, there, "binance", depth_symbols=("BTC-USDT",))
    assert poll(home, Wanted(("ccxt_binance:order_books",))).outcome is Outcome.COMPLETE
    found = pl.read_parquet(batch_paths(home, ORDER_BOOKS)[0], hive_partitioning=False)
    native = find_venue("binance")
    request = depth_request(native.spec, Symbol.parse("BTC-USDT"), limit=100)  # as many as Binance tells unasked

    async def once() -> bytes:
        async with HttpTransport(there.base_urls["binance"], FrozenClock(START)) as transport:
            return (await transport.send(request)).body

    told = native.handlers[request.endpoint](asyncio.run(once()), request, asked_at=START).rows
    columns = [name for name in told.columns if name in found.columns]
    assert {"bid_prices", "ask_prices", "bid_quantities"} <= set(columns)
    assert found.select(columns).equals(told.select(columns))


def test_faults_are_retried_and_refusals_are_named(tmp_path: Path) -> None:
    plan = FaultPlan(3, (Fault(Kind.SERVER_ERROR, endpoint="klines", calls=(1,)),))
    with running(Exchange(MARKET, FrozenClock(START), elapsed=_much(), faults=plan)) as faulty:
        home = workspace(tmp_path, faulty, "binance")
        result = poll(home, Wanted(("ccxt_binance:klines",), ("BTC-USDT", "NOPE-USDT"), ("1h",), "1d"))
    (venue,) = result.venues
    assert result.outcome is Outcome.REFUSED
    assert {one.kind for one in venue.failures} == {"refused"}
    assert "BadSymbol" in venue.failures[0].cause
    assert [one.absent == 0 for one in venue.proofs] == [True, False]
    # The list, both questions, and the one that failed at first again.
    assert venue.traffic.requests > len(venue.failures) + 2


def test_answer_that_ccxt_cannot_read_is_kept_in_quarantine(tmp_path: Path) -> None:
    plan = FaultPlan(3, (Fault(Kind.MALFORMED, endpoint="klines"),))
    with running(Exchange(MARKET, FrozenClock(START), elapsed=_much(), faults=plan)) as faulty:
        home = workspace(tmp_path, faulty, "binance")
        result = poll(home, Wanted(("ccxt_binance:klines",), ("BTC-USDT",), ("1h",), "1d"))
    assert result.outcome is Outcome.RETRY
    assert result.venues[0].poison == 2, "two pages of the range"
    header = headers(home, bronze.POISON)[0]
    assert b'"unread"' in bronze.read_body(home.home.bronze, header)


def test_exchange_that_nobody_knows_is_refused_with_the_nearest() -> None:
    with pytest.raises(BadInputError, match="did you mean kraken"):
        find_spec("ccxt_krakn")


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    find_exchange.cache_clear()
    monkeypatch.setitem(sys.modules, "ccxt", None)
    with pytest.raises(BadInputError, match=r"pip install 'assay\[ccxt\]'"):
        plan_ingest(Settings(), Wanted(("ccxt_kraken",), ("BTC-USD",)), START)


def test_settings_name_exchanges_and_addresses() -> None:
    ccxt = CcxtSettings(exchanges=("kraken", "okx=http://127.0.0.1:1/okx/"), quote="usd")
    assert ccxt.base_urls == {"kraken": None, "okx": "http://127.0.0.1:1/okx"}
    plan = plan_ingest(Settings(venues=VenuesSettings(ccxt=ccxt)), Wanted(("ccxt_okx",), ("BTC",)), START)
    assert plan.venues[0].base_url == "http://127.0.0.1:1/okx"
    assert plan.venues[0].is_undocumented
    for wrong in ("Kraken", "okx=ftp://here", ""):
        with pytest.raises(ValueError, match="write an address|not a venue name|"):
            CcxtSettings(exchanges=(wrong,))
