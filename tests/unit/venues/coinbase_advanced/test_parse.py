"""Coinbase Advanced Trade: numbers that are text, lists inside objects, and what stands for nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from assay.domain.errors import TerminalError, TransientError
from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.venues.coinbase_advanced import parse
from assay.venues.coinbase_advanced.spec import SPEC
from assay.venues.requests import (
    depth_request,
    instruments_request,
    klines_request,
    recent_trades_request,
    tickers_request,
)

BTC = Symbol.parse("BTC-USD")
HOUR = Interval.parse("1h")
NOON = datetime(2024, 3, 13, 12, tzinfo=UTC)
CANDLES = klines_request(SPEC, BTC, interval=HOUR, start=NOON - timedelta(hours=3), end=NOON + timedelta(hours=1))
PRODUCT = {
    "product_id": "BTC-USD", "base_currency_id": "BTC", "quote_currency_id": "USD", "status": "online",
    "price": "2.25", "price_percentage_change_24h": "-1.5", "volume_24h": "10", "base_increment": "0.001",
    "base_min_size": "0.01", "base_max_size": "20", "quote_min_size": "1", "price_increment": "0.05",
    "high_24h": "3", "low_24h": "2", "best_bid_price": "", "best_ask_price": "",
    "approximate_quote_24h_volume": "22.5",
}  # fmt: skip
GONE = PRODUCT | {
    "product_id": "XYZ-USD", "base_currency_id": "XYZ", "status": "delisted", "trading_disabled": True, "price": "",
    "price_percentage_change_24h": "", "volume_24h": "", "high_24h": "", "low_24h": "",
    "approximate_quote_24h_volume": "",
}  # fmt: skip
PRODUCTS = json.dumps({"products": [PRODUCT, GONE], "num_products": 2}).encode()


def test_it_is_the_same_venue_by_another_door() -> None:
    assert SPEC.venue == CANDLES.venue == "coinbase"
    assert CANDLES.path == "/api/v3/brokerage/market/products/BTC-USD/candles"
    assert CANDLES.query == "end=1710334799&granularity=ONE_HOUR&start=1710320400"


def test_candle_is_text_with_names() -> None:
    candle = {"start": "1710327600", "low": "1.5", "high": "4.5", "open": "2.5", "close": "3.5", "volume": "10.25"}
    body = json.dumps({"candles": [candle | {"start": "1710331200"}, candle]}).encode()
    rows = parse.parse_candles(body, CANDLES, asked_at=NOON + timedelta(minutes=1)).rows
    assert rows["open_time"].to_list() == [NOON, NOON - timedelta(hours=1)]
    assert rows.select("open", "high", "low", "close", "volume").row(1) == (2.5, 4.5, 1.5, 3.5, 10.25)
    assert rows["is_provisional"].to_list() == [True, False]


@pytest.mark.parametrize("start", ["1710327600000", "171032760", "0", "-1710327600", "1710327600.5", ""])
def test_start_in_another_unit_is_set_aside(start: str) -> None:
    candle = {"start": start, "low": "1", "high": "4", "open": "2", "close": "3", "volume": "1"}
    parsed = parse.parse_candles(json.dumps({"candles": [candle]}).encode(), CANDLES, asked_at=NOON)
    assert (parsed.rows.height, parsed.rejected.height) == (0, 1)


def test_product_that_left_is_known_and_has_no_price() -> None:
    instruments = parse.parse_products(PRODUCTS, instruments_request(SPEC), asked_at=NOON).rows
    assert instruments["is_trading"].to_list() == [True, False]
    assert instruments.select("symbol", "tick_size", "lot_size", "min_quantity", "max_quantity", "min_notional").row(
        0
    ) == ("BTC-USD", 0.05, 0.001, 0.01, 20.0, 1.0)
    day, gone = parse.parse_tickers(PRODUCTS, tickers_request(SPEC), asked_at=NOON).rows.rows(named=True)
    told = {name: value for name, value in day.items() if value is not None}
    assert told == {
        "venue_symbol": "BTC-USD", "symbol": "BTC-USD", "last_price": 2.25, "high_price": 3.0, "low_price": 2.0,
        "price_change_pct": -1.5, "volume": 10.0, "quote_volume": 22.5,
    }  # fmt: skip
    assert {name for name, value in gone.items() if value is not None} == {"venue_symbol", "symbol"}


def test_book_has_no_update_id() -> None:
    book = {"bids": [{"price": "2", "size": "5"}], "asks": [{"price": "2.5", "size": "4"}, {"price": "3", "size": "1"}]}
    body = json.dumps({"pricebook": {"product_id": "BTC-USD", **book}}).encode()
    (row,) = parse.parse_book(body, depth_request(SPEC, BTC, limit=2), asked_at=NOON).rows.rows(named=True)
    assert row == {
        "last_update_id": None, "bid_prices": [2.0], "bid_quantities": [5.0], "ask_prices": [2.5, 3.0],
        "ask_quantities": [4.0, 1.0],
    }  # fmt: skip


def test_trades_turn_the_side_round() -> None:
    trade = {"trade_id": "7", "price": "2", "size": "0.5", "time": "2024-03-13T12:00:00.5Z", "side": "SELL"}
    rows = [trade, trade | {"side": "BUY"}, trade | {"trade_id": "34b080bf-fcfd"}, trade | {"side": "UNKNOWN"}]
    parsed = parse.parse_trades(json.dumps({"trades": rows}).encode(), recent_trades_request(SPEC, BTC), asked_at=NOON)
    assert parsed.rows["side"].to_list() == ["buy", "sell"]
    assert parsed.rejected["position"].to_list() == [2, 3]


def test_errors_have_two_forms_and_the_busy_ones_are_transient() -> None:
    busy = parse.read_error(b'{"code":8,"message":"rate limit exceeded","details":[]}')
    wrong = parse.read_error(b'{"error":"NOT_FOUND","error_details":"x","message":"valid product_id is required"}')
    assert isinstance(busy, TransientError)
    assert isinstance(wrong, TerminalError)
    assert wrong.message == "NOT_FOUND: valid product_id is required"
