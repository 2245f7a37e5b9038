"""The bar shows on a terminal when work takes long, and nowhere else."""

from __future__ import annotations

import io
import time

from rich.console import Console

from assay.cli.progress import counting, progress


def drawn(*, is_terminal: bool, patience_s: float, work_s: float) -> str:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=is_terminal, width=80)
    with progress("importing", total=2, console=console, patience_s=patience_s) as advance:
        advance(1)
        time.sleep(work_s)
        advance(1)
    return screen.getvalue()


def test_long_work_on_a_terminal_shows_a_bar() -> None:
    assert "importing" in drawn(is_terminal=True, patience_s=0.0, work_s=0.3)


def test_short_work_on_a_terminal_shows_nothing() -> None:
    assert drawn(is_terminal=True, patience_s=30.0, work_s=0.0) == ""


def test_long_work_without_a_terminal_shows_nothing() -> None:
    assert drawn(is_terminal=False, patience_s=0.0, work_s=0.3) == ""


def test_bar_is_gone_when_the_work_fails() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80)
    try:
        with progress("importing", console=console, patience_s=0.0):
            time.sleep(0.3)
            raise KeyError("x")
    except KeyError:
        pass
    before = screen.getvalue()
    time.sleep(0.3)
    assert screen.getvalue() == before
    assert "importing" in before


def test_amount_may_grow_while_the_work_is_done() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80)
    with counting("ingesting", console=console, patience_s=0.0) as count:
        for done, more in ((0, 2), (1, 0), (0, 1_000), (1, 0)):
            count(done, more)
            time.sleep(0.15)
    assert "ingesting, 1 of 2" in screen.getvalue()
    assert "ingesting, 2 of 1,002" in screen.getvalue()
