"""Where the answer tells whether there is more, the next question goes on exactly where it stopped."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.venues import requests
from assay.venues.paging import next_request
from assay.venues.parsed import Parsed, Venue
from assay.venues.registry import find_venue
from assay.venues.spec import Request

BTC = Symbol("BTC", "USDT")
START = datetime(2024, 1, 1, tzinfo=UTC)
END = START + timedelta(hours=10)
START_MS = 1_704_067_200_000
HOUR_MS = 3_600_000


def answer(venue: Venue, request: Request, rows: list[object]) -> Parsed:
    return venue.handlers[request.endpoint](json.dumps(rows).encode(), request, asked_at=END)


def kline(hour: int) -> list[object]:
    opened = START_MS + hour * HOUR_MS
    return [opened, "2", "3", "1", "2", "9", opened + HOUR_MS - 1, "18", 7, "4", "8", "0"]


def trade(number: int, ms: int) -> dict[str, object]:
    return {"a": number, "p": "2", "q": "1", "f": number, "l": number, "T": START_MS + ms, "m": False, "M": True}


def served_klines(request: Request, limit: int) -> list[object]:
    """Answer as a venue would that gives at most `limit` bars, whatever it was asked for."""
    low, high = int(request.param("startTime") or 0), int(request.param("endTime") or 0)
    hours = [hour for hour in range(24) if low <= START_MS + hour * HOUR_MS <= high]
    return [kline(hour) for hour in hours[:limit]]


def test_klines_go_on_until_the_range_is_full() -> None:
    venue = find_venue("binance")
    request: Request | None = requests.klines_request(
        venue.spec, BTC, interval=Interval("1h"), start=START, end=END, limit=4
    )
    opens: list[datetime] = []
    asked = 0
    while request is not None:
        page = answer(venue, request, served_klines(request, 4))
        opens += page.rows["open_time"].to_list()
        request, asked = next_request(venue.spec, request, page), asked + 1
    assert opens == [START + timedelta(hours=hour) for hour in range(10)]
    assert asked == 3


def test_full_last_page_ends_the_range_without_another_question() -> None:
    venue = find_venue("binance")
    request = requests.klines_request(venue.spec, BTC, interval=Interval("1h"), start=START, end=END, limit=10)
    page = answer(venue, request, served_klines(request, 10))
    assert page.received == 10
    assert next_request(venue.spec, request, page) is None


def test_page_that_is_not_full_is_the_last_and_bad_rows_count() -> None:
    venue = find_venue("binance")
    request = requests.klines_request(venue.spec, BTC, interval=Interval("1h"), start=START, end=END, limit=4)
    short = answer(venue, request, [kline(0), kline(1)])
    with_a_bad_row = answer(venue, request, [kline(0), "nonsense", kline(2), kline(3)])
    empty = answer(venue, request, [])
    assert next_request(venue.spec, request, short) is None
    assert next_request(venue.spec, request, empty) is None
    following = next_request(venue.spec, request, with_a_bad_row)
    assert following is not None
    assert following.param("startTime") == str(START_MS + 4 * HOUR_MS)
    assert following.param("endTime") == request.param("endTime")


def test_venue_that_does_not_move_on_is_not_asked_for_ever() -> None:
    venue = find_venue("binance")
    start = START + timedelta(hours=5)
    request = requests.klines_request(venue.spec, BTC, interval=Interval("1h"), start=start, end=END, limit=2)
    stuck = answer(venue, request, [kline(0), kline(1)])
    assert next_request(venue.spec, request, stuck) is None


def test_trades_go_on_by_id_and_leave_the_times_out() -> None:
    venue = find_venue("binance")
    request = requests.trades_request(venue.spec, BTC, start=START, end=END, limit=2)
    # Three trades in one millisecond: by time the third would be lost, or the first two come again for ever.
    page = answer(venue, request, [trade(5, 0), trade(6, 0)])
    following = next_request(venue.spec, request, page, end=END)
    assert following is not None
    assert following.params == (("fromId", "7"), ("limit", "2"), ("symbol", "BTCUSDT"))
    beyond = answer(venue, following, [trade(7, 0), trade(8, 10 * HOUR_MS)])
    assert next_request(venue.spec, following, beyond, end=END) is None
    within = answer(venue, following, [trade(7, 0), trade(8, 10 * HOUR_MS - 1)])
    assert next_request(venue.spec, following, within, end=END) is not None
    backwards = answer(venue, following, [trade(1, 0), trade(2, 0)])
    assert next_request(venue.spec, following, backwards, end=END) is None


def test_pages_of_assets_are_counted() -> None:
    venue = find_venue("coingecko")
    request = requests.coin_markets_request(venue.spec, limit=1)
    coin = {"id": "a", "symbol": "a", "name": "A", "current_price": 1, "market_cap": 1, "total_volume": 1}
    page = answer(venue, request, [{**coin, "last_updated": None}])
    following = next_request(venue.spec, request, page)
    assert following is not None
    assert (following.param("page"), following.param("per_page")) == ("2", "1")
    assert next_request(venue.spec, following, answer(venue, following, [])) is None


def test_endpoint_without_pages_has_no_next_question() -> None:
    venue = find_venue("binance")
    request = requests.tickers_request(venue.spec)
    assert next_request(venue.spec, request, answer(venue, request, [])) is None
