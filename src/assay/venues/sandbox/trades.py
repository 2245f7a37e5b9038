"""One minute taken apart into its trades, which add up to the minute exactly.

The first trade is at the open, the last at the close. Between them come pairs of one quantity at prices that lie
symmetrically about the middle of the minute's range, the first pair at its high and low. The trades are put in the
order in which a random walk from open to close would pass through their prices, so that seconds look like a market too.

>>> from assay.venues.sandbox.assets import DEFAULT_ASSETS
>>> from assay.venues.sandbox.minutes import expand
>>> from assay.venues.sandbox.skeleton import Skeleton
>>> minutes = expand(Skeleton(seed=1), DEFAULT_ASSETS[0], first_day=20_000, count=1)
>>> trades = take_apart(Stream.of(1, "bitcoin/trades"), minutes, 600)
>>> int(trades.quantity.sum()) == int(minutes.bars.volume[600])
True
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from assay.venues.sandbox.bars import MINUTE_US, Bars
from assay.venues.sandbox.draws import Floats, Integers, Raw, Stream, bits, exponential, normal, uniform
from assay.venues.sandbox.minutes import Minutes

_WORDS_A_MINUTE = 1 << 18
_MILLISECOND_US = 1_000


@dataclass(frozen=True, slots=True)
class Trades:
    """Trades in order of time; arrays of shape (n_trades,).

    `trade_id` counts without a hole from 0 at the listing of the asset; `time` is in microseconds since 1970-01-01, a
    multiple of 1,000; prices are in ticks, quantities in lots.
    """

    trade_id: Integers
    time: Integers
    price: Integers
    quantity: Integers
    is_buyer_maker: NDArray[np.bool_]

    def __len__(self) -> int:
        return self.time.size

    def __getitem__(self, rows: slice) -> Trades:
        return Trades(*(getattr(self, name)[rows] for name in _COLUMNS))

    def between(self, start_us: int, end_us: int) -> Trades:
        """Return the trades made in ``[start_us, end_us)``."""
        first, last = np.searchsorted(self.time, [start_us, end_us]).tolist()
        return self[first:last]

    def rows(self) -> Iterator[tuple[int, int, int, int, bool]]:
        """Yield id, time, price, quantity and whether the maker bought, of one trade after the other."""
        return zip(*(getattr(self, name).tolist() for name in _COLUMNS), strict=True)


_COLUMNS = tuple(field.name for field in fields(Trades))
_NONE = np.empty(0, dtype=np.int64)
NO_TRADES = Trades(_NONE, _NONE, _NONE, _NONE, _NONE.astype(np.bool_))


def join_trades(parts: Sequence[Trades]) -> Trades:
    """Return the trades of all `parts`, one after the other.

    >>> len(join_trades([NO_TRADES, NO_TRADES]))
    0
    """
    if not parts:
        return NO_TRADES
    return Trades(*(np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS))


def take_apart(stream: Stream, minutes: Minutes, row: int, *, first_id: int = 0) -> Trades:
    """Return the trades of one of the `minutes`.

    Parameters
    ----------
    stream : Stream
        Where the draws come from.
    minutes : Minutes
        As :func:`assay.venues.sandbox.minutes.expand` made them.
    row : int
        Which of them.
    first_id : int, default 0
        Id of the first trade.
    """
    bars = minutes.bars
    open_time, count = int(bars.open_time[row]), int(bars.num_trades[row])
    if count == 0:
        return NO_TRADES
    words = stream.raw(open_time // MINUTE_US * _WORDS_A_MINUTE, 2 * count).reshape(count, 2)
    within = np.sort((bits(words[:, 0], 48, 16) * (MINUTE_US // _MILLISECOND_US)) >> 16)
    price, quantity, bought = _trades(bars, row, (int(minutes.buy_pairs[row]), int(minutes.ends[row])), words)
    return Trades(
        trade_id=first_id + np.arange(count, dtype=np.int64),
        time=open_time + within * _MILLISECOND_US,
        price=price,
        quantity=quantity,
        is_buyer_maker=~bought,
    )


def _trades(bars: Bars, row: int, takers: tuple[int, int], words: Raw) -> tuple[Integers, Integers, NDArray[np.bool_]]:
    """Return price, quantity and whether the taker bought, of every trade; undoes what made the minute's sums."""
    opened, high, low, close = (int(one[row]) for one in (bars.open, bars.high, bars.low, bars.close))
    volume, count = int(bars.volume[row]), int(bars.num_trades[row])
    buy_pairs, ends = takers
    open_bought, close_bought = bool(ends & 1), bool(ends & 2)
    if count == 1:
        return np.array([close]), np.array([volume]), np.array([close_bought])
    pairs = (count - 2) // 2 if count >= 4 else 0
    lots = volume // count
    rest = volume - 2 * pairs * lots
    at_close = rest // 2
    at_open = rest - at_close
    second_open = at_open // 2 if count - 2 - 2 * pairs else 0
    draws = words[:pairs]
    inside = np.floor(uniform(draws[:, 1], 0) * (high - low + 1)).astype(np.int64)
    inside[:1] = 0
    size = np.concatenate(
        [_deal(buy_pairs * lots, draws[:buy_pairs, 1]), _deal((pairs - buy_pairs) * lots, draws[buy_pairs:, 1])]
    )
    pair_bought = np.arange(pairs) < buy_pairs
    between = np.array([opened] if second_open else [], dtype=np.int64)
    price = np.concatenate([high - inside, low + inside, between])
    quantity = np.concatenate([size, size, np.full(between.size, second_open)])
    bought = np.concatenate([pair_bought, pair_bought, np.full(between.size, open_bought)])
    order = _order(price, words[1 : count - 1], opened, close)
    return (
        np.concatenate([[opened], price[order], [close]]),
        np.concatenate([[at_open - second_open], quantity[order], [at_close]]),
        np.concatenate([[open_bought], bought[order], [close_bought]]),
    )


