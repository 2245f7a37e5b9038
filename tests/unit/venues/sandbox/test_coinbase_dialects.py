"""Coinbase in the box, by both of its APIs: the same market, in the words of either."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.venues.parsed import Parsed
from assay.venues.registry import find_venue
from assay.venues.requests import (
    depth_request,
    instruments_request,
    klines_request,
    recent_trades_request,
    tickers_request,
)
from assay.venues.sandbox.faults import Fault, Kind
from assay.venues.spec import Request
from tests.unit.venues.sandbox.asking import MARKET, NOON, Asking
from tests.unit.venues.sandbox.reading import DASH, HOUR, MINUTE, at

APIS = ("coinbase", "coinbase_advanced")
EXCHANGE, ADVANCED = (find_venue(name).spec for name in APIS)
BTC, DASH_USD = Symbol.parse("BTC-USD"), Symbol.parse("DASH-USD")


def read(api: str, request: Request, asking: Asking | None = None) -> Parsed:
    """Return the answer as the API's own parser reads it."""
    asking = asking or Asking()
    answer = asking.exchange.answer(asking.exchange.prefixes[api] + request.path, dict(request.sent))
    assert answer.status == 200, answer.body
    return find_venue(api).handlers[request.endpoint](answer.body, request, asked_at=asking.clock.now())


def candles(api: str, symbol: Symbol, interval: Interval, hours: float, asking: Asking | None = None) -> pl.DataFrame:
    spec = find_venue(api).spec
    start = interval.floor(NOON) - timedelta(hours=hours)
    parsed = read(api, klines_request(spec, symbol, interval=interval, start=start, end=NOON), asking)
    assert parsed.rejected.height == 0
    return parsed.rows


@pytest.mark.parametrize("api", APIS)
def test_minutes_without_a_trade_are_left_out_and_the_newest_comes_first(api: str) -> None:
    rows = candles(api, DASH_USD, MINUTE, 4.5)
    bars = MARKET.klines(DASH, MINUTE, start=MINUTE.floor(NOON) - timedelta(hours=4.5), end=NOON, seen_at=NOON)
    traded = bars.num_trades > 0
    assert 0 < (~traded).sum() < traded.size
    assert rows.height == traded.sum()
    assert rows["open_time"].is_sorted(descending=True)
    assert rows["open_time"].dt.epoch("us").reverse().to_list() == bars.open_time[traded].tolist()
    assert rows["volume"].min() > 0  # type: ignore[operator]


def test_both_say_the_same_numbers() -> None:
    for symbol, interval, hours in ((BTC, HOUR, 200.0), (DASH_USD, MINUTE, 4.0)):
        one, other = (candles(api, symbol, interval, hours) for api in APIS)
        assert one.equals(other)
        assert one["is_provisional"].to_list() == [True] + [False] * (one.height - 1)
    books = [
        read("coinbase", depth_request(EXCHANGE, BTC)).rows,
        read("coinbase_advanced", depth_request(ADVANCED, BTC, limit=500)).rows,
    ]
    assert books[0].drop("last_update_id").equals(books[1].drop("last_update_id"))
    trades = [read(api, recent_trades_request(find_venue(api).spec, BTC, limit=500)).rows for api in APIS]
    assert trades[0].equals(trades[1])
    assert trades[0]["aggregate_id"].to_list() == list(range(*_ends(trades[0]["aggregate_id"]), -1))


def _ends(ids: pl.Series) -> tuple[int, int]:
    return int(ids[0]), int(ids[-1]) - 1


def test_bars_are_made_of_the_trades_that_are_told() -> None:
    asking = Asking(now=at(2024, 5, 1, 12, 34))
    trades = read("coinbase", recent_trades_request(EXCHANGE, BTC), asking).rows
    minutes = trades.group_by(pl.col("event_time").dt.truncate("1m")).agg(pl.col("quantity").sum()).sort("event_time")
    start = at(2024, 5, 1, 12, 30)
    request = klines_request(EXCHANGE, BTC, interval=MINUTE, start=start, end=asking.clock.now())
    bars = read("coinbase", request, asking).rows.sort("open_time")
    whole = minutes.filter(pl.col("event_time") > trades["event_time"].min()).join(
        bars, left_on="event_time", right_on="open_time"
    )
    assert whole.height >= 2
    assert whole["quantity"].to_list() == pytest.approx(whole["volume"].to_list(), rel=1e-9)


def test_older_trades_come_by_the_lowest_id() -> None:
    asking = Asking()
    spec = find_venue("coinbase").spec
    request = recent_trades_request(spec, BTC, limit=3)
    newest = read("coinbase", request, asking).rows["aggregate_id"].to_list()
    older = asking.json("coinbase", "/products/BTC-USD/trades", limit=3, after=newest[-1])
    assert [int(one["trade_id"]) for one in older] == [newest[-1] - 1, newest[-1] - 2, newest[-1] - 3]
    assert asking.json("coinbase", "/products/BTC-USD/trades", limit=3, after=1)[0]["trade_id"] == 0


