"""F19: the demo from nothing to a site's worth of data: the simulated market ingested, built, evaluated, predicted.

``assay demo --no-serve`` in a process and a home of its own, so that nothing is kept from the round before: no
compiled kernel, no parsed project. Its seconds on the clock count; beside them stand those of all processors together,
which say the same on a machine that others use.
"""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Iterator

from benchmarks.harness import Contender, Figure
from benchmarks.installed import assay_program
from benchmarks.lakes import Stage

GOAL_S = 60.0
_ROUNDS = 3


def run(stage: Stage) -> Iterator[Figure]:
    """Measure the demo, in seconds and in seconds of processors."""
    rounds = [_demo() for _ in range(1 if stage.is_quick else _ROUNDS)]
    work = "from an empty home to everything but the site"
    on_clock, of_processors = Contender("assay demo", _seconds), Contender("assay demo, all processors", _seconds)
    times = {on_clock.name: [wall for wall, _ in rounds], of_processors.name: [cpu for _, cpu in rounds]}
    yield Figure.of_seconds("F19", work, times, subject=on_clock, peer=None, goal=GOAL_S)
    yield Figure.of_seconds("F19", work, times, subject=of_processors, peer=None, goal=None)


def _seconds() -> float:
    return _demo()[0]


def _demo() -> tuple[float, float]:
    """Return the seconds that a demo takes, and those of processors."""
    words = [assay_program(), "demo", "--no-serve", "--json"]
    with tempfile.TemporaryDirectory(prefix="assay-demo-") as home:
        # Accounts with venues lie outside of a home.
        environment = {**os.environ, "ASSAY_HOME": f"{home}/home", "ASSAY_INGEST__LIMITS_DIR": f"{home}/limits"}
        begun, spent = time.perf_counter(), _spent()
        subprocess.run(words, env=environment, check=True, capture_output=True)
        return time.perf_counter() - begun, _spent() - spent


def _spent() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
