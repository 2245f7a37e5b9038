"""Moving bytes: one request out, one whole answer in, or an error that says whether anything left.

No retry, no budget and no reading of the body here; :mod:`assay.venues.retry` puts those around any
:class:`Transport`. What a venue asks of its callers is in the answer's headers, so :class:`Response` reads those.

>>> from datetime import datetime, UTC
>>> noon = datetime(2024, 1, 1, 12, tzinfo=UTC)
>>> Response(429, {"retry-after": "17"}, b"", asked_at=noon, received_at=noon).retry_after_s
17.0
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

from assay.domain.errors import TerminalError, TransientError
from assay.venues.spec import Request

_SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")


class TransportError(TransientError):
    """No whole answer came.

    Parameters
    ----------
    what : str
        What happened.
    request : Request
        What was asked; its parameters are not shown.
    was_sent : bool
        Whether the venue may have seen the request, and counted it.
    """

    def __init__(self, what: str, *, request: Request, was_sent: bool) -> None:
        super().__init__(what, value=f"{request.venue} {request.endpoint}", todo="it may work when tried again")
        self.was_sent = was_sent


class CertificateError(TerminalError):
    """Whoever answered could not show that they are the venue."""


class BodyTooLargeError(TerminalError):
    """The answer is larger than any answer of a venue."""


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer, whatever its status.

    Parameters
    ----------
    status : int
        HTTP status.
    headers : mapping of str to str
        By name in small letters.
    body : bytes
        As the venue wrote it; a compression for the way is undone.
    asked_at, received_at : datetime
        Before the request left, and when the last byte was there; UTC. The latter becomes ``known_at``.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    asked_at: datetime
    received_at: datetime

    @property
    def retry_after_s(self) -> float | None:
        """Seconds that the venue asks to wait from `received_at` on; None if it does not ask, or not in a known form.

        A date is read against the venue's own ``Date``, so that it does not matter how wrong our clock is.
        Reference: RFC 9110, section 10.2.3.
        """
        text = self.headers.get("retry-after", "").strip()
        if _SECONDS.fullmatch(text):
            return float(text)
        until = _http_date(text)
        if until is None:
            return None
        now = _http_date(self.headers.get("date", "")) or self.received_at
        return max(0.0, (until - now).total_seconds())

    @property
    def simulated(self) -> str:
        """Which simulated market answered, in the sandbox's words; empty if it was a real one."""
        return self.headers.get("x-assay-sandbox", "")

    @property
    def venue_time(self) -> datetime | None:
        """What the venue's clock said, to the second; None if the answer does not say.

        Reference: RFC 9110, section 6.6.1: ``Date`` is when the message was made.
        """
        return _http_date(self.headers.get("date", ""))


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None


class Transport(Protocol):
    """Sends a request and brings the answer."""

    async def send(self, request: Request) -> Response:
        """Return the answer.

        Raises
        ------
        TransientError
            If no answer came, or none that can be used, and another try may help.
        TerminalError
            If trying again cannot help.
        """
        ...
