"""Ctrl-C and SIGTERM end a command, wherever they find it.

An exception that is raised in the middle of an import may be lost: libraries import others that they can do without,
and forget whatever goes wrong (DuckDB does so with pandas, in C++). What was half imported then keeps Python's import
lock, for which the next thread waits for ever: the command would neither end nor go on. The first seconds of a
command are mostly imports, so a signal waits for their end. It also waits for the end of code that mashumaro writes,
by which dbt reads what it keeps of a project: any exception is a sign to it that it should try another type.

Elsewhere it is raised at once, and may be forgotten there as well, by Python itself where nobody could be told (in
finalizers, for one). So it is raised again until somebody has it in hand.
"""

from __future__ import annotations

import signal
import sys
import time
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_AGAIN_S, _LOOK_S = 0.01, 0.1
_LONGEST_S = 30.0
"""An import that takes longer waits for something itself, and is given up."""
_IMPORT, _READING = "<frozen importlib", "__mashumaro_"


class Interrupted(KeyboardInterrupt):
    """SIGINT: of a class of its own, since Python remembers a plain one that left a text it was told to run.

    It would then end the process by the signal, whatever was made of the exception meanwhile.
    """


class Terminated(KeyboardInterrupt):
    """SIGTERM: ends a command as Ctrl-C does, in order and with a line that says so."""


class Interrupts:
    """A handler of SIGINT, SIGTERM and of the alarm by which it is called again a moment later."""

    def __init__(self) -> None:
        self._kind: type[KeyboardInterrupt] = Interrupted
        self._since = 0.0
        self._raised: KeyboardInterrupt | None = None
        self._handled: list[signal.Signals] = []
        self._complain = sys.unraisablehook

    def install(self) -> None:
        """Handle the signals of this process; SIGINT only if whoever started it does not want it ignored."""
        sys.unraisablehook = self._forgotten
        is_wanted = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        self._handled = [signal.SIGALRM, signal.SIGTERM, *([signal.SIGINT] if is_wanted else [])]
        for number in self._handled:
            signal.signal(number, self)

    def end(self) -> None:
        """Raise nothing more: the command has ended, and a signal that comes now ends what is left of the process."""
        if self._handled:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
        for number in self._handled:
            signal.signal(number, signal.SIG_IGN if number == signal.SIGALRM else signal.SIG_DFL)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Raise what the signal stands for, now or as soon as it would not be forgotten."""
        now = time.monotonic()
        if number != signal.SIGALRM:
            self._kind, self._since = Terminated if number == signal.SIGTERM else Interrupted, now
        elif _is_in_hand(self._raised):
            signal.setitimer(signal.ITIMER_REAL, _LOOK_S)
            return
        if _is_forgetful(frame) and now - self._since < _LONGEST_S:
            signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)
            return
        signal.setitimer(signal.ITIMER_REAL, _LOOK_S)
        self._raised = self._kind()
        raise self._raised

    def _forgotten(self, lost: UnraisableHookArgs) -> None:
        # What else is forgotten is said as ever.
        if self._raised is None or lost.exc_value is not self._raised:
            self._complain(lost)


def _is_in_hand(raised: KeyboardInterrupt | None) -> bool:
    """Whether the exception is what a ``finally``, an ``except`` or the end of a ``with`` is about right now."""
    link = sys.exception() if raised is not None else None
    while link is not None and link is not raised:
        link = link.__cause__ or link.__context__
    return link is not None


def _is_forgetful(frame: FrameType | None) -> bool:
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(_IMPORT) or code.co_name.startswith(_READING):
            return True
        frame = frame.f_back
    return False
