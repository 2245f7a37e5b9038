"""WCAG 2.2 AA as far as axe can tell, on every page in both themes; and the pages by keyboard."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import PHONE, OpenPage
from tests.browser.test_pages import AS_OF, every_page, settled

_RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}


def found_by_axe(page: Page) -> list[str]:
    """Return what breaks a rule: which rule, how often, the first place and why."""
    response = Axe().run(page, options=_RULES).response
    return [f"{one['id']}: {len(one['nodes'])} times, {_place(one['nodes'][0])}" for one in response["violations"]]


def _place(node: dict[str, str]) -> str:
    return f"{node['html'][:160]} {node['failureSummary'][:200]}"


@pytest.mark.parametrize("theme", ["dark", "light"])
@every_page
def test_page_breaks_no_rule(open_page: OpenPage, site: str, path: str, theme: str) -> None:
    assert found_by_axe(settled(open_page(site + path, theme=theme))) == []


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("path", ["/dashboard/", "/market/"])
def test_page_as_of_breaks_no_rule(open_page: OpenPage, site: str, path: str, theme: str) -> None:
    assert found_by_axe(settled(open_page(site + path + AS_OF, theme=theme))) == []


def test_empty_page_breaks_no_rule(open_page: OpenPage, empty_site: str) -> None:
    assert found_by_axe(open_page(f"{empty_site}/dashboard/", size=PHONE)) == []


def test_first_tab_leads_past_the_menu(open_page: OpenPage, site: str) -> None:
    page = open_page(f"{site}/market/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_what_has_the_focus_is_marked(open_page: OpenPage, site: str) -> None:
    page = open_page(f"{site}/market/")
    marked = "getComputedStyle(document.activeElement).outlineStyle"
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate(marked) != "none", page.evaluate("document.activeElement.outerHTML")


def test_table_is_sorted_by_keyboard(open_page: OpenPage, site: str) -> None:
    page = settled(open_page(f"{site}/market/"))
    heading = page.get_by_role("columnheader", name="Price").get_by_role("link")
    heading.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("th[aria-sort]:has-text('Price')")
    settled(page)
    assert page.locator("tbody tr").count() == 100


def test_nothing_moves_for_those_who_asked_for_less_motion(open_page: OpenPage, site: str) -> None:
    page = open_page(f"{site}/dashboard/", reduced_motion="reduce")
    running = "document.getAnimations().filter(one => one.playState === 'running').length"
    assert page.evaluate(running) == 0
