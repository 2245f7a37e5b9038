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
from decimal import Decimal

import polars as pl

from assay.domain.errors import BadInputError
from assay.venues.sandbox.history import Window

Row = Sequence[str | int]
Series = tuple[str, str]
"""Symbol and interval as Binance spells them: ``("BTCUSDT", "1h")``."""
_FIELDS, _CLOSE_TIME = 12, 6
_MILLISECOND_US = 1_000
_TEXTS = ("open", "high", "low", "close", "volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume")


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

    @property
    def counts(self) -> dict[Series, int]:
        """Number of rows by series."""
        return {series: len(rows) for series, rows in self._rows.items()}

    def page(self, series: Series, window: Window, *, now_us: int) -> list[Row]:
        """Return the rows of a page that have closed by `now_us`, in microseconds since 1970-01-01."""
        rows, opens = self._rows[series], self._opens[series]
        last = len(rows) if window.last_us is None else bisect_right(opens, window.last_us)
        first = 0 if window.first_us is None else bisect_left(opens, window.first_us)
        closed = [row for row in rows[first:last] if (int(row[_CLOSE_TIME]) + 1) * _MILLISECOND_US <= now_us]
        return closed[-window.limit :] if window.first_us is None else closed[: window.limit]


def rows_of(klines: pl.DataFrame) -> list[Row]:
    """Return bars as Binance sends them; numbers are written with as few digits as tell them apart, so none changes.

    Parameters
    ----------
    klines : polars.DataFrame
        Columns as in :data:`assay.venues.datasets.SCHEMAS` for klines; others are ignored.

    Returns
    -------
    list of rows
        Twelve fields each, in the order given; the close time is that of the source, and the last field, which has no
        meaning, is ``"0"``.

    Raises
    ------
    BadInputError
        If a value that Binance sends is null.

    Examples
    --------
    >>> from datetime import UTC, datetime, timedelta
    >>> opened = datetime(2024, 1, 1, tzinfo=UTC)
    >>> times = {"open_time": [opened], "source_close_time": [opened + timedelta(milliseconds=3_599_999)]}
    >>> rows_of(pl.DataFrame(times | {name: [1e-8] for name in _TEXTS} | {"num_trades": [3]}))[0][:2]
    [1704067200000, '0.00000001']
    """
    needed = ("open_time", "source_close_time", *_TEXTS, "num_trades")
    lacking = [name for name in needed if klines[name].null_count()]
    if lacking:
        todo = "only recordings with all the fields of Binance's klines can be served as Binance's"
        raise BadInputError("the recording lacks what Binance sends", value=", ".join(lacking), todo=todo)
    milliseconds = pl.col("open_time", "source_close_time").dt.timestamp("ms")
    return [
        [opened, *map(_plain, texts[:5]), closed, _plain(texts[5]), trades, *map(_plain, texts[6:]), "0"]
        for opened, closed, *texts, trades in klines.select(milliseconds, *_TEXTS, "num_trades").iter_rows()
    ]


def _plain(number: float) -> str:
    return f"{Decimal(repr(number)):f}"


def _open_us(row: Row) -> int:
    return int(row[0]) * _MILLISECOND_US


NO_REPLAY = Replay({})
"""Nothing is replayed: all bars are the market's."""
