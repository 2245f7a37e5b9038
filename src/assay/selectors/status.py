"""What state the lake is in: how fresh, how complete, what is wrong with it, what ran."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from assay.lake import bronze, manifest
from assay.lake.catalog import CATALOG, is_made
from assay.lake.manifest import has_table
from assay.lake.origin import read_origin
from assay.pipelines.workspace import Workspace
from assay.selectors.outages import Outage, find_outages, read_unanswered

if TYPE_CHECKING:
    import duckdb

_SERIES = f"""
select
    venue, market, symbol, interval,
    count(*) as bars,
    min(open_time) as first_open_time,
    max(open_time) as last_open_time,
    count(*) filter (where is_gap_before) as holes,
    sum(missing_bars_before)::bigint as missing_bars,
    count(*) filter (where not is_closed) as provisional_bars,
    count(*) filter (where volume = 0) as zero_volume_bars,
    count(*) filter (where is_outlier) as outliers,
    count(*) filter (where revision > 1) as restated_bars,
    max(known_at) as known_at
from {CATALOG}.silver.crypto_prices_cleaned
group by all
order by all
"""

_ANSWERS = f"""
select venue, endpoint, known_at
from {CATALOG}.bronze.batches
where not list_contains(?, dataset) and known_at >= ? and endpoint <> 'import'
"""
_SOURCES = f"""
select venue, dataset, count(*), max(known_at) from {CATALOG}.bronze.batches group by all order by all
"""
# Without the values that were found: each may be another one.
CAUSE = "regexp_replace(cause, '(?s)''.*''', '…')"
_LOOKED_BACK = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class SeriesStatus:
    """One series of silver. `coverage` is the fraction of bars there between the first and the last."""

    venue: str
    market: str
    symbol: str
    interval: str
    bars: int
    first_open_time: datetime
    last_open_time: datetime
    holes: int
    missing_bars: int
    provisional_bars: int
    zero_volume_bars: int
    outliers: int
    restated_bars: int
    known_at: datetime

    @property
    def coverage(self) -> float:
        """Bars over bars expected."""
        return self.bars / (self.bars + self.missing_bars)


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """One dataset of one venue: its batches in the lake, and when the latest of them was received."""

    venue: str
    dataset: str
    batches: int
    known_at: datetime


@dataclass(frozen=True, slots=True)
class LakeStatus:
    """The lake in numbers.

    Attributes
    ----------
    home : str
    origin : str or None
        What market the venues' part of it holds.
    is_built : bool
        Whether silver exists.
    batches, unpublished_batches : int
        Batches in bronze that the lake knows, and those of them that are not in gold yet.
    unseen_files : bool
        Whether bronze has changed since the last build looked.
    sources : tuple of SourceStatus
    series : tuple of SeriesStatus
    defects : dict
        Rows of ``silver.kline_defects`` by kind.
    quarantined : dict
        Rows of ``silver.quarantined_rows`` by cause.
    outages : list of Outage
        When venues did not answer in the last 30 days, the latest first.
    runs : list of dict
        The last runs, newest first.
    """

    home: str
    origin: str | None
    is_built: bool
    batches: int
    unpublished_batches: int
    unseen_files: bool
    sources: tuple[SourceStatus, ...]
    series: tuple[SeriesStatus, ...]
    defects: dict[str, int]
    quarantined: dict[str, int]
    outages: list[Outage]
    runs: list[dict[str, object]]

    def to_dict(self) -> dict[str, object]:
        """Return it as plain values for JSON."""
        series = [asdict(one) | {"coverage": one.coverage} for one in self.series]
        return asdict(self) | {"series": series}


def status(workspace: Workspace, *, last_runs: int = 5) -> LakeStatus:
    """Return the state of the lake; an empty home has one too."""
    home = workspace.home
    runs = _runs(workspace, last_runs)
    place = str(home.root), read_origin(home)
    if not is_made(home):
        unseen = any(True for _ in manifest.partitions(home.bronze))
        return LakeStatus(*place, False, 0, 0, unseen, (), (), {}, {}, _outages(workspace, []), runs)
    with workspace.lake() as lake:
        if not has_table(lake, "refresh.feature_states"):  # a first build that was killed before it began
            return LakeStatus(*place, False, 0, 0, True, (), (), {}, {}, _outages(workspace, []), runs)
        batches = lake.execute(f"select count(*) from {CATALOG}.bronze.batches").fetchall()[0][0]
        unpublished = len(manifest.pending(lake))
        is_built = has_table(lake, "silver.crypto_prices_cleaned")
        series = tuple(SeriesStatus(*row) for row in lake.execute(_SERIES).fetchall()) if is_built else ()
        defects = _tally(lake, "silver.kline_defects", "defect")
        quarantined = _tally(lake, "silver.quarantined_rows", CAUSE)
        sources = tuple(SourceStatus(*row) for row in lake.execute(_SOURCES).fetchall())
        answers, paths = _answers(workspace, lake), _unseen(workspace, lake)
    outages = _outages(workspace, answers, paths)
    return LakeStatus(
        *place, is_built, batches, unpublished, bool(paths), sources, series, defects, quarantined, outages, runs
    )


def outages_of(workspace: Workspace) -> list[Outage]:
    """Return when venues did not answer in the last 30 days, the latest first."""
    if not read_unanswered(workspace.home.bronze, since=workspace.clock.now() - _LOOKED_BACK):
        return []
    if not is_made(workspace.home):
        return _outages(workspace, [])
    with workspace.lake() as lake:
        if not has_table(lake, "refresh.feature_states"):
            return _outages(workspace, [])
        answers, unseen = _answers(workspace, lake), _unseen(workspace, lake)
    return _outages(workspace, answers, unseen)


def _answers(workspace: Workspace, lake: duckdb.DuckDBPyConnection) -> list[tuple[str, str, datetime]]:
    since = workspace.clock.now() - _LOOKED_BACK
    return lake.execute(_ANSWERS, [[bronze.POISON, bronze.FAILURES], since]).fetchall()


def _unseen(workspace: Workspace, lake: duckdb.DuckDBPyConnection) -> set[str]:
    """Return the files of batches that the last build did not see."""
    root = workspace.home.bronze
    seen = dict(lake.execute(f"select partition, modified_ns from {CATALOG}.refresh.partitions").fetchall())
    changed = [name for name, at in manifest.partitions(root) if seen.get(name) != at]
    if not changed:
        return set()
    return {str(path.relative_to(root)) for name in changed for path in bronze.committed(root, name)} - _paths(lake)


def _outages(
    workspace: Workspace, answers: Iterable[tuple[str, str, datetime]], unseen: Iterable[str] = ()
) -> list[Outage]:
    """Return the outages of late, by the answers that the lake knows and those that it has not seen yet."""
    root = workspace.home.bronze
    unanswered = read_unanswered(root, since=workspace.clock.now() - _LOOKED_BACK)
    if not unanswered:
        return []
    answered: dict[tuple[str, str], list[datetime]] = {}
    for venue, endpoint, known_at in answers:
        answered.setdefault((venue, endpoint), []).append(known_at)
    for path in unseen:
        if not path.startswith((bronze.POISON, bronze.FAILURES)):
            header = bronze.read_header(root / path)
            answered.setdefault((header.venue, header.endpoint), []).append(header.known_at)
    return find_outages(unanswered, {question: sorted(moments) for question, moments in answered.items()})


def _tally(lake: duckdb.DuckDBPyConnection, table: str, kind: str) -> dict[str, int]:
    if not has_table(lake, table):
        return {}
    rows = lake.execute(f"select {kind}, count(*) from {CATALOG}.{table} group by 1 order by 2 desc, 1").fetchall()
    return dict(rows)


def _paths(lake: duckdb.DuckDBPyConnection) -> set[str]:
    return {row[0] for row in lake.execute(f"select path from {CATALOG}.bronze.batches").fetchall()}


def _runs(workspace: Workspace, count: int) -> list[dict[str, object]]:
    found = sorted(workspace.home.runs.glob("*.json"), reverse=True)[:count]
    return [_run(path) for path in found]


def _run(path: Path) -> dict[str, object]:
    try:
        return dict(json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return {"command": None, "started_at": None, "seconds": None, "status": "unreadable", "error": path.name}
