"""The declaration of Binance's USD-M futures against the numbers of its documentation, copied by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from assay.domain.instrument import Market
from assay.domain.interval import CODES, Interval
from assay.domain.symbol import Symbol
from assay.venues.binance.spec import SPEC as SPOT
from assay.venues.binance_usdm.parse import parse_exchange_info, parse_funding_rates
from assay.venues.binance_usdm.spec import SPEC
from assay.venues.registry import find_api
from assay.venues.requests import klines_request
from assay.venues.spec import Request

# "Kline/Candlestick Data": [1,100) costs 1, [100,500) costs 2, [500,1000] costs 5, more costs 10.
KLINES = [(1, 1), (99, 1), (100, 2), (499, 2), (500, 5), (1_000, 5)]
DAY = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC)
ASKED = Request("binance", "usdm_funding_rates", "/fapi/v1/fundingRate", (("symbol", "BTCUSDT"),), 24)


@pytest.mark.parametrize(("limit", "cost"), KLINES)
def test_klines_cost_by_their_number(limit: int, cost: int) -> None:
    hour = Interval.parse("1h")
    asked = klines_request(SPEC, Symbol("BTC", "USDT"), interval=hour, start=DAY[0], end=DAY[1], limit=limit)
    assert (asked.weight, asked.path) == (cost, "/fapi/v1/klines")


def test_it_is_another_api_of_the_same_venue() -> None:
    assert (SPEC.venue, SPEC.name, SPEC.base_url) == ("binance", "binance_usdm", "https://fapi.binance.com")
    assert SPOT.venue == "binance"
    assert {one.market for one in SPEC.endpoints} == {Market.USDM}
    assert [(one.limit, one.window_s, one.header) for one in SPEC.limits] == [(2_400, 60.0, "x-mbx-used-weight-1m")]
    for endpoint, name in (("klines", "binance"), ("usdm_klines", "binance_usdm")):
        found = find_api("binance", endpoint)
        assert found is not None
        assert found.spec.name == name
    assert find_api("binance", "candles") is None


def test_it_has_every_length_of_bar_but_the_second() -> None:
    assert {wire for _, wire in SPEC.intervals} == set(CODES) - {"1s"}


def test_five_hundred_questions_for_funding_fit_into_five_minutes_and_no_more() -> None:
    limit = SPEC.limits[0]
    assert 5 * limit.limit // SPEC.endpoint("usdm_funding_rates").weight.of({}) == 500


def test_funding_without_a_mark_price_has_none() -> None:
    body = (
        b'[{"symbol":"BTCUSDT","fundingTime":1568102400000,"fundingRate":"0.00010000","markPrice":""},'
        b'{"symbol":"BTCUSDT","fundingTime":1717200000000,"fundingRate":"-0.00004211","markPrice":"67512.3"},'
        b'{"symbol":"BTCUSDT","fundingTime":1717228800000,"fundingRate":"","markPrice":"1"}]'
    )
    parsed = parse_funding_rates(body, ASKED, asked_at=DAY[0])
    assert parsed.rows.select("symbol", "funding_rate", "mark_price").rows() == [
        ("BTC-USDT", 0.0001, None),
        ("BTC-USDT", -0.00004211, 67512.3),
    ]
    assert parsed.rejected["cause"].to_list() == ["funding_rate is not a number"]


def test_dated_futures_are_not_taken_for_the_perpetual_one() -> None:
    def contract(symbol: str, kind: str) -> str:
        return (
            f'{{"symbol":"{symbol}","contractType":"{kind}","status":"TRADING","baseAsset":"BTC",'
            '"quoteAsset":"USDT","filters":[]}'
        )

    both = ",".join((contract("BTCUSDT", "PERPETUAL"), contract("BTCUSDT_260925", "CURRENT_QUARTER")))
    body = f'{{"serverTime":1565614571131,"symbols":[{both}]}}'.encode()
    parsed = parse_exchange_info(body, ASKED, asked_at=DAY[0])
    assert parsed.rows["venue_symbol"].to_list() == ["BTCUSDT", "BTCUSDT_260925"]
    assert parsed.rows["symbol"].to_list() == ["BTC-USDT", None]
