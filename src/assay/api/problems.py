"""What a program is told when something is wrong: one JSON object, as RFC 9457 has it.

>>> problem_of(BadInputError("unknown interval", value="7q", todo="use 1h")).document()["detail"]
"unknown interval: '7q'; use 1h"
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response

from assay.domain.errors import AssayError, BadInputError, HomeError, NoDataError, SettingsError, TransientError
from assay.lake.sealed import DamagedError

if TYPE_CHECKING:
    from collections.abc import Mapping

MEDIA_TYPE = "application/problem+json"
TYPES = {
    "bad-input": "A value of the request is not usable.",
    "no-data": "The lake is there and holds nothing that answers the request.",
    "not-found": "There is no such address.",
    "method-not-allowed": "The address is only for reading.",
    "too-large": "The request has a body that is too large.",
    "wrong-host": "The server was called by a name that is not its own.",
    "key-needed": "The request has no key, or one that is not known or revoked.",
    "key-not-enough": "The key is not meant for this.",
    "too-many-requests": "The key has made all the requests it may make in a minute.",
    "not-built": "The lake is missing or empty, or its tables have not been built yet.",
    "being-built": "The lake is being built for the first time.",
    "unavailable": "It does not work at the moment, and may when tried again.",
    "busy": "The server has too much to do.",
    "damaged": "A file does not say any more what was written; nothing is served by guessing what it said.",
    "internal": "A mistake in the server; its log has the reason under the id given.",
}
"""What can go wrong, by the last part of ``type``."""
_TYPE = "/api/v1/docs#problem-"
_LONGEST = 200
_RETRY_S = 5
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem.

    Attributes
    ----------
    status : int
        Of HTTP.
    kind : str
        One of :data:`TYPES`.
    what, todo : str
        As in :class:`~assay.domain.errors.AssayError`.
    value : object
        The offending value; cut to 200 characters where it is shown.
    instance : str
        Under which the log of the server has more.
    headers : mapping of str to str
        That go with the answer.
    """

    status: int
    kind: str
    what: str
    value: object = None
    todo: str = ""
    instance: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return the JSON object; every field but ``instance`` is always there."""
        value = None if self.value is None else _shown(self.value)
        detail = str(AssayError(_one_line(self.what), value=value, todo=_one_line(self.todo)))
        document = {
            "type": _TYPE + self.kind,
            "title": TYPES[self.kind],
            "status": self.status,
            "detail": detail,
            "value": value,
            "todo": self.todo,
        }
        return document | ({"instance": self.instance} if self.instance else {})

    def body(self) -> bytes:
        """Return the JSON text."""
        return msgspec.json.encode(self.document())

    def response(self) -> Response:
        """Return the answer."""
        return Response(self.body(), self.status, {"cache-control": "no-store", **self.headers}, MEDIA_TYPE)

    def lines(self) -> list[tuple[bytes, bytes]]:
        """Return the headers of the answer."""
        headers = {"content-type": MEDIA_TYPE, "cache-control": "no-store", **self.headers}
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


def problem_of(error: AssayError) -> Problem:
    """Return what an error of Assay's own is to a client."""
    status, kind = _status_of(error)
    headers = {"retry-after": str(_RETRY_S)} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    return Problem(status, kind, error.what, error.value, error.todo, headers=headers)


def _status_of(error: AssayError) -> tuple[int, str]:
    if isinstance(error, BadInputError) and not isinstance(error, SettingsError):
        return 400, "bad-input"
    if isinstance(error, NoDataError):
        return 404, "no-data"
    if isinstance(error, TransientError | HomeError):
        return 503, "unavailable"
    if isinstance(error, DamagedError):
        return 500, "damaged"
    return 500, "internal"


def unexpected(error: BaseException) -> Problem:
    """Log an error that nobody foresaw with its traceback; return a problem that names only the id of that entry."""
    instance = f"urn:assay:error:{secrets.token_hex(6)}"
    _log.error("unexpected=%s id=%s", type(error).__name__, instance, exc_info=error)
    return Problem(500, "internal", "internal error", todo="tell whoever runs the server the id", instance=instance)


def _shown(value: object) -> str:
    text = str(value)
    text = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    # Half a pair of surrogates, from bytes that are no UTF-8, has no place in JSON.
    return text.encode("utf-8", errors="replace").decode("utf-8")


def _one_line(text: str) -> str:
    return " ".join(_shown_whole(text).split())


def _shown_whole(text: str) -> str:
    return text.encode("utf-8", errors="replace").decode("utf-8")
