"""The site over a real home: every page, with data and without, as of then, under hostile hands, and behind a login."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from assay.api.shapes.operations import Status
from assay.lake.build_tests import TestResult, read_build_tests, write_build_tests
from assay.lake.lock import file_lock
from assay.pipelines.workspace import Workspace
from assay.selectors.data_page import data_health
from tests.integration.conftest import open_frozen
from tests.integration.site_home import NAMES, NOW, POISON, SECOND, THEN, SiteHome, served, site_home
from tests.integration.visitor import Page, Visitor

PAGES = ("/dashboard/", "/market/", "/binance/", "/wazirx/", "/predictions/", "/backtests/", "/data/")
ASSET = "/assets/binance:spot:BTC-USDT/"
EVERY = (*PAGES, ASSET, "/accounts/login/")
AS_OF = f"{THEN:%Y-%m-%dT%H:%M:%SZ}"
BROKEN = TestResult("crypto_market", "model", "error", 0, "it could not be built")
NASTY = "<script>alert('a row')</script>"
FAILED = TestResult(
    "rules_of_coins", "test", "fail", 31, "a rule", "silver.coins", sample=({"name": NASTY, "price": None},) * 20
)
DOUBT = TestResult("doubts", "test", "warn", 1, "odd", "silver.coins", is_gate=False, sample=({"name": "odd one"},))
LONG_PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> SiteHome:
    return site_home(tmp_path_factory)


@pytest.fixture(scope="module")
def kept(home: SiteHome) -> Iterator[Workspace]:
    with home.workspace.kept_open() as workspace:
        yield workspace


@pytest.fixture
def site(kept: Workspace) -> Visitor:
    return Visitor(kept)


def words(html: str) -> str:
    """Return what a reader sees, without marks and with single blanks."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


@pytest.mark.parametrize("path", EVERY)
@pytest.mark.parametrize("query", ["", f"?as_of={AS_OF}"])
def test_every_page_comes_out_now_and_as_of_then(site: Visitor, path: str, query: str) -> None:
    answer = site.get(path + query)
    assert answer.status == 200
    assert ("As known at 2024-05-01 12:01 UTC" in words(answer.html)) == bool(query)
    assert "Simulated market" in answer.html
    assert "not financial advice" in answer.html


@pytest.mark.parametrize("path", EVERY)
def test_no_page_needs_an_inline_script_or_style(site: Visitor, path: str) -> None:
    html = site.get(path).html
    assert re.findall(r"<style|\sstyle=|\son\w+=\"|<script(?![^>]*\bsrc=)(?![^>]*application/json)", html) == []
    assert re.findall(r"(?:src|href)=\"(?:https?:)?//(?!www\.tradingview\.com)", html) == []


@pytest.mark.parametrize("path", EVERY)
def test_page_has_one_heading_a_main_part_and_names_for_its_fields(site: Visitor, path: str) -> None:
    html = site.get(path).html
    assert len(re.findall(r"<h1[ >]", html)) == 1
    assert html.count("<main ") == 1
    fields = re.findall(r"<(?:input|select)(?![^>]*type=\"hidden\")[^>]*\bid=\"([^\"]+)\"", html)
    assert [name for name in fields if f'for="{name}"' not in html] == []
    ids = re.findall(r"\sid=\"([^\"]+)\"", html)
    assert len(ids) == len(set(ids))


def test_first_page_is_the_dashboard_with_its_query(site: Visitor) -> None:
    answer = site.get(f"/?as_of={AS_OF}")
    assert (answer.status, answer.headers["Location"]) == (302, f"/dashboard/?as_of={AS_OF}")


def test_dashboard_says_how_whole_the_data_is_and_what_predictions_are_worth(site: Visitor) -> None:
    text = words(site.get("/dashboard/").html)
    assert "7 bars are missing" in text
    assert re.search(r"Predictions with skill \d of 1", text)
    assert "assay run" in text


