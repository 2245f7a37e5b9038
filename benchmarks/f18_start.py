"""F18: how long the command line takes to answer, each time in a process of its own.

``python -c pass`` beside it says how much of that is the interpreter. The status is asked of the lake with five years
of hourly bars that the refreshes are measured on.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.harness import Contender, Figure, race, timed
from benchmarks.installed import assay_program
from benchmarks.lakes import Stage

HELP_GOAL_S, STATUS_GOAL_S = 0.3, 1.0
_ROUNDS = 11


def run(stage: Stage) -> Iterator[Figure]:
    """Measure the help and the status beside a bare interpreter."""
    lake = stage.long_lake
    home = lake.workspace.home.root
    assay = assay_program()
    bare = _command("python -c pass", [sys.executable, "-c", "pass"], home)
    help_ = _command("assay --help", [assay, "--help"], home)
    status = _command("assay status", [assay, "status"], home)
    times = race([bare, help_, status], rounds=_ROUNDS, warmup=2)
    of_lake = f"status of a lake with {lake.history.days} days of hourly bars of 20 symbols"
    yield Figure.of_seconds("F18", "help", times, subject=help_, peer=bare, goal=HELP_GOAL_S)
    yield Figure.of_seconds("F18", of_lake, times, subject=status, peer=bare, goal=STATUS_GOAL_S)


def _command(name: str, words: Sequence[str], home: Path) -> Contender:
    environment = {**os.environ, "ASSAY_HOME": str(home)}

    def work() -> None:
        subprocess.run(words, env=environment, check=True, capture_output=True)

    return Contender(name, timed(work))