def test_products_are_in_dollars_and_in_tether_and_know_what_left() -> None:
    for api in APIS:
        rows = read(api, instruments_request(find_venue(api).spec)).rows
        assert {"BTC-USD", "BTC-USDT"} <= set(rows["symbol"])
        monero = rows.filter(pl.col("base") == "XMR")  # delisted in February 2024
        assert monero["is_trading"].to_list() == [False, False]
    ticker = read("coinbase", tickers_request(EXCHANGE, BTC)).rows.row(0, named=True)
    day = read("coinbase_advanced", tickers_request(ADVANCED)).rows.row(
        by_predicate=pl.col("venue_symbol") == "BTC-USD", named=True
    )
    assert (ticker["last_price"], ticker["volume"]) == (day["last_price"], day["volume"])
    assert ticker["bid_price"] < ticker["ask_price"]


@pytest.mark.parametrize(
    ("path", "params", "status", "said"),
    [
        ("/products/NOPE-USD/candles", {"granularity": 60}, 404, "NotFound"),
        ("/products/BTCUSD/ticker", {}, 404, "NotFound"),
        ("/products/XMR-USD/ticker", {}, 404, "NotFound"),
        ("/products/BTC-USD/candles", {"granularity": 61}, 400, "Unsupported granularity"),
        ("/products/BTC-USD/candles", {"start": "2024-01-01T00:00:00Z", "end": "2024-01-02T00:00:00Z"}, 400, "300"),
        ("/products/BTC-USD/candles", {"start": "yesterday", "end": "2024-01-02T00:00:00Z"}, 400, "invalid start"),
        ("/products/BTC-USD/book", {"level": 3}, 400, "level"),
        ("/products/BTC-USD/trades", {"limit": 2000}, 400, "pagination"),
    ],
)
def test_exchange_refuses_in_its_words(path: str, params: dict[str, Any], status: int, said: str) -> None:
    answer = Asking().answer("coinbase", path, **params)
    error = find_venue("coinbase").read_error(answer.body)
    assert answer.status == status
    assert error is not None
    assert said in error.message


@pytest.mark.parametrize(
    ("path", "params", "status"),
    [
        ("/market/products/NOPE-USD/candles", {"granularity": "ONE_HOUR", "start": 1, "end": 2}, 404),
        ("/market/products/BTC-USD/candles", {"granularity": "3600", "start": 1, "end": 2}, 400),
        ("/market/products/BTC-USD/candles", {"granularity": "ONE_MINUTE", "start": 0, "end": 21_060}, 400),
        ("/market/products/BTC-USD/candles", {"granularity": "ONE_MINUTE"}, 400),
        ("/market/products/BTC-USD/ticker", {"limit": 0}, 400),
        ("/market/product_book", {}, 404),
    ],
)
def test_advanced_refuses_in_its_words(path: str, params: dict[str, Any], status: int) -> None:
    answer = Asking().answer("coinbase_advanced", "/api/v3/brokerage" + path, **params)
    assert answer.status == status
    assert find_venue("coinbase_advanced").read_error(answer.body) is not None


def test_without_both_ends_the_newest_candles_come() -> None:
    page = Asking().json("coinbase", "/products/BTC-USD/candles", granularity=3600, start="2020-01-01T00:00:00Z")
    assert len(page) == 300
    assert page[0][0] == int(HOUR.floor(NOON).timestamp())


def test_eleventh_question_of_a_second_is_too_much() -> None:
    asking = Asking()
    answers = [asking.answer("coinbase", "/time") for _ in range(11)]
    assert [one.status for one in answers] == [200] * 10 + [429]
    assert answers[-1].body == b'{"message":"Public rate limit exceeded"}'


@pytest.mark.parametrize("kind", [Kind.DUPLICATE, Kind.OUT_OF_ORDER, Kind.MISSING, Kind.WRONG_TYPES])
@pytest.mark.parametrize("api", APIS)
def test_faults_bend_the_rows_of_both(api: str, kind: Kind) -> None:
    spec = find_venue(api).spec
    request = klines_request(spec, BTC, interval=HOUR, start=HOUR.floor(NOON) - timedelta(hours=9), end=NOON)
    right, bent = read(api, request), read(api, request, Asking(Fault(kind, endpoint=request.endpoint)))
    assert (right.received, right.rejected.height) == (10, 0)
    assert bent.received - right.received == {Kind.DUPLICATE: 1, Kind.MISSING: -1}.get(kind, 0)
    assert bent.rejected.height == (kind is Kind.WRONG_TYPES)
    assert not bent.rows.equals(right.rows)
