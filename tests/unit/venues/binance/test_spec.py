"""Binance's declaration against the numbers of its documentation, copied by hand."""

from __future__ import annotations

import pytest

from assay.domain.errors import BadInputError
from assay.domain.interval import CODES
from assay.domain.symbol import Symbol
from assay.venues.binance.spec import SPEC
from assay.venues.requests import depth_request

# rest-api.md, "Order book": 1-100 costs 5, 101-500 costs 25, 501-1000 costs 50, 1001-5000 costs 250.
DEPTH = [(1, 5), (100, 5), (101, 25), (500, 25), (501, 50), (1_000, 50), (1_001, 250), (5_000, 250)]
# rest-api.md, the weight below each endpoint's heading.
WEIGHTS = {"ping": 1, "time": 1, "exchange_info": 20, "klines": 2, "agg_trades": 4, "ticker_24h": 80, "depth": 250}


@pytest.mark.parametrize(("limit", "cost"), DEPTH)
def test_order_book_costs_by_its_depth(limit: int, cost: int) -> None:
    assert depth_request(SPEC, Symbol("BTC", "USDT"), limit=limit).weight == cost


def test_order_book_is_not_asked_deeper_than_it_is_given() -> None:
    with pytest.raises(BadInputError, match="at most 5000"):
        depth_request(SPEC, Symbol("BTC", "USDT"), limit=5_001)


def test_weights_are_the_documented_ones() -> None:
    assert {one.name: one.weight.of({}) for one in SPEC.endpoints} == WEIGHTS
    assert SPEC.endpoint("ticker_24h").weight.of({"symbol": "BTCUSDT"}) == 2


def test_limits_are_the_documented_ones() -> None:
    assert [(one.kind, one.limit, one.window_s, one.header) for one in SPEC.limits] == [
        ("weight", 6_000, 60.0, "x-mbx-used-weight-1m"),
        ("requests", 61_000, 300.0, None),
    ]


def test_all_sixteen_intervals_are_spelled_as_in_assay() -> None:
    assert [wire for _, wire in SPEC.intervals] == list(CODES)


def test_the_base_url_that_serves_only_market_data_is_named() -> None:
    assert {"https://api4.binance.com", "https://data-api.binance.vision"} <= set(SPEC.other_base_urls)
