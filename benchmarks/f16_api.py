"""F16: what an answer of the API costs beside a bare FastAPI route that returns the same JSON.

Both servers are processes of their own, with the same uvicorn; the load comes from `wrk`, else from a client in this
process. Rounds take turns. The latest prediction of a symbol is asked for over and over, as pages and programs do; the
answer is kept by the version of the data, so that the lake is asked once. The bare route returns the same object, which
FastAPI makes JSON of each time, behind no layer at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import httpx

from assay.pipelines.predicting import predict
from benchmarks.harness import Contender, Figure, Times, race
from benchmarks.installed import assay_program
from benchmarks.lakes import Stage
from benchmarks.made_bars import SYMBOLS

LEAST_SHARE, GOAL_P99_S = 0.7, 0.050
_CONNECTIONS = 32
_ROUNDS = 5
_PATH = f"/api/v1/predictions/binance:spot:{SYMBOLS[0]}?limit=1"
_BARE = """
import json, sys
from fastapi import FastAPI

BODY = json.load(open(sys.argv[1]))
app = FastAPI()


@app.get("/bare")
async def bare():
    return BODY


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(app, port=int(sys.argv[2]), log_level="critical", access_log=False)
"""


@dataclass
class _Load:
    """Asks one address for a while; `p99_s` collects what the slowest hundredth waited, a round each."""

    url: str
    seconds: float
    p99_s: list[float] = field(default_factory=list)

    def measure(self) -> float:
        """Return the seconds that a request took of the server: one over the requests a second."""
        per_second, p99_s = _wrk(self.url, self.seconds) if shutil.which("wrk") else _client(self.url, self.seconds)
        self.p99_s.append(p99_s)
        return 1.0 / per_second


def run(stage: Stage) -> Iterator[Figure]:
    """Measure requests a second side by side, and what the slowest hundredth of ours waits."""
    workspace = stage.long_lake.workspace
    predict(workspace)
    rounds, seconds = (3, 1.0) if stage.is_quick else (_ROUNDS, 5.0)
    scratch = stage.scratch / "f16"
    scratch.mkdir()
    with _assay(workspace.home.root) as ours_at:
        found = httpx.get(ours_at + _PATH, timeout=60.0)
        assert found.status_code == 200, found.text
        with _bare(scratch, found.json()) as bare_at:
            assert httpx.get(bare_at).json() == found.json()
            ours, bare = _Load(ours_at + _PATH, seconds), _Load(bare_at, seconds)
            subject, peer = (
                Contender("kept answer", ours.measure),
                Contender("bare route", bare.measure, version("fastapi")),
            )
            times = race([subject, peer], rounds=rounds, warmup=1)
    work = f"GET a prediction, {len(found.content):,} bytes, {_CONNECTIONS} connections"
    yield Figure.of_ratio("F16", f"{work}: time a request", times, subject=subject, peer=peer, goal=1.0 / LEAST_SHARE)
    slowest: Times = {subject.name: ours.p99_s[-rounds:], peer.name: bare.p99_s[-rounds:]}
    yield Figure.of_seconds("F16", f"{work}: 99th percentile", slowest, subject=subject, peer=peer, goal=GOAL_P99_S)


@contextlib.contextmanager
def _assay(home: Path) -> Iterator[str]:
    words = [assay_program(), "serve", "--port", "0", "--json"]
    with _process(words, {"ASSAY_HOME": str(home)}) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"]


@contextlib.contextmanager
def _bare(scratch: Path, answer: object) -> Iterator[str]:
    program, body = scratch / "bare.py", scratch / "body.json"
    program.write_text(_BARE, encoding="utf-8")
    body.write_text(json.dumps(answer), encoding="utf-8")
    port = _free_port()
    url = f"http://127.0.0.1:{port}/bare"
    with _process([sys.executable, str(program), str(body), str(port)], {}):
        deadline = time.monotonic() + 60.0
        while True:
            with contextlib.suppress(httpx.TransportError):
                httpx.get(url)
                break
            assert time.monotonic() < deadline, "the bare server does not start"
            time.sleep(0.05)
        yield url


@contextlib.contextmanager
def _process(words: list[str], variables: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(words, env={**os.environ, **variables}, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _free_port() -> int:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _wrk(url: str, seconds: float) -> tuple[float, float]:
    """Return requests a second and the 99th percentile in seconds."""
    words = ["wrk", "-t1", f"-c{_CONNECTIONS}", f"-d{seconds:g}s", "--latency", url]
    said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in said, said
    per_second = re.search(r"Requests/sec:\s+([\d.]+)", said)
    slowest = re.search(r"99%\s+([\d.]+)(us|ms|s)", said)
    assert per_second, said
    assert slowest, said
    unit = {"us": 1e-6, "ms": 1e-3, "s": 1.0}[slowest.group(2)]
    return float(per_second.group(1)), float(slowest.group(1)) * unit


def _client(url: str, seconds: float) -> tuple[float, float]:
    """Return the same where there is no wrk; the client then costs more than the servers, and hides a difference."""
    waited = asyncio.run(_ask(url, seconds))
    return len(waited) / seconds, sorted(waited)[int(len(waited) * 0.99)]


async def _ask(url: str, seconds: float) -> list[float]:
    waited: list[float] = []
    deadline = time.perf_counter() + seconds

    async def one(client: httpx.AsyncClient) -> None:
        while (begun := time.perf_counter()) < deadline:
            (await client.get(url)).raise_for_status()
            waited.append(time.perf_counter() - begun)

    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=_CONNECTIONS)) as client:
        await asyncio.gather(*(one(client) for _ in range(_CONNECTIONS)))
    return waited
