"""ccxt, a client that other people wrote, pointed at the sandbox, gets exactly the numbers that Assay gets from it."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from assay.domain.clock import FrozenClock
from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.venues import requests
from assay.venues.http import HttpTransport
from assay.venues.registry import find_venue
from assay.venues.sandbox.exchange import Exchange
from assay.venues.sandbox.faults import Fault, FaultPlan, Kind
from assay.venues.sandbox.market import Market
from assay.venues.sandbox.server import running
from assay.venues.spec import Request
from tests.unit.venues.sandbox.reading import BTC, at

with warnings.catch_warnings():
    # What ccxt uses in old ways is ccxt's affair.
    warnings.simplefilter("ignore")
    import ccxt

BINANCE = find_venue("binance").spec
NOON = at(2024, 5, 1, 12, 34, 56, 789_000)
START = at(2024, 4, 28)


def milliseconds(moment: Any) -> int:  # noqa: ANN401  # a datetime, or what polars made of one
    passed: timedelta = moment - at(1970, 1, 1)
    return passed // timedelta(milliseconds=1)


def serving(*faults: Fault) -> Any:  # noqa: ANN401  # a context
    exchange = Exchange(Market(12), FrozenClock(NOON), elapsed=lambda: 0.0, faults=FaultPlan(3, faults))
    return running(exchange)


def client_of(base_url: str) -> Any:  # noqa: ANN401  # ccxt ships no useful types
    options = {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False}
    client = ccxt.binance({"options": options, "enableRateLimit": False, "timeout": 30_000})
    client.session.trust_env = False
    client.urls["api"] |= {"public": f"{base_url}/api/v3", "private": f"{base_url}/api/v3"}
    return client


@pytest.fixture(scope="module")
def both() -> Iterator[SimpleNamespace]:
    """The client, and a way to ask the same server Assay's way."""
    with serving() as there:

        def read(request: Request) -> Any:  # noqa: ANN401  # rows by name
            async def once() -> bytes:
                async with HttpTransport(there.base_urls["binance"], FrozenClock(NOON)) as transport:
                    return (await transport.send(request)).body

            parsed = find_venue("binance").handlers[request.endpoint](asyncio.run(once()), request, asked_at=NOON)
            assert parsed.rejected.height == 0
            return parsed.rows

        client = client_of(there.base_urls["binance"])
        client.load_markets()
        yield SimpleNamespace(client=client, read=read, base_url=there.base_urls["binance"])


def test_markets_are_the_instruments(both: SimpleNamespace) -> None:
    ours = {row["venue_symbol"]: row for row in both.read(requests.instruments_request(BINANCE)).iter_rows(named=True)}
    theirs = {market["id"]: market for market in both.client.markets.values()}
    assert set(theirs) == set(ours)
    assert len(ours) >= 20
    for name, row in ours.items():
        market = theirs[name]
        assert f"{market['base']}-{market['quote']}" == row["symbol"]
        assert market["active"] == row["is_trading"]
        assert market["precision"]["price"] == row["tick_size"]
        assert market["precision"]["amount"] == row["lot_size"]
        assert market["limits"]["cost"]["min"] == row["min_notional"]


@pytest.mark.parametrize("code", ["1m", "1h", "1d", "1w", "1M"])
def test_candles_are_the_klines(both: SimpleNamespace, code: str) -> None:
    interval = Interval.parse(code)
    start = interval.floor(NOON - (timedelta(days=900) if interval.is_calendar else interval.duration * 90))
    ours = both.read(requests.klines_request(BINANCE, BTC, interval=interval, start=start, end=NOON))
    theirs = both.client.fetch_ohlcv("BTC/USDT", code, since=milliseconds(start), limit=1_000)
    columns = ("open", "high", "low", "close", "volume")
    assert theirs == [
        [milliseconds(row["open_time"]), *(row[name] for name in columns)] for row in ours.iter_rows(named=True)
    ]
    assert len(theirs) > 25
    assert ours["is_provisional"].to_list() == [False] * (len(theirs) - 1) + [True]


