"""Yahoo in the box: its columns, its zeros, its price of this minute, and its errors."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.venues.requests import klines_request
from assay.venues.sandbox.faults import Fault, Kind
from assay.venues.sandbox.rupees import inr_per_usd
from assay.venues.yahoo.parse import read_error
from assay.venues.yahoo.spec import SPEC
from tests.unit.venues.sandbox.asking import MARKET, NOON, Asking
from tests.unit.venues.sandbox.reading import BTC, HOUR, at

BTC_USD, BTC_INR = Symbol.parse("BTC-USD"), Symbol.parse("BTC-INR")
START = HOUR.floor(NOON) - timedelta(hours=60)


def chart(symbol: Symbol, interval: Interval = HOUR, *, asking: Asking | None = None) -> Any:  # noqa: ANN401
    request = klines_request(SPEC, symbol, interval=interval, start=START, end=NOON)
    return (asking or Asking()).read(request)


def test_bars_are_the_market_s_in_32_bits() -> None:
    parsed = chart(BTC_USD)
    bars = MARKET.klines(BTC, HOUR, start=START, end=NOON, seen_at=NOON)
    on_grid = parsed.rows.filter(parsed.rows["defect"].is_null())
    assert on_grid["close"].to_list() == (bars.close / 100).astype(np.float32).astype(float).tolist()
    assert parsed.rejected.height == 0


def test_rupees_are_those_of_the_day() -> None:
    dollars, rupees = chart(BTC_USD).rows, chart(BTC_INR).rows
    rates = [float(inr_per_usd(moment)) for moment in dollars["open_time"]]
    assert (rupees["close"] / dollars["close"]).to_list() == pytest.approx(rates, rel=1e-6)


def test_a_third_of_the_hours_says_no_volume_and_always_the_same_third() -> None:
    volume = chart(BTC_USD).rows["quote_volume"]
    assert 0.2 < (volume == 0).sum() / volume.len() < 0.5
    assert chart(BTC_INR).rows["quote_volume"].eq(0).to_list() == volume.eq(0).to_list()
    assert (chart(BTC_USD, Interval.parse("1d")).rows["quote_volume"] > 0).all()


def test_price_of_this_minute_stands_behind_hours_and_in_place_of_days() -> None:
    hours, days = chart(BTC_USD).rows, chart(BTC_USD, Interval.parse("1d")).rows
    minute = NOON.replace(second=0, microsecond=0)
    assert hours["open_time"].to_list()[-2:] == [HOUR.floor(NOON), minute]
    assert hours["quote_volume"][-1] == 0
    assert days["open_time"].to_list()[-2:] == [at(2024, 4, 30), minute]
    for rows in (hours, days):
        assert rows["defect"].to_list() == [None] * (rows.height - 1) + ["off_grid"]


@pytest.mark.parametrize(
    ("symbol", "interval", "start", "status", "said"),
    [
        ("NOPE-USD", "1h", at(2024, 4, 1), 404, "Not Found"),
        ("BTC-EUR", "1h", at(2024, 4, 1), 404, "Not Found"),
        ("BTC-USD", "7h", at(2024, 4, 1), 422, "not supported"),
        ("BTC-USD", "1h", at(2020, 4, 1), 422, "within the last 730 days"),
        ("ENA-USD", "1d", at(2020, 4, 1), 400, "Data doesn't exist"),
    ],
)
def test_errors_are_yahoo_s(symbol: str, interval: str, start: Any, status: int, said: str) -> None:  # noqa: ANN401
    first = int(start.timestamp())
    params = {"interval": interval, "period1": first, "period2": first + 86_400}
    answer = Asking().answer("yahoo", f"/v8/finance/chart/{symbol}", **params)
    error = read_error(answer.body)
    assert answer.status == status
    assert error is not None
    assert said in error.message


@pytest.mark.parametrize(
    ("kind", "received", "rejected"),
    [(Kind.MISSING, 0, 1), (Kind.DUPLICATE, 1, 0), (Kind.OUT_OF_ORDER, 0, 0)],
)
def test_faults_bend_the_bars_of_a_chart(kind: Kind, received: int, rejected: int) -> None:
    right, bent = chart(BTC_USD), chart(BTC_USD, asking=Asking(Fault(kind)))
    assert (bent.received - right.received, bent.rejected.height) == (received, rejected)
    assert not bent.rows.equals(right.rows)
