"""W and M09: pages and the API. What is done of each row stands in README.md; browsers look in tests/browser."""

# ruff: noqa: N802  # the ids of the rows are written as in the scope

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import pytest

from tests.integration.served import Client, serving
from tests.integration.site_home import HOLE, NOW, SiteHome, site_home
from tests.made_klines import HOUR

ASSET = "/assets/binance:spot:BTC-USDT/"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> SiteHome:
    return site_home(tmp_path_factory)


@pytest.fixture(scope="module")
def site(home: SiteHome) -> Iterator[Client]:
    with serving(home.workspace) as client:
        yield client


def _page(site: Client, path: str) -> str:
    found = site.get(path)
    assert found.status_code == 200, found.text
    return unescape(found.text)


def _table_rows(html: str) -> list[str]:
    return re.findall(r"<tr[ >].*?</tr>", html, flags=re.DOTALL)


def test_W01_dashboard_and_overview_show_every_source_with_its_predictions(site: Client) -> None:
    assert "P(up)" in _page(site, "/dashboard/")
    overview = _page(site, "/market/")
    assert len([row for row in _table_rows(overview) if "<td" in row]) == 100
    assert "Best 10" in overview
    assert "Worst 10" in overview


@pytest.mark.parametrize("venue", ["binance", "wazirx"])
def test_W01_a_venues_page_filters_and_sorts_its_pairs(site: Client, venue: str) -> None:
    everything = _table_rows(_page(site, f"/{venue}/"))
    only = [row for row in _table_rows(_page(site, f"/{venue}/?q=eth")) if "<td" in row]
    assert 0 < len(only) < len(everything)
    assert all("ETH" in row for row in only)
    assert "aria-sort" in _page(site, f"/{venue}/")


def test_W02_pairs_lead_to_candlesticks_of_every_interval_that_can_be_made(site: Client) -> None:
    assert ASSET in _page(site, "/binance/")
    html = _page(site, ASSET)
    assert "lightweight-charts.js" in html
    found = site.json("/api/v1/klines?symbol=binance:spot:BTC-USDT&interval=4h&limit=50")
    assert (found["stored_interval"], found["interval"]) == ("1h", "4h")
    assert len(found["columns"]["open_time"]) == 50


def test_W02_a_hole_is_shown_as_a_hole(site: Client, home: SiteHome) -> None:
    start = home.first_hour + (HOLE[0] - 5) * HOUR
    end = start + 20 * HOUR
    url = f"/api/v1/klines?symbol=BTC-USDT&interval=1h&start={start:%Y-%m-%dT%H:%MZ}&end={end:%Y-%m-%dT%H:%MZ}"
    found = site.json(url)
    assert len(found["columns"]["open_time"]) == 20 - (HOLE[1] - HOLE[0])
    (gap,) = found["gaps"]
    assert gap["bars"] == HOLE[1] - HOLE[0]


def test_W03_an_asset_page_offers_the_indicators_of_the_registry_with_their_values(site: Client) -> None:
    listed = str(site.json("/api/v1/indicators"))
    assert "ema:12" in listed
    assert "rsi:14" in listed
    found = site.json("/api/v1/klines?symbol=BTC-USDT&interval=1h&limit=30&indicators=ema:12,rsi:14")
    assert len(found["indicators"]) == 2


def test_W09_data_page_says_what_is_late_missing_set_aside_and_what_ran(site: Client) -> None:
    html = _page(site, "/data/")
    for heading in ("Freshness", "Completeness", "Gaps", "Defects", "Quarantine", "Runs"):
        assert heading in html
    lost = HOLE[1] - HOLE[0]
    assert re.search(rf"\b{lost}\b", html[html.index("Gaps") : html.index("Defects")])


def test_M09_health_history_overview_and_predictions_are_answered(site: Client) -> None:
    assert site.json("/api/v1/health/live")["status"] == "ok"
    assert site.get("/api/v1/health/ready").status_code == 200
    assert len(site.json("/api/v1/market-overview")["coins"]) == 100
    assert site.json("/api/v1/history/BTC-USDT")["bars"]
    (one,) = site.json("/api/v1/predictions?venue=binance")["predictions"]
    assert one["symbol"] == "BTC-USDT"


def test_M09_predict_answers_for_the_hour_that_is_asked_for(site: Client) -> None:
    (latest,) = site.json("/api/v1/predictions?venue=binance")["predictions"]
    moment = latest["brief"]["as_of"]
    date, hour = moment[:10], int(moment[11:13])
    found = site.json(f"/predict?date={date}&hour={hour}")
    assert found["prediction"]["as_of"] == moment
    assert 0 < found["prediction"]["probability_up"] < 1
    site.problem(f"/predict?date={NOW:%Y}-01-01&hour=3", 404)
