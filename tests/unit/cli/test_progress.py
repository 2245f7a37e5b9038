"""The bar shows on a terminal when work takes long, and nowhere else."""

from __future__ import annotations

import io
import time

from rich.console import Console

from assay.cli.progress import counting, progress

LONGEST_S = 600.0
"""How long a bar is waited for."""


def wait_for(text: str, screen: io.StringIO) -> None:
    """Do work until the text is on the screen."""
    deadline = time.monotonic() + LONGEST_S
    while text not in screen.getvalue():
        assert time.monotonic() < deadline, screen.getvalue()
        time.sleep(0.01)


def console_of(screen: io.StringIO, *, is_terminal: bool = True) -> Console:
    return Console(file=screen, force_terminal=is_terminal, width=80)


def test_long_work_on_a_terminal_shows_a_bar() -> None:
    screen = io.StringIO()
    with progress("importing", total=2, console=console_of(screen), patience_s=0.0) as advance:
        advance(1)
        wait_for("importing", screen)
        wait_for("50%", screen)
        advance(1)


def test_short_work_on_a_terminal_shows_nothing() -> None:
    screen = io.StringIO()
    with progress("importing", total=2, console=console_of(screen), patience_s=LONGEST_S) as advance:
        advance(2)
    assert screen.getvalue() == ""


def test_long_work_without_a_terminal_shows_nothing() -> None:
    screen = io.StringIO()
    with progress("importing", total=2, console=console_of(screen, is_terminal=False), patience_s=0.0) as advance:
        advance(1)
        time.sleep(0.3)
        advance(1)
    assert screen.getvalue() == ""


def test_bar_is_gone_when_the_work_fails() -> None:
    screen = io.StringIO()
    try:
        with progress("importing", console=console_of(screen), patience_s=0.0):
            wait_for("importing", screen)
            raise KeyError("x")
    except KeyError:
        pass
    before = screen.getvalue()
    time.sleep(0.3)
    assert screen.getvalue() == before


def test_amount_may_grow_while_the_work_is_done() -> None:
    screen = io.StringIO()
    with counting("ingesting", console=console_of(screen), patience_s=0.0) as count:
        count(0, 2)
        count(1, 0)
        wait_for("ingesting, 1 of 2", screen)
        count(0, 1_000)
        count(1, 0)
        wait_for("ingesting, 2 of 1,002", screen)
