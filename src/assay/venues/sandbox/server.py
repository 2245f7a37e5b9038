"""The sandbox on a port of this machine: HTTP around :class:`assay.venues.sandbox.exchange.Exchange`.

One process, one port, one path prefix a venue. Questions are answered one after the other, so that the same questions
in the same order always meet the same market and the same faults.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from assay.domain.errors import BadInputError, TransientError
from assay.venues.sandbox.answers import Answer
from assay.venues.sandbox.exchange import Exchange

if TYPE_CHECKING:
    import uvicorn

# The three of the ASGI specification, version 3.0; a message's values are of many types.
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
_START_S, _STOP_S = 60.0, 60.0  # on a machine that does other work


class SandboxApp:
    """The ASGI application.

    Parameters
    ----------
    exchange : Exchange
        What answers.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        if scope["method"] not in ("GET", "HEAD"):
            await _say(Answer(405, b'{"error":"only GET is answered here"}', {"allow": "GET"}), send)
            return
        params = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        answer = self._exchange.answer(scope["path"], params)
        if answer.hold_s and not await _is_patient(receive, answer.hold_s):
            return
        await _say(answer, send)


async def _is_patient(receive: Receive, hold_s: float) -> bool:
    """Wait, and return whether the client is still there then."""
    with suppress(TimeoutError):
        async with asyncio.timeout(hold_s):
            while (await receive())["type"] != "http.disconnect":
                pass
            return False
    return True


async def _say(answer: Answer, send: Send) -> None:
    headers = {**answer.headers, "content-length": str(len(answer.body))}
    lines = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": lines})
    if answer.is_cut:
        # To end without having said all closes the connection.
        await send({"type": "http.response.body", "body": answer.body[: answer.sent], "more_body": True})
    else:
        await send({"type": "http.response.body", "body": answer.body})


@dataclass(frozen=True, slots=True)
class Running:
    """A sandbox that listens: `host` and `port`, and the base URL of every venue by its name."""

    host: str
    port: int
    base_urls: dict[str, str]


@contextmanager
def running(exchange: Exchange, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[Running]:
    """Run the sandbox in a thread of this process for as long as the context lasts.

    Parameters
    ----------
    exchange : Exchange
        What answers.
    host : str
        Address to listen at.
    port : int
        Port; 0: any that is free.

    Raises
    ------
    BadInputError
        If it cannot listen there.
    TransientError
        If it does not begin to listen in time.
    """
    import uvicorn  # noqa: PLC0415  # only who runs a server needs it

    with _listening(host, port) as listener:
        config = uvicorn.Config(
            SandboxApp(exchange),
            lifespan="off",
            log_config=None,
            log_level="critical",  # a connection that a fault breaks off is no news
            access_log=False,
            date_header=False,  # the venue's clock is the sandbox's
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="sandbox", daemon=True)
        thread.start()
        try:
            _wait_for(server, thread)
            at = listener.getsockname()[1]
            shown = f"[{host}]" if ":" in host else host
            yield Running(host, at, {name: f"http://{shown}:{at}{path}" for name, path in exchange.prefixes.items()})
        finally:
            server.should_exit = True
            thread.join(_STOP_S)


def _listening(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        what = "cannot listen there"
        raise BadInputError(what, value=f"{host}:{port}", todo=f"choose another --host or --port ({error})") from error
    return listener


def _wait_for(server: uvicorn.Server, thread: threading.Thread) -> None:
    pause = threading.Event()
    for _ in range(int(_START_S / 0.01)):
        if server.started:
            return
        if not thread.is_alive():
            break
        pause.wait(0.01)
    raise TransientError("the sandbox did not start", todo="try again")
