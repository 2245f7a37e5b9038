"""How fresh the lake is: when each source answered last, and whether the next answer is overdue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from assay.domain.duration import parse_duration
from assay.domain.interval import utc
from assay.lake import bronze
from assay.pipelines.ingesting.snapshots import INSTRUMENTS_EVERY
from assay.pipelines.workspace import Workspace
from assay.selectors.kept import Reading, answer
from assay.venues.datasets import INSTRUMENTS, TRADES

_BATCHES = "bronze.batches"
_MISSED = 2


@dataclass(frozen=True, slots=True)
class SourceFreshness:
    """One dataset of one venue.

    Attributes
    ----------
    venue, dataset : str
    answered_at : datetime
        When the latest answer was received, or the latest file imported.
    age : timedelta
        How long ago that is.
    expected_every : timedelta or None
        How often an answer is due by the settings; None for what is only fetched when asked for, and for files.
    is_late : bool
        Whether more than two turns have passed since.
    batches : int
        Answers that the lake has taken in.
    """

    venue: str
    dataset: str
    answered_at: datetime
    age: timedelta
    expected_every: timedelta | None
    is_late: bool
    batches: int


def freshness(workspace: Workspace, *, as_of: datetime | None = None) -> tuple[SourceFreshness, ...]:
    """Return how fresh each source is, by venue and dataset; as of a moment, how fresh it was then.

    Raises
    ------
    NotBuiltError
        If nothing was ever built.
    """
    sources = answer(workspace, "sources", _sources, as_of=as_of)
    now = workspace.clock.now() if as_of is None else utc(as_of)
    every = parse_duration(workspace.settings.ingest.every)
    told = []
    for venue, dataset, is_imported, batches, answered_at in sources:
        expected = None if is_imported or dataset == TRADES else INSTRUMENTS_EVERY if dataset == INSTRUMENTS else every
        age = max(now - answered_at, timedelta())
        is_late = expected is not None and age > _MISSED * expected
        told.append(SourceFreshness(venue, dataset, answered_at, age, expected, is_late, batches))
    return tuple(told)


def _sources(reading: Reading) -> tuple[tuple[str, str, bool, int, datetime], ...]:
    """Return the sources; a venue that answers counts by its answers, and one that only has files by its files."""
    rows = reading.connection.execute(
        f"""
        select venue, dataset, bool_and(endpoint = 'import'), count(*),
            coalesce(max(known_at) filter (where endpoint <> 'import'), max(known_at))
        from {reading.table(_BATCHES, "batches")}
        where dataset not in (?, ?)
        group by venue, dataset order by all
        """,
        [bronze.POISON, bronze.FAILURES],
    ).fetchall()
    return tuple(rows)
