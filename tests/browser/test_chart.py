"""The chart of an asset page: what it says, how it zooms, what a link keeps, and what happens when a bar is new."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import PHONE, OpenPage, Watch, serving
from tests.browser.home import BETWEEN, GAPPY, HOLE, SERIES, one_hour_later
from tests.integration.command import clone

AS_OF = f"{BETWEEN:%Y-%m-%dT%H:%M:%SZ}"
GAP = "12 bars missing, 2024-05-28 03:00–15:00 UTC, unknown"  # asked for twice; three answers would prove it
WEEK = "?interval=1h&from=2024-05-25T00:00Z&to=2024-06-01T00:00Z"


# The chart moves with the next frame or the one after it, and 300 ms after its last move the address is written.
_SETTLED = """() => new Promise((settled) =>
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(settled, 450))))"""


def said(page: Page, name: str) -> str:
    """Return a part of the legend."""
    return (page.locator(f"[data-legend={name}]").text_content() or "").strip()


def shows(page: Page, interval: str) -> None:
    """Wait until the chart says that it shows this interval."""
    expect(page.locator("[data-legend=interval]")).to_have_text(interval)


def frame(page: Page) -> None:
    page.locator("[data-chart=frame]").focus()


def query(page: Page) -> dict[str, str]:
    """Return the query of the page's address, which is written when the view has settled.

    The page's own timers are waited for: however late they are, they come in their order.
    """
    page.evaluate(_SETTLED)
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def asked(page: Page) -> list[dict[str, str]]:
    """Return the questions that the page puts to the API from now on, as they come."""
    found: list[dict[str, str]] = []

    def note(url: str) -> None:
        if "/api/v1/klines" in url:
            found.append({name: values[0] for name, values in parse_qs(urlsplit(url).query).items()})

    page.on("request", lambda request: note(request.url))
    return found


def test_chart_says_what_it_shows(open_chart: OpenPage) -> None:
    page = open_chart()
    shows(page, "1h bars")
    assert said(page, "time") == "2024-06-01 13:00–14:00 UTC"
    assert "provisional" in said(page, "note")
    assert page.locator("[data-legend=provisional]").is_visible()
    assert said(page, "gaps") == "no bars missing here"
    newest = page.locator(".asset-bars tbody tr").first
    for column, name in ((1, "open"), (2, "high"), (3, "low"), (4, "close")):
        assert said(page, name) == newest.locator("> *").nth(column).inner_text()
    chips = page.locator("[data-legend=values] li")
    assert [chip.locator("span").inner_text() for chip in chips.all()] == ["EMA 12", "EMA 26", "RSI 14"]
    assert all(chip.locator("output").inner_text() != "–" for chip in chips.all())


def test_indicators_are_the_values_of_the_registry(open_chart: OpenPage, site: str) -> None:
    page = open_chart()
    question = f"{site}/api/v1/klines?symbol={SERIES}&interval=1h&limit=1&indicators=ema:12,rsi:14"
    answer = page.request.get(question).json()
    shown = {cell.get_attribute("data-output"): cell.inner_text() for cell in page.locator("output").all()}
    assert shown["ema_12"] == f"{answer['indicators']['ema:12']['ema_12'][0]:,.2f}"
    assert shown["rsi_14"] == f"{answer['indicators']['rsi:14']['rsi_14'][0]:.1f}"


def test_interval_that_is_shorter_than_any_stored_is_not_promised(open_chart: OpenPage) -> None:
    page = open_chart("?interval=1m", series="wazirx:spot:BTC-INR")
    shows(page, "1h bars")
    assert said(page, "coarser") == "1m asked for; no bars so short are stored"
    assert "still open" in page.locator("section", has=page.locator("#day-title")).inner_text()


def test_indicator_of_the_address_that_is_none_can_be_taken_off(open_page: OpenPage, site: str, watch: Watch) -> None:
    watch.allowed = (400,)
    page = open_page(f"{site}/assets/{SERIES}/?ind=ema:0,rsi:14")
    page.wait_for_selector("[data-asset-chart][data-state=failed]")
    page.get_by_role("button", name="Remove EMA 0").click()
    page.wait_for_selector("[data-asset-chart][data-state=ready]")
    assert query(page)["ind"] == "rsi:14"


def test_zooming_out_coarsens_and_zooming_in_brings_the_finer_bars_back(open_chart: OpenPage) -> None:
    page = open_chart()
    page.get_by_role("button", name="All", exact=True).click()
    shows(page, "4h bars of 1h data")
    assert said(page, "coarser") == "1h asked for; zoom in to see them"
    frame(page)
    for _ in range(4):
        page.keyboard.press("+")
    shows(page, "1h bars")
    assert said(page, "coarser") == ""


def test_wheel_zooms_where_it_points(open_chart: OpenPage) -> None:
    page = open_chart("?range=All")
    shows(page, "4h bars of 1h data")
    box = page.locator("[data-chart=frame]").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 3, box["y"] + 100)
    for _ in range(14):
        page.mouse.wheel(0, -240)
        page.wait_for_timeout(30)
    shows(page, "1h bars")
    found = query(page)
    assert found["interval"] == "1h"
    assert "2024-04-02" < found["from"] < found["to"] < "2024-06-01"
    assert "range" not in found


def test_link_opens_the_same_view(open_page: OpenPage, open_chart: OpenPage) -> None:
    page = open_chart()
    page.get_by_role("button", name="4h", exact=True).click()
    frame(page)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("+")
    page.get_by_role("button", name="Log").click()
    page.get_by_role("button", name="Remove EMA 26").click()
    shows(page, "4h bars of 1h data")
    kept = query(page)
    assert kept | {"interval": "4h", "ind": "ema:12,rsi:14", "scale": "log"} == kept
    again = open_page(page.url)
    again.wait_for_selector("[data-asset-chart][data-state=ready]")
    shows(again, "4h bars of 1h data")
    assert again.get_by_role("button", name="4h", exact=True).get_attribute("aria-pressed") == "true"
    assert again.get_by_role("button", name="Log").get_attribute("aria-pressed") == "true"
    assert again.locator("[data-legend=values] li").count() == 2
    again.get_by_role("button", name="Log").click()  # anything that writes the address
    assert {name: query(again)[name] for name in ("from", "to")} == {name: kept[name] for name in ("from", "to")}


def test_back_button_leaves_the_page_and_not_a_view(open_page: OpenPage, site: str) -> None:
    page = open_page(f"{site}/binance/")
    page.goto(f"{site}/assets/{SERIES}/")
    page.wait_for_selector("[data-asset-chart][data-state=ready]")
    for name in ("1M", "1W", "All"):
        page.get_by_role("button", name=name, exact=True).click()
        assert query(page)["range"] == name
    page.go_back()
    assert urlsplit(page.url).path == "/binance/"


def test_gap_is_marked_and_named_under_the_crosshair(open_chart: OpenPage) -> None:
    page = open_chart(WEEK, series=GAPPY)
    assert said(page, "gaps") == "1 gap loaded, 12 bars missing"
    box = page.locator("[data-chart=canvas] canvas").first.bounding_box()
    frame_box = page.locator("[data-chart=frame]").bounding_box()
    assert box is not None
    assert frame_box is not None
    share = (HOLE[0].timestamp() + 6 * 3600 - 1716595200) / (7 * 86400)  # since 2024-05-25
    page.mouse.move(box["x"] + share * box["width"], frame_box["y"] + 80)
    expect(page.locator("[data-legend=note]")).to_have_text(GAP)
    assert GAP.rpartition(", ")[2] in page.inner_text(".holes")
    assert said(page, "close") == "–"


def test_gap_inside_coarser_bars_is_counted(open_chart: OpenPage, site: str) -> None:
    page = open_chart("?interval=1d&range=1M", series=GAPPY)
    shows(page, "1d bars of 1h data")
    assert said(page, "gaps") == "1 gap loaded, 12 bars missing"
    answer = page.request.get(f"{site}/api/v1/klines?symbol={GAPPY}&interval=1d&start=2024-05-28&end=2024-05-29").json()
    assert answer["columns"]["missing_bars"] == [12]


def test_interval_that_cannot_be_made_says_why_and_does_nothing(open_chart: OpenPage) -> None:
    page = open_chart(series=GAPPY)
    button = page.locator("button[data-interval='5m']")
    assert button.get_attribute("aria-disabled") == "true"
    assert "bars of 1h are stored" in (button.get_attribute("title") or "")
    button.click(force=True)
    shows(page, "1h bars")


def test_interval_of_the_address_that_cannot_be_shown_is_not_pressed(open_chart: OpenPage) -> None:
    page = open_chart("?interval=1m", series=GAPPY)
    shows(page, "1h bars")
    assert page.locator("button[data-interval='1m']").get_attribute("aria-pressed") == "false"
    assert page.locator("button[data-interval='1h']").get_attribute("aria-pressed") == "true"


def test_open_bar_says_as_of_when_it_is(open_chart: OpenPage) -> None:
    page = open_chart()
    assert re.search(r"not closed yet, as of \d\d:\d\d UTC", page.inner_text("[data-legend=provisional]"))


def test_table_that_is_wider_than_a_phone_says_so(open_chart: OpenPage) -> None:
    page = open_chart(size=PHONE)
    table = page.locator(".asset-bars .scroll")
    expect(table).to_have_attribute("data-more", "right")
    table.evaluate("table => { table.scrollLeft = table.scrollWidth; }")
    expect(table).to_have_attribute("data-more", "left")


def test_minutes_give_way_to_hours_where_no_minutes_are_kept(open_chart: OpenPage) -> None:
    page = open_chart("?interval=1m")
    shows(page, "1m bars")
    frame(page)
    page.keyboard.press("Home")
    shows(page, "1h bars")
    page.keyboard.press("End")
    shows(page, "1m bars")


def test_indicator_from_the_menu_is_drawn_and_asked_for(open_chart: OpenPage) -> None:
    page = open_chart()
    questions = asked(page)
    page.get_by_text("Indicators", exact=True).click()
    form = page.locator("form[data-step=rsi]")
    form.locator("input").fill("7")
    form.get_by_role("button").click()
    expect(page.locator("output[data-output=rsi_7]")).not_to_have_text("–")
    assert questions[-1]["indicators"] == "ema:12,ema:26,rsi:14,rsi:7"
    assert query(page)["ind"] == "ema:12,ema:26,rsi:14,rsi:7"
    assert page.locator(".chart-menu[open]").count() == 0
    page.keyboard.press("Enter")  # the focus is back where it was
    assert page.locator(".chart-menu[open]").count() == 1
    page.keyboard.press("Escape")
    assert page.locator(".chart-menu[open]").count() == 0


def test_parameters_are_changed_in_the_menu_and_what_cannot_be_is_refused_there(
    open_chart: OpenPage, watch: Watch
) -> None:
    watch.allowed = (400,)
    page = open_chart()
    page.get_by_role("button", name="RSI 14", exact=True).click()
    form = page.locator("form[data-step=rsi]")
    field, change = form.locator("input"), form.get_by_role("button")
    expect(field).to_be_focused()
    assert field.input_value() == "14"
    expect(change).to_have_text("Change Relative strength index")
    field.fill("0")
    change.click()
    expect(form.get_by_role("alert")).to_have_text(
        "Length of rsi out of range: '0'; give a whole number of bars from 2 to 1000000"
    )
    assert "ind" not in query(page)  # nothing has changed
    field.fill("9")
    change.click()
    expect(page.locator("output[data-output=rsi_9]")).not_to_have_text("–")
    assert query(page)["ind"] == "ema:12,ema:26,rsi:9"
    assert page.locator(".chart-menu[open]").count() == 0
    # The browser itself refuses what no parameter looks like, and nothing is asked.
    page.get_by_text("Indicators", exact=True).click()
    expect(change).to_have_text("Add Relative strength index")
    zone = page.locator("form[data-step=calendar] input")
    zone.fill("<script>alert(1)</script>")
    page.locator("form[data-step=calendar]").get_by_role("button").click()
    assert zone.evaluate("one => one.validity.patternMismatch")
    assert query(page)["ind"] == "ema:12,ema:26,rsi:9"


def test_outputs_in_another_unit_have_panes_of_their_own(open_chart: OpenPage, site: str) -> None:
    """Of Bollinger's bands the width and the position, of a GARCH each volatility; its numbers are the API's."""
    page = open_chart("?ind=bollinger:20:2,garch")
    question = f"{site}/api/v1/klines?symbol={SERIES}&interval=1h&limit=2&indicators=bollinger:20:2,garch"
    answer = page.request.get(question).json()
    shown = {cell.get_attribute("data-output"): cell.inner_text() for cell in page.locator("output").all()}
    width = answer["indicators"]["bollinger:20:2"]["bb_width_20_2"][-1]
    assert shown["bb_width_20_2"] == f"{width:.5f}"
    assert set(shown) >= {"bb_position_20_2", "garch_volatility", "garch_volatility_annualised"}
    # A row for each pane of the library's table: the price, two of the bands, two of the volatility, and the axis; a
    # separator stands between two panes.
    assert page.locator("[data-chart=canvas] table").first.locator("> tr").count() == 5 + 4 + 1
    fit = answer["about"]["garch"]["fit"]
    last = fit["forecast"][-1]
    told = said(page, "fit")
    assert f"{last['price_lower']:,.2f} to {last['price_upper']:,.2f}" in told
    assert "fitted again every 168 bars, next at 2024-06-06 00:00 UTC" in told
    assert fit["is_newest"]


def test_levels_begin_where_they_were_confirmed(open_chart: OpenPage, site: str) -> None:
    page = open_chart("?ind=levels")
    question = f"{site}/api/v1/klines?symbol={SERIES}&interval=1h&limit=500&indicators=levels"
    marks, confirmed = page.evaluate(
        """async (question) => {
            const { linesOf, levelsOf } = await import("/static/assay/chart-lines.js");
            const { windowOf } = await import("/static/assay/chart-data.js");
            const shown = windowOf(await (await fetch(question)).json());
            const lines = linesOf(shown);
            const close = (slot) => shown.columns.close_time[shown.rows[slot]] * 1000;
            return [
                lines.flatMap((line) => levelsOf(shown, line).map((one) => ({
                    ...one, from: Number.isFinite(one.from) ? close(one.from) : null, until: close(one.to),
                    output: line.output,
                }))),
                lines.map((line) => [line.output, line.pane]),
            ];
        }""",
        question,
    )
    answer = page.request.get(question).json()
    values = answer["indicators"]["levels"]
    assert confirmed == [["support_5_14_0p5", 0], ["resistance_5_14_0p5", 0]]
    closes = [moment * 1000 for moment in answer["columns"]["close_time"]]
    assert len(marks) > 5
    for mark in marks:
        side = mark["output"].partition("_")[0]
        since = values[f"{side}_since_5_14_0p5"][closes.index(mark["until"])]
        assert values[mark["output"]][closes.index(mark["until"])] == mark["price"]
        assert mark["from"] == (since if since >= closes[0] else None)


def test_chart_by_keyboard(open_chart: OpenPage) -> None:
    page = open_chart()
    frame(page)
    page.keyboard.press("Home")
    first = query(page)
    assert first["from"] == "2024-04-02T00:00Z"
    page.keyboard.press("ArrowRight")
    moved = query(page)
    assert moved["from"] > first["from"]
    page.keyboard.press("-")
    assert query(page)["to"] > moved["to"]
    page.keyboard.press("End")
    assert query(page)["to"] > "2024-06-01T14:00Z"


def test_as_of_shows_what_was_known_then(open_chart: OpenPage) -> None:
    now, then = open_chart(), open_chart(f"?as_of={AS_OF}")
    assert said(then, "time") == "2024-06-01 12:00–13:00 UTC"
    cell = ".asset-bars tbody tr:has-text('2024-06-01 11:00') td:nth-child(7)"
    assert now.inner_text(cell) != then.inner_text(cell)  # the bar was restated
    questions = asked(then)
    then.get_by_role("button", name="1M", exact=True).click()
    shows(then, "2h bars of 1h data")
    then.get_by_role("button", name="1d", exact=True).click()
    shows(then, "1d bars of 1h data")
    assert questions
    assert all(one["as_of"] == AS_OF for one in questions)


def test_refusal_is_said_and_can_be_tried_again(open_chart: OpenPage, watch: Watch) -> None:
    watch.allowed = (503,)
    page = open_chart()
    problem = {"title": "The lake is being built.", "detail": "another process is writing", "status": 503}
    refuse = json.dumps(problem)

    def answer(route: Route) -> None:
        route.fulfill(status=503, content_type="application/problem+json", body=refuse)

    page.route("**/api/v1/klines*", answer)
    page.get_by_role("button", name="1d", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("The lake is being built.")
    shows(page, "1h bars")  # what was shown stays
    page.unroute("**/api/v1/klines*")
    page.get_by_role("button", name="Try again").click()
    shows(page, "1d bars of 1h data")
    assert not page.get_by_role("alert").is_visible()


def test_range_without_bars_says_so_and_is_left_by_a_button(open_page: OpenPage, site: str, watch: Watch) -> None:
    watch.allowed = (404,)
    page = open_page(f"{site}/assets/{SERIES}/?interval=1h&from=1999-01-01T00:00Z&to=1999-02-01T00:00Z")
    expect(page.get_by_text("No bars in this range")).to_be_visible()
    page.get_by_role("button", name="All", exact=True).click()
    shows(page, "4h bars of 1h data")


def test_theme_redraws_the_chart(open_chart: OpenPage) -> None:
    page = open_chart(theme="dark")
    pixel = """() => {
        const copy = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
        copy.drawImage(document.querySelector("[data-chart=canvas] canvas"), 0, 0);
        return [...copy.getImageData(2, 2, 1, 1).data];
    }"""
    dark = page.evaluate(pixel)
    page.get_by_role("button", name="Switch between dark and light").click()
    assert sum(dark[:3]) < 150
    page.wait_for_function(f"() => ({pixel})().slice(0, 3).reduce((sum, one) => sum + one) > 700")


def test_chart_on_a_phone(open_chart: OpenPage) -> None:
    page = open_chart(size=PHONE)
    box = page.locator("[data-chart=frame]").bounding_box()
    assert box is not None
    assert 250 < box["height"] < 600
    page.get_by_role("button", name="1W", exact=True).tap()
    shows(page, "1h bars")
    for button in page.locator(".chart-tools button").all():
        size = button.bounding_box()
        assert size is not None
        assert min(size["height"], size["width"]) >= 24  # WCAG 2.2, 2.5.8


def test_cross_of_an_indicator_on_a_phone_has_no_line_of_its_own(open_chart: OpenPage) -> None:
    page = open_chart("?interval=1h&ind=bollinger,macd,RSI_14", size=PHONE)
    shows(page, "1h bars")
    chips = page.locator("[data-legend=values] li")
    expect(chips.first.locator("output").first).not_to_have_text("–")
    heights = set()
    for chip in chips.all():
        around, name, cross = (
            one.bounding_box() for one in (chip, chip.locator("span").first, chip.locator(".chip-remove"))
        )
        assert around is not None
        assert name is not None
        assert cross is not None
        assert cross["y"] < name["y"] + name["height"]
        assert cross["y"] + cross["height"] > name["y"]
        assert cross["x"] + cross["width"] <= around["x"] + around["width"]
        assert around["height"] >= cross["height"] >= 24  # WCAG 2.2, 2.5.8
        for value in chip.locator("output").all():
            box = value.bounding_box()
            assert box is not None
            assert box["x"] + box["width"] <= cross["x"] or box["y"] >= cross["y"] + cross["height"]
        heights.add(around["height"])
    assert len(heights) > 1, "one of them goes over several lines"


def test_usual_names_in_the_address_are_drawn_and_what_is_too_long_is_told(open_chart: OpenPage) -> None:
    page = open_chart("?interval=1h&ind=RSI_14,MACD_signal,rsi:14@4h")
    shows(page, "1h bars")
    chips = page.locator("[data-legend=values] li")
    expect(chips.locator("output")).to_have_count(3)
    assert [chip.locator("span").first.inner_text() for chip in chips.all()] == [
        "RSI 14",
        "MACD signal",
        "RSI 14 of 4h",
    ]
    for output in ("rsi_14", "macd_signal_12_26_9", "rsi_14_4h"):
        expect(page.locator(f"[data-output={output}]")).not_to_have_text("–")
    page.get_by_role("button", name="1d", exact=True).click()
    shows(page, "1d bars of 1h data")
    expect(page.locator("[data-legend=fit]")).to_have_text(
        "RSI 14 of 4h: no values here, bars of 1d do not make bars of 4h."
    )
    expect(chips.locator("output")).to_have_count(2)
    assert query(page)["ind"] == "RSI_14,MACD_signal,rsi:14@4h"


@pytest.fixture
def living(home: Path, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """Serve a copy of the home that may change."""
    copy = tmp_path / "home"
    clone(home, copy)
    with serving(copy) as url:
        yield copy, url


def test_new_bar_comes_without_moving_who_looks_elsewhere(living: tuple[Path, str], open_chart: OpenPage) -> None:
    copy, url = living
    newest, past = open_chart(at=url), open_chart(WEEK, at=url)
    assert said(newest, "time") == "2024-06-01 13:00–14:00 UTC"
    assert said(past, "time") == "2024-06-01 00:00–01:00 UTC"  # the last bar in view
    with ThreadPoolExecutor(1) as elsewhere:  # an event loop runs in this thread: the browser's
        elsewhere.submit(one_hour_later, copy).result()
    for page in (newest, past):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # as if the tab had been left
    expect(newest.locator("[data-legend=time]")).to_have_text("2024-06-01 14:00–15:00 UTC")
    expect(newest.locator(".asset-bars tbody th").first).to_have_text("2024-06-01 14:00")
    assert said(past, "time") == "2024-06-01 00:00–01:00 UTC"
    past.get_by_role("button", name="Log").click()
    found = query(past)
    assert (found["from"], found["to"]) == ("2024-05-25T00:00Z", "2024-06-01T00:00Z")
