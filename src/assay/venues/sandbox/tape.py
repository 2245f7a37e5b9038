"""The tape of one market: any minute and any trade of any asset, whenever it was, and the last ones kept at hand.

This is where moments become days of the skeleton. Nothing here knows of symbols: an asset goes on when its name
changes, and its trades are numbered through.

>>> from assay.venues.sandbox.assets import DEFAULT_ASSETS
>>> tape = Tape(seed=1)
>>> start = 19_723 * DAY_US
>>> sum(len(bars) for bars in tape.bars(DEFAULT_ASSETS[0], start, start + 90 * MINUTE_US))
90
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import numpy as np

from assay.domain.errors import BadInputError
from assay.domain.interval import Interval
from assay.venues.sandbox.assets import Asset
from assay.venues.sandbox.bars import DAY_US, MINUTE_US, SECOND_US, Bars, gather, join, to_datetime, to_us
from assay.venues.sandbox.draws import Stream
from assay.venues.sandbox.minutes import Minutes, expand, in_coarser_ticks, in_finer_ticks, join_minutes
from assay.venues.sandbox.seasons import FIRST_DAY, LAST_DAY
from assay.venues.sandbox.skeleton import CHUNK_DAYS, Skeleton
from assay.venues.sandbox.trades import Trades, seconds, take_apart

_SECOND = Interval.parse("1s")
_FEW_DAYS = 3
_PIECE_DAYS = 8
"""Days whose minutes are made in one go; more do not fit into a processor's cache, and take twice the time."""
_KEPT_DAYS = 320
_KEPT_MINUTES = 1_024
_KEPT_CHUNKS = 4_096


