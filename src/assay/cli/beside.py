"""Another command of this program in a process beside this one, for as long as this one needs it.

It goes second where both want the machine, and it ends with the one that started it however that ends, by kill -9 too:
it watches a pipe that closes when nobody holds the other end any more.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

_NICE = 15
_STOP_S, _HALT_S = 3.0, 4.0


@contextlib.contextmanager
def beside(words: Sequence[str], *, complaints: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``assay`` with `words` beside the block, and end it with the block.

    Parameters
    ----------
    words : sequence of str
        A command that calls :func:`end_with` on its standard input.
    complaints : Path
        File for what it says on stderr, which would be in the way on this terminal.
    """
    command = [sys.executable, "-m", "assay.cli", *words]
    with complaints.open("wb") as file:
        process = subprocess.Popen(  # noqa: S603  # this very program
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=file,
            process_group=0,  # Ctrl-C is for this process, which ends the other one itself
        )
        try:
            yield process
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()  # what it was doing is gone on with by the next one
        process.wait()


def stay_below() -> None:
    """Let every other process go first."""
    with contextlib.suppress(OSError):
        os.nice(_NICE)


def end_with(pipe: int) -> None:
    """End this process when nobody holds the other end of `pipe` any more: in order if it can, and soon anyway."""

    def watch() -> None:
        while os.read(pipe, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_HALT_S)
        os._exit(1)

    threading.Thread(target=watch, name="watch", daemon=True).start()
