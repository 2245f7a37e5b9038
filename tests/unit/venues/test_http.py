"""The HTTP transport against a real server that behaves in every way a server can misbehave."""

from __future__ import annotations

import asyncio
import gzip
import logging
import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import pytest

from assay import __version__
from assay.domain.clock import FrozenClock
from assay.domain.errors import BadInputError
from assay.venues.http import HttpOptions, HttpTransport
from assay.venues.transport import BodyTooLargeError, CertificateError, Response, TransportError
from tests.unit.venues.fake_time import NOON, FakeTime
from tests.unit.venues.scripted_server import QUESTION, Act, ScriptedServer, answer, drip, say_nothing

SHORT, PLENTY = HttpOptions(timeout_s=2), HttpOptions(timeout_s=60)
"""Even the short one is enough to connect and to ask on a machine that does other work."""


async def drop(_writer: asyncio.StreamWriter) -> None:
    """Close the connection without a word."""


def ask(*script: bytes | Act, options: HttpOptions = PLENTY) -> Response:
    async def run() -> Response:
        async with (
            ScriptedServer(*script) as server,
            HttpTransport(server.url, FrozenClock(NOON), options) as transport,
        ):
            return await transport.send(QUESTION)

    return asyncio.run(run())


def failure(*script: bytes | Act, options: HttpOptions = PLENTY) -> TransportError:
    with pytest.raises(TransportError) as caught:
        ask(*script, options=options)
    return caught.value


def test_whole_answer_comes_with_status_headers_and_body() -> None:
    response = ask(answer(418, b'{"code":-1003}', X_MBX_USED_WEIGHT_1M="2", Retry_After="120"))
    assert (response.status, response.body) == (418, b'{"code":-1003}')
    assert response.headers["x-mbx-used-weight-1m"] == "2"
    assert response.retry_after_s == 120


def test_question_is_on_the_wire_as_it_was_put() -> None:
    async def run() -> str:
        async with ScriptedServer(answer()) as server:
            async with HttpTransport(server.url + "/mirror", FrozenClock(NOON)) as transport:
                await transport.send(QUESTION)
            return server.seen[0]

    seen = asyncio.run(run())
    assert seen.startswith("GET /mirror/api/v3/klines?symbol=BTCUSDT HTTP/1.1\r\n")
    assert f"\r\nUser-Agent: assay/{__version__}\r\n" in seen


def test_answer_is_stamped_before_it_is_asked_and_after_its_last_byte() -> None:
    fake = FakeTime()

    async def late(writer: asyncio.StreamWriter) -> None:
        fake.passes(3)
        writer.write(answer())
        await writer.drain()

    async def run() -> Response:
        async with ScriptedServer(late) as server, HttpTransport(server.url, fake) as transport:
            return await transport.send(QUESTION)

    response = asyncio.run(run())
    assert response.asked_at == NOON
    assert (response.received_at - response.asked_at).total_seconds() == 3


def test_redirect_is_an_answer_and_is_not_followed() -> None:
    response = ask(answer(302, b"", location="/elsewhere"), answer(200, b"never"))
    assert (response.status, response.headers["location"]) == (302, "/elsewhere")


