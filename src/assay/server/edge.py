"""The outermost layer around API and site: names it goes by, what a browser is told, what is written down.

It is plain ASGI and costs some microseconds: a layer of Starlette's ``BaseHTTPMiddleware`` costs more than a kept
answer itself.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from urllib.parse import quote

from assay.api.asgi import App, Lines, Message, Receive, Scope, Send, header, say_problem
from assay.api.metrics import Metrics
from assay.api.problems import Problem, unexpected

MOST_BODY_BYTES = 1_000_000
"""Of a request: the longest form of the site is far below."""

_CSP = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    b"content-security-policy": _CSP.encode(),
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_HSTS = (b"strict-transport-security", b"max-age=31536000")
_SITE, _UNKNOWN = "site", "unknown"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""What a request may want; TRACE, which would send a browser's cookies back, and inventions are refused."""
_log = logging.getLogger("assay.access")


class BodyTooLargeError(Exception):
    """More came than a request may bring."""


class Edge:
    """The outermost ASGI application.

    Parameters
    ----------
    app : ASGI application
        What answers.
    metrics : Metrics
        Told of every request.
    hosts : iterable of str
        Names by which the server may be called, without port.
    is_secure : bool
        Whether people come by https only.
    """

    def __init__(self, app: App, metrics: Metrics, *, hosts: Iterable[str], is_secure: bool = False) -> None:
        self._app = app
        self._metrics = metrics
        self._hosts = frozenset(host.lower().encode() for host in hosts)
        self._headers = [*_HEADERS.items(), *([_HSTS] if is_secure else [])]
        self._names = frozenset(name for name, _ in self._headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass the server's start and end on."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        status = sent = 0

        async def finish(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = self._with_ours(message.get("headers", ()))
            else:
                sent += len(message.get("body", b""))
            await send(message)

        try:
            await self._answer(scope, receive, finish)
        except Exception as error:  # noqa: BLE001  # the outermost place there is
            problem = unexpected(error)
            if not status:
                await say_problem(scope, finish, problem)
        finally:
            seconds = time.perf_counter() - begun
            route = _route(scope, status)
            self._metrics.observe(route, status, seconds)
            if _log.isEnabledFor(logging.INFO):
                _log.info("%s", _line(scope, route, status=status, sent=sent, seconds=seconds))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = self._refusal(scope)
        if refused is not None:
            await say_problem(scope, send, refused)
            return
        if scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        try:
            await self._app(scope, _bounded(receive), send)
        except BodyTooLargeError:
            await say_problem(scope, send, _too_large())

    def _refusal(self, scope: Scope) -> Problem | None:
        """Return why a request is not even looked at, if it is not."""
        called = header(scope, b"host") or b""
        name = called.lower() if called.endswith(b"]") else called.lower().rpartition(b":")[0] or called.lower()
        if name not in self._hosts:
            todo = "call it by its own name, or add this one to serve.allowed_hosts"
            return Problem(400, "wrong-host", "the server does not go by this name", called.decode("latin-1"), todo)
        if scope["method"] not in _METHODS:
            allow = {"allow": "GET, HEAD"}
            what = "the address is only for reading"
            return Problem(405, "method-not-allowed", what, scope["method"], "use GET", headers=allow)
        length = header(scope, b"content-length")
        if length is not None and (not length.isdigit() or int(length) > MOST_BODY_BYTES):
            return _too_large()
        return None

    def _with_ours(self, lines: Iterable[tuple[bytes, bytes]]) -> Lines:
        """Return the headers of an answer with those that every answer has."""
        return [*((name, value) for name, value in lines if name.lower() not in self._names), *self._headers]


def _bounded(receive: Receive) -> Receive:
    """Return `receive`, which gives up when more comes than was said, or than there was no saying of."""
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > MOST_BODY_BYTES:
            raise BodyTooLargeError
        return message

    return counted


def _too_large() -> Problem:
    return Problem(413, "too-large", "the body is too large", todo=f"send at most {MOST_BODY_BYTES:,} bytes")


def _route(scope: Scope, status: int) -> str:
    """Return the template of the route that answered, of which there are only so many."""
    path = getattr(scope.get("route"), "path", None)
    if path:
        return str(path)
    return _UNKNOWN if status in (0, 400, 404) else _SITE


def _line(scope: Scope, route: str, *, status: int, sent: int, seconds: float) -> str:
    query = scope["query_string"].decode("latin-1")
    path = quote(scope["path"], safe="/:-._~", errors="replace") + (f"?{query}" if query else "")
    client = (scope.get("client") or ("-",))[0]
    return (
        f"method={scope['method']} path={path!r} route={route!r} status={status} bytes={sent} "
        f"ms={seconds * 1e3:.1f} client={client}"
    )
