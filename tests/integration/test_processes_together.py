"""Three processes ingest, one builds over and over, others read meanwhile: as if one had done all of it alone."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from assay.domain.clock import FrozenClock
from assay.lake import bronze
from assay.pipelines.workspace import Workspace
from assay.venues.sandbox.answers import Answer
from assay.venues.sandbox.exchange import Exchange
from assay.venues.sandbox.server import running
from tests.integration.command import Said, child, finished
from tests.integration.conftest import NOW, hashes, open_frozen
from tests.integration.simulated import MARKET, headers
from tests.unit.venues.sandbox.reading import at

BINANCE = ("binance:klines", "binance:tickers", "binance:order_books")
WAZIRX = ("wazirx:klines", "wazirx:tickers")
COINS = ("coingecko:coin_markets",)
SYMBOLS = ("BTC", "ETH", "XRP")
SHARES = (((*BINANCE, *COINS), SYMBOLS[:2]), ((*WAZIRX, *BINANCE), SYMBOLS[1:]), ((*COINS, *WAZIRX), SYMBOLS))
"""What each of the three asks for; everything is asked for by two of them at least, and by no one alone."""
LAST = "2024-06-01"
READS = 4
"""While one build is at work; more would only keep it from working."""
QUERY = """
select count(*) as bars, count(distinct (venue, symbol, interval, open_time)) as moments
from silver.technical_indicators
"""


class CountingExchange(Exchange):
    """An exchange that remembers how it answered."""

    def __init__(self) -> None:
        super().__init__(MARKET, FrozenClock(at(2024, 6, 2)), elapsed=time.monotonic)
        self.statuses: Counter[int] = Counter()

    def answer(self, path: str, params: Mapping[str, str]) -> Answer:
        """Return the answer, and count its status."""
        found = super().answer(path, params)
        self.statuses[found.status] += 1
        return found


@dataclass
class Repeated:
    """Commands that are run in turn, again and again, one process after the other."""

    home: Path
    commands: tuple[tuple[str, ...], ...]
    settings: dict[str, str]
    said: list[Said] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None

    def go_on(self) -> None:
        """Start the next one, if the last one has ended."""
        if self.process is None or self.process.poll() is not None:
            self.end()
            self.process = self.start(self.commands[len(self.said) % len(self.commands)])

    def start(self, words: tuple[str, ...]) -> subprocess.Popen[str]:
        """Start a process."""
        return child(self.home, *words, **self.settings)

    def end(self) -> None:
        """Wait for the last one."""
        if self.process is not None:
            self.said.append(finished(self.process))
            self.process = None


def ingest_words(sources: tuple[str, ...], symbols: tuple[str, ...], since: str, intervals: str) -> tuple[str, ...]:
    return (
        "ingest",
        *sources,
        "--symbols",
        ",".join(symbols),
        "--intervals",
        intervals,
        "--since",
        since,
        "--until",
        LAST,
    )


def all_well(said: list[Said]) -> None:
    """Nobody was refused, and nobody had anything to complain about."""
    assert [(one.code, one.err) for one in said] == [(0, "")] * len(said)


def prove(folder: Path, *, since: str, intervals: str, builds: int) -> None:
    exchange = CountingExchange()
    everything = ingest_words((*BINANCE, *WAZIRX, *COINS), SYMBOLS, since, intervals)
    with running(exchange) as there:
        settings = {f"ASSAY_VENUES__{name.upper()}__BASE_URL": url for name, url in there.base_urls.items()}
        # A slot of a year, so that none begins in between.
        settings |= {"ASSAY_INGEST__LIMITS_DIR": str(folder / "limits"), "ASSAY_INGEST__EVERY": "365d"}

        def command(home: str, *words: str) -> Said:
            return finished(child(folder / home, *words, **settings))

        all_well([command("alone", *everything), command("alone", "build")])
        all_well([command("home", "ingest", "binance:tickers"), command("home", "build")])
        shares = [
            child(folder / "home", *ingest_words(sources, symbols, since, intervals), **settings)
            for sources, symbols in SHARES
        ]
        builder = Repeated(folder / "home", (("build",),), settings)
        reader = Repeated(folder / "home", (("query", QUERY, "--json"), ("status", "--json")), settings)
        while any(one.poll() is None for one in shares) or len(builder.said) < builds:
            builder.go_on()
            if len(reader.said) < READS * (1 + len(builder.said)):
                reader.go_on()
            time.sleep(0.02)
        builder.end()
        reader.end()
        all_well([*(finished(one) for one in shares), *builder.said, *reader.said])
        all_well([command("home", *everything), command("home", "build")])
    counts = [said.document[0] for said in reader.said[::2]]
    assert all(one["bars"] == one["moments"] for one in counts)
    assert [one["bars"] for one in counts] == sorted(one["bars"] for one in counts)
    home, alone = (open_frozen(folder / name, NOW) for name in ("home", "alone"))
    assert hashes(home) == hashes(alone)
    assert bars(home) == bars(alone) > 0
    check_batches(home)
    assert set(exchange.statuses) == {200}, "together they kept to the limits"


def bars(workspace: Workspace) -> int:
    with workspace.lake() as lake:
        rows = lake.execute("select count(*) from lake.silver.crypto_prices_cleaned").fetchall()
    return int(rows[0][0])


def check_batches(workspace: Workspace) -> None:
    """No question of a slot has two answers, and no answer is kept under two names."""
    found = headers(workspace)
    asked = Counter((one.endpoint, tuple(sorted(one.parameters.items())), one.venue, one.slot) for one in found)
    assert set(asked.values()) == {1}
    bodies = Counter((one.venue, one.endpoint, one.body_sha256, one.slot) for one in found if one.counts["rows_read"])
    assert set(bodies.values()) == {1}
    assert not [one for one in found if one.dataset in (bronze.POISON, bronze.FAILURES)]


@pytest.mark.soak
def test_three_ingest_and_one_builds_while_others_read(tmp_path: Path) -> None:
    prove(tmp_path, since="2024-05-31", intervals="1h,1m", builds=2)


@pytest.mark.soak
def test_three_ingest_weeks_of_minutes_while_one_builds(tmp_path: Path) -> None:
    prove(tmp_path, since="2024-04-25", intervals="1m,5m,1h", builds=6)
