"""Coinbase's exchange: each field in its column, and every quirk that the declaration names."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from assay.domain.errors import BadInputError, TerminalError
from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.venues.coinbase import parse
from assay.venues.coinbase.spec import SPEC
from assay.venues.errors import PoisonPageError
from assay.venues.paging import next_request
from assay.venues.requests import (
    depth_request,
    instruments_request,
    klines_request,
    klines_requests,
    recent_trades_request,
    tickers_request,
)

BTC = Symbol.parse("BTC-USD")
HOUR = Interval.parse("1h")
NOON = datetime(2024, 3, 13, 12, tzinfo=UTC)
CANDLES = klines_request(SPEC, BTC, interval=HOUR, start=NOON - timedelta(hours=3), end=NOON + timedelta(hours=1))


def test_candles_are_asked_for_by_iso_times_in_the_path_and_the_query() -> None:
    assert CANDLES.path == "/products/BTC-USD/candles"
    assert CANDLES.query == "end=2024-03-13T12%3A59%3A59Z&granularity=3600&start=2024-03-13T09%3A00%3A00Z"


def test_no_question_asks_for_more_than_three_hundred_candles() -> None:
    start, end = NOON - timedelta(days=40), NOON
    requests = list(klines_requests(SPEC, BTC, interval=HOUR, start=start, end=end))
    for request in requests:
        first, last = (datetime.fromisoformat(request.param(name) or "") for name in ("start", "end"))
        assert (last - first) / HOUR.duration <= 300
    assert len(requests) in (4, 5)  # 960 hours in pages of 300, counted from the epoch


def test_candle_is_low_high_open_close_and_newest_first() -> None:
    # Worked by hand from the documented order [time, low, high, open, close, volume].
    page = [[1710331200, 1.5, 4.5, 2.5, 3.5, 10.25], [1710327600, 1, 4, 2, 3, 7]]
    rows = parse.parse_candles(json.dumps(page).encode(), CANDLES, asked_at=NOON + timedelta(minutes=1)).rows
    assert rows["open_time"].to_list() == [NOON, NOON - timedelta(hours=1)]
    assert rows.select("low", "high", "open", "close", "volume").rows() == [
        (1.5, 4.5, 2.5, 3.5, 10.25),
        (1, 4, 2, 3, 7),
    ]
    assert rows["is_provisional"].to_list() == [True, False]
    assert rows["defect"].to_list() == [None, None]


def test_candle_in_the_order_of_others_is_set_aside() -> None:
    page = [[1710327600, 2, 4, 1, 3, 7]]  # open, high, low, close, as other venues have it
    parsed = parse.parse_candles(json.dumps(page).encode(), CANDLES, asked_at=NOON)
    assert parsed.rejected["cause"].to_list() == ["open is below low"]


def test_ticker_is_of_the_product_that_was_asked_for() -> None:
    day = b'{"ask":"2.5","bid":"2","volume":"12.5","trade_id":"77",'
    body = day + b'"price":"2.25","size":"0.5","time":"2024-03-13T12:00:00.25Z"}'
    (row,) = parse.parse_ticker(body, tickers_request(SPEC, BTC), asked_at=NOON).rows.rows(named=True)
    told = {name: value for name, value in row.items() if value is not None}
    assert told == {
        "venue_symbol": "BTC-USD", "symbol": "BTC-USD", "event_time": NOON + timedelta(microseconds=250_000),
        "last_price": 2.25, "last_quantity": 0.5, "bid_price": 2.0, "ask_price": 2.5, "volume": 12.5,
        "last_trade_id": 77,
    }  # fmt: skip


def test_ticker_whose_price_is_no_number_is_set_aside() -> None:
    body = b'{"ask":"2.5","bid":"2","volume":"12.5","price":"NaN","size":"0.5","time":"2024-03-13T12:00:00Z"}'
    parsed = parse.parse_ticker(body, tickers_request(SPEC, BTC), asked_at=NOON)
    assert parsed.rows.height == 0
    assert parsed.rejected["cause"].to_list() == ["last_price is not a number"]
    assert parsed.rejected["raw"].to_list() == [body.decode()]


def test_book_keeps_its_sequence_and_leaves_the_number_of_orders_out() -> None:
    request = depth_request(SPEC, BTC, limit=50)
    assert request.query == "level=2"
    body = b'{"bids":[["2","5",3],["1.5","1",1]],"asks":[["2.5","4",2]],"sequence":99,"time":"2024-03-13T12:00:00Z"}'
    (row,) = parse.parse_book(body, request, asked_at=NOON).rows.rows(named=True)
    assert row == {
        "last_update_id": 99, "bid_prices": [2.0, 1.5], "bid_quantities": [5.0, 1.0], "ask_prices": [2.5],
        "ask_quantities": [4.0],
    }  # fmt: skip


def test_book_whose_sides_cross_is_none() -> None:
    body = b'{"bids":[["3","5",3]],"asks":[["2.5","4",2]],"sequence":99}'
    with pytest.raises(PoisonPageError, match="best bid"):
        parse.parse_book(body, depth_request(SPEC, BTC), asked_at=NOON)


def trades(*ids: int, side: str = "sell") -> bytes:
    moment = {one: (NOON + timedelta(seconds=one)).isoformat() for one in ids}
    return json.dumps(
        [{"trade_id": one, "side": side, "size": "0.5", "price": "2", "time": moment[one]} for one in ids]
    ).encode()


def test_taker_is_on_the_other_side_of_the_order_that_was_waiting() -> None:
    request = recent_trades_request(SPEC, BTC)
    for side, taker in (("sell", "buy"), ("buy", "sell")):
        (row,) = parse.parse_trades(trades(7, side=side), request, asked_at=NOON).rows.rows(named=True)
        assert (row["side"], row["aggregate_id"], row["first_trade_id"], row["last_trade_id"]) == (taker, 7, 7, 7)
    parsed = parse.parse_trades(trades(7, side="both"), request, asked_at=NOON)
    assert (parsed.rows.height, parsed.rejected.height) == (0, 1)


def test_pages_of_trades_go_back_in_time_until_the_range_begins() -> None:
    request = recent_trades_request(SPEC, BTC, limit=2)
    page = parse.parse_trades(trades(9, 8), request, asked_at=NOON)
    following = next_request(SPEC, request, page, start=NOON)
    assert following is not None
    assert following.query == "after=8&limit=2"
    assert next_request(SPEC, request, page, start=NOON + timedelta(seconds=9)) is None
    last = parse.parse_trades(trades(7), following, asked_at=NOON)
    assert next_request(SPEC, following, last, start=NOON) is None, "a page that is not full is the last one"


def test_refusal_has_words_and_no_code() -> None:
    error = parse.read_error(b'{"message":"Unsupported granularity"}')
    assert isinstance(error, TerminalError)
    assert "Unsupported granularity" in str(error)


def test_interval_that_the_venue_lacks_is_refused() -> None:
    with pytest.raises(BadInputError, match="1m, 5m, 15m, 1h, 6h, 1d"):
        klines_request(SPEC, BTC, interval=Interval.parse("4h"), start=NOON, end=NOON + timedelta(days=1))


def test_old_product_has_bounds_that_newer_ones_lack() -> None:
    common = {"base_currency": "BTC", "quote_currency": "EUR", "quote_increment": "0.01", "base_increment": "0.001"}
    page = [
        {"id": "BTC-EUR", **common, "status": "online", "base_min_size": "0.1", "base_max_size": "20"},
        {"id": "BTC-EUR", **common, "status": "online", "trading_disabled": True},
        {"id": "BTC-EUR", **common, "status": "delisted"},
    ]
    rows = parse.parse_products(json.dumps(page).encode(), instruments_request(SPEC), asked_at=NOON).rows
    assert rows["is_trading"].to_list() == [True, False, False]
    assert rows["min_quantity"].to_list() == [0.1, None, None]
    assert rows.select("symbol", "tick_size", "lot_size").row(0) == ("BTC-EUR", 0.01, 0.001)
