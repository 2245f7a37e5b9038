"""A progress bar that stays out of the way: only on a terminal, and only for work that takes more than two seconds."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

PATIENCE_S = 2.0
_REDRAWN_EVERY_S = 0.1

_log = logging.getLogger(__name__)


@contextmanager
def progress(
    title: str, *, total: float | None = None, console: Console | None = None, patience_s: float = PATIENCE_S
) -> Iterator[Callable[[float], None]]:
    """Yield a function to call with the amount done since the last call.

    Parameters
    ----------
    title : str
        What is going on.
    total : float, optional
        The whole amount; without it the bar only shows that something moves.
    console : Console, optional
        Where to draw; stderr by default.
    patience_s : float, default 2
        Seconds before anything shows.

    Examples
    --------
    >>> with progress("importing", total=2) as advance:
    ...     advance(1)
    ...     advance(1)
    """
    with _shown(_Work(title, total), console=console, patience_s=patience_s) as work:

        def advance(amount: float = 1) -> None:
            work.completed += amount

        yield advance


@dataclass
class _Work:
    """How far the work is. Whoever does it changes this; the bar, once there is one, reads it."""

    title: str
    total: float | None
    completed: float = 0


@contextmanager
def _shown(work: _Work, *, console: Console | None = None, patience_s: float = PATIENCE_S) -> Iterator[_Work]:
    is_terminal = sys.stderr.isatty() if console is None else console.is_terminal
    if not is_terminal:
        yield work
        return
    is_done = threading.Event()
    drawer = threading.Thread(target=_draw, args=(work, console, patience_s, is_done), daemon=True)
    drawer.start()
    try:
        yield work
    finally:
        is_done.set()
        drawer.join()  # else a bar that starts this very moment would never stop


def _draw(work: _Work, console: Console | None, patience_s: float, is_done: threading.Event) -> None:
    """Draw a bar from `patience_s` on until the work is done; what is done before that never waits for Rich."""
    if is_done.wait(patience_s):
        return
    from rich.console import Console as StderrConsole  # noqa: PLC0415  # Rich costs start-up time
    from rich.markup import escape  # noqa: PLC0415  # a file may be called [/x].csv
    from rich.progress import Progress  # noqa: PLC0415

    with Progress(console=console or StderrConsole(stderr=True), transient=True) as bar:
        task = bar.add_task(escape(work.title), total=work.total)
        while not is_done.wait(_REDRAWN_EVERY_S):
            bar.update(task, description=escape(work.title), total=work.total, completed=work.completed)


@contextmanager
def working(title: str) -> Iterator[Callable[[str], None]]:
    """Show that something moves while the block runs, for work whose amount nobody knows beforehand.

    Yields a function that says what is going on now; off a terminal that goes to the log.
    """
    with _shown(_Work(title, None)) as work:

        def say(text: str) -> None:
            _log.info("doing=%r", text)
            work.title = text

        yield say


@contextmanager
def counting(
    title: str, *, console: Console | None = None, patience_s: float = PATIENCE_S
) -> Iterator[Callable[[int, int], None]]:
    """Show how much is done of work whose amount grows while it is done.

    Yields a function that is told how much more is done, and how much more there is to do.
    """
    with _shown(_Work(title, 0), console=console, patience_s=patience_s) as work:
        done = total = 0

        def count(more_done: int, more_to_do: int) -> None:
            nonlocal done, total
            done, total = done + more_done, total + more_to_do
            work.title, work.total, work.completed = f"{title}, {done:,} of {total:,}", total, done

        yield count
