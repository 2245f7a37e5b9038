"""The home that tests of the site look at: two slots of a simulated market, with everything that a page must show.

Bitcoin's bars have a hole and one of them is restated in the second build; coins have hostile names; one answer could
not be read. Bars and tickers are of the same days, so that a page as of the first slot differs from the one of now.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assay.lake.origin import claim_origin, simulated_origin
from assay.pipelines.building import build
from assay.pipelines.predicting import predict
from assay.pipelines.runs import noted
from assay.pipelines.workspace import Workspace
from assay.settings import Settings
from tests.integration.command import clone
from tests.integration.conftest import at, bring_in, open_frozen
from tests.integration.homes import ONE_THREAD, made_once
from tests.integration.polling import DOLLARS, QUESTIONS, TICKERS, Poller, keep_poison
from tests.made_klines import HOUR, hourly, write_csv

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
FIRST, SECOND = NOON, NOON + timedelta(minutes=15)
THEN = FIRST + timedelta(minutes=1)
"""After the first slot was received, before the second."""
NOW = SECOND + timedelta(minutes=1)
HOURS = 2_000
HOLE = (1_000, 1_007)
NAMES = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "W" * 500,
    "\N{RIGHT-TO-LEFT OVERRIDE}moc.live",
    "\N{ROCKET}\N{FULL MOON SYMBOL} to the moon",
    "{{ 7|add:7 }}{% now 'Y' %}",
)
POISON = b'<script>alert("poison")</script>'


@dataclass(frozen=True, slots=True)
class SiteHome:
    """A workspace whose clock stands still, and where Bitcoin's bars begin."""

    workspace: Workspace
    first_hour: datetime


def site_home(factory: pytest.TempPathFactory) -> SiteHome:
    """Return a copy of the home, which is made once a run."""
    made = made_once(factory, "site", _make)
    return SiteHome(open_frozen(clone(made, factory.mktemp("site") / "home"), NOW), NOON - HOURS * HOUR)


def _make(folder: Path) -> Path:
    """Fill and build the home below `folder`."""
    workspace = open_frozen(folder / "home", THEN)
    claim_origin(workspace.home, simulated_origin("seed 12"))
    rows = hourly(HOURS, start=NOON - HOURS * HOUR, holes=(HOLE,))
    bring_in(workspace, write_csv(folder / "a.csv", rows), recorded_at=FIRST)
    poller = Poller(workspace.home.bronze)
    _poll(poller, FIRST)
    build(workspace)
    predict(workspace)
    keep_poison(workspace.home.bronze, TICKERS, at=SECOND, cause="not JSON", body=POISON)
    _poll(poller, SECOND)
    restated = [*rows[:-1], rows[-1].restated(1.01)]
    later = at(workspace, NOW)
    bring_in(later, write_csv(folder / "b.csv", restated[-3:]), recorded_at=SECOND)
    with noted(later, "run"):
        build(later)
    return later.home.root


def served(home: SiteHome, **serve: object) -> Workspace:
    """Return the workspace with other settings of the server."""
    settings = Settings(home=home.workspace.home.root, lake=ONE_THREAD, serve=serve)
    return Workspace(settings, home.workspace.home, home.workspace.clock)


def _poll(poller: Poller, slot: datetime) -> None:
    for number, request in enumerate(QUESTIONS):
        change = _rename if request is DOLLARS else None
        poller.keep(request, at=slot + timedelta(seconds=2 + number), slot=slot, change=change)


def _rename(body: bytes) -> bytes:
    coins = json.loads(body)
    for coin, name in zip(coins[1:], NAMES, strict=False):
        coin["name"] = name
    return json.dumps(coins).encode()
