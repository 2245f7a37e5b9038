"""One error tree: every failure a user can meet says what is wrong, which value, and what to do.

>>> error = BadInputError("unknown interval", value="7q", todo="use one of 1s, 1m, 1h, 1d, 1w, 1M")
>>> print(error)
unknown interval: '7q'; use one of 1s, 1m, 1h, 1d, 1w, 1M
"""

from __future__ import annotations


class AssayError(Exception):
    """Base of all errors that Assay raises on purpose.

    Parameters
    ----------
    what : str
        What is wrong, in lower case, without the value.
    value : object, optional
        The offending value; shown quoted and cut to 200 characters.
    todo : str, optional
        What the user can do about it.
    """

    exit_code = 1

    def __init__(self, what: str, *, value: object = None, todo: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.value = value
        self.todo = todo

    def __str__(self) -> str:
        text = self.what
        if self.value is not None:
            shown = repr(str(self.value))
            text += ": " + (shown if len(shown) <= 200 else shown[:197] + "...")
        return f"{text}; {self.todo}" if self.todo else text


class TransientError(AssayError):
    """It may work when tried again: a busy lock, a time-out, a full disk."""

    exit_code = 3


class TerminalError(AssayError):
    """Trying again changes nothing until the input or the settings change."""


class BadInputError(TerminalError):
    """A value from the user or a file is not usable."""

    exit_code = 2


class SettingsError(BadInputError):
    """A settings file, environment variable or option is wrong."""


class LakeBusyError(TransientError):
    """Another process holds the writer lock."""


class StorageError(TransientError):
    """The disk refused: full, read-only or gone."""


class HomeError(TerminalError):
    """``ASSAY_HOME`` is not a directory that this program may use."""


class NoDataError(TerminalError):
    """The lake holds nothing that answers the request."""


class NotBuiltError(NoDataError):
    """The lake, or the part of it that would answer, has not been built yet."""


class BuildError(TerminalError):
    """A refresh stopped, or one of its quality gates failed."""
