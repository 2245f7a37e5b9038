"""The order book around the last price: made up for every tenth of a second, and always open to look at.

A book belongs to a slot of 100 milliseconds: all who ask within one slot see one book under one update id, and ids
grow with time. Asking for fewer levels shows the top of the same book.

>>> book = make_book(Stream.of(1, "bitcoin/book"), slot=17_040_672_000, last_price=4_370_000, size=2_000.0, limit=5)
>>> bool(book.bid_price[0] < book.ask_price[0]), book.update_id, book.bid_price.size
(True, 17040672000, 5)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.venues.sandbox.draws import Floats, Integers, Raw, Stream, bits, exponential

SLOT_US = 100_000
MAX_LEVELS = 5_000
"""Levels a side, as on Binance."""

_SIDE_WORDS = 8_192
_MEAN_GAP = 2e-5  # between levels, as a part of the price
_SPREAD = 5e-6


@dataclass(frozen=True, slots=True)
class Book:
    """Bids from the highest down and asks from the lowest up, of shape (n_levels,); prices in ticks, sizes in lots."""

    update_id: int
    bid_price: Integers
    bid_quantity: Integers
    ask_price: Integers
    ask_quantity: Integers


def make_book(stream: Stream, *, slot: int, last_price: int, size: float, limit: int) -> Book:
    """Return the book of a slot.

    Parameters
    ----------
    stream : Stream
        Where the draws come from.
    slot : int
        Slots since 1970-01-01; it is the book's update id.
    last_price : int
        Price of the last trade in ticks; the best bid or the best ask is there.
    size : float
        Usual quantity at the best price in lots.
    limit : int
        Levels a side, 1 to 5,000. There are fewer bids where the price would fall under one tick.
    """
    start = slot * 2 * _SIDE_WORDS
    below, above = stream.raw(start, limit), stream.raw(start + _SIDE_WORDS, limit)
    spread = 1 + int(last_price * _SPREAD * float(exponential(below[:1], 0)[0]))
    is_ask = bool(bits(below[:1], 63, 1)[0]) and last_price > spread
    ask = last_price if is_ask else last_price + spread
    bid_price = ask - spread - _distance(below, last_price)
    ask_price = ask + _distance(above, last_price)
    there = bid_price >= 1
    return Book(slot, bid_price[there], _quantity(below, size)[there], ask_price, _quantity(above, size))


def _distance(words: Raw, last_price: int) -> Integers:
    """Return how many ticks each level lies behind the best one."""
    gap = 1 + np.floor(exponential(words, 12) * (last_price * _MEAN_GAP)).astype(np.int64)
    gap[0] = 0
    return np.cumsum(gap)


def _quantity(words: Raw, size: float) -> Integers:
    """Return the lots at each level: more behind the best, up to three times as much."""
    depth: Floats = 1.0 + 2.0 * np.minimum(np.arange(words.size) / 50.0, 1.0)
    return 1 + np.floor(exponential(words, 24) * depth * size).astype(np.int64)
