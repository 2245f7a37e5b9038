"""Yahoo's charts: columns that may hold nulls, volumes in the currency, and a last bar that is none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest

from assay.domain.errors import TerminalError, TransientError
from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.pipelines.ingesting.wanted import reach_of
from assay.venues.errors import NothingThereError, PoisonPageError
from assay.venues.requests import klines_request
from assay.venues.yahoo import parse
from assay.venues.yahoo.spec import SPEC

BTC = Symbol.parse("BTC-USD")
HOUR, DAY = Interval.parse("1h"), Interval.parse("1d")
NOON = datetime(2024, 3, 13, 12, tzinfo=UTC)
REQUEST = klines_request(SPEC, BTC, interval=HOUR, start=NOON - timedelta(hours=3), end=NOON + timedelta(hours=1))


def chart(
    stamps: list[datetime],
    *,
    symbol: str = "BTC-USD",
    adjusted: list[Any] | None = None,
    columns: Mapping[str, list[Any]] = MappingProxyType({}),
) -> bytes:
    """Return a chart whose prices are 1 to 4 and whose volume is 10, but for the columns given."""
    usual = {"open": 2.0, "high": 4.0, "low": 1.0, "close": 3.0, "volume": 10}
    quote = {name: columns.get(name, [value] * len(stamps)) for name, value in usual.items()}
    indicators: dict[str, Any] = {"quote": [quote]}
    if adjusted is not None:
        indicators["adjclose"] = [{"adjclose": adjusted}]
    result = {
        "meta": {"symbol": symbol},
        "timestamp": [int(one.timestamp()) for one in stamps],
        "indicators": indicators,
    }
    return json.dumps({"chart": {"result": [result], "error": None}}).encode()


def test_it_is_asked_by_seconds_with_the_symbol_in_the_path() -> None:
    assert REQUEST.path == "/v8/finance/chart/BTC-USD"
    assert REQUEST.query == "includeAdjustedClose=true&interval=1h&period1=1710320400&period2=1710334799"
    uni = klines_request(SPEC, Symbol.parse("UNI-INR"), interval=DAY, start=NOON, end=NOON + timedelta(days=2))
    assert uni.path == "/v8/finance/chart/UNI7083-INR"


def test_volume_is_in_the_currency_and_zero_stays_zero() -> None:
    body = chart([NOON - timedelta(hours=2), NOON - timedelta(hours=1)], columns={"volume": [0, 1257510912]})
    rows = parse.parse_chart(body, REQUEST, asked_at=NOON).rows
    assert rows["volume"].to_list() == [None, None]
    assert rows["quote_volume"].to_list() == [0.0, 1257510912.0]
    assert rows.select("open", "high", "low", "close").row(0) == (2.0, 4.0, 1.0, 3.0)


def test_price_of_this_minute_is_no_bar_and_the_open_bar_before_it_is_provisional() -> None:
    now = NOON + timedelta(minutes=11)
    body = chart([NOON - timedelta(hours=1), NOON, now], columns={"volume": [5, 6, 0]})
    rows = parse.parse_chart(body, REQUEST, asked_at=now + timedelta(seconds=30)).rows
    assert rows["is_provisional"].to_list() == [False, True, True]
    assert rows["defect"].to_list() == [None, None, "off_grid"]


def test_bar_of_nulls_is_set_aside_with_its_text() -> None:
    stamps = [NOON - timedelta(hours=3), NOON - timedelta(hours=2), NOON - timedelta(hours=1)]
    nulls = {name: [value, None, value] for name, value in {"open": 2, "high": 4, "low": 1, "close": 3}.items()}
    parsed = parse.parse_chart(chart(stamps, columns={**nulls, "volume": [1, None, None]}), REQUEST, asked_at=NOON)
    assert parsed.rows["open_time"].to_list() == [stamps[0], stamps[2]]
    assert parsed.rows["quote_volume"].to_list() == [1.0, None]
    (row,) = parsed.rejected.rows(named=True)
    assert (row["position"], row["cause"]) == (1, "a bar without prices")
    assert json.loads(row["raw"])["timestamp"] == int(stamps[1].timestamp())


def test_adjusted_close_has_to_be_the_close() -> None:
    stamps = [NOON.replace(hour=0) - timedelta(days=2), NOON.replace(hour=0) - timedelta(days=1)]
    request = klines_request(SPEC, BTC, interval=DAY, start=stamps[0], end=NOON.replace(hour=0))
    parsed = parse.parse_chart(chart(stamps, adjusted=[3.0, 1.5]), request, asked_at=NOON)
    assert parsed.rows["open_time"].to_list() == stamps[:1]
    assert parsed.rejected["cause"].to_list() == ["adjusted close differs from close"]


def test_row_that_breaks_a_rule_is_shown_as_its_own_text() -> None:
    stamps = [NOON - timedelta(hours=2), NOON - timedelta(hours=1)]
    parsed = parse.parse_chart(chart(stamps, columns={"low": [1.0, 3.5]}), REQUEST, asked_at=NOON)
    assert parsed.rejected["position"].to_list() == [1]
    assert json.loads(parsed.rejected["raw"][0])["low"] == 3.5


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (chart([NOON], symbol="ETH-USD"), "another symbol"),
        (chart([NOON], columns={"volume": [1, 2]}), "differ in length"),
        (chart([NOON], adjusted=[]), "differ in length"),
        (b'{"chart":{"result":[],"error":null}}', "one chart"),
        (chart([NOON]).replace(b'"timestamp": [1710331200]', b'"timestamp": [1710331200000]'), "not as documented"),
    ],
)
def test_chart_that_cannot_be_told_row_by_row_is_poison(body: bytes, cause: str) -> None:
    with pytest.raises(PoisonPageError, match=cause):
        parse.parse_chart(body, REQUEST, asked_at=NOON)


def test_range_without_bars_has_no_columns_at_all() -> None:
    body = b'{"chart":{"result":[{"meta":{"symbol":"BTC-USD"},"indicators":{"quote":[{}]}}],"error":null}}'
    assert parse.parse_chart(body, REQUEST, asked_at=NOON).received == 0


def test_range_before_the_first_bar_is_an_answer_and_other_errors_are_none() -> None:
    said = "Data doesn't exist for startDate = 1, endDate = 2"
    body = json.dumps({"chart": {"result": None, "error": {"code": "Bad Request", "description": said}}}).encode()
    assert isinstance(parse.read_error(body), NothingThereError)
    assert parse.parse_chart(body, REQUEST, asked_at=NOON).received == 0
    busy = parse.read_error(body.replace(b"Bad Request", b"Internal Server Error").replace(b"Data doesn't", b"Oops"))
    gone = parse.read_error(body.replace(b"Bad Request", b"Not Found").replace(b"Data doesn't", b"No data"))
    assert isinstance(busy, TransientError)
    assert isinstance(gone, TerminalError)


def test_nobody_asks_for_bars_that_yahoo_has_no_more() -> None:
    # 730 days before 2024-03-13, and the day after, whole.
    assert reach_of(SPEC, HOUR, NOON) == datetime(2022, 3, 15, tzinfo=UTC)
    assert reach_of(SPEC, DAY, NOON).year == 1970
