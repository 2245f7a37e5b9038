"""What is kept of a backtest that is done: its summary, its report as plain values, and its tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from assay.domain.errors import NoDataError
from assay.domain.plain import plain
from assay.lake.backtest_runs import RunSummary, StoredRun, run_id, save_run
from assay.lake.sealed import documents_of
from assay.pipelines.backtest_report import BacktestReport
from assay.pipelines.backtest_sweeping import SweepReport
from assay.pipelines.backtest_tables import save_tables
from assay.pipelines.backtest_walking import WalkForwardReport
from assay.pipelines.workspace import Workspace

Done = BacktestReport | SweepReport | WalkForwardReport
"""What a pipeline returns when it is done."""


@dataclass(frozen=True, slots=True, eq=False)
class FinishedRun:
    """A run as :class:`~assay.lake.backtest_runs.StoredRun` has it, kept or not.

    Attributes
    ----------
    summary : RunSummary
    report : mapping
        As plain values: what is not a number is None, moments are texts.
    frames : mapping of str to polars.DataFrame
    """

    summary: RunSummary
    report: Mapping[str, Any] = field(hash=False)
    frames: Mapping[str, pl.DataFrame] = field(hash=False)

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of its tables."""
        return tuple(self.frames)

    def table(self, name: str) -> pl.DataFrame:
        """Return a table; NoDataError if it has none of that name."""
        if name not in self.frames:
            raise NoDataError("this backtest has no such table", value=name, todo=f"it has {', '.join(self.tables)}")
        return self.frames[name]

    def save(self, folder: Path | str, kind: str = "csv") -> tuple[Path, ...]:
        """Write the tables into a folder, as CSV or Parquet.

        Raises
        ------
        BadInputError
            If the kind is neither.
        StorageError
            If the disk refuses.
        """
        one = self.summary
        about = {"series": ", ".join(one.series), "feature_set": one.feature_set, "as_of": one.as_of}
        return save_tables(self.frames, about, folder, kind)


def finished(done: Done, *, by: str, at: datetime) -> FinishedRun:
    """Return what can be kept and shown of a backtest, or of a sweep with the report of its best combination.

    Parameters
    ----------
    done : Done
    by : str
        Who asked.
    at : datetime
        When it was done.
    """
    if isinstance(done, SweepReport):
        report, kind, asked = done.best, "sweep", [*sorted(done.trials)]
    elif isinstance(done, WalkForwardReport):
        report, kind, asked = done.stitched, "walk_forward", [done.stitched.trial]
    else:
        report, kind, asked = done, "backtest", [done.trial]
    summary = _summary(report, run=run_id([kind, *asked]), kind=kind, by=by, at=at)
    told: Any = plain(done.to_dict())
    frames = report.tables()
    if rows := told.get("combinations"):
        frames["combinations"] = _combinations(rows)
    return FinishedRun(summary, told, frames)


def keep(workspace: Workspace, run: FinishedRun) -> StoredRun:
    """Keep a run in the home, whole or not at all; the same run from before gives way to it.

    Raises
    ------
    StorageError
        If the disk refuses.
    """
    return save_run(documents_of(workspace.home), run.summary, run.report, run.frames)


def _combinations(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Return combinations as a table: a column for each value that was varied, named in braces, and one a figure."""
    flat = [
        {f"{{{name}}}": str(value) for name, value in row["values"].items()}
        | {name: value for name, value in row.items() if not isinstance(value, list | Mapping)}
        for row in rows
    ]
    return pl.DataFrame(flat, infer_schema_length=None)


def _summary(report: BacktestReport, *, run: str, kind: str, by: str, at: datetime) -> RunSummary:
    found, figures = report.found, report.result.performance
    return RunSummary(
        run=run,
        kind=kind,
        by=by,
        made_at=at,
        series=found.names,
        start=found.bars["open_time"][0],
        end=found.bars["close_time"][-1],
        bars=found.bars.height,
        strategy=report.made.says,
        feature_set=report.made.feature_set,
        data_version=found.data_version,
        as_of=found.span.as_of,
        total_return=figures.total_return,
        band=report.band.total_return,
        sharpe=figures.sharpe,
        deflated_sharpe=report.evidence.deflated_sharpe,
        max_drawdown=figures.max_drawdown,
        trades=figures.trades,
        hold_return=report.hold.performance.total_return,
        verdict=report.evidence.verdict,
        sentence=report.evidence.sentence,
        is_exact=report.band.is_exact,
    )
