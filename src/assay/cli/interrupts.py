"""Ctrl-C and SIGTERM end a command, but not in the middle of an import, nor where what is raised is forgotten.

An exception that is raised there may be lost: libraries import others of which they can do without, and forget whatever
goes wrong (DuckDB does so with pandas, in C++). What was half imported then keeps Python's import lock, for which the
next thread waits for ever: the command would neither end nor go on. The first seconds of a command are mostly imports.
The code that mashumaro writes, by which dbt reads what it keeps of a project, takes any exception for a sign that it
should try another type: the command would go on as if nobody had wanted it to end.
"""

from __future__ import annotations

import signal
import time
from types import FrameType

_AGAIN_S = 0.01
_LONGEST_S = 30.0
"""An import that takes longer waits for something itself, and is given up."""
_IMPORT, _READING = "<frozen importlib", "__mashumaro_"


class Terminated(KeyboardInterrupt):
    """SIGTERM: ends a command as Ctrl-C does, in order and with a line that says so."""


class Interrupts:
    """A handler of SIGINT, SIGTERM and of the alarm by which it is called again a moment later."""

    def __init__(self) -> None:
        self._kind: type[KeyboardInterrupt] = KeyboardInterrupt
        self._since = 0.0

    def install(self) -> None:
        """Handle the signals of this process; SIGINT only if whoever started it does not want it ignored."""
        signal.signal(signal.SIGTERM, self)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self)
        signal.signal(signal.SIGALRM, self)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Raise what the signal stands for, now or as soon as it would not be forgotten."""
        now = time.monotonic()
        if number != signal.SIGALRM:
            self._kind, self._since = Terminated if number == signal.SIGTERM else KeyboardInterrupt, now
        if _is_forgetful(frame) and now - self._since < _LONGEST_S:
            signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)
            return
        raise self._kind


def _is_forgetful(frame: FrameType | None) -> bool:
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(_IMPORT) or code.co_name.startswith(_READING):
            return True
        frame = frame.f_back
    return False