def test_candles_are_paged_alike(both: SimpleNamespace) -> None:
    found: list[list[float]] = []
    since = milliseconds(START)
    while since < milliseconds(NOON):
        page = both.client.fetch_ohlcv("ETH/USDT", "15m", since=since, limit=100)
        found += page
        since = page[-1][0] + 15 * 60_000
    eth = Symbol.parse("ETH-USDT")
    ours = both.read(requests.klines_request(BINANCE, eth, interval=Interval.parse("15m"), start=START, end=NOON))
    assert [row[0] for row in found] == [milliseconds(moment) for moment in ours["open_time"]]
    assert [row[4] for row in found] == ours["close"].to_list()


def test_tickers_are_the_tickers(both: SimpleNamespace) -> None:
    ours = {row["symbol"]: row for row in both.read(requests.tickers_request(BINANCE)).iter_rows(named=True)}
    theirs = {name.replace("/", "-"): ticker for name, ticker in both.client.fetch_tickers().items()}
    assert set(theirs) == set(ours)
    pairs = {
        "high": "high_price", "low": "low_price", "open": "open_price", "last": "last_price", "vwap":
        "weighted_average_price", "bid": "bid_price", "bidVolume": "bid_quantity", "ask": "ask_price", "askVolume":
        "ask_quantity", "previousClose": "previous_close_price", "change": "price_change", "percentage":
        "price_change_pct", "baseVolume": "volume", "quoteVolume": "quote_volume",
    }  # fmt: skip
    for symbol, row in ours.items():
        ticker = theirs[symbol]
        assert {name: ticker[name] for name in pairs} == {name: row[column] for name, column in pairs.items()}
        assert ticker["timestamp"] == milliseconds(row["event_time"])


@pytest.mark.parametrize("limit", [5, 100, 1_000])
def test_order_book_is_the_order_book(both: SimpleNamespace, limit: int) -> None:
    (row,) = both.read(requests.depth_request(BINANCE, BTC, limit=limit)).iter_rows(named=True)
    book = both.client.fetch_order_book("BTC/USDT", limit)
    for side, prices, quantities in (
        ("bids", "bid_prices", "bid_quantities"),
        ("asks", "ask_prices", "ask_quantities"),
    ):
        assert book[side] == [list(level) for level in zip(row[prices], row[quantities], strict=True)]
        assert len(book[side]) == limit
    assert book["nonce"] == row["last_update_id"]


def test_trades_are_the_trades(both: SimpleNamespace) -> None:
    start = NOON - timedelta(minutes=3)
    ours = both.read(requests.trades_request(BINANCE, BTC, start=start, end=NOON, limit=200))
    theirs = both.client.fetch_trades("BTC/USDT", since=milliseconds(start), limit=200)
    columns = ("price", "quantity")
    assert [(one["price"], one["amount"]) for one in theirs] == ours.select(columns).rows()
    assert len(theirs) == 200


@pytest.mark.parametrize(
    ("ask", "error"),
    [
        (lambda client: client.public_get_klines({"symbol": "NOPEUSDT", "interval": "1h"}), ccxt.BadSymbol),
        (lambda client: client.public_get_klines({"symbol": "BTCUSDT", "interval": "7h"}), ccxt.BadRequest),
        (lambda client: client.public_get_klines({"interval": "1h"}), ccxt.BadRequest),
        (lambda client: client.public_get_depth({"symbol": "BTCUSDT", "limit": "many"}), ccxt.BadRequest),
    ],
    ids=["symbol", "interval", "mandatory", "characters"],
)
def test_refusals_are_understood(both: SimpleNamespace, ask: Any, error: type[Exception]) -> None:  # noqa: ANN401
    with pytest.raises(error):
        ask(both.client)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (Kind.TOO_MANY, ccxt.DDoSProtection),
        (Kind.BANNED, ccxt.DDoSProtection),
        (Kind.SERVER_ERROR, ccxt.ExchangeNotAvailable),
        (Kind.DOWN, ccxt.ExchangeNotAvailable),
    ],
)
def test_faults_are_understood(kind: Kind, error: type[Exception]) -> None:
    with serving(Fault(kind)) as there, pytest.raises(error):
        client_of(there.base_urls["binance"]).public_get_ping()
