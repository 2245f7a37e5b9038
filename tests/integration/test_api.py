"""The API over a built home: its answers against the selectors, its problems, and what is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from assay.features.sets import TECHNICAL
from assay.pipelines.building import build
from assay.selectors.candles import CandleRequest, candles
from assay.selectors.market import market_overview
from assay.selectors.predictions import predictions
from assay.selectors.query import query
from tests.integration.command import clone
from tests.integration.conftest import NOW, bring_in, open_frozen
from tests.integration.served import Client, Home, served_home, serving
from tests.made_klines import hourly, write_csv

API = "/api/v1"
READS = (
    "/market-overview", "/tickers/binance", "/tickers/wazirx", "/pairs", "/klines?symbol=BTC-USDT",
    "/history/BTC-USDT", "/indicators/BTC-USDT", "/predictions", "/predictions/BTC-USDT", "/coverage", "/gaps",
    "/status", "/models", "/signals",
)  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return served_home(tmp_path_factory)


@pytest.fixture(scope="module")
def api(home: Home) -> Iterator[Client]:
    with serving(home.workspace()) as client:
        yield client


def test_every_read_answers_json_that_a_client_may_keep(api: Client) -> None:
    for path in READS:
        found = api.get(API + path)
        assert found.status_code == 200, found.text
        assert found.headers["content-type"] == "application/json"
        is_kept = path not in ("/status", "/gaps")  # what they say depends on the time as well
        assert found.headers["cache-control"] == ("private, no-cache" if is_kept else "no-store")
        assert ("etag" in found.headers) == is_kept


def test_overview_is_what_the_selector_says(api: Client, home: Home) -> None:
    expected = market_overview(home.workspace())
    found = api.json(f"{API}/market-overview")
    assert [coin["coin_id"] for coin in found["coins"]] == [coin.coin_id for coin in expected.coins]
    assert len(found["coins"]) == 100
    bitcoin, expected_bitcoin = found["coins"][0], expected.coins[0]
    assert bitcoin["price"] == expected_bitcoin.price
    assert bitcoin["sparkline"] == list(expected_bitcoin.sparkline)
    assert bitcoin["prediction"]["probability_up"] == expected_bitcoin.prediction.probability_up  # type: ignore[union-attr]
    assert datetime.fromisoformat(found["slot_at"]) == expected.slot_at
    assert len(found["best"]) == len(found["worst"]) == 10


def test_rupees_stand_beside_dollars_with_the_rate_they_were_converted_by(api: Client) -> None:
    rows = {row["symbol"]: row for row in api.json(f"{API}/tickers/wazirx")["rows"]}
    bitcoin = rows["BTC-INR"]
    assert bitcoin["last_price_usd"] == pytest.approx(bitcoin["last_price"] / bitcoin["inr_usd_rate"], rel=1e-9)
    assert bitcoin["inr_usd_source"]


def test_klines_are_the_bars_of_the_lake_with_times_in_milliseconds(api: Client, home: Home) -> None:
    found = api.json(f"{API}/klines?symbol=binance:spot:BTC-USDT&interval=1h&limit=50&indicators=ema:12,rsi:14")
    sql = (
        "select open_time, open, high, low, close, volume, is_closed from silver.crypto_prices_cleaned "
        "where venue = 'binance' and symbol = 'BTC-USDT' and interval = '1h' order by open_time desc limit 50"
    )
    rows = query(home.workspace(), sql).sort("open_time")
    columns = found["columns"]
    assert columns["open_time"] == rows["open_time"].dt.epoch("ms").to_list()
    for name in ("open", "high", "low", "close", "volume", "is_closed"):
        assert columns[name] == rows[name].to_list()
    assert {len(column) for column in columns.values()} == {50}
    provisional = rows.filter(~rows["is_closed"])["open_time"].dt.epoch("ms").to_list()
    assert found["provisional"] == provisional != []
    expected = candles(home.workspace(), CandleRequest("BTC-USDT", limit=50, indicators=("ema:12", "rsi:14")))
    for name, line in expected.indicators.items():
        assert found["indicators"][name] == {output: values.tolist() for output, values in line.values.items()}
    assert found["about"]["ema:12"]["units"].keys() == {"ema_12"}


def test_values_that_are_not_there_are_null_and_never_zero(api: Client) -> None:
    found = api.json(f"{API}/klines?symbol=BTC-USDT&start=2024-04-02&end=2024-04-03&indicators=ema:12")
    values = found["indicators"]["ema:12"]["ema_12"]
    first = datetime.fromtimestamp(found["columns"]["open_time"][0] / 1_000, UTC)
    assert first == datetime.fromtimestamp(found["first_open_time"] / 1_000, UTC)
    assert values[:11] == [None] * 11
    assert values[11] is not None


def test_coarser_bars_are_shown_when_asked_and_said_to_be(api: Client) -> None:
    exact = api.json(f"{API}/klines?symbol=BTC-USDT&interval=1h&start=2024-04-02&limit=100")
    coarse = api.json(f"{API}/klines?symbol=BTC-USDT&interval=1h&start=2024-04-02&limit=100&coarsen=true")
    assert exact["is_cut"]
    assert exact["interval"] == "1h"
    assert (coarse["requested_interval"], coarse["stored_interval"]) == ("1h", "1h")
    assert coarse["interval"] != "1h"
    assert not coarse["is_cut"]


def test_history_is_the_same_bars_row_by_row(api: Client) -> None:
    rows = api.json(f"{API}/history/BTC-USDT?limit=10")["bars"]
    columns = api.json(f"{API}/klines?symbol=BTC-USDT&interval=1d&limit=10")["columns"]
    assert [row["close"] for row in rows] == columns["close"]
    opened = [int(datetime.fromisoformat(row["open_time"]).timestamp() * 1_000) for row in rows]
    assert opened == columns["open_time"]


def test_indicators_that_are_listed_can_be_asked_for(api: Client) -> None:
    kinds = {kind["name"]: kind for kind in api.json(f"{API}/indicators")["indicators"]}
    asked = ["ema:12", "rsi:14", "bollinger:20:2", "levels:5:14:0.5", "calendar:UTC", "obv", "macd:12:26:9"]
    assert set(asked) <= kinds.keys()
    found = api.json(f"{API}/indicators/BTC-USDT?limit=5&indicators={','.join(asked)}")
    for name in asked:
        assert list(found["indicators"][name]) == kinds[name]["outputs"]
        assert [found["about"][name]["units"][output] for output in kinds[name]["outputs"]] == kinds[name]["units"]
    usual = api.json(f"{API}/indicators/BTC-USDT?limit=5")["indicators"]
    assert usual["ema:12"] == found["indicators"]["ema:12"]
    assert {output for line in usual.values() for output in line} == set(TECHNICAL.columns)


def test_usual_names_mean_what_they_mean_on_the_command_line(api: Client) -> None:
    own = {"RSI_14": "rsi:14", "MACD_signal": "macd:12:26:9", "bb_width_20_2p5": "bollinger:20:2.5",
           "Price_momentum_3h": "price_momentum:3"}  # fmt: skip
    found = api.json(f"{API}/indicators/BTC-USDT?limit=5&indicators={','.join([*own, *own.values()])}")
    outputs = {"RSI_14": "rsi_14", "MACD_signal": "macd_signal_12_26_9", "bb_width_20_2p5": "bb_width_20_2p5",
               "Price_momentum_3h": "price_momentum_3"}  # fmt: skip
    for name, written in own.items():
        output = outputs[name]
        assert found["indicators"][name] == {output: found["indicators"][written][output]}
        assert found["indicators"][name][output][-1] is not None
        assert found["about"][name]["units"] == {output: found["about"][written]["units"][output]}
    assert "did you mean RSI?" in api.problem(f"{API}/klines?symbol=BTC-USDT&indicators=RSY_14", 400)["todo"]


def test_bars_too_long_for_an_indicator_are_refused_or_where_a_chart_zooms_said_of_it_alone(api: Client) -> None:
    asked = f"{API}/klines?symbol=BTC-USDT&interval=1d&limit=5&indicators=ema:3,rsi:14@4h,Price_momentum_3h"
    assert "bars of 1d do not make bars of 4h" in api.problem(asked, 400)["detail"]
    found = api.json(f"{asked}&coarsen=true")
    assert found["interval"] == "1d"
    assert found["indicators"]["ema:3"]["ema_3"][-1] is not None
    assert (found["indicators"]["rsi:14@4h"], found["indicators"]["Price_momentum_3h"]) == ({}, {})
    why = {name: one["why_no_values"] for name, one in found["about"].items()}
    assert why == {
        "ema:3": "",
        "rsi:14@4h": "bars of 1d do not make bars of 4h",
        "Price_momentum_3h": "a length of time that is no whole number of bars of 1d",
    }
    assert api.problem(f"{API}/klines?symbol=BTC-USDT&coarsen=true&indicators=nothing", 400)


def test_predictions_are_those_of_the_tables_with_their_evidence(api: Client, home: Home) -> None:
    found = api.json(f"{API}/predictions")["predictions"]
    expected = predictions(home.workspace())
    assert [one["series"] for one in found] == [one.series for one in expected]
    assert len(found) == 4
    assert {one["brief"]["signal"] for one in found} == {"ABSTAIN"}
    assert [one["brief"]["probability_up"] for one in found] == [one.brief.probability_up for one in expected]
    of_wazirx = api.json(f"{API}/predictions?venue=wazirx")["predictions"]
    assert of_wazirx == [one for one in found if one["venue"] == "wazirx"] != []


def test_past_forecasts_stand_against_what_happened(api: Client) -> None:
    found = api.json(f"{API}/predictions/BTC-USDT?limit=100")
    assert found["known"] == sum(row["was_right"] is not None for row in found["rows"])
    assert found["right"] == sum(row["was_right"] is True for row in found["rows"])
    for row in found["rows"]:
        if row["went_up"] is not None:
            assert row["went_up"] == (row["close_then"] > row["close"])
            assert row["was_right"] == (row["went_up"] == row["is_up"])


def test_predict_gives_the_forecast_of_that_hour_in_any_zone(api: Client, home: Home) -> None:
    made_at = home.first.replace(minute=0, second=0, microsecond=0)
    utc = api.json(f"{API}/predict?date={made_at:%Y-%m-%d}&hour={made_at.hour}&symbol=BTC-USDT")
    assert datetime.fromisoformat(utc["prediction"]["as_of"]) == made_at
    assert utc["prediction"]["kind"] == "live"
    # Kolkata is 5:30 ahead of UTC: half past the hour before is the same bar.
    there = made_at + timedelta(hours=6)
    kolkata = api.json(f"/predict?date={there:%Y-%m-%d}&hour={there.hour}&symbol=BTC-USDT&zone=Asia/Kolkata")
    assert kolkata["prediction"] == utc["prediction"]
    default = api.json(f"/predict?date={made_at:%Y-%m-%d}&hour={made_at.hour}")
    assert default["series"] == "binance:spot:BTC-USDT"


def test_hour_without_a_forecast_is_answered_with_the_range_there_is(api: Client) -> None:
    found = api.problem("/predict?date=2020-01-01&hour=3", 404)
    assert found["type"].endswith("no-data")
    assert "2024-06-01 14:00 UTC" in found["todo"]


@pytest.mark.parametrize(
    ("query_", "word"),
    [
        ("date=2026-02-30&hour=3", "not a day"),
        ("date=yesterday&hour=3", "not a day"),
        ("date=2024-05-01&hour=24", "hour"),
        ("date=2024-05-01&hour=x", "hour"),
        ("date=2024-05-01", "hour is missing"),
        ("hour=3", "date is missing"),
        ("date=2024-05-01&hour=3&zone=Mars/Base", "unknown time zone"),
        ("date=2024-05-01&hour=3&zone=", "unknown time"),
        ("date=2024-05-01&hour=3&zone=../../etc/passwd", "unknown time zone"),
        ("date=2024-05-01&hour=3&zone=Europe", "unknown time zone"),
        ("date=2024-03-31&hour=2&zone=Europe/Berlin", "put forward"),
        ("date=0001-01-01&hour=0&zone=Asia/Tokyo", "not a day"),
    ],
)
def test_bad_hour_is_refused_in_words(api: Client, query_: str, word: str) -> None:
    assert word in api.problem(f"/predict?{query_}", 400)["detail"]


@pytest.mark.parametrize("path", [path for path in READS if path != "/status"])
def test_read_of_a_time_before_anything_was_known_is_said_to_hold_nothing(api: Client, path: str) -> None:
    joint = "&" if "?" in path else "?"
    found = api.get(f"{API}{path}{joint}as_of=2020-01-01")
    if path in ("/pairs", "/predictions", "/signals", "/models", "/coverage", "/gaps"):
        assert not any(found.json().values())
    else:
        assert found.status_code == 404, found.text
        assert found.json()["todo"]
        assert "assay build" not in found.json()["todo"]  # which would not make it known any earlier


def test_moment_before_everything_is_answered_with_the_first_there_is(api: Client) -> None:
    for path in ("/klines?symbol=BTC", "/klines?symbol=BTC&interval=1m", "/history/BTC", "/predictions/BTC"):
        found = api.problem(f"{API}{path}{'&' if '?' in path else '?'}as_of=0001-01-01", 404)
        assert re.search(r"from 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC on", found["todo"]), found


def test_moments_may_be_milliseconds_as_answers_have_them(api: Client, home: Home) -> None:
    klines = f"{API}/klines?symbol=BTC-USDT"
    opened = api.json(klines)["columns"]["open_time"]
    start, end = (datetime.fromtimestamp(opened[at] / 1000, UTC) for at in (5, 9))
    found = api.json(f"{klines}&start={opened[5]}&end={opened[9]}")
    assert found["columns"]["open_time"] == opened[5:9]
    assert found == api.json(f"{klines}&start={start:%Y-%m-%dT%H:%MZ}&end={end:%Y-%m-%dT%H:%MZ}")
    known = round(home.first.timestamp() * 1000)
    assert api.json(f"{API}/pairs?as_of={known}") == api.json(f"{API}/pairs?as_of={quote(home.first.isoformat())}")
    seconds = api.problem(f"{klines}&start={opened[5] // 1000}", 400)
    assert "13 digits" in seconds["todo"]


def test_venue_that_nobody_has_is_not_found_and_says_which_there_are(api: Client) -> None:
    for path in ("/pairs", "/predictions"):
        assert "binance, coingecko, wazirx" in api.problem(f"{API}{path}?venue=nope", 404)["todo"]
        assert list(api.json(f"{API}{path}?venue=coingecko").values()) == [[]]  # known, and has no bars


def test_bar_that_is_still_open_says_when_it_was_received(api: Client, home: Home) -> None:
    found = api.json(f"{API}/klines?symbol=BTC-USDT&limit=3")
    known = datetime.fromtimestamp(found["provisional_known_at"] / 1000, UTC)
    assert found["provisional"] == found["columns"]["open_time"][-1:]
    assert home.second - timedelta(minutes=1) < known <= home.second
    earlier = api.json(f"{API}/klines?symbol=BTC-USDT&limit=3&as_of={quote(home.first.isoformat())}")
    assert datetime.fromtimestamp(earlier["provisional_known_at"] / 1000, UTC) <= home.first
    closed = api.json(f"{API}/klines?symbol=BTC-USDT&limit=3&include_provisional=false")
    assert (closed["provisional"], closed["provisional_known_at"]) == ([], None)


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize("as_of", ["2031-01-01", "yesterday", "", "2024-13-01", "9999-12-31T23:59:59-14:00"])
def test_as_of_that_is_no_moment_of_the_past_is_refused(api: Client, path: str, as_of: str) -> None:
    joint = "&" if "?" in path else "?"
    found = api.problem(f"{API}{path}{joint}as_of={as_of}", 400)
    assert found["value"] == as_of
    assert "as_of" in found["detail"]


def test_plus_of_an_offset_that_became_a_blank_is_understood(api: Client, home: Home) -> None:
    moment = home.first.isoformat()
    assert "+00:00" in moment
    wanted = f"{API}/pairs?as_of="
    assert (
        api.json(wanted + moment)
        == api.json(wanted + quote(moment))
        == api.json(wanted + moment.replace("+00:00", "Z"))
    )


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/klines", "symbol is missing"),
        ("/klines?symbol=BTC-USDT&interval=13q", "unknown interval"),
        ("/klines?symbol=BTC-USDT&limit=0", "limit"),
        ("/klines?symbol=BTC-USDT&limit=1000000000", "limit"),
        ("/klines?symbol=BTC-USDT&limit=1e3", "limit"),
        ("/klines?symbol=BTC-USDT&start=2024-06-01&end=2024-05-01", "empty"),
        ("/klines?symbol=BTC-USDT&start=monday", "start"),
        ("/klines?symbol=BTC-USDT&indicators=smaa:12", "unknown indicator"),
        ("/klines?symbol=BTC-USDT&indicators=ema:0", "ema"),
        ("/klines?symbol=BTC-USDT&indicators=garch:0", "every of garch out of range"),
        ("/klines?symbol=BTC-USDT&indicators=ema:1:2:3", "ema"),
        ("/klines?symbol=BTC-USDT&indicators=ema:99999999999999999999", "ema"),
        ("/klines?symbol=", "symbol"),
        ("/klines?symbol=BTC-USDT&interal=1h", "did you mean interval?"),
        ("/klines?symbol=BTC-USDT&symbol=ETH-USDT", "twice"),
        ("/klines?symbol=BTC-USDT&format=rows", "format"),
        ("/klines?symbol=BTC-USDT&coarsen=perhaps", "coarsen"),
        ("/klines?symbol=" + "A" * 5_000, "symbol"),
        ("/history/" + quote("'; drop table x; --"), ""),
        ("/history/" + quote("<script>alert(1)"), ""),
        ("/history/%00", ""),
        ("/history/%FF%FE", ""),
        ("/predictions/BTC-USDT?limit=-1", "limit"),
        ("/tickers/kraken", "binance"),
        ("/predictions?venue=BINANCE!", "venue"),
        ("/pairs?asof=2024-01-01", "did you mean as_of?"),
        ("/health/live?x=1", "unknown parameter"),
    ],
)
def test_hostile_or_mistyped_question_is_refused_in_words(api: Client, path: str, word: str) -> None:
    found = api.problem(API + path, 400)
    assert word in found["detail"] + found["todo"]
    assert "Traceback" not in found["detail"]
    assert len(found["detail"]) < 1_000


def test_symbol_that_nobody_has_is_not_found_and_says_what_there_is(api: Client) -> None:
    for path in ("/klines?symbol=NOPE-USDT", "/history/NOPE-USDT", "/indicators/NOPE-USDT", "/predictions/NOPE-USDT"):
        assert "BTC-USDT" in api.problem(API + path, 404)["todo"]


def test_model_that_foretold_nothing_is_not_found_and_says_where_models_are(api: Client) -> None:
    found = api.problem(f"{API}/predictions/BTC-USDT?model=zzz", 404)
    assert "zzz" in found["detail"]
    assert f"{API}/models" in found["todo"]


def test_address_that_is_not_there_is_a_problem_of_the_api_only(api: Client) -> None:
    assert api.problem(f"{API}/nothing", 404)["type"].endswith("not-found")
    assert api.problem("/api", 404)["type"].endswith("not-found")
    assert api.get("/nothing").headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_can_be_written(api: Client, method: str) -> None:
    found = api.ask(method, f"{API}/pairs", content=b"{}")
    assert (found.status_code, found.headers["allow"]) == (405, "GET, HEAD")
    assert found.json()["type"].endswith("method-not-allowed")


@pytest.mark.parametrize("path", ["/dashboard/", f"{API}/pairs", "/static/assay/app.css"])
def test_request_that_would_be_sent_back_or_is_none_is_refused(api: Client, path: str) -> None:
    for method in ("TRACE", "BREW"):
        found = api.ask(method, path)
        assert (found.status_code, found.headers["allow"]) == (405, "GET, HEAD")


def test_modules_are_asked_for_by_what_is_in_them(api: Client) -> None:
    html = api.get("/assets/binance:spot:BTC-USDT/").text
    named = set(re.findall(r'(?:src|href)="(/static/assay/chart[\w-]*\.js[^"]*)"', html))
    assert len(named) > 5
    imported = {f"/static/assay/{one}" for url in named for one in re.findall(r'from "\./([^"]+)"', api.get(url).text)}
    assert imported <= named
    for url in named:
        assert re.search(r"\?v=[0-9a-f]{12}$", url)
        assert "immutable" in api.get(url).headers["cache-control"]


def test_head_is_a_get_without_a_body(api: Client) -> None:
    for path in ("/pairs", "/health/live", "/nothing"):
        got, head = api.get(API + path), api.ask("HEAD", API + path)
        assert (head.status_code, head.content) == (got.status_code, b"")
        assert head.headers["content-type"] == got.headers["content-type"]


def test_answer_that_has_not_changed_is_not_sent_again(api: Client) -> None:
    first = api.get(f"{API}/pairs")
    etag = first.headers["etag"]
    for tags in (etag, etag.removeprefix("W/"), f'"other", {etag}', "*"):
        again = api.get(f"{API}/pairs", If_None_Match=tags)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == etag
    other = api.get(f"{API}/pairs", If_None_Match='"other"')
    assert (other.status_code, other.content) == (200, first.content)


def test_answer_is_compressed_for_those_who_can_read_it_only(api: Client) -> None:
    plain = api.get(f"{API}/market-overview", Accept_Encoding="identity")
    assert "content-encoding" not in plain.headers
    packed = api.get(f"{API}/market-overview", Accept_Encoding="br, gzip;q=0.5")
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json() == plain.json()
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 2
    assert "content-encoding" not in api.get(f"{API}/market-overview", Accept_Encoding="gzip;q=0").headers


def test_new_data_are_in_the_next_answer_and_its_etag(tmp_path: Path, built: Path) -> None:
    workspace = open_frozen(clone(built, tmp_path / "home"), NOW)
    with serving(workspace) as client:
        before = client.get(f"{API}/pairs")
        assert client.get(f"{API}/pairs", If_None_Match=before.headers["etag"]).status_code == 304
        bring_in(workspace, write_csv(tmp_path / "eth.csv", hourly(30)), "ETH-USDT", recorded_at=NOW)
        build(workspace)
        after = client.get(f"{API}/pairs", If_None_Match=before.headers["etag"])
        assert after.status_code == 200
        assert {pair["symbol"] for pair in after.json()["pairs"]} == {"BTC-USDT", "ETH-USDT"}
        assert after.headers["x-data-version"] != before.headers["x-data-version"]
        # A full refresh makes the same tables again: a client that has the answer is not sent it.
        build(workspace, full_refresh=True)
        assert client.get(f"{API}/pairs", If_None_Match=after.headers["etag"]).status_code == 304


def test_many_at_once_get_the_same_answer_and_the_lake_is_asked_once(home: Home) -> None:
    with serving(home.workspace()) as client:
        url = f"{API}/klines?symbol=ETH-USDT&indicators=ema:30"
        found = client.get_all([url] * 40 + [f"{API}/pairs"] * 40)
        assert {one.status_code for one in found} == {200}
        assert len({one.content for one in found}) == 2
        text = client.get(f"{API}/metrics").text
        assert f'assay_http_requests_total{{route="{API}/klines",status="200"}} 40.0' in text


def test_metrics_name_routes_and_never_what_was_asked_for(api: Client) -> None:
    api.get(f"{API}/history/SECRET-WORD")
    api.get(f"{API}/made/up/by/a/stranger")
    api.get("/made-up-as-well")
    text = api.get(f"{API}/metrics").text
    assert f'route="{API}/history/{{symbol}}",status="404"' in text
    assert "SECRET" not in text
    assert "stranger" not in text
    assert "made-up" not in text
    assert "assay_lake_ready 1.0" in text
    assert 'assay_lake_newest_bar_age_seconds{interval="1h",venue="binance"}' in text
    assert 'assay_lake_newest_answer_age_seconds{dataset="coin_markets",venue="coingecko"}' in text
    assert "assay_lake_missing_bars 0.0" in text
    assert 'assay_build_info{version="' in text


def test_ready_says_which_version_of_the_data_there_is(api: Client) -> None:
    ready = api.json(f"{API}/health/ready")
    assert ready["status"] == "ok"
    assert api.get(f"{API}/pairs").headers["x-data-version"].startswith(f"{ready['data_version']}-")


def test_every_answer_tells_browsers_what_they_may_do(api: Client) -> None:
    for path in (f"{API}/pairs", f"{API}/nothing", "/nothing", "/static/vendor/htmx.min.js", "/dashboard/"):
        headers = api.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        for name in ("content-length", "x-frame-options", "referrer-policy", "content-security-policy"):
            assert len(headers.get_list(name)) == 1, (path, name)


def test_server_answers_to_its_own_names_only(api: Client) -> None:
    for name in ("localhost", "localhost:8000", "127.0.0.1:80", "[::1]:8000"):
        assert api.get(f"{API}/health/live", Host=name).status_code == 200
    for name in ("evil.example", "127.0.0.1.evil.example", "", "localhost:8000:evil", "evil@localhost"):
        assert api.problem(f"{API}/pairs", 400, Host=name)["type"].endswith("wrong-host")
        assert api.get("/dashboard/", Host=name).status_code == 400


def test_body_that_is_too_large_is_not_read(api: Client) -> None:
    found = api.ask("POST", "/accounts/login/", content=b"a" * 1_500_000)
    assert found.status_code == 413
    assert found.json()["type"].endswith("too-large")


def test_reference_page_explains_every_route_and_kind_of_problem_without_a_foreign_script(api: Client) -> None:
    page = api.get(f"{API}/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    document = api.json(f"{API}/openapi.json")
    for path in document["paths"]:
        assert f"<code>GET {path}</code>" in page.text
    kind = api.problem(f"{API}/klines", 400)["type"]
    assert f'id="{kind.partition("#")[2]}"' in page.text
    for link in re.findall(r'(?:href|src)="([^"]*)"', page.text):
        assert link.startswith(("/", "#"))
        assert link.startswith("#") or api.get(link).status_code in (200, 302), link
    assert "style=" not in page.text
    assert re.findall(r"<script(?![^>]*src=)", page.text) == []
