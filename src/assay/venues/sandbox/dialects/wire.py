"""Small spellings that several dialects share: milliseconds, whole numbers, signed amounts.

>>> whole_number("12"), whole_number("1e3"), whole_number("-1")
(12, None, None)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from assay.venues.sandbox.bars import to_us
from assay.venues.sandbox.draws import Integers

_WHOLE = re.compile(r"[0-9]{1,20}")


def whole_number(text: str) -> int | None:
    """Return the number that `text` is, or None if it is not written in at most twenty ASCII digits."""
    return int(text) if _WHOLE.fullmatch(text) else None


def milliseconds_of(moment: datetime) -> int:
    """Return whole milliseconds since 1970-01-01.

    >>> from datetime import UTC
    >>> milliseconds_of(datetime(1970, 1, 1, 0, 0, 1, 999, tzinfo=UTC))
    1000
    """
    return to_us(moment) // 1_000


def signed_text(write: Callable[[int], str], units: int) -> str:
    """Return an amount that may be negative, written by what writes positive ones.

    >>> signed_text(str, -5)
    '-5'
    """
    return write(units) if units >= 0 else "-" + write(-units)


def floats_of(units: Integers, decimals: int) -> list[float]:
    """Return ``units * 10**-decimals`` as JSON numbers.

    Both are exact in float64, and a division rounds once: the float that the text with those decimals means.
    """
    floats: list[float] = (units / 10.0**decimals).tolist()
    return floats


def iso_text(moment: datetime, timespec: str = "microseconds") -> str:
    """Return a moment as ISO 8601 text in UTC, its zone written as Z.

    >>> iso_text(datetime(1970, 1, 1, tzinfo=UTC), "milliseconds")
    '1970-01-01T00:00:00.000Z'
    """
    return moment.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")
