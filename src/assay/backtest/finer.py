"""Shorter bars where there are some: they decide what happened in which order inside a row.

A strategy goes on to decide at the closes of its own bars. Only what is filled between them is decided by the shorter
ones, down to single trades, and only in rows of which they tell the whole story: their prices are those of the row to
the last digit, and either none is missing or their volumes add up to that of the row.

>>> import numpy as np
>>> hour, half = 3_600_000_000, 1_800_000_000
>>> opened, flat = np.arange(2) * hour, np.full(2, 10.0)
>>> coarse = Market(("BTC-USDT",), opened, opened + hour, flat, flat, flat, flat)
>>> halves = np.arange(4) * half
>>> fine = Market(("BTC-USDT",), halves, halves + half, *np.full((4, 4), 10.0))
>>> refine(coarse, [fine]).finer.first.tolist()
[0, 2, 4]
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.backtest.layout import Floats, Ints
from assay.backtest.market import FinerBars, Market
from assay.domain.errors import BadInputError

_PRICES = ("open", "high", "low", "close")
_SAME_VOLUME = 1e-9
"""Volumes are sums of many numbers: so much, relative, may be lost by adding."""


def refine(market: Market, finer: Sequence[Market]) -> Market:
    """Return a market whose rows are made up of shorter bars wherever these tell all that happened.

    Parameters
    ----------
    market : Market
    finer : sequence of Market
        Of the same symbols in the same order; the first one that tells all of a row is taken.

    Returns
    -------
    Market
        With :attr:`Market.finer`, or as it was where no row could be refined.

    Raises
    ------
    BadInputError
        If the symbols are others.
    """
    chosen = np.full(len(market), -1)
    fitted = [_Fitted(one, *_places(market, one)) for one in finer]
    for number, (shorter, start, stop) in enumerate(fitted):
        if shorter.symbols != market.symbols:
            raise BadInputError("finer bars of other symbols", value=", ".join(shorter.symbols))
        chosen[(chosen < 0) & _tells_all(market, shorter, start, stop)] = number
    if (chosen < 0).all():
        return market
    counts = np.zeros(len(market), dtype=np.int64)
    for number, (_, start, stop) in enumerate(fitted):
        counts = np.where(chosen == number, stop - start, counts)
    first = np.concatenate([[0], np.cumsum(counts)])
    columns: dict[str, np.ndarray] = {"open_time": np.empty(first[-1], dtype=np.int64)}
    columns |= {name: np.empty((first[-1], len(market.symbols))) for name in (*_PRICES, "volume")}
    for number, (shorter, start, stop) in enumerate(fitted):
        rows = np.flatnonzero(chosen == number)
        sources, targets = _ranges(start[rows], stop[rows]), _ranges(first[:-1][rows], first[1:][rows])
        for name, column in columns.items():
            column[targets] = getattr(shorter, name)[sources]
    return dataclasses.replace(market, finer=FinerBars(first, **columns))


class _Fitted(NamedTuple):
    market: Market
    start: Ints
    stop: Ints


def _places(market: Market, shorter: Market) -> tuple[Ints, Ints]:
    """Return where the shorter bars of each row begin and end."""
    start = np.searchsorted(shorter.open_time, market.open_time, side="left")
    stop = np.searchsorted(shorter.close_time, market.close_time, side="right")
    return start, np.maximum(start, stop)


def _tells_all(market: Market, shorter: Market, start: Ints, stop: Ints) -> NDArray[np.bool_]:
    """Say of which rows the shorter bars tell all that the row says."""
    told = stop - start > 1
    holes = np.concatenate([[0], np.cumsum(shorter.open_time[1:] != shorter.close_time[:-1]), [0]])
    rows = np.flatnonzero(told)
    last = stop[rows] - 1
    is_whole = np.zeros(len(market), dtype=np.bool_)
    is_whole[rows] = (
        (shorter.open_time[start[rows]] == market.open_time[rows])
        & (shorter.close_time[last] == market.close_time[rows])
        & (holes[last] == holes[start[rows]])
    )
    for column in range(len(market.symbols)):
        summed = _summed(shorter, column, start, stop)
        there = ~np.isnan(market.open[:, column])
        same = np.all([summed[name] == getattr(market, name)[:, column] for name in _PRICES], axis=0)
        asked = market.volume[:, column]
        adds_up = np.abs(summed["volume"] - asked) <= _SAME_VOLUME * np.abs(asked)
        is_full = is_whole & (summed["count"] == stop - start) & (np.isnan(asked) | np.isnan(summed["volume"]))
        told &= np.where(there, same & (adds_up | is_full), summed["count"] == 0)
    return told


def _summed(shorter: Market, column: int, start: Ints, stop: Ints) -> dict[str, Floats]:
    """Return what the shorter bars of each row come to; NaN where there are none."""
    is_there = ~np.isnan(shorter.open[:, column])
    numbers = np.concatenate([[0], np.cumsum(is_there)])
    begin, end = numbers[start], numbers[stop]
    found = {name: np.full(start.size, np.nan) for name in (*_PRICES, "volume")}
    found["count"] = (end - begin).astype(np.float64)
    some = np.flatnonzero(end > begin)
    if not some.size:
        return found
    bars = {name: getattr(shorter, name)[is_there, column] for name in (*_PRICES, "volume")}
    edges = np.stack([begin[some], end[some]], axis=1).ravel()
    # A last edge may lie behind the last bar, where reduceat takes no place.
    edges = edges[:-1] if edges[-1] == is_there.sum() else edges
    found["open"][some], found["close"][some] = bars["open"][begin[some]], bars["close"][end[some] - 1]
    found["high"][some] = np.maximum.reduceat(bars["high"], edges)[::2]
    found["low"][some] = np.minimum.reduceat(bars["low"], edges)[::2]
    found["volume"][some] = np.add.reduceat(bars["volume"], edges)[::2]
    return found


def _ranges(start: Ints, stop: Ints) -> Ints:
    """Return the numbers of all ranges ``[start, stop)``, one after the other."""
    counts = stop - start
    before = np.cumsum(counts) - counts
    return np.repeat(start - before, counts) + np.arange(counts.sum())
