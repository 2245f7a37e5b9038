"""Interval arithmetic: which bar a moment belongs to, and which bar comes next.

A bar covers the half-open range ``[open_time, close_time)``; all moments are UTC. Weeks open on Monday and months
on the first, as on Binance; every other interval is anchored at the epoch.
Reference: Binance spot API, "Kline/Candlestick chart intervals".

>>> from datetime import datetime, UTC
>>> hour = Interval.parse("1h")
>>> hour.floor(datetime(2024, 1, 1, 9, 28, tzinfo=UTC)).isoformat()
'2024-01-01T09:00:00+00:00'
>>> Interval.parse("1M").close_time(datetime(2024, 2, 1, tzinfo=UTC)).isoformat()
'2024-03-01T00:00:00+00:00'
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from assay.domain.errors import BadInputError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
CODES = ("1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M")


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """A bar length such as ``1h``; build one with :meth:`parse`."""

    code: str

    @classmethod
    def parse(cls, code: str) -> Interval:
        """Return the interval named `code` (case matters: ``1m`` is a minute, ``1M`` a month).

        Raises
        ------
        BadInputError
            If `code` is not one of :data:`CODES`.
        """
        if code not in CODES:
            raise BadInputError("unknown interval", value=code, todo=f"use one of {', '.join(CODES)}")
        return cls(code)

    @property
    def is_calendar(self) -> bool:
        """Whether bars differ in length (months)."""
        return self.code.endswith("M")

    @property
    def duration(self) -> timedelta:
        """Length of one bar; 30 days stand for a month, which has no fixed length."""
        if self.is_calendar:
            return timedelta(days=30)
        return int(self.code[:-1]) * _UNITS[self.code[-1]]

    @property
    def microseconds(self) -> int:
        """:attr:`duration` in microseconds."""
        return self.duration // _MICROSECOND

    @property
    def anchor(self) -> datetime:
        """A moment at which a bar opens: the epoch, or a Monday for weeks."""
        return _MONDAY if self.code.endswith("w") else EPOCH

    def floor(self, moment: datetime) -> datetime:
        """Return the open time of the bar that contains `moment`."""
        moment = utc(moment)
        if self.is_calendar:
            return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return moment - (moment - self.anchor) % self.duration

    def ceil(self, moment: datetime) -> datetime:
        """Return the open time of the first bar that opens at or after `moment`."""
        opened = self.floor(moment)
        return opened if opened == utc(moment) else self.close_time(opened)

    def is_aligned(self, moment: datetime) -> bool:
        """Whether a bar opens exactly at `moment`."""
        return self.floor(moment) == utc(moment)

    def close_time(self, open_time: datetime) -> datetime:
        """Return the exclusive end of the bar that opens at `open_time`, which is the next bar's open time."""
        if self.is_calendar:
            months = open_time.year * 12 + open_time.month
            return open_time.replace(year=months // 12, month=months % 12 + 1)
        return open_time + self.duration

    def count(self, start: datetime, end: datetime) -> int:
        """Return how many bars open in ``[start, end)``; both must be aligned."""
        if self.is_calendar:
            return max(0, (end.year - start.year) * 12 + end.month - start.month)
        return max(0, (end - start) // self.duration)

    def opens(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Yield the open times in ``[start, end)``, beginning at the first one at or after `start`."""
        moment = self.ceil(start)
        while moment < end:
            yield moment
            moment = self.close_time(moment)

    def __str__(self) -> str:
        return self.code


def utc(moment: datetime) -> datetime:
    """Return `moment` in UTC; a naive one is refused, since nobody can know what it means.

    Raises
    ------
    BadInputError
        If `moment` carries no time zone.
    """
    if moment.tzinfo is None:
        raise BadInputError("a time without a zone", value=moment.isoformat(), todo="append Z or an offset")
    return moment.astimezone(UTC)


def parse_moment(text: str) -> datetime:
    """Read a date or time a person typed; without a zone it is UTC.

    >>> parse_moment("2024-01-01").isoformat()
    '2024-01-01T00:00:00+00:00'

    Raises
    ------
    BadInputError
        If `text` is not an ISO 8601 date or time.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):  # overflow: the first or the last day of time, in another zone
        todo = "write it like 2024-01-31 or 2024-01-31T09:00:00Z"
        raise BadInputError("not a date or time", value=text, todo=todo) from None
