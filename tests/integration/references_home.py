"""A home of a few series with a hole, a late listing, a delisting and a restatement, and of coins polled twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from assay.pipelines.building import build
from tests.integration.conftest import at, bring_in, open_frozen
from tests.integration.polling import DOLLARS, INSTRUMENTS, Poller
from tests.made_klines import HOUR, START, hourly, write_csv

COUNT = 300
HOLE = (100, 103)
LISTED = 150
"""From this bar on SOL is traded."""
ELSEWHERE = 250
"""From this bar on it is traded at a place that is preferred, too."""
LISTS = (START + 80 * HOUR, START + 220 * HOUR)
"""When it was asked what is traded: DOT is no longer in the second list, though its bars go on."""
FITTED = 700
"""Bars of BTC-EUR, long enough for a GARCH; ETH-EUR is not."""
FIRST_KNOWN, RESTATED_AT = datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)
POLLED = (START + 20 * HOUR + timedelta(seconds=20), START + 60 * HOUR)
"""The second answer came in the moment in which a bar closed; the first 20 seconds after one did."""
COINS: tuple[dict[str, dict[str, float | None]], ...] = (
    {
        "bitcoin": {"market_cap": 600.0, "total_volume": 30.0, "current_price": 50.0, "ath": 100.0, "atl": 10.0},
        "ethereum": {"market_cap": 300.0, "circulating_supply": 9.0, "max_supply": None, "total_supply": 12.0},
        "tether": {"market_cap": 100.0},
    },
    {"bitcoin": {"market_cap": 500.0, "total_volume": 50.0}, "ethereum": {"market_cap": 500.0}},
)


def make(folder: Path) -> Path:
    """Make it below the folder, and return where."""
    workspace = open_frozen(folder / "home", FIRST_KNOWN)
    eth = hourly(COUNT, seed=2)
    for name, rows in {
        "BTC-USDT": hourly(COUNT, holes=(HOLE,)),
        "ETH-USDT": eth,
        "SOL-USDT": hourly(COUNT - LISTED, seed=3, start=START + LISTED * HOUR),
        "DOT-USDT": hourly(COUNT, seed=4),
    }.items():
        bring_in(workspace, write_csv(folder / f"{name}.csv", rows), name)
    there = write_csv(folder / "there.csv", hourly(COUNT - ELSEWHERE, seed=5, start=START + ELSEWHERE * HOUR))
    bring_in(workspace, there, "SOL-USDT", venue="coinbase")
    # The last bar of a file may still be changing, and is no restatement.
    late = write_csv(folder / "late.csv", [row.restated(1.5) for row in eth[40:50]])
    bring_in(at(workspace, RESTATED_AT), late, "ETH-USDT")
    longer = hourly(FITTED, holes=((500, 503),))
    bring_in(workspace, write_csv(folder / "first.csv", longer[:600]), "BTC-EUR")
    bring_in(at(workspace, RESTATED_AT), write_csv(folder / "rest.csv", longer[600:]), "BTC-EUR")
    bring_in(workspace, write_csv(folder / "few.csv", hourly(100)), "ETH-EUR")
    poller = Poller(workspace.home.bronze)
    for moment, coins in zip(POLLED, COINS, strict=True):
        poller.keep(DOLLARS, at=moment, change=lambda body, coins=coins: _only(body, coins))  # type: ignore[misc]
    for moment, bases in zip(LISTS, (("BTC", "ETH", "DOT"), ("BTC", "ETH")), strict=True):
        poller.keep(INSTRUMENTS, at=moment, change=lambda body, bases=bases: _traded(body, bases))  # type: ignore[misc]
    build(at(workspace, RESTATED_AT + HOUR))
    return workspace.home.root


def _traded(body: bytes, bases: tuple[str, ...]) -> bytes:
    listed = json.loads(body)
    found = [one for one in listed["symbols"] if one["quoteAsset"] == "USDT" and one["baseAsset"] in bases]
    assert len(found) == len(bases)
    return json.dumps(listed | {"symbols": found}).encode()


def _only(body: bytes, coins: Mapping[str, Mapping[str, float | None]]) -> bytes:
    rows: list[dict[str, Any]] = json.loads(body)
    found = {row["id"]: row for row in rows}
    # A coin that the simulated market lacks is one of its others by another name.
    return json.dumps([{**found.get(name, rows[-1]), "id": name, **said} for name, said in coins.items()]).encode()
