"""A real HTTP server that answers as its script says, down to the bytes, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Self

from assay.venues.spec import Request

QUESTION = Request("binance", "klines", "/api/v3/klines", (("symbol", "BTCUSDT"),), 2)
Act = Callable[[asyncio.StreamWriter], Awaitable[None]]


def answer(status: int = 200, body: bytes = b"[]", **headers: str) -> bytes:
    """Return the bytes of an answer; ``retry_after="5"`` becomes ``retry-after: 5``."""
    fields = {"content-length": str(len(body)), "connection": "close"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def say_nothing(_writer: asyncio.StreamWriter) -> None:
    """Leave the client waiting."""
    await asyncio.sleep(3_600)


def drip(text: bytes, every_s: float) -> Act:
    """Return an act that sends one byte at a time."""

    async def act(writer: asyncio.StreamWriter) -> None:
        for byte in text:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(every_s)

    return act


class ScriptedServer:
    """Answers the n-th request with the n-th item of the script, and goes on with the last one."""

    def __init__(self, *script: bytes | Act, tls: ssl.SSLContext | None = None) -> None:
        self.script: Sequence[bytes | Act] = script
        self.seen: list[str] = []
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        scheme = "https" if self._tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            self.seen.append((await reader.readuntil(b"\r\n\r\n")).decode())
            act = self.script[min(len(self.seen), len(self.script)) - 1]
            if isinstance(act, bytes):
                writer.write(act)
                await writer.drain()
            else:
                await act(writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client has seen enough, or the test is over
        finally:
            writer.close()
            self._tasks.discard(task)
