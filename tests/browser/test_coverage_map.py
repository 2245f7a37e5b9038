"""The map of completeness by day: drawn by Plotly under the site's policy, when it comes into view, and not before."""

from __future__ import annotations

from playwright.sync_api import Page, Request

from tests.browser.conftest import PHONE, OpenPage
from tests.browser.home import BETWEEN, GAPPY, HOLE

_CELL = """([series, interval, day]) => {
    const trace = document.querySelector("#map .map-plot").data[0];
    const row = trace.customdata.findIndex((days) => days[0][0].startsWith(`${series} ${interval}`));
    const column = trace.x.indexOf(day);
    return [trace.z[row][column], trace.text[row][column], trace.customdata[row][column][1]];
}"""


def drawn(page: Page) -> Page:
    """Go to the map and wait until it is there."""
    page.locator("#map").scroll_into_view_if_needed()
    page.wait_for_selector("#map .main-svg")
    return page


def test_library_comes_with_the_map_and_not_with_the_page(open_page: OpenPage, site: str) -> None:
    page = open_page(f"{site}/assets/{GAPPY}/")
    asked: list[str] = []
    page.on("request", lambda request: _note(asked, request))
    page.goto(f"{site}/data/")
    page.wait_for_load_state("networkidle")
    assert asked == []
    drawn(page)
    assert len(asked) == 1


def _note(asked: list[str], request: Request) -> None:
    if "plotly" in request.url:
        asked.append(request.url)


def test_missing_hours_are_seen_on_their_day_and_nowhere_else(open_page: OpenPage, site: str) -> None:
    page = drawn(open_page(f"{site}/data/"))
    symbol = GAPPY.rpartition(":")[2]
    day = f"{HOLE[0]:%Y-%m-%d}"
    assert page.evaluate(_CELL, [symbol, "1h", day]) == [
        0.5,
        "12 bars, 12 missing (50.00 %)",
        "<br>unknown: 12 bars",
    ]
    assert page.evaluate(_CELL, [symbol, "1h", "2024-05-27"]) == [1, "24 bars, 0 missing (100 %)", ""]
    assert page.evaluate(_CELL, ["BTC-USDT", "1h", day])[0] == 1
    assert "12 bars missing" in (page.get_attribute("#map .map-plot", "aria-label") or "")


def test_click_leads_to_the_series(open_page: OpenPage, site: str) -> None:
    page = drawn(open_page(f"{site}/data/"))
    box = page.locator("#map .nsewdrag").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.6, box["y"] + 9)  # the first row: the least complete series
    page.wait_for_url(f"**/assets/{GAPPY}/**")


def test_map_as_of_a_moment_and_on_a_phone(open_page: OpenPage, site: str) -> None:
    page = drawn(open_page(f"{site}/data/?as_of={BETWEEN:%Y-%m-%dT%H:%M:%SZ}", size=PHONE, theme="light"))
    page.get_by_role("button", name="1 year").click()
    page.wait_for_selector("#map .map-plot[data-days='365']")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
