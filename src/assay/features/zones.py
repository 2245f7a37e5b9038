"""Local time inside kernels: a zone as a table of the moments at which its offset from UTC changes.

>>> table = offsets("Europe/Berlin")
>>> summer = 1_720_000_000_000_000
>>> float(offset_at(table, summer)) / 3_600_000_000
2.0
"""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from assay.domain.errors import BadInputError
from assay.domain.interval import EPOCH
from assay.features.bars import FloatArray

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
_FIRST, _LAST = datetime(2009, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)
"""Between them the changes are looked up; Bitcoin began in 2009, and no rule is made for long after today."""
_MICROSECOND = timedelta(microseconds=1)


@functools.cache
def offsets(zone: str) -> FloatArray:
    """Return where and how a zone's offset changes: rows of moment and offset in microseconds, flat and in order.

    The first row holds from the beginning on.

    Raises
    ------
    BadInputError
        If there is no such zone.
    """
    info = _found(zone)
    rows = [(-np.inf, _offset(info, _FIRST))]
    for days in range((_LAST - _FIRST).days):
        morning = _FIRST + timedelta(days=days)
        if _offset(info, morning + timedelta(days=1)) != rows[-1][1]:
            rows.append(_change(info, morning))
    table = np.array(rows, dtype=np.float64).reshape(-1)
    table.flags.writeable = False
    return table


def offset_at(table: FloatArray, moment: float) -> float:
    """Return the offset that holds at a moment; both in microseconds, the table as :func:`offsets` made it."""
    low, high = 0, table.size // 2
    while high - low > 1:
        middle = (low + high) // 2
        if table[2 * middle] <= moment:
            low = middle
        else:
            high = middle
    return table[2 * low + 1]  # type: ignore[no-any-return]  # what an array holds


def column_text(zone: str) -> str:
    """Return the zone as a part of a column's name.

    >>> column_text("America/New_York")
    'america_new_york'
    """
    return zone.lower().replace("/", "_").replace("-", "_minus_").replace("+", "_plus_")


def _found(zone: str) -> ZoneInfo:
    todo = "use a name of the IANA time zone database, like UTC or Europe/Berlin"
    if not isinstance(zone, str) or not zone:  # type: ignore[redundant-expr]  # a setting may be anything
        raise BadInputError("unknown time zone", value=zone, todo=todo)
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInputError("unknown time zone", value=zone, todo=todo) from error


def _offset(info: ZoneInfo, moment: datetime) -> float:
    found = moment.astimezone(info).utcoffset()
    assert found is not None  # a zone of the database has one at any moment
    return float(found // _MICROSECOND)


def _change(info: ZoneInfo, morning: datetime) -> tuple[float, float]:
    """Return the moment within a day from which another offset holds, and that offset."""
    low, high = 0, 24 * 3600
    before = _offset(info, morning)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(info, morning + timedelta(seconds=middle)) == before:
            low = middle
        else:
            high = middle
    moment = morning + timedelta(seconds=high)
    return float((moment - EPOCH) // _MICROSECOND), _offset(info, moment)