def test_page_as_of_then_shows_the_prices_of_then(site: Visitor, home: SiteHome) -> None:
    from assay.selectors.tickers import ticker_board
    from assay.web.formats import price

    now, then = site.get("/binance/"), site.get(f"/binance/?as_of={AS_OF}")
    for answer, moment in ((now, None), (then, THEN)):
        rows = ticker_board(home.workspace, "binance", as_of=moment).rows
        shown = words(answer.html)
        assert [row.symbol for row in rows if price(row.last_price) not in shown] == []
    assert words(now.html) != words(then.html)


def test_links_of_a_page_as_of_then_stay_there(site: Visitor) -> None:
    for path in (*PAGES, ASSET):
        links = re.findall(r"<a [^>]*href=\"(/(?!accounts|api|static)[^\"]*)\"", site.get(f"{path}?as_of={AS_OF}").html)
        back = {link for link in links if "as_of" not in link}
        assert {link.partition("?")[0] for link in back} <= {path}, back  # only "Back to now" leaves it


def test_price_of_a_rupee_pair_is_shown_in_dollars_with_the_rate_its_source_and_its_moment(site: Visitor) -> None:
    text = words(site.get("/wazirx/").html)
    assert re.search(r"1 USD = ₹[\d.]+ · source: \w+ · 2024-05-01 12:15 UTC", text)
    assert "₹" in text
    assert "$" in text


@pytest.mark.parametrize("name", NAMES)
def test_hostile_name_is_shown_as_it_is_and_does_nothing(site: Visitor, name: str) -> None:
    html = site.get("/market/").html
    assert unescape(re.sub(r"<[^>]*>", "\n", html)).count(name) >= 1
    if "<" in name:
        assert name not in html


@pytest.mark.parametrize(
    "query",
    [
        "sort=price;drop", "sort=rank&dir=sideways", "as_of=yesterday", "as_of=9999-12-31",
        "as_of=0001-01-01T00:00%2B14:00", "as_of=2024-05-01T13:00Z", "as_of=%00", "as_of=%F0%9F%9A%80",
        f"as_of={'9' * 500}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/market/", "/wazirx/", "/data/"])
def test_query_that_means_nothing_is_explained(site: Visitor, path: str, query: str) -> None:
    answer = site.get(f"{path}?{query}")
    assert answer.status == 400
    assert "That cannot be read" in answer.html
    assert "Traceback" not in answer.html


@pytest.mark.parametrize(
    "query", ["q=%3Cscript%3Ealert(2)%3C/script%3E", "q=%00%FF%FE", f"q={'x' * 3_000}", "q=' or 1=1 --"]
)
@pytest.mark.parametrize("path", ["/market/", "/binance/", "/data/"])
def test_search_for_anything_finds_nothing_and_harms_nothing(site: Visitor, path: str, query: str) -> None:
    answer = site.get(f"{path}?{query}")
    assert answer.status == 200
    assert "matches" in answer.html
    assert "<script>alert" not in answer.html


@pytest.mark.parametrize(
    "path", ["/nowhere/", "/market/x/", "/kraken/", "/data/quarantine/ffff/", "/assets/binance:spot:NONE-USDT/"]
)
def test_page_that_is_not_there_says_so_in_the_sites_design(site: Visitor, path: str) -> None:
    answer = site.get(path)
    assert answer.status in (400, 404)
    assert '<nav class="menu"' in answer.html


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("/market/", ("rank", "coin", "price", "change", "cap", "volume", "supply", "week", "up")),
        ("/binance/", ("pair", "price", "change", "low", "spread", "volume", "week", "up")),
        ("/wazirx/", ("pair", "price", "usd", "change", "low", "spread", "volume", "week", "up")),
        ("/data/", ("series", "coverage", "missing", "bars", "first", "last", "open", "outliers", "restated")),
    ],
)
def test_table_sorts_by_every_column_both_ways_by_plain_links(site: Visitor, path: str, keys: tuple[str, ...]) -> None:
    html = site.get(path).html
    assert tuple(re.findall(r"id=\"sort-(\w+)\"", html)) == keys
    for key in keys:
        for way, word in (("asc", "ascending"), ("desc", "descending")):
            answer = site.get(f"{path}?sort={key}&dir={way}")
            assert re.findall(r"aria-sort=\"(\w+)\"", answer.html) == [word]
            assert re.search(rf"aria-sort=\"{word}\"><a class=\"sort\" id=\"sort-{key}\"", answer.html)


