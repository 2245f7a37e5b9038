"""A small home with everything that is served in it, seen twice, and ways to ask the application without a socket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from assay.api.asgi import App
from assay.domain.clock import FrozenClock
from assay.pipelines.building import build
from assay.pipelines.ingesting import Wanted
from assay.pipelines.predicting import predict
from assay.pipelines.workspace import Workspace, open_workspace
from assay.server import create_app
from assay.settings import ServeSettings, Settings
from tests.integration.command import clone
from tests.integration.homes import ONE_THREAD, made_once
from tests.integration.simulated import Simulation

WANTED = Wanted((), ("BTC", "ETH"), ("1h",), "60d")
HERE = "http://127.0.0.1"


@dataclass(frozen=True, slots=True)
class Home:
    """A home that was filled, built and foretold at `first`, and again two hours later, at `second`."""

    root: Path
    first: datetime
    second: datetime

    def workspace(self, moment: datetime | None = None, **serve: object) -> Workspace:
        """Return it with its clock at a moment, a minute after the second build unless said otherwise."""
        clock = FrozenClock(moment or self.second + timedelta(minutes=1))
        settings = Settings(home=self.root, lake=ONE_THREAD, serve=ServeSettings.model_validate(serve))
        return open_workspace(settings, clock=clock)


def served_home(factory: pytest.TempPathFactory) -> Home:
    """Return a copy of the home, which is made once a run."""
    made = made_once(factory, "served", make_home)
    return replace(made, root=clone(made.root, factory.mktemp("served") / "home"))


def make_home(folder: Path) -> Home:
    """Make the home: 60 days of hourly bars of two assets at two venues, tickers, coins and books."""
    simulation = Simulation(folder)
    workspace = simulation.workspace()
    first = _fill(simulation, workspace)
    simulation.time.passes(timedelta(hours=2))
    return Home(workspace.home.root, first, _fill(simulation, workspace))


def _fill(simulation: Simulation, workspace: Workspace) -> datetime:
    simulation.poll(workspace, WANTED)
    build(workspace)
    predict(workspace)
    return simulation.time.now()


class Client:
    """Asks an application as a browser would, one request after the other or many at once."""

    def __init__(self, app: App, **headers: str) -> None:
        self.app = app
        self.headers = headers

    def get(self, url: str, **headers: str) -> httpx.Response:
        """Return the answer to one GET; ``_`` in the name of a header stands for ``-``."""
        return asyncio.run(self._all([("GET", url)], headers))[0]

    def ask(self, method: str, url: str, content: bytes | None = None, **headers: str) -> httpx.Response:
        """Return the answer to one request."""
        return asyncio.run(self._all([(method, url)], headers, content))[0]

    def get_all(self, urls: list[str]) -> list[httpx.Response]:
        """Return the answers to requests that are made at once."""
        return asyncio.run(self._all([("GET", url) for url in urls], {}))

    def json(self, url: str) -> Any:  # noqa: ANN401  # JSON is anything
        """Return what a GET that has to work says."""
        found = self.get(url)
        assert found.status_code == 200, found.text
        return found.json()

    def problem(self, url: str, status: int, **headers: str) -> dict[str, Any]:
        """Return what a GET that has to fail says, after a look at what every problem has."""
        found = self.get(url, **headers)
        assert found.status_code == status, found.text
        assert found.headers["content-type"] == "application/problem+json"
        assert found.headers["cache-control"] == "no-store"
        document = dict(found.json())
        assert document["status"] == status
        assert set(document) - {"instance"} == {"type", "title", "status", "detail", "value", "todo"}
        return document

    async def _all(
        self, asked: list[tuple[str, str]], headers: dict[str, str], content: bytes | None = None
    ) -> list[httpx.Response]:
        given = {name.replace("_", "-"): value for name, value in {**self.headers, **headers}.items()}
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url=HERE, headers=given) as client:
            waiting = [client.request(method, url, content=content) for method, url in asked]
            return list(await asyncio.gather(*waiting))


@contextlib.contextmanager
def serving(workspace: Workspace) -> Iterator[Client]:
    """Yield a client of everything that is served from a workspace."""
    with workspace.kept_open() as kept_open:
        yield Client(create_app(kept_open))
