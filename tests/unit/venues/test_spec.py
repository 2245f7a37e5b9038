"""Declarations answer questions about themselves, and refuse those that they cannot answer."""

from __future__ import annotations

import pytest

from assay.domain.errors import BadInputError
from assay.domain.interval import Interval
from assay.venues.binance.spec import SPEC
from assay.venues.datasets import COIN_MARKETS, KLINES
from assay.venues.spec import Request, Weight


def test_weight_without_a_rule_is_the_same_for_all() -> None:
    assert Weight(2).of({"limit": "5000"}) == 2


def test_weight_follows_the_steps_and_the_absence_of_its_parameter() -> None:
    weight = Weight(9, parameter="limit", steps=((10, 1), (20, 2)), absent=7)
    assert [weight.of({"limit": str(limit)}) for limit in (1, 10, 11, 20, 21)] == [1, 1, 2, 2, 9]
    assert weight.of({"symbol": "X"}) == 7


def test_endpoint_is_found_by_name_and_by_what_it_feeds() -> None:
    assert SPEC.endpoint("klines") is SPEC.feeding(KLINES)
    with pytest.raises(BadInputError, match="use one of ping, time"):
        SPEC.endpoint("candles")
    with pytest.raises(BadInputError, match="does not publish that"):
        SPEC.feeding(COIN_MARKETS)


def test_interval_that_the_venue_lacks_is_refused_with_those_it_has() -> None:
    with pytest.raises(BadInputError, match="it has 1s, 1m"):
        SPEC.wire_interval(Interval("7m"))


def test_query_is_what_a_url_holds() -> None:
    request = Request("v", "e", "/e", (("a", "1"), ("symbols", '["B C"]')), 1)
    assert request.query == "a=1&symbols=%5B%22B+C%22%5D"
    assert (request.param("a"), request.param("b")) == ("1", None)
