"""Several real processes on one rate budget: what the server counts, and what a killed one leaves behind."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from assay.venues.transport import Response
from tests.integration.command import PATIENCE_S
from tests.integration.spend_budget import LEASE_S, LIMIT, QUESTION, TIMING, open_budget
from tests.unit.venues.fake_time import FakeTime
from tests.unit.venues.scripted_server import ScriptedServer, answer

SCRIPT = Path(__file__).with_name("spend_budget.py")
PROCESSES, EACH = 3, 15


def start(mode: str, folder: Path, *, url: str = "-", count: int = 0) -> subprocess.Popen[str]:
    """Start a process and wait until it is ready to go."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(part for part in sys.path if part)}
    words = [sys.executable, str(SCRIPT), mode, str(folder), url, str(count)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    assert said(process) == "ready"
    return process


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def kill(process: subprocess.Popen[str]) -> None:
    with process:
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


def arrivals(folders: list[Path]) -> list[float]:
    """Let one process a folder ask at the same time, and return when each request reached the server."""
    moments: list[float] = []

    async def serve(writer: asyncio.StreamWriter) -> None:
        moments.append(time.monotonic())
        writer.write(answer())
        await writer.drain()

    async def run() -> None:
        async with ScriptedServer(serve) as server:
            processes = [
                await asyncio.to_thread(start, "ask", folder, url=server.url, count=EACH) for folder in folders
            ]
            for process in processes:
                go(process)
            for process in processes:
                with process:
                    assert await asyncio.to_thread(process.wait, PATIENCE_S) == 0

    asyncio.run(run())
    return moments


def most_in_a_window(moments: list[float]) -> int:
    """Return the most weight that arrived in any stretch of one window, wherever it begins."""
    return (
        max(sum(start <= moment < start + LIMIT.window_s for moment in moments) for start in moments) * QUESTION.weight
    )


def test_processes_together_never_exceed_the_limit_in_any_window(tmp_path: Path) -> None:
    moments = arrivals([tmp_path] * PROCESSES)
    assert len(moments) == PROCESSES * EACH
    assert most_in_a_window(moments) <= LIMIT.limit
    # 45 requests of 2 are 90; at 20 a window that takes at least 4 windows, and no idle one lies between them.
    assert max(moments) - min(moments) >= 4 * LIMIT.window_s


def test_process_killed_while_it_changes_the_state_blocks_nobody(tmp_path: Path) -> None:
    holder = start("hold", tmp_path)
    go(holder)
    assert said(holder) == "held"
    kill(holder)
    assert asyncio.run(ask_and_hear(tmp_path, times=1)) == 0  # who is kept waiting gives up with an error


def test_process_killed_in_the_middle_of_a_request_is_counted_until_its_lease_is_over(tmp_path: Path) -> None:
    spender = start("hang", tmp_path)
    go(spender)
    assert said(spender) == "spent"
    kill(spender)
    # Nine more fit beside the 2 units of the dead; the tenth waits until the first of the nine is forgotten …
    assert 0 < asyncio.run(ask_and_hear(tmp_path, times=LIMIT.limit // QUESTION.weight)) <= LIMIT.window_s * 1.1
    # … and all ten of them fit only when those of the dead are: a lease and a window after he took them.
    waited = asyncio.run(ask_and_hear(tmp_path, times=1, weight=LIMIT.limit))
    assert LEASE_S / 2 < waited < LEASE_S + LIMIT.window_s * 1.1


async def ask_and_hear(folder: Path, *, times: int, weight: int = QUESTION.weight) -> float:
    """Ask so many times, get an answer at once, and return the seconds of a clock that costs no time."""
    fake = FakeTime(TIMING.clock.now())
    budget = open_budget(folder, timing=fake.timing)
    for _ in range(times):
        async with budget.spend(replace(QUESTION, weight=weight)) as spending:
            spending.heed(Response(200, {}, b"", asked_at=fake.now(), received_at=fake.now()))
    return fake.seconds


def test_killed_again_and_again_the_state_stays_whole(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rng = random.Random(7)
    for _ in range(4):
        process = start("hammer", tmp_path)
        go(process)
        time.sleep(rng.uniform(0.02, 0.1))
        kill(process)

    async def one_more() -> None:
        async with asyncio.timeout(PATIENCE_S):
            async with open_budget(tmp_path).spend(QUESTION):
                pass

    with caplog.at_level(logging.WARNING):
        asyncio.run(one_more())
    assert "unreadable" not in caplog.text
    assert {path.name for path in tmp_path.iterdir()} <= {"binance.json", "binance.lock", "binance.draft"}
