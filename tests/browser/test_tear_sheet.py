"""The tear sheet as people open it: a file, without a network, in both themes, on a phone and on paper."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from assay.selectors.tear_sheet import tear_sheet
from tests.browser.conftest import DESKTOP, PHONE, OpenPage, Theme
from tests.browser.test_accessibility import found_by_axe
from tests.unit.selectors.made_runs import HOSTILE, combinations, made_run

_COLOUR = "() => document.querySelector('#chart-equity .legendtext').style.fill"
_FITS = """(width) => [...document.querySelectorAll(".chart")].every((one) => {
    const [box, drawn] = [one, one.querySelector(".main-svg")].map((node) => node.getBoundingClientRect());
    return drawn.width <= Math.min(box.width + 1, width) && drawn.height <= box.height + 1;
})"""


@pytest.fixture(scope="module")
def sheet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the sheet of a sweep over three parameters, whose author means ill."""
    values = {"fast": ["5", "10", "20"], "slow": ["50", "100"], HOSTILE: ["1", HOSTILE]}
    run = made_run(bars=3_000, symbols=("BTC-USDT", "ETH-USDT"), combinations=combinations(values))
    path = tmp_path_factory.mktemp("sheet") / "tearsheet.html"
    path.write_text(tear_sheet(run), encoding="utf-8")
    return path


def drawn(page: Page) -> Page:
    page.wait_for_function("() => document.documentElement.dataset.drawn !== undefined")
    assert page.evaluate("() => document.documentElement.dataset.drawn") == "true"
    return page


@pytest.mark.parametrize(("size", "theme"), [(DESKTOP, "dark"), (PHONE, "light")])
def test_file_draws_all_of_itself_and_asks_for_nothing(
    open_page: OpenPage, sheet: Path, size: tuple[int, int], theme: Theme
) -> None:
    page = drawn(open_page(sheet.as_uri(), size=size, theme=theme))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    assert page.locator(".chart .main-svg").first.is_visible()
    assert not page.locator("#trouble").is_visible()
    assert page.locator(".chart:not(:has(.main-svg))").count() == 0
    assert page.evaluate("() => document.documentElement.scrollWidth") == size[0]
    assert page.evaluate("() => document.documentElement.dataset.theme") == theme
    assert page.evaluate("() => window.hacked") is None
    # Every choice of a figure and of two parameters draws another map, and the other symbol its own trades.
    page.select_option("#sweep-figure", "total_return")
    page.select_option("#sweep-x", "2")
    assert page.evaluate("() => document.querySelector('#chart-sweep').data[0].z.length") == 2
    page.select_option("select[data-shows]", index=1)
    assert page.evaluate("() => document.querySelector('[id^=chart-trades]').layout.yaxis.title.text") == "USDT"
    assert asked == []
    assert page.evaluate("() => window.hacked") is None
    assert found_by_axe(page) == []


def test_theme_and_paper_change_the_colours_of_the_charts(open_page: OpenPage, sheet: Path) -> None:
    page = drawn(open_page(sheet.as_uri(), theme="dark"))
    dark = page.evaluate(_COLOUR)
    page.click("#theme")
    page.wait_for_function(f"dark => ({_COLOUR})() !== dark", arg=dark)
    light = page.evaluate(_COLOUR)
    page.click("#theme")
    page.wait_for_function(f"dark => ({_COLOUR})() === dark", arg=dark)
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    page.wait_for_function(f"light => ({_COLOUR})() === light", arg=light)
    page.wait_for_function(_FITS, arg=690)
    page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    page.wait_for_function(f"dark => ({_COLOUR})() === dark", arg=dark)
    page.click("button[data-log]")
    page.wait_for_function("() => document.querySelector('#chart-equity').layout.yaxis.type === 'log'")


def test_without_scripts_all_figures_are_there(open_page: OpenPage, sheet: Path) -> None:
    page = open_page(sheet.as_uri(), has_scripts=False)
    assert page.locator("#trouble").is_visible()
    assert page.get_by_role("cell", name="Sharpe ratio").first.is_visible()
