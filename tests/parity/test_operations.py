"""O: orchestration and operations. What is done of each row stands in README.md."""

# ruff: noqa: N802  # the ids of the rows are written as in the scope

from __future__ import annotations

from pathlib import Path

import pytest

from tests.parity.conftest import COUNT, HOLE, LATE, Run, assay, done


def test_O02_one_command_goes_from_recordings_to_a_prediction(at_once: Run) -> None:
    document = at_once.document
    assert all(one["is_new"] for one in document["imported"])
    # BTC-USDT, and three series of 60 bars each.
    held = COUNT - (HOLE[1] - HOLE[0]) + (LATE[1] - LATE[0]) + 3 * 60
    assert document["rows"]["silver.crypto_prices_cleaned"] == held
    assert document["rows"]["gold.daily_crypto_metrics"] > 100
    assert document["series"] == "binance:spot:BTC-USDT:1h"
    assert 0 < document["prediction"]["probability_up"] < 1
    assert {one["status"] for one in document["build"]["tests"]} == {"pass"}


def test_O02_the_run_is_on_record(at_once: Run) -> None:
    (run,) = [one for one in done(at_once.home, "status")["runs"] if one["command"] == "run"]
    assert (run["status"], run["gold_hash"]) == ("ok", at_once.document["gold_hash"])


def test_O02_the_schedule_runs_once_in_every_slot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("SYMBOLS", "BTC"), ("DEPTH_SYMBOLS", "BTC"), ("SINCE", "120d")):
        monkeypatch.setenv(f"ASSAY_INGEST__{name}", value)
    monkeypatch.setenv("ASSAY_INGEST__LIMITS_DIR", str(tmp_path / "limits"))
    monkeypatch.setenv("ASSAY_VENUES__WAZIRX__ENABLED", "false")
    told = done(tmp_path / "home", "run", "--sandbox", "--every", "10s", "--runs", "2")
    first, second = told["runs"]
    assert (first["status"], second["status"]) == ("ok", "ok")
    assert first["new_batches"] > 0
    assert second["slot"] > first["slot"]


def test_O03_argument_wins_over_environment_over_file_over_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "assay.yaml").write_text("lake: {threads: 3, memory_limit: 3GB}\n")
    monkeypatch.setenv("ASSAY_LAKE__THREADS", "5")
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path / "another"))
    shown = done(home, "config", "show")
    assert shown["home"] == {"value": str(home), "source": "argument"}
    found = {name: (shown[name]["value"], shown[name]["source"].split()[0]) for name in shown}
    assert found["lake.threads"] == (5, "environment")
    assert found["lake.memory_limit"] == ("3GB", "file")
    assert found["model.folds"] == (6, "default")


@pytest.mark.parametrize("place", ["file", "environment"])
def test_O03_an_unknown_key_is_refused_with_the_nearest_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    if place == "file":
        (home / "assay.yaml").write_text("lake: {treads: 3}\n")
    else:
        monkeypatch.setenv("ASSAY_LAKE__TREADS", "3")
    answer = assay(home, "config", "show", "--json")
    assert answer.code == 2
    assert "treads" in str(answer.document["error"]).lower()
    assert "lake.threads" in answer.err.lower().replace("assay_lake__threads", "lake.threads")


def test_O03_the_first_import_sets_the_home_up(tmp_path: Path, plan: Path) -> None:
    home = tmp_path / "home"
    answer = assay(home, "status")
    assert answer.code == 1
    assert "assay import" in answer.err
    done(home, "import", "--plan", str(plan))
    found = done(home, "status")
    assert (found["is_built"], found["unseen_files"]) == (False, True)


def test_O05_a_restored_home_says_what_the_lost_one_said(at_once: Run, tmp_path: Path) -> None:
    kept = done(at_once.home, "backup", str(tmp_path / "kept"))
    assert kept["files"] == kept["new_files"] > 0
    restored = done(tmp_path / "home", "restore", str(tmp_path / "kept"))
    assert (restored["name"], restored["files"]) == (kept["name"], kept["files"])
    asked = ("query", "select count(*) as bars, max(known_at) as known from silver.crypto_prices_cleaned", "--json")
    assert assay(tmp_path / "home", *asked).out == assay(at_once.home, *asked).out
    assert done(tmp_path / "home", "maintain")["tables"]["after"]["files"] > 0
    again = done(at_once.home, "backup", str(tmp_path / "kept"))
    assert again["new_bytes"] < kept["new_bytes"] / 10
