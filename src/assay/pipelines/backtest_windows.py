"""Windows of a walk-forward: what is chosen on the bars of one is traded on those that follow it, and on no others.

>>> day = timedelta(days=1) // timedelta(microseconds=1)
>>> opened = np.arange(10) * day
>>> def days(windows):
...     return [tuple(edge // day for edge in one) for one in windows.of(opened, 10 * day)]
>>> days(Windows(parts=4)), days(Windows(train=timedelta(days=4), test=timedelta(days=3)))
([(0, 2, 4), (0, 4, 6), (0, 6, 8), (0, 8, 10)], [(0, 4, 7), (3, 7, 10)])
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from assay.backtest.layout import Ints
from assay.domain.errors import BadInputError

_MOST = 1_000


class Window(NamedTuple):
    """Bars that open in ``[train_start, test_start)`` choose for those in ``[test_start, test_end)``; microseconds."""

    train_start: int
    test_start: int
    test_end: int


@dataclass(frozen=True, slots=True)
class Windows:
    """How a period is cut: into parts of as many bars, or by lengths of time.

    Attributes
    ----------
    parts : int
        Number of tests: the period is cut into one part more, the first of which is not traded. 0: by `train`, `test`.
    train, test : timedelta, optional
        Lengths of what is chosen on and of what is traded then. The last test may be shorter.
    is_anchored : bool, optional
        True: each choice is made on everything from the beginning of the period; False: on a window that moves along,
        as long as the first one. By default anchored with `parts`, and moving with lengths.

    Raises
    ------
    BadInputError
        If both or neither are given, or there are no parts.
    """

    parts: int = 0
    train: timedelta | None = None
    test: timedelta | None = None
    is_anchored: bool | None = None

    def __post_init__(self) -> None:
        lengths = [one for one in (self.train, self.test) if one is not None]
        if bool(self.parts) == bool(lengths) or len(lengths) == 1:
            todo = "give --walk-forward N, or --train and --test, like --train 180d --test 30d"
            raise BadInputError("not the windows of a walk-forward", value=self.says, todo=todo)
        if any(one <= timedelta(0) for one in lengths):
            raise BadInputError("a window has no length", value=self.says, todo="give lengths above zero")
        if not 0 <= self.parts <= _MOST:
            raise BadInputError("no such number of parts", value=self.parts, todo=f"give 1 to {_MOST:,}")

    @property
    def anchored(self) -> bool:
        """Whether each choice is made on everything before."""
        return bool(self.parts) if self.is_anchored is None else self.is_anchored

    @property
    def says(self) -> str:
        """The same in words, and by which the ledger tells it from others."""
        how = "anchored" if self.anchored else "rolling"
        if self.parts:
            return f"{self.parts} parts, {how}"
        return f"train {_in_words(self.train)}, test {_in_words(self.test)}, {how}"

    def of(self, open_time: Ints, close: int) -> list[Window]:
        """Return the windows of a period.

        Parameters
        ----------
        open_time : int64 array, shape (n_bars,)
            Microseconds, in order.
        close : int
            When the last bar closed.

        Raises
        ------
        BadInputError
            If the period is too short: each window has two bars to choose on and one to trade.
        """
        edges = self._edges(open_time, close)
        first, train = edges[0], edges[1] - edges[0]
        found = [
            Window(first if self.anchored else max(first, test - train), test, end) for test, end in pairwise(edges[1:])
        ]
        for one in found:
            begins, tests, ends = np.searchsorted(open_time, one, side="left")
            if tests - begins < 2 or ends <= tests:  # a return has two ends
                raise self._too_short(open_time, close)
        if not found:
            raise self._too_short(open_time, close)
        return found

    def _edges(self, open_time: Ints, close: int) -> list[int]:
        """Return where the first choice begins, where each test begins, and where the last one ends."""
        first = int(open_time[0])
        if self.parts:
            places = np.linspace(0, open_time.size, self.parts + 2).astype(np.int64)[1:-1]
            return [first, *(int(open_time[place]) for place in places), close]
        assert self.train is not None
        assert self.test is not None
        microsecond = timedelta(microseconds=1)
        begins = range(first + self.train // microsecond, close, self.test // microsecond)
        if len(begins) > _MOST:
            raise BadInputError("too many windows", value=f"{len(begins):,}", todo=f"test on longer ones: {_MOST:,}")
        return [first, *begins, close]

    def _too_short(self, open_time: Ints, close: int) -> BadInputError:
        days = (close - int(open_time[0])) / 86_400_000_000
        todo = "give a longer period, fewer parts or shorter windows; there may be no hole as long as one"
        what = "the period is too short for these windows"
        return BadInputError(what, value=f"{open_time.size:,} bars, {days:.1f} days; {self.says}", todo=todo)


def _in_words(length: timedelta | None) -> str:
    if length is None:
        return "-"
    days, hours = length.days, length.seconds / 3600
    return f"{days}d" if not hours else f"{days * 24 + hours:g}h"
