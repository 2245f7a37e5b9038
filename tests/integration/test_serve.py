"""The server as a process: how it begins and ends, and what it says of a lake that is not there, or being built."""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from assay.domain.errors import BadInputError, SettingsError
from assay.lake.lock import file_lock, is_writer_locked
from assay.pipelines.building import build
from assay.server import listen
from assay.settings import ServeSettings
from tests.integration.command import PATIENCE_S, Command, clone, environment, finished, words_of
from tests.integration.conftest import NOW, bring_in, open_frozen
from tests.integration.homes import share_project
from tests.made_klines import hourly, write_csv


@contextlib.contextmanager
def server(home: Path, *words: str, **variables: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Yield a server in a process of its own, on a free port, and its address."""
    process = subprocess.Popen(
        words_of(home, "serve", "--port", "0", *words),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(**variables),
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://[^\s\"]+", line)
        assert found, f"{line!r} {process.stderr.read() if process.stderr else ''}"
        yield process, found.group()
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def get(url: str, path: str, **headers: str) -> httpx.Response:
    return httpx.get(url + path, headers=headers, timeout=PATIENCE_S)


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_server_answers_and_ends_in_order(built: Path, tmp_path: Path, number: int, code: int, word: str) -> None:
    home = clone(built, tmp_path / "home")
    with server(home) as (process, url):
        assert get(url, "/api/v1/health/ready").json()["status"] == "ok"
        assert get(url, "/api/v1/pairs").json()["pairs"][0]["symbol"] == "BTC-USDT"
        assert get(url, "/dashboard/").status_code == 200
        with socket.create_connection(tuple(url.removeprefix("http://").split(":"))) as idle:  # type: ignore[arg-type]
            idle.sendall(b"GET /api/v1/pairs HTTP/1.1\r\n")  # a client that never finishes does not keep it from ending
            process.send_signal(number)
            _, err = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, err) == (code, f"assay: {word}\n")


def test_servers_that_start_at_once_on_a_new_home_make_its_accounts_once(tmp_path: Path) -> None:
    def answered(_number: int) -> int:
        with server(tmp_path / "home") as (_, url):
            return get(url, "/accounts/login/").status_code

    with ThreadPoolExecutor(3) as at_once:
        assert list(at_once.map(answered, range(3))) == [200] * 3


def test_json_says_one_document_also_when_it_is_interrupted(built: Path, tmp_path: Path) -> None:
    with server(clone(built, tmp_path / "home"), "--json") as (process, url):
        assert url.startswith("http://127.0.0.1:")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, out, err) == (130, "", "assay: interrupted\n")


def test_port_that_is_taken_is_said_before_anything_else(assay: Command) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = assay("serve", "--port", str(port))
    assert said.code == 2
    assert said.is_one_line()
    assert "the port is taken" in said.err
    assert "--port" in said.err


@pytest.mark.parametrize("host", ["no.such.host.invalid", "300.1.1.1", "192.0.2.1", "a b", "", "::g"])
def test_address_that_is_not_here_is_refused(assay: Command, host: str) -> None:
    said = assay("serve", "--host", host, "--port", "0")
    assert said.code == 2
    assert said.is_one_line()


def test_address_that_others_can_reach_needs_a_name() -> None:
    with pytest.raises(SettingsError, match="others can reach"):
        listen(ServeSettings(host="0.0.0.0", port=0))
    with pytest.raises(SettingsError, match="require_keys needs logins"):
        listen(ServeSettings(require_keys=True, require_login=False, port=0))
    place = listen(ServeSettings(host="0.0.0.0", port=0, public_url="https://assay.example.org"))
    place.socket.close()
    assert place.url == f"http://127.0.0.1:{place.port}"
    with pytest.raises(BadInputError, match="cannot listen"):
        listen(ServeSettings(host="192.0.2.1", port=0, allowed_hosts=("x",)))


def test_server_that_others_can_reach_wants_a_login_and_answers_to_its_name(built: Path, tmp_path: Path) -> None:
    home = clone(built, tmp_path / "home")
    public = "https://assay.example.org"
    with server(home, "--host", "0.0.0.0", ASSAY_SERVE__PUBLIC_URL=public) as (_, url):
        through = {"Host": "assay.example.org", "X-Forwarded-Proto": "https"}
        assert get(url, "/api/v1/pairs", **through).status_code == 401
        page = get(url, "/dashboard/", **through)
        assert page.status_code == 302
        assert page.headers["location"].startswith("/accounts/login/")
        assert page.headers["strict-transport-security"]
        login = get(url, "/accounts/login/", **through)
        assert "secure" in login.headers["set-cookie"].lower()
        assert get(url, "/api/v1/health/live", Host="evil.example").status_code == 400
        secret = home / "secret.key"
        assert secret.stat().st_mode & 0o777 == 0o600


def test_home_without_a_lake_is_served_and_says_what_to_do(tmp_path: Path) -> None:
    with server(tmp_path / "new") as (_, url):
        assert get(url, "/api/v1/health/live").status_code == 200
        for path in (
            "/api/v1/health/ready",
            "/api/v1/market-overview",
            "/api/v1/klines?symbol=BTC-USDT",
            "/predict?date=2024-01-01&hour=3",
        ):
            found = get(url, path)
            assert (found.status_code, found.headers["retry-after"]) == (503, "10")
            assert found.json()["type"].endswith("not-built")
            assert "assay run" in found.json()["todo"] or "assay build" in found.json()["todo"]
        assert get(url, "/api/v1/status").json()["is_built"] is False
        assert "assay_lake_ready 0.0" in get(url, "/api/v1/metrics").text
        assert get(url, "/dashboard/").status_code in (200, 503)
        with file_lock(tmp_path / "new" / "lake" / "writer.lock", timeout_s=0):
            found = get(url, "/api/v1/health/ready")
            assert found.json()["type"].endswith("being-built")
        # Built beside the running server: it is there with the next question.
        workspace = open_frozen(tmp_path / "new", NOW)
        bring_in(workspace, write_csv(tmp_path / "a.csv", hourly(30)), recorded_at=NOW)
        build(workspace)
        assert get(url, "/api/v1/health/ready").status_code == 200
        assert get(url, "/api/v1/pairs").json()["pairs"][0]["symbol"] == "BTC-USDT"


def test_lake_that_is_taken_away_under_the_server_is_said_and_comes_back(built: Path, tmp_path: Path) -> None:
    home = clone(built, tmp_path / "home")
    with server(home) as (_, url):
        assert get(url, "/api/v1/pairs").status_code == 200
        shutil.move(home / "lake", tmp_path / "lake")
        found = get(url, "/api/v1/klines?symbol=BTC-USDT")
        assert found.status_code == 503, found.text
        assert get(url, "/api/v1/health/live").status_code == 200
        assert get(url, "/api/v1/health/ready").status_code == 503
        assert get(url, "/dashboard/").status_code in (200, 503)
        shutil.move(tmp_path / "lake", home / "lake")
        assert get(url, "/api/v1/klines?symbol=BTC-USDT").status_code == 200


def test_damaged_catalogue_is_a_problem_and_no_stack_trace(built: Path, tmp_path: Path) -> None:
    home = clone(built, tmp_path / "home")
    (home / "lake" / "catalog.sqlite").write_bytes(b"this is no database" * 1_000)
    with server(home) as (_, url):
        for path in ("/api/v1/pairs", "/api/v1/health/ready", "/api/v1/status"):
            found = get(url, path)
            assert found.status_code == 503, found.text
            assert found.json()["todo"]
        assert get(url, "/api/v1/health/live").status_code == 200
        assert get(url, "/api/v1/metrics").status_code == 200


def started(home: Path, *words: str) -> subprocess.Popen[str]:
    """Return a command of Assay that runs beside the test."""
    return subprocess.Popen(
        words_of(home, *words), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_every_answer_while_the_lake_is_rebuilt_and_the_writer_killed_is_of_one_state(
    built: Path, tmp_path: Path
) -> None:
    home = clone(built, tmp_path / "home")
    workspace = open_frozen(home, NOW)
    bring_in(workspace, write_csv(tmp_path / "eth.csv", hourly(50)), "ETH-USDT", recorded_at=NOW)
    seen: list[tuple[int, tuple[str, ...]]] = []
    is_over = threading.Event()

    def read(url: str) -> None:
        with httpx.Client(base_url=url, timeout=PATIENCE_S) as client:
            number = 0
            while not is_over.is_set():
                number += 1
                # An address of its own each time, so that no answer is a kept one.
                found = client.get(f"/api/v1/pairs?venue=binance{'&' * number}")
                pairs = found.json().get("pairs", ())
                seen.append((found.status_code, tuple(pair["symbol"] for pair in pairs)))
                time.sleep(0.02)  # the build needs the processor as well

    def wait_until(is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not is_so():
            assert time.monotonic() < deadline, seen[-3:]
            assert all(reader.is_alive() for reader in readers)
            time.sleep(0.02)

    share_project(home)
    with server(home) as (process, url):
        readers = [threading.Thread(target=read, args=(url,)) for _ in range(2)]
        for reader in readers:
            reader.start()
        try:
            wait_until(lambda: len(seen) > 2)
            killed = started(home, "build")
            wait_until(lambda: is_writer_locked(workspace.home) or killed.poll() is not None)
            time.sleep(1.0)
            killed.kill()
            finished(killed)
            said = finished(started(home, "build", "--full-refresh"))
            assert said.code == 0, said.err
            wait_until(lambda: len(seen) > 20 and len(seen[-1][1]) == 2)
        finally:
            is_over.set()
            for reader in readers:
                reader.join()
        assert get(url, "/api/v1/health/ready").status_code == 200
        assert process.poll() is None
    assert {status for status, _ in seen} == {200}
    assert {pairs for _, pairs in seen} == {("BTC-USDT",), ("BTC-USDT", "ETH-USDT")}