def test_market_sorted_by_price_is_in_the_order_of_prices(site: Visitor) -> None:
    html = site.get("/market/?sort=price&dir=asc").html
    shown = re.findall(r"data-live=\"[^\"]*-price\">\$([\d,.]+)", html)
    prices = [float(text.replace(",", "")) for text in shown]
    assert len(prices) > 50
    assert prices == sorted(prices)


def test_part_is_sent_alone_to_htmx_and_the_whole_page_to_its_history(site: Visitor) -> None:
    part = site.get("/market/?q=bit", {"HX-Request": "true"})
    whole = site.get("/market/?q=bit", {"HX-Request": "true", "HX-History-Restore-Request": "true"})
    assert part.html.startswith('<div id="part"')
    assert whole.html.startswith("<!doctype html>")
    assert part.html.strip() in whole.html
    assert {"HX-Request", "Cookie"} <= {name.strip() for name in part.headers["Vary"].split(",")}


def test_page_that_has_not_changed_is_not_sent_again(site: Visitor) -> None:
    first = site.get("/dashboard/")
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert site.get("/dashboard/", {"If-None-Match": first.headers["ETag"]}).status == 304
    assert site.get("/dashboard/?as_of=" + AS_OF, {"If-None-Match": first.headers["ETag"]}).status == 200


def test_quarantined_answer_is_shown_as_it_came_and_does_nothing(site: Visitor) -> None:
    html = site.get("/data/").html
    link = re.search(r"href=\"(/data/quarantine/\w+/)\"", html)
    assert link
    page = site.get(link.group(1))
    assert page.status == 200
    assert POISON.decode() in unescape(page.html)
    assert POISON.decode() not in page.html


def test_gap_is_listed_with_its_length_and_cause(site: Visitor) -> None:
    text = words(site.get("/data/").html)
    assert re.search(
        r"BTC-USDT 1h · binance spot 2024-\d\d-\d\d \d\d:00 2024-\d\d-\d\d \d\d:00 7 unknown can be healed", text
    )


def test_tests_are_counted_apart_from_tables(site: Visitor, home: SiteHome) -> None:
    kept = read_build_tests(home.workspace.home)
    assert kept is not None
    write_build_tests(home.workspace.home, replace(kept, results=(*kept.results, BROKEN)))
    try:
        html = site.get("/data/").html
    finally:
        write_build_tests(home.workspace.home, kept)
    assert f"{len(kept.results)} of the last build" in words(html)
    assert '<code>crypto_market</code> <span class="muted">table</span>' in html


def test_rows_that_broke_a_test_are_shown_and_do_nothing(site: Visitor, home: SiteHome) -> None:
    kept = read_build_tests(home.workspace.home)
    assert kept is not None
    write_build_tests(home.workspace.home, replace(kept, results=(FAILED, DOUBT, *kept.results)))
    try:
        html = site.get("/data/").html
        told = Status.model_validate(data_health(home.workspace)).model_dump()["tests"]["results"]
    finally:
        write_build_tests(home.workspace.home, kept)
    assert NASTY in unescape(html)
    assert NASTY not in html
    assert "The first 20 of the 31 rows that broke rules_of_coins" in words(html)
    assert "1 failed" in words(html)
    assert "odd one" in words(html)
    assert [one["sample"] for one in told[:2]] == [list(FAILED.sample), list(DOUBT.sample)]
    assert not told[1]["is_gate"]


