"""Who may read when not everybody may: keys, their limits, and people who have logged in."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from assay.api.keys import REMEMBERED_S, Gate
from assay.domain.clock import FrozenClock
from assay.pipelines.workspace import Workspace, open_workspace
from assay.settings import ServeSettings, Settings
from tests.integration.command import Command, clone
from tests.integration.conftest import NOW
from tests.integration.served import Client, serving

PAIRS = "/api/v1/pairs"


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory, built: Path) -> Workspace:
    home = clone(built, tmp_path_factory.mktemp("closed") / "home")
    return open_workspace(Settings(home=home, serve=ServeSettings(require_keys=True)), clock=FrozenClock(NOW))


@pytest.fixture(scope="module")
def api(closed: Workspace) -> Iterator[Client]:
    with serving(closed) as client:
        yield client


@pytest.fixture
def assay(closed: Workspace, api: Client, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return the command on the home that is served; a command and the server share Django in this process."""
    return Command(capsys, closed.home.root)


def make_key(assay: Command, name: str = "a notebook", *more: str) -> str:
    said = assay("keys", "create", name, *more, "--json")
    assert said.code == 0, said.err
    return str(said.document["key"])


def test_without_a_key_nothing_of_the_lake_is_told(api: Client) -> None:
    for path in (PAIRS, "/predict?date=2024-01-01&hour=3", "/api/v1/status", "/api/v1/metrics", "/api/v1/made-up"):
        found = api.problem(path, 401)
        assert found["type"].endswith("key-needed")
        assert "BTC" not in str(found)
    assert api.get(PAIRS).headers["www-authenticate"].startswith("Bearer")
    for path in ("/api/v1/health/live", "/api/v1/health/ready", "/api/v1/openapi.json"):
        assert api.get(path).status_code == 200


def test_key_opens_the_api_in_either_header(api: Client, assay: Command) -> None:
    key = make_key(assay)
    assert key.startswith("assay_")
    for headers in ({"Authorization": f"Bearer {key}"}, {"Authorization": f"bearer {key}"}, {"X_API_Key": key}):
        assert api.get(PAIRS, **headers).status_code == 200


@pytest.mark.parametrize("given", ["", "assay_", "assay_" + "A" * 43, "x" * 100_000, "' or 1=1 --"])
def test_key_that_is_none_is_refused(api: Client, given: str) -> None:
    shown = api.problem(PAIRS, 401, X_API_Key=given.encode("latin-1").decode("latin-1"))
    assert len(given) < 20 or given not in str(shown)


def test_key_that_was_altered_is_refused(api: Client, assay: Command) -> None:
    key = make_key(assay)
    altered = key[:-1] + ("A" if key[-1] != "A" else "B")
    api.problem(PAIRS, 401, X_API_Key=altered)
    assert api.get(PAIRS, X_API_Key=key).status_code == 200


def test_kept_answer_is_not_given_to_those_without_a_key(api: Client, assay: Command) -> None:
    key = make_key(assay)
    first = api.get(PAIRS, X_API_Key=key)
    assert first.headers["cache-control"] == "private, no-cache"
    api.problem(PAIRS, 401)
    api.problem(PAIRS, 401, If_None_Match=first.headers["etag"])


def test_key_makes_only_so_many_requests_a_minute(api: Client, assay: Command) -> None:
    key = make_key(assay, "a few", "--per-minute", "3")
    other = make_key(assay, "another")
    assert [api.get(PAIRS, X_API_Key=key).status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = api.get(PAIRS, X_API_Key=key)
    # Three a minute are one in 20 seconds.
    assert 1 <= int(refused.headers["retry-after"]) <= 21
    assert refused.json()["type"].endswith("too-many-requests")
    assert api.get(PAIRS, X_API_Key=other).status_code == 200


def test_limit_is_filled_up_again_as_time_goes_on(closed: Workspace, api: Client, assay: Command) -> None:
    key = make_key(assay, "slow", "--per-minute", "2")
    now_s = 1_000.0

    async def answers(scope: object, receive: object, send: object) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]

    client = Client(Gate(answers, closed.clock, elapsed=lambda: now_s))
    assert [client.get(PAIRS, X_API_Key=key).status_code for _ in range(3)] == [200, 200, 429]
    now_s += 29.0
    assert client.get(PAIRS, X_API_Key=key).status_code == 429
    now_s += 2.0
    assert [client.get(PAIRS, X_API_Key=key).status_code for _ in range(2)] == [200, 429]


