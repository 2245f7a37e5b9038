"""The demo: the same whatever happens to it on the way, alive while it is watched, and gone when it is ended."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from assay.domain.errors import HomeError
from assay.domain.points import Point
from assay.lake.origin import HomeTime, read_time, write_time
from assay.lake.sealed import documents_of
from assay.lake.trial_ledger import count_trials
from assay.pipelines.building import build
from assay.pipelines.demo_backtest import backtest_of_demo
from assay.pipelines.demoing import START, DemoPlan, DemoResult, ask, demo, in_its_time, prepare, set_going
from assay.pipelines.following import Followed, follow
from assay.pipelines.simulating import simulated
from assay.pipelines.workspace import Workspace, open_workspace
from assay.selectors.query import query
from assay.settings import Settings
from assay.venues.datasets import KLINES
from tests.integration.command import PATIENCE_S, Command, child, clone, environment, finished
from tests.integration.conftest import NOW, bring_in, open_frozen
from tests.integration.homes import ONE_THREAD, share_caches, share_project
from tests.integration.simulated import headers
from tests.made_klines import hourly, write_csv

LITTLE = DemoPlan(symbols=("BTC", "ETH", "SOL"), depth_symbols=("BTC",), hourly="40d", minutely="2h", rupees="10d")
KILLED = (Point.BATCH_COMMITTED, Point.LAKE_WRITTEN)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DemoResult]:
    """Fill a home that tests copy."""
    home = tmp_path_factory.mktemp("demo") / "home"
    return home, filled(home)


def filled(home: Path, plan: DemoPlan = LITTLE, *, is_beside: bool = False) -> DemoResult:
    # In another process as a person has it, with two threads; the content may depend on neither.
    settings = Settings(home=home) if is_beside else Settings(home=home, lake=ONE_THREAD)
    workspace = open_workspace(settings)
    share_caches(home)
    if is_beside:
        share_project(home)
    return demo(*prepare(workspace, plan), is_beside=is_beside)


def test_the_demo_holds_what_its_plan_says(first: tuple[Path, DemoResult]) -> None:
    told = first[1]
    assert told.as_of == START
    # Hours of 40 whole days and this one, minutes of two hours, hours of 10 days at WazirX; the last bars are open.
    assert told.series == 9
    assert told.bars == 3 * (40 * 24 + 12 + 1) + 3 * 2 * 60 + 3 * (10 * 24 + 12 + 1)
    assert (told.missing_bars, told.coins, told.order_books) == (0, 100, 1)
    assert told.predicted.series == len(told.verdicts) == 6
    assert {one.verdict for one in told.verdicts if one.series.startswith("wazirx")} == {"not_enough_data"}
    assert all(one.sentence for one in told.verdicts)


def test_the_same_seed_is_the_same_content(first: tuple[Path, DemoResult], tmp_path: Path) -> None:
    # Built in this process, and in another one beside it.
    assert filled(tmp_path / "again", is_beside=True).content_hash == first[1].content_hash


def test_another_seed_is_another_market(first: tuple[Path, DemoResult], tmp_path: Path) -> None:
    workspace, plan = prepare(open_workspace(Settings(home=tmp_path / "other")), replace(LITTLE, seed=1))
    ask(workspace, plan, simulated(plan.seed, workspace.clock))
    answers, others = (
        {(one.endpoint, str(one.parameters)): one.body_sha256 for one in headers(home, KLINES)}
        for home in (open_workspace(Settings(home=first[0])), workspace)
    )
    assert answers.keys() == others.keys()
    assert all(others[question] != body for question, body in answers.items())


def test_a_second_run_asks_and_builds_nothing_and_says_the_same(first: tuple[Path, DemoResult], tmp_path: Path) -> None:
    home = clone(first[0], tmp_path / "home")
    told = filled(home)
    assert (told.questions, told.tests, told.predicted.live) == (0, 0, 0)
    assert told.content_hash == first[1].content_hash


def test_a_demo_begins_with_one_backtest_that_is_counted_and_touches_no_table(
    first: tuple[Path, DemoResult], tmp_path: Path
) -> None:
    workspace = in_its_time(open_workspace(Settings(home=clone(first[0], tmp_path / "home"), lake=ONE_THREAD)))
    version = workspace.data_version()
    run = backtest_of_demo(workspace)
    assert run is not None
    assert (run.summary.by, run.summary.series) == ("demo", ("binance:spot:BTC-USDT:1h",))
    assert count_trials(documents_of(workspace.home)).total.trials == 1
    assert workspace.data_version() == version
    assert backtest_of_demo(workspace) is None


@pytest.mark.soak
@pytest.mark.parametrize("point", KILLED)
def test_killed_on_the_way_it_goes_on_to_the_same_content(
    first: tuple[Path, DemoResult], tmp_path: Path, point: Point
) -> None:
    home = tmp_path / "home"
    prepare(open_workspace(Settings(home=home)), LITTLE)
    # In one process, which passes every point itself; the command builds in another one beside it.
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from assay.domain.points import observed\n"
        "from assay.pipelines.demoing import DemoPlan, demo, prepare\n"
        "from assay.pipelines.workspace import open_workspace\n"
        "from assay.settings import Settings\n"
        "def kill(point):\n"
        f"    if point.value == {point.value!r}: os.kill(os.getpid(), signal.SIGKILL)\n"
        "with observed(kill):\n"
        "    demo(*prepare(open_workspace(Settings(home=Path(sys.argv[1]))), DemoPlan()))\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(home)], env=environment(), capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    said = finished(child(home, "demo", "--no-serve", "--json"))
    assert said.code == 0, said.err
    assert said.document["content_hash"] == first[1].content_hash


def test_only_an_empty_home_or_the_demo_of_this_seed_will_do(first: tuple[Path, DemoResult], tmp_path: Path) -> None:
    home = clone(first[0], tmp_path / "home")
    with pytest.raises(HomeError, match=r"holds the demo of seed 0.*--seed 0"):
        prepare(open_workspace(Settings(home=home)), DemoPlan(seed=1))
    real = open_frozen(tmp_path / "real", NOW)
    bring_in(real, write_csv(tmp_path / "a.csv", hourly(50)), recorded_at=NOW)
    with pytest.raises(HomeError, match="not empty, and holds no demo"):
        prepare(real, LITTLE)
    assert not real.home.demo.exists()
    assert read_time(real.home) is None


def test_a_port_that_is_taken_is_said_before_any_work(assay: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = assay("demo", "--port", str(taken.getsockname()[1]))
    assert said.code == 2
    assert said.is_one_line(), said.err
    assert "taken" in said.err
    assert not assay.home.exists()


def test_the_time_of_the_home_is_that_of_every_command(first: tuple[Path, DemoResult], tmp_path: Path) -> None:
    workspace = open_workspace(Settings(home=clone(first[0], tmp_path / "home")))
    assert workspace.clock.now() == START
    going = set_going(workspace)
    time.sleep(0.01)
    soon = START + timedelta(hours=1)  # whatever else the machine does
    assert START < going.clock.now() < open_workspace(workspace.settings).clock.now() < soon
    assert set_going(workspace).clock.now() < soon  # a second time changes nothing


def test_the_follower_brings_the_new_minutes_and_a_new_hour_a_new_prediction(
    first: tuple[Path, DemoResult], tmp_path: Path
) -> None:
    workspace = open_workspace(Settings(home=clone(first[0], tmp_path / "home"), lake=ONE_THREAD))
    told: list[Followed] = []

    def follow_after(length: timedelta) -> None:
        write_time(workspace.home, HomeTime(START, datetime.now(UTC) - length))
        follow(workspace, slots=1, tell=told.append)

    follow_after(timedelta(minutes=2))
    assert (told[0].error, told[0].predictions) == ("", 0)
    assert told[0].new_batches >= 3
    closed = "select max(close_time) as at from silver.crypto_prices_cleaned where is_closed and interval = '{}'"
    assert value(workspace, closed.format("1m")) >= START.replace(second=0) + timedelta(minutes=1)
    assert value(workspace, closed.format("1h")) == START.replace(second=0)

    follow_after(timedelta(hours=1, minutes=1))
    assert (told[1].error, told[1].predictions) == ("", 3)  # a series without enough data has no model to ask
    assert value(workspace, closed.format("1h")) == START.replace(second=0) + timedelta(hours=1)
    newest = "select max(as_of) as at from gold.price_predictions where kind = 'live' and known_at > as_of"
    assert value(workspace, newest) == START.replace(second=0) + timedelta(hours=1)
    hourly_holes = "select count(*) as at from silver.crypto_prices_cleaned where is_gap_before"
    assert value(workspace, hourly_holes) == 0


def value(workspace: Workspace, sql: str) -> Any:  # noqa: ANN401  # whatever is in that cell
    return query(in_its_time(workspace), sql)["at"][0]


def test_a_home_without_a_demo_is_not_followed(assay: Command, tmp_path: Path) -> None:
    workspace = open_frozen(assay.home, NOW)
    bring_in(workspace, write_csv(tmp_path / "a.csv", hourly(50)), recorded_at=NOW)
    build(workspace)
    said = assay("follow", "--minutes", "1")
    assert said.code == 1
    assert said.is_one_line(), said.err
    assert "holds no demo" in said.err


@pytest.fixture
def served(first: tuple[Path, DemoResult], tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str, Path]]:
    """Serve a filled demo, and end it if the test did not."""
    home = clone(first[0], tmp_path / "home")
    process = child(home, "demo", "--port", "0")
    assert process.stderr is not None
    url = next(line.strip() for line in process.stderr if line.startswith("http://"))
    yield process, url, home
    if process.poll() is None:
        process.kill()
    process.communicate()


@pytest.mark.parametrize(
    ("sign", "code"),
    [
        (signal.SIGINT, 130),
        pytest.param(signal.SIGTERM, 143, marks=pytest.mark.soak),  # test_serve ends a server by it
        (signal.SIGKILL, -9),
    ],
)
def test_however_the_server_ends_its_follower_ends_with_it(
    served: tuple[subprocess.Popen[str], str, Path], sign: signal.Signals, code: int
) -> None:
    process, url, home = served
    with urllib.request.urlopen(f"{url}/api/v1/status", timeout=PATIENCE_S) as answer:
        assert answer.status == 200
        assert json.loads(answer.read())
    followers = [one for one in psutil.Process(process.pid).children() if "follow" in one.cmdline()]
    assert len(followers) == 1
    assert os.getpgid(followers[0].pid) != os.getpgid(process.pid)
    process.send_signal(sign)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == code
    assert "Traceback" not in out + err
    assert gone_within(followers[0], PATIENCE_S)
    remembered = read_time(open_workspace(Settings(home=home)).home)
    assert remembered is not None
    assert remembered.is_running


def gone_within(process: psutil.Process, seconds: float, *, pause: Callable[[float], None] = time.sleep) -> bool:
    for _ in range(int(seconds / 0.1)):
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        pause(0.1)
    return False


def test_the_command_prints_one_document(first: tuple[Path, DemoResult], assay: Command) -> None:
    clone(first[0], assay.home)
    said = assay("demo", "--no-serve", "--json")
    assert said.code == 0, said.err
    assert said.document["content_hash"] == first[1].content_hash
    assert said.document["as_of"] == START.isoformat()
    text = assay("demo", "--no-serve")
    assert re.search(r"content hash: [0-9a-f]{16}\n", text.out)
    assert "not enough data" in text.out
    status = assay("status", "--json").document
    assert status["runs"][0]["command"] == "demo"
    assert status["runs"][0]["started_at"].startswith("2026-06-01T12:00:20")
