"""The pages of backtests in a real browser: curves read out by keyboard, trades on the chart, the map of a sweep."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, OpenPage
from tests.browser.test_accessibility import found_by_axe
from tests.browser.test_pages import check_frame, fits, settled
from tests.integration.kept_backtests import HOSTILE


def kept(page: Page, site: str) -> dict[str, Any]:
    """Return what is kept: the sweep, the hostile one, and the plain one."""
    found = page.request.get(f"{site}/api/v1/backtests").json()["rows"]
    return dict(zip(("sweep", "hostile", "rules"), found, strict=True))


def opened(open_page: OpenPage, site: str, name: str, **more: Any) -> Page:  # noqa: ANN401  # what open_page takes
    page = open_page(f"{site}/backtests/", **more)
    page.goto(f"{site}/backtests/{kept(page, site)[name]['run']}/")
    return settled(page)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_page_of_a_backtest_breaks_no_rule_and_does_nothing_that_its_words_say(
    open_page: OpenPage, site: str, theme: str
) -> None:
    page = opened(open_page, site, "hostile", theme=theme)
    assert HOSTILE in page.inner_text("main")
    check_frame(page)
    assert fits(page)
    assert found_by_axe(page) == []


def test_trade_that_is_clicked_is_shown_on_the_chart_and_the_next_one_by_a_key(open_page: OpenPage, site: str) -> None:
    page = opened(open_page, site, "hostile")
    legend, frame = page.locator("[data-trades-legend]"), page.locator("[data-trades-frame]")
    expect(legend).to_contain_text("in view")
    row = page.locator("tr[data-trade]").nth(4)
    number = int(row.get_attribute("data-trade") or 0)
    row.get_by_role("link").click()
    expect(legend).to_contain_text(f"No. {number},")
    expect(row.get_by_role("link")).to_have_attribute("aria-current", "true")
    frame.focus()
    page.keyboard.press("n")
    expect(legend).to_contain_text(f"No. {number + 1},")
    page.get_by_role("button", name="All").click()
    expect(legend).to_contain_text("in view")


def test_trades_have_pages_that_leave_the_charts_as_they_are(open_page: OpenPage, site: str) -> None:
    page = opened(open_page, site, "hostile")
    page.evaluate("document.querySelector('[data-equity-canvas] canvas').dataset.same = 'yes'")
    page.get_by_role("navigation", name="Pages of trades").get_by_role("link", name="Earlier").click()
    page.wait_for_url("**trades=2**")
    expect(page.get_by_role("navigation", name="Pages of trades")).to_contain_text("page 2 of")
    assert page.locator("[data-same]").count() == 1


def test_curves_are_read_out_point_by_point_and_lead_to_the_bars(open_page: OpenPage, site: str) -> None:
    page = opened(open_page, site, "rules")
    frame, legend = page.locator("[data-equity]"), page.locator("[data-equity-legend]")
    newest = legend.inner_text()
    frame.focus()
    page.keyboard.press("Home")
    expect(legend).not_to_have_text(newest)
    assert legend.inner_text() < newest  # it begins with the moment
    whole = page.locator("[data-trades-legend]").inner_text()
    page.keyboard.press("Enter")
    expect(page.locator("[data-trades-legend]")).not_to_have_text(whole)
    page.keyboard.press("End")
    expect(legend).to_have_text(newest)


def test_sweep_is_a_map_of_any_two_parameters(open_page: OpenPage, site: str) -> None:
    page = opened(open_page, site, "sweep")
    page.locator("#sweep").scroll_into_view_if_needed()
    page.wait_for_selector("#sweep[data-state=ready]")
    plot = page.get_by_role("img", name="Sharpe ratio by fast and top")
    expect(plot).to_be_visible()
    page.locator("[data-sweep=x]").select_option("top")
    expect(page.get_by_role("img", name="Sharpe ratio by top and fast")).to_be_visible()
    page.locator("[data-sweep=figure]").select_option("max_drawdown")
    expect(page.get_by_role("img", name="Worst drawdown by top and fast")).to_be_visible()
    assert found_by_axe(page) == []


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_two_that_are_chosen_are_compared(open_page: OpenPage, site: str, theme: str) -> None:
    page = settled(open_page(f"{site}/backtests/", theme=theme))
    button = page.get_by_role("button", name="Compare", exact=True)
    expect(button).to_be_disabled()
    boxes = page.get_by_role("checkbox")
    boxes.nth(0).check()
    expect(button).to_be_disabled()
    boxes.nth(2).check()
    button.click()
    page.wait_for_url("**/compare/**")
    settled(page)
    assert "Do not simply compare" in page.inner_text("main")
    check_frame(page)
    assert fits(page)
    assert found_by_axe(page) == []


@pytest.mark.parametrize("name", ["hostile", "sweep"])
def test_page_of_a_backtest_fits_a_phone(open_page: OpenPage, site: str, name: str) -> None:
    page = opened(open_page, site, name, size=PHONE, theme="light")
    assert fits(page)
    assert found_by_axe(page) == []


def test_page_of_a_backtest_says_the_same_without_scripts(open_page: OpenPage, site: str) -> None:
    listed = open_page(f"{site}/backtests/", has_scripts=False)
    listed.goto(f"{site}/backtests/{kept(listed, site)['rules']['run']}/")
    assert listed.get_by_role("heading", name="Figures").is_visible()
    assert "the API has every close" in listed.inner_text("main")
    assert not listed.locator("[data-trades-frame]").is_visible()
