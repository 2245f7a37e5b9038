"""The words of ASGI 3.0 that the layers around the routes are written in, and the one way they answer themselves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from assay.api.problems import Problem

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Lines = list[tuple[bytes, bytes]]

READING = ("GET", "HEAD")


def header(scope: Scope, name: bytes) -> bytes | None:
    """Return the first header of that name (small letters) of a request, or None."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return None


def is_api(path: str) -> bool:
    """Whether an address is answered by the API and not by the site."""
    return path.startswith("/api/") or path in ("/api", "/predict")


async def say(send: Send, status: int, lines: Lines, body: bytes, *, is_head: bool = False) -> None:
    """Send one whole answer; the body of the answer to a HEAD is only counted."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*lines, length]})
    await send({"type": "http.response.body", "body": b"" if is_head else body})


async def say_problem(scope: Scope, send: Send, problem: Problem) -> None:
    """Answer with a problem."""
    await say(send, problem.status, problem.lines(), problem.body(), is_head=scope["method"] == "HEAD")
