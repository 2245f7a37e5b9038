"""F11: a refresh costs what is new, not the years before it.

A day of hourly bars of 20 symbols arrives at a lake with a month of history and at one with five years. dbt starts
twice in a refresh, which takes the same seconds in both and would hide a difference: a run of dbt over no model at
all is timed after each refresh, and twice that is taken off. The figure with everything in it stands beside.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from assay.pipelines.building import build
from assay.pipelines.dbt import run_dbt
from benchmarks.harness import Contender, Figure, race
from benchmarks.lakes import HourlyLake, Stage

GOAL = 1.3
_ROUNDS = 7


@dataclass
class _Refreshes:
    """The refreshes of one lake, one day each."""

    lake: HourlyLake
    whole: list[float] = field(default_factory=list)

    def measure(self) -> float:
        workspace = self.lake.add_day()
        begun = time.perf_counter()
        result = build(workspace)
        whole = time.perf_counter() - begun
        assert not result.is_full_refresh
        begun = time.perf_counter()
        run_dbt(workspace, "build", select=["path:models/none"])
        start_up = time.perf_counter() - begun
        self.whole.append(whole)
        return whole - 2.0 * start_up


def run(stage: Stage) -> Iterator[Figure]:
    """Measure the refreshes of a short and a long history in turn."""
    short, long = _Refreshes(stage.short_lake), _Refreshes(stage.long_lake)
    rounds = 5 if stage.is_quick else _ROUNDS
    years = f"{stage.long_lake.history.days} days of history"
    subject, peer = Contender(years, long.measure), Contender("30 days", short.measure)
    work = "refresh after one more day of 20 symbols"
    times = race([subject, peer], rounds=rounds, warmup=2)
    whole = {subject.name: long.whole[-rounds:], peer.name: short.whole[-rounds:]}
    yield Figure.of_ratio("F11", f"{work}, dbt start-up excluded", times, subject=subject, peer=peer, goal=GOAL)
    yield Figure.of_ratio("F11", f"{work}, everything", whole, subject=subject, peer=peer, goal=None)
