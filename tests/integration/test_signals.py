"""Ctrl-C and SIGTERM at any moment of a command: it ends soon, with its code and one line, and nothing else is said."""

from __future__ import annotations

import random
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from assay.domain.clock import FrozenClock
from assay.venues.sandbox.exchange import Exchange
from assay.venues.sandbox.server import running
from tests.integration.command import Said, child, clone, finished
from tests.integration.simulated import MARKET
from tests.unit.venues.sandbox.reading import at

WORDS = {
    "build": ("build", "--full-refresh"),
    "ingest": (
        "ingest", "binance:klines", "binance:tickers", "--symbols", "BTC,ETH", "--intervals", "1h,1m",
        "--since", "2024-05-28", "--until", "2024-06-01",
    ),
    "serve": ("serve", "--port", "0"),
}  # fmt: skip
ENDS = {signal.SIGINT: (130, "assay: interrupted\n"), signal.SIGTERM: (143, "assay: terminated\n")}
MOMENTS = 12
BEGINS = 0.15
"""So much of its work a process has done before it is told to stop: what comes first is Python's own beginning."""
IDLE_S = 5.0
"""Who has not worked for so long waits for something, and is told to stop all the same."""


@pytest.fixture(scope="module")
def venues() -> Iterator[dict[str, str]]:
    """Run the exchange in a box, and yield the settings that say where it is."""
    with running(Exchange(MARKET, FrozenClock(at(2024, 6, 2)), elapsed=lambda: 0.0)) as there:
        yield {f"ASSAY_VENUES__{name.upper()}__BASE_URL": url for name, url in there.base_urls.items()}


def worked(process: subprocess.Popen[str]) -> float:
    """Return the seconds of a processor that a process has used: however many others there are, they mean the same."""
    times = psutil.Process(process.pid).cpu_times()
    return float(times.user + times.system)


def wait_for_work(process: subprocess.Popen[str], seconds: float) -> None:
    """Wait until a process has worked so long, or has ended, or has nothing to do."""
    seen, since = 0.0, time.monotonic()
    while process.poll() is None and time.monotonic() < since + IDLE_S and seen < seconds:
        now = worked(process)
        if now > seen:
            seen, since = now, time.monotonic()
        time.sleep(0.005)


def work_of(home: Path, words: tuple[str, ...], settings: dict[str, str]) -> float:
    """Return how long a command works until it is done, or until it serves."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = child(home, *words, **settings)
    if words[0] == "serve":
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://")
        process.terminate()
    assert finished(process).code in (0, 143)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def stopped(home: Path, words: tuple[str, ...], settings: dict[str, str], *, after: float, by: signal.Signals) -> Said:
    """Run a command that is told to stop when it has worked for some time."""
    process = child(home, *words, **settings)
    wait_for_work(process, after)
    process.send_signal(by)
    return finished(process)


@pytest.mark.soak
@pytest.mark.parametrize("number", ENDS)
@pytest.mark.parametrize("name", WORDS)
def test_command_that_is_told_to_stop_stops_and_says_so(
    built: Path, tmp_path: Path, venues: dict[str, str], name: str, number: signal.Signals
) -> None:
    words, rng = WORDS[name], random.Random(f"{name} {number}")
    settings = {**venues, "ASSAY_INGEST__LIMITS_DIR": str(tmp_path / "limits")}

    def home_of(run: str) -> Path:
        return tmp_path / run if name == "ingest" else clone(built, tmp_path / run)

    whole = work_of(home_of("whole"), words, settings)
    stops: list[Path] = []
    for moment in range(MOMENTS):
        home = home_of(str(moment))
        after = whole * rng.uniform(BEGINS, 1.0)
        said = stopped(home, words, settings, after=after, by=number)
        where = f"after {after:.2f} s of work"
        if name != "serve" and said.code in (0, -number):  # it had done its work and said so, and was at its very end
            assert (said.out != "", said.err) == (True, ""), where
            continue
        assert (said.code, said.err) == ENDS[number], where
        stops.append(home)
    assert len(stops) >= MOMENTS / 2
    if name != "serve":
        again = finished(child(stops[-1], *words, **settings))
        assert (again.code, again.err) == (0, "")
