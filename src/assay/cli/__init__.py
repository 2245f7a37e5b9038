"""The command line: parse a request, call one pipeline or selector, show the answer.

:func:`main` is the only way in. It turns whatever goes wrong into one line and an exit code; the commands themselves
just raise. Exit codes: 0 done, 1 refused, 2 wrong usage or input, 3 worth trying again, 4 an audit found
a look into the future, 70 a bug, 130 interrupted, 141 nobody reads the output any more, 143 terminated.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

from assay.cli.interrupts import Interrupts, Terminated

__all__ = ["Terminated", "main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words after ``assay``; the process's own by default.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    is_read = sys.stdout is not None
    interrupts = Interrupts()
    try:
        if arguments is None:
            interrupts.install()
        _prepare_streams()
        from assay.cli.app import run  # noqa: PLC0415  # so that an interrupt while it loads is reported too

        code = run(words)
        sys.stdout.flush()
        interrupts.end()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # the outermost place there is
        interrupts.end()
        from assay.cli.failure import report  # noqa: PLC0415

        return report(error, as_json="--json" in _options(words))
    if is_read:
        return code
    from assay.cli.failure import NOBODY_READS  # noqa: PLC0415

    return code or NOBODY_READS


def _prepare_streams() -> None:
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the shell, as in `assay status >&-`
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that has no × still gets its answer


def _options(words: Sequence[str]) -> Sequence[str]:
    return words[: words.index("--")] if "--" in words else words
