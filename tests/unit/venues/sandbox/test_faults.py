"""Each fault does what it says, to whom it says, and the same every time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from assay.domain.errors import BadInputError
from assay.venues.binance.spec import SPEC
from assay.venues.errors import PoisonPageError
from assay.venues.requests import coin_markets_request, klines_request, tickers_request
from assay.venues.sandbox.faults import Fault, FaultPlan, Kind
from tests.unit.venues.sandbox.asking import NOON, Asking
from tests.unit.venues.sandbox.reading import BTC, HOUR, at

START, END = at(2024, 5, 1, 2), at(2024, 5, 1, 12)
REQUEST = klines_request(SPEC, BTC, interval=HOUR, start=START, end=END)
RIGHT = Asking().read(REQUEST).rows
RIGHT_BODY = Asking().send(REQUEST).body


def opens(asking: Asking) -> list[int]:
    return [row[0] for row in msgspec.json.decode(asking.send(REQUEST).body)]


ORDER = opens(Asking())


def test_429_and_418_ask_for_the_stated_patience() -> None:
    for kind, status in ((Kind.TOO_MANY, 429), (Kind.BANNED, 418)):
        answer = Asking(Fault(kind, seconds=17)).send(REQUEST)
        assert (answer.status, answer.headers["retry-after"]) == (status, "17")
        assert msgspec.json.decode(answer.body)["code"] == -1003


def test_ban_says_until_when_in_the_venue_s_own_milliseconds() -> None:
    body = msgspec.json.decode(Asking(Fault(Kind.BANNED, seconds=120)).send(REQUEST).body)
    until = int((NOON + timedelta(seconds=120)).timestamp() * 1_000)
    assert f"IP banned until {until}." in body["msg"]


def test_server_errors_are_of_every_kind() -> None:
    asking = Asking(Fault(Kind.SERVER_ERROR))
    assert {asking.send(REQUEST).status for _ in range(60)} == {500, 502, 503, 504}


def test_silence_holds_the_answer_back() -> None:
    answer = Asking(Fault(Kind.SILENCE, seconds=9.5)).send(REQUEST)
    assert (answer.status, answer.hold_s) == (504, 9.5)


def test_truncated_body_is_announced_whole_and_breaks_off() -> None:
    answer = Asking(Fault(Kind.TRUNCATED)).send(REQUEST)
    assert answer.body == RIGHT_BODY
    assert answer.sent is not None
    assert 0 < answer.sent < len(RIGHT_BODY)


def test_malformed_body_is_a_poison_page() -> None:
    asking = Asking(Fault(Kind.MALFORMED))
    for _ in range(20):
        with pytest.raises(PoisonPageError):
            asking.read(REQUEST)


@pytest.mark.parametrize("request_", [REQUEST, tickers_request(SPEC)], ids=["klines", "tickers"])
def test_wrong_type_costs_one_row(request_: object) -> None:
    whole = Asking().read(request_).rows.height  # type: ignore[arg-type]
    parsed = Asking(Fault(Kind.WRONG_TYPES)).read(request_)  # type: ignore[arg-type]
    assert (parsed.rows.height, parsed.rejected.height) == (whole - 1, 1)


def test_wrong_type_of_a_number_is_text() -> None:
    from assay.venues.coingecko.spec import SPEC as COINGECKO

    parsed = Asking(Fault(Kind.WRONG_TYPES)).read(coin_markets_request(COINGECKO))
    assert (parsed.rows.height, parsed.rejected.height) == (99, 1)


def test_one_row_comes_twice() -> None:
    found = opens(Asking(Fault(Kind.DUPLICATE)))
    assert (len(found), sorted(set(found))) == (len(ORDER) + 1, ORDER)
    assert found == sorted(found)


def test_two_neighbours_change_places() -> None:
    found = opens(Asking(Fault(Kind.OUT_OF_ORDER)))
    moved = [place for place, (one, other) in enumerate(zip(found, ORDER, strict=True)) if one != other]
    assert sorted(found) == ORDER
    assert len(moved) == 2
    assert moved[1] == moved[0] + 1


def test_one_row_is_missing() -> None:
    asking = Asking(Fault(Kind.MISSING))
    lost = [set(ORDER) - set(opens(asking)) for _ in range(40)]
    assert {len(one) for one in lost} == {1}
    assert len(set.union(*lost)) > 5  # not always the same one


def test_bar_is_restated_when_its_time_has_come() -> None:
    fault = Fault(Kind.RESTATED, seconds=600)
    asking = Asking(fault, now=END + timedelta(seconds=599))
    before = asking.read(REQUEST).rows
    assert before[:-1].equals(RIGHT[:-1])
    assert before["volume"][-1] < RIGHT["volume"][-1]
    assert before["num_trades"][-1] < RIGHT["num_trades"][-1]
    assert before["open"][-1] == RIGHT["open"][-1]
    assert not before["is_provisional"][-1]
    asking.clock.moment = END + timedelta(seconds=600)
    assert asking.read(REQUEST).rows.equals(RIGHT)


def test_which_bars_are_restated_does_not_depend_on_who_asks_how_often() -> None:
    shown = []
    for hour in range(40):
        end = at(2024, 4, 1) + timedelta(hours=hour)
        request = klines_request(SPEC, BTC, interval=HOUR, start=end - timedelta(hours=1), end=end)
        asking = Asking(Fault(Kind.RESTATED, probability=0.5, seconds=60), now=end)
        first, again = asking.read(request).rows, asking.read(request).rows
        assert first.equals(again)
        shown.append(first.equals(Asking(now=end).read(request).rows))
    assert 8 < sum(shown) < 32  # 20 expected, standard deviation 3.2


def test_bar_in_progress_comes_unasked_and_is_known_to_be_provisional() -> None:
    parsed = Asking(Fault(Kind.EARLY)).read(REQUEST)
    assert parsed.rows[:-1].equals(RIGHT)
    assert parsed.rows["open_time"][-1] == END
    assert parsed.rows["is_provisional"].to_list() == [False] * 10 + [True]


@pytest.mark.parametrize("seconds", [90.0, -90.0])
def test_skewed_clock_is_off_everywhere(seconds: float) -> None:
    asking = Asking(Fault(Kind.SKEW, seconds=seconds))
    there = NOON + timedelta(seconds=seconds)
    right = Asking(now=there)
    path = "/api/v3/ticker/24hr"
    assert asking.json("binance", path, symbol="BTCUSDT") == right.json("binance", path, symbol="BTCUSDT")
    assert asking.answer("binance", "/api/v3/time").body == right.answer("binance", "/api/v3/time").body
    assert asking.answer("binance", "/api/v3/time").headers["date"] == f"{there:%a, %d %b %Y %H:%M:%S} GMT"


def test_venue_is_down_for_its_hour_and_counts_nothing() -> None:
    asking = Asking(Fault(Kind.DOWN, venue="binance", start=NOON, end=NOON + timedelta(hours=1)))
    answers = {}
    for minutes in (-1, 0, 59, 60):
        asking.clock.moment = NOON + timedelta(minutes=minutes)
        answers[minutes] = asking.answer("binance", "/api/v3/ping")
    assert {minutes: answer.status for minutes, answer in answers.items()} == {-1: 200, 0: 503, 59: 503, 60: 200}
    assert answers[0].body.startswith(b"<html>")
    assert answers[60].headers["x-mbx-used-weight-1m"] == "2"
    asking.clock.moment = NOON
    assert asking.answer("wazirx", "/sapi/v1/tickers/24hr").status == 200


def test_fault_strikes_its_endpoint_only() -> None:
    asking = Asking(Fault(Kind.TOO_MANY, venue="binance", endpoint="depth"))
    assert asking.answer("binance", "/api/v3/depth", symbol="BTCUSDT").status == 429
    assert asking.answer("binance", "/api/v3/ping").status == 200


def test_fault_strikes_the_calls_it_names() -> None:
    asking = Asking(Fault(Kind.TOO_MANY, endpoint="ping", calls=(2, 4)))
    asking.answer("binance", "/api/v3/time")  # another endpoint, which counts for itself
    assert [asking.answer("binance", "/api/v3/ping").status for _ in range(5)] == [200, 429, 200, 429, 200]


def statuses(seed: int, between: str | None = None) -> list[int]:
    asking = Asking(Fault(Kind.TOO_MANY, probability=0.3), seed=seed)
    found = []
    for _ in range(400):
        if between:
            asking.answer("binance", between)
        found.append(asking.answer("binance", "/api/v3/ping").status)
    return found


def test_same_requests_meet_the_same_faults_whoever_else_asks() -> None:
    assert statuses(5) == statuses(5, between="/api/v3/time") != statuses(6)


def test_fault_strikes_as_often_as_it_says() -> None:
    # 120 of 400 expected, standard deviation 9.2.
    assert 84 < statuses(5).count(429) < 156


def test_several_faults_strike_one_request() -> None:
    twice = Asking(Fault(Kind.MISSING, endpoint="klines"), Fault(Kind.MISSING, endpoint="klines"))
    assert len(opens(twice)) == len(ORDER) - 2


def test_probability_is_checked() -> None:
    with pytest.raises(BadInputError, match="probability"):
        Fault(Kind.DOWN, probability=1.5)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ({"kind": Kind.SILENCE, "seconds": -1.0}, "cannot last"),
        ({"kind": Kind.SKEW, "seconds": float("inf")}, "cannot last"),
        ({"kind": Kind.DOWN, "calls": (0,)}, "number of a call"),
        ({"kind": Kind.DOWN, "start": END, "end": START}, "ends before"),
        ({"kind": Kind.DOWN, "probability": float("nan")}, "probability"),
    ],
)
def test_fault_that_cannot_be_is_refused(fault: dict[str, Any], text: str) -> None:
    with pytest.raises(BadInputError, match=text):
        Fault(**fault)


def test_plan_without_faults_never_strikes() -> None:
    assert FaultPlan(1).strikes("binance", "klines", 1, NOON) == ()
