"""Questions are the same bytes whenever they are the same question."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from assay.domain.errors import BadInputError
from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.venues import requests
from assay.venues.binance.spec import SPEC as BINANCE
from assay.venues.coingecko.spec import SPEC as COINGECKO
from assay.venues.spec import Request
from assay.venues.wazirx.spec import SPEC as WAZIRX

BTC = Symbol("BTC", "USDT")
HOUR, MONTH = Interval("1h"), Interval("1M")


def day(number: int) -> datetime:
    return datetime(2024, 1, number, tzinfo=UTC)


def starts(found: list[Request]) -> list[datetime]:
    return [datetime.fromtimestamp(int(one.param("startTime") or 0) / 1000, UTC) for one in found]


def test_same_range_in_another_zone_is_the_same_question() -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    here = requests.klines_request(BINANCE, BTC, interval=HOUR, start=day(1), end=day(2))
    there = requests.klines_request(
        BINANCE, BTC, interval=HOUR, start=day(1).astimezone(east), end=day(2).astimezone(east)
    )
    assert here == there


def test_end_is_excluded_and_written_as_the_last_stamp_before_it() -> None:
    # 2024-01-01 is 1704067200 s after the epoch, a day has 86400 s.
    binance = requests.klines_request(BINANCE, BTC, interval=HOUR, start=day(1), end=day(2))
    wazirx = requests.klines_request(WAZIRX, BTC, interval=HOUR, start=day(1), end=day(2))
    assert (binance.param("startTime"), binance.param("endTime")) == ("1704067200000", "1704153599999")
    assert (wazirx.param("startTime"), wazirx.param("endTime")) == ("1704067200", "1704153599")
    assert wazirx.param("symbol") == "btcusdt"


def test_moment_between_two_stamps_is_rounded_into_the_range() -> None:
    micro = timedelta(microseconds=1)
    request = requests.trades_request(BINANCE, BTC, start=day(1) + micro, end=day(2) + micro)
    assert (request.param("startTime"), request.param("endTime")) == ("1704067200001", "1704153600000")


def test_defaults_are_written_out() -> None:
    assert requests.depth_request(BINANCE, BTC).params == (("limit", "100"), ("symbol", "BTCUSDT"))
    assert requests.coin_markets_request(COINGECKO).query == (
        "order=market_cap_desc&page=1&per_page=100&price_change_percentage=24h&sparkline=false&vs_currency=usd"
    )


def test_all_tickers_cost_more_than_one() -> None:
    everything, one = requests.tickers_request(BINANCE), requests.tickers_request(BINANCE, BTC)
    assert (everything.param("symbol"), everything.weight) == (None, 80)
    assert (one.param("symbol"), one.weight) == ("BTCUSDT", 2)
    with pytest.raises(BadInputError, match="cannot be asked by"):
        requests.tickers_request(WAZIRX, BTC)


def test_pages_lie_on_a_grid_counted_from_the_epoch() -> None:
    # 1704067200 s / 3600 s = 473352 hours, which is 352 hours into its page of 1000; the next page begins 648 hours on.
    found = list(requests.klines_requests(BINANCE, BTC, interval=HOUR, start=day(1), end=day(1) + timedelta(days=90)))
    edge = day(1) + timedelta(hours=648)
    assert starts(found) == [day(1), edge, edge + timedelta(hours=1_000)]
    from_inside = list(
        requests.klines_requests(BINANCE, BTC, interval=HOUR, start=day(5), end=day(1) + timedelta(days=90))
    )
    assert from_inside[1:] == found[1:]


def test_range_off_the_grid_asks_for_the_bars_that_open_in_it() -> None:
    start, end = day(1) + timedelta(minutes=1), day(1) + timedelta(hours=2, minutes=1)
    (request,) = requests.klines_requests(BINANCE, BTC, interval=HOUR, start=start, end=end)
    assert starts([request]) == [day(1) + timedelta(hours=1)]
    assert request.param("endTime") == str(1_704_067_200_000 + 3 * 3_600_000 - 1)


def test_months_are_pages_too() -> None:
    found = list(
        requests.klines_requests(BINANCE, BTC, interval=MONTH, start=day(1), end=datetime(2054, 1, 1, tzinfo=UTC))
    )
    # 1000 months after January 1970 is May 2053.
    assert starts(found) == [day(1), datetime(2053, 5, 1, tzinfo=UTC)]


def test_interval_that_the_venue_lacks_is_refused() -> None:
    with pytest.raises(BadInputError, match="wazirx has no such interval"):
        requests.klines_request(WAZIRX, BTC, interval=Interval("1s"), start=day(1), end=day(2))


def test_time_without_a_zone_is_refused() -> None:
    with pytest.raises(BadInputError, match="without a zone"):
        requests.klines_request(BINANCE, BTC, interval=HOUR, start=datetime(2024, 1, 1), end=datetime(2024, 1, 2))
