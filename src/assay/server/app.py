"""Everything that is served as one ASGI application, and the server that runs it.

From the outside in: :class:`~assay.server.edge.Edge` (names, what browsers are told, figures, log), static files, the
answers that are kept, the API's routes, and the site for every other address.
"""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Callable
from importlib.util import find_spec

import uvicorn
from anyio import to_thread
from starlette.middleware.gzip import GZipMiddleware

from assay.api.app import create_api
from assay.api.asgi import App, Message, Receive, Scope, Send
from assay.api.caching import Answers
from assay.api.keys import Gate
from assay.api.metrics import Metrics
from assay.pipelines.feature_sets import find_own_steps
from assay.pipelines.workspace import Workspace
from assay.server.edge import Edge
from assay.server.listening import BACKLOG, Listener, listen
from assay.server.static import Static
from assay.server.warming import in_background

_log = logging.getLogger(__name__)
_GRACE_S = 3
_READS_AT_ONCE = 16
"""Of the API; more would only wait for one another in the lake."""


def create_app(workspace: Workspace) -> App:
    """Return everything that is served from `workspace`.

    The workspace should be kept open (:meth:`~assay.pipelines.workspace.Workspace.kept_open`), as :func:`serve` does:
    else every question opens the lake anew. Indicators of the files in ``features.steps`` are read once, here; a file
    that cannot be used is logged and left out.
    """
    settings = workspace.settings.serve
    for problem in find_own_steps(workspace):
        _log.warning("indicator_left_out=%r", str(problem))
    metrics = Metrics()
    api = create_api(workspace, metrics, elsewhere=_site(workspace))
    answers: App = Answers(api, workspace, metrics)
    if settings.needs_login:
        answers = Gate(answers, workspace.clock)
    hosts = {*settings.accepted_hosts, settings.host}
    return Edge(_with_static(answers), metrics, hosts=hosts, is_secure=settings.is_secure)


def _site(workspace: Workspace) -> App | None:
    if find_spec("assay.web.urls") is None:
        return None
    from assay.web.asgi import django_app  # noqa: PLC0415

    return GZipMiddleware(_by_the_book(django_app(workspace)), minimum_size=1_000, compresslevel=5)


def _by_the_book(app: App) -> App:
    """Return an application with what compression needs to be right: names in small letters, as ASGI has them.

    ETags become weak, since the compressed bytes are others.
    """

    async def lowered(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_lowered(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [_lowered(name, value) for name, value in message.get("headers", ())]
            await send(message)

        await app(scope, receive, send_lowered)

    return lowered


def _lowered(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    name = name.lower()
    return name, b"W/" + value if name == b"etag" and not value.startswith(b"W/") else value


def _with_static(app: App) -> App:
    static = Static()

    async def routed(scope: Scope, receive: Receive, send: Send) -> None:
        is_static = scope["type"] == "http" and scope["path"].startswith("/static/")
        await (static if is_static else app)(scope, receive, send)

    return routed


def serve(
    workspace: Workspace, *, listener: Listener | None = None, on_ready: Callable[[str], None] | None = None
) -> None:
    """Serve `workspace` until Ctrl-C or SIGTERM, which end it in order and are then raised on.

    Parameters
    ----------
    workspace : Workspace
    listener : Listener, optional
        From :func:`~assay.server.listening.listen`; else the settings say where.
    on_ready : callable, optional
        Told the address once requests are answered.

    Raises
    ------
    BadInputError
        If the address and port cannot be had.
    """
    with contextlib.ExitStack() as stack:
        place = listener or listen(workspace.settings.serve)
        stack.enter_context(place.socket)
        kept_open = stack.enter_context(workspace.kept_open())
        config = uvicorn.Config(
            create_app(kept_open),
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=workspace.settings.serve.public_url is not None,
            timeout_graceful_shutdown=_GRACE_S,
            backlog=BACKLOG,
        )
        warming = stack.enter_context(in_background(kept_open))

        def begun() -> None:
            if on_ready is not None:
                on_ready(place.url)
            warming()

        server = _Server(config)
        server.on_ready = begun
        server.run(sockets=[place.socket])


class _Server(uvicorn.Server):
    """uvicorn's, which also says when it has begun to answer."""

    on_ready: Callable[[], None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin."""
        to_thread.current_default_thread_limiter().total_tokens = _READS_AT_ONCE
        await super().startup(sockets)
        if self.started and self.on_ready is not None:
            self.on_ready()
