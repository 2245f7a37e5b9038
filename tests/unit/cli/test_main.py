"""The program as a person or a script meets it: what is on stdout, what is on stderr, and the exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import assay
from assay.cli import main
from assay.settings import setting_keys

FULL = Path("/dev/full")


def assay_process(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the program as a process of its own, with warnings as errors."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "assay.cli", *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=600,
    )


def test_help_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr()
    assert "config" in shown.out
    assert "version" in shown.out
    assert shown.err == ""


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    bare = capsys.readouterr().out
    assert main(["--help"]) == 0
    assert capsys.readouterr().out == bare


def test_help_loads_nothing_heavy() -> None:
    # What makes it answer in under 0.3 s; how fast it is stands in the benchmarks (F18).
    heavy = {"numba", "sklearn", "polars", "duckdb", "pyarrow", "numpy", "pydantic", "dbt", "rich", "yaml", "scipy"}
    script = "import sys; from assay.cli import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=600, check=True)
    assert not heavy & set(loaded.stderr.split())


def test_version_is_the_packages_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"assay {assay.__version__}\n"
    assert main(["version", "--json"]) == 0
    versions = json.loads(capsys.readouterr().out)
    assert versions["assay"] == assay.__version__
    assert versions["duckdb"] == "1.5.5"
    assert "not installed" not in versions.values()


def test_config_shows_every_setting_as_text_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show"]) == 0
    text = capsys.readouterr().out
    assert [line.split()[0] for line in text.splitlines()[1:]] == list(setting_keys())
    assert main(["config", "show", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert list(document) == list(setting_keys())
    assert document["lake.threads"] == {"value": 2, "source": "default"}


def test_options_in_front_of_the_command_choose_home_and_settings_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "assay.yaml").write_text("model: {seed: 11}", encoding="utf-8")
    (tmp_path / "other.yaml").write_text("model: {seed: 12}", encoding="utf-8")
    assert main(["--home", str(tmp_path), "config", "show", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["home"] == {"value": str(tmp_path), "source": "argument"}
    assert document["model.seed"] == {"value": 11, "source": "file"}
    other = ["--home", str(tmp_path), "--settings", str(tmp_path / "other.yaml")]
    assert main([*other, "config", "show", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["model.seed"]["value"] == 12


def test_wrong_setting_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_LAKE__THREADS", "none")
    assert main(["config", "show"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("assay: error: bad value for lake.threads in ASSAY_LAKE__THREADS: 'none'; ")
    assert shown.err.count("\n") == 1


def test_failure_with_json_is_one_document_on_stdout(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_LAKE__THREDS", "4")
    assert main(["config", "show", "--json"]) == 2
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {
        "error": {
            "type": "SettingsError",
            "what": "unknown environment variable",
            "value": "ASSAY_LAKE__THREDS",
            "todo": "did you mean ASSAY_LAKE__THREADS?",
            "exit_code": 2,
        }
    }
    assert shown.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["confi"], "No such command 'confi'. Did you mean 'config'?; see `assay --help`"),
        (["config"], "Missing command; see `assay config --help`"),
        (["config", "show", "--jsn"], "No such option: --jsn"),
        (["config", "show", "extra"], "Got unexpected extra argument(s) (extra); see `assay config show --help`"),
        (["--home"], "Option '--home' requires an argument"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(f"assay: error: {complaint}")
    assert shown.err.count("\n") == 1


def test_json_asked_for_behind_the_double_dash_is_not_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version", "--", "--json"]) == 2
    assert capsys.readouterr().out == ""


def test_reader_that_goes_away_ends_the_program_quietly() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "assay.cli", "config", "show"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()  # before the program has written anything
    assert process.stderr is not None
    complaint = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=600) == 141
    assert complaint == b""


@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("words", [["config", "show"], ["config", "show", "--json"], ["--help"]])
def test_full_disk_behind_stdout_is_one_line_and_exit_code_3(words: list[str]) -> None:
    with FULL.open("w") as full:
        run = subprocess.run(
            [sys.executable, "-m", "assay.cli", *words], stdout=full, stderr=subprocess.PIPE, text=True, timeout=600
        )
    assert run.returncode == 3
    assert run.stderr == "assay: error: disk full; free some space and run the same command again\n"


def test_terminal_without_the_character_still_gets_the_answer(tmp_path: Path) -> None:
    run = assay_process("config", "show", PYTHONIOENCODING="ascii", ASSAY_HOME=str(tmp_path / "müllerei"))
    assert run.returncode == 0
    assert "m\\xfcllerei" in run.stdout