@pytest.mark.parametrize(
    "said",
    [
        answer(200, b"[1,2", content_length="900"),
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n[1,2",
        b"\x16\x03\x01 this is no HTTP at all\r\n\r\n",
        b"HTTP/1.1 two-hundred\r\n\r\n",
        answer(200, b"not gzip", content_encoding="gzip"),
        drop,
    ],
    ids=["body cut off", "headers cut off", "chunk cut off", "garbage", "no status", "false gzip", "closed"],
)
def test_half_an_answer_is_no_answer_and_may_have_been_counted(said: bytes | Act) -> None:
    assert failure(said).was_sent


def test_silent_server_is_left_in_time() -> None:
    error = failure(say_nothing, options=SHORT)
    assert error.was_sent
    assert "within 2 s" in str(error)


def test_server_that_drips_is_left_although_every_byte_is_in_time() -> None:
    # 200 bytes, one every 50 ms: each far within the time-out, all of them far beyond it.
    assert "within 2 s" in str(failure(drip(answer(200, b" " * 150), 0.05), options=SHORT))


def test_nobody_listening_means_that_nothing_was_sent() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # bound, but not listening: the system refuses connections
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"

        async def run() -> None:
            async with HttpTransport(url, FrozenClock(NOON)) as transport:
                await transport.send(QUESTION)

        with pytest.raises(TransportError, match="no connection") as caught:
            asyncio.run(run())
    assert not caught.value.was_sent


def test_body_of_exactly_the_largest_size_is_read_and_one_byte_more_is_not() -> None:
    options = HttpOptions(timeout_s=60, max_body_bytes=1_000)
    assert len(ask(answer(200, b"x" * 1_000), options=options).body) == 1_000
    with pytest.raises(BodyTooLargeError, match="1000 bytes"):
        ask(answer(200, b"x" * 1_001), options=options)


def test_small_body_that_unpacks_to_a_large_one_is_refused() -> None:
    bomb = gzip.compress(b"0" * 1_000_000)
    assert len(bomb) < 2_000
    with pytest.raises(BodyTooLargeError):
        ask(answer(200, bomb, content_encoding="gzip"), options=HttpOptions(timeout_s=60, max_body_bytes=100_000))


def test_compressed_body_arrives_as_the_venue_wrote_it() -> None:
    assert ask(answer(200, gzip.compress(b'[["0.10"]]'), content_encoding="gzip")).body == b'[["0.10"]]'


def test_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert ask(answer()).status == 200


def test_key_in_a_header_is_sent_and_stands_in_no_log_and_no_error(caplog: pytest.LogCaptureFixture) -> None:
    options = HttpOptions(timeout_s=60, headers={"x-cg-demo-api-key": "CG-s3cret"})

    async def run() -> tuple[str, TransportError]:
        async with ScriptedServer(answer(), drop) as server:
            async with HttpTransport(server.url, FrozenClock(NOON), options) as transport:
                await transport.send(QUESTION)
                with pytest.raises(TransportError) as caught:
                    await transport.send(QUESTION)
            return server.seen[0], caught.value

    with caplog.at_level(logging.DEBUG):
        seen, error = asyncio.run(run())
    assert "x-cg-demo-api-key: CG-s3cret" in seen
    assert caplog.records != []
    assert "s3cret" not in caplog.text + str(error) + repr(error) + repr(options)


@pytest.mark.parametrize(
    "url", ["", "api.binance.com", "ftp://x", "https://", "https://x/?key=1", "http://x:y", "https://x/#a"]
)
def test_what_is_no_base_url_is_refused(url: str) -> None:
    with pytest.raises(BadInputError, match="not a base URL"):
        HttpTransport(url, FrozenClock(NOON))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a certificate for 127.0.0.1 that nobody signed, with its key in the same file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl program to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    key, signed = folder / "key.pem", folder / "certificate.pem"
    words = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    files = ["-keyout", str(key), "-out", str(signed)]
    whose = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*words, *files, *whose], check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_bytes(key.read_bytes() + signed.read_bytes())
    return both


def over_tls(certificate: Path, *, trusted: bool) -> Response:
    ours = ssl.create_default_context(cafile=certificate) if trusted else None
    options = HttpOptions(timeout_s=60, tls=ours)

    async def run() -> Response:
        server = ScriptedServer(answer(), tls=server_tls(certificate))
        async with server, HttpTransport(server.url, FrozenClock(NOON), options) as transport:
            return await transport.send(QUESTION)

    return asyncio.run(run())


def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def test_stranger_with_a_certificate_of_his_own_is_refused_for_good(certificate: Path) -> None:
    with pytest.raises(CertificateError, match="binance has no valid certificate"):
        over_tls(certificate, trusted=False)


def test_certificate_of_a_trusted_authority_is_accepted(certificate: Path) -> None:
    assert over_tls(certificate, trusted=True).status == 200


@pytest.mark.parametrize(("http2", "first_words"), [(True, "PRI * HTTP/2.0"), (False, "GET /api/v3/klines")])
def test_http2_is_spoken_only_when_asked_for(certificate: Path, http2: bool, first_words: str) -> None:
    options = HttpOptions(timeout_s=60, tls=ssl.create_default_context(cafile=certificate), http2=http2)

    async def run() -> str:
        server = ScriptedServer(drop, tls=server_tls(certificate))
        async with server, HttpTransport(server.url, FrozenClock(NOON), options) as transport:
            with pytest.raises(TransportError):
                await transport.send(QUESTION)
        return server.seen[0]

    assert asyncio.run(run()).startswith(first_words)
