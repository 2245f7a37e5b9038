"""Candles for a chart: any stretch of any series, coarse enough to draw, with what is missing and what is not final."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from assay.domain.errors import BadInputError, NoDataError
from assay.domain.instrument import Resolution, SeriesId
from assay.domain.interval import CODES, Interval, utc
from assay.features.bars import IntArray
from assay.lake.coverage_causes import HoleCause
from assay.pipelines.workspace import Workspace
from assay.selectors import series as series_
from assay.selectors.bars import can_make, coarser_bars, open_bar_known_at, series_bars, source_of
from assay.selectors.coverage import hole_causes
from assay.selectors.indicators import IndicatorLine, absent_line, garch_line, line_of, parse_indicators
from assay.selectors.kept import Reading, answer
from assay.selectors.series import stored_ranges
from assay.selectors.volatility import GarchAsked

LEVELS = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d", "1w", "1M")
"""What a chart shows when the interval asked for has too many bars, from fine to coarse."""

MOST_BARS = 50_000
MOST_GAPS = 500
_COUNTED_AT_MOST = 100_000
_SHOWN = (
    "open_time", "close_time", "open", "high", "low", "close", "volume", "quote_volume", "is_closed", "missing_bars",
    "is_outlier",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CandleRequest:
    """What to show.

    Attributes
    ----------
    symbol : str
        Any spelling, ``venue:market:SYMBOL``, or an asset alone.
    interval : str, default "1h"
    start, end : datetime, optional
        Open times ``[start, end)``. Without them the latest bars are shown.
    limit : int, default 1500
        At most so many bars, up to 50,000.
    indicators : tuple of str
        Names and parameters of Steps, such as ``ema:12``, or usual names, such as ``EMA_12``.
    as_of : datetime, optional
        Only what was known then.
    available_at : datetime, optional
        Only what a system that ran then would have had; both may be given.
    include_provisional : bool, default True
        Bars that may still change, too.
    may_coarsen : bool, default False
        Show a coarser interval if the range holds more than `limit` bars, or none of the interval asked for; an
        indicator that cannot be computed over the bars shown has no values then, and says why. Otherwise
        the first `limit` bars are shown if there is a `start`, else the last.
    """

    symbol: str
    interval: str = "1h"
    start: datetime | None = None
    end: datetime | None = None
    limit: int = 1_500
    indicators: tuple[str, ...] = ()
    as_of: datetime | None = None
    available_at: datetime | None = None
    include_provisional: bool = True
    may_coarsen: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """Bars that are missing: `bars` of the stored interval, that would open in ``[start, end)``, and why."""

    start: datetime
    end: datetime
    bars: int
    cause: HoleCause


@dataclass(frozen=True, slots=True, eq=False)
class Candles:
    """Bars to draw.

    Attributes
    ----------
    resolution : Resolution
        The stored series, and whether it stands in for what was asked.
    requested_interval, interval, stored_interval : str
        Asked for, shown, and the one of which the bars shown are made.
    intervals : tuple of str
        All that can be shown of this symbol at this place.
    first_open_time, last_open_time : datetime
        Of the whole series, in any stored interval.
    frame : polars.DataFrame
        open_time, close_time, open, high, low, close, volume, quote_volume, is_closed, missing_bars (of a stored bar:
        between the bar before and it; of a coarser one: stored bars missing inside it), is_outlier.
    indicators : dict of str to IndicatorLine
        By name as asked; values are aligned with `frame`.
    gaps : tuple of Gap
        Holes in the stored bars within the range shown, in order of time; the longest 500 if there are more.
    gap_count : int
        How many there are.
    provisional : tuple of datetime
        Open times of the bars that may still change.
    provisional_known_at : datetime or None
        When the newest of them was received last; None if there is none.
    is_cut : bool
        Whether the range holds more bars than `limit`.
    """

    resolution: Resolution
    requested_interval: str
    interval: str
    stored_interval: str
    intervals: tuple[str, ...]
    first_open_time: datetime
    last_open_time: datetime
    frame: pl.DataFrame
    indicators: dict[str, IndicatorLine] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()
    gap_count: int = 0
    provisional: tuple[datetime, ...] = ()
    provisional_known_at: datetime | None = None
    is_cut: bool = False

    @property
    def series(self) -> str:
        """``venue:market:SYMBOL``."""
        return series_.name_of(self.resolution.series.key[:3])


@dataclass(frozen=True, slots=True)
class _Range:
    """Which bars are wanted: open times [start, end), at most `limit`."""

    start: datetime | None
    end: datetime | None
    limit: int
    only_closed: bool

    def of(self, bars: pl.DataFrame) -> pl.DataFrame:
        """Return the bars of the range, without regard to the limit."""
        opened = bars["open_time"]
        first = 0 if self.start is None else opened.search_sorted(self.start, side="left")
        last = len(bars) if self.end is None else opened.search_sorted(self.end, side="left")
        found = bars.slice(first, max(0, last - first))
        return found.filter(pl.col("is_closed")) if self.only_closed else found


@dataclass(frozen=True, slots=True, eq=False)
class _Picked:
    """What is shown: of which stored series, at which interval, all of its bars, and those of the range."""

    resolution: Resolution
    interval: Interval
    bars: pl.DataFrame
    found: pl.DataFrame

    @property
    def series(self) -> SeriesId:
        """The stored series."""
        return self.resolution.series


def candles(workspace: Workspace, request: CandleRequest) -> Candles:
    """Return the bars, indicators and gaps that a chart shows.

    Raises
    ------
    BadInputError
        If a part of the request is not usable.
    NoDataError
        If no series answers to the symbol, it cannot be shown at the interval, or has no bars in the range.
    """
    requested = Interval.parse(request.interval)
    wanted = _checked(request)
    # Where a coarser interval may be shown, what an indicator cannot be computed over there is said of it alone.
    parse_indicators(request.indicators, None if request.may_coarsen else requested)
    places = workspace.settings.preferred_places

    def compute(reading: Reading) -> Candles:
        resolution = _resolve(reading, request.symbol, requested, places)
        picked = _pick(reading, resolution, requested, wanted, may_coarsen=request.may_coarsen)
        return _told(reading, picked, request, workspace=workspace)

    return answer(workspace, request, compute, as_of=request.as_of, available_at=request.available_at, weigh=_weight)


def _weight(found: Candles) -> int:
    return int(found.frame.estimated_size()) + sum(line.size for line in found.indicators.values())


def _checked(request: CandleRequest) -> _Range:
    if not 1 <= request.limit <= MOST_BARS:
        raise BadInputError("limit out of range", value=request.limit, todo=f"ask for 1 to {MOST_BARS} bars at once")
    start = None if request.start is None else utc(request.start)
    end = None if request.end is None else utc(request.end)
    if start is not None and end is not None and start >= end:
        value = f"{start.isoformat()} to {end.isoformat()}"
        raise BadInputError("the range is empty", value=value, todo="end it after its start")
    return _Range(start, end, request.limit, only_closed=not request.include_provisional)


def _resolve(reading: Reading, symbol: str, requested: Interval, places: Sequence[str]) -> Resolution:
    """Return the series that the name means, at a place where the interval can be shown if there is one."""
    available = series_.all_series(reading)
    fitting = [one for one in available if can_make(one.interval, requested)]
    try:
        return series_.find(symbol, fitting, places=places)
    except NoDataError:
        found = series_.find_known(reading, symbol, available, places=places).series  # says so if nobody knows it
        stored = ", ".join(one.interval.code for one in _at(available, found))
        todo = f"bars of {stored} are stored: ask for one of them, or for a longer interval that they fit into"
        what = f"{series_.name_of(found.key[:3])} cannot be shown at this interval"
        raise NoDataError(what, value=requested, todo=todo) from None


def _at(available: Sequence[SeriesId], place: SeriesId) -> list[SeriesId]:
    """Return the series of the same symbol at the same place, shortest interval first."""
    same = [one for one in available if one.key[:3] == place.key[:3]]
    return sorted(same, key=lambda one: one.interval.duration)


def _pick(
    reading: Reading, resolution: Resolution, requested: Interval, wanted: _Range, *, may_coarsen: bool
) -> _Picked:
    """Return the bars of the range at the first interval, from the requested one on, at which they fit the limit."""
    stored = _at(series_.all_series(reading), resolution.series)
    levels = [requested]
    if may_coarsen:
        levels += [one for one in map(Interval.parse, LEVELS) if one.duration > requested.duration]
    best: _Picked | None = None
    for level in levels:
        source = source_of([one.interval for one in stored], level)
        series = next((one for one in stored if one.interval == source), None)
        if series is None or (level != levels[-1] and may_coarsen and _is_far_too_long(reading, series, wanted)):
            continue
        bars = _bars(reading, series, level)
        found = wanted.of(bars) if bars is not None else None
        if bars is None or found is None or found.is_empty():
            continue
        best = _Picked(dataclasses.replace(resolution, series=series), level, bars, found)
        if found.height <= wanted.limit or wanted.start is None:
            break
    if best is None:
        raise _nothing(reading, stored, wanted)
    return best


def _bars(reading: Reading, series: SeriesId, interval: Interval) -> pl.DataFrame | None:
    try:
        return coarser_bars(reading, series, interval)
    except NoDataError:  # none of it was known then, while there may be some of another interval
        return None


def _is_far_too_long(reading: Reading, series: SeriesId, wanted: _Range) -> bool:
    """Whether a range holds so many stored bars that reading them only to count them would be a waste."""
    first, last = stored_ranges(reading)[series]
    start, end = max(wanted.start or first, first), min(wanted.end or last, last)
    return (end - start) / series.interval.duration > max(_COUNTED_AT_MOST, 20 * wanted.limit)


def _nothing(reading: Reading, stored: Sequence[SeriesId], wanted: _Range) -> NoDataError:
    for series in reversed(stored):
        bars = _bars(reading, series, series.interval)
        if bars is not None:
            first, last = bars["open_time"][0], bars["open_time"][-1]
            todo = f"there are bars of {series} from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
            value = f"{wanted.start or ''} to {wanted.end or ''}"
            return NoDataError("no bars in this range", value=value, todo=todo)
    series_.check_known(reading)
    todo = "ask of a later moment"
    return NoDataError("nothing was known of this series then", value=series_.name_of(stored[0].key[:3]), todo=todo)


def _told(reading: Reading, picked: _Picked, request: CandleRequest, *, workspace: Workspace) -> Candles:
    limit, found = request.limit, picked.found
    cut = found.head(limit) if request.start is not None else found.tail(limit)
    rows = picked.bars["open_time"].search_sorted(cut["open_time"]).to_numpy()
    lines = {name: _line(reading, picked, name=name, rows=rows) for name in request.indicators}
    stored = _at(series_.all_series(reading), picked.series)
    codes = tuple(code for code in CODES if source_of([one.interval for one in stored], Interval.parse(code)))
    is_cut = found.height > cut.height
    seen_from = request.start or cut["open_time"][0]
    seen_until = request.end if request.end is not None and not is_cut else cut["close_time"][-1]
    gaps = _gaps(series_bars(reading, picked.series), seen_from, seen_until)
    longest = sorted(gaps, key=lambda hole: hole[2], reverse=True)[:MOST_GAPS]
    causes = _causes(reading, workspace, picked.series) if longest else {}
    first, last = _whole(reading, stored, picked)
    provisional = tuple(cut.filter(~pl.col("is_closed"))["open_time"])
    return Candles(
        resolution=picked.resolution,
        requested_interval=request.interval,
        interval=picked.interval.code,
        stored_interval=picked.series.interval.code,
        intervals=codes,
        first_open_time=first,
        last_open_time=last,
        frame=cut.select(_SHOWN),
        indicators=lines,
        gaps=tuple(Gap(*hole, causes.get(hole[:2], HoleCause.UNKNOWN)) for hole in sorted(longest)),
        gap_count=len(gaps),
        provisional=provisional,
        provisional_known_at=open_bar_known_at(reading, picked.series) if provisional else None,
        is_cut=is_cut,
    )


def _line(reading: Reading, picked: _Picked, *, name: str, rows: IntArray) -> IndicatorLine:
    """Return an indicator at the rows shown."""
    try:
        asked = parse_indicators([name], picked.interval)[name]
    except BadInputError as error:  # a name that is none was refused before: these bars are too long for it
        return absent_line(name, error.what)
    if isinstance(asked, GarchAsked):
        at_interval = dataclasses.replace(picked.series, interval=picked.interval)
        resolution = dataclasses.replace(picked.resolution, series=at_interval)
        return garch_line(asked, resolution, picked.bars, name=name, rows=rows)
    ticker, known_as = picked.series.symbol.base, (picked.series, picked.interval)
    line = line_of(reading, name, asked.step, picked.bars, ticker=ticker, known_as=known_as)
    return line.only(asked.outputs).at(rows)


def _whole(reading: Reading, stored: Sequence[SeriesId], picked: _Picked) -> tuple[datetime, datetime]:
    """Return when the first and the last stored bar open, in any interval; as of a moment, in the one shown."""
    if not reading.is_now:
        opened = series_bars(reading, picked.series)["open_time"]
        return opened[0], opened[-1]
    ranges = [stored_ranges(reading)[one] for one in stored]
    return min(first for first, _ in ranges), max(last for _, last in ranges)


def _causes(reading: Reading, workspace: Workspace, series: SeriesId) -> dict[tuple[datetime, datetime], HoleCause]:
    """Return why bars are missing, by hole.

    Of all holes of the series at once, and kept: whoever zooms does not ask the lake again.
    """

    def compute(reading: Reading) -> dict[tuple[datetime, datetime], HoleCause]:
        bars = series_bars(reading, series)
        holes = [hole[:2] for hole in _gaps(bars, bars["open_time"][0], bars["close_time"][-1])]
        return hole_causes(reading, workspace, series, holes)

    return reading.part(("causes of holes", series), compute)


def _gaps(bars: pl.DataFrame, start: datetime, end: datetime) -> list[tuple[datetime, datetime, int]]:
    """Return start, end and missing bars of the holes between stored bars that reach into ``[start, end)``."""
    found = bars.select(
        pl.col("close_time").shift(1).alias("start"), pl.col("open_time").alias("end"), pl.col("missing_bars")
    ).filter((pl.col("missing_bars") > 0) & (pl.col("end") > start) & (pl.col("start") < end))
    return list(found.iter_rows())
