"""A progress bar that stays out of the way: only on a terminal, and only for work that takes more than two seconds."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

PATIENCE_S = 2.0

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
    with _shown(title, total=total, console=console, patience_s=patience_s) as (bar, task):

        def advance(amount: float = 1) -> None:
            bar.advance(task, amount)

        yield advance


@contextmanager
def _shown(
    title: str, *, total: float | None, console: Console | None = None, patience_s: float = PATIENCE_S
) -> Iterator[tuple[Progress, TaskID]]:
    from rich.console import Console as StderrConsole  # noqa: PLC0415  # rich costs start-up time
    from rich.progress import Progress as Bar  # noqa: PLC0415

    console = console or StderrConsole(stderr=True)
    bar = Bar(console=console, transient=True, disable=not console.is_terminal)
    task = bar.add_task(title, total=total)
    timer = threading.Timer(patience_s, bar.start)
    timer.daemon = True
    if console.is_terminal:
        timer.start()

    try:
        yield bar, task
    finally:
        timer.cancel()
        if timer.ident is not None:
            timer.join()  # else a bar that starts this very moment would never stop
        bar.stop()


@contextmanager
def working(title: str) -> Iterator[Callable[[str], None]]:
    """Show that something moves while the block runs, for work whose amount nobody knows beforehand.

    Yields a function that says what is going on now; off a terminal that goes to the log.
    """
    from rich.markup import escape  # noqa: PLC0415  # a file may be called [/x].csv

    with _shown(title, total=None) as (bar, task):

        def say(text: str) -> None:
            _log.info("doing=%r", text)
            bar.update(task, description=escape(text))

        yield say


@contextmanager
def counting(
    title: str, *, console: Console | None = None, patience_s: float = PATIENCE_S
) -> Iterator[Callable[[int, int], None]]:
    """Show how much is done of work whose amount grows while it is done.

    Yields a function that is told how much more is done, and how much more there is to do.
    """
    with _shown(title, total=0, console=console, patience_s=patience_s) as (bar, task):
        done = total = 0

        def count(more_done: int, more_to_do: int) -> None:
            nonlocal done, total
            done, total = done + more_done, total + more_to_do
            bar.update(task, completed=done, total=total, description=f"{title}, {done:,} of {total:,}")

        yield count
