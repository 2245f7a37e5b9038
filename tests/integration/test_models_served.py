"""Models as they are shown and served: pages, /models, /signals, and the client that asks over HTTP."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from assay.cli.client import KEY_VARIABLE
from assay.domain.clock import FrozenClock
from assay.domain.model_key import ModelKey
from assay.lake.model_aliases import promote, read_aliases
from assay.lake.model_store import folder_of
from assay.lake.sealed import Author, documents_of
from assay.pipelines.workspace import Workspace
from assay.selectors.predictions import predictions
from assay.selectors.signals import signals
from assay.selectors.track_record import WhichRecord, track_record
from tests.integration.command import Command, clone
from tests.integration.registered import HOSTILE, SERIES, TASK, Registered, register_models
from tests.integration.served import Client, Home, served_home, serving
from tests.integration.visitor import Visitor

API = "/api/v1"
PAGE = "/predictions/?series=BTC-USDT&task=direction_24h"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return served_home(tmp_path_factory)


@pytest.fixture(scope="module")
def versions(home: Home) -> Registered:
    return register_models(home.workspace(), home.second)


@pytest.fixture(scope="module")
def kept(home: Home, versions: Registered) -> Iterator[Workspace]:
    with home.workspace().kept_open() as workspace:
        yield workspace


@pytest.fixture(scope="module")
def api(kept: Workspace) -> Iterator[Client]:
    with serving(kept) as client:
        yield client


@pytest.fixture
def site(kept: Workspace) -> Visitor:
    return Visitor(kept)


def words(html: str) -> str:
    """Return what a reader sees, without marks and with single blanks."""
    return " ".join(unescape(re.sub(r"<script.*?</script>|<[^>]*>", " ", html, flags=re.DOTALL)).split())


def test_models_are_side_by_side_with_their_baseline(api: Client, versions: Registered) -> None:
    (found,) = api.json(f"{API}/models?series=BTC-USDT&task={TASK}")["comparisons"]
    assert (found["series"], found["champion"], found["trouble"]) == (SERIES, versions.skilled, "")
    rows = [(one["kind"], one["version"], one["state"]) for one in found["models"]]
    assert rows == [
        ("registered", versions.skilled, "champion"),
        ("registered", versions.idle, "registered"),
        ("built", "", ""),
        ("baseline", "", ""),
        ("baseline", "", ""),
    ]
    assert [one["model"] for one in found["models"][-2:]] == ["base_rate", "seasonal_naive"]
    assert [one["name"] for one in found["models"][0]["rivals"]] == ["base_rate", "seasonal_naive"]
    verdicts = [one["skill"]["verdict"] for one in found["models"]]
    assert verdicts[:2] == ["skill", "no_skill"]
    skilled = found["models"][0]["skill"]
    assert skilled["score"]["low"] <= skilled["score"]["value"] <= skilled["score"]["high"]
    assert skilled["baseline_score"] == found["models"][-2]["skill"]["score"]
    assert (skilled["rows"], skilled["trials"], skilled["measure"]) == (4_000, 3, "accuracy")


def test_model_of_values_is_measured_by_its_error(api: Client, versions: Registered) -> None:
    (found,) = api.json(f"{API}/models?task=delta_1h")["comparisons"]
    one = found["models"][0]
    assert (one["version"], one["skill"]["measure"], one["edge"]) == (versions.value, "mae", None)
    assert found["champion"] == ""


def test_one_model_has_its_paper_certificate_and_history(api: Client, versions: Registered) -> None:
    found = api.json(f"{API}/models/{versions.skilled[:7]}")
    assert found["model"]["version"] == versions.skilled
    assert found["paper"]["evidence"]["kept_rows"] == 900
    assert found["paper"]["certificate"]["content_hash"] == "6180141aafd977c4"
    assert [(move["action"], move["by"], move["why"]) for move in found["history"]] == [("promote", "ada", HOSTILE)]


def test_models_as_of_then_are_those_of_then(api: Client, home: Home) -> None:
    before = f"{home.second - timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}"
    found = api.json(f"{API}/models?as_of={before}")["comparisons"]
    assert {each["kind"] for one in found for each in one["models"]} == {"built", "baseline"}
    assert {one["champion"] for one in found} == {""}


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/models/ffffffffffff", 404, "there is no such model"),
        ("/models/..%2f..%2fsecret", 404, "there is no such"),
        ("/models?task=' or 1=1 --", 404, "nothing foretells that"),
        ("/models?series=NOPE-USDT", 404, "no series for the symbol"),
        ("/models?series=<script>", 400, "script"),
        ("/models?limit=999999999999", 400, "limit"),
        ("/models?limit=0", 400, "limit"),
        ("/models?taks=direction_24h", 400, "did you mean task"),
        ("/signals?venue=kraken", 404, "nothing of this venue"),
        ("/signals?as_of=2999-01-01", 400, "future"),
        ("/signals?task=direktion_24h", 400, "unknown task"),
        ("/predictions?task=direction_0h", 400, "unknown task"),
        (f"/models?series={'x' * 3_000}", 400, "series"),
    ],
)
def test_question_that_means_nothing_is_explained(api: Client, path: str, status: int, said: str) -> None:
    assert said in api.problem(API + path, status)["detail"]


def test_champion_moves_under_an_open_server(home: Home, versions: Registered, tmp_path: Path) -> None:
    workspace = replace(home, root=clone(home.root, tmp_path / "home")).workspace()
    with serving(workspace) as api:
        url = f"{API}/models?series=BTC-USDT&task={TASK}"
        before = api.get(url)
        assert api.get(url, if_none_match=before.headers["etag"]).status_code == 304
        documents, key = documents_of(workspace.home), ModelKey(TASK, SERIES)
        known = read_aliases(documents, key)
        promote(documents, key, versions.idle, known=known, author=Author("bob", home.second), why="a trial")
        after = api.get(url, if_none_match=before.headers["etag"])
        assert after.status_code == 200
        assert after.json()["comparisons"][0]["champion"] == versions.idle


def test_damaged_paper_is_named_and_hides_nothing_else(home: Home, versions: Registered, tmp_path: Path) -> None:
    root = clone(home.root, tmp_path / "home")
    workspace = replace(home, root=root).workspace()
    paper = root / folder_of(ModelKey(TASK, SERIES)) / "versions" / f"{versions.idle}.json"
    paper.write_bytes(paper.read_bytes()[:-9])
    with serving(workspace) as api:
        found = api.json(f"{API}/models?series=BTC-USDT")["comparisons"]
        troubles = {one["task"]: one["trouble"] for one in found}
        assert "damaged" in troubles[TASK]
        assert troubles["delta_1h"] == ""
        told = api.problem(f"{API}/models/{versions.idle}", 500)
        assert (told["type"].partition("#")[2], "a file is damaged" in told["detail"]) == ("problem-damaged", True)
        assert {one["kind"] for one in found[1]["models"]} >= {"built"}
    assert "cannot be read" in words(Visitor(workspace).get(PAGE).html)


def test_signal_of_every_series_is_given_with_its_reason(api: Client, kept: Workspace) -> None:
    found = api.json(f"{API}/signals")["signals"]
    foretold = [one for one in predictions(kept) if not one.brief.task.startswith("delta_")]
    assert [(one["series"], one["task"]) for one in found] == [(one.series, one.brief.task) for one in foretold]
    assert all(one["action"] in ("BUY", "SELL", "HOLD", "ABSTAIN") and one["reason"] for one in found)
    assert all(one["cost"] == pytest.approx(0.002) and one["confidence_needed"] == 0.75 for one in found)


def test_forecast_whose_time_is_over_is_no_signal(kept: Workspace, home: Home) -> None:
    later = Workspace(kept.settings, kept.home, FrozenClock(home.second + timedelta(days=3)))
    assert {one.action for one in signals(later)} == {"ABSTAIN"}
    assert all("is over" in one.reason or "no" in one.reason for one in signals(later))


def test_record_counts_what_the_forecasts_say(kept: Workspace) -> None:
    found = track_record(kept, "binance:spot:BTC-USDT", WhichRecord(TASK), days=0)
    assert found.known > 100
    assert sum(one.right for one in found.stretches) == found.right
    assert sum(one.right + one.wrong for one in found.stretches) == found.known
    assert found.stretches[-1].start > found.stretches[0].start
    shares = [one.share_right for one in found.stretches if one.share_right is not None]
    assert shares[-1] == pytest.approx(found.right / found.known)
    assert sum(one.forecasts for one in found.reliability) == found.known
    week = track_record(kept, "binance:spot:BTC-USDT", WhichRecord(TASK), days=7)
    assert 0 < week.known <= 7 * 24


def test_page_shows_no_skill_as_plainly_as_skill(site: Visitor, versions: Registered) -> None:
    text = words(site.get(PAGE).html)
    assert "1 of 3 beat the baseline beyond chance: base rate" in text
    assert text.index(versions.skilled) < text.index(versions.idle)
    assert re.search(r"no skill .* No skill: 24 h direction accuracy", text)
    assert "No model keeps an edge when costs are paid" in text


def test_page_of_predictions_has_its_chart_calibration_importance_and_champions(site: Visitor) -> None:
    html = site.get(f"{PAGE}&days=all").html
    found = re.search(r'<script id="track-data" type="application/json">(.*?)</script>', html)
    assert found
    track = json.loads(found.group(1))
    assert {len(track[name]) for name in ("time", "close", "right", "wrong", "model", "base")} == {len(track["time"])}
    text = words(html)
    for title in ("Calibration", "What it uses", "What each group adds", "In which markets", "Champions"):
        assert title in text


@pytest.mark.parametrize("path", [PAGE, "/models/{skilled}/", "/models/{value}/"])
def test_hostile_words_of_a_paper_do_nothing(site: Visitor, versions: Registered, path: str) -> None:
    html = site.get(path.format(skilled=versions.skilled, value=versions.value)).html
    assert HOSTILE not in html
    assert HOSTILE in unescape(html) or "value" in path
    assert re.findall(r"<style|\sstyle=|\son\w+=\"|<script(?![^>]*\bsrc=)(?![^>]*application/json)", html) == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/predictions/?days=5", 400), ("/predictions/?series=NOPE-USDT", 400), ("/predictions/?task=x", 400),
        ("/predictions/?series=%00", 400), ("/predictions/?model=ffff", 400), ("/models/ffffffffffff/", 404),
        ("/models/ffffffffffff/card.html", 404), ("/predictions/?as_of=2999-01-01", 400),
        ("/predictions/?task=delta_1h&series=ETH", 200), ("/predictions/?series=wazirx:spot:ETH-INR", 200),
        ("/predictions/?model=build", 200),
    ],
)  # fmt: skip
def test_page_answers_whatever_is_asked_of_it(site: Visitor, path: str, status: int) -> None:
    answer = site.get(path)
    assert answer.status == status
    assert '<nav class="menu"' in answer.html
    assert "Traceback" not in answer.html


def test_page_without_models_says_which_command_makes_one(site: Visitor) -> None:
    text = words(site.get("/predictions/?series=ETH&task=delta_1h").html)
    assert "Nothing foretells this of ETH-USDT yet" in text
    assert "assay train ETH-USDT --task delta_1h" in text


def test_page_as_of_then_knows_no_later_model(site: Visitor, home: Home, versions: Registered) -> None:
    before = f"{home.second - timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}"
    page = site.get(f"/predictions/?as_of={before}")
    assert page.status == 200
    assert versions.skilled not in page.html
    assert site.get(f"/models/{versions.skilled}/?as_of={before}").status == 404


def test_page_of_a_model_has_its_scores_and_every_baseline(site: Visitor, versions: Registered) -> None:
    text = words(site.get(f"/models/{versions.skilled}/").html)
    assert re.search(r"accuracy \d\d\.\d % \[\d\d\.\d %, \d\d\.\d %\]", text)
    assert re.search(r"Against each baseline .* base rate \+\d.* seasonal naive \+\d", text)
    assert "no look-ahead found" in text
    assert re.search(r"mae|Mean absolute error", words(site.get(f"/models/{versions.value}/").html))


@pytest.mark.parametrize(("form", "kind"), [("html", "text/html"), ("md", "text/markdown")])
def test_card_comes_as_a_file(site: Visitor, versions: Registered, form: str, kind: str) -> None:
    answer = site.get(f"/models/{versions.skilled}/card.{form}")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith(kind)
    assert answer.headers["Content-Disposition"] == f'attachment; filename="model-{versions.skilled}.{form}"'
    assert versions.skilled in answer.html
    assert HOSTILE not in answer.html


class Canned(BaseHTTPRequestHandler):
    """A server that says what the test put into it, and keeps what it was asked."""

    said: tuple[int, str, bytes] = (200, "application/json", b"{}")
    asked: list[tuple[str, str | None]]

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("Authorization")))
        status, kind, body = self.said
        self.send_response(status)
        if status == 302:
            self.send_header("Location", kind)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def answering(status: int, body: bytes, kind: str = "application/json") -> Iterator[tuple[str, Any]]:
    """Serve one answer at a free port, and yield its address and what was asked."""
    handler = type("Handler", (Canned,), {"said": (status, kind, body), "asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", handler.asked  # type: ignore[attr-defined]
        finally:
            server.shutdown()
            thread.join()


def problem(kind: str, status: int, detail: str, value: str | None = None, todo: str = "") -> bytes:
    document = {"type": f"/api/v1/docs#problem-{kind}", "title": "t", "status": status, "detail": detail}
    return json.dumps({**document, "value": value, "todo": todo}).encode()


def ask(assay: Command, url: str, *more: str) -> Any:  # noqa: ANN401  # JSON is anything
    return assay("client", "--date", "2024-06-01", "--hour", "12", "--url", url, *more)


def test_client_shows_what_the_server_says(assay: Command, api: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    document = api.json(f"{API}/predict?date=2024-06-01&hour=12&symbol=BTC")
    monkeypatch.setenv(KEY_VARIABLE, "a-key")
    with answering(200, json.dumps(document).encode()) as (url, asked):
        shown = ask(assay, url)
        printed = ask(assay, f"{url}/", "--json", "--symbol", "ETH", "--task", TASK)
    assert shown.code == 0
    assert "binance:spot:BTC-USDT, 2024-06-01 12:00 UTC" in shown.out
    assert f"P(up by 2024-06-02 12:00 UTC) = {document['prediction']['probability_up']:.3f}" in shown.out
    assert json.loads(printed.out) == document
    assert asked == [
        (f"{API}/predict?date=2024-06-01&hour=12&symbol=BTC&zone=UTC", "Bearer a-key"),
        (f"{API}/predict?date=2024-06-01&hour=12&symbol=ETH&zone=UTC&task={TASK}", "Bearer a-key"),
    ]


@pytest.mark.parametrize(
    ("status", "body", "code", "said"),
    [
        (404, problem("no-data", 404, "nothing then: 'x'; there is more", "x", "there is more"), 1, "nothing then"),
        (400, problem("bad-input", 400, "not a day: 'x'; write it", "x", "write it"), 2, "not a day: 'x'; write it"),
        (401, problem("key-needed", 401, "a key is needed", None, "send one"), 1, "the server wants a key"),
        (503, problem("being-built", 503, "the lake is being built", None, "ask again"), 3, "being built; ask again"),
        (429, problem("too-many-requests", 429, "too many"), 3, "too many"),
        (500, problem("internal", 500, "internal error", None, "tell the id"), 1, "internal error"),
        (404, b"<html>nothing here</html>", 1, "no Assay server at this address"),
        (200, b"<html>a page</html>", 1, "no Assay server at this address"),
        (200, b"[1, 2]", 1, "no Assay server at this address"),
        (200, b'{"status": "ok"}', 1, "no Assay server at this address"),
        (200, b"[" * 100_000, 1, "no Assay server at this address"),
        (404, b"[" * 100_000, 1, "no Assay server at this address"),
        (404, b'"text"', 1, "no Assay server at this address"),
        (502, b"bad gateway", 3, "status 502"),
    ],
)
def test_client_says_in_clear_words_what_went_wrong(
    assay: Command, status: int, body: bytes, code: int, said: str
) -> None:
    with answering(status, body) as (url, _):
        found = ask(assay, url)
    assert found.code == code
    assert said in found.err
    assert "Traceback" not in found.err


def test_client_makes_up_nothing_of_what_a_server_does_not_say(assay: Command) -> None:
    said = {"as_of": "2024-06-01T12:00:00Z", "probability_up": "high", "close_then": 5.0, "went_up": None}
    with answering(200, json.dumps({"prediction": said}).encode()) as (url, _):
        shown = ask(assay, url)
    assert shown.code == 0
    assert "= -;" in shown.out
    assert "closed at 5\n" in shown.out  # up or not is unknown without the close that it starts from


def test_client_takes_its_key_nowhere_else(assay: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "a-key")
    with answering(200, b"{}") as (other, asked_there), answering(302, b"", f"{other}/there") as (url, _):
        found = ask(assay, url)
    assert found.code == 1
    assert asked_there == []
    with answering(403, problem("key-not-enough", 403, "no")) as (url, _):
        assert "the server does not take this key" in ask(assay, url).err


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ftp://127.0.0.1", 2), ("127.0.0.1:8000", 2), ("http://", 2), ("http://[::1", 2), ("http://a b", 2),
        ("http://127.0.0.1:99999", 2), ("http://127.0.0.1/?x=", 2), ("http://127.0.0.1:1", 3),
    ],
)  # fmt: skip
def test_client_needs_an_address_at_which_a_server_answers(assay: Command, url: str, code: int) -> None:
    found = ask(assay, url, "--json")
    assert found.code == code
    assert json.loads(found.out)["error"]["value"] == url
