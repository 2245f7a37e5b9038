"""Real answers of the venues go through the parsers, and what comes out equals what was counted in them otherwise."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from assay.domain.instrument import Market
from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.lake.recordings import RecordingSpec, read_recording
from assay.venues import requests
from assay.venues.binance.parse import _Kline
from assay.venues.parsed import Parsed
from assay.venues.registry import find_venue
from assay.venues.scan import prepare, scan
from assay.venues.spec import Request
from assay.venues.wazirx.parse import _Kline as _WazirxKline

DATA = Path(__file__).parents[3] / "shared" / "data"
REST = DATA / "rest"
pytestmark = [
    pytest.mark.recorded,
    pytest.mark.skipif(not REST.is_dir(), reason="the real recordings are not beside this repository"),
]
HOUR = Interval("1h")
BTC = Symbol("BTC", "USDT")


def body_of(name: str) -> bytes:
    path = REST / name
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def read(body: bytes, request: Request, asked_at: datetime = datetime(2025, 1, 1, tzinfo=UTC)) -> Parsed:
    return find_venue(request.venue).handlers[request.endpoint](body, request, asked_at=asked_at)


def test_binance_exchange_info_has_every_instrument() -> None:
    body = body_of("binance/api_v3_exchangeInfo_20211012.json.gz")
    spec = find_venue("binance").spec
    found = read(body, requests.instruments_request(spec))
    assert (found.rows.height, found.rejected.height) == (1_695, 0)
    counts = dict(found.rows.group_by("status").len().iter_rows())
    assert counts == {"TRADING": 1_262, "BREAK": 433}
    assert found.rows["is_trading"].sum() == 1_262
    btc = found.rows.row(by_predicate=pl.col("venue_symbol") == "BTCUSDT", named=True)
    assert (btc["symbol"], btc["tick_size"], btc["lot_size"], btc["min_notional"]) == ("BTC-USDT", 0.01, 0.00001, 10.0)
    assert btc["event_time"] == datetime(2021, 10, 12, 0, 28, 31, 98_000, tzinfo=UTC)


def test_binance_spelling_of_every_real_symbol_is_cut_where_the_venue_cuts_it() -> None:
    grammar = find_venue("binance").spec.symbols
    for one in json.loads(body_of("binance/api_v3_exchangeInfo_20211012.json.gz"))["symbols"]:
        symbol = Symbol(one["baseAsset"], one["quoteAsset"])
        assert grammar.to_symbol(one["symbol"]) == symbol
        assert grammar.to_wire(symbol) == one["symbol"]


@pytest.mark.parametrize(
    ("name", "update_id", "bids", "asks", "best_bid", "best_ask"),
    [  # counted with jq: .lastUpdateId, (.bids|length), (.asks|length), .bids[0], .asks[0]
        ("BLZETH", 281_916_627, 174, 1_000, 0.00006547, 0.00006555),
        ("LRCBTC", 259_345_543, 176, 1_000, 0.00000637, 0.00000638),
        ("NKNUSDT", 499_869_752, 609, 1_000, 0.3521, 0.3525),
        ("RUNEEUR", 15_602_511, 221, 468, 6.251, 6.269),
    ],
)
def test_binance_order_book(name: str, update_id: int, bids: int, asks: int, best_bid: float, best_ask: float) -> None:
    spec = find_venue("binance").spec
    request = requests.depth_request(spec, spec.symbols.to_symbol(name), limit=1_000)
    (row,) = read(body_of(f"binance/api_v3_depth_symbol_{name}_limit_1000_20211012.json.gz"), request).rows.rows(
        named=True
    )
    assert row["last_update_id"] == update_id
    assert (len(row["bid_prices"]), len(row["bid_quantities"])) == (bids, bids)
    assert (len(row["ask_prices"]), len(row["ask_quantities"])) == (asks, asks)
    assert (row["bid_prices"][0], row["ask_prices"][0]) == (best_bid, best_ask)
    assert max(row["bid_prices"]) == best_bid < best_ask == min(row["ask_prices"])


def test_coingecko_markets() -> None:
    body = body_of("coingecko/coins_markets_20220106.json")
    found = read(body, requests.coin_markets_request(find_venue("coingecko").spec))
    assert (found.rows.height, found.rejected.height) == (57, 0)
    source = {coin["id"]: coin for coin in json.loads(body)}
    wire = {"price": "current_price", "market_cap": "market_cap", "max_supply": "max_supply", "all_time_low": "atl"}
    for row in found.rows.iter_rows(named=True):
        assert {name: row[name] for name in wire} == {name: source[row["coin_id"]][key] for name, key in wire.items()}
    nulls = found.rows.null_count().row(0, named=True)
    assert [nulls[name] for name in ("roi_times", "max_supply", "fully_diluted_valuation", "market_cap_rank")] == [
        38, 24, 24, 2,
    ]  # fmt: skip
    bitcoin = found.rows.row(0, named=True)
    assert (bitcoin["coin_id"], bitcoin["price"], bitcoin["all_time_high"]) == ("bitcoin", 42_981.0, 69_045.0)
    assert bitcoin["all_time_high_at"] == datetime(2021, 11, 10, 14, 24, 11, 849_000, tzinfo=UTC)


def test_wazirx_kline_counts_in_seconds_and_was_open_when_it_was_recorded() -> None:
    spec = find_venue("wazirx").spec
    start, end = datetime(2024, 3, 13, 11, tzinfo=UTC), datetime(2024, 3, 13, 12, tzinfo=UTC)
    request = requests.klines_request(spec, BTC, interval=HOUR, start=start, end=end)
    body = body_of("wazirx/klines_btcusdt_1h_20240313.json")
    (row,) = read(body, request, asked_at=datetime(2024, 3, 13, 11, 10, 41, tzinfo=UTC)).rows.rows(named=True)
    assert (row["open_time"], row["close_time"], row["is_provisional"]) == (start, end, True)
    assert [row[name] for name in ("open", "high", "low", "close", "volume")] == [
        73216.0,
        73250.0,
        73216.0,
        73216.0,
        0.00201,
    ]


def test_wazirx_ticker_counts_in_milliseconds_as_text() -> None:
    # The recording is the answer for one symbol, which lacks the list around it that the answer for all has.
    body = b"[" + body_of("wazirx/ticker_24hr_btcusdt_20240313.json") + b"]"
    (row,) = read(body, requests.tickers_request(find_venue("wazirx").spec)).rows.rows(named=True)
    assert (row["symbol"], row["event_time"]) == ("BTC-USDT", datetime(2024, 3, 13, 11, 10, 41, tzinfo=UTC))
    assert (row["open_price"], row["last_price"], row["bid_price"]) == (72046.0, 73216.0, 73122.0)


def rows_of(name: str) -> list[list[Any]]:
    """Return the rows of a recorded file as the venue would send them: numbers as they are written, as text."""
    with gzip.open(DATA / "klines" / name, "rt", encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


def milliseconds(text: str) -> int:
    if text.isdecimal():
        return int(text)
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return int(moment.timestamp()) * 1_000 + moment.microsecond // 1_000


def wire_rows(name: str) -> list[list[int | str]]:
    """Return the rows of a recorded file in the order and the types of the wire."""
    wire: list[list[int | str]] = []
    for opened, *texts, closed, quote_volume, trades, taker, taker_quote, ignore in (row[:12] for row in rows_of(name)):
        numbers = [milliseconds(closed), quote_volume, int(trades), taker, taker_quote, ignore]
        wire.append([milliseconds(opened), *texts, *numbers])
    return wire


@pytest.mark.parametrize(
    ("name", "bars", "off_grid"),
    [
        ("binance_spot_BTCUSDT_1h_12col_2024.csv.gz", 3_160, 0),
        ("binance_spot_BTCUSDT_1h_12col_2017_2020.csv.gz", 28_909, 43),
    ],
)
def test_klines_by_rest_equal_the_same_klines_by_import(name: str, bars: int, off_grid: int) -> None:
    wire = wire_rows(name)
    start, end = datetime(2017, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)
    request = requests.klines_request(find_venue("binance").spec, BTC, interval=HOUR, start=start, end=end)
    # While the last bar of the one or the other is open.
    asked_at = datetime(2024, 5, 11, 15, 30, tzinfo=UTC) if "2024" in name else datetime(2020, 12, 8, 0, 30, tzinfo=UTC)
    found = read(json.dumps(wire).encode(), request, asked_at=asked_at)
    assert (found.rows.height, found.rejected.height) == (bars, 0)
    assert found.rows["defect"].to_list().count("off_grid") == off_grid
    imported = read_recording(
        DATA / "klines" / name, RecordingSpec("binance", Market.SPOT, HOUR, BTC, recorded_at=asked_at)
    ).klines.sort("row_number")
    assert found.rows.equals(imported.select(found.rows.columns))


@pytest.mark.parametrize(
    "name",
    [
        "binance_spot_BTCUSDT_1h_12col_2024.csv.gz",
        "binance_spot_BTCUSDT_1h_12col_2017_2020.csv.gz",
        "binance_usdm_BTCUSDT_1h_12col_2019_2023.csv.gz",
    ],
)
def test_klines_are_the_same_scanned_and_read(name: str) -> None:
    prepare()
    wire = wire_rows(name)
    start, end = datetime(2017, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)
    request = requests.klines_request(find_venue("binance").spec, BTC, interval=HOUR, start=start, end=end)
    # Binance sends eight places; in some rows whoever recorded them wrote 17.353232000000002 instead.
    sent = [row for row in wire if all(len(str(value).partition(".")[2]) <= 8 for value in row)]
    assert len(sent) > 0.7 * len(wire)
    for first in range(0, len(sent), 1_000):
        page = sent[first : first + 1_000]
        body = json.dumps(page, separators=(",", ":")).encode()
        columns = scan(body, _Kline)
        assert columns is not None, "a real page is not declined"
        for place, field in enumerate(_Kline._fields):
            assert columns[field].tolist() == [float(row[place]) for row in page]
        # The scanner knows no spaces: the same page with some is the reader's.
        assert scan(b" " + body, _Kline) is None
        scanned, by_reader = read(body, request), read(b" " + body, request)
        assert scanned.rows.equals(by_reader.rows)
        assert scanned.rejected.equals(by_reader.rejected)
    with_all = json.dumps(wire, separators=(",", ":")).encode()
    assert read(with_all, request).rows.equals(read(b" " + with_all, request).rows)


def test_recorded_answer_of_wazirx_is_the_same_scanned_and_read() -> None:
    prepare()
    spec = find_venue("wazirx").spec
    start, end = datetime(2024, 3, 13, 11, tzinfo=UTC), datetime(2024, 3, 13, 12, tzinfo=UTC)
    request = requests.klines_request(spec, BTC, interval=HOUR, start=start, end=end)
    body = body_of("wazirx/klines_btcusdt_1h_20240313.json").strip()
    assert scan(body, _WazirxKline) is not None
    assert read(body, request).rows.equals(read(b" " + body, request).rows)
