"""Binance in the box: every answer reads through Assay's own parser as what the market is; errors have its words."""

from __future__ import annotations

from datetime import timedelta

import pytest

from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.venues.binance.parse import read_error
from assay.venues.binance.spec import SPEC
from assay.venues.requests import (
    build_request,
    depth_request,
    instruments_request,
    klines_request,
    tickers_request,
    trades_request,
)
from assay.venues.sandbox.bars import Bars, to_us
from tests.unit.venues.sandbox.asking import MARKET, NOON, Asking, exact
from tests.unit.venues.sandbox.reading import BTC, DASH, DOGE, ETH, HOUR, at

XMR, MATIC, POL = (Symbol.parse(f"{base}-USDT") for base in ("XMR", "MATIC", "POL"))
KLINES = "/api/v3/klines"


def columns_of(bars: Bars, symbol: Symbol) -> dict[str, list[object]]:
    """Return what bronze must hold of the market's bars, by arithmetic of its own."""
    asset = MARKET.listing(symbol).asset
    price, size = asset.price_decimals, asset.quantity_decimals
    decimals = {
        **dict.fromkeys(("open", "high", "low", "close"), price),
        **dict.fromkeys(("volume", "taker_buy_volume"), size),
        **dict.fromkeys(("quote_volume", "taker_buy_quote_volume"), price + size),
    }
    columns: dict[str, list[object]] = {
        name: [exact(one, places) for one in getattr(bars, name)] for name, places in decimals.items()
    }
    return columns | {"num_trades": bars.num_trades.tolist()}


@pytest.mark.parametrize(("symbol", "code"), [(BTC, "1h"), (DOGE, "1m"), (DASH, "1d"), (ETH, "1s"), (XMR, "1M")])
def test_klines_are_the_market_s_bars(symbol: Symbol, code: str) -> None:
    interval = Interval.parse(code)
    end = at(2024, 2, 10)
    start = interval.floor(end - 50 * interval.duration)
    request = klines_request(SPEC, symbol, interval=interval, start=start, end=end)
    parsed = Asking().read(request)
    bars = MARKET.klines(symbol, interval, start=start, end=end)
    assert parsed.rejected.height == 0
    assert len(bars) >= 49
    rows = parsed.rows.to_dict(as_series=False)
    assert {name: rows[name] for name in columns_of(bars, symbol)} == columns_of(bars, symbol)
    assert [to_us(one) for one in rows["open_time"]] == bars.open_time.tolist()
    assert [to_us(one) for one in rows["source_close_time"]] == (bars.close_time - 1_000).tolist()
    assert not any(rows["is_provisional"])
    assert rows["defect"] == [None] * len(bars)


def test_kline_is_an_array_of_twelve_with_texts_of_eight_decimals() -> None:
    [row] = Asking().json("binance", KLINES, symbol="BTCUSDT", interval="1h", limit=1)
    assert len(row) == 12
    assert [type(field) for field in row] == [int, *[str] * 5, int, str, int, str, str, str]
    assert {len(field.partition(".")[2]) for field in (*row[1:6], row[7], row[9], row[10])} == {8}
    assert row[11] == "0"


def test_bar_in_progress_is_the_last_one_and_shows_only_what_has_been_traded() -> None:
    asking = Asking()
    request = klines_request(SPEC, BTC, interval=HOUR, start=at(2024, 5, 1, 10), end=at(2024, 5, 2))
    parsed = asking.read(request)
    assert parsed.rows["is_provisional"].to_list() == [False, False, True]
    trades = MARKET.agg_trades(BTC, start=at(2024, 5, 1, 12), end=NOON)
    assert parsed.rows["close"][2] == exact(trades.price[-1], 2)
    assert parsed.rows["volume"][2] == exact(trades.quantity.sum(), 5)
    asking.clock.moment += timedelta(hours=1)
    assert asking.read(request).rows["volume"][2] > parsed.rows["volume"][2]


