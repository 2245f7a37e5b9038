"""What tells why bars of a series are missing: its answers, failures, lists, other symbols and trades, gathered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from assay.domain.errors import BadInputError
from assay.domain.instrument import SeriesId
from assay.domain.interval import CODES, EPOCH, Interval
from assay.domain.spans import NOTHING, Spans
from assay.lake import bronze, reads
from assay.lake.coverage import CoverageLedger
from assay.lake.coverage_cache import read_coverage
from assay.lake.coverage_causes import Circumstances, HoleCause, HolePart, asked_in_vain, find_causes
from assay.lake.coverage_proof import SeriesCoverage
from assay.lake.coverage_then import MOST_ANSWERS, read_coverage_then
from assay.pipelines.workspace import Workspace
from assay.selectors.instruments import INSTRUMENTS
from assay.selectors.kept import Reading
from assay.selectors.status import outages_of

if TYPE_CHECKING:
    from assay.settings import IngestSettings

_Life = tuple[datetime | None, datetime | None, Spans]
"""From when and until when the venue's lists have an instrument, as far as they tell, and when not in between."""
_LIVES = """
select
    venue, market, symbol,
    min(listed_at) filter (where listed_by in ('first_seen', 'first_bar')),
    case
        when arg_max(is_trading, revision) then null
        when max(delisted_at) is not null then max(delisted_at)
        else arg_max(valid_from, revision)
    end,
    list((valid_from, valid_to)) filter (where not is_trading and valid_to is not null)
from {instruments}
where symbol is not null
group by all
"""
# Of the longer bars around a hole: those whose trades are all in the bars that are there.
_UNTRADED = """
with holes as (
    select unnest(?::timestamptz[]) as start_time, unnest(?::timestamptz[]) as end_time
),

series as (
    select * from {bars} where venue = ? and market = ? and symbol = ?
),

longer as (
    select distinct series.interval, series.open_time, series.close_time, series.num_trades
    from series
    inner join holes on series.open_time < holes.end_time and series.close_time > holes.start_time
    where list_contains(?, series.interval) and series.is_closed and series.num_trades is not null
)

select longer.open_time, longer.close_time
from longer
left join series
    on series.interval = ? and series.open_time >= longer.open_time and series.close_time <= longer.close_time
group by longer.interval, longer.open_time, longer.close_time, longer.num_trades
having coalesce(sum(series.num_trades), 0) = longer.num_trades
    and count(series.open_time) = count(series.num_trades)
"""


def ingest_rules(workspace: Workspace) -> IngestSettings:
    """Return the settings by which the home is filled: a demo home has its own."""
    from assay.pipelines.demoing import read_plan  # noqa: PLC0415  # it brings all that fills a home

    plan = read_plan(workspace.home)
    return workspace.settings.ingest if plan is None else plan.settings(workspace.settings).ingest


def ledger_of(reading: Reading, workspace: Workspace, venue: str) -> CoverageLedger | None:
    """Return what the answers of a venue prove, or proved then; None if they were too many to go through again."""

    def read(one: Reading) -> CoverageLedger | None:
        rules = ingest_rules(workspace)
        settle, confirmations = rules.settle_length, rules.confirmations
        if one.as_of is None:
            return read_coverage(workspace.home, venue, settle=settle, confirmations=confirmations)
        return read_coverage_then(workspace.home, venue, one.as_of, settle=settle, confirmations=confirmations)

    return reading.part(("coverage ledger", venue), read)


def asked_series(reading: Reading, workspace: Workspace) -> list[SeriesCoverage]:
    """Return what is proven of every series that any venue was asked for."""
    days = bronze.partitions(workspace.home.bronze_store, bronze.KLINES)
    venues = sorted({day.split("/")[1].removeprefix("venue=") for day, _ in days})
    ledgers = [ledger_of(reading, workspace, venue) for venue in venues]
    return [one for ledger in ledgers if ledger is not None for one in ledger.all_series()]