@pytest.mark.parametrize("path", PAGES)
def test_page_can_only_be_read(site: Visitor, path: str) -> None:
    for method in ("TRACE", "OPTIONS"):
        answer = site.ask(method, path)
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
    assert site.post(path, {}).status == 403  # a form without its token is refused before it comes to that


def test_what_browsers_and_crawlers_ask_unasked_is_answered(site: Visitor) -> None:
    icon = site.get("/favicon.ico")
    assert (icon.status, icon.headers["location"].partition("?")[0]) == (302, "/static/assay/mark.svg")
    robots = site.get("/robots.txt")
    assert (robots.status, robots.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert "Disallow: /admin/" in robots.html


@pytest.mark.parametrize("path", PAGES)
def test_empty_home_says_which_command_to_run(tmp_path: Path, path: str) -> None:
    answer = Visitor(open_frozen(tmp_path / "empty", NOW)).get(path)
    assert answer.status == 200
    assert "There is no data yet" in answer.html
    assert "<code>assay demo</code>" in answer.html


def test_lake_that_is_being_built_says_so_and_looks_again(tmp_path: Path) -> None:
    workspace = open_frozen(tmp_path / "empty", NOW)
    with file_lock(workspace.home.writer_lock, timeout_s=0):
        answer = Visitor(workspace).get("/dashboard/")
    assert "The lake is being built" in answer.html
    assert 'hx-trigger="every 15s"' in answer.html


def test_home_without_coins_shows_the_rest(tmp_path: Path, built: Path) -> None:
    site = Visitor(open_frozen(built, NOW))
    assert "No coin has been seen yet" in words(site.get("/dashboard/").html)
    assert "Nothing to show here yet" in site.get("/market/").html
    assert site.get("/data/").status == 200


def test_fault_of_ours_shows_a_number_and_nothing_of_the_inside(
    site: Visitor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_arguments: object, **_named: object) -> None:
        raise RuntimeError("/inside/path")

    monkeypatch.setattr("assay.web.views.market.market_overview", fails)
    answer = site.get("/market/")
    number = re.search(r"under number (\w{8})", answer.html)
    assert answer.status == 500
    assert number
    assert "/inside/path" not in answer.html
    assert number.group(1) in caplog.text


def make_account(name: str = "ann", *, is_staff: bool = False) -> None:
    from assay.appdb.accounts import make_user

    make_user(name, LONG_PASSWORD, is_staff=is_staff)


@pytest.fixture
def closed(home: SiteHome, tmp_path: Path) -> Visitor:
    """Return a site that needs a login, with a database of its own."""
    (home.workspace.home.root / "app.sqlite3").unlink(missing_ok=True)
    site = Visitor(served(home, require_login=True))
    make_account()
    return site


def log_in(site: Visitor, password: str = LONG_PASSWORD, name: str = "ann", **more: str) -> Page:
    """Send the form as a browser does."""
    token = re.search(r"name=\"csrfmiddlewaretoken\" value=\"(\w+)\"", site.get("/accounts/login/").html)
    assert token
    form = {"username": name, "password": password, "csrfmiddlewaretoken": token.group(1), **more}
    return site.post("/accounts/login/", form)


def test_site_that_needs_a_login_shows_nothing_without(closed: Visitor) -> None:
    for path in (*PAGES, ASSET, "/admin/"):
        answer = closed.get(path)
        assert answer.status == 302
        assert answer.headers["Location"].startswith(("/accounts/login/?next=/", "/admin/login/"))
    answer = log_in(closed, next="/market/?sort=price")
    assert (answer.status, answer.headers["Location"]) == (302, "/market/?sort=price")
    assert closed.get("/market/").status == 200


def test_cookie_of_the_session_is_not_for_scripts_nor_for_other_sites(closed: Visitor) -> None:
    log_in(closed)
    cookie = closed.cookie("sessionid")
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil.example"]
)
def test_login_leads_to_this_site_only(closed: Visitor, target: str) -> None:
    assert log_in(closed, next=target).headers["Location"] == "/dashboard/"


