"""The state of the data, all on one page: how fresh, how complete, what is wrong with it, what ran."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from assay.domain.errors import NotBuiltError
from assay.domain.interval import utc
from assay.lake import reads
from assay.lake.build_tests import BuildTests, read_build_tests
from assay.pipelines.workspace import Workspace
from assay.selectors.coverage import SeriesHole, series_health, series_holes
from assay.selectors.coverage_gaps import CauseCount, all_gaps, counted
from assay.selectors.freshness import SourceFreshness, freshness
from assay.selectors.health import SeriesHealth
from assay.selectors.kept import Reading, answer
from assay.selectors.outages import Outage
from assay.selectors.quarantine import QuarantinedBatch, quarantine
from assay.selectors.status import CAUSE, outages_of

_DEFECTS, _QUARANTINED = "silver.kline_defects", "silver.quarantined_rows"
_LATEST = 20


@dataclass(frozen=True, slots=True)
class RunNote:
    """One run of a command.

    Attributes
    ----------
    command : str
    started_at : datetime or None
        None if its note cannot be read.
    seconds : float or None
    status : str
        ok, failed or unreadable.
    error : str
        Why, if it failed.
    detail : dict
        What else the run noted.
    """

    command: str
    started_at: datetime | None
    seconds: float | None
    status: str
    error: str
    detail: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DataHealth:
    """The state of the data.

    Attributes
    ----------
    is_built : bool
        Whether there are tables.
    freshness : tuple of SourceFreshness
    series : tuple of SeriesHealth
    missing_bars : int
        Of all series together, between the first and the last bar of each.
    holes : tuple of SeriesHole
        The latest, at most 500.
    causes : tuple of CauseCount
        Of all holes, those before the first and after the last bar of a series included.
    hole_count : int or None
        How many there are; None as of a moment.
    defects : dict of str to int
        Rows of ``silver.kline_defects`` by kind.
    quarantined : dict of str to int
        Rows that were set aside, by cause.
    quarantine : tuple of QuarantinedBatch
        The latest 20 batches of which something was set aside; none as of a moment.
    outages : tuple of Outage
        When venues did not answer in the last 30 days.
    tests : BuildTests or None
        The quality tests of the last build; None as of a moment, and before there was one.
    runs : tuple of RunNote
        The latest 20, newest first.
    """

    is_built: bool
    freshness: tuple[SourceFreshness, ...]
    series: tuple[SeriesHealth, ...]
    missing_bars: int
    holes: tuple[SeriesHole, ...]
    causes: tuple[CauseCount, ...]
    hole_count: int | None
    defects: dict[str, int]
    quarantined: dict[str, int]
    quarantine: tuple[QuarantinedBatch, ...]
    outages: tuple[Outage, ...]
    tests: BuildTests | None
    runs: tuple[RunNote, ...]


@dataclass(frozen=True, slots=True)
class _Tables:
    """What the tables say."""

    is_built: bool = False
    series: tuple[SeriesHealth, ...] = ()
    holes: tuple[SeriesHole, ...] = ()
    causes: tuple[CauseCount, ...] = ()
    defects: dict[str, int] = field(default_factory=dict)
    quarantined: dict[str, int] = field(default_factory=dict)


def data_health(workspace: Workspace, *, as_of: datetime | None = None) -> DataHealth:
    """Return the state of the data; a home where nothing was built has one too.

    Raises
    ------
    BadInputError
        If `as_of` has no time zone.
    """
    tables = _Tables()
    sources: tuple[SourceFreshness, ...] = ()
    with contextlib.suppress(NotBuiltError):
        tables = answer(workspace, "data health", lambda reading: _tables(reading, workspace), as_of=as_of)
        sources = freshness(workspace, as_of=as_of)
    is_now = as_of is None
    return DataHealth(
        is_built=tables.is_built,
        freshness=sources,
        series=tables.series,
        missing_bars=sum(one.missing_bars for one in tables.series),
        holes=tables.holes,
        causes=tables.causes,
        hole_count=sum(one.holes or 0 for one in tables.series) if is_now else None,
        defects=tables.defects,
        quarantined=tables.quarantined,
        quarantine=tuple(quarantine(workspace, limit=_LATEST)) if is_now else (),
        outages=tuple(outages_of(workspace, as_of=None if as_of is None else utc(as_of))),
        tests=read_build_tests(workspace.home) if is_now else None,
        runs=last_runs(workspace, _LATEST, as_of=as_of),
    )


def last_runs(workspace: Workspace, count: int, *, as_of: datetime | None = None) -> tuple[RunNote, ...]:
    """Return the notes of the last runs, newest first; as of a moment, of those that had begun."""
    names = sorted((path.name for path in workspace.home.runs.glob("*.json")), reverse=True)
    if as_of is not None:
        names = [name for name in names if name < f"{utc(as_of):%Y%m%dT%H%M%S.%f}~"]
    return tuple(_note(workspace, name) for name in names[:count])


def _note(workspace: Workspace, name: str) -> RunNote:
    try:
        fields = dict(json.loads((workspace.home.runs / name).read_bytes()))
        started = datetime.fromisoformat(fields.pop("started_at"))
        known = fields.pop("command"), started, fields.pop("seconds"), fields.pop("status")
    except (OSError, ValueError, TypeError, KeyError):
        return RunNote("", None, None, "unreadable", name)
    return RunNote(*known, str(fields.pop("error", "")), fields)


def _tables(reading: Reading, workspace: Workspace) -> _Tables:
    return _Tables(
        reading.has(reads.CLEANED),
        series_health(reading),
        series_holes(reading, workspace),
        counted(all_gaps(reading, workspace)).causes,
        _tally(reading, _DEFECTS, "defect"),
        _tally(reading, _QUARANTINED, CAUSE),
    )


def _tally(reading: Reading, table: str, kind: str) -> dict[str, int]:
    if not reading.has(table):
        return {}
    rows = reading.connection.execute(
        f"select {kind}, count(*) from {reading.table(table)} group by 1 order by 2 desc, 1"
    ).fetchall()
    return dict(rows)
