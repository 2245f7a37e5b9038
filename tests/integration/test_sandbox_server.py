"""The sandbox over real sockets, asked by the transports that ask the real venues; and the command that runs it."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import httpx
import polars as pl
import pytest

from assay.domain.clock import FrozenClock
from assay.domain.errors import BadInputError
from assay.domain.instrument import Market as Kept
from assay.lake.recordings import RecordingSpec, read_recording
from assay.pipelines.plans import Plan, PlannedImport
from assay.pipelines.replaying import load_replay, plan_one
from assay.venues.budget import RateBudget
from assay.venues.circuit import Circuit
from assay.venues.http import HttpOptions, HttpTransport
from assay.venues.registry import find_venue, venue_names
from assay.venues.requests import (
    coin_markets_request,
    instruments_request,
    klines_request,
    klines_requests,
    tickers_request,
)
from assay.venues.retry import GaveUpError, RetryingTransport, RetryPolicy
from assay.venues.sandbox.exchange import Exchange
from assay.venues.sandbox.faults import NO_FAULTS, Fault, FaultPlan, Kind
from assay.venues.sandbox.market import Market
from assay.venues.sandbox.server import Running, running
from assay.venues.spec import Request
from assay.venues.transport import Response, TransportError
from tests.integration.command import PATIENCE_S, Command
from tests.unit.venues.fake_time import FakeTime
from tests.unit.venues.sandbox.reading import BTC, HOUR, at

DATA = Path(__file__).parents[3] / "shared" / "data" / "klines"
MARKET = Market(12)
NOON = at(2024, 5, 1, 12, 0, 30)
BINANCE, COINGECKO, WAZIRX = (find_venue(name).spec for name in ("binance", "coingecko", "wazirx"))
KLINES = klines_request(BINANCE, BTC, interval=HOUR, start=at(2024, 4, 30), end=at(2024, 5, 1))


def exchange(*faults: Fault) -> Exchange:
    plan = FaultPlan(3, faults) if faults else NO_FAULTS
    return Exchange(MARKET, FrozenClock(NOON), elapsed=time.monotonic, faults=plan)


def ask(there: Running, request: Request, *, timeout_s: float = 60.0) -> Response:
    async def once() -> Response:
        options = HttpOptions(timeout_s=timeout_s)
        async with HttpTransport(there.base_urls[request.venue], FrozenClock(NOON), options) as transport:
            return await transport.send(request)

    return asyncio.run(once())


def ask_with_retry(there: Running, folder: Path, *, attempts: int = 6) -> tuple[Response | GaveUpError, list[float]]:
    """Return what the whole client makes of it, and how long it waited in between; waiting takes no time here."""
    fake = FakeTime()

    async def send() -> Response:
        budget = RateBudget(folder, "binance", BINANCE.limits, fake.timing)
        async with HttpTransport(there.base_urls["binance"], FrozenClock(NOON), HttpOptions(timeout_s=60.0)) as bare:
            client = RetryingTransport(
                bare,
                budget,
                circuit=Circuit("binance", fake.elapsed, failures=100),
                policy=RetryPolicy(attempts=attempts),
                rng=Random(1),
                read_error=find_venue("binance").read_error,
            )
            return await client.send(KLINES)

    try:
        return asyncio.run(send()), fake.sleeps
    except GaveUpError as error:
        return error, fake.sleeps


@pytest.mark.parametrize(
    "request_",
    [KLINES, tickers_request(BINANCE), coin_markets_request(COINGECKO), tickers_request(WAZIRX)],
    ids=lambda request: f"{request.venue} {request.endpoint}",
)
def test_answer_over_http_is_the_exchange_s_and_reads_without_a_reject(request_: Request) -> None:
    here = exchange()
    with running(exchange()) as there:
        response = ask(there, request_)
    assert set(there.base_urls) == set(venue_names())
    assert response.status == 200
    assert response.body == here.answer(here.prefixes[request_.venue] + request_.path, dict(request_.params)).body
    parsed = find_venue(request_.venue).handlers[request_.endpoint](response.body, request_, asked_at=NOON)
    assert parsed.rows.height > 20
    assert parsed.rejected.height == 0


def test_headers_are_the_venue_s() -> None:
    with running(exchange()) as there:
        response = ask(there, KLINES)
    assert response.headers["x-mbx-used-weight-1m"] == "2"
    assert response.headers["date"] == "Wed, 01 May 2024 12:00:30 GMT"
    assert response.headers["content-type"].startswith("application/json")


def test_client_gets_through_all_faults_to_the_right_answer(tmp_path: Path) -> None:
    kinds = (Kind.TOO_MANY, Kind.SERVER_ERROR, Kind.TRUNCATED, Kind.DOWN)
    faults = [Fault(kind, calls=(call,), seconds=7) for call, kind in enumerate(kinds, start=1)]
    with running(exchange()) as there:
        right, no_waits = ask_with_retry(there, tmp_path / "right")
    with running(exchange(*faults)) as there:
        found, waits = ask_with_retry(there, tmp_path / "faulted")
    assert isinstance(right, Response)
    assert isinstance(found, Response)
    assert found.body == right.body
    assert no_waits == []
    assert len(waits) >= 4  # one after each fault
    assert sum(waits) >= 7.0  # what the 429 asked for


def test_client_gives_up_on_a_venue_that_stays_down(tmp_path: Path) -> None:
    with running(exchange(Fault(Kind.DOWN))) as there:
        error, _ = ask_with_retry(there, tmp_path, attempts=3)
    assert isinstance(error, GaveUpError)
    assert "3 attempts" in str(error)


def test_body_breaks_off_where_the_connection_does() -> None:
    with running(exchange(Fault(Kind.TRUNCATED))) as there, pytest.raises(TransportError, match="broke off"):
        ask(there, KLINES)


def test_silence_outlasts_the_client_and_blocks_nobody_else() -> None:
    with running(exchange(Fault(Kind.SILENCE, endpoint="klines", seconds=3_600))) as there:
        with pytest.raises(TransportError, match="no whole answer"):
            ask(there, KLINES, timeout_s=2)
        assert ask(there, tickers_request(BINANCE, BTC), timeout_s=600).status == 200


def test_unknown_path_and_method_are_refused() -> None:
    with running(exchange()) as there, httpx.Client(base_url=there.base_urls["binance"], trust_env=False) as client:
        assert client.get("/api/v3/nothing").status_code == 404
        assert client.post("/api/v3/ping").status_code == 405
        assert client.get("/api/v3/ping").json() == {}


def test_two_at_one_port_are_refused_and_the_port_is_free_afterwards() -> None:
    with running(exchange()) as there:
        with pytest.raises(BadInputError, match="cannot listen there"), running(exchange(), port=there.port):
            pass
        port = there.port
    with running(exchange(), port=port) as again:
        assert ask(again, KLINES).status == 200


# A shell lets what it starts in the background ignore Ctrl-C, which is handed down; the command is to hear it.
LISTENING = (
    "import signal, sys; signal.signal(2, signal.default_int_handler); from assay.cli import main; sys.exit(main())"
)


@contextmanager
def command(*words: str) -> Iterator[subprocess.Popen[str]]:
    """Run the command, and do not leave it behind."""
    line = [sys.executable, "-c", LISTENING, "sandbox", "--port", "0", *words]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_command_says_where_it_is_answers_and_ends_in_order(number: int, code: int) -> None:
    words = ("--json", "--seed", "12", "--clock", "frozen", "--start", "2024-05-01T12:00:30")
    here = exchange()
    body = here.answer(here.prefixes["binance"] + KLINES.path, dict(KLINES.params)).body
    with command(*words) as process:
        assert process.stdout is not None
        document = json.loads(process.stdout.readline())
        there = Running(document["host"], document["port"], document["base_urls"])
        assert ask(there, KLINES).body == body
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out) == (code, "")
    assert err.strip() in ("assay: interrupted", "assay: terminated")


def test_command_says_what_happens_besides() -> None:
    words = ("--json", "--clock", "frozen", "--start", "2022-05-20", "--scenario", "reused")
    with command(*words, "--scenario", "tick:BTC=0.1@2022-05-19") as process:
        assert process.stdout is not None
        document = json.loads(process.stdout.readline())
        there = Running(document["host"], document["port"], document["base_urls"])
        found = {
            one["symbol"]: one
            for one in json.loads(ask(there, instruments_request(find_venue("binance").spec)).body)["symbols"]
        }
    assert document["scenarios"] == ["LUNA reused", "a tick of 0.1 for BTC from 2022-05-19 on"]
    assert found["LUNAUSDT"]["status"] == "BREAK"
    assert found["BTCUSDT"]["filters"][0]["tickSize"] == "0.10000000"


@pytest.fixture
def run_(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys, tmp_path / "home")


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["--clock", "sundial"], "use frozen, running"),
        (["--edge", "0.7"], "not an edge"),
        (["--scenario", "flood"], "write tick:BTC=0.1@2024-06-01, or reused"),
        (["--scenario", "tick:NOPE=0.1@2024-06-01"], "no such asset"),
        (["--start", "yesterday"], "not a date or time"),
        (["--fault", "429@binanse"], "did you mean binance"),
        (["--faults", "gone.yaml"], "gone.yaml"),
        (["--replay", "gone.csv"], "go together"),
        (["--replay", "gone.csv", "--replay-plan", "gone.yaml", "--replay-as", "binance:BTC-USDT:1h"], "exclude"),
        (["--replay", "gone.csv", "--replay-as", "binance:BTC-USDT"], "write VENUE:SYMBOL:INTERVAL"),
        (["--replay", "gone.csv", "--replay-as", "binance:BTC-USDT:7h"], "7h"),
        (["--replay", "gone.csv", "--replay-as", "wazirx:BTC-USDT:1h"], "only binance is replayed"),
        (["--replay", "gone.csv", "--replay-as", "binance:BTC-USDT:1h"], "no such file"),
        (["--replay", "{here}", "--replay-as", "binance:BTC-USDT:1h"], "not a kind of file"),
        (["--replay-plan", "gone.yaml"], "gone.yaml"),
    ],
    ids=lambda one: one if isinstance(one, str) else None,
)
def test_command_refuses_what_cannot_be(run_: Command, words: list[str], meant: str) -> None:
    said = run_("sandbox", "--port", "0", *(word.format(here=Path(__file__)) for word in words))
    assert said.code == 2
    assert said.is_one_line()
    assert meant in said.err


def test_command_refuses_a_port_that_is_taken(run_: Command) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = run_("sandbox", "--port", str(taken.getsockname()[1]))
    assert said.code == 2
    assert said.is_one_line()


def test_command_lets_faults_strike_from_the_line_the_file_and_all_at_once(tmp_path: Path) -> None:
    file = tmp_path / "faults.yaml"
    file.write_text("{seed: 4, faults: [{kind: down, venue: wazirx}]}", encoding="utf-8")
    words = ("--json", "--fault", "429@binance/klines:1:17", "--faults", str(file), "--clock", "frozen")
    with command(*words) as process:
        assert process.stdout is not None
        document = json.loads(process.stdout.readline())
        there = Running(document["host"], document["port"], document["base_urls"])
        response = ask(there, KLINES)
        assert (response.status, response.retry_after_s) == (429, 17.0)
        assert ask(there, tickers_request(BINANCE, BTC)).status == 200
        assert ask(there, tickers_request(WAZIRX)).status == 503
    assert document["faults"] == 2
    with command("--json", "--all-faults", "--start", "2024-05-01", "--clock", "3600x") as process:
        assert process.stdout is not None
        document = json.loads(process.stdout.readline())
        there = Running(document["host"], document["port"], document["base_urls"])
        found = {ask(there, tickers_request(BINANCE, BTC)).status for _ in range(3)}
    assert document["faults"] > len(Kind)
    assert found  # it answers, whatever that is


NAMES = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
)
ROWS = """
1714435200000,100.10,101,99.5,100.00000001,12.5,1714438799999,1250.123456789,7,6.25,625,0
1714438800000,100,100,100,100,0,1714442399999,0,0,0,0,0
1714442400000,100,9,100,100,0,1714445999999,0,0,0,0,0
1714446000000,100,102,100,101,1e-8,1714449599999,0.00000101,1,0,0,0
1714449600000,101,102,100,101,5,1714453199999,505,1,0,0,0
"""
RECORDED = NAMES + ROWS


def test_command_replays_a_recording_as_an_import_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "BTCUSDT.csv"
    file.write_text(RECORDED, encoding="utf-8")
    words = ("--replay", str(file), "--replay-as", "binance:BTC-USDT:1h", "--clock", "frozen", "--start", "2024-05-01")
    with command("--json", *words) as process:
        assert process.stdout is not None
        document = json.loads(process.stdout.readline())
        there = Running(document["host"], document["port"], document["base_urls"])
        response = ask(there, KLINES)
    spec = RecordingSpec("binance", Kept.SPOT, HOUR, BTC)
    finished = read_recording(file, spec).klines.filter(~pl.col("is_provisional"))
    parsed = find_venue("binance").handlers["klines"](response.body, KLINES, asked_at=NOON)
    assert parsed.rejected.height == 0
    assert parsed.rows.height == 3  # one of the five is no bar, and the last may not have been finished
    assert parsed.rows.equals(finished.select(parsed.rows.columns))
    assert document["replayed"] == [{"symbol": "BTCUSDT", "interval": "1h", "bars": 3}]
    assert document["left_out"] == []


def test_replay_plan_serves_what_binance_could_send_and_names_the_rest(tmp_path: Path) -> None:
    (tmp_path / "BTCUSDT.csv").write_text(RECORDED, encoding="utf-8")
    (tmp_path / "ETHUSDT.csv").write_text(
        "time,open,high,low,close,volume\n1714435200,1,2,1,2,5\n1714438800,2,2,1,2,5\n", encoding="utf-8"
    )
    (tmp_path / "again.csv").write_text(RECORDED, encoding="utf-8")
    imports = [
        PlannedImport(path=Path("BTCUSDT.csv"), venue="binance", interval="1h", symbol="BTC-USDT"),
        PlannedImport(path=Path("again.csv"), venue="binance", interval="1h", symbol="BTC-USDT"),
        PlannedImport(path=Path("ETHUSDT.csv"), venue="binance", interval="1h"),
        PlannedImport(path=Path("BTCUSDT.csv"), venue="binance", interval="1h", market="usdm"),
        PlannedImport(path=Path("BTCUSDT.csv"), venue="bybit", interval="1h"),
    ]
    found = load_replay(Plan(root=tmp_path, imports=imports))
    assert found.replay.counts == {("BTCUSDT", "1h"): 3}
    causes = [cause for _, cause in found.left_out]
    assert len(causes) == 3
    assert "lacks what Binance sends" in causes[0]
    assert causes[1:] == ["binance usdm is not replayed", "bybit spot is not replayed"]
    with pytest.raises(BadInputError, match="nothing to replay"):
        load_replay(Plan(root=tmp_path, imports=imports[2:]))


@pytest.mark.recorded
@pytest.mark.skipif(not DATA.is_dir(), reason="the real recordings are not beside this repository")
def test_real_recording_comes_back_as_an_import_reads_it() -> None:
    file = DATA / "binance_spot_BTCUSDT_1h_12col_2017_2020.csv.gz"
    found = load_replay(plan_one(file, "binance:BTC-USDT:1h"))
    here = Exchange(MARKET, FrozenClock(NOON), elapsed=lambda: 0.0, replay=found.replay)
    pages = []
    for request in klines_requests(BINANCE, BTC, interval=HOUR, start=at(2017, 1, 1), end=at(2021, 1, 1)):
        answer = here.answer("/binance" + request.path, dict(request.params))
        parsed = find_venue("binance").handlers["klines"](answer.body, request, asked_at=NOON)
        assert parsed.rejected.height == 0
        pages.append(parsed.rows)
    spec = RecordingSpec("binance", Kept.SPOT, HOUR, BTC)
    finished = (
        read_recording(file, spec).klines.filter(~pl.col("is_provisional")).sort("open_time", maintain_order=True)
    )
    assert finished.height > 28_000
    assert pl.concat(pages).equals(finished.select(pages[0].columns))
