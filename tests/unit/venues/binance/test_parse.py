"""Binance's answers, field by field; expected values are worked out by hand beside them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from assay.domain.errors import TransientError
from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.venues import requests
from assay.venues.binance.parse import HANDLERS, read_error
from assay.venues.binance.spec import SPEC
from assay.venues.errors import PoisonPageError, VenueRefusedError
from assay.venues.parsed import Parsed
from assay.venues.spec import Request

BTC = Symbol("BTC", "USDT")
START = datetime(2024, 1, 1, tzinfo=UTC)
START_MS = 1_704_067_200_000
HOUR = timedelta(hours=1)
LATER = START + timedelta(days=400)


def klines(*rows: object, interval: str = "1h", asked_at: datetime = LATER) -> Parsed:
    request = requests.klines_request(SPEC, BTC, interval=Interval(interval), start=START, end=START + HOUR)
    return HANDLERS["klines"](json.dumps(rows).encode(), request, asked_at=asked_at)


def kline(**fields: Any) -> list[Any]:  # noqa: ANN401  (also what cannot be)
    names = {
        "open_time": START_MS, "open": "2.50", "high": "4.00", "low": "1.00", "close": "3.00", "volume": "10.5",
        "close_time": START_MS + 3_599_999, "quote_volume": "30.25", "num_trades": 7, "taker_buy_volume": "4",
        "taker_buy_quote_volume": "12.5", "ignore": "0",
    }  # fmt: skip
    return list((names | fields).values())


def answer(endpoint: str, body: object, request: Request) -> Parsed:
    return HANDLERS[endpoint](json.dumps(body).encode(), request, asked_at=LATER)


# Klines


def test_kline_has_every_field_in_its_column() -> None:
    (row,) = klines(kline()).rows.rows(named=True)
    assert row == {
        "open_time": START,
        "close_time": START + HOUR,
        "source_close_time": START + HOUR - timedelta(milliseconds=1),
        "open": 2.5,
        "high": 4.0,
        "low": 1.0,
        "close": 3.0,
        "volume": 10.5,
        "quote_volume": 30.25,
        "num_trades": 7,
        "taker_buy_volume": 4.0,
        "taker_buy_quote_volume": 12.5,
        "is_provisional": False,
        "defect": None,
    }


def test_bar_is_provisional_until_the_question_is_asked_at_its_close_or_later() -> None:
    assert klines(kline(), asked_at=START + HOUR).rows["is_provisional"].to_list() == [False]
    just_before = START + HOUR - timedelta(microseconds=1)
    assert klines(kline(), asked_at=just_before).rows["is_provisional"].to_list() == [True]


def test_closed_bars_before_an_open_one_stay_closed() -> None:
    rows = (kline(open_time=START_MS + hour * 3_600_000) for hour in range(3))
    assert klines(*rows, asked_at=START + 2.5 * HOUR).rows["is_provisional"].to_list() == [False, False, True]


@pytest.mark.parametrize(
    ("interval", "opened", "closed"),
    [
        ("1s", START, START + timedelta(seconds=1)),
        ("3d", datetime(2024, 1, 3, tzinfo=UTC), datetime(2024, 1, 6, tzinfo=UTC)),  # day 19725 = 3 × 6575
        ("1w", START, START + timedelta(days=7)),  # 2024-01-01 was a Monday
        ("1M", datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)),
        ("1M", datetime(2023, 12, 1, tzinfo=UTC), START),
    ],
)
def test_bar_of_any_length_ends_where_the_next_begins(interval: str, opened: datetime, closed: datetime) -> None:
    row = kline(open_time=int(opened.timestamp() * 1000), close_time=int(closed.timestamp() * 1000) - 1)
    (found,) = klines(row, interval=interval).rows.rows(named=True)
    assert (found["open_time"], found["close_time"], found["defect"]) == (opened, closed, None)
    assert Interval(interval).close_time(opened) == closed


@pytest.mark.parametrize(
    ("interval", "opened"),
    [
        ("1h", START + timedelta(minutes=28, seconds=14, milliseconds=789)),  # as in February 2018
        ("1w", START + timedelta(days=3)),  # a Thursday, where weeks counted from the epoch would begin
        ("1M", START + timedelta(days=1)),
        ("3d", START),  # day 19723, which 3 does not divide
    ],
)
def test_bar_off_the_grid_is_kept_and_marked(interval: str, opened: datetime) -> None:
    found = klines(kline(open_time=int(opened.timestamp() * 1000)), interval=interval)
    assert found.rows["defect"].to_list() == ["off_grid"]
    assert not Interval(interval).is_aligned(opened)


def test_same_bar_twice_is_marked_and_a_restated_one_is_not() -> None:
    restated = kline(volume="11")
    assert klines(kline(), kline(), restated).rows["defect"].to_list() == [None, "identical_duplicate", None]


def test_order_of_the_page_is_kept() -> None:
    rows = [kline(open_time=START_MS + hour * 3_600_000) for hour in (2, 0, 1)]
    assert klines(*rows).rows["open_time"].to_list() == [START + hour * HOUR for hour in (2, 0, 1)]


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"open": "abc"}, "open is not a number"),
        ({"close": "NaN"}, "close is not a number"),
        ({"volume": "1e999"}, "volume is not a number"),
        ({"low": "0"}, "low is not positive"),
        ({"open": "-2"}, "open is not positive"),
        ({"volume": "-0.1"}, "volume is negative"),
        ({"taker_buy_quote_volume": "-1"}, "taker_buy_quote_volume is negative"),
        ({"high": "0.5"}, "high is below low"),
        ({"high": "2.75"}, "high is below close"),
        ({"high": "2.75", "close": "2"}, None),
        ({"open": "5"}, "high is below open"),
        ({"low": "2.75"}, "open is below low"),
        ({"open": "3.5", "low": "3.25"}, "close is below low"),
        ({"open_time": START_MS // 1000}, "not as documented: Expected `int` >= 1230940800000 - at `$[0]`"),
        ({"open_time": str(START_MS)}, "not as documented: Expected `int`, got `str` - at `$[0]`"),
        ({"open": 2.5}, "not as documented: Expected `str`, got `float` - at `$[1]`"),
        ({"num_trades": 1.5}, "not as documented: Expected `int`, got `float` - at `$[8]`"),
        ({"volume": None}, "not as documented: Expected `str`, got `null` - at `$[5]`"),
    ],
)
def test_bar_that_cannot_be_is_set_aside_with_its_cause(fields: dict[str, object], cause: str | None) -> None:
    bad = kline(**fields)
    found = klines(kline(), bad, kline(open_time=START_MS + 3_600_000))
    if cause is None:
        assert found.rejected.height == 0
        return
    assert found.rejected.rows() == [(1, cause, json.dumps(bad))]
    assert found.rows.height == 2


def test_several_kinds_of_bad_rows_come_in_the_order_of_the_page() -> None:
    found = klines(kline(open="x"), "nonsense", kline(), kline(low="-1"), None)
    assert found.rejected["position"].to_list() == [0, 1, 3, 4]
    assert found.rows.height == 1


def test_bar_from_the_future_is_set_aside_and_one_that_clocks_explain_is_not() -> None:
    later = kline(open_time=START_MS + 7 * 86_400_000)
    found = klines("nonsense", kline(), later, kline(open_time=START_MS + 3_600_000), asked_at=START + HOUR / 2)
    assert found.rows["is_provisional"].to_list() == [True, True]
    assert found.rejected["position"].to_list() == [0, 2]
    assert found.rejected.row(1) == (
        2, "opens after it was asked for, by more than clocks are apart", json.dumps(later),
    )  # fmt: skip


def test_zero_volume_is_a_bar() -> None:
    quiet = kline(volume="0", quote_volume="0", taker_buy_volume="0", taker_buy_quote_volume="0", num_trades=0)
    assert klines(quiet).rejected.height == 0


# Tickers

TICKER = {
    "symbol": "BNBBTC", "priceChange": "-94.99999800", "priceChangePercent": "-95.960",
    "weightedAvgPrice": "0.29628482", "prevClosePrice": "0.10002000", "lastPrice": "4.00000200",
    "lastQty": "200.00000000", "bidPrice": "4.00000000",
    "bidQty": "100.00000000", "askPrice": "4.00000300", "askQty": "101.00000000", "openPrice": "99.00000000",
    "highPrice": "100.00000000", "lowPrice": "0.10000000", "volume": "8913.30000000", "quoteVolume": "15.30000000",
    "openTime": START_MS, "closeTime": START_MS + 86_400_000, "firstId": 28385, "lastId": 28460, "count": 76,
}  # fmt: skip


def test_ticker_has_every_field_in_its_column() -> None:
    (row,) = answer("ticker_24h", [TICKER], requests.tickers_request(SPEC)).rows.rows(named=True)
    assert row == {
        "venue_symbol": "BNBBTC",
        "symbol": "BNB-BTC",
        "open_time": START,
        "event_time": START + timedelta(days=1),
        "open_price": 99.0,
        "high_price": 100.0,
        "low_price": 0.1,
        "last_price": 4.000002,
        "last_quantity": 200.0,
        "previous_close_price": 0.10002,
        "weighted_average_price": 0.29628482,
        "price_change": -94.999998,
        "price_change_pct": -95.96,
        "bid_price": 4.0,
        "bid_quantity": 100.0,
        "ask_price": 4.000003,
        "ask_quantity": 101.0,
        "volume": 8913.3,
        "quote_volume": 15.3,
        "first_trade_id": 28385,
        "last_trade_id": 28460,
        "num_trades": 76,
    }


def test_ticker_of_one_symbol_comes_without_a_list_and_is_the_same_row() -> None:
    one = answer("ticker_24h", TICKER, requests.tickers_request(SPEC, Symbol("BNB", "BTC")))
    assert one.rows.equals(answer("ticker_24h", [TICKER], requests.tickers_request(SPEC)).rows)
    with pytest.raises(VenueRefusedError, match="-1121"):
        answer("ticker_24h", {"code": -1121, "msg": "Invalid symbol."}, requests.tickers_request(SPEC, BTC))
    bad = answer("ticker_24h", {**TICKER, "bidPrice": "x"}, requests.tickers_request(SPEC, BTC))
    assert bad.rejected["cause"].to_list() == ["bid_price is not a number"]


def test_day_without_trades_has_no_prices_rather_than_prices_of_zero() -> None:
    zero = dict.fromkeys((name for name in TICKER if isinstance(TICKER[name], str) and name != "symbol"), "0.00000000")
    quiet = {**TICKER, **zero, "firstId": -1, "lastId": -1, "count": 0}
    (row,) = answer("ticker_24h", [quiet], requests.tickers_request(SPEC)).rows.rows(named=True)
    for name in ("last_price", "bid_price", "ask_price", "open_price", "weighted_average_price", "first_trade_id"):
        assert row[name] is None
    assert (row["volume"], row["bid_quantity"], row["num_trades"], row["price_change"]) == (0.0, 0.0, 0, 0.0)


def test_symbol_beyond_ascii_keeps_its_row_and_has_no_name_in_assay() -> None:
    found = answer("ticker_24h", [{**TICKER, "symbol": "币安人生USDT"}], requests.tickers_request(SPEC))
    assert found.rows.select("venue_symbol", "symbol").rows() == [("币安人生USDT", None)]


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"bidPrice": "-1"}, "bid_price is negative"),
        ({"highPrice": "0.05"}, "high_price is below low_price"),
        ({"quoteVolume": "much"}, "quote_volume is not a number"),
    ],
)
def test_ticker_that_cannot_be_is_set_aside(fields: dict[str, str], cause: str) -> None:
    found = answer("ticker_24h", [TICKER, {**TICKER, **fields}], requests.tickers_request(SPEC))
    assert found.rejected.select("position", "cause").rows() == [(1, cause)]


# Order books


def book(bids: object, asks: object) -> Parsed:
    body = {"lastUpdateId": 17, "bids": bids, "asks": asks}
    return answer("depth", body, requests.depth_request(SPEC, BTC))


def test_order_book_is_one_row_with_the_best_levels_first() -> None:
    (row,) = book([["4.0", "1"], ["3.5", "2"]], [["4.5", "3"]]).rows.rows(named=True)
    assert row == {
        "last_update_id": 17,
        "bid_prices": [4.0, 3.5],
        "bid_quantities": [1.0, 2.0],
        "ask_prices": [4.5],
        "ask_quantities": [3.0],
    }


def test_side_without_orders_is_empty_and_not_null() -> None:
    (row,) = book([], []).rows.rows(named=True)
    assert (row["bid_prices"], row["ask_quantities"]) == ([], [])


@pytest.mark.parametrize(
    ("bids", "asks", "cause"),
    [
        ([["4.0", "1"]], [["4.0", "1"]], "the best bid is not below the best ask"),
        ([["3.0", "1"], ["4.0", "1"]], [], "the bids are not sorted"),
        ([], [["4.0", "1"], ["4.0", "2"]], "the asks are not sorted"),
        ([["4.0", "0"]], [], "of the bids is not a positive number"),
        ([], [["abc", "1"]], "of the asks is not a positive number"),
        ([], [["1e999", "1"]], "of the asks is not a positive number"),
        ([["4.0"]], [], "not as documented"),
        ([[4.0, 1.0]], [], "not as documented"),
        (None, [], "not as documented"),
    ],
)
def test_book_with_anything_wrong_in_it_is_no_book(bids: object, asks: object, cause: str) -> None:
    with pytest.raises(PoisonPageError, match=cause):
        book(bids, asks)


# Trades


def test_aggregate_trade_has_the_side_of_its_taker() -> None:
    trade = {"a": 26129, "p": "0.5", "q": "4", "f": 27781, "l": 27783, "T": START_MS, "m": True, "M": True}
    request = requests.trades_request(SPEC, BTC, start=START, end=START + HOUR)
    found = answer("agg_trades", [trade, {**trade, "m": False}], request)
    assert found.rows.row(0) == (26129, 27781, 27783, START, 0.5, 4.0, "sell")
    assert found.rows["side"].to_list() == ["sell", "buy"]


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"p": "0"}, "price is not positive"),
        ({"q": "0.0"}, "quantity is not positive"),
        ({"f": -1, "l": -1}, "first_trade_id is negative"),  # a gap in the ids, filled by the venue
        ({"l": 27780}, "last_trade_id is below first_trade_id"),
    ],
)
def test_trade_that_cannot_be_is_set_aside(fields: dict[str, object], cause: str) -> None:
    trade = {"a": 1, "p": "0.5", "q": "4", "f": 27781, "l": 27781, "T": START_MS, "m": True, "M": True}
    request = requests.trades_request(SPEC, BTC, start=START, end=START + HOUR)
    assert answer("agg_trades", [{**trade, **fields}], request).rejected["cause"].to_list() == [cause]


# Instruments


def instrument(**fields: object) -> dict[str, object]:
    price = {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01"}
    lot = {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000", "stepSize": "0.00001"}
    names: dict[str, object] = {"symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT"}
    return {**names, "filters": [price, lot, {"filterType": "NOTIONAL", "minNotional": "5"}], **fields}


def instruments(*rows: object) -> Parsed:
    body = {"serverTime": START_MS, "symbols": rows}
    return answer("exchange_info", body, requests.instruments_request(SPEC))


def test_instrument_has_its_ticks_and_lots() -> None:
    (row,) = instruments(instrument()).rows.rows(named=True)
    assert row == {
        "venue_symbol": "BTCUSDT",
        "symbol": "BTC-USDT",
        "base": "BTC",
        "quote": "USDT",
        "status": "TRADING",
        "is_trading": True,
        "tick_size": 0.01,
        "min_price": 0.01,
        "max_price": 1_000_000.0,
        "lot_size": 0.00001,
        "min_quantity": 0.00001,
        "max_quantity": 9_000.0,
        "min_notional": 5.0,
        "event_time": START,
    }


def test_smallest_notional_is_found_under_its_old_name_and_no_filter_is_no_bound() -> None:
    old = instrument(filters=[{"filterType": "MIN_NOTIONAL", "minNotional": "10"}], status="BREAK")
    (row,) = instruments(old).rows.rows(named=True)
    assert (row["min_notional"], row["tick_size"], row["is_trading"]) == (10.0, None, False)


def test_bound_of_zero_is_a_rule_that_is_off() -> None:
    off = [{"filterType": "PRICE_FILTER", "minPrice": "0.00", "maxPrice": "0.00", "tickSize": "0.01"}]
    (row,) = instruments(instrument(filters=off)).rows.rows(named=True)
    assert (row["min_price"], row["max_price"], row["tick_size"]) == (None, None, 0.01)


def test_instrument_is_named_by_its_base_and_quote_where_the_spelling_could_mislead() -> None:
    tricky = instrument(symbol="XUSDT", baseAsset="XUSD", quoteAsset="T")
    foreign = instrument(symbol="币安人生USDT", baseAsset="币安人生")
    assert instruments(tricky, foreign).rows["symbol"].to_list() == ["XUSD-T", None]


def test_bad_instrument_is_set_aside_alone_with_its_text() -> None:
    bad = instrument(status=None)
    found = instruments(instrument(), bad)
    assert found.rows.height == 1
    assert [json.loads(raw) for raw in found.rejected["raw"]] == [bad]
    priced = instruments(instrument(filters=[{"filterType": "PRICE_FILTER", "tickSize": "-1"}]))
    assert priced.rejected["cause"].to_list() == ["tick_size is negative"]


# The venue itself


def test_clock_of_the_venue() -> None:
    found = answer("time", {"serverTime": START_MS + 1}, requests.ask(SPEC, "server_time", {}))
    assert found.rows.rows() == [(START + timedelta(milliseconds=1),)]


@pytest.mark.parametrize("code", [-1000, -1001, -1003, -1006, -1007, -1008])
def test_trouble_inside_the_venue_is_transient(code: int) -> None:
    assert isinstance(read_error(json.dumps({"code": code, "msg": "x"}).encode()), TransientError)


@pytest.mark.parametrize("code", [-1100, -1102, -1120, -1121, -1128, 0, -9999])
def test_wrong_question_is_terminal(code: int) -> None:
    assert isinstance(read_error(json.dumps({"code": code, "msg": "x"}).encode()), VenueRefusedError)
