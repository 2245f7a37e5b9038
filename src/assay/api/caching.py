"""Answers that are kept: the bytes of an answer, by the version of the data and the address that was asked for.

What a GET of the API says depends on the lake and the address only, so the second question is answered by a look into
a dictionary, before any route is looked for. Answers that depend on the time of the question as well (``/status``) say
``no-store`` and are not kept. Of many who ask the same at once, one question is worked on.

Answers that depend on files beside the lake (``/models``) say ``private, no-cache`` themselves: they have an ETag too,
and are made anew for each question.

The ETag is a digest of the answer: a client that has it is told so (304) also when the lake has a newer version that
says the same here, and a catalogue that was made anew and counts from one again can never be taken for the old one.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from assay.api.asgi import READING, App, Lines, Message, Receive, Scope, Send, header, is_api, say, say_problem
from assay.api.metrics import Metrics
from assay.api.problems import Problem
from assay.domain.errors import AssayError
from assay.lake.version import DataVersion
from assay.pipelines.workspace import Workspace

MOST_BYTES = 64_000_000
MOST_ASKED = 256
"""Different questions that may be worked on or wait at once."""
ASK_AGAIN = (b"cache-control", b"private, no-cache")
"""What every answer with an ETag says; a route that says so itself is asked each time."""

_COMPRESSED_FROM = 1_000
_LEVEL = 5
_ONCE = (b"etag", b"cache-control", b"content-length", b"vary", b"x-data-version")


@dataclass(frozen=True)
class Answer:
    """A whole answer, ready to be sent again.

    Attributes
    ----------
    version : DataVersion or None
        Of the data; None if nobody could tell.
    status : int
    lines : list of (bytes, bytes)
        Headers, without the length and the encoding.
    body, packed : bytes
        As it is, and compressed by gzip; `packed` is empty where that does not pay.
    route : object
        What answered.
    """

    version: DataVersion | None
    status: int
    lines: Lines
    body: bytes
    packed: bytes = b""
    route: Any = field(default=None, repr=False)

    @cached_property
    def etag(self) -> bytes:
        """Weak, since the compressed bytes are others."""
        return b'W/"' + hashlib.sha256(self.body).hexdigest()[:24].encode() + b'"'

    @cached_property
    def is_tagged(self) -> bool:
        """Whether a client that has it need not be sent it again."""
        return self.version is not None and self.status == 200 and (b"cache-control", b"no-store") not in self.lines

    @cached_property
    def may_be_kept(self) -> bool:
        """Whether it would be the same again while the data are."""
        return self.is_tagged and ASK_AGAIN not in self.lines

    @cached_property
    def lines_to_send(self) -> Lines:
        """Headers that go with it."""
        if not self.is_tagged:
            return [(name, value) for name, value in self.lines if name != b"content-length"]
        own = [(name, value) for name, value in self.lines if name not in _ONCE]
        return [
            *own,
            (b"etag", self.etag),
            ASK_AGAIN,
            (b"vary", b"accept-encoding"),
            (b"x-data-version", self.version.tag.encode() if self.version else b""),
        ]


class Answers:
    """The ASGI application around the API that keeps its answers.

    Parameters
    ----------
    app : ASGI application
    workspace : Workspace
        Asked for the version of its data at every request; best one that is kept open.
    metrics : Metrics
    most_bytes : int
        Kept at most; those that were not asked for the longest time go first.
    """

    def __init__(self, app: App, workspace: Workspace, metrics: Metrics, *, most_bytes: int = MOST_BYTES) -> None:
        self._app = app
        self._workspace = workspace
        self._metrics = metrics
        self._most_bytes = most_bytes
        self._kept: OrderedDict[tuple[str, bytes], Answer] = OrderedDict()
        self._bytes = 0
        self._asked: dict[tuple[DataVersion | None, str, bytes], asyncio.Task[Answer]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a GET of the API from memory if it can be; pass everything else on."""
        if scope["type"] != "http" or scope["method"] not in READING or not is_api(scope["path"]):
            await self._app(scope, receive, send)
            return
        version = await self._version()
        key = (scope["path"], scope["query_string"])
        answer = self._kept.get(key)
        if answer is not None and answer.version == version:
            self._kept.move_to_end(key)
            self._metrics.was_kept()
        else:
            if len(self._asked) >= MOST_ASKED:
                busy = Problem(
                    503, "busy", "too many questions at once", todo="ask again", headers={"retry-after": "1"}
                )
                await say_problem(scope, send, busy)
                return
            answer = await self._ask_once(scope, version)
        scope["route"] = answer.route
        await _say(answer, scope, send)

    async def _ask_once(self, scope: Scope, version: DataVersion | None) -> Answer:
        """Have the question answered, together with everybody who asks the same meanwhile."""
        key = (version, scope["path"], scope["query_string"])
        task = self._asked.get(key)
        if task is None:
            # A task of its own: whoever asked first may go away, and the others still want to know.
            task = asyncio.create_task(self._ask(dict(scope), version))
            self._asked[key] = task
            task.add_done_callback(lambda _: self._asked.pop(key, None))
        return await asyncio.shield(task)

    async def _ask(self, scope: Scope, version: DataVersion | None) -> Answer:
        # What an answer may depend on is in its key: nothing else of the request reaches the route.
        scope["method"] = "GET"
        scope["headers"] = [line for line in scope["headers"] if line[0] == b"host"]
        status, lines, parts = 500, [], []

        async def take(message: Message) -> None:
            nonlocal status, lines
            if message["type"] == "http.response.start":
                status, lines = message["status"], list(message.get("headers", ()))
            else:
                parts.append(message.get("body", b""))

        await self._app(scope, _no_body, take)
        body = b"".join(parts)
        answer = Answer(version, status, lines, body, await _packed(body), scope.get("route"))
        if answer.may_be_kept and await self._version() == version:
            # Were the data changed meanwhile, nobody could say which of them the answer is about.
            self._keep((scope["path"], scope["query_string"]), answer)
        return answer

    async def _version(self) -> DataVersion | None:
        """Return the version of the data, None if nobody can tell; a look into the lake is left to a thread."""
        pool = self._workspace.pool
        at_hand = pool.version_at_hand() if pool is not None else None
        if at_hand is not None:
            return at_hand
        try:
            return await asyncio.to_thread(self._workspace.data_version)
        except AssayError:  # which a route that needs the lake will meet again, and explain
            return None

    def _keep(self, key: tuple[str, bytes], answer: Answer) -> None:
        self._forget(key)
        self._kept[key] = answer
        self._bytes += _size(key, answer)
        while self._bytes > self._most_bytes:
            self._forget(next(iter(self._kept)))

    def _forget(self, key: tuple[str, bytes]) -> None:
        answer = self._kept.pop(key, None)
        if answer is not None:
            self._bytes -= _size(key, answer)


