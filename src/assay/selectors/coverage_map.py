"""Where bars are missing, day by day: how much of each series is there on each of the latest days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from assay.domain.errors import BadInputError
from assay.domain.interval import Interval
from assay.lake import reads
from assay.pipelines.workspace import Workspace
from assay.selectors.coverage import series_health
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
    """

    venue: str
    market: str
    symbol: str
    interval: str
    bars: tuple[int | None, ...]
    missing: tuple[int | None, ...]

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


def coverage_map(workspace: Workspace, *, days: int = 90, as_of: datetime | None = None) -> CoverageMap:
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
    return answer(workspace, ("coverage map", days), lambda reading: _map(reading, days), as_of=as_of)


def _map(reading: Reading, count: int) -> CoverageMap:
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
    rows = (_days(one, starts, there) for one in series)
    ordered = sorted(rows, key=lambda one: (-one.missing_bars, one.series, one.interval))
    return CoverageMap(tuple(start.date() for start in starts), tuple(ordered))


def _days(one: SeriesHealth, starts: list[datetime], there: dict[tuple[_Key, date], int]) -> SeriesDays:
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
    return SeriesDays(*key, tuple(bars), tuple(missing))
