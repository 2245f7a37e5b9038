"""The command itself over real sockets: killed, interrupted, many at once, and cut off from the venue."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from assay.domain.clock import FrozenClock
from assay.lake import bronze
from assay.venues.datasets import KLINES, SCHEMAS
from assay.venues.sandbox.exchange import Exchange
from assay.venues.sandbox.faults import Fault, FaultPlan, Kind
from assay.venues.sandbox.server import Running, running
from tests.integration.command import PATIENCE_S, Command, child, finished, finished_all
from tests.integration.simulated import MARKET
from tests.unit.venues.sandbox.reading import at

WORDS = ("ingest", "binance:klines", "--symbols", "BTC,ETH", "--intervals", "1m,1h")
RANGE = ("--since", "2024-05-20", "--until", "2024-06-01")
PAGES = 2 * (18 + 1)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    exchange = Exchange(MARKET, FrozenClock(at(2024, 6, 2)), elapsed=time.monotonic)
    with running(exchange) as there:
        yield there


def silent_at(*calls: int) -> Exchange:
    """Return an exchange that does not answer these questions for bars: whoever puts them is held there."""
    silence = Fault(Kind.SILENCE, endpoint="klines", calls=calls, seconds=3_600)
    return Exchange(MARKET, FrozenClock(at(2024, 6, 2)), elapsed=time.monotonic, faults=FaultPlan(1, (silence,)))


@pytest.fixture(scope="module")
def reference(sandbox: Running, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """The bars that one undisturbed run brings."""
    home = tmp_path_factory.mktemp("reference") / "home"
    said = finished(start(sandbox, home))
    assert said.code == 0, said.err
    return bars(home)


def places(there: Running, folder: Path) -> dict[str, str]:
    """Return the environment of a command that takes the sandbox for the venues."""
    urls = {f"ASSAY_VENUES__{name.upper()}__BASE_URL": url for name, url in there.base_urls.items()}
    return {**urls, "ASSAY_INGEST__LIMITS_DIR": str(folder / "limits"), "ASSAY_INGEST__CONCURRENCY": "2"}


def start(there: Running, home: Path, *more: str) -> subprocess.Popen[str]:
    return child(home, *WORDS, *RANGE, *more, **places(there, home.parent))


def bars(home: Path) -> pl.DataFrame:
    """Return the bars in bronze, each once; every file has to be whole."""
    paths = sorted((home / "bronze" / KLINES).glob("*/*/*.parquet"))
    for path in paths:
        header = bronze.read_header(path)
        assert len(json.loads(bronze.read_body(home / "bronze", header))) == header.counts["rows_read"]
    rows = pl.concat([pl.read_parquet(path, hive_partitioning=False) for path in paths])
    return rows.select("symbol", "interval", *SCHEMAS[KLINES]).unique().sort("symbol", "interval", "open_time")


def batches(home: Path) -> int:
    return len(list((home / "bronze" / KLINES).glob("*/*/*.parquet")))


def wait_for(home: Path, count: int, process: subprocess.Popen[str]) -> None:
    """Wait until so many batches are there, or the process is done."""
    deadline = time.monotonic() + PATIENCE_S
    while batches(home) < count and process.poll() is None:
        assert time.monotonic() < deadline, "nothing arrives"
        time.sleep(0.005)


def test_kill_at_any_moment_leaves_what_one_run_brings(
    sandbox: Running, reference: pl.DataFrame, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    seen: list[int] = []
    for count in (1, 6, 13, 21, 30):
        more = count - (seen[-1] if seen else 0)
        with running(silent_at(more + 1, more + 2)) as there:  # two are asked at once
            process = start(there, home)
            wait_for(home, count, process)
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=PATIENCE_S)
        assert process.returncode == -signal.SIGKILL, "it was done before it was killed"
        seen.append(batches(home))
    assert seen == [1, 6, 13, 21, 30]
    said = finished(start(sandbox, home, "--json"))
    assert said.code == 0, said.err
    assert bars(home).equals(reference)
    assert not [one for one in (home / "bronze").rglob("*.body.json.zst") if not _is_committed(one)]
    requests = said.document["venues"][0]["requests"]
    assert requests <= PAGES + 4 - seen[-1], "what had arrived is not asked for again"


def _is_committed(body: Path) -> bool:
    return body.with_name(body.name.partition(".")[0] + ".parquet").exists()


def test_three_at_once_bring_what_one_brings(sandbox: Running, reference: pl.DataFrame, tmp_path: Path) -> None:
    home = tmp_path / "home"
    for said in finished_all([start(sandbox, home, "--json") for _ in range(3)]):
        assert said.code == 0, said.err
        assert [one["absent"] for one in said.document["venues"][0]["series"]] == [0] * 4
    assert bars(home).equals(reference)
    again = finished(start(sandbox, home, "--json"))
    assert (again.document["new_batches"], again.document["venues"][0]["requests"]) == (0, 0)


@pytest.mark.parametrize(
    ("stop", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_interrupt_ends_it_with_one_line_and_whole_batches(
    tmp_path: Path, stop: signal.Signals, code: int, word: str
) -> None:
    home = tmp_path / "home"
    with running(silent_at(4, 5)) as there:
        process = start(there, home)
        wait_for(home, 3, process)
        process.send_signal(stop)
        said = finished(process)
    assert (said.code, said.out, said.err) == (code, "", f"assay: {word}\n")
    assert bars(home).height > 0
    assert not list(home.rglob("*.tmp"))
    notes = [json.loads(path.read_bytes()) for path in (home / "runs").glob("*-ingest-*.json")]
    assert [one["status"] for one in notes] == ["failed"]


def test_venue_that_goes_away_in_the_middle_is_a_failure_to_try_again(sandbox: Running, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with running(silent_at(6, 7)) as there:
        process = child(home, *WORDS, *RANGE, "--json", **places(there, tmp_path), ASSAY_INGEST__ATTEMPTS="2")
        wait_for(home, 5, process)
    said = finished(process)
    assert said.code == 3
    assert "run the same command again later; what arrived is kept" in said.err
    (venue,) = said.document["venues"]
    assert {one["kind"] for one in venue["failures"]} == {"outage"}
    assert venue["batches_new"] >= 5
    assert len(list((home / "bronze" / bronze.FAILURES).rglob("*.parquet"))) == 1
    again = finished(start(sandbox, home, "--json"))
    assert (again.code, again.document["outcome"]) == (0, "complete")


def test_text_is_a_table_that_says_what_came_and_what_is_missing(
    sandbox: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in places(sandbox, tmp_path).items():
        monkeypatch.setenv(name, value)
    command = Command(capsys, tmp_path / "home")
    said = command("ingest", "binance", "coingecko", "--symbols", "BTC", *RANGE)
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0].split() == ["venue", "dataset", "new", "batches", "known", "skipped", "rows", "quarantined"]
    assert "binance:spot:BTC-USDT:1h   288   288    288          0         0        0  2024-06-01 00:00" in lines
    doubtful = command("ingest", "binance:klines", "--symbols", "ENA", "--since", "2024-04-01", "--until", "2024-04-03")
    # Listed on 2 April at 8:00: what was before is asked for in vain, and that it is not there is not certain yet.
    assert "binance:spot:ENA-USDT:1h    48    16     16          0        32        0  2024-04-03 00:00" in doubtful.out
    assert any("its clock is" in line and "behind ours" in line for line in lines)
    assert lines[-1] == "next: assay build"
    again = command("ingest", "binance:klines", "--symbols", "BTC", *RANGE)
    assert "next: assay build" not in again.out
    refused = command("ingest", "binance:klines", "--symbols", "NOPE", *RANGE)
    assert refused.code == 1
    assert "1 × refused: binance answered with error -1121: 'Invalid symbol.'" in refused.out
    assert refused.err == "assay: 1 question without a usable answer (binance); what arrived is kept\n"
    nowhere = command("ingest", "binance:klines", "wazirx:klines", "--symbols", "BTC,NOPE", *RANGE)
    assert nowhere.code == 1
    assert nowhere.err == "assay: no venue that was asked knows NOPE; see its spelling\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("binanse",), "unknown source: 'binanse'; did you mean binance?"),
        (("binance", "--symbols", "BTC-INR"), "such as BTC-USDT"),
        (("binance", "--since", "gestern"), "not a date or time: 'gestern'"),
    ],
)
def test_wrong_words_are_one_line_and_make_no_home(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    command = Command(capsys, tmp_path / "home")
    answer = command("ingest", *words)
    assert answer.code == 2
    assert answer.is_one_line()
    assert said in answer.err
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("path", "code", "said"),
    [("/nothing/here", 1, "check the base URL"), ("/binance", 3, "× outage: binance answered 50")],
)
def test_wrong_address_and_broken_venue_are_said_clearly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, path: str, code: int, said: str
) -> None:
    broken = FaultPlan(1, (Fault(Kind.SERVER_ERROR),))
    exchange = Exchange(MARKET, FrozenClock(at(2024, 6, 2)), elapsed=time.monotonic, faults=broken)
    with running(exchange) as there:
        for name, value in {**places(there, tmp_path), "ASSAY_INGEST__ATTEMPTS": "2"}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("ASSAY_VENUES__BINANCE__BASE_URL", f"http://{there.host}:{there.port}{path}")
        command = Command(capsys, tmp_path / "home")
        answer = command("ingest", "binance:klines", "--symbols", "BTC", *RANGE)
    assert answer.code == code
    assert said in answer.out
    assert "binance:spot:BTC" not in answer.out, "the reason is enough where nothing came"
    assert "Traceback" not in answer.out + answer.err


def test_page_of_garbage_in_place_of_a_venue_is_quarantined(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "site").mkdir()
    for name in ("klines", "depth", "exchangeInfo"):
        page = tmp_path / "site" / "api" / "v3" / name
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_bytes(os.urandom(2_000) if name == "depth" else b"<html>Welcome to the hotel network</html>")
    server = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(tmp_path / "site")],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        port = server.stdout.readline().split(" port ")[1].split()[0]
        monkeypatch.setenv("ASSAY_VENUES__BINANCE__BASE_URL", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("ASSAY_INGEST__LIMITS_DIR", str(tmp_path / "limits"))
        command = Command(capsys, tmp_path / "home")
        said = command("ingest", "binance:klines", "binance:order_books", "--symbols", "BTC", *RANGE)
    finally:
        server.kill()
        server.communicate()
    assert said.code == 3
    assert "2 pages that cannot be read: kept in quarantine" in said.out
    rows = pl.concat(
        pl.read_parquet(path, hive_partitioning=False)
        for path in (tmp_path / "home" / "bronze" / "quarantine").glob("*/*/*.parquet")
    )
    assert "the page is HTML or XML" in rows["cause"].to_list()
    assert "<html>Welcome to the hotel network</html>" in rows["raw"].to_list()