def _size(key: tuple[str, bytes], answer: Answer) -> int:
    return len(answer.body) + len(answer.packed) + len(key[0]) + len(key[1]) + 2_000


async def _no_body() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _packed(body: bytes) -> bytes:
    """Return the body compressed, or nothing where that does not pay."""
    if len(body) < _COMPRESSED_FROM:
        return b""
    return await asyncio.to_thread(gzip.compress, body, _LEVEL, mtime=0)


async def _say(answer: Answer, scope: Scope, send: Send) -> None:
    lines = answer.lines_to_send
    if answer.is_tagged:
        has = header(scope, b"if-none-match")
        if has is not None and names_etag(has, answer.etag):
            headers = [line for line in lines if line[0] != b"content-type"]
            await send({"type": "http.response.start", "status": 304, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
    body = answer.body
    if answer.packed and takes_gzip(header(scope, b"accept-encoding")):
        lines, body = [*lines, (b"content-encoding", b"gzip")], answer.packed
    await say(send, answer.status, lines, body, is_head=scope["method"] == "HEAD")


def names_etag(if_none_match: bytes, etag: bytes) -> bool:
    """Return whether the client has this answer; strong or weak makes no difference here (RFC 9110, 13.1.2).

    >>> names_etag(b'W/"a", "b"', b'W/"b"'), names_etag(b'"c"', b'W/"b"')
    (True, False)
    """
    tags = [tag.strip().removeprefix(b"W/") for tag in if_none_match.split(b",")]
    return b"*" in tags or etag.removeprefix(b"W/") in tags


def takes_gzip(accepted: bytes | None) -> bool:
    """Return whether a client that accepts these encodings takes gzip.

    >>> takes_gzip(b"br, gzip;q=0.5"), takes_gzip(b"gzip;q=0"), takes_gzip(None)
    (True, False, False)
    """
    for coding in (accepted or b"").split(b","):
        name, _, weight = coding.partition(b";")
        if name.strip() in (b"gzip", b"*"):
            return weight.replace(b" ", b"") not in (b"q=0", b"q=0.0", b"q=0.00", b"q=0.000")
    return False
