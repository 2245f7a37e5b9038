"""Which line and which exit code each kind of failure leads to."""

from __future__ import annotations

import errno
import json
import os

import pytest

from assay.cli.failure import failure_of, report
from assay.domain.errors import AssayError, BuildError, LakeBusyError, SettingsError


@pytest.mark.parametrize("error", [LakeBusyError("busy"), SettingsError("bad", value="x", todo="y"), BuildError("no")])
def test_own_error_keeps_its_text_and_exit_code(error: AssayError, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(error, as_json=False) == error.exit_code
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", f"assay: error: {error}\n")


def test_text_of_several_lines_becomes_one(capsys: pytest.CaptureFixture[str]) -> None:
    report(AssayError("first\n  second", todo="third\nfourth"), as_json=False)
    assert capsys.readouterr().err == "assay: error: first second; third fourth\n"


def test_interrupt_is_130_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(KeyboardInterrupt(), as_json=True) == 130
    shown = capsys.readouterr()
    assert shown.err == "assay: interrupted\n"
    assert json.loads(shown.out)["error"]["exit_code"] == 130


def test_bug_is_one_line_with_its_type_and_exit_code_70(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(KeyError("close"), as_json=False) == 70
    assert capsys.readouterr().err == (
        "assay: error: internal error: KeyError: 'close'; this is a bug; run with ASSAY_DEBUG=1 for the traceback\n"
    )


def test_debug_variable_shows_the_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_DEBUG", "1")
    try:
        raise KeyError("close")
    except KeyError as error:
        report(error, as_json=False)
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert "test_failure.py" in shown


def wrapped(cause: Exception) -> Exception:
    """Return an error of some library that was raised from `cause`."""
    try:
        try:
            raise cause
        except Exception as inner:
            raise RuntimeError("could not commit") from inner
    except RuntimeError as outer:
        return outer


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "lake/x.parquet"), "disk full: 'lake/x.parquet'"),
        (OSError(errno.EROFS, os.strerror(errno.EROFS)), "the disk is read-only"),
        (PermissionError(errno.EACCES, os.strerror(errno.EACCES), "lake"), "permission denied: 'lake'"),
        (wrapped(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))), "disk full"),
        (RuntimeError("IO Error: Could not write file x: No space left on device"), "disk full"),
    ],
)
def test_refusal_of_the_disk_is_a_storage_error_worth_trying_again(error: Exception, what: str) -> None:
    failure = failure_of(error)
    assert failure.kind == "StorageError"
    assert failure.exit_code == 3
    assert failure.text.startswith(what + ";")


def test_missing_file_that_nobody_expected_is_a_bug() -> None:
    assert failure_of(FileNotFoundError(errno.ENOENT, "No such file or directory", "x")).exit_code == 70
