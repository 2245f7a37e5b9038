"""What state the lake is in: how fresh, how complete, what is wrong with it, what ran."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from assay.lake import bronze, manifest
from assay.lake.bronze_store import BronzeFile, batches_of
from assay.lake.catalog import CATALOG, is_made, one_snapshot
from assay.lake.origin import read_origin
from assay.lake.version import list_tables, read_version
from assay.pipelines.workspace import Workspace
from assay.selectors.health import SeriesHealth, count_series
from assay.selectors.outages import Outage, Unanswered, find_outages, read_unanswered

if TYPE_CHECKING:
    import duckdb

_CLEANED, _DEFECTS, _QUARANTINED = "silver.crypto_prices_cleaned", "silver.kline_defects", "silver.quarantined_rows"
_LAST_MADE = "refresh.feature_states"
"""The last of the tables that a first build makes before it takes anything in."""
_BATCHES = f"""
select count(*), (select count(*) from {CATALOG}.bronze.batches anti join {CATALOG}.refresh.published using (batch_id))
from {CATALOG}.bronze.batches
"""
_ANSWERS = f"""
select venue, endpoint, known_at
from {CATALOG}.bronze.batches
where not list_contains(?, dataset) and known_at >= ? and endpoint <> 'import'
"""
_LISTED = "bronze.batches"
_SOURCES = "select venue, dataset, count(*), max(known_at) from {} group by all order by all"
# Without the values that were found: each may be another one.
CAUSE = "regexp_replace(cause, '(?s)''.*''', '…')"
_LOOKED_BACK = timedelta(days=30)


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
    is_being_written : bool
        Whether a build, or another command that writes, is under way.
    batches, unpublished_batches : int
        Batches in bronze that the lake knows, and those of them that are not in gold yet.
    unseen_files : bool
        Whether bronze has changed since the last build looked.
    sources : tuple of SourceStatus
    series : tuple of SeriesHealth
    defects : dict
        Rows of ``silver.kline_defects`` by kind.
    quarantined : dict
        Rows of ``silver.quarantined_rows`` by cause.
    outages : list of Outage
        When venues did not answer in the last 30 days, the latest first.
    runs : list of dict
        The last runs, newest first.
    as_of, available_at : datetime or None
        The moments that were asked of: batches, sources, series, defects, what is in quarantine and runs are those of
        then; everything else is only known for now, and left out.
    """

    home: str
    origin: str | None
    is_built: bool
    is_being_written: bool
    batches: int
    unpublished_batches: int
    unseen_files: bool
    sources: tuple[SourceStatus, ...]
    series: tuple[SeriesHealth, ...]
    defects: dict[str, int]
    quarantined: dict[str, int]
    outages: list[Outage]
    runs: list[dict[str, object]]
    as_of: datetime | None = None
    available_at: datetime | None = None

    def to_dict(self) -> dict[str, object]:
        """Return it as plain values for JSON."""
        series = [asdict(one) | {"coverage": one.coverage} for one in self.series]
        return asdict(self) | {"series": series}


def status(
    workspace: Workspace,
    *,
    last_runs: int = 5,
    as_of: datetime | None = None,
    available_at: datetime | None = None,
) -> LakeStatus:
    """Return the state of the lake, now or as of a moment; an empty home has one too."""
    home = workspace.home
    if (as_of or available_at) and is_made(home):
        return _status_then(workspace, as_of, available_at, last_runs)
    runs = _runs(workspace, last_runs)
    since = workspace.clock.now() - _LOOKED_BACK
    unanswered = read_unanswered(home.bronze_store, since=since)
    place, is_written = (str(home.root), read_origin(home)), workspace.is_being_written()
    if not is_made(home):
        unseen = any(True for _ in manifest.partitions(home.bronze_store))
        return LakeStatus(*place, False, is_written, 0, 0, unseen, (), (), {}, {}, _outages(unanswered, []), runs)
    with workspace.lake() as lake, one_snapshot(lake):
        tables = list_tables(lake, read_version(lake))
        if _LAST_MADE not in tables:  # a first build that was killed before it began
            return LakeStatus(*place, False, is_written, 0, 0, True, (), (), {}, {}, _outages(unanswered, []), runs)
        batches, unpublished = lake.execute(_BATCHES).fetchall()[0]
        series = count_series(lake, f"{CATALOG}.{_CLEANED}") if _CLEANED in tables else ()
        defects = _tally(lake, f"{CATALOG}.{_DEFECTS}", "defect") if _DEFECTS in tables else {}
        quarantined = _tally(lake, f"{CATALOG}.{_QUARANTINED}", CAUSE) if _QUARANTINED in tables else {}
        sources = tuple(SourceStatus(*row) for row in lake.execute(_SOURCES.format(f"{CATALOG}.{_LISTED}")).fetchall())
        answers, paths = _answers(lake, since), _unseen(workspace, lake)
    outages = _outages(unanswered, answers, paths)
    counted = batches, unpublished, bool(paths)
    is_built = _CLEANED in tables
    return LakeStatus(*place, is_built, is_written, *counted, sources, series, defects, quarantined, outages, runs)


