"""Lengths of time as a person writes them, and the slots into which a schedule cuts time.

>>> parse_duration("15m")
datetime.timedelta(seconds=900)
>>> from datetime import UTC
>>> slot_of(datetime(2024, 1, 1, 9, 28, tzinfo=UTC), parse_duration("15m")).isoformat()
'2024-01-01T09:15:00+00:00'
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from assay.domain.errors import BadInputError
from assay.domain.interval import EPOCH, utc

_DURATION = re.compile(r"([0-9]{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_duration(text: str) -> timedelta:
    """Read a whole number of seconds, minutes, hours, days or weeks: ``30s``, ``15m``, ``2h``, ``90d``, ``1w``.

    Raises
    ------
    BadInputError
        If `text` has another form, or is nothing at all.
    """
    found = _DURATION.fullmatch(text.strip())
    if not found or not int(found[1]):
        todo = "write a number and s, m, h, d or w, like 15m or 90d"
        raise BadInputError("not a length of time", value=text, todo=todo)
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def slot_of(moment: datetime, every: timedelta) -> datetime:
    """Return the beginning of the slot that `moment` lies in; slots are `every` long and counted from the epoch."""
    moment = utc(moment)
    return moment - (moment - EPOCH) % every
