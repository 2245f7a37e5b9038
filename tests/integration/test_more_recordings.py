"""Real answers of Coinbase and Yahoo go through the parsers, and what comes out equals what stands in them."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.venues import requests
from assay.venues.parsed import Parsed
from assay.venues.registry import find_spec, find_venue
from assay.venues.requests import klines_request
from assay.venues.scan import prepare, scan
from assay.venues.spec import Request
from tests.integration.test_venue_recordings import DATA, REST, body_of

pytestmark = [
    pytest.mark.recorded,
    pytest.mark.skipif(not REST.is_dir(), reason="the real recordings are not beside this repository"),
]
HOUR, DAY = Interval("1h"), Interval("1d")
COINBASE, ADVANCED, YAHOO = (find_spec(name) for name in ("coinbase", "coinbase_advanced", "yahoo"))
USD, TETHER, EUR = (Symbol("BTC", quote) for quote in ("USD", "USDT", "EUR"))


def read(api: str, body: bytes, request: Request, asked_at: datetime = datetime(2027, 1, 1, tzinfo=UTC)) -> Parsed:
    return find_venue(api).handlers[request.endpoint](body, request, asked_at=asked_at)


def test_products_of_coinbase_exchange() -> None:
    body = body_of("coinbase_exchange/products_20210417.json.gz")
    found = read("coinbase", body, requests.instruments_request(COINBASE))
    assert (found.rows.height, found.rejected.height) == (162, 0)
    assert found.rows["is_trading"].all()
    # Counted with jq: group_by(.quote_currency).
    counts = dict(found.rows.group_by("quote").len().iter_rows())
    assert counts == {"USD": 48, "BTC": 45, "EUR": 29, "GBP": 26, "USDC": 10, "ETH": 3, "DAI": 1}
    for row in found.rows.iter_rows(named=True):
        assert COINBASE.symbols.to_wire(Symbol.parse(row["symbol"])) == row["venue_symbol"]
    source = {one["id"]: one for one in json.loads(body)}
    wire = {"tick_size": "quote_increment", "lot_size": "base_increment", "min_notional": "min_market_funds"}
    for row in found.rows.iter_rows(named=True):
        assert {name: row[name] for name in wire} == {
            name: float(source[row["venue_symbol"]][key]) for name, key in wire.items()
        }


def test_products_of_coinbase_advanced_with_what_left_and_their_day() -> None:
    body = body_of("coinbase_advanced/api_v3_brokerage_market_products_20260809.json.gz")
    found = read("coinbase_advanced", body, requests.instruments_request(ADVANCED))
    assert (found.rows.height, found.rejected.height) == (920, 0)
    assert found.rows["is_trading"].sum() == 912
    assert dict(found.rows.group_by("status").len().iter_rows()) == {"online": 912, "delisted": 8}
    tickers = read("coinbase_advanced", body, requests.tickers_request(ADVANCED))
    assert (tickers.rows.height, tickers.rejected.height) == (920, 0)
    assert tickers.rows["last_price"].null_count() == 0
    assert tickers.rows["high_price"].null_count() == tickers.rows["volume"].null_count() == 11
    assert tickers.rows["symbol"].null_count() == 0
    btc = tickers.rows.row(by_predicate=pl.col("venue_symbol") == "BTC-USD", named=True)
    assert [btc[name] for name in ("last_price", "high_price", "low_price", "volume", "bid_price")] == [
        65086.18, 65252.99, 64675.22, 2867.54532609, None,
    ]  # fmt: skip


def test_candles_of_days_are_newest_first_and_low_comes_before_high() -> None:
    body = body_of("coinbase_exchange/pricehist_recent.json")
    start, end = datetime(2021, 1, 1, tzinfo=UTC), datetime(2021, 1, 8, tzinfo=UTC)
    request = klines_request(COINBASE, EUR, interval=DAY, start=start, end=end)
    found = read("coinbase", body, request, asked_at=datetime(2021, 1, 7, 12, tzinfo=UTC))
    assert (found.rows.height, found.rejected.height) == (7, 0)
    assert found.rows["open_time"].to_list() == [end - timedelta(days=day) for day in range(1, 8)]
    source = json.loads(body)
    for place, name in enumerate(("low", "high", "open", "close", "volume"), start=1):
        assert found.rows[name].to_list() == [row[place] for row in source]
    assert found.rows["is_provisional"].to_list() == [True] + [False] * 6


@pytest.mark.parametrize("name", ["2020-01-01--2020-10-16", "2020-10-17--2021-01-07"])
def test_ranges_that_were_cut_down_hold_their_ends(name: str) -> None:
    first, _, last = name.partition("--")
    start, end = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (first, last))
    request = klines_request(COINBASE, EUR, interval=DAY, start=start, end=end)
    found = read("coinbase", body_of(f"coinbase_exchange/pricehist_{name}.json"), request)
    assert found.rows["open_time"].to_list() == [end, start]


def test_answers_of_one_moment_of_march_2024() -> None:
    moment = datetime(2024, 3, 13, 11, 10, 41, tzinfo=UTC)
    hour = moment.replace(minute=0, second=0)
    request = klines_request(COINBASE, TETHER, interval=HOUR, start=hour, end=hour + HOUR.duration)
    body = body_of("coinbase_exchange/candles_BTC-USDT_1h_20240313.json")
    (bar,) = read("coinbase", body, request, asked_at=moment).rows.rows(named=True)
    assert [bar[name] for name in ("open", "high", "low", "close", "volume", "is_provisional")] == [
        73243.33, 73402.47, 73241.5, 73370.65, 1.56794406, True,
    ]  # fmt: skip
    body = body_of("coinbase_exchange/ticker_BTC-USDT_20240313.json")
    (ticker,) = read("coinbase", body, requests.tickers_request(COINBASE, TETHER)).rows.rows(named=True)
    assert (ticker["symbol"], ticker["last_price"], ticker["last_trade_id"]) == ("BTC-USDT", 73367.8, 18502105)
    assert bar["low"] <= ticker["last_price"] <= bar["high"]
    body = body_of("coinbase_exchange/trades_BTC-USDT_20240313.json")
    (trade,) = read("coinbase", body, requests.recent_trades_request(COINBASE, TETHER)).rows.rows(named=True)
    assert (trade["price"], trade["quantity"], trade["side"]) == (73271.63, 0.00007448, "buy")
    assert trade["event_time"] == datetime(2024, 3, 13, 11, 0, 17, 710_679, tzinfo=UTC)


def test_two_years_of_hours_pass_through_the_parser_scanned_or_read() -> None:
    rows = hours_of_coinbase()
    prepare()
    start, end = datetime(2017, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC)
    request = klines_request(COINBASE, USD, interval=HOUR, start=start, end=end)
    body = json.dumps(rows, separators=(",", ":")).encode()
    by_reader = read("coinbase", b" " + body, request)
    assert by_reader.rows.height + by_reader.rejected.height == len(rows) == 20_111
    assert read("coinbase", body, request).rows.equals(by_reader.rows)
    assert by_reader.rows["open_time"].to_list() == [datetime.fromtimestamp(row[0], UTC) for row in rows]
    assert (by_reader.rows["volume"] == 0).sum() == 28
    from assay.venues.coinbase.parse import _Candle

    assert scan(b"[[1710327600,73241.5,73402.47,73243.33,73370.65,1.56794406]]", _Candle) is not None


def hours_of_coinbase() -> list[list[Any]]:
    """Return the recorded hours as the venue sends them: its order of columns, the newest first."""
    path = Path(DATA) / "klines" / "coinbase_BTCUSD_1h_2017_2019.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        next(file)
        found = []
        for row in csv.DictReader(file):
            moment = datetime.strptime(row["Date"], "%Y-%m-%d %I-%p").replace(tzinfo=UTC)
            low, high, opened, close = (float(row[name]) for name in ("Low", "High", "Open", "Close"))
            found.append([int(moment.timestamp()), low, high, opened, close, float(row["Volume BTC"])])
    return found


def test_hours_of_yahoo_with_their_zeros_and_the_price_of_the_minute() -> None:
    body = body_of("yahoo/chart_BTC-USD_1h_20240401.json")
    source = json.loads(body)["chart"]["result"][0]
    asked_at = datetime(2024, 4, 1, 6, 11, 30, tzinfo=UTC)
    request = klines_request(YAHOO, USD, interval=HOUR, start=asked_at - timedelta(hours=31), end=asked_at)
    found = read("yahoo", body, request, asked_at=asked_at)
    assert (found.rows.height, found.rejected.height) == (31, 0)
    assert found.rows["close"].to_list() == source["indicators"]["quote"][0]["close"]
    assert found.rows["quote_volume"].to_list() == source["indicators"]["quote"][0]["volume"]
    assert (found.rows["quote_volume"] == 0).sum() == 11
    assert found.rows["defect"].to_list() == [None] * 30 + ["off_grid"]
    assert found.rows["is_provisional"].to_list() == [False] * 29 + [True, True]


def test_days_of_yahoo_with_their_adjusted_close() -> None:
    start, end = datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 4, tzinfo=UTC)
    request = klines_request(YAHOO, USD, interval=DAY, start=start, end=end)
    found = read("yahoo", body_of("yahoo/chart_BTC-USD_1d_2020-01-01_2020-01-03.json"), request)
    assert found.rows["open_time"].to_list() == [start + timedelta(days=day) for day in range(3)]
    assert found.rows["quote_volume"].to_list() == [18565664997.0, 20802083465.0, 28111481032.0]


def test_null_bar_of_yahoo_is_set_aside() -> None:
    body = body_of("yahoo/chart_INRX_with_null.json")
    start = datetime(2017, 7, 9, tzinfo=UTC)
    request = klines_request(YAHOO, USD, interval=DAY, start=start, end=start + timedelta(days=5))
    # A currency's day begins in London; the recording is of INR=X, which Assay does not ask for.
    found = read("yahoo", body.replace(b'"INR=X"', b'"BTC-USD"'), request)
    assert (found.rows.height, found.rejected["position"].to_list()) == (3, [1])
    assert found.rejected["cause"].to_list() == ["a bar without prices"]
    assert found.rows["defect"].to_list() == ["off_grid"] * 3


def test_unknown_symbol_of_yahoo_is_its_error() -> None:
    error = find_venue("yahoo").read_error(body_of("yahoo/error_404_unknown_symbol.json"))
    assert error is not None
    assert (error.code, error.message) == (404, "Not Found: No data found, symbol may be delisted")
