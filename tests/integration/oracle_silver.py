"""Silver and gold once more, row by row in plain Python: what the SQL is checked against. It shares no line with it.

An observation is one row of one file. The current one of a bar: finished before provisional, then recorded last (an
unknown time of recording is the earliest), then most volume. Neighbours in that order with the same close and volume
are one revision.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby


@dataclass(frozen=True, slots=True)
class Observation:
    """What one file says of one bar; `number` counts the bars of the series on an unbroken grid."""

    number: int
    open_time: datetime
    close_time: datetime
    close: float
    volume: float
    quote_volume: float | None
    is_provisional: bool
    recorded_at: datetime | None

    @property
    def high(self) -> float:
        return self.close * 1.5

    @property
    def low(self) -> float:
        return self.close * 0.5


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of the cleaned table."""

    current: Observation
    revision: int
    is_closed: bool
    quote_volume: float | None
    missing: int
    log_return: float | None
    is_outlier: bool


def cleaned(observations: Sequence[Observation]) -> list[Bar]:
    """Return the bars of one series in order of time."""
    bars: list[Bar] = []
    by_bar = sorted(observations, key=lambda one: one.number)
    for _, group in groupby(by_bar, key=lambda one: one.number):
        ordered = sorted(group, key=_rank)
        runs = [list(run) for _, run in groupby(ordered, key=lambda one: (one.close, one.volume))]
        top = runs[-1]
        is_closed = any(not one.is_provisional for one in top)
        quote = next((one.quote_volume for one in top if one.quote_volume is not None), None)
        before = bars[-1] if bars else None
        missing = top[-1].number - before.current.number - 1 if before else 0
        follows = before is not None and missing == 0 and is_closed and before.is_closed
        change = math.log(top[-1].close / before.current.close) if before and follows else None
        moves = sorted(abs(one.log_return) for one in bars[-168:] if one.log_return)
        # The discrete median: the value at position ceil(n / 2), counted from 1.
        is_outlier = change is not None and len(moves) >= 24 and abs(change) > 10 * moves[math.ceil(len(moves) / 2) - 1]
        bars.append(Bar(top[-1], len(runs), is_closed, quote, missing, change, is_outlier))
    return bars


def _rank(one: Observation) -> tuple[bool, bool, float, float]:
    recorded = one.recorded_at.timestamp() if one.recorded_at else 0.0
    return not one.is_provisional, one.recorded_at is not None, recorded, one.volume


@dataclass(frozen=True, slots=True)
class Day:
    """A row of the daily table."""

    date: date
    open: float
    high: float
    low: float
    close: float
    volume: float
    quote_volume: float | None
    vwap: float | None
    daily_return: float | None
    volatility: float | None
    bars: int
    is_complete: bool


def daily(bars: Sequence[Bar], bars_of_day: int) -> list[Day]:
    """Return the days of one series; a bar's open is its close."""
    days: list[Day] = []
    closed = [bar for bar in bars if bar.is_closed]
    for day, group in groupby(closed, key=lambda bar: bar.current.open_time.date()):
        rows = list(group)
        volume = math.fsum(bar.current.volume for bar in rows)
        quotes = [bar.quote_volume for bar in rows if bar.quote_volume is not None]
        quote = math.fsum(quotes) if len(quotes) == len(rows) else None
        typical = math.fsum(
            bar.current.volume * (bar.current.high + bar.current.low + bar.current.close) / 3 for bar in rows
        )
        returns = [bar.log_return for bar in rows if bar.log_return is not None]
        close = rows[-1].current.close
        follows = bool(days) and days[-1].date == day - timedelta(days=1)
        days.append(
            Day(
                date=day,
                open=rows[0].current.close,
                high=max(bar.current.high for bar in rows),
                low=min(bar.current.low for bar in rows),
                close=close,
                volume=volume,
                quote_volume=quote,
                vwap=(typical if quote is None else quote) / volume if volume else None,
                daily_return=close / days[-1].close - 1 if follows else None,
                volatility=statistics.stdev(returns) * math.sqrt(bars_of_day) if len(returns) > 1 else None,
                bars=len(rows),
                is_complete=len(rows) == bars_of_day,
            )
        )
    return days