class Tape:
    """Minutes and trades of every asset of one seed.

    Parameters
    ----------
    seed : int
        Tapes of one seed are the same.
    edge : float, default 0.0
        Size of the planted edge; see :mod:`assay.venues.sandbox.edge`.
    """

    def __init__(self, seed: int, *, edge: float = 0.0) -> None:
        self.skeleton = Skeleton(seed, edge=edge)
        self._day = lru_cache(_KEPT_DAYS)(self._make_day)
        self._trades = lru_cache(_KEPT_MINUTES)(self._make_trades)
        self._chunk_days = lru_cache(_KEPT_CHUNKS)(self._make_chunk_days)
        self._first_number = lru_cache(None)(self._find_first_number)

    def bars(self, asset: Asset, start_us: int, end_us: int) -> Iterator[Bars]:
        """Yield the minutes of ``[start_us, end_us)`` in pieces.

        Parameters
        ----------
        asset : Asset
            Whose.
        start_us : int
            A whole minute, in microseconds since 1970-01-01.
        end_us : int
            If this is within a minute, the last bar is that minute as it stood then.
        """
        whole_end = end_us - end_us % MINUTE_US
        first_day, last_day = start_us // DAY_US, (whole_end - 1) // DAY_US
        few = last_day - first_day < _FEW_DAYS
        day = first_day
        while day <= last_day and start_us < whole_end:
            after = min(day + 1 if few else (day // _PIECE_DAYS + 1) * _PIECE_DAYS, last_day + 1)
            part = self.day(asset, day) if few else self._expand(asset, day, after - day)
            offset = day * DAY_US
            first = max(0, start_us - offset) // MINUTE_US
            yield part.bars[first : (min(whole_end, after * DAY_US) - offset) // MINUTE_US]
            day = after
        if whole_end < end_us:
            yield self._unfinished(asset, whole_end, end_us)

    def pieces(self, interval: Interval, asset: Asset, start_us: int, end_us: int) -> Iterator[Bars]:
        """Yield the longest bars of ``[start_us, end_us)`` of which bars of `interval` are made."""
        if interval == _SECOND:
            return self.seconds(asset, start_us, end_us)
        # Days, weeks and months begin at midnight.
        is_long = interval.is_calendar or interval.microseconds % DAY_US == 0
        return (self.days if is_long else self.bars)(asset, start_us, end_us)

    def days(self, asset: Asset, start_us: int, end_us: int) -> Iterator[Bars]:
        """Yield the days of ``[start_us, end_us)``, and the minutes of those days of which only a part is in it.

        Whole days are kept, so that a bar of a month costs the making of its minutes once.
        """
        first_day, last_day = -(-start_us // DAY_US), end_us // DAY_US
        if first_day >= last_day:
            yield from self.bars(asset, start_us, end_us)
            return
        yield from self.bars(asset, start_us, first_day * DAY_US)
        for chunk in range(first_day // CHUNK_DAYS, (last_day - 1) // CHUNK_DAYS + 1):
            kept: Bars = self._chunk_days(asset, chunk)
            offset = chunk * CHUNK_DAYS
            yield kept[max(0, first_day - offset) : last_day - offset]
        yield from self.bars(asset, last_day * DAY_US, end_us)

    def seconds(self, asset: Asset, start_us: int, end_us: int) -> Iterator[Bars]:
        """Yield the seconds of ``[start_us, end_us)``, whole ones but for the last, a minute at a time."""
        first = start_us - start_us % MINUTE_US
        for minute_us in range(first, end_us, MINUTE_US):
            start, end = max(start_us, minute_us), min(end_us, minute_us + MINUTE_US)
            trades = self.trades(asset, minute_us)
            before = trades.between(minute_us, start)
            last_price = int(before.price[-1]) if len(before) else self._open(asset, minute_us)
            yield seconds(
                trades.between(start, end),
                start_us=start,
                end_us=-(-end // SECOND_US) * SECOND_US,
                last_price=last_price,
            )

    def day(self, asset: Asset, day: int) -> Minutes:
        """Return the minutes of a day since 1970-01-01."""
        minutes: Minutes = self._day(asset, day)
        return minutes

    def trades(self, asset: Asset, minute_us: int) -> Trades:
        """Return the trades of the minute that opens at `minute_us`."""
        trades: Trades = self._trades(asset, minute_us)
        return trades

    def minute_of_trade(self, asset: Asset, trade_id: int) -> int:
        """Return when the minute opens in which trade `trade_id` is made."""
        number = trade_id + self._first_number(asset)
        day = self.skeleton.day_of_trade(asset, number)
        ends = self.day(asset, day).bars.num_trades.cumsum()
        row = int(np.searchsorted(ends, number - self.skeleton.trades_before(asset, day), side="right"))
        return day * DAY_US + row * MINUTE_US

    def last_trade(self, asset: Asset, moment_us: int) -> Trades:
        """Return the last trade before `moment_us` alone; there is one in any quarter of an hour."""
        minute_us = (moment_us - 1) // MINUTE_US * MINUTE_US
        trades = self.trades(asset, minute_us).between(minute_us, moment_us)
        while not len(trades):
            minute_us -= MINUTE_US
            trades = self.trades(asset, minute_us)
        return trades[-1:]

    def next_id(self, asset: Asset, moment_us: int) -> int:
        """Return the id of the first trade at or after `moment_us`."""
        minute_us = moment_us - moment_us % MINUTE_US
        return self._id_at(asset, minute_us) + len(self.trades(asset, minute_us).between(minute_us, moment_us))

    def _id_at(self, asset: Asset, minute_us: int) -> int:
        day, within = divmod(minute_us, DAY_US)
        earlier = int(self.day(asset, day).bars.num_trades[: within // MINUTE_US].sum())
        return self.skeleton.trades_before(asset, day) + earlier - self._first_number(asset)

    def _find_first_number(self, asset: Asset) -> int:
        """Return how many trades there were from the anchor to the listing, which is where ids start."""
        day, within = divmod(to_us(asset.listed_at), DAY_US)
        earlier = int(self.day(asset, day).bars.num_trades[: within // MINUTE_US].sum())
        return self.skeleton.trades_before(asset, day) + earlier

    def _open(self, asset: Asset, minute_us: int) -> int:
        day, within = divmod(minute_us, DAY_US)
        return int(self.day(asset, day).bars.open[within // MINUTE_US])

    def _unfinished(self, asset: Asset, minute_us: int, end_us: int) -> Bars:
        edges = np.array([minute_us, minute_us + MINUTE_US])
        return gather(next(self.seconds(asset, minute_us, end_us)), edges)

    def _expand(self, asset: Asset, day: int, count: int) -> Minutes:
        if not FIRST_DAY <= day <= day + count - 1 <= LAST_DAY:
            raise BadInputError("no market on that day", value=day, todo="stay between 1970-01-01 and 2100-12-31")
        changed_at = asset.tick_changed_at
        first = count if changed_at is None else min(max(to_us(changed_at) // DAY_US - day, 0), count)
        parts = [(day, first, asset.ticks_before), (day + first, count - first, asset.ticks_after)]
        made = [
            in_finer_ticks(expand(self.skeleton, asset.in_steps(ticks), first_day=start, count=days), ticks)
            for start, days, ticks in parts
            if days
        ]
        return join_minutes(made)

    def _make_day(self, asset: Asset, day: int) -> Minutes:
        return self._expand(asset, day, 1)

    def _make_chunk_days(self, asset: Asset, chunk: int) -> Bars:
        first = chunk * CHUNK_DAYS
        count = min(CHUNK_DAYS, LAST_DAY + 1 - first)
        edges = (first + np.arange(count + 1, dtype=np.int64)) * DAY_US
        minutes = self.bars(asset, int(edges[0]), int(edges[-1]))
        return join([gather(piece, edges) for piece in minutes])

    def _make_trades(self, asset: Asset, minute_us: int) -> Trades:
        day, within = divmod(minute_us, DAY_US)
        stream = Stream.of(self.skeleton.seed, f"{asset.coin_id}/trades")
        ticks, first_id = asset.ticks_at(to_datetime(minute_us)), self._id_at(asset, minute_us)
        minutes = in_coarser_ticks(self.day(asset, day), ticks)
        trades = take_apart(stream, minutes, within // MINUTE_US, first_id=first_id)
        return trades if ticks == 1 else replace(trades, price=trades.price * ticks)
