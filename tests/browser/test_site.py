"""The site as a whole: logging in, reading it without scripts, and every link of every page."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest

from tests.browser.conftest import OpenPage, Watch, serving
from tests.browser.test_pages import PAGES, settled
from tests.integration.command import clone, environment, words_of

NAME, PASSWORD = "eve", "correct horse battery staple"
_MOST_PAGES = 400


@pytest.fixture(scope="module")
def guarded(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a copy of the home that only those with an account may read, and in which there is one."""
    copy = tmp_path_factory.mktemp("guarded") / "home"
    clone(home, copy)
    made = subprocess.run(
        words_of(copy, "users", "create", NAME),
        input=f"{PASSWORD}\n",
        env=environment(),
        text=True,
        capture_output=True,
    )
    assert made.returncode == 0, made.stderr
    with serving(copy, ASSAY_SERVE__REQUIRE_LOGIN="true") as url:
        yield url


def test_page_leads_through_the_login_and_back(open_page: OpenPage, guarded: str, watch: Watch) -> None:
    page = open_page(f"{guarded}/market/?q=btc")
    assert urlsplit(page.url).path == "/accounts/login/"
    page.get_by_label("User name").fill(NAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/market/?q=btc")
    cookie = next(one for one in page.context.cookies() if one["name"] == "sessionid")
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    page.get_by_role("link", name="log out").click()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url(lambda url: "logout" not in url)
    page.goto(f"{guarded}/market/")
    assert urlsplit(page.url).path == "/accounts/login/"


def test_wrong_password_says_the_same_for_any_name(open_page: OpenPage, guarded: str, watch: Watch) -> None:
    watch.allowed = (400, 401, 403, 422)
    said = []
    for name in (NAME, "nobody"):
        page = open_page(f"{guarded}/accounts/login/")
        page.get_by_label("User name").fill(name)
        page.get_by_label("Password").fill("wrong")
        page.keyboard.press("Enter")
        said.append(page.get_by_role("alert").inner_text())
    assert said[0] == said[1]


def test_tables_are_read_searched_and_sorted_without_a_script(open_page: OpenPage, site: str) -> None:
    page = open_page(f"{site}/market/", has_scripts=False)
    assert page.locator("tbody tr").count() == 100
    page.get_by_role("columnheader", name="Price").get_by_role("link").click()
    page.wait_for_url("**sort=**")
    assert page.locator("th[aria-sort]").count() == 1
    page.get_by_role("searchbox").fill("eth")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**q=eth**")
    assert 0 < page.locator("tbody tr").count() < 100


def test_pair_is_chosen_without_a_script(open_page: OpenPage, site: str) -> None:
    page = open_page(f"{site}/binance/", has_scripts=False)
    page.get_by_label("History of a pair").select_option("binance:spot:ETH-USDT")
    page.locator(".pair-picker button").click()
    page.wait_for_url(lambda url: urlsplit(url).path == "/assets/binance:spot:ETH-USDT/")
    page.locator(".asset-bars tbody tr").nth(19).wait_for()
    assert page.locator(".asset-bars tbody tr").count() == 20


def test_pair_is_chosen_with_a_script(open_page: OpenPage, site: str) -> None:
    page = open_page(f"{site}/wazirx/")
    page.get_by_label("History of a pair").select_option("wazirx:spot:BTC-INR")
    page.wait_for_url("**/assets/wazirx:spot:BTC-INR/")
    settled(page)


@pytest.mark.parametrize("chosen", ["//example.org", "https://example.org/", "javascript:alert(1)", ""])
def test_choice_of_a_pair_leads_nowhere_else(open_page: OpenPage, site: str, chosen: str) -> None:
    asking = open_page(f"{site}/accounts/login/").request
    answer = asking.get(f"{site}/assets/", params={"series": chosen}, max_redirects=0)
    assert answer.status == 302
    assert urljoin(site, answer.headers["location"]).startswith(f"{site}/")


class _Links(HTMLParser):
    """Addresses that a page leads to or loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attributes if name in ("href", "src", "hx-get") and value]


def test_every_link_of_every_page_leads_somewhere(open_page: OpenPage, site: str) -> None:
    asking = open_page(f"{site}/dashboard/").request
    waiting, seen, broken = [f"{site}{path}" for path in PAGES.values()], set[str](), []
    while waiting and len(seen) < _MOST_PAGES:
        address = waiting.pop(0)
        if address in seen:
            continue
        seen.add(address)
        answer = asking.get(address)
        if answer.status >= 400:
            broken.append(f"{answer.status} {address}")
        if "text/html" not in answer.headers.get("content-type", "") or _is_variant(address):
            continue
        reader = _Links()
        reader.feed(answer.text())
        whole = [urldefrag(urljoin(address, one)).url for one in reader.found]
        waiting += [one for one in whole if one.startswith(f"{site}/") and one not in seen]
    assert broken == []
    assert len(seen) > 50


def _is_variant(address: str) -> bool:
    """Whether a page is another order or selection of one that is looked at anyway: it is opened, not followed."""
    return bool(urlsplit(address).query)
