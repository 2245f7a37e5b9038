"""The minutes of a day: the hours of the skeleton filled in, turned into trades and rounded to ticks and lots.

Within an hour the log price is a Brownian bridge between the levels of the skeleton, so minutes are a martingale too.
A minute's high and low are drawn from the exact law of the extremes of a bridge between its open and its close.
The price moves only in minutes with at least two trades, from the last price to that of the path; the last minute of
each quarter of an hour has at least two, so that bars from 15 minutes up follow the path even in thin assets (else
their stale prices would follow the others', and could be predicted).
Reference for the extremes: P. Glasserman, "Monte Carlo Methods in Financial Engineering" (2003), section 6.4.

>>> from assay.venues.sandbox.assets import DEFAULT_ASSETS
>>> minutes = expand(Skeleton(seed=1), DEFAULT_ASSETS[0], first_day=19_712, count=1)
>>> len(minutes.bars), int(minutes.bars.open[0])
(1440, 4370000)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from assay.venues.sandbox.assets import Asset
from assay.venues.sandbox.bars import DAY_US, MINUTE_US, Bars, join
from assay.venues.sandbox.draws import Floats, Integers, Raw, Stream, bits, exp, exponential, normal
from assay.venues.sandbox.moves import HOURS, RAMP, minute_bridge
from assay.venues.sandbox.seasons import BUSY_HOURS
from assay.venues.sandbox.skeleton import FORCED_TRADES, Hours, Skeleton

MINUTES = 1_440
_WORDS = 2
_BUSY_MINUTES = np.repeat(BUSY_HOURS, 60)
_PAID = ("open", "high", "low", "close", "quote_volume", "taker_buy_quote_volume")
_FORCED = np.where(np.arange(MINUTES) % 15 == 14, 2, 0)


@dataclass(frozen=True, slots=True)
class Minutes:
    """Minutes of whole days and what is needed to take them apart into trades; see :mod:`assay.venues.sandbox.trades`.

    `buy_pairs` is the number of pairs of trades in which the taker bought, `ends` has bit 0 set if the taker bought
    in the trades at the open and bit 1 in the one at the close; int64, shape (n_minutes,).
    """

    bars: Bars
    buy_pairs: Integers
    ends: Integers


def expand(skeleton: Skeleton, asset: Asset, *, first_day: int, count: int) -> Minutes:
    """Return the minutes of `count` days from `first_day` on, which must lie in one chunk of the skeleton.

    Days come out the same however many are asked for at a time.
    """
    hours = skeleton.hours(asset, first_day, count)
    per_day = MINUTES * _WORDS
    words = Stream.of(skeleton.seed, f"{asset.coin_id}/minutes").raw(first_day * per_day, count * per_day)
    first, second = np.ascontiguousarray(words[0::2]), np.ascontiguousarray(words[1::2])
    path = _path(hours, first, asset, skeleton.market_bridge(first_day, count))
    at_end = np.maximum(np.rint(exp(path) * asset.price_ticks), 1.0).reshape(count, MINUTES)
    at_midnight = np.maximum(np.rint(exp(hours.level[:-1:HOURS]) * asset.price_ticks), 1.0)
    num_trades = _num_trades(hours.trades, first, second)
    opened, close = _open_and_close(at_midnight, at_end, num_trades)
    num_trades = num_trades.reshape(-1)
    deviation = np.repeat(np.sqrt(hours.variance / 60.0), 60) * opened
    high, low = _extremes(opened, close, deviation, first)
    wide = num_trades >= 4
    high, low = np.where(wide, high, np.maximum(opened, close)), np.where(wide, low, np.minimum(opened, close))
    lots = 10 ** (asset.quantity_decimals + asset.price_decimals) * asset.trade_usd / at_midnight
    size = np.repeat(lots, MINUTES) * (0.3 + 0.7 * exponential(second, 12))
    volume = num_trades * 2 + np.floor(num_trades * size)
    start = first_day * DAY_US
    open_time = start + np.arange(count * MINUTES) * MINUTE_US
    prices = [one.astype(np.int64) for one in (opened, high, low, close)]
    return _with_takers(open_time, prices, volume.astype(np.int64), num_trades=num_trades, words=first)


def join_minutes(parts: Sequence[Minutes]) -> Minutes:
    """Return the minutes of all `parts`, at least one, one after the other."""
    if len(parts) == 1:
        return parts[0]
    pairs, ends = (np.concatenate([getattr(one, name) for one in parts]) for name in ("buy_pairs", "ends"))
    return Minutes(join([one.bars for one in parts]), pairs, ends)


def in_finer_ticks(minutes: Minutes, ticks: int) -> Minutes:
    """Return minutes whose prices are in steps of so many ticks with prices in ticks."""
    if ticks == 1:
        return minutes
    return replace(minutes, bars=replace(minutes.bars, **{name: getattr(minutes.bars, name) * ticks for name in _PAID}))


def in_coarser_ticks(minutes: Minutes, ticks: int) -> Minutes:
    """Undo :func:`in_finer_ticks`, exactly."""
    if ticks == 1:
        return minutes
    return replace(
        minutes, bars=replace(minutes.bars, **{name: getattr(minutes.bars, name) // ticks for name in _PAID})
    )


def _path(hours: Hours, words: Raw, asset: Asset, market_bridge: Floats) -> Floats:
    """Return the log price at the end of every minute, shape (n_hours, 60)."""
    beta = asset.volatility * np.sqrt(asset.market_share)
    path = minute_bridge(words.reshape(-1, 60), hours.own_deviation)
    path += beta * market_bridge
    path += hours.drift[:, None] * RAMP
    for jump, minute in (
        (hours.market_jump, hours.market_jump_minute),
        (hours.own_jump, hours.own_jump_minute),
    ):
        for hour in np.flatnonzero(jump):
            path[hour, minute[hour] :] += jump[hour]
    path *= hours.direction[:, None]
    path += hours.level[:-1, None]
    return path


def _num_trades(trades: Integers, first: Raw, second: Raw) -> Integers:
    """Deal the trades of every day out to its minutes: more in busy hours and when the price moves; (n_days, 1440)."""
    weight = 0.2 + 0.6 * exponential(second, 0) + 0.25 * np.abs(normal(first))
    share = np.cumsum(weight.reshape(-1, MINUTES) * _BUSY_MINUTES, axis=1)
    share /= share[:, -1:].copy()
    dealt = np.floor(share * (trades - FORCED_TRADES)[:, None]).astype(np.int64)
    return np.diff(dealt, axis=1, prepend=0) + _FORCED


def _open_and_close(at_midnight: Floats, at_end: Floats, num_trades: Integers) -> tuple[Floats, Floats]:
    """Return the first and the last price of every minute, both of shape (n_minutes,)."""
    prices = np.concatenate([at_midnight[:, None], at_end], axis=1)
    moved = np.where(num_trades >= 2, np.arange(1, MINUTES + 1), 0)
    latest = np.maximum.accumulate(moved, axis=1)
    close = np.take_along_axis(prices, latest, axis=1)
    opened = np.concatenate([at_midnight[:, None], close[:, :-1]], axis=1)
    return opened.reshape(-1), close.reshape(-1)


def _extremes(opened: Floats, close: Floats, deviation: Floats, words: Raw) -> tuple[Floats, Floats]:
    """Return the high and the low of a bridge from open to close, in ticks."""
    middle = 0.5 * (opened + close)
    step = close - opened
    step *= step
    deviation = 2.0 * deviation * deviation
    above = 0.5 * np.sqrt(step + deviation * exponential(words, 32))
    below = 0.5 * np.sqrt(step + deviation * exponential(words, 44))
    # Rounding may not push an extreme inside the body.
    high = np.maximum(np.rint(middle + above), np.maximum(opened, close))
    low = np.minimum(np.rint(middle - below), np.minimum(opened, close))
    return high, np.maximum(low, 1.0)


def _with_takers(
    open_time: Integers, prices: list[Integers], volume: Integers, *, num_trades: Integers, words: Raw
) -> Minutes:
    """Deal the volume out to the open, the close and the pairs, and say in which of them the taker bought.

    A minute of n >= 4 trades has one or two at the open, one at the close, and k pairs that lie symmetrically about
    the middle of its range, each pair with one quantity. Sums of price times quantity are then known before a single
    trade is made. A rising minute has more pairs in which the taker bought, which tells nothing about the next one.
    """
    opened, high, low, close = prices
    pairs: Integers = np.where(num_trades >= 4, (num_trades - 2) >> 1, 0)
    lots = volume // np.maximum(num_trades, 1)
    rest = volume - 2 * pairs * lots
    at_close: Integers = np.where(num_trades == 1, rest, rest >> 1)
    at_open = rest - at_close
    lean = (close - opened) / np.maximum(high - low, 1)
    share = 0.5 + 0.2 * lean + (bits(words, 58, 6) - 31.5) / 160.0
    buy_pairs = np.floor(pairs * share + 0.5).astype(np.int64)
    ends = bits(words, 56, 2)
    open_bought, close_bought = at_open * (ends & 1), at_close * (ends >> 1)
    bars = Bars(
        open_time=open_time,
        close_time=open_time + MINUTE_US,
        open=opened,
        high=high,
        low=low,
        close=close,
        volume=volume,
        quote_volume=at_open * opened + at_close * close + pairs * lots * (high + low),
        num_trades=num_trades,
        taker_buy_volume=open_bought + close_bought + 2 * buy_pairs * lots,
        taker_buy_quote_volume=open_bought * opened + close_bought * close + buy_pairs * lots * (high + low),
    )
    return Minutes(bars, buy_pairs, ends)
