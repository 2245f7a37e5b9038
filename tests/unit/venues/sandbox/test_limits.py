"""Weights are counted as documented; beyond the limit comes 429, and for who does not listen 418."""

from __future__ import annotations

import pytest

from assay.venues.binance.spec import SPEC
from assay.venues.registry import find_venue
from assay.venues.sandbox.limits import Meter
from tests.unit.venues.sandbox.asking import Asking, Seconds

USED = "x-mbx-used-weight-1m"


# Weights as Binance documents them.
@pytest.mark.parametrize(
    ("path", "params", "weight"),
    [
        ("ping", {}, 1),
        ("time", {}, 1),
        ("exchangeInfo", {}, 20),
        ("klines", {"symbol": "BTCUSDT", "interval": "1h", "limit": "1"}, 2),
        ("ticker/24hr", {"symbol": "BTCUSDT"}, 2),
        ("ticker/24hr", {}, 80),
        ("depth", {"symbol": "BTCUSDT"}, 5),
        ("depth", {"symbol": "BTCUSDT", "limit": "500"}, 25),
        ("depth", {"symbol": "BTCUSDT", "limit": "1000"}, 50),
        ("depth", {"symbol": "BTCUSDT", "limit": "5000"}, 250),
        ("aggTrades", {"symbol": "BTCUSDT", "limit": "1"}, 4),
        ("klines", {"symbol": "NOPE", "interval": "1h"}, 2),  # a refused question costs too
    ],
)
def test_used_weight_is_in_the_header(path: str, params: dict[str, str], weight: int) -> None:
    assert Asking().answer("binance", f"/api/v3/{path}", **params).headers[USED] == str(weight)


def test_used_weight_adds_up_and_is_forgotten_with_the_minute() -> None:
    asking = Asking()
    used = []
    for second in (0.0, 59.9, 60.0):
        asking.seconds.passed = second
        used.append(asking.answer("binance", "/api/v3/exchangeInfo").headers[USED])
    assert used == ["20", "40", "20"]


def test_beyond_the_limit_comes_429_until_the_minute_is_over() -> None:
    seconds = Seconds(42.5)
    meter = Meter(SPEC, seconds)
    assert meter.spend(6_000).status == 200
    refused = meter.spend(1)
    assert (refused.status, refused.wait_s) == (429, 18)  # 17.5 s are left, in whole seconds
    seconds.passed += 18
    assert meter.spend(1).status == 200


def test_who_goes_on_is_banned_and_longer_each_time() -> None:
    seconds = Seconds()
    meter = Meter(SPEC, seconds)
    waits = []
    for _ in range(3):
        meter.spend(6_000)
        charges = [meter.spend(1) for _ in range(11)]
        assert [charge.status for charge in charges] == [429] * 10 + [418]
        waits.append(charges[-1].wait_s or 0)
        seconds.passed += waits[-1] - 0.5
        assert (meter.spend(1).status, meter.spend(1).wait_s) == (418, 1)
        seconds.passed += 61
        assert meter.spend(1).status == 200
        seconds.passed += 60
    assert waits == [120, 240, 480]


@pytest.mark.parametrize(
    ("venue", "path", "params", "allowed"),
    [("coingecko", "/coins/markets", {}, 10), ("wazirx", "/sapi/v1/klines", {}, 1)],
)
def test_other_venues_count_requests(venue: str, path: str, params: dict[str, str], allowed: int) -> None:
    asking = Asking()
    answers = [asking.answer(venue, path, **params) for _ in range(allowed + 1)]
    assert [answer.status == 429 for answer in answers] == [False] * allowed + [True]
    error = find_venue(venue).read_error(answers[-1].body)
    assert error is not None
    assert error.exit_code == 3  # worth trying again
    assert int(answers[-1].headers["retry-after"]) >= 1


def test_each_venue_has_limits_of_its_own() -> None:
    asking = Asking()
    statuses = [asking.answer("wazirx", "/sapi/v1/klines").status for _ in range(3)]
    assert statuses[1:] == [429, 429]
    assert asking.answer("binance", "/api/v3/ping").status == 200