def test_revoked_key_is_forgotten_within_seconds(closed: Workspace, api: Client, assay: Command) -> None:
    key = make_key(assay, "leaves")
    now_s = 1_000.0

    async def answers(scope: object, receive: object, send: object) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]

    client = Client(Gate(answers, closed.clock, elapsed=lambda: now_s))
    assert client.get(PAIRS, X_API_Key=key).status_code == 200
    said = assay("keys", "revoke", key[:12], "--json")
    assert said.code == 0
    assert said.document["revoked_at"]
    now_s += REMEMBERED_S + 0.1
    client.problem(PAIRS, 401, X_API_Key=key)
    assert assay("keys", "revoke", key[:12]).code == 0  # again changes nothing


def test_list_shows_how_keys_begin_and_never_the_rest(api: Client, assay: Command) -> None:
    key = make_key(assay, "listed")
    api.get(PAIRS, X_API_Key=key)
    said = assay("keys", "list")
    assert key[:12] in said.out
    assert key[:13] not in said.out
    row = next(one for one in assay("keys", "list", "--json").document if one["name"] == "listed")
    assert (row["prefix"], row["scopes"], row["per_minute"]) == (key[:12], ["read"], 600)
    assert row["last_used_at"] is not None
    home = assay.home
    for file in (home / "app.sqlite3", home / "app.sqlite3-wal"):
        assert not file.exists() or key.encode() not in file.read_bytes()


@pytest.mark.parametrize(
    "words", [("create", ""), ("create", " "), ("create", "x" * 101), ("revoke", "nobody"), ("revoke", "")]
)
def test_bad_key_command_is_refused_in_one_line(api: Client, assay: Command, words: tuple[str, ...]) -> None:
    said = assay("keys", *words)
    assert said.code == 2
    assert said.is_one_line()


def test_keys_are_never_in_the_log(api: Client, assay: Command, caplog: pytest.LogCaptureFixture) -> None:
    key = make_key(assay, "unlogged")
    with caplog.at_level(logging.DEBUG, logger="assay.access"):
        api.get(PAIRS, X_API_Key=key)
        api.get(PAIRS, Authorization=f"Bearer {key}x")
    lines = [record.getMessage() for record in caplog.records if record.name == "assay.access"]
    assert [("status=200" in line, "status=401" in line) for line in lines] == [(True, False), (False, True)]
    assert key not in caplog.text


def test_line_of_the_log_cannot_be_forged(api: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="assay.access"):
        api.get("/api/v1/x%0Amethod=GET%20path=forged")
    (line,) = [record.getMessage() for record in caplog.records if record.name == "assay.access"]
    assert "\n" not in line
    assert "%0A" in line


def test_person_who_has_logged_in_reads_without_a_key(
    api: Client, assay: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    from django.contrib.auth import get_user_model
    from django.test import Client as Browser

    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    said = assay("users", "create", "ann", "--json")
    assert said.document == {"name": "ann", "is_staff": False}
    browser = Browser()
    assert browser.login(username="ann", password="correct horse battery")
    cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in browser.cookies.items())
    assert api.get(PAIRS, Cookie=cookie).status_code == 200
    api.problem(PAIRS, 401, Cookie=cookie + "x")
    get_user_model().objects.filter(username="ann").update(is_active=False)
    fresh = Client(Gate(api.app, FrozenClock(NOW + timedelta(hours=1))))  # remembers nobody
    fresh.problem(PAIRS, 401, Cookie=cookie)


@pytest.mark.parametrize("password", ["", "7Zx", "12345678", "iloveyou"])
def test_weak_password_is_refused(assay: Command, monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))
    said = assay("users", "create", "bob")
    assert said.code == 2
    assert said.is_one_line()
    assert not password or password not in said.err


def test_name_that_is_taken_or_none_is_refused(assay: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n" * 2))
    assert assay("users", "create", "carol", "--staff").code == 0
    for name in ("carol", "", "a b", "x" * 151):
        assert assay("users", "create", name).code == 2