def _deal(total: int, words: Raw) -> Integers:
    """Deal `total` lots out to as many parts as there are words, at least one lot each."""
    if not words.size:
        return _NONE
    share: Floats = np.cumsum(exponential(words, 16) + 0.02)
    share /= share[-1]
    dealt: Integers = np.floor(share * (total - words.size)).astype(np.int64)
    dealt[1:] -= dealt[:-1].copy()
    return dealt + 1


def _order(price: Integers, words: Raw, opened: int, close: int) -> Integers:
    """Return the order in which a bridge from open to close passes through the prices.

    The k-th lowest point of the bridge takes the k-th lowest price.
    """
    if not price.size:
        return _NONE
    part = np.arange(1, price.size + 1) / (price.size + 1)
    walk = np.cumsum(normal(words[:, 0]))
    # 1.6 is about the mean range of a walk of deviation one.
    deviation = (price.max() - price.min()) / 1.6 / np.sqrt(price.size)
    bridge = opened + (close - opened) * part + (walk - part * walk[-1]) * deviation
    order = np.empty(price.size, dtype=np.int64)
    order[np.argsort(bridge, kind="stable")] = np.argsort(price, kind="stable")
    return order


def seconds(trades: Trades, *, start_us: int, end_us: int, last_price: int) -> Bars:
    """Return the bars of one second each in ``[start_us, end_us)``; a second without a trade is flat.

    Parameters
    ----------
    trades : Trades
        All that were made in this time.
    start_us, end_us : int
        Whole seconds, in microseconds since 1970-01-01.
    last_price : int
        Price in ticks before the first trade.
    """
    second_us = MINUTE_US // 60
    edges = np.arange(start_us, end_us + 1, second_us, dtype=np.int64)
    place = np.searchsorted(trades.time, edges)
    first, last = place[:-1], place[1:]
    before = np.concatenate([[last_price], trades.price])
    close = before[last]
    opened = before[first]
    some = np.flatnonzero(last > first)
    opened[some] = trades.price[first[some]]
    high, low = np.maximum(opened, close), np.minimum(opened, close)
    high[some] = np.maximum.reduceat(trades.price, first[some]) if some.size else high[some]
    low[some] = np.minimum.reduceat(trades.price, first[some]) if some.size else low[some]
    bought = np.where(trades.is_buyer_maker, 0, trades.quantity)
    return Bars(
        edges[:-1], edges[1:], opened, high, low, close,
        volume=_between(trades.quantity, place),
        quote_volume=_between(trades.quantity * trades.price, place),
        num_trades=last - first,
        taker_buy_volume=_between(bought, place),
        taker_buy_quote_volume=_between(bought * trades.price, place),
    )  # fmt: skip


def _between(values: Integers, place: Integers) -> Integers:
    """Return the sum of the values between each place and the next."""
    return np.diff(np.concatenate([[0], np.cumsum(values)])[place])
