"""Who may read the API when not everybody may: a program with a key, or a person who has logged in to the site.

What is known of a key or a session is remembered for some seconds, so that not every request opens the database; for
so long a key that was revoked still works. Neither is ever written to a log.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, TypeVar

from assay.api.asgi import App, Receive, Scope, Send, header, is_api, say_problem
from assay.api.asked import PREFIX
from assay.api.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from assay.appdb.keys import KeyInfo
    from assay.domain.clock import Clock

OPEN = frozenset({f"{PREFIX}/health/live", f"{PREFIX}/health/ready", f"{PREFIX}/openapi.json", f"{PREFIX}/docs"})
"""Addresses that hold nothing of the lake."""
REMEMBERED_S = 5.0
_MOST_REMEMBERED = 10_000
_MINUTE_S = 60.0
_What = TypeVar("_What")


@dataclass(slots=True)
class _Bucket:
    """Requests that a key has left: filled up evenly, to those of a minute at most."""

    left: float
    at_s: float

    def take(self, per_minute: int, now_s: float) -> float:
        """Take one request; return 0, or the seconds until there is one."""
        rate = per_minute / _MINUTE_S
        self.left = min(float(per_minute), self.left + (now_s - self.at_s) * rate)
        self.at_s = now_s
        if self.left < 1.0:
            return (1.0 - self.left) / rate
        self.left -= 1.0
        return 0.0


class Gate:
    """The ASGI application in front of the API when it is not open.

    Parameters
    ----------
    app : ASGI application
    clock : Clock
        Says when a key was used last.
    elapsed : callable
        Seconds that go on evenly.
    """

    def __init__(self, app: App, clock: Clock, *, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._clock = clock
        self._elapsed = elapsed
        self._keys: OrderedDict[str, tuple[float, KeyInfo | None]] = OrderedDict()
        self._sessions: OrderedDict[str, tuple[float, bool]] = OrderedDict()
        self._buckets: dict[str, _Bucket] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on if it may be."""
        if scope["type"] == "http" and is_api(scope["path"]) and scope["path"] not in OPEN:
            refused = await self._refusal(scope)
            if refused is not None:
                await say_problem(scope, send, refused)
                return
        await self._app(scope, receive, send)

    async def _refusal(self, scope: Scope) -> Problem | None:
        token = _token(scope)
        if token is None:
            return None if await self._is_logged_in(scope) else _no_key("no key was given")
        key = await self._key(token)
        if key is None:
            return _no_key("the key is unknown or revoked")
        if "read" not in key.scopes:
            return Problem(403, "key-not-enough", "the key is not meant for reading", key.prefix, "use another key")
        now_s = self._elapsed()
        bucket = self._buckets.setdefault(key.prefix, _Bucket(float(key.per_minute), now_s))
        wait_s = bucket.take(key.per_minute, now_s)
        if not wait_s:
            return None
        headers = {"retry-after": str(int(wait_s) + 1)}
        what = f"the key may make {key.per_minute:,} requests a minute"
        return Problem(429, "too-many-requests", what, todo=f"wait {int(wait_s) + 1} s", headers=headers)

    async def _key(self, token: str) -> KeyInfo | None:
        digest = hashlib.sha256(token.encode()).hexdigest()
        known = self._keys.get(digest)
        if known is None or self._elapsed() - known[0] > REMEMBERED_S:
            known = (self._elapsed(), await asyncio.to_thread(_look_up, token, self._clock.now()))
            _remember(self._keys, digest, known)
        return known[1]

    async def _is_logged_in(self, scope: Scope) -> bool:
        session = _session(header(scope, b"cookie"))
        if session is None:
            return False
        digest = hashlib.sha256(session.encode()).hexdigest()
        known = self._sessions.get(digest)
        if known is None or self._elapsed() - known[0] > REMEMBERED_S:
            known = (self._elapsed(), await asyncio.to_thread(_is_logged_in, session))
            _remember(self._sessions, digest, known)
        return known[1]


def _remember(known: OrderedDict[str, _What], digest: str, what: _What) -> None:
    known[digest] = what
    known.move_to_end(digest)
    if len(known) > _MOST_REMEMBERED:
        known.popitem(last=False)


def _token(scope: Scope) -> str | None:
    """Return the key that a request brings, if it brings one."""
    given = header(scope, b"x-api-key")
    if given is None:
        kind, _, given = (header(scope, b"authorization") or b"").partition(b" ")
        if kind.lower() != b"bearer":
            return None
    return given.strip().decode("latin-1") or None


def _no_key(what: str) -> Problem:
    todo = "send `Authorization: Bearer <key>` or `X-API-Key: <key>`; `assay keys create` makes one"
    return Problem(401, "key-needed", what, todo=todo, headers={"www-authenticate": 'Bearer realm="assay"'})


def _look_up(token: str, now: datetime) -> KeyInfo | None:
    from assay.appdb.keys import find_key  # noqa: PLC0415  # Django is configured by now

    return find_key(token, now)


def _session(cookies: bytes | None) -> str | None:
    from assay.appdb.sessions import cookie_name  # noqa: PLC0415

    try:
        found = SimpleCookie((cookies or b"").decode("latin-1")).get(cookie_name())
    except CookieError:
        return None
    return found.value if found else None


def _is_logged_in(session: str) -> bool:
    from assay.appdb.sessions import is_logged_in  # noqa: PLC0415

    return is_logged_in(session)
