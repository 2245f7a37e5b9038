"""Homes to measure on: real imports and real builds, in a scratch folder, under a clock that is set by hand."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

import polars as pl

from assay.domain.clock import FrozenClock
from assay.domain.instrument import Market
from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.lake.recordings import RecordingSpec
from assay.pipelines.building import build
from assay.pipelines.importing import import_file
from assay.pipelines.workspace import Workspace, open_workspace
from assay.settings import Settings
from benchmarks.made_bars import SYMBOLS, walk

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
END_OF_HISTORY = datetime(2025, 1, 1, tzinfo=UTC)
MONTH, YEAR, FIVE_YEARS = 30 * DAY, 365 * DAY, 1826 * DAY


@dataclass
class HourlyLake:
    """A home with a history of hourly bars of 20 symbols, to which days are added.

    Attributes
    ----------
    root : Path
        An empty folder.
    history : timedelta
        How much of it is built before anything is measured.
    """

    root: Path
    history: timedelta
    days_added: int = field(default=0, init=False)

    @cached_property
    def workspace(self) -> Workspace:
        """The home with its history built."""
        workspace = open_workspace(Settings(home=self.root / "home"), clock=FrozenClock(END_OF_HISTORY))
        self._import(workspace, END_OF_HISTORY - self.history, self.history)
        build(workspace)
        return workspace

    def add_day(self) -> Workspace:
        """Import the next day of every symbol, one file each, and return the workspace at the end of that day."""
        first = END_OF_HISTORY + self.days_added * DAY
        self.days_added += 1
        workspace = replace(self.workspace, clock=FrozenClock(first + DAY))
        self._import(workspace, first, DAY)
        return workspace

    def _import(self, workspace: Workspace, first: datetime, length: timedelta) -> None:
        for number, symbol in enumerate(SYMBOLS):
            seed = 1_000 * number + self.days_added
            bars = walk(length // HOUR, seed=seed, first=first, bar=HOUR)
            file = self.root / "recordings" / f"{symbol}-{self.days_added}.parquet"
            bring_in(workspace, file, bars, symbol=symbol, interval="1h")


def bring_in(workspace: Workspace, file: Path, bars: pl.DataFrame, *, symbol: str, interval: str) -> None:
    """Write the bars to a file and import it as a recording made at the workspace's present."""
    file.parent.mkdir(parents=True, exist_ok=True)
    bars.write_parquet(file)
    now = workspace.clock.now()
    spec = RecordingSpec("binance", Market.SPOT, Interval.parse(interval), Symbol.parse(symbol), recorded_at=now)
    import_file(workspace, file, spec)


@dataclass
class Stage:
    """What the benchmarks of one run share.

    Attributes
    ----------
    scratch : Path
        A folder that is removed after the run.
    is_quick : bool
        Small sizes: to see that everything runs, not to quote.
    """

    scratch: Path
    is_quick: bool = False

    @cached_property
    def long_lake(self) -> HourlyLake:
        """Five years of hourly bars (one year if quick)."""
        return HourlyLake(self.scratch / "long", YEAR if self.is_quick else FIVE_YEARS)

    @cached_property
    def short_lake(self) -> HourlyLake:
        """One month of hourly bars."""
        return HourlyLake(self.scratch / "short", MONTH)
