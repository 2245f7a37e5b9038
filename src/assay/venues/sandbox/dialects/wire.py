"""Small spellings that several dialects share: milliseconds, whole numbers, signed amounts.

>>> whole_number("12"), whole_number("1e3"), whole_number("-1")
(12, None, None)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from assay.venues.sandbox.bars import to_us

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