def test_range_includes_both_ends_by_open_time() -> None:
    first, last = (to_us(at(2024, 5, 1, hour)) // 1_000 for hour in (3, 5))
    asking = Asking()
    rows = asking.json("binance", KLINES, symbol="BTCUSDT", interval="1h", startTime=first, endTime=last)
    assert [row[0] for row in rows] == [first, first + 3_600_000, last]
    short = asking.json("binance", KLINES, symbol="BTCUSDT", interval="1h", startTime=first + 1, endTime=last - 1)
    assert [row[0] for row in short] == [first + 3_600_000]


def test_page_with_a_start_is_the_oldest_and_without_one_the_newest() -> None:
    asking = Asking()
    asked = {"symbol": "BTCUSDT", "interval": "1m", "limit": 3}
    first, last = (to_us(at(2024, 4, 30, hour)) // 1_000 for hour in (3, 5))
    oldest = asking.json("binance", KLINES, **asked, startTime=first, endTime=last)
    newest = asking.json("binance", KLINES, **asked, endTime=last)
    latest = asking.json("binance", KLINES, **asked)
    assert [row[0] - first for row in oldest] == [0, 60_000, 120_000]
    assert [row[0] - last for row in newest] == [-120_000, -60_000, 0]
    assert latest[-1][0] == to_us(at(2024, 5, 1, 12, 34)) // 1_000
    from_the_beginning = asking.json("binance", KLINES, **asked, startTime=0)
    assert from_the_beginning[0][0] == to_us(MARKET.listing(BTC).listed_at) // 1_000


def test_limit_is_500_unless_given_and_at_most_1000() -> None:
    asking = Asking()
    sizes = [
        len(asking.json("binance", KLINES, symbol="BTCUSDT", interval="1m", **limit))
        for limit in ({}, {"limit": 7}, {"limit": 1_000}, {"limit": 5_000})
    ]
    assert sizes == [500, 7, 1_000, 1_000]


def test_history_of_a_symbol_that_left_can_still_be_had() -> None:
    left = MARKET.listing(XMR).delisted_at
    assert left is not None
    rows = Asking().json("binance", KLINES, symbol="XMRUSDT", interval="1h", limit=5)
    assert rows == []  # the newest five hours of the calendar, in which it was not traded
    request = klines_request(SPEC, XMR, interval=HOUR, start=left - timedelta(hours=2), end=left + timedelta(days=1))
    assert Asking().read(request).rows.height == 2


def test_tickers_of_all_symbols_are_those_traded_now() -> None:
    asking = Asking()
    parsed = asking.read(tickers_request(SPEC))
    traded = {"".join(str(one.symbol).split("-")) for one in MARKET.listings if one.is_trading(NOON)}
    assert parsed.rejected.height == 0
    assert set(parsed.rows["venue_symbol"]) == traded
    assert {"MATICUSDT"} < traded
    assert not {"XMRUSDT", "POLUSDT"} & traded
    single = asking.read(tickers_request(SPEC, DOGE)).rows
    assert single.equals(parsed.rows.filter(parsed.rows["venue_symbol"] == "DOGEUSDT"))


def test_ticker_is_the_market_s_last_day() -> None:
    row = Asking().read(tickers_request(SPEC, BTC)).rows.row(0, named=True)
    ticker = MARKET.ticker_24h(BTC, NOON)
    prices = {
        "open_price": ticker.open,
        "high_price": ticker.high,
        "low_price": ticker.low,
        "last_price": ticker.last,
        "previous_close_price": ticker.previous_close,
        "price_change": ticker.change,
        "bid_price": ticker.bid,
        "ask_price": ticker.ask,
    }
    assert {name: row[name] for name in prices} == {name: exact(ticks, 2) for name, ticks in prices.items()}
    sizes = {"volume": ticker.volume, "last_quantity": ticker.last_quantity, "bid_quantity": ticker.bid_quantity}
    assert {name: row[name] for name in sizes} == {name: exact(lots, 5) for name, lots in sizes.items()}
    assert row["quote_volume"] == exact(ticker.quote_volume, 7)
    assert (row["first_trade_id"], row["last_trade_id"]) == (ticker.first_id, ticker.last_id)
    assert row["num_trades"] == ticker.num_trades
    assert row["weighted_average_price"] == pytest.approx(row["quote_volume"] / row["volume"], abs=1e-8)
    assert row["price_change_pct"] == pytest.approx(100 * row["price_change"] / row["open_price"], abs=5e-4)
    assert row["event_time"] == NOON


def test_fallen_price_has_one_minus_in_front() -> None:
    moments = [NOON + timedelta(days=day) for day in range(8)]
    changes = [Asking(now=one).json("binance", "/api/v3/ticker/24hr", symbol="BTCUSDT") for one in moments]
    texts = [one["priceChange"] for one in changes]
    assert any(text.startswith("-") for text in texts)
    for one in changes:
        change = float(one["lastPrice"]) - float(one["openPrice"])
        assert float(one["priceChange"]) == pytest.approx(change, abs=1e-9)


@pytest.mark.parametrize("limit", [1, 5, 100, 5_000])
def test_order_book_is_the_market_s(limit: int) -> None:
    row = Asking().read(depth_request(SPEC, BTC, limit=limit)).rows.row(0, named=True)
    book = MARKET.depth(BTC, NOON, limit=limit)
    assert row["last_update_id"] == book.update_id
    assert row["bid_prices"] == [exact(one, 2) for one in book.bid_price]
    assert row["ask_quantities"] == [exact(one, 5) for one in book.ask_quantity]
    assert len(row["ask_prices"]) == limit


def test_trades_of_a_range_are_the_market_s() -> None:
    start, end = at(2024, 5, 1, 11), at(2024, 5, 1, 11, 5)
    parsed = Asking().read(trades_request(SPEC, BTC, start=start, end=end))
    trades = MARKET.agg_trades(BTC, start=start, end=end)
    assert parsed.rejected.height == 0
    assert len(trades) > 100
    assert parsed.rows["aggregate_id"].to_list() == trades.trade_id.tolist()
    assert [to_us(one) for one in parsed.rows["event_time"]] == trades.time.tolist()
    assert parsed.rows["price"].to_list() == [exact(one, 2) for one in trades.price]
    assert parsed.rows["quantity"].to_list() == [exact(one, 5) for one in trades.quantity]
    assert [side == "sell" for side in parsed.rows["side"]] == trades.is_buyer_maker.tolist()


def test_trades_page_by_id_without_a_hole() -> None:
    asking, path = Asking(), "/api/v3/aggTrades"
    newest = asking.json("binance", path, symbol="DASHUSDT", limit=40)
    last = newest[-1]["a"]
    assert [one["a"] for one in newest] == list(range(last - 39, last + 1))
    assert MARKET.ticker_24h(DASH, NOON).last_id == last
    again = asking.json("binance", path, symbol="DASHUSDT", fromId=last - 39, limit=15)
    assert again == newest[:15]
    rest = asking.json("binance", path, symbol="DASHUSDT", fromId=last - 24)
    assert again + rest == newest
    assert asking.json("binance", path, symbol="DASHUSDT", fromId=last + 1) == []


def test_exchange_info_lists_what_was_ever_traded_with_its_ticks() -> None:
    parsed = Asking().read(instruments_request(SPEC))
    assert parsed.rejected.height == 0
    rows = {row["venue_symbol"]: row for row in parsed.rows.to_dicts()}
    assert set(rows) == {"".join(str(one.symbol).split("-")) for one in MARKET.listings if one.listed_at <= NOON}
    assert rows["BTCUSDT"]["tick_size"] == 0.01
    assert rows["DOGEUSDT"]["lot_size"] == 1.0
    assert (rows["XMRUSDT"]["is_trading"], rows["MATICUSDT"]["is_trading"]) == (False, True)
    assert "POLUSDT" not in rows
    later = Asking(now=at(2024, 9, 14)).read(instruments_request(SPEC)).rows
    traded = dict(zip(later["venue_symbol"], later["is_trading"], strict=True))
    assert (traded["MATICUSDT"], traded["POLUSDT"]) == (False, True)


def test_ping_and_time() -> None:
    asking = Asking()
    assert asking.answer("binance", "/api/v3/ping").body == b"{}"
    request = build_request(SPEC, SPEC.endpoint("time"), {})
    assert asking.read(request).rows["server_time"].to_list() == [NOON]


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        (KLINES, {"symbol": "NOPEUSDT", "interval": "1h"}, -1121),
        (KLINES, {"symbol": "btcusdt", "interval": "1h"}, -1100),
        (KLINES, {"symbol": "BTC/USDT", "interval": "1h"}, -1100),
        (KLINES, {"symbol": "", "interval": "1h"}, -1105),
        (KLINES, {"symbol": "BTCUSDT", "interval": ""}, -1105),
        (KLINES, {"symbol": "BTCUSDT", "interval": "1h", "limit": ""}, -1105),
        (KLINES, {"symbol": "POLUSDT", "interval": "1h"}, -1121),  # listed later
        (KLINES, {"symbol": "BTCUSDT", "interval": "7h"}, -1120),
        (KLINES, {"symbol": "BTCUSDT"}, -1102),
        (KLINES, {"interval": "1h"}, -1102),
        (KLINES, {"symbol": "BTCUSDT", "interval": "1h", "limit": "x"}, -1100),
        (KLINES, {"symbol": "BTCUSDT", "interval": "1h", "limit": "0"}, -1130),
        (KLINES, {"symbol": "BTCUSDT", "interval": "1h", "startTime": "2", "endTime": "1"}, -1023),
        (KLINES, {"symbol": "BTCUSDT", "interval": "1h", "colour": "red"}, -1104),
        ("/api/v3/depth", {"symbol": "BTCUSDT", "limit": "many"}, -1100),
        ("/api/v3/aggTrades", {"symbol": "BTCUSDT", "fromId": "1", "startTime": "1"}, -1128),
        ("/api/v3/ticker/24hr", {"symbol": "XMRUSDT"}, -1121),  # delisted
        ("/api/v3/ticker/24hr", {"symbols": "BTCUSDT"}, -1100),
    ],
)
def test_wrong_question_gets_the_documented_code(path: str, params: dict[str, str], code: int) -> None:
    answer = Asking().answer("binance", path, **params)
    error = read_error(answer.body)
    assert answer.status == 400
    assert error is not None
    assert error.code == code


def test_several_symbols_can_be_asked_for_at_once() -> None:
    rows = Asking().json("binance", "/api/v3/ticker/24hr", symbols='["ETHUSDT","BTCUSDT"]')
    assert [row["symbol"] for row in rows] == ["ETHUSDT", "BTCUSDT"]
    info = Asking().json("binance", "/api/v3/exchangeInfo", symbol="BTCUSDT")
    assert [row["symbol"] for row in info["symbols"]] == ["BTCUSDT"]


def test_far_ends_of_time_are_no_trouble() -> None:
    asked = {"symbol": "BTCUSDT", "interval": "1m", "limit": 2}
    far = 10**20 - 1
    assert Asking().json("binance", KLINES, **asked, startTime=far, endTime=far) == []
    assert len(Asking().json("binance", KLINES, **asked, startTime=0, endTime=far)) == 2
    assert Asking(now=at(2016, 1, 1)).json("binance", "/api/v3/ticker/24hr") == []
