"""What a person sees when something goes wrong: one line on stderr, an exit code, and a document with ``--json``.

>>> failure_of(OSError(28, "No space left on device")).text
'disk full; free some space and run the same command again'
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import typer

from assay.cli import Terminated
from assay.cli.render import to_json
from assay.domain.errors import AssayError, StorageError

INTERRUPTED = 130
"""128 + SIGINT, as a shell reports it."""
TERMINATED = 143
"""128 + SIGTERM."""
NOBODY_READS = 141
"""128 + SIGPIPE: the reader of our output went away, as in ``assay query ... | head``."""
BUG = 70
"""EX_SOFTWARE of sysexits.h."""

_DISK = {
    errno.ENOSPC: ("disk full", "free some space and run the same command again"),
    errno.EDQUOT: ("disk quota used up", "free some space and run the same command again"),
    errno.EROFS: ("the disk is read-only", "choose another place with --home"),
    errno.EACCES: ("permission denied", "check who owns it"),
    errno.EPERM: ("permission denied", "check who owns it"),
    errno.EIO: ("the disk fails", "check the disk"),
    errno.ENAMETOOLONG: ("the name is too long for a file", "choose a shorter one"),
}


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed command, ready to be shown."""

    kind: str
    what: str
    value: str | None
    todo: str
    exit_code: int
    text: str


def report(error: BaseException, *, as_json: bool) -> int:
    """Show `error` and return the exit code of the process."""
    # DuckDB, interrupted in a query, raises an error of its own from the interrupt.
    stop = next((link for link in _chain(error) if isinstance(link, KeyboardInterrupt | typer.Abort)), None)
    if stop is not None:
        what, code = ("terminated", TERMINATED) if isinstance(stop, Terminated) else ("interrupted", INTERRUPTED)
        print(f"assay: {what}", file=sys.stderr)
        return _with_document(Failure(what.capitalize(), what, None, "", code, what), as_json=as_json)
    if isinstance(error, BrokenPipeError):
        # Python flushes stdout once more at exit and would complain then; let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOBODY_READS
    if os.environ.get("ASSAY_DEBUG"):
        traceback.print_exception(error, file=sys.stderr)
    failure = failure_of(error)
    print(f"assay: error: {failure.text}", file=sys.stderr)
    return _with_document(failure, as_json=as_json)


@contextmanager
def after_the_document(*, as_json: bool) -> Iterator[None]:
    """Let an interrupt end a command whose one document of ``--json`` is out already: no other may follow it."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        if not as_json:
            raise
        is_terminated = isinstance(interrupt, Terminated)
        print(f"assay: {'terminated' if is_terminated else 'interrupted'}", file=sys.stderr)
        raise typer.Exit(TERMINATED if is_terminated else INTERRUPTED) from None


def _with_document(failure: Failure, *, as_json: bool) -> int:
    if as_json:
        document = {"type": failure.kind, "what": failure.what, "value": failure.value, "todo": failure.todo}
        with suppress(OSError):  # stdout may be the very thing that failed
            print(to_json({"error": {**document, "exit_code": failure.exit_code}}), flush=True)
    return failure.exit_code


def failure_of(error: BaseException) -> Failure:
    """Return what to show for `error`, which may be anybody's."""
    if isinstance(error, typer.TyperException):
        context = getattr(error, "ctx", None)
        what, todo = error.format_message().rstrip("."), f"see `{context.command_path} --help`" if context else ""
        text = f"{what}; {todo}" if todo else what
        return Failure("UsageError", what, None, todo, error.exit_code, _one_line(text))
    known = error if isinstance(error, AssayError) else _storage_error(error)
    if known is not None:
        value = None if known.value is None else str(known.value)
        return Failure(type(known).__name__, known.what, value, known.todo, known.exit_code, _one_line(str(known)))
    what = "internal error"
    value = f"{type(error).__name__}: {error}"
    todo = "this is a bug; run with ASSAY_DEBUG=1 for the traceback"
    return Failure(type(error).__name__, what, value, todo, BUG, _one_line(f"{what}: {value}; {todo}"))


def _storage_error(error: BaseException) -> StorageError | None:
    """Return the StorageError that an operating system's refusal anywhere in the chain of causes amounts to."""
    for link in _chain(error):
        number = link.errno if isinstance(link, OSError) else None
        if number is None and "No space left on device" in str(link):  # libraries that wrap it as text
            number = errno.ENOSPC
        if number in _DISK:
            what, todo = _DISK[number]
            return StorageError(what, value=getattr(link, "filename", None), todo=todo)
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__


def _one_line(text: str) -> str:
    return " ".join(text.split())