def parts_of(
    reading: Reading,
    workspace: Workspace,
    series: SeriesId,
    holes: Spans,
    *,
    known: tuple[datetime | None, datetime | None] = (None, None),
) -> list[HolePart]:
    """Return holes of a series in parts of one cause each, as everything tells them that is known, or was known then.

    Parameters
    ----------
    known : (datetime, datetime), optional
        Where the first bar that the tables hold opens and the last closes.
    """
    ledger = ledger_of(reading, workspace, series.venue)
    if ledger is None:
        told = f"more than {MOST_ANSWERS:,} answers had come by then, too many to go through again"
        return [HolePart(*hole, series.interval.count(*hole), HoleCause.UNKNOWN, told) for hole in holes]
    coverage = ledger.series(series)
    around = replace(_circumstances(reading, workspace, ledger, series), first=known[0], last=known[1])
    in_vain = asked_in_vain(coverage) & holes
    if in_vain:
        held, lacking = _others(ledger, series, in_vain)
        around = replace(around, others_held=held, others_lacking=lacking)
        around = replace(around, outages=_outages(reading, workspace, series))
    around = replace(around, untraded=_untraded(reading, series, holes))
    return find_causes(coverage, holes, around)


def _circumstances(reading: Reading, workspace: Workspace, ledger: CoverageLedger, series: SeriesId) -> Circumstances:
    from assay.pipelines.healing import api_of  # noqa: PLC0415  # the venues are needed only where bars are missing
    from assay.pipelines.ingesting.wanted import reach_of  # noqa: PLC0415

    now = reading.as_of or workspace.clock.now()
    listed_at, delisted_at, paused = reading.part("lives", _lives).get(series.key[:3], (None, None, NOTHING))
    due = ledger.settled_until(series.interval, now)
    around = Circumstances(listed_at=listed_at, delisted_at=delisted_at, paused=paused, due=due)
    try:
        reach = reach_of(api_of(series), series.interval, now)
    except BadInputError:
        return replace(around, can_ask=False)
    return around if reach == EPOCH else replace(around, reach=reach)


def _lives(reading: Reading) -> Mapping[tuple[str, str, str], _Life]:
    if not reading.has(INSTRUMENTS):
        return {}
    rows = reading.connection.execute(_LIVES.format(instruments=reading.table(INSTRUMENTS))).fetchall()
    return {
        (venue, market, symbol): (listed, delisted, Spans.of(paused or ()))
        for venue, market, symbol, listed, delisted, paused in rows
    }


def _others(ledger: CoverageLedger, series: SeriesId, holes: Spans) -> tuple[Spans, Spans]:
    """Return which of these bars other symbols have, and which of them another lacks though it was asked for."""
    held, lacking = NOTHING, NOTHING
    for one in ledger.all_series():
        other = one.series
        is_beside = (other.market, other.interval) == (series.market, series.interval)
        if is_beside and other.symbol != series.symbol and one.held:
            held |= one.held & holes
            lacking |= ((asked_in_vain(one) - one.no_trades) & holes).clip(one.held.edges[0], holes.edges[-1])
    return held, lacking


def _outages(reading: Reading, workspace: Workspace, series: SeriesId) -> Spans:
    """Return when questions to the venue were not answered, in whole bars."""
    found = reading.part(
        "venue outages", lambda one: tuple(outages_of(workspace, since=EPOCH, kind="outage", as_of=one.as_of))
    )
    now, interval = reading.as_of or workspace.clock.now(), series.interval
    times = [(one.start, one.end or now) for one in found if one.venue == series.venue]
    return Spans.of((interval.floor(start), interval.ceil(end)) for start, end in times)


def _untraded(reading: Reading, series: SeriesId, holes: Spans) -> Spans:
    if not reading.has(reads.CLEANED):
        return NOTHING
    venue, market, symbol, interval = series.key
    longer = [code for code in CODES if Interval.parse(code).duration > series.interval.duration]
    query = _UNTRADED.format(bars=reading.table(reads.CLEANED))
    edges = [start for start, _ in holes], [end for _, end in holes]
    rows = reading.connection.execute(query, [*edges, venue, market, symbol, longer, interval]).fetchall()
    return Spans.of(rows)
