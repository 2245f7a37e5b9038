"""What the browser tests share: a home made once, a server on it in a process of its own, and Debian's Chromium.

A browser is closed at the end of each module: while Playwright's is open its event loop runs in this thread, and other
tests could not start one.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, expect, sync_playwright

from tests.browser import home as homes
from tests.integration.command import PATIENCE_S, environment
from tests.integration.homes import made_once

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--font-render-hinting=none"]
_PATIENCE_MS = 120_000
expect.set_options(timeout=_PATIENCE_MS)
Theme = Literal["dark", "light"]
DESKTOP, PHONE = (1440, 900), (390, 844)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the home, or wait for the process of this run that makes it."""
    return made_once(tmp_path_factory, "browser", homes.make_home)


@contextlib.contextmanager
def serving(home: Path, **settings: str) -> Iterator[str]:
    """Run ``assay serve`` on a home at a free port for the block, and yield its address."""
    words = [sys.executable, "-m", "assay.cli", "--home", str(home), "serve", "--port", "0", "--json"]
    log = home.parent / f"{home.name}-server.log"
    with (
        log.open("w", encoding="utf-8") as errors,
        subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=errors, env=environment(**settings), text=True
        ) as server,
    ):
        assert server.stdout is not None
        try:
            line = server.stdout.readline()
            assert line, log.read_text(encoding="utf-8")
            yield str(json.loads(line)["url"])
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(PATIENCE_S)
    assert "Traceback" not in log.read_text(encoding="utf-8"), log.read_text(encoding="utf-8")[-4000:]


@pytest.fixture(scope="module")
def site(home: Path) -> Iterator[str]:
    """Serve the home that nobody changes, and return its address."""
    with serving(home) as url:
        yield url


@pytest.fixture(scope="module")
def empty_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a home in which there is nothing."""
    with serving(tmp_path_factory.mktemp("empty") / "home") as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Debian's Chromium."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: apt install chromium")
    with (
        sync_playwright() as playwright,
        contextlib.closing(playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)) as started,
    ):
        yield started


@dataclass
class Watch:
    """What a page complained about: errors on its console, requests that failed, answers that refuse.

    A violation of the Content-Security-Policy is an error on the console.
    """

    complaints: list[str] = field(default_factory=list)
    allowed: tuple[int, ...] = ()
    """Statuses that the test brings about on purpose."""

    def on(self, page: Page, *, has_scripts: bool = True) -> None:
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        page.on("response", self._answered)
        if has_scripts:  # without them Chromium refuses to load any, and counts that as failures
            page.on("requestfailed", self._failed)

    def _said(self, message: ConsoleMessage) -> None:
        # Chromium repeats every refusing answer here; the answers themselves are watched.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.complaints.append(f"console {message.type}: {message.text}")

    def _failed(self, request: Request) -> None:
        # A question that was given up for a newer one is no failure.
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"{request.failure}: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.allowed:
            self.complaints.append(f"status {response.status}: {response.url}")


OpenPage = Callable[..., Page]


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Collect what the pages of a test complain about; at its end there must be nothing."""
    found = Watch()
    yield found
    assert found.complaints == []


@pytest.fixture
def open_page(browser: Browser, watch: Watch) -> Iterator[OpenPage]:
    """Return a function that opens an address in a window of its own and watches it."""
    with contextlib.ExitStack() as stack:

        def opened(
            url: str,
            *,
            size: tuple[int, int] = DESKTOP,
            theme: Theme = "dark",
            has_scripts: bool = True,
            reduced_motion: Literal["reduce"] | None = None,
        ) -> Page:
            is_phone = size == PHONE
            context = browser.new_context(
                viewport={"width": size[0], "height": size[1]},
                color_scheme=theme,
                has_touch=is_phone,
                is_mobile=is_phone,
                java_script_enabled=has_scripts,
                reduced_motion=reduced_motion,
            )
            stack.enter_context(contextlib.closing(context))
            context.set_default_timeout(_PATIENCE_MS)
            page = context.new_page()
            watch.on(page, has_scripts=has_scripts)
            page.goto(url)
            return page

        yield opened


@pytest.fixture
def open_chart(open_page: OpenPage, site: str) -> OpenPage:
    """Return a function that opens the chart of a series and waits until it is drawn."""

    def opened(query: str = "", *, series: str = homes.SERIES, at: str = "", **more: object) -> Page:
        page = open_page(f"{at or site}/assets/{series}/{query}", **more)
        page.wait_for_selector("[data-asset-chart][data-state=ready]")
        return page

    return opened
