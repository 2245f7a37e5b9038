"""Recorded klines in place of the seeded market's: rows as Binance sent them, served again by the same paging rule.

Rows keep their defects: what was off the grid, missing or doubled in the recording is so in the answers. A bar is
served once it has closed; what it looked like before was not recorded.

>>> rows = [[hour * 3_600_000, *"1111", "5", hour * 3_600_000 + 3_599_999, "5", 3, "2", "2", "0"] for hour in range(9)]
>>> replay = Replay({("BTCUSDT", "1h"): rows})
>>> page = replay.page(("BTCUSDT", "1h"), Window(first_us=None, last_us=None, limit=2), now_us=6 * 3_600_000_000)
>>> [row[0] // 3_600_000 for row in page]
[4, 5]
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence

from assay.domain.errors import BadInputError
from assay.venues.sandbox.history import Window

Row = Sequence[str | int]
Series = tuple[str, str]
"""Symbol and interval as Binance spells them: ``("BTCUSDT", "1h")``."""
_FIELDS, _CLOSE_TIME = 12, 6
_MILLISECOND_US = 1_000


class Replay:
    """Recordings by series.

    Parameters
    ----------
    recordings : mapping of (str, str) to sequence of rows
        Rows of twelve fields, times in milliseconds; they are served by open time, equal ones in the order given.

    Raises
    ------
    BadInputError
        If a row has not twelve fields, or a time is no whole number.
    """

    def __init__(self, recordings: Mapping[Series, Sequence[Row]]) -> None:
        self._rows: dict[Series, list[Row]] = {}
        self._opens: dict[Series, list[int]] = {}
        for series, rows in recordings.items():
            for row in rows:
                if len(row) != _FIELDS or not isinstance(row[0], int) or not isinstance(row[_CLOSE_TIME], int):
                    raise BadInputError("not a kline of Binance", value=row, todo="give rows of twelve fields")
            kept = self._rows[series] = sorted(rows, key=_open_us)
            self._opens[series] = [_open_us(row) for row in kept]

    def __contains__(self, series: Series) -> bool:
        return series in self._rows

    def page(self, series: Series, window: Window, *, now_us: int) -> list[Row]:
        """Return the rows of a page that have closed by `now_us`, in microseconds since 1970-01-01."""
        rows, opens = self._rows[series], self._opens[series]
        last = len(rows) if window.last_us is None else bisect_right(opens, window.last_us)
        first = 0 if window.first_us is None else bisect_left(opens, window.first_us)
        closed = [row for row in rows[first:last] if (int(row[_CLOSE_TIME]) + 1) * _MILLISECOND_US <= now_us]
        return closed[-window.limit :] if window.first_us is None else closed[: window.limit]


def _open_us(row: Row) -> int:
    return int(row[0]) * _MILLISECOND_US


NO_REPLAY = Replay({})
"""Nothing is replayed: all bars are the market's."""
