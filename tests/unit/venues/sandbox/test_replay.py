"""Recorded klines come back as they were recorded, page by page, and none before it closed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from assay.domain.clock import FrozenClock
from assay.domain.errors import BadInputError
from assay.venues.binance.spec import SPEC
from assay.venues.requests import klines_requests
from assay.venues.sandbox.bars import to_us
from assay.venues.sandbox.dialects.binance import BinanceDialect
from assay.venues.sandbox.exchange import Exchange
from assay.venues.sandbox.replay import Replay
from tests.unit.venues.sandbox.asking import MARKET, Asking
from tests.unit.venues.sandbox.reading import BTC, HOUR, at

START, END = at(2018, 2, 1), at(2018, 6, 1)
HOUR_MS = 3_600_000


def recorded(number: int) -> list[str | int]:
    """Return a made-up bar, some of which opened off the hour, as real ones did after an outage."""
    opened = to_us(START) // 1_000 + number * HOUR_MS + (1_694_789 if number % 50 == 7 else 0)
    prices = [f"{100 + number}.{digit}0000000" for digit in "2513"]
    return [opened, *prices, "7.00000000", opened + HOUR_MS - 1, "9.00000000", 4, "1.00000000", "2.00000000", "81.5"]


ROWS = [recorded(number) for number in range(2_500) if not 1_000 <= number < 1_033]


def replaying(**now: int) -> Exchange:
    dialect = BinanceDialect(Replay({("BTCUSDT", "1h"): ROWS}))
    moment = START.replace(**now) if now else at(2024, 5, 1)  # type: ignore[arg-type]
    return Exchange(MARKET, FrozenClock(moment), elapsed=lambda: 0.0, dialects=[dialect])


def ask(exchange: Exchange, **params: object) -> list[Any]:
    texts = {"symbol": "BTCUSDT", "interval": "1h", **{name: str(value) for name, value in params.items()}}
    rows: list[Any] = msgspec.json.decode(exchange.answer("/binance/api/v3/klines", texts).body)
    return rows


def test_recording_comes_back_through_the_pages_of_the_client() -> None:
    exchange, found = replaying(), []
    requests = list(klines_requests(SPEC, BTC, interval=HOUR, start=START, end=END))
    assert len(requests) > 2
    for request in requests:
        found += msgspec.json.decode(exchange.answer("/binance" + request.path, dict(request.params)).body)
    assert found == ROWS


def test_no_bar_is_served_before_it_closed() -> None:
    assert [row[0] for row in ask(replaying(hour=3, minute=59))] == [row[0] for row in ROWS[:3]]
    assert [row[0] for row in ask(replaying(hour=4))] == [row[0] for row in ROWS[:4]]


def test_page_with_a_start_is_the_oldest_and_without_one_the_newest() -> None:
    exchange = replaying()
    assert ask(exchange, limit=3) == ROWS[-3:]
    assert ask(exchange, limit=3, startTime=ROWS[10][0]) == ROWS[10:13]
    assert ask(exchange, limit=3, endTime=ROWS[10][0]) == ROWS[8:11]


def test_what_was_not_recorded_is_the_market_s() -> None:
    params = {"symbol": "ETHUSDT", "interval": "1h", "limit": "5"}
    answer = replaying().answer("/binance/api/v3/klines", params)
    assert answer.body == Asking(now=at(2024, 5, 1)).answer("binance", "/api/v3/klines", **params).body


def test_row_that_is_no_kline_is_refused() -> None:
    with pytest.raises(BadInputError, match="not a kline"):
        Replay({("BTCUSDT", "1h"): [[1, "2"]]})
