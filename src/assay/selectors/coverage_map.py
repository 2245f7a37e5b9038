"""Where bars are missing, day by day: how much of each series is there on each of the latest days, and why not all."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from assay.domain.errors import BadInputError
from assay.domain.interval import Interval
from assay.lake import reads
from assay.pipelines.workspace import Workspace
from assay.selectors.coverage import SeriesHole, series_health
from assay.selectors.coverage_gaps import all_gaps
from assay.selectors.health import SeriesHealth
from assay.selectors.kept import Reading, answer

MOST_DAYS = 3_660
_DAY = timedelta(days=1)
_COUNTS = """
select venue, market, symbol, interval, open_time::date, count(*)
from {bars}
where open_time >= ?
group by all
"""

_Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class SeriesDays:
    """One series, day by day.

    Attributes
    ----------
    venue, market, symbol, interval : str
    bars, missing : tuple of (int or None), shape (n_days,)
        Bars that are there and bars that are not; both None on days before the first bar or after the last.
    causes : tuple of (dict of str to int, or None), shape (n_days,)
        Missing bars by cause, those before the first bar and after the last included as far as the venue was asked for
        them; None where nothing is missing.
    """

    venue: str
    market: str
    symbol: str
    interval: str
    bars: tuple[int | None, ...]
    missing: tuple[int | None, ...]
    causes: tuple[dict[str, int] | None, ...]

    @property
    def series(self) -> str:
        """``venue:market:SYMBOL``."""
        return f"{self.venue}:{self.market}:{self.symbol}"

    @property
    def missing_bars(self) -> int:
        """Missing on all days together."""
        return sum(count or 0 for count in self.missing)


@dataclass(frozen=True, slots=True)
class CoverageMap:
    """Every series with bars of a day or shorter, the least complete first, over the same UTC days in order."""

    days: tuple[date, ...]
    series: tuple[SeriesDays, ...]


def coverage_map(
    workspace: Workspace, *, days: int = 90, as_of: datetime | None = None, available_at: datetime | None = None
) -> CoverageMap:
    """Return how complete each series is on each of the latest `days` days up to the newest bar.

    Raises
    ------
    BadInputError
        If `days` is not between 1 and 3,660, or `as_of` has no time zone.
    NotBuiltError
        If nothing was ever built.
    """
    if not 1 <= days <= MOST_DAYS:
        raise BadInputError("days is out of range", value=days, todo=f"use 1 to {MOST_DAYS}")
    return answer(
        workspace,
        ("coverage map", days),
        lambda reading: _map(reading, workspace, days),
        as_of=as_of,
        available_at=available_at,
    )


def _map(reading: Reading, workspace: Workspace, count: int) -> CoverageMap:
    series = [one for one in series_health(reading) if Interval.parse(one.interval).duration <= _DAY]
    if not series:
        return CoverageMap((), ())
    newest = max(one.last_open_time for one in series)
    midnight = newest.replace(hour=0, minute=0, second=0, microsecond=0)
    starts = [midnight - _DAY * back for back in reversed(range(count))]
    query = _COUNTS.format(bars=reading.table(reads.CLEANED))
    there: dict[tuple[_Key, date], int] = {
        (tuple(key), day): bars for *key, day, bars in reading.connection.execute(query, [starts[0]]).fetchall()
    }
    causes = _causes(all_gaps(reading, workspace), starts)
    rows = (_days(one, starts, there, causes) for one in series)
    ordered = sorted(rows, key=lambda one: (-one.missing_bars, one.series, one.interval))
    return CoverageMap(tuple(start.date() for start in starts), tuple(ordered))


def _causes(gaps: Iterable[SeriesHole], starts: list[datetime]) -> dict[tuple[_Key, date], dict[str, int]]:
    """Return how many bars are missing for which cause, by series and day."""
    found: dict[tuple[_Key, date], dict[str, int]] = {}
    for hole in gaps:
        interval = Interval.parse(hole.interval)
        if interval.duration > _DAY:
            continue
        key = (hole.venue, hole.market, hole.symbol, hole.interval)
        first = bisect_right(starts, hole.start) - 1
        for start in starts[max(first, 0) : bisect_left(starts, hole.end)]:
            by_cause = found.setdefault((key, start.date()), {})
            bars = interval.count(max(start, hole.start), min(start + _DAY, hole.end))
            by_cause[hole.cause.value] = by_cause.get(hole.cause.value, 0) + bars
    return found


def _days(
    one: SeriesHealth,
    starts: list[datetime],
    there: dict[tuple[_Key, date], int],
    causes: dict[tuple[_Key, date], dict[str, int]],
) -> SeriesDays:
    key = (one.venue, one.market, one.symbol, one.interval)
    interval = Interval.parse(one.interval)
    end = interval.close_time(one.last_open_time)
    bars: list[int | None] = []
    missing: list[int | None] = []
    for start in starts:
        first, last = max(start, one.first_open_time), min(start + _DAY, end)
        if first >= last:
            bars.append(None)
            missing.append(None)
            continue
        found = there.get((key, start.date()), 0)
        bars.append(found)
        missing.append(max(interval.count(first, last) - found, 0))
    return SeriesDays(*key, tuple(bars), tuple(missing), tuple(causes.get((key, start.date())) for start in starts))
