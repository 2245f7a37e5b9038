"""Trades against the minutes they were taken from, and their numbering."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.venues.sandbox.bars import gather, opens, to_us
from assay.venues.sandbox.market import Market
from tests.unit.venues.sandbox.reading import BTC, DASH, DOGE, MINUTE, at, same

MARKET = Market(12)
START, END = at(2025, 3, 3), at(2025, 3, 3, 12)


@pytest.mark.parametrize("symbol", [BTC, DOGE, DASH], ids=str)
def test_trades_add_up_to_their_minute(symbol: Symbol) -> None:
    minutes = MARKET.klines(symbol, MINUTE, start=START, end=END)
    counts = set()
    for row in range(len(minutes)):
        start = START + row * timedelta(minutes=1)
        trades = MARKET.agg_trades(symbol, start=start, end=start + timedelta(minutes=1))
        counts.add(min(len(trades), 7))
        assert len(trades) == minutes.num_trades[row]
        if not len(trades):
            continue
        value, bought = trades.price * trades.quantity, ~trades.is_buyer_maker
        assert (trades.price[0], trades.price[-1]) == (minutes.open[row], minutes.close[row])
        assert (trades.price.max(), trades.price.min()) == (minutes.high[row], minutes.low[row])
        assert (trades.quantity.sum(), value.sum()) == (minutes.volume[row], minutes.quote_volume[row])
        assert trades.quantity[bought].sum() == minutes.taker_buy_volume[row]
        assert value[bought].sum() == minutes.taker_buy_quote_volume[row]
        assert trades.quantity.min() >= 1
        assert np.all(np.diff(trades.time) >= 0)
        assert minutes.open_time[row] <= trades.time[0] <= trades.time[-1] < minutes.close_time[row]
    if symbol == DASH:
        assert counts == set(range(8))  # every way in which a minute is taken apart


def test_ids_count_from_the_listing_without_a_hole() -> None:
    listed = MARKET.listing(DASH).listed_at
    first = MARKET.agg_trades(DASH, start=listed - timedelta(days=1), end=listed + timedelta(days=1))
    assert first.trade_id.tolist() == list(range(len(first)))
    night = MARKET.agg_trades(DASH, start=at(2025, 3, 2, 23), end=at(2025, 3, 3, 1))
    assert np.array_equal(np.diff(night.trade_id), np.ones(len(night) - 1))


def test_ids_go_on_through_a_change_of_name() -> None:
    moment = at(2024, 9, 13, 10)
    old, new = Symbol.parse("MATIC-USDT"), Symbol.parse("POL-USDT")
    before = MARKET.agg_trades(old, start=moment - timedelta(minutes=5), end=moment + timedelta(minutes=5))
    after = MARKET.agg_trades(new, start=moment - timedelta(minutes=5), end=moment + timedelta(minutes=5))
    assert before.time[-1] < to_us(moment) <= after.time[0]
    assert after.trade_id[0] == before.trade_id[-1] + 1
    assert len(MARKET.agg_trades_from(old, int(after.trade_id[0]), seen_at=at(2025, 1, 1))) == 0
    from_new = MARKET.agg_trades_from(new, 0, seen_at=at(2025, 1, 1), limit=3)
    assert from_new.trade_id[0] == after.trade_id[0]


@given(offset=st.integers(0, 2_000), limit=st.integers(1, 1_000))
def test_paging_by_id_gives_what_paging_by_time_gives(offset: int, limit: int) -> None:
    whole = MARKET.agg_trades(BTC, start=START, end=START + timedelta(minutes=30))
    wanted = whole[offset : offset + limit]
    page = MARKET.agg_trades_from(BTC, int(whole.trade_id[offset]), seen_at=END, limit=limit)
    assert np.array_equal(page.trade_id, wanted.trade_id)
    assert np.array_equal(page.time, wanted.time)
    assert np.array_equal(page.price, wanted.price)


def test_trades_of_the_future_are_not_seen() -> None:
    seen_at = START + timedelta(seconds=90)
    known = MARKET.agg_trades(BTC, start=START, end=seen_at)
    page = MARKET.agg_trades_from(BTC, int(known.trade_id[0]), seen_at=seen_at, limit=1_000)
    assert np.array_equal(page.trade_id, known.trade_id)
    assert len(MARKET.agg_trades_from(BTC, int(known.trade_id[-1]) + 1, seen_at=seen_at)) == 0
    assert len(MARKET.agg_trades_from(BTC, 10**15, seen_at=seen_at)) == 0
    assert len(MARKET.agg_trades_from(BTC, 0, seen_at=at(2017, 1, 1))) == 0


def test_first_trades_are_kept_when_there_are_too_many() -> None:
    whole = MARKET.agg_trades(BTC, start=START, end=END)
    assert len(whole) > 1_000
    cut = MARKET.agg_trades(BTC, start=START, end=END, limit=1_000)
    assert np.array_equal(cut.trade_id, whole.trade_id[:1_000])


@pytest.mark.parametrize("symbol", [BTC, DASH], ids=str)
def test_seconds_add_up_to_minutes(symbol: Symbol) -> None:
    start, end = START, START + timedelta(minutes=40)
    seconds = MARKET.klines(symbol, Interval.parse("1s"), start=start, end=end)
    assert len(seconds) == 2_400
    made = gather(seconds, opens(MINUTE, to_us(start), to_us(end)))
    assert same(made, MARKET.klines(symbol, MINUTE, start=start, end=end))


def test_seconds_are_the_same_from_any_start() -> None:
    second = Interval.parse("1s")
    whole = MARKET.klines(DASH, second, start=START, end=START + timedelta(minutes=5))
    part = MARKET.klines(DASH, second, start=START + timedelta(seconds=95), end=START + timedelta(seconds=241))
    assert same(part, whole[95:241])
