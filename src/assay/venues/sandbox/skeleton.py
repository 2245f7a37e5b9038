"""The skeleton of the market: the level of every price at every whole hour, and how many trades each day has.

A log price is the sum of what the market and the asset itself did in every hour since the anchor date. From each hour
half of its variance is taken away, which makes the *price* a martingale: the mean of tomorrow's price, given all
returns seen until today, is today's price, and no forecast of a return can be right. (So the chance of a rise is a
little under one half: by a fifth of the hour's volatility.) Hours are summed in blocks of 256 days, and the sums of
blocks are kept: a moment costs at most one walk over the blocks between it and the anchor, and nothing has to run up
to it. All levels are multiples of 2**-40, so that sums are exact in any order.

>>> from assay.venues.sandbox.assets import DEFAULT_ASSETS
>>> skeleton = Skeleton(seed=1)
>>> bitcoin = DEFAULT_ASSETS[0]
>>> float(skeleton.hours(bitcoin, ANCHOR_DAY, 1).level[0])
0.0
>>> today, tomorrow = skeleton.hours(bitcoin, 20_000, 1), skeleton.hours(bitcoin, 20_001, 1)
>>> bool(today.level[-1] == tomorrow.level[0])
True
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from functools import lru_cache

import numpy as np

from assay.venues.sandbox.assets import Asset
from assay.venues.sandbox.draws import Floats, Integers, Stream, on_grid, uniform
from assay.venues.sandbox.edge import check_edge, directions
from assay.venues.sandbox.moves import HOURS, Moves, Source, minute_bridge, volatility_state
from assay.venues.sandbox.seasons import ANCHOR_DAY, activity, hourly_variance

BLOCK_DAYS = 256
CHUNK_DAYS = 32
"""Days of which the market's share in the minutes is kept together; blocks are made of whole chunks."""
FORCED_TRADES = 192
"""Trades that every day has at least: two at the end of each quarter of an hour."""

_ANCHOR_BLOCK = ANCHOR_DAY // BLOCK_DAYS
_MARKET_SCALES, _OWN_SCALES = range(1, 9), range(2, 5)
_MARKET = "market"
_KEPT_DAYS = 1_024


@dataclass(frozen=True, slots=True)
class Hours:
    """Consecutive hours of one asset, from the first hour of a day on.

    Arrays have shape (n_hours,), except `level`, shape (n_hours + 1,), the log price relative to the anchor price at
    the ends of the hours, and `trades`, shape (n_days,). `direction` is -1 in the hours that a planted edge turned
    round. At the end of minute m of hour h the log price is ``level[h] + direction[h] * (bridges[h, m] + drift[h] *
    (m + 1) / 60 + jumps so far)``.
    """

    level: Floats
    direction: Floats
    drift: Floats
    market_jump: Floats
    market_jump_minute: Integers
    own_jump: Floats
    own_jump_minute: Integers
    own_deviation: Floats
    variance: Floats
    trades: Integers

    def days(self, first: int, count: int) -> Hours:
        """Return the hours of `count` days from the `first` one on, which is 0 for the first day here."""
        start, stop = first * HOURS, (first + count) * HOURS
        return Hours(
            level=self.level[start : stop + 1],
            direction=self.direction[start:stop],
            drift=self.drift[start:stop],
            market_jump=self.market_jump[start:stop],
            market_jump_minute=self.market_jump_minute[start:stop],
            own_jump=self.own_jump[start:stop],
            own_jump_minute=self.own_jump_minute[start:stop],
            own_deviation=self.own_deviation[start:stop],
            variance=self.variance[start:stop],
            trades=self.trades[first : first + count],
        )


@dataclass(frozen=True, slots=True)
class Extremes:
    """Highest and lowest log price at whole hours, and in which hour since 1970-01-01 they were."""

    high: float
    high_hour: int
    low: float
    low_hour: int

    def join(self, other: Extremes) -> Extremes:
        """Return the extremes of both stretches; of equals the first is kept."""
        high = self if self.high >= other.high else other
        low = self if self.low <= other.low else other
        return Extremes(high.high, high.high_hour, low.low, low.low_hour)

    def shifted(self, level: float) -> Extremes:
        """Return the extremes of the same stretch that starts at `level` instead of zero."""
        return replace(self, high=self.high + level, low=self.low + level)


_NO_EXTREMES = Extremes(-math.inf, 0, math.inf, 0)


@dataclass(frozen=True, slots=True)
class _Block:
    """What is kept of a block for good: how far the log price went in it, its extremes and its number of trades."""

    move: float
    extremes: Extremes
    trades: int


