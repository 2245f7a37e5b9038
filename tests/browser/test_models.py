"""The pages of predictions and models in a real browser: the chart, its words by keyboard, choices in the address."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, OpenPage
from tests.browser.test_accessibility import found_by_axe
from tests.browser.test_pages import check_frame, fits, settled

ASKED = "?series=binance%3Aspot%3ABTC-USDT%3A1h&task=direction_24h"
CANVASES = "document.querySelectorAll('[data-track-canvas] canvas').length"


def first_model(page: Page, site: str) -> str:
    """Return the address of the page of the first registered model."""
    found = page.request.get(f"{site}/api/v1/models{ASKED}").json()["comparisons"][0]["models"]
    version = next(one["version"] for one in found if one["version"])
    return f"{site}/models/{version}/"


def test_chart_of_past_forecasts_is_drawn_and_read_out_point_by_point(open_page: OpenPage, site: str) -> None:
    page = settled(open_page(f"{site}/predictions/{ASKED}&model=build"))
    assert page.evaluate(CANVASES) > 0
    frame, legend = page.locator("[data-track]"), page.locator("[data-track-legend]")
    newest = legend.inner_text()
    assert "UTC" in newest
    frame.focus()
    page.keyboard.press("Home")
    expect(legend).not_to_have_text(newest)
    first = legend.inner_text()
    assert first < newest  # it begins with the moment
    page.keyboard.press("ArrowRight")
    expect(legend).not_to_have_text(first)
    page.keyboard.press("End")
    expect(legend).to_have_text(newest)


def test_chart_follows_the_theme(open_page: OpenPage, site: str) -> None:
    page = settled(open_page(f"{site}/predictions/{ASKED}"))
    before = page.locator("[data-track-canvas]").screenshot()
    page.locator("#theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    settled(page)
    assert page.locator("[data-track-canvas]").screenshot() != before


def test_what_was_chosen_stands_in_the_address(open_page: OpenPage, site: str) -> None:
    page = settled(open_page(f"{site}/predictions/{ASKED}"))
    page.get_by_role("navigation", name="Days shown").get_by_role("link", name="30 d").click()
    page.wait_for_url("**days=30**")
    page.get_by_label("Series").select_option("binance:spot:ETH-USDT:1h")
    page.wait_for_url("**ETH-USDT**")
    settled(page)
    assert "days=30" in page.url
    assert page.title().startswith("Predictions of ETH-USDT")


def test_page_says_the_same_without_scripts(open_page: OpenPage, site: str) -> None:
    page = open_page(f"{site}/predictions/{ASKED}", has_scripts=False)
    assert page.get_by_role("heading", name="Forecasts one by one").is_visible()
    assert page.get_by_role("button", name="Show", exact=True).first.is_visible()
    page.get_by_text("The verdicts in words").click()
    assert "No skill" in page.inner_text("main")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_page_of_a_model_breaks_no_rule(open_page: OpenPage, site: str, theme: str) -> None:
    page = open_page(f"{site}/predictions/{ASKED}", theme=theme)
    page.goto(first_model(page, site))
    settled(page)
    check_frame(page)
    assert fits(page)
    assert found_by_axe(page) == []


def test_page_of_a_model_fits_a_phone(open_page: OpenPage, site: str) -> None:
    page = open_page(f"{site}/predictions/{ASKED}", size=PHONE, theme="light")
    page.goto(first_model(page, site))
    settled(page)
    assert fits(page)
    assert page.get_by_role("link", name="Card (HTML)").is_visible()
