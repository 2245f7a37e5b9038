"""WazirX in the box: seconds and milliseconds, rupees at the stated rate, and errors in its words."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import polars as pl
import pytest

from assay.domain.symbol import Symbol
from assay.venues.requests import klines_request, tickers_request
from assay.venues.sandbox.bars import to_us
from assay.venues.sandbox.rupees import inr_per_usd
from assay.venues.wazirx.parse import read_error
from assay.venues.wazirx.spec import SPEC
from tests.unit.venues.sandbox.asking import MARKET, NOON, Asking, exact
from tests.unit.venues.sandbox.reading import BTC, HOUR, at

BTC_INR = Symbol.parse("BTC-INR")
START, END = at(2024, 4, 30, 20), at(2024, 5, 1, 4)
BARS = MARKET.klines(BTC, HOUR, start=START, end=END)


def test_rate_is_dated_and_the_same_all_day() -> None:
    # 121 days after 2024-01-01 at half a paisa a day: 83 + 121 * 0.005.
    assert inr_per_usd(NOON) == inr_per_usd(at(2024, 5, 1)) == Decimal("83.6050")
    assert inr_per_usd(at(2024, 5, 1) - timedelta(microseconds=1)) == Decimal("83.6000")


def test_klines_in_dollars_are_the_market_s() -> None:
    parsed = Asking().read(klines_request(SPEC, BTC, interval=HOUR, start=START, end=END))
    assert parsed.rejected.height == 0
    assert [to_us(one) for one in parsed.rows["open_time"]] == BARS.open_time.tolist()
    for name in ("open", "high", "low", "close"):
        assert parsed.rows[name].to_list() == [exact(one, 2) for one in getattr(BARS, name)]
    assert parsed.rows["volume"].to_list() == [exact(one, 5) for one in BARS.volume]


def test_klines_in_rupees_are_converted_at_the_rate_of_the_day_they_open_on() -> None:
    parsed = Asking().read(klines_request(SPEC, BTC_INR, interval=HOUR, start=START, end=END))
    assert parsed.rejected.height == 0
    rates = [83.6] * 4 + [83.605] * 4  # four hours before midnight and four after
    for name in ("open", "high", "low", "close"):
        dollars = [exact(one, 2) for one in getattr(BARS, name)]
        assert parsed.rows[name].to_list() == pytest.approx(
            [price * rate for price, rate in zip(dollars, rates, strict=True)], abs=0.00501, rel=1e-15
        )
    assert parsed.rows["volume"].to_list() == [exact(one, 5) for one in BARS.volume]


def test_open_times_are_seconds_and_prices_numbers() -> None:
    [row] = Asking().json("wazirx", "/sapi/v1/klines", symbol="btcinr", interval="1h", limit=1)
    assert row[0] == to_us(at(2024, 5, 1, 12)) // 1_000_000
    assert [type(one) for one in row] == [int, float, float, float, float, float]


def test_tickers_are_the_market_s_in_both_quotes() -> None:
    parsed = Asking().read(tickers_request(SPEC))
    assert parsed.rejected.height == 0
    assert parsed.rows.height == 2 * sum(one.is_trading(NOON) for one in MARKET.listings)
    ticker = MARKET.ticker_24h(BTC, NOON)
    for name, rate, tolerance in (("btcusdt", 1.0, 0.0), ("btcinr", 83.605, 0.00501)):
        row = parsed.rows.row(by_predicate=pl.col("venue_symbol") == name, named=True)
        for column, ticks in (("open_price", ticker.open), ("last_price", ticker.last), ("ask_price", ticker.ask)):
            assert row[column] == pytest.approx(exact(ticks, 2) * rate, abs=tolerance, rel=1e-15)
        assert row["event_time"] == NOON
        assert row["volume"] == exact(ticker.volume, 5)


@pytest.mark.parametrize(
    "params",
    [
        {"symbol": "BTCINR", "interval": "1h"},
        {"symbol": "nopeinr", "interval": "1h"},
        {"symbol": "btcwrx", "interval": "1h"},
        {"symbol": "btcinr", "interval": "1s"},
        {"symbol": "btcinr", "interval": "1h", "limit": "0"},
        {"symbol": "btcinr", "interval": "1h", "startTime": "soon"},
        {"interval": "1h"},
    ],
)
def test_wrong_question_is_refused_in_its_words(params: dict[str, str]) -> None:
    answer = Asking().answer("wazirx", "/sapi/v1/klines", **params)
    assert answer.status == 400
    assert read_error(answer.body) is not None
