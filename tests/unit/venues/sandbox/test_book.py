"""The book: one book a slot, around the last price."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from assay.domain.errors import BadInputError, NoDataError
from assay.domain.symbol import Symbol
from assay.venues.sandbox.book import make_book
from assay.venues.sandbox.draws import Stream
from assay.venues.sandbox.market import Market
from tests.unit.venues.sandbox.reading import BTC, DASH, DOGE, at

MARKET = Market(12)
NOW = at(2025, 3, 3, 14, 7, 31)


@pytest.mark.parametrize("symbol", [BTC, DOGE, DASH], ids=str)
def test_last_price_is_the_best_bid_or_the_best_ask(symbol: Symbol) -> None:
    sides = set()
    for step in range(60):
        moment = NOW + step * timedelta(seconds=7)
        book = MARKET.depth(symbol, moment, limit=20)
        last = MARKET.agg_trades(symbol, start=moment - timedelta(minutes=30), end=moment).price[-1]
        assert book.bid_price[0] < book.ask_price[0]
        assert last in {book.bid_price[0], book.ask_price[0]}
        sides.add(bool(last == book.bid_price[0]))
        assert np.all(np.diff(book.bid_price) < 0)
        assert np.all(np.diff(book.ask_price) > 0)
        assert min(book.bid_quantity.min(), book.ask_quantity.min()) >= 1
    assert sides == {False, True}


def test_fewer_levels_are_the_top_of_the_same_book() -> None:
    deep, shallow = MARKET.depth(BTC, NOW, limit=5_000), MARKET.depth(BTC, NOW, limit=5)
    assert (deep.bid_price.size, shallow.bid_price.size) == (5_000, 5)
    assert np.array_equal(deep.bid_price[:5], shallow.bid_price)
    assert np.array_equal(deep.ask_quantity[:5], shallow.ask_quantity)


def test_update_ids_grow_and_tell_books_apart() -> None:
    books = [MARKET.depth(BTC, NOW + step * timedelta(milliseconds=50), limit=50) for step in range(40)]
    ids = [book.update_id for book in books]
    assert ids == sorted(ids)
    assert len(set(ids)) == 20
    for one, other in zip(books[::2], books[1::2], strict=True):
        assert one.update_id == other.update_id
        assert np.array_equal(one.bid_quantity, other.bid_quantity)
    assert not np.array_equal(books[0].bid_quantity, books[2].bid_quantity)


@pytest.mark.parametrize("last_price", [1, 2, 5])
def test_bids_stop_above_zero(last_price: int) -> None:
    for slot in range(50):
        book = make_book(Stream.of(1, "x"), slot=slot, last_price=last_price, size=10.0, limit=20)
        assert 1 <= book.bid_price.size <= last_price
        assert book.bid_price.min() >= 1
        assert book.bid_price[0] < book.ask_price[0]
        assert book.bid_quantity.size == book.bid_price.size


def test_no_book_for_what_is_not_traded() -> None:
    with pytest.raises(NoDataError, match="XMR-USDT.*left at 2024-02-20T03:00"):
        MARKET.depth(Symbol.parse("XMR-USDT"), NOW)
    with pytest.raises(NoDataError, match="listed at 2025-11-03"):
        MARKET.depth(Symbol.parse("KITE-USDT"), NOW)


@pytest.mark.parametrize("limit", [0, 5_001])
def test_impossible_numbers_of_levels_are_refused(limit: int) -> None:
    with pytest.raises(BadInputError, match="levels"):
        MARKET.depth(BTC, NOW, limit=limit)
