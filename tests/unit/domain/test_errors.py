"""What an error says, and which exit code it leads to."""

from __future__ import annotations

import pytest

from assay.domain.errors import (
    AssayError,
    BadInputError,
    BuildError,
    HomeError,
    LakeBusyError,
    NoDataError,
    SettingsError,
    StorageError,
    TerminalError,
    TransientError,
)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (AssayError("lake is busy"), "lake is busy"),
        (AssayError("lake is busy", todo="wait"), "lake is busy; wait"),
        (AssayError("unknown venue", value="x"), "unknown venue: 'x'"),
        (AssayError("unknown venue", value="x", todo="use y"), "unknown venue: 'x'; use y"),
        (AssayError("empty name", value=""), "empty name: ''"),
        (AssayError("too few folds", value=0), "too few folds: '0'"),
        (AssayError("bad text", value="a\nb"), "bad text: 'a\\nb'"),
    ],
)
def test_text_is_what_value_todo(error: AssayError, text: str) -> None:
    assert str(error) == text


def test_long_value_is_cut_in_the_text_but_kept_in_the_attribute() -> None:
    error = AssayError("bad row", value="x" * 500)
    assert str(error) == "bad row: '" + "x" * 196 + "..."
    assert error.value == "x" * 500


@pytest.mark.parametrize(
    ("kind", "decision", "exit_code"),
    [
        (LakeBusyError, TransientError, 3),
        (StorageError, TransientError, 3),
        (BadInputError, TerminalError, 2),
        (SettingsError, TerminalError, 2),
        (HomeError, TerminalError, 1),
        (NoDataError, TerminalError, 1),
        (BuildError, TerminalError, 1),
    ],
)
def test_class_decides_retry_and_exit_code(kind: type[AssayError], decision: type[AssayError], exit_code: int) -> None:
    assert issubclass(kind, decision)
    assert issubclass(kind, TransientError) != issubclass(kind, TerminalError)
    assert kind.exit_code == exit_code
