"""The API of a past moment, by either clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import quote

import pytest

from tests.integration.served import Client, Home, served_home, serving

API = "/api/v1"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return served_home(tmp_path_factory)


@pytest.fixture(scope="module")
def api(home: Home) -> Iterator[Client]:
    with serving(home.workspace()) as client:
        yield client


def test_as_of_answers_as_it_was_known_then(api: Client, home: Home) -> None:
    then = quote(home.first.isoformat())
    for path, at in (("/market-overview", "slot_at"), ("/tickers/binance", "slot_at")):
        now_, before = api.json(API + path), api.json(f"{API}{path}?as_of={then}")
        assert datetime.fromisoformat(before[at]) <= home.first < datetime.fromisoformat(now_[at])
    klines = f"{API}/klines?symbol=BTC-USDT&limit=3"
    before, now_ = api.json(f"{klines}&as_of={then}"), api.json(klines)
    assert before["columns"]["open_time"][-1] + 2 * 3_600_000 == now_["columns"]["open_time"][-1]
    # The bar that was open at the first look was still provisional then, and has been final since.
    again = api.json(f"{klines}&start={home.first:%Y-%m-%dT%H:00:00Z}")["columns"]
    assert before["columns"]["is_closed"][-1] is False
    assert again["is_closed"][0] is True
    earlier = api.json(f"{API}/predictions?as_of={then}")["predictions"]
    assert earlier[0]["brief"]["as_of"] < api.json(f"{API}/predictions")["predictions"][0]["brief"]["as_of"]
    assert api.json(f"{API}/status?as_of={then}")["is_built"]


def test_available_at_answers_with_the_history_that_was_loaded_later(api: Client, home: Home) -> None:
    # Long before anything was received; its bars have been loaded since, as history.
    then = home.first - timedelta(days=2)
    moment = quote(then.isoformat())
    until = int(then.timestamp() * 1_000)
    for path in ("/klines?symbol=BTC-USDT&", "/indicators/BTC-USDT?indicators=ema:12&"):
        found = api.json(f"{API}{path}available_at={moment}")
        opened = found.get("columns", found)["open_time"]
        assert until - 2 * 3_600_000 < opened[-1] <= until - 3_600_000
    last = api.json(f"{API}/history/BTC-USDT?interval=1h&limit=1&available_at={moment}")["bars"][-1]
    assert datetime.fromisoformat(last["close_time"]) <= then
    assert api.get(f"{API}/klines?symbol=BTC-USDT&available_at={moment}&as_of={moment}").status_code == 404
    assert "future" in api.problem(f"{API}/klines?symbol=BTC-USDT&available_at=2100-01-01", 400)["detail"]
    for path in ("/status", "/gaps"):  # they tell what had been received, and no system but this one received it
        assert "available_at" in api.problem(f"{API}{path}?available_at={moment}", 400)["value"]


def test_available_at_of_what_is_polled_is_when_it_was_received(api: Client, home: Home) -> None:
    before, first = (quote(one.isoformat()) for one in (home.first - timedelta(days=2), home.first))
    for path in ("/market-overview", "/tickers/binance"):
        assert api.get(f"{API}{path}?available_at={before}").status_code == 404, "it was asked for later"
        seen, known = api.json(f"{API}{path}?available_at={first}"), api.json(f"{API}{path}?as_of={first}")
        assert (seen["slot_at"], seen["known_at"]) == (known["slot_at"], known["known_at"])
    assert api.json(f"{API}/predictions?available_at={before}") == {"predictions": []}
    # Bars are history that was there; a pair has those that had closed by then.
    pairs = api.json(f"{API}/pairs?available_at={before}")["pairs"]
    last = [datetime.fromisoformat(one["last_open_time"]) for pair in pairs for one in pair["intervals"]]
    assert home.first - timedelta(days=2, hours=3) < max(last) < home.first - timedelta(days=2)
    days = api.json(f"{API}/coverage?days=3&available_at={before}")
    assert days["days"][-1] <= f"{home.first - timedelta(days=2):%Y-%m-%d}"
    assert api.json(f"{API}/pairs?as_of={before}") == {"pairs": []}