def _status_then(
    workspace: Workspace, as_of: datetime | None, available_at: datetime | None, last_runs: int
) -> LakeStatus:
    from assay.lake.as_of import relation  # noqa: PLC0415  # the templates that it renders are slow to load

    def seen(table: str) -> str:
        return relation(table, as_of, available_at)

    place, is_written = (str(workspace.home.root), read_origin(workspace.home)), workspace.is_being_written()
    runs = _runs(workspace, last_runs, as_of)
    sources: tuple[SourceStatus, ...] = ()
    with workspace.lake() as lake, one_snapshot(lake):
        tables = list_tables(lake, read_version(lake))
        if _LAST_MADE in tables:
            sources = tuple(SourceStatus(*row) for row in lake.execute(_SOURCES.format(seen(_LISTED))).fetchall())
        series = count_series(lake, seen(_CLEANED)) if _CLEANED in tables else ()
        defects = _tally(lake, seen(_DEFECTS), "defect") if _DEFECTS in tables else {}
        quarantined = _tally(lake, seen(_QUARANTINED), CAUSE) if _QUARANTINED in tables else {}
    count = sum(one.batches for one in sources)
    is_built = _CLEANED in tables
    outages = [] if as_of is None else outages_of(workspace, as_of=as_of)
    now = LakeStatus(
        *place, is_built, is_written, count, 0, False, sources, series, defects, quarantined, outages, runs
    )
    return replace(now, as_of=as_of, available_at=available_at)


def outages_of(
    workspace: Workspace, *, since: datetime | None = None, kind: str = "", as_of: datetime | None = None
) -> list[Outage]:
    """Return when venues did not answer since a moment, or in the last 30 days, the latest first.

    With a `kind` of failure, such as ``outage``, only by questions that failed so. As of a moment what was known then:
    an outage that was not over has no end.
    """
    since = since or (as_of or workspace.clock.now()) - _LOOKED_BACK
    unanswered = read_unanswered(workspace.home.bronze_store, since=since)
    unanswered = [one for one in unanswered if kind in ("", one.kind) and (as_of is None or one.known_at <= as_of)]
    if not unanswered:
        return []
    if not is_made(workspace.home):
        return _outages(unanswered, [])
    with workspace.lake() as lake, one_snapshot(lake):
        if _LAST_MADE not in list_tables(lake, read_version(lake)):
            return _outages(unanswered, [])
        answers, unseen = _answers(lake, since), _unseen(workspace, lake)
    return _outages(unanswered, answers, unseen, as_of=as_of)


def _answers(lake: duckdb.DuckDBPyConnection, since: datetime) -> list[tuple[str, str, datetime]]:
    return lake.execute(_ANSWERS, [[bronze.POISON, bronze.FAILURES], since]).fetchall()


def _unseen(workspace: Workspace, lake: duckdb.DuckDBPyConnection) -> dict[str, BronzeFile]:
    """Return the batches that the last build did not see, and where each is."""
    root = workspace.home.bronze_store
    seen = dict(lake.execute(f"select partition, modified_ns from {CATALOG}.refresh.partitions").fetchall())
    changed = [name for name, at in manifest.partitions(root) if seen.get(name) != at]
    if not changed:
        return {}
    found = {batch_id: file for name in changed for batch_id, file in batches_of(root, name).items()}
    known = manifest.registered(lake, found)
    return {batch_id: file for batch_id, file in found.items() if batch_id not in known}


def _outages(
    unanswered: Sequence[Unanswered],
    answers: Iterable[tuple[str, str, datetime]],
    unseen: Mapping[str, BronzeFile] = MappingProxyType({}),
    as_of: datetime | None = None,
) -> list[Outage]:
    """Return the outages, by the answers that the lake knows and those that it has not seen yet."""
    if not unanswered:
        return []
    answered: dict[tuple[str, str], list[datetime]] = {}
    for venue, endpoint, known_at in answers:
        answered.setdefault((venue, endpoint), []).append(known_at)
    for header, _ in bronze.read_headers_of(unseen):
        if header.dataset not in (bronze.POISON, bronze.FAILURES):
            answered.setdefault((header.venue, header.endpoint), []).append(header.known_at)
    return find_outages(
        unanswered,
        {asked: sorted(one for one in came if as_of is None or one <= as_of) for asked, came in answered.items()},
    )


def _tally(lake: duckdb.DuckDBPyConnection, table: str, kind: str) -> dict[str, int]:
    rows = lake.execute(f"select {kind}, count(*) from {table} group by 1 order by 2 desc, 1").fetchall()
    return dict(rows)


def _runs(workspace: Workspace, count: int, as_of: datetime | None = None) -> list[dict[str, object]]:
    found = sorted(workspace.home.runs.glob("*.json"), reverse=True)
    if as_of is not None:
        found = [path for path in found if path.name < f"{as_of:%Y%m%dT%H%M%S.%f}~"]
    return [_run(path) for path in found[:count]]


def _run(path: Path) -> dict[str, object]:
    try:
        return dict(json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return {"command": None, "started_at": None, "seconds": None, "status": "unreadable", "error": path.name}
