"""The transport that leaves the machine: HTTPS through httpx.

It reads no environment (a proxy or a certificate authority is an argument), follows no redirect (a venue that moves is
a change of settings, not a surprise), reads no body without end, and takes no longer than `timeout_s` in all: httpx
alone limits each step, so that a server sending a byte a second would hold it for ever. Keys go into `headers`, since
httpx logs addresses with their parameters.

>>> from datetime import datetime, UTC
>>> from assay.domain.clock import FrozenClock
>>> HttpTransport("api.binance.com", FrozenClock(datetime(2024, 1, 1, tzinfo=UTC)))
Traceback (most recent call last):
...
assay.domain.errors.BadInputError: not a base URL: 'api.binance.com'; write it like https://api.binance.com
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import httpx

from assay import __version__
from assay.domain.clock import Clock
from assay.domain.errors import BadInputError
from assay.venues.spec import Request
from assay.venues.transport import BodyTooLargeError, CertificateError, Response, TransportError

USER_AGENT = f"assay/{__version__}"
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """How a venue is reached.

    Parameters
    ----------
    timeout_s : float
        Seconds from asking for a connection to the last byte. Waiting for one of `max_connections` counts.
    max_body_bytes : int
        The largest body to read, unpacked. Binance's exchangeInfo, the largest answer known, is about 15 MB.
    max_connections : int
        Requests on their way at once; over HTTP/2 they share a connection.
    headers : mapping of str to str
        Sent with every request, such as a key; never logged.
    proxy : str, optional
        URL of a proxy.
    tls : ssl.SSLContext, optional
        Whom to trust; None: the authorities that certifi lists.
    http2 : bool
        Whether to offer HTTP/2.
    """

    timeout_s: float = 30.0
    max_body_bytes: int = 64 * 2**20
    max_connections: int = 16
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    proxy: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None
    http2: bool = False


class HttpTransport:
    """A :class:`Transport` to one base URL; close it, or use it in ``async with``.

    Parameters
    ----------
    base_url : str
        Where the venue is, such as ``https://api.binance.com``; paths are appended.
    clock : Clock
        Stamps the answers.
    options : HttpOptions
        Limits and the way there.

    Raises
    ------
    BadInputError
        If `base_url` is no HTTP address.
    """

    def __init__(self, base_url: str, clock: Clock, options: HttpOptions = HttpOptions()) -> None:
        self._clock = clock
        self._options = options
        self._client = httpx.AsyncClient(
            base_url=_checked(base_url),
            headers={**options.headers, "User-Agent": USER_AGENT, "Accept": "application/json"},
            timeout=options.timeout_s,
            limits=httpx.Limits(max_connections=options.max_connections),
            follow_redirects=False,
            trust_env=False,
            proxy=options.proxy,
            verify=True if options.tls is None else options.tls,
            http2=options.http2,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def send(self, request: Request) -> Response:
        """Send `request` by GET and return the whole answer, whatever its status.

        Raises
        ------
        TransportError
            If no whole answer came in time.
        CertificateError
            If the other side is not who it should be.
        BodyTooLargeError
            If the body has no end in sight.
        """
        try:
            async with asyncio.timeout(self._options.timeout_s):
                return await self._exchange(request)
        except _NEVER_SENT as error:
            if _is_about_certificate(error):
                todo = "check the base URL, the proxy and the machine's date"
                raise CertificateError(f"{request.venue} has no valid certificate", value=error, todo=todo) from error
            raise TransportError("no connection", request=request, was_sent=False) from error
        except (TimeoutError, httpx.TimeoutException) as error:
            what = f"no whole answer within {self._options.timeout_s:g} s"
            raise TransportError(what, request=request, was_sent=True) from error
        except httpx.DecodingError as error:
            raise TransportError("a body that cannot be unpacked", request=request, was_sent=True) from error
        except httpx.TransportError as error:
            raise TransportError("the connection broke off", request=request, was_sent=True) from error

    async def _exchange(self, request: Request) -> Response:
        asked_at = self._clock.now()
        async with self._client.stream("GET", request.path, params=list(request.sent)) as answer:
            body = bytearray()
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > self._options.max_body_bytes:
                    what = f"{request.venue} {request.endpoint} answers with more than can be read"
                    raise BodyTooLargeError(what, value=f"{self._options.max_body_bytes} bytes")
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(answer.status_code, headers, bytes(body), asked_at=asked_at, received_at=self._clock.now())


def _checked(base_url: str) -> str:
    todo = "write it like https://api.binance.com"
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL:
        raise BadInputError("not a base URL", value=base_url, todo=todo) from None
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment:
        raise BadInputError("not a base URL", value=base_url, todo=todo)
    return base_url


def _is_about_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