def test_wrong_name_and_wrong_password_are_told_the_same(closed: Visitor) -> None:
    answers = [log_in(closed, "wrong"), log_in(closed, name="nobody")]
    assert [answer.status for answer in answers] == [401, 401]
    said = [re.findall(r"role=\"alert\"[^>]*>([^<]*)<", answer.html) for answer in answers]
    assert said[0] == said[1] == ["That user name and password do not go together."]


def test_guessing_is_slowed_down_even_with_the_right_password(closed: Visitor) -> None:
    assert [log_in(closed, "wrong").status for _ in range(6)] == [401] * 5 + [429]
    answer = log_in(closed)
    assert answer.status == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 60


def test_form_without_its_token_is_refused(closed: Visitor) -> None:
    answer = closed.post("/accounts/login/", {"username": "ann", "password": LONG_PASSWORD})
    assert answer.status == 403
    assert "The form was not accepted" in answer.html


def test_logging_out_takes_more_than_a_link(closed: Visitor) -> None:
    log_in(closed)
    token = re.search(r"name=\"csrfmiddlewaretoken\" value=\"(\w+)\"", closed.get("/accounts/logout/").html)
    assert token
    assert closed.get("/dashboard/").status == 200
    answer = closed.post("/accounts/logout/", {"csrfmiddlewaretoken": token.group(1)})
    assert answer.headers["Location"] == "/accounts/login/"
    assert closed.get("/dashboard/").status == 302


def test_administration_is_for_staff_and_makes_no_keys(closed: Visitor) -> None:
    make_account("root", is_staff=True)
    log_in(closed)
    assert closed.get("/admin/").status == 302
    closed.forgets()
    log_in(closed, name="root")
    assert closed.get("/admin/").status == 200
    assert closed.get("/admin/appdb/apikey/").status == 200
    assert closed.get("/admin/appdb/apikey/add/").status == 403


def test_deployment_check_of_django_is_clean_behind_https(home: SiteHome) -> None:
    from django.core import checks

    Visitor(served(home, public_url="https://assay.example.org", secret_key="k7!vX-q2pW" * 6))
    found = checks.run_checks(include_deployment_checks=True)
    assert [str(one) for one in found if not one.is_silenced()] == []


def test_cookies_travel_by_https_only_where_the_site_does(home: SiteHome) -> None:
    site = Visitor(served(home, public_url="https://assay.example.org"))
    answer = site.get("/accounts/login/", is_secure=True, headers={"Host": "assay.example.org"})
    assert answer.status == 200
    assert site.cookie("csrftoken")["secure"] is True
    assert site.get("/dashboard/", headers={"Host": "assay.example.org"}).headers["Location"].startswith("https://")


def test_request_by_another_name_is_refused(site: Visitor) -> None:
    assert site.get("/dashboard/", headers={"Host": "evil.example"}).status == 400


def test_site_moves_to_another_home_with_its_accounts(home: SiteHome, tmp_path: Path) -> None:
    first = open_frozen(tmp_path / "one", NOW)
    Visitor(first)
    make_account("only-here")
    Visitor(open_frozen(tmp_path / "two", NOW))
    from django.contrib.auth import get_user_model

    assert not get_user_model().objects.filter(username="only-here").exists()
    Visitor(first)
    assert get_user_model().objects.filter(username="only-here").exists()


def test_seconds_of_the_newest_data_are_those_of_the_second_slot(site: Visitor) -> None:
    assert f"as seen at {SECOND:%Y-%m-%d %H:%M} UTC" in words(site.get("/market/").html)
