"""WazirX in the box: seconds and milliseconds, rupees at the stated rate, and errors in its words."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import polars as pl
import pytest

from assay.domain.symbol import Symbol
from assay.venues.requests import klines_request, tickers_request
from assay.venues.sandbox.bars import to_us
from assay.venues.sandbox.rupees import inr_per_usd, inr_per_usdt
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


def test_tether_costs_two_to_six_per_cent_more_than_a_dollar_and_moves_slowly() -> None:
    days = [at(2023, 6, 1) + timedelta(days=day) for day in range(500)]
    premium = [inr_per_usdt(day) / inr_per_usd(day) - 1 for day in days]
    assert Decimal("0.0199") < min(premium) < Decimal("0.021")
    assert Decimal("0.059") < max(premium) < Decimal("0.0601")
    assert max(abs(one - other) for one, other in pairwise(premium)) < Decimal("0.001")


def test_tether_is_traded_for_rupees_and_ties_the_two_quotes_together() -> None:
    rows = {row["venue_symbol"]: row for row in Asking().read(tickers_request(SPEC)).rows.iter_rows(named=True)}
    tether = rows["usdtinr"]
    # 2024-05-01 is day 121 of the cycle of 120: one day up, a premium of 2.0667 % on 83.605.
    assert tether["last_price"] == 85.33
    assert tether["bid_price"] < tether["last_price"] < tether["ask_price"]
    assert tether["volume"] > 0
    for base, tick in (("btc", 0.01), ("eth", 0.01), ("xrp", 0.0001)):
        there, back = rows[f"{base}usdt"]["last_price"], rows[f"{base}inr"]["last_price"]
        assert back == pytest.approx(there * tether["last_price"], abs=0.51 * tick)


def test_klines_of_the_tether_are_its_price_of_the_day() -> None:
    symbol = Symbol.parse("USDT-INR")
    parsed = Asking().read(klines_request(SPEC, symbol, interval=HOUR, start=START, end=END))
    assert parsed.rejected.height == 0
    prices = [float(inr_per_usdt(moment)) for moment in parsed.rows["open_time"]]
    assert len(set(prices)) == 2  # the range holds a midnight
    for name in ("open", "high", "low", "close"):
        assert parsed.rows[name].to_list() == prices
    assert parsed.rows["volume"].to_list() == pytest.approx(
        [int(one) / 10**7 / 50 for one in BARS.quote_volume], abs=0.01
    )


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
    rates = [85.27] * 4 + [85.33] * 4  # four hours before midnight and four after
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
    assert parsed.rows.height == 2 * sum(one.is_trading(NOON) for one in MARKET.listings) + 1  # the tether
    ticker = MARKET.ticker_24h(BTC, NOON)
    for name, rate, tolerance in (("btcusdt", 1.0, 0.0), ("btcinr", 85.33, 0.00501)):
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
