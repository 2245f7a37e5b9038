"""Every page in a real browser: with data, without, as of a moment, and on a phone; nothing on the console."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import PHONE, OpenPage
from tests.browser.home import BETWEEN, GAPPY, HOSTILE_NAME, SERIES

PAGES = {
    "dashboard": "/dashboard/",
    "market": "/market/",
    "binance": "/binance/",
    "wazirx": "/wazirx/",
    "asset": f"/assets/{SERIES}/",
    "asset with a gap": f"/assets/{GAPPY}/",
    "predictions": "/predictions/",
    "backtests": "/backtests/",
    "data": "/data/",
    "login": "/accounts/login/",
}
AS_OF = f"?as_of={BETWEEN:%Y-%m-%dT%H:%M:%SZ}"
every_page = pytest.mark.parametrize("path", PAGES.values(), ids=list(PAGES))


def settled(page: Page) -> Page:
    """Wait until the page asks for nothing more, and its chart is drawn if it has one."""
    page.wait_for_load_state("networkidle")
    if page.locator("[data-asset-chart]").count():
        page.wait_for_selector("[data-asset-chart][data-state=ready]")
    for chart in ("[data-track]", "[data-equity]", "[data-trades-chart]", "[data-growth]"):
        if page.locator(chart).count():
            page.wait_for_selector(f"{chart}[data-state=ready]")
    return page


def fits(page: Page) -> bool:
    """Whether nothing sticks out sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def check_frame(page: Page) -> None:
    """Every page has one heading, its parts by their names, the time zone, and what it is worth."""
    assert page.locator("h1").count() == 1
    assert page.locator("h1").is_visible()
    for landmark in ("header", "nav", "main", "footer"):
        assert page.locator(landmark).first.is_visible(), landmark
    foot = page.inner_text("footer")
    assert "UTC" in foot
    assert "not financial advice" in foot
    assert "None" not in page.inner_text("main")
    assert "{{" not in page.inner_text("body")


@every_page
def test_page_with_data(open_page: OpenPage, site: str, path: str) -> None:
    page = settled(open_page(site + path))
    check_frame(page)
    assert fits(page)
    assert "Simulated market" in page.inner_text("body")


@every_page
def test_page_on_a_phone_does_not_scroll_sideways(open_page: OpenPage, site: str, path: str) -> None:
    page = settled(open_page(site + path, size=PHONE, theme="light"))
    check_frame(page)
    assert fits(page)


@pytest.mark.parametrize("path", [path for name, path in PAGES.items() if name != "login"])
def test_page_as_of_a_moment_says_so_and_leads_back(open_page: OpenPage, site: str, path: str) -> None:
    page = settled(open_page(site + path + AS_OF))
    assert "As known at 2024-06-01 12:30" in page.inner_text("body")
    page.get_by_role("link", name="Back to now").last.click()
    page.wait_for_url(lambda url: "as_of" not in url)
    settled(page)
    assert "As known at" not in page.inner_text("body")
    assert "as_of" not in page.url


@every_page
def test_page_of_an_empty_home_says_what_to_do(open_page: OpenPage, empty_site: str, path: str) -> None:
    page = open_page(empty_site + path)
    assert page.locator("h1").is_visible()
    if "login" not in path:
        assert "assay demo" in page.inner_text("main")
    assert fits(page)


def test_hostile_name_of_a_coin_is_shown_and_not_run(open_page: OpenPage, site: str) -> None:
    page = settled(open_page(f"{site}/market/"))
    assert "owned" not in page.title()
    assert '<script>document.title="owned"</script>' in (page.locator("main").text_content() or "")
    assert page.locator("main img[src=x]").count() == 0
    assert fits(page)
    assert len(HOSTILE_NAME) > 300


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/assets/binance:spot:NOPE-USDT/", 404),
        ("/assets/%00/", 400),
        (f"/assets/{SERIES}/?interval=13q", 400),
        ("/dashboard/?as_of=yesterday", 400),
        ("/market/?sort=%27%3B--", 400),
        ("/nowhere/", 404),
    ],
)
def test_bad_address_gets_a_page_that_says_why(
    open_page: OpenPage, site: str, path: str, status: int, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("watch").allowed = (400, 404)
    page = open_page(site + path)
    answer = page.request.get(site + path)
    assert answer.status == status
    assert page.locator("h1").is_visible()
    assert "Traceback" not in page.inner_text("body")


def test_theme_is_the_systems_until_it_is_switched_and_then_kept(open_page: OpenPage, site: str) -> None:
    page = open_page(f"{site}/dashboard/", theme="light")
    theme = "document.documentElement.dataset.theme"
    assert page.evaluate(theme) == "light"
    page.get_by_role("button", name="Switch between dark and light").click()
    assert page.evaluate(theme) == "dark"
    page.reload()
    assert page.evaluate(theme) == "dark"
