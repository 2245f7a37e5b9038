"""A module of this program as a process of its own, which is spoken to in pickles and ended with the block."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import IO, NamedTuple, cast


class ProcessBeside(NamedTuple):
    """The other process, and the pipes to and from it."""

    process: subprocess.Popen[bytes]
    words: IO[bytes]
    answers: IO[bytes]


@contextlib.contextmanager
def process_beside(module: str, *arguments: str) -> Iterator[ProcessBeside]:
    """Run a module beside this process, and kill it at the end of the block, whatever it is doing.

    Parameters
    ----------
    module : str
        Its full name; run as a program it calls :func:`serve`.
    *arguments : str
    """
    command = [sys.executable, "-W", "ignore", "-m", module, *arguments]
    with subprocess.Popen(  # noqa: S603  # ourselves
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:  # fmt: skip
        words, answers = (cast("IO[bytes]", pipe) for pipe in (process.stdin, process.stdout))
        try:
            yield ProcessBeside(process, words, answers)
        finally:
            process.kill()
            with contextlib.suppress(OSError):  # it had ended before it read all that it was told
                words.close()


def tell(pipe: IO[bytes], what: object) -> None:
    """Write one object for the other side; OSError if nobody is there."""
    pickle.dump(what, pipe, pickle.HIGHEST_PROTOCOL)
    pipe.flush()


def serve(answer: Callable[[IO[bytes], IO[bytes]], None]) -> None:
    """Be the other process: `answer` reads from the one pipe and writes to the other until nobody asks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a person's Ctrl-C is for the one who started this
    # What a library prints must not get between the answers.
    own = os.dup(1)
    os.dup2(2, 1)
    with contextlib.suppress(EOFError, OSError), os.fdopen(own, "wb") as answers:
        answer(sys.stdin.buffer, answers)
