"""Ingesting in bad company: a venue that is none, words that are none, and a signal at the worst moment."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType

import pytest

from assay.pipelines.ingesting.stopping import run_tasks
from tests.integration.command import Command

BARS = ("binance:klines", "--symbols", "BTC", "--intervals", "1h", "--since", "2024-06-01", "--until", "2024-06-02")


class Stopped(KeyboardInterrupt):
    """What the handler of this test raises, as that of the command line does."""


class Endless(BaseHTTPRequestHandler):
    """Answers with a list that never ends."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            self.wfile.write(b"[")
            while True:
                self.wfile.write(b" " * 2**16)
        except OSError:
            self.close_connection = True

    def log_message(self, *_said: object) -> None:
        """Say nothing."""


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Endless) as server:
        monkeypatch.setenv("ASSAY_VENUES__BINANCE__BASE_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("ASSAY_INGEST__LIMITS_DIR", str(tmp_path / "limits"))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("endless")
def test_a_body_without_end_is_cut_off_and_named(assay: Command) -> None:
    said = assay("ingest", *BARS)
    assert said.code == 1
    assert "  1 × refused: binance klines answers with more than can be read: '67108864 bytes'\n" in said.out
    assert said.err == "assay: 1 question without a usable answer (binance); what arrived is kept\n"


def test_a_word_that_is_no_symbol_is_shown_as_it_was_written(assay: Command) -> None:
    said = assay("ingest", "binance:klines", "--symbols", "BT C")
    assert (said.code, said.is_one_line()) == (2, True)
    assert "not a symbol: 'BT C';" in said.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_reaches_its_handler_only_after_every_task_has_ended_in_order(number: signal.Signals) -> None:
    events: list[str] = []

    def handler(_number: int, _frame: FrameType | None) -> None:
        events.append("handled")
        raise Stopped

    async def task(name: str) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            events.append(name)

    async def work() -> None:
        async with asyncio.TaskGroup() as tasks:
            for name in ("first", "second"):
                tasks.create_task(task(name))
            await asyncio.sleep(0)
            os.kill(os.getpid(), number)

    with handled_by(handler), pytest.raises(Stopped):
        run_tasks(work())
    assert set(events[:-1]) == {"first", "second"}
    assert events[-1] == "handled"
    assert len(events) == 3


@contextlib.contextmanager
def handled_by(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Handle both signals so for the block, and see that it does in the end."""
    before = {number: signal.signal(number, handler) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
        assert all(signal.getsignal(number) is handler for number in before)
    finally:
        for number, one in before.items():
            signal.signal(number, one)


def test_signal_before_the_first_task_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, run = [], asyncio.run

    def handler(_number: int, _frame: FrameType | None) -> None:
        raise Stopped

    async def work() -> None:
        begun.append(True)

    def run_late(tasks: Coroutine[object, object, object]) -> object:
        signal.raise_signal(signal.SIGTERM)
        return run(tasks)

    monkeypatch.setattr(asyncio, "run", run_late)
    with handled_by(handler), pytest.raises(Stopped):
        run_tasks(work())
    assert begun == []


def test_without_a_signal_the_result_comes_back_and_the_handler_stays() -> None:
    async def answer() -> int:
        return 7

    before = signal.getsignal(signal.SIGTERM)
    assert run_tasks(answer()) == 7
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("start", ["1500-01-01", "2150-01-01"])
def test_a_sandbox_does_not_start_where_its_market_is_not(assay: Command, start: str) -> None:
    said = assay("sandbox", "--port", "0", "--start", start)
    assert (said.code, said.is_one_line()) == (2, True)
    assert f"there is no market then: '{start}'; give a moment from 1970 on and before 2100" in said.err
