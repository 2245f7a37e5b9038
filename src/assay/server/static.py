"""Files that a browser may keep for ever: their address carries the hash of what is in them.

Each is read and compressed once and kept in memory, since there are few and they are asked for with every page.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from assay.api.asgi import READING, Lines, Receive, Scope, Send, header, say, say_problem
from assay.api.caching import names_etag, takes_gzip
from assay.api.problems import Problem
from assay.web.assets import STATIC_URL, asset_body, asset_path, modified_ns

_FOR_EVER = b"public, max-age=31536000, immutable"
_LOOK_AGAIN = b"no-cache"
_COMPRESSED_FROM = 500
_TEXT = ("text/", "application/javascript", "application/json", "image/svg+xml")


@dataclass(frozen=True, slots=True)
class _File:
    modified_ns: int
    body: bytes
    packed: bytes
    kind: bytes
    etag: bytes


class Static:
    """The ASGI application for ``/static/``."""

    def __init__(self) -> None:
        self._files: dict[Path, _File] = {}

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer with a file."""
        scope["route"] = self
        if scope["method"] not in READING:
            problem = Problem(405, "method-not-allowed", "a file is only for reading", scope["method"], "use GET")
            await say_problem(scope, send, problem)
            return
        path = asset_path(scope["path"].removeprefix(STATIC_URL)) if "\0" not in scope["path"] else None
        if path is None:
            await say_problem(scope, send, Problem(404, "not-found", "there is no such file", scope["path"]))
            return
        file = self._files.get(path)
        if file is None or file.modified_ns != modified_ns(path):
            file = self._files[path] = await asyncio.to_thread(_read, path)
        has = header(scope, b"if-none-match")
        if has is not None and names_etag(has, file.etag):
            await send({"type": "http.response.start", "status": 304, "headers": self._lines(scope, file)[1:]})
            await send({"type": "http.response.body", "body": b""})
            return
        lines, body = self._lines(scope, file), file.body
        if file.packed and takes_gzip(header(scope, b"accept-encoding")):
            lines, body = [*lines, (b"content-encoding", b"gzip")], file.packed
        await say(send, 200, lines, body, is_head=scope["method"] == "HEAD")

    @property
    def path(self) -> str:
        """What it is called among the routes."""
        return f"{STATIC_URL}{{file}}"

    @staticmethod
    def _lines(scope: Scope, file: _File) -> Lines:
        keeps = _FOR_EVER if scope["query_string"].startswith(b"v=") else _LOOK_AGAIN
        return [
            (b"content-type", file.kind),
            (b"cache-control", keeps),
            (b"etag", file.etag),
            (b"vary", b"accept-encoding"),
        ]


def _read(path: Path) -> _File:
    changed_ns, body = modified_ns(path), asset_body(path)
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    kind = "text/javascript" if path.suffix in (".js", ".mjs") else kind
    is_text = kind.startswith(_TEXT)
    packed = gzip.compress(body, 9, mtime=0) if is_text and len(body) >= _COMPRESSED_FROM else b""
    etag = b'W/"' + hashlib.sha256(body).hexdigest()[:24].encode() + b'"'
    charset = "; charset=utf-8" if is_text else ""
    return _File(changed_ns, body, packed, f"{kind}{charset}".encode(), etag)
