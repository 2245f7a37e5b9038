"""Kept backtests as pages and the API show them: the same figures, nothing lost, and hostile words as text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html import unescape
from urllib.parse import urlencode

import numpy as np
import polars as pl
import pytest

from assay.lake.backtest_runs import read_run
from assay.lake.sealed import documents_of
from assay.pipelines.workspace import Workspace
from assay.selectors.backtest_curves import growth_since, warnings_of
from assay.selectors.backtests import brief_of
from tests.integration.command import clone
from tests.integration.conftest import open_frozen
from tests.integration.kept_backtests import HOSTILE, KeptBacktests, keep_backtests
from tests.integration.served import Client, serving
from tests.integration.site_home import NOW, THEN, SiteHome, site_home
from tests.integration.visitor import Visitor

API = "/api/v1/backtests"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> SiteHome:
    return site_home(tmp_path_factory)


@pytest.fixture(scope="module")
def kept(home: SiteHome) -> KeptBacktests:
    return keep_backtests(home.workspace)


@pytest.fixture(scope="module")
def served(home: SiteHome, kept: KeptBacktests) -> Iterator[Workspace]:
    with home.workspace.kept_open() as workspace:
        yield workspace


@pytest.fixture
def site(served: Workspace) -> Visitor:
    return Visitor(served)


@pytest.fixture(scope="module")
def api(home: SiteHome, kept: KeptBacktests) -> Iterator[Client]:
    with serving(home.workspace) as client:
        yield client


def table(home: SiteHome, run: str, name: str) -> pl.DataFrame:
    return read_run(documents_of(home.workspace.home), run).table(name)


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def test_list_has_the_newest_first_and_each_with_its_verdict(api: Client, site: Visitor, kept: KeptBacktests) -> None:
    found = api.json(API)
    assert [one["run"] for one in found["rows"]] == [kept.sweep, kept.hostile, kept.rules]
    text = words(site.get("/backtests/").html)
    for one in found["rows"]:
        reason = one["sentence"].partition(": ")[2].replace(" -", " \N{MINUS SIGN}")
        assert reason[1:] in text
        assert one["verdict"].replace("_", " ") in text


def test_words_of_a_strategy_and_its_author_are_text_on_every_page(site: Visitor, kept: KeptBacktests) -> None:
    compared = "/backtests/compare/?" + urlencode({"run": [kept.rules, kept.hostile]}, doseq=True)
    for path in ("/backtests/", f"/backtests/{kept.hostile}/", compared):
        html = site.get(path).html
        assert HOSTILE not in html
        assert HOSTILE in unescape(html)


@pytest.mark.parametrize("name", ["rules", "hostile", "sweep"])
def test_page_needs_nothing_inline_and_has_one_heading(site: Visitor, kept: KeptBacktests, name: str) -> None:
    answer = site.get(f"/backtests/{getattr(kept, name)}/")
    assert answer.status == 200
    assert re.findall(r"<style|\sstyle=|\son\w+=\"|<script(?![^>]*\bsrc=)(?![^>]*application/json)", answer.html) == []
    assert len(re.findall(r"<h1[ >]", answer.html)) == 1
    ids = re.findall(r"\sid=\"([^\"]+)\"", answer.html)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("symbol", ["btcusdt", "BTC", "binance:spot:BTC-USDT"])
def test_list_is_filtered_by_any_spelling(api: Client, symbol: str) -> None:
    assert api.json(f"{API}?symbol={symbol}")["found"] == 3
    assert api.json(f"{API}?symbol=ETH")["found"] == 0


def test_list_can_be_read_in_parts_and_sorted(api: Client, site: Visitor, kept: KeptBacktests) -> None:
    parts = [api.json(f"{API}?limit=1&offset={at}")["rows"][0]["run"] for at in range(3)]
    assert parts == [kept.sweep, kept.hostile, kept.rules]
    returns = {one["run"]: one["total_return"] for one in api.json(API)["rows"]}
    shown = re.findall(r'name="run" value="(\w+)"', site.get("/backtests/?sort=return").html)
    assert shown == sorted(returns, key=lambda run: -returns[run])


def test_figures_of_the_page_are_those_of_the_report(api: Client, home: SiteHome, kept: KeptBacktests) -> None:
    report = read_run(documents_of(home.workspace.home), kept.hostile).report
    found = api.json(f"{API}/{kept.hostile[:6]}")
    figures = {one["name"]: one for one in found["figures"]}
    for name, value in report["performance"].items():
        assert figures[name]["value"] == value
        assert figures[name]["hold"] == report["hold"][name]
        assert figures[name]["low"] == report["intervals"].get(name, {}).get("low")
    assert found["months"] == report["months"]
    assert found["brief"]["low"] < found["brief"]["high"]
    assert not found["brief"]["is_exact"]


def test_curves_with_fewer_points_lose_no_peak_and_no_trough(api: Client, home: SiteHome, kept: KeptBacktests) -> None:
    whole = table(home, kept.hostile, "equity")
    found = api.json(f"{API}/{kept.hostile}/equity?points=100")
    columns = found["columns"]
    assert found["bars"] == whole.height
    assert found["points"] == len(columns["close_time"]) <= 100
    for name in ("equity", "equity_optimistic", "equity_lowest", "equity_highest", "equity_hold", "drawdown"):
        assert (min(columns[name]), max(columns[name])) == (whole[name].min(), whole[name].max())
        assert (columns[name][0], columns[name][-1]) == (whole[name][0], whole[name][-1])
    by_time = dict(zip(whole["close_time"].dt.epoch("ms"), whole["equity"], strict=True))
    assert [by_time[time] for time in columns["close_time"]] == columns["equity"]
    assert api.json(f"{API}/{kept.hostile}/equity?points=20000")["points"] == whole.height


def test_trades_come_in_parts_and_by_time(api: Client, home: SiteHome, kept: KeptBacktests) -> None:
    whole = table(home, kept.hostile, "trades")
    assert whole.height > 30
    parts = [api.json(f"{API}/{kept.hostile}/trades?limit=20&offset={at}") for at in range(0, whole.height, 20)]
    rows = [row for part in parts for row in part["rows"]]
    assert [row["number"] for row in rows] == list(range(1, whole.height + 1))
    assert [row["pnl"] for row in rows] == whole["pnl"].to_list()
    start, end = whole["entry_open_time"][10], whole["exit_open_time"][20]
    asked = urlencode({"start": f"{start:%Y-%m-%dT%H:%M:%SZ}", "end": f"{end:%Y-%m-%dT%H:%M:%SZ}"})
    inside = whole.filter((pl.col("exit_open_time") >= start) & (pl.col("entry_open_time") < end))
    assert api.json(f"{API}/{kept.hostile}/trades?{asked}")["found"] == inside.height


def test_table_of_trades_begins_with_the_latest_and_has_pages(
    site: Visitor, home: SiteHome, kept: KeptBacktests
) -> None:
    count = table(home, kept.hostile, "trades").height
    first, second = (site.get(f"/backtests/{kept.hostile}/?trades={page}").html for page in (1, 2))
    numbers = [[int(one) for one in re.findall(r'data-trade="(\d+)"', html)] for html in (first, second)]
    assert numbers[0] == list(range(count, count - 25, -1))
    assert numbers[1][0] == count - 25
    assert site.get(f"/backtests/{kept.hostile}/?trades=0").status == 400


def test_combinations_are_those_of_the_sweep(api: Client, home: SiteHome, kept: KeptBacktests) -> None:
    rows = read_run(documents_of(home.workspace.home), kept.sweep).report["combinations"]
    found = api.json(f"{API}/{kept.sweep}/combinations")
    assert found["combinations"] == len(rows) == 6
    for parameter in found["parameters"]:
        values = [parameter["values"][place] for place in parameter["places"]]
        assert values == [row["values"][parameter["name"]] for row in rows]
        assert parameter["values"] == sorted(parameter["values"], key=float)
    sharpe = next(one for one in found["figures"] if one["name"] == "sharpe")
    assert sharpe["values"] == [row["sharpe"] for row in rows]
    assert api.get(f"{API}/{kept.rules}/combinations").status_code == 404


def test_compared_curves_begin_together_and_end_where_their_accounts_did(
    api: Client, home: SiteHome, kept: KeptBacktests
) -> None:
    found = api.json(f"{API}/compare?run={kept.rules}&run={kept.sweep}&points=200")
    for one in found["runs"]:
        equity = table(home, one["brief"]["run"], "equity")["equity"]
        assert one["columns"]["growth"][-1] == pytest.approx(equity[-1] / 10_000.0 - 1.0, rel=1e-12)
        assert one["columns"]["growth"][-1] == pytest.approx(one["brief"]["total_return"], rel=1e-9)
    assert found["warnings"] == ["some were chosen among many on the bars that they are shown on, and others were not"]
    assert "Do not simply compare" in words(Visitor(home.workspace).get(
        f"/backtests/compare/?run={kept.rules}&run={kept.sweep}"
    ).html)  # fmt: skip


def test_other_periods_series_and_costs_are_said_and_curves_begin_where_all_have_bars(
    home: SiteHome, kept: KeptBacktests
) -> None:
    brief = brief_of(read_run(documents_of(home.workspace.home), kept.rules).summary)
    other = replace(brief, start=brief.start + timedelta(days=9), series=("binance:spot:ETH-USDT:1h",))
    said = " ".join(warnings_of([brief, other], ["fees 10", "fees 0"]))
    assert "different periods" in said
    assert "different series" in said
    assert "different costs" in said
    assert warnings_of([brief, brief], ["fees 10", "fees 10"]) == ()
    equity = table(home, kept.rules, "equity")
    later = growth_since(equity, other.start, points=10_000)
    before = equity.filter(pl.col("close_time") <= other.start)["equity"][-1]
    assert later["close_time"][0] > other.start
    np.testing.assert_allclose(
        later["growth"], equity.filter(pl.col("close_time") > other.start)["equity"] / before - 1.0
    )


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/compare?run={rules}", 400, "at least 2"),
        ("/compare?run={rules}&run={rules}", 400, "stands twice"),
        (f"/{{rules}}?as_of={THEN:%Y-%m-%dT%H:%M:%SZ}", 404, "not there yet"),
        ("/ffffff", 404, "no such backtest"),
        ("/ff", 400, "not the id"),
        ("?limit=0", 400, "greater than"),
        ("?symbol=a&symbol=b", 400, "stands twice"),
        ("/{rules}/equity?points=9", 400, "greater than"),
    ],
)  # fmt: skip
def test_question_that_cannot_be_answered_is_refused_in_words(
    api: Client, kept: KeptBacktests, path: str, status: int, word: str
) -> None:
    answer = api.get(API + path.replace("{rules}", kept.rules))
    assert answer.status_code == status
    assert word in answer.json()["detail"]


def test_page_of_what_is_not_there_or_cannot_be_compared_says_so(site: Visitor, kept: KeptBacktests) -> None:
    assert site.get("/backtests/ffffff/").status == 404
    assert site.get(f"/backtests/compare/?run={kept.rules}").status == 400
    then = site.get(f"/backtests/?as_of={THEN:%Y-%m-%dT%H:%M:%SZ}")
    assert "No backtest had been made then" in words(then.html)


def test_tear_sheet_is_a_file_with_the_name_of_its_run(site: Visitor, kept: KeptBacktests) -> None:
    answer = site.get(f"/backtests/{kept.rules}/tearsheet.html")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="tearsheet-{kept.rules}.html"'
    assert kept.rules in answer.html


def test_damaged_backtest_is_named_and_hides_no_other(
    home: SiteHome, kept: KeptBacktests, tmp_path_factory: pytest.TempPathFactory
) -> None:
    copy = open_frozen(clone(home.workspace.home.root, tmp_path_factory.mktemp("damaged") / "home"), NOW)
    broken = next((copy.home.root / "backtests" / "runs").glob(f"*{kept.rules}*.json"))
    broken.unlink()  # the copy may share its blocks with the original
    broken.write_bytes(b"nothing")
    html = Visitor(copy).get("/backtests/").html
    assert broken.name in html
    assert kept.sweep in html


def test_home_without_backtests_says_which_command_makes_one(tmp_path_factory: pytest.TempPathFactory) -> None:
    answer = Visitor(site_home(tmp_path_factory).workspace).get("/backtests/")
    assert answer.status == 200
    assert 'assay backtest BTC-USDT --buy "ema_50 crosses above ema_200"' in words(answer.html)
