"""``assay run`` from the exchange in a box: once, on a schedule, and never mixed with another market."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assay.domain.errors import LakeBusyError, TransientError
from assay.evidence.verdict import Verdict
from assay.lake.home import open_home
from assay.lake.lock import file_lock
from assay.pipelines import running
from tests.integration.command import Command


@pytest.fixture(autouse=True)
def little_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Fetch one symbol of one venue, and the coins."""
    for name, value in {
        "INGEST__SYMBOLS": "BTC",
        "INGEST__DEPTH_SYMBOLS": "BTC",
        "INGEST__SINCE": "120d",
        "INGEST__LIMITS_DIR": str(tmp_path / "limits"),
        "VENUES__WAZIRX__ENABLED": "false",
    }.items():
        monkeypatch.setenv(f"ASSAY_{name}", value)


def test_a_run_ends_with_an_answer_and_the_next_one_asks_nothing_twice(assay: Command) -> None:
    first = assay("run", "--sandbox", "--json")
    assert first.code == 0, first.err
    told = first.document
    assert told["ingested"]["outcome"] == "complete"
    assert told["rows"]["silver.crypto_prices_cleaned"] >= 120 * 24
    assert told["rows"]["gold.crypto_market"] == 100
    assert told["gaps"]["holes"] == 0
    assert told["series"] == "binance:spot:BTC-USDT:1h"
    assert told["evidence"]["verdict"] in set(Verdict)  # which one hangs on the day: luck looks like skill on some
    assert (assay.home / "origin.txt").read_text(encoding="utf-8") == "a simulated market (seed 0)\n"
    status = assay("status", "--json").document
    assert [run["command"] for run in status["runs"]] == ["run"]
    assert status["unpublished_batches"] == 0

    again = assay("run", "--sandbox")
    assert again.code == 0, again.err
    assert "nothing new to build" in again.out or "quality tests passed" in again.out

    other = assay("run", "--sandbox", "--seed", "3")
    assert other.code == 1
    assert other.is_one_line()
    assert "this home holds a simulated market (seed 0)" in other.err
    real = assay("ingest", "binance:tickers")
    assert (real.code, "the real market cannot be added" in real.err) == (1, True), real.err


def test_a_schedule_says_a_line_a_slot_and_skips_what_another_run_is_doing(
    assay: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    concluded = running.run_venues
    failures: list[Exception] = [TransientError("the disk sneezed")]

    def sometimes(*arguments: object, **more: object) -> object:
        if failures:
            raise failures.pop()
        return concluded(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(running, "run_venues", sometimes)
    told = assay("run", "--sandbox", "--every", "10s", "--runs", "2", "--json")
    assert told.code == 0, told.err
    failed, done = told.document["runs"]
    assert (failed["status"], failed["error"]) == ("failed", "the disk sneezed")
    assert done["status"] == "ok"
    assert done["new_batches"] > 0
    assert done["slot"] > failed["slot"]
    lines = [line for line in told.err.splitlines() if " UTC  " in line]
    assert [line.split()[3].rstrip(":") for line in lines] == ["failed", "ok"]

    home = open_home(assay.home)
    with file_lock(home.run_lock, timeout_s=0):
        skipped = assay("run", "--sandbox", "--every", "1d", "--runs", "1", "--json").document["runs"]
        with pytest.raises(LakeBusyError), file_lock(home.run_lock, timeout_s=0):
            pass
    assert [one["status"] for one in skipped] == ["skipped"]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--runs", "2"), "--every"),
        (("--seed", "2"), "--sandbox"),
        (("--every", "1s", "--sandbox"), "not a length of a schedule"),
        (("--every", "soon"), "not a length of time"),
        (("--recorded", "--sandbox"), "do not go together"),
        (("--recorded", "--every", "15m"), "do not go together"),
        (("--plan", "x.yaml"), "--recorded"),
        (("--interval", "7q", "--sandbox"), "interval"),
    ],
)
def test_options_that_contradict_each_other_are_refused_before_a_home_is_made(
    assay: Command, words: tuple[str, ...], complaint: str
) -> None:
    said = assay("run", *words)
    assert said.code == 2
    assert said.is_one_line(), said.err
    assert complaint in said.err
    assert not assay.home.exists()


def test_without_any_venue_there_the_run_says_so(assay: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    for venue in ("BINANCE", "COINGECKO"):
        monkeypatch.setenv(f"ASSAY_VENUES__{venue}__BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("ASSAY_INGEST__ATTEMPTS", "1")
    said = assay("run", "--json")
    assert said.code == 1
    document = json.loads(said.out)
    assert "questions to the venues were not answered" in " ".join(map(str, document["error"].values()))
