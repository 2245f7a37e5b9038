"""WazirX's answers: seconds here, milliseconds there, text or number."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from assay.domain.errors import TransientError
from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.venues import requests
from assay.venues.errors import VenueRefusedError
from assay.venues.parsed import Parsed
from assay.venues.wazirx.parse import HANDLERS, read_error
from assay.venues.wazirx.spec import SPEC

START = datetime(2024, 3, 13, 11, tzinfo=UTC)
START_S = 1_710_327_600
TICKER: dict[str, object] = {
    "symbol": "btcinr", "baseAsset": "btc", "quoteAsset": "inr", "openPrice": "3698486", "lowPrice": "3641155.0",
    "highPrice": "3767999.0", "lastPrice": "3713212.0", "volume": "254.11582", "bidPrice": "3715021.0",
    "askPrice": "3715022.0", "at": str(START_S * 1000),
}  # fmt: skip


def klines(*rows: object, asked_at: datetime = START + timedelta(days=1)) -> Parsed:
    end = START + timedelta(hours=1)
    request = requests.klines_request(SPEC, Symbol("BTC", "INR"), interval=Interval("1h"), start=START, end=end)
    return HANDLERS["klines"](json.dumps(rows).encode(), request, asked_at=asked_at)


def tickers(*rows: object) -> Parsed:
    return HANDLERS["tickers_24h"](json.dumps(rows).encode(), requests.tickers_request(SPEC), asked_at=START)


def test_kline_counts_in_seconds_and_lacks_what_the_venue_does_not_publish() -> None:
    (row,) = klines([START_S, 2, 4.5, 1, 3, 0.5]).rows.rows(named=True)
    assert (row["open_time"], row["close_time"]) == (START, START + timedelta(hours=1))
    assert [row[name] for name in ("open", "high", "low", "close", "volume")] == [2.0, 4.5, 1.0, 3.0, 0.5]
    absent = ("quote_volume", "num_trades", "taker_buy_volume", "taker_buy_quote_volume", "source_close_time")
    assert {row[name] for name in absent} == {None}


def test_open_bar_is_provisional() -> None:
    assert klines([START_S, 2, 4, 1, 3, 0], asked_at=START).rows["is_provisional"].to_list() == [True]


@pytest.mark.parametrize(
    "row",
    [
        [START_S * 1000, 2, 4, 1, 3, 0],  # milliseconds
        [START_S, "2", "4", "1", "3", "0"],
        [START_S, 2, 4, 1, 3],
        [START_S, 2, 4, 1, 3, 0, 0],
        [START_S, 2, 1, 4, 3, 0],
    ],
)
def test_kline_of_another_form_is_set_aside(row: list[object]) -> None:
    found = klines([START_S, 2, 4, 1, 3, 0], row)
    assert found.rejected["position"].to_list() == [1]


def test_ticker_in_small_letters_is_a_symbol_and_whole_prices_are_prices() -> None:
    (row,) = tickers(TICKER).rows.rows(named=True)
    assert (row["venue_symbol"], row["symbol"], row["event_time"]) == ("btcinr", "BTC-INR", START)
    assert (row["open_price"], row["last_price"], row["volume"]) == (3_698_486.0, 3_713_212.0, 254.11582)
    assert (row["bid_price"], row["ask_price"], row["bid_quantity"]) == (3_715_021.0, 3_715_022.0, None)


def test_time_of_a_ticker_may_be_a_number_or_absent() -> None:
    number = {**TICKER, "at": START_S * 1000}
    absent = {name: value for name, value in TICKER.items() if name != "at"}
    assert tickers(TICKER, number, absent).rows["event_time"].to_list() == [START, START, None]


@pytest.mark.parametrize("at", ["soon", "", "1710327600", str(10**30), 1_710_327_600, -1, "1710327600000.0"])
def test_time_that_is_no_moment_in_milliseconds_sets_the_ticker_aside(at: object) -> None:
    assert tickers({**TICKER, "at": at}).rejected.height == 1


def test_errors_say_message_and_too_many_requests_is_transient() -> None:
    assert isinstance(read_error(b'{"code":2136,"message":"Too many api request"}'), TransientError)
    assert isinstance(read_error(b'{"code":-1121,"message":"Invalid symbol."}'), VenueRefusedError)
    assert read_error(b'{"code":-1121,"msg":"Invalid symbol."}') is None