@dataclass(frozen=True, slots=True)
class _Day:
    """What is kept of one day of an asset, so that its block need not be made again.

    `trades_before` counts from the anchor, `extremes_before` are those of the hours of the block before the day.
    """

    hours: Hours
    trades_before: int
    extremes_before: Extremes


class Skeleton:
    """Levels by the hour of all assets of one seed; blocks are made when they are asked for.

    Parameters
    ----------
    seed : int
        Skeletons of one seed are the same.
    edge : float, default 0.0
        Size of the planted edge; see :mod:`assay.venues.sandbox.edge`. The first hour of a block is always free.

    Raises
    ------
    BadInputError
        If no market can have the edge.
    """

    def __init__(self, seed: int, *, edge: float = 0.0) -> None:
        self.seed = seed
        self._edge = check_edge(edge)
        self._market = Source(seed, _MARKET, yearly_variance=1.0, jumps_a_year=4.0, jump_deviation=0.08)
        self._blocks: dict[tuple[str, int], _Block] = {}
        self._starts: dict[tuple[str, int], tuple[float, int]] = {}
        self._market_hours = lru_cache(16)(self._make_market_hours)
        self._block_hours = lru_cache(48)(self._make_block_hours)
        self._days = lru_cache(_KEPT_DAYS)(self._make_day)
        self._market_bridge = lru_cache(48)(self._make_market_bridge)

    def hours(self, asset: Asset, first_day: int, count: int) -> Hours:
        """Return the hours of `count` days from `first_day` on, which must lie in one block."""
        if count == 1:
            kept: _Day = self._days(asset, first_day)
            return kept.hours
        block, offset = divmod(first_day, BLOCK_DAYS)
        hours = self._block_hours(asset, block).days(offset, count)
        return replace(hours, level=hours.level + self._start(asset, block)[0])

    def market_bridge(self, first_day: int, count: int) -> Floats:
        """Return what the market does in the minutes of some days of one chunk, shape (24 * count, 60)."""
        chunk, offset = divmod(first_day, CHUNK_DAYS)
        bridge: Floats = self._market_bridge(chunk)[offset * HOURS : (offset + count) * HOURS]
        return bridge

    def trades_before(self, asset: Asset, day: int) -> int:
        """Return the number of trades from the anchor to the start of `day`; negative before the anchor."""
        kept: _Day = self._days(asset, day)
        return kept.trades_before

    def day_of_trade(self, asset: Asset, number: int) -> int:
        """Return the day of trade `number`, counted like :meth:`trades_before`."""
        block = _ANCHOR_BLOCK
        while self._start(asset, block)[1] > number:
            block -= 1
        while self._start(asset, block + 1)[1] <= number:
            block += 1
        ends = self._block_hours(asset, block).trades.cumsum() + self._start(asset, block)[1]
        return block * BLOCK_DAYS + int(np.searchsorted(ends, number, side="right"))

    def extremes(self, asset: Asset, first_hour: int, last_hour: int) -> Extremes:
        """Return the extremes of the levels at the whole hours from `first_hour` to `last_hour`, both included."""
        width = BLOCK_DAYS * HOURS
        found = _NO_EXTREMES
        for block in range(first_hour // width, last_hour // width + 1):
            first, last = max(first_hour, block * width), min(last_hour, block * width + width - 1)
            if last - first == width - 1:
                part = self._block(asset, block).extremes
            elif first == block * width:
                part = self._extremes_until(asset, last)
            else:
                level = self._block_hours(asset, block).level[first - block * width : last - block * width + 1]
                part = _extremes(level, first)
            found = found.join(part.shifted(self._start(asset, block)[0]))
        return found

    def _extremes_until(self, asset: Asset, last_hour: int) -> Extremes:
        """Return the extremes from the first hour of a block to `last_hour`, relative to its start."""
        day = last_hour // HOURS
        kept: _Day = self._days(asset, day)
        level = kept.hours.level[: last_hour % HOURS + 1] - self._start(asset, day // BLOCK_DAYS)[0]
        return kept.extremes_before.join(_extremes(level, day * HOURS))

    def _make_day(self, asset: Asset, day: int) -> _Day:
        block, offset = divmod(day, BLOCK_DAYS)
        whole = self._block_hours(asset, block)
        level, trades = self._start(asset, block)
        # Copies, which do not keep the whole block in memory.
        hours = Hours(*(getattr(whole.days(offset, 1), field.name).copy() for field in fields(Hours)))
        before = whole.level[: offset * HOURS]
        return _Day(
            replace(hours, level=hours.level + level),
            trades + int(whole.trades[:offset].sum()),
            _extremes(before, block * BLOCK_DAYS * HOURS) if offset else _NO_EXTREMES,
        )

    def _start(self, asset: Asset, block: int) -> tuple[float, int]:
        """Return log price and number of trades at the start of `block`, both relative to the anchor."""
        key = asset.coin_id, block
        if key not in self._starts:
            sign = 1 if block > _ANCHOR_BLOCK else -1
            between = range(min(block, _ANCHOR_BLOCK), max(block, _ANCHOR_BLOCK))
            blocks = [self._block(asset, number) for number in between]
            self._starts[key] = sign * sum(one.move for one in blocks), sign * sum(one.trades for one in blocks)
        return self._starts[key]

    def _block(self, asset: Asset, block: int) -> _Block:
        key = asset.coin_id, block
        if key not in self._blocks:
            hours = self._block_hours(asset, block)
            extremes = _extremes(hours.level[:-1], block * BLOCK_DAYS * HOURS)
            self._blocks[key] = _Block(float(hours.level[-1]), extremes, int(hours.trades.sum()))
        return self._blocks[key]

    def _make_block_hours(self, asset: Asset, block: int) -> Hours:
        """Return the hours of a block, with levels that start at zero."""
        days = np.arange(block * BLOCK_DAYS, (block + 1) * BLOCK_DAYS)
        state, market = self._market_hours(block)
        state = state * volatility_state(self.seed, asset.coin_id, scales=_OWN_SCALES, days=days)
        own = _own_source(self.seed, asset).moves(days, hourly_variance(days) * state[:, None])
        beta = asset.volatility * math.sqrt(asset.market_share)
        variance = beta * beta * market.variance + own.variance
        drift = on_grid(beta * market.move + own.move - 0.5 * variance)
        market_jump = on_grid(beta * market.jump - 0.5 * beta * beta * market.jump_variance)
        own_jump = on_grid(own.jump - 0.5 * own.jump_variance)
        follows = uniform(own.words, 48) < 2.0 * self._edge
        follows[0] = False
        move = drift + market_jump + own_jump
        direction = directions(move, follows)
        words = Stream.of(self.seed, f"{asset.coin_id}/days").raw(int(days[0]), days.size)
        trades = activity(days) * np.sqrt(state) * (0.75 + 0.5 * uniform(words, 0)) * asset.trades_a_day
        return Hours(
            level=np.concatenate([[0.0], np.cumsum(direction * move)]),
            direction=direction,
            drift=drift,
            market_jump=market_jump,
            market_jump_minute=market.jump_minute,
            own_jump=own_jump,
            own_jump_minute=own.jump_minute,
            own_deviation=np.sqrt(own.variance / 60.0),
            variance=variance,
            trades=FORCED_TRADES + np.floor(trades).astype(np.int64),
        )

    def _make_market_hours(self, block: int) -> tuple[Floats, Moves]:
        """Return the market's state of volatility by the day and its moves by the hour."""
        days = np.arange(block * BLOCK_DAYS, (block + 1) * BLOCK_DAYS)
        state = volatility_state(self.seed, _MARKET, scales=_MARKET_SCALES, days=days)
        return state, self._market.moves(days, hourly_variance(days) * state[:, None])

    def _make_market_bridge(self, chunk: int) -> Floats:
        first_hour = chunk * CHUNK_DAYS * HOURS
        offset = first_hour % (BLOCK_DAYS * HOURS)
        _, market = self._market_hours(chunk * CHUNK_DAYS // BLOCK_DAYS)
        variance = market.variance[offset : offset + CHUNK_DAYS * HOURS]
        words = Stream.of(self.seed, f"{_MARKET}/minutes").raw(first_hour * 60, variance.size * 60)
        return minute_bridge(words.reshape(-1, 60), np.sqrt(variance / 60.0))


def _own_source(seed: int, asset: Asset) -> Source:
    variance = asset.volatility * asset.volatility * (1.0 - asset.market_share)
    return Source(seed, asset.coin_id, variance, jumps_a_year=6.0, jump_deviation=0.08 * asset.volatility)


def _extremes(level: Floats, first_hour: int) -> Extremes:
    high, low = int(level.argmax()), int(level.argmin())
    return Extremes(float(level[high]), first_hour + high, float(level[low]), first_hour + low)
