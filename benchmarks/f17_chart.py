"""F17: five years of hourly candles in a browser: how soon they can be used, how soon a zoom is drawn, what it weighs.

Debian's Chromium opens the asset page of one of 20 pairs, as somebody does who was never there: nothing is in its
cache. The page says itself when its chart is drawn and can be used (the mark ``assay:interactive``), and when bars that
a zoom asked for are drawn (``assay:zoomed``). A zoom is timed from the key to that mark. Every round looks at other
weeks, so that no answer is one that the server has kept; a round's figure is its slowest zoom.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.harness import Contender, Figure
from benchmarks.lakes import END_OF_HISTORY, Stage
from benchmarks.made_bars import SYMBOLS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request

INTERACTIVE_S, ZOOM_S, FIRST_PAINT_KB = 1.0, 0.150, 300.0
_ROUNDS = 7
_ZOOMS = 9
_SIZE = {"width": 1440, "height": 900}
_LISTEN = "addEventListener('keydown', () => performance.mark('bench:key'), {capture: true})"
_COUNT = "performance.getEntriesByName('{name}').length"
_LAST = "performance.getEntriesByName('{name}').at(-1).startTime"


@dataclass(frozen=True, slots=True)
class _Visit:
    """Seconds until the chart could be used, kilobytes that came until then, and seconds of every zoom."""

    interactive_s: float
    received_kb: float
    zooms_s: tuple[float, ...]


def run(stage: Stage) -> Iterator[Figure]:
    """Visit the page again and again."""
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if chromium is None:
        print("F17 needs Chromium: apt install chromium", file=sys.stderr)
        return
    lake = stage.long_lake
    with _served(lake.workspace.home.root) as url, sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu"]
        with contextlib.closing(playwright.chromium.launch(executable_path=chromium, args=arguments)) as browser:
            visits = [_visit(browser, url, lake.history, number) for number in range(1 + _ROUNDS)][1:]
    yield from _figures(visits, f"{lake.history.days} days of hourly candles", f"Chromium {_version(chromium)}")


def _figures(visits: list[_Visit], what: str, browser: str) -> Iterator[Figure]:
    opening, zooming = Contender("first visit", lambda: 0.0, browser), Contender("zoom by key", lambda: 0.0, browser)
    first = {opening.name: [one.interactive_s for one in visits]}
    yield Figure.of_seconds(
        "F17", f"open {what} until they can be used", first, subject=opening, peer=None, goal=INTERACTIVE_S
    )
    slowest = {zooming.name: [max(one.zooms_s) for one in visits]}
    yield Figure.of_seconds(
        "F17", f"zoom into {what} until finer bars are drawn", slowest, subject=zooming, peer=None, goal=ZOOM_S
    )
    weights = [one.received_kb for one in visits]
    seconds = statistics.median(first[opening.name])
    yield Figure(
        "F17", f"open {what}: all that is received, compressed", str(opening), "", seconds, float("nan"), "KB",
        statistics.median(weights), min(weights), max(weights), FIRST_PAINT_KB, len(weights),
    )  # fmt: skip


@contextlib.contextmanager
def _served(home: Path) -> Iterator[str]:
    """Run ``assay serve`` in a process of its own and yield its address."""
    words = [sys.executable, "-m", "assay.cli", "--home", str(home), "serve", "--port", "0", "--json"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdout is not None
        try:
            yield str(json.loads(server.stdout.readline())["url"])
        finally:
            server.send_signal(signal.SIGINT)
            server.wait()


def _visit(browser: Browser, url: str, history: timedelta, number: int) -> _Visit:
    """Open all of the history, but for some weeks that are another number each time, and zoom in to its last days."""
    begin = END_OF_HISTORY - history + number * timedelta(days=5, hours=7)
    end = END_OF_HISTORY - number * timedelta(days=3, hours=5)
    series = f"binance:spot:{SYMBOLS[0]}"
    with contextlib.closing(browser.new_context(viewport=_SIZE)) as context:
        page = context.new_page()
        finished: list[Request] = []
        page.on("requestfinished", lambda request: finished.append(request))  # noqa: PLW0108  # it marks what it is given
        page.goto(f"{url}/assets/{series}/?interval=1h&from={begin:%Y-%m-%dT%H:%MZ}&to={end:%Y-%m-%dT%H:%MZ}")
        assert _is_marked(page, "assay:interactive", more_than=0, patience_s=30.0)
        interactive_ms = page.evaluate(_LAST.format(name="assay:interactive"))
        sizes = [one.sizes() for one in finished]
        received = sum(one["responseBodySize"] + one["responseHeadersSize"] for one in sizes)
        return _Visit(interactive_ms / 1e3, received / 1e3, tuple(_zooms(page)))


def _zooms(page: Page) -> Iterator[float]:
    """Zoom in from years to days, and yield the seconds of every step that brought finer bars."""
    page.evaluate(_LISTEN)
    page.locator("[data-chart=frame]").focus()
    interval = page.locator("[data-legend=interval]")
    for _ in range(_ZOOMS):
        before, shown = page.evaluate(_COUNT.format(name="assay:zoomed")), interval.inner_text()
        page.keyboard.press("+")
        # A step for which what is loaded is fine enough draws nothing new.
        if _is_marked(page, "assay:zoomed", more_than=before, patience_s=1.0) and interval.inner_text() != shown:
            begun, drawn = (page.evaluate(_LAST.format(name=name)) for name in ("bench:key", "assay:zoomed"))
            yield (drawn - begun) / 1e3


def _is_marked(page: Page, name: str, *, more_than: int, patience_s: float) -> bool:
    """Wait until the page has made a mark more often than that; the page's policy forbids to wait inside it."""
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        if page.evaluate(_COUNT.format(name=name)) > more_than:
            return True
        page.wait_for_timeout(20)
    return False


def _version(chromium: str) -> str:
    said = subprocess.run([chromium, "--version"], capture_output=True, text=True, check=False).stdout.split()
    return next((word for word in said if word[:1].isdigit()), "")
