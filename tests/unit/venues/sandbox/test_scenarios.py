"""A tick that changes and a ticker that is used twice: exact where they happen, and nothing else is touched."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from assay.domain.errors import BadInputError, NoDataError
from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.venues.sandbox.answers import Question
from assay.venues.sandbox.assets import DEFAULT_ASSETS
from assay.venues.sandbox.bars import COLUMNS, Bars, gather, opens, to_us
from assay.venues.sandbox.futures import Futures
from assay.venues.sandbox.history import Window, read_page
from assay.venues.sandbox.market import Market
from assay.venues.sandbox.overview import coin_rows
from assay.venues.sandbox.scenarios import ReusedTicker, parse_scenario
from tests.unit.venues.sandbox.reading import BTC, DAY, ETH, HOUR, MINUTE, at, same

CHANGED = at(2024, 6, 1)
COARSER, FINER = parse_scenario("tick:BTC=0.1@2024-06-01"), parse_scenario("tick:BTC=0.001@2024-06-01")
PLAIN = Market(12)
LUNA = Symbol("LUNA", "USDT")
ENDED, BEGAN = at(2022, 5, 13, 1), at(2022, 5, 31, 6)
TWICE = Market(12, scenarios=[ReusedTicker()])


def prices(bars: Bars) -> np.ndarray:
    return np.concatenate([bars.open, bars.high, bars.low, bars.close])


@pytest.mark.parametrize(("scenario", "before", "after"), [(COARSER, 1, 10), (FINER, 10, 1)])
def test_prices_go_in_the_steps_of_their_day(scenario: ReusedTicker, before: int, after: int) -> None:
    market = Market(12, scenarios=[scenario])
    hours = market.klines(BTC, HOUR, start=CHANGED - timedelta(days=1), end=CHANGED + timedelta(days=1))
    assert len(hours) == 48
    for part, step in ((hours[:24], before), (hours[24:], after)):
        assert np.gcd.reduce(prices(part)) == step
    # In whole units of the price the other day is the market's own.
    plain = PLAIN.klines(BTC, HOUR, start=CHANGED - timedelta(days=1), end=CHANGED + timedelta(days=1))
    same_day = slice(0, 24)
    assert (hours[same_day].close // before).tolist() == plain[same_day].close.tolist()
    assert same(
        market.klines(ETH, HOUR, start=CHANGED, end=at(2024, 6, 2)),
        PLAIN.klines(ETH, HOUR, start=CHANGED, end=at(2024, 6, 2)),
    )


@pytest.mark.parametrize("scenario", [COARSER, FINER])
def test_bars_trades_ticker_and_book_agree_across_the_change(scenario: ReusedTicker) -> None:
    market = Market(12, scenarios=[scenario])
    start, end = CHANGED - timedelta(minutes=3), CHANGED + timedelta(minutes=3)
    minutes, trades = market.klines(BTC, MINUTE, start=start, end=end), market.agg_trades(BTC, start=start, end=end)
    for row in range(6):
        part = trades.between(int(minutes.open_time[row]), int(minutes.close_time[row]))
        assert (minutes.high[row], minutes.low[row]) == (part.price.max(), part.price.min())
        assert minutes.quote_volume[row] == (part.price * part.quantity).sum()
    week = market.klines(BTC, Interval.parse("1w"), start=at(2024, 5, 27), end=at(2024, 6, 3))
    days = market.klines(BTC, DAY, start=at(2024, 5, 27), end=at(2024, 6, 3))
    assert same(week, gather(days, opens(Interval.parse("1w"), to_us(at(2024, 5, 27)), to_us(at(2024, 6, 3)))))
    for moment in (CHANGED - timedelta(hours=1), CHANGED + timedelta(hours=1)):
        step = market.listing(BTC).asset.ticks_at(moment)
        book = market.depth(BTC, moment)
        assert not (np.concatenate([book.bid_price, book.ask_price]) % step).any()
        assert book.bid_price[0] < book.ask_price[0]
        assert market.ticker_24h(BTC, moment).bid == book.bid_price[0]


def test_reused_ticker_is_one_symbol_with_a_time_without_trading() -> None:
    [listing] = [one for one in TWICE.listings if one.symbol == LUNA]
    assert [life.asset.coin_id for life in listing.lives] == ["terra-luna", "terra-luna-2"]
    trading = [ENDED - timedelta(minutes=1), ENDED, BEGAN - timedelta(minutes=1), BEGAN]
    assert [listing.is_trading(moment) for moment in trading] == [True, False, False, True]
    assert {one.symbol for one in PLAIN.listings} == {one.symbol for one in TWICE.listings} - {LUNA}
    with pytest.raises(NoDataError):
        TWICE.ticker_24h(LUNA, ENDED)
    ticker = TWICE.ticker_24h(LUNA, BEGAN + timedelta(hours=1))
    assert ticker.open_time == BEGAN
    month = TWICE.klines(LUNA, Interval.parse("1M"), start=at(2022, 5, 1), end=at(2022, 6, 1))
    days = TWICE.klines(LUNA, DAY, start=at(2022, 5, 1), end=at(2022, 6, 1))
    assert days.open_time.tolist() == [to_us(at(2022, 5, day)) for day in (*range(1, 14), 31)]
    assert month.volume.tolist() == [days.volume.sum()]
    assert month.low[0] == days.low.min() < days.low[:13].min() / 5


def test_trades_of_a_reused_ticker_are_numbered_through() -> None:
    last = TWICE.agg_trades(LUNA, start=ENDED - timedelta(minutes=5), end=ENDED)
    first = TWICE.agg_trades(LUNA, start=BEGAN, end=BEGAN + timedelta(minutes=5))
    assert first.trade_id[0] == last.trade_id[-1] + 1
    across = TWICE.agg_trades_from(LUNA, int(last.trade_id[-2]), seen_at=BEGAN + timedelta(minutes=5), limit=5)
    assert across.trade_id.tolist() == list(range(int(last.trade_id[-2]), int(last.trade_id[-2]) + 5))
    assert across.price[:2].tolist() == last.price[-2:].tolist()
    assert across.price[2:].tolist() == first.price[:3].tolist()
    ticker = TWICE.ticker_24h(LUNA, BEGAN + timedelta(minutes=5))
    assert (ticker.first_id, ticker.last_id) == (first.trade_id[0], first.trade_id[-1])


def test_page_goes_on_behind_the_time_without_trading() -> None:
    question = Question("klines", {}, at(2022, 6, 2))
    window = Window(to_us(ENDED - timedelta(minutes=2)), None, limit=4)
    page = read_page(TWICE, LUNA, MINUTE, window=window, question=question)
    expected = [ENDED - timedelta(minutes=2), ENDED - timedelta(minutes=1), BEGAN, BEGAN + timedelta(minutes=1)]
    assert page.open_time.tolist() == [*map(to_us, expected)]
    within = read_page(TWICE, LUNA, MINUTE, window=Window(to_us(at(2022, 5, 20)), None, limit=1), question=question)
    assert within.open_time.tolist() == [to_us(BEGAN)]


def test_futures_and_coins_of_a_reused_ticker() -> None:
    paid = Futures(TWICE).funding(LUNA, start=at(2022, 5, 12), end=at(2022, 6, 1))
    assert [one.paid_at for one in paid if ENDED < one.paid_at <= BEGAN] == []
    assert {one.paid_at.day for one in paid} == {12, 13, 31}
    ids = {coin.coin_id: coin.symbol for coin in coin_rows(TWICE, at(2022, 6, 2))}
    assert (ids["terra-luna"], ids["terra-luna-2"]) == ("luna", "luna")


def test_market_says_what_happens_in_it() -> None:
    assert Market(3).name == "seed 3"
    assert Market(3, scenarios=[COARSER]).name == "seed 3 with a tick of 0.1 for BTC from 2024-06-01 on"
    assert Market(3, edge=0.1, scenarios=[ReusedTicker()]).name == "seed 3 with an edge of 0.1 and LUNA reused"
    hours = [one.klines(BTC, HOUR, start=at(2022, 5, 1), end=at(2022, 5, 9)) for one in (TWICE, PLAIN)]
    assert all((getattr(hours[0], name) == getattr(hours[1], name)).all() for name in COLUMNS)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "not a scenario"),
        ("tick", "not a scenario"),
        ("reused:BTC", "not a scenario"),
        ("tick:BTC=much@2024-06-01", "not a tick"),
        ("tick:BTC=0.2@2024-06-01", "no power of ten"),
        ("tick:BTC=-0.1@2024-06-01", "no power of ten"),
        ("tick:BTC=nan@2024-06-01", "no power of ten"),
        ("tick:BTC=0.1@2024-06-01T12:00", "at a midnight"),
        ("tick:BTC=0.1@soon", "not a date"),
    ],
)
def test_what_is_no_scenario_is_said(text: str, what: str) -> None:
    with pytest.raises(BadInputError, match=what):
        parse_scenario(text)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("tick:XYZ=0.1@2024-06-01", "no such asset"),
        ("tick:ETH=100@2024-06-01", "cannot have"),
        ("tick:BTC=0.0001@2024-06-01", "cannot have"),
    ],
)
def test_tick_that_does_not_fit_is_refused(text: str, what: str) -> None:
    with pytest.raises(BadInputError, match=what):
        parse_scenario(text).change(DEFAULT_ASSETS)


def test_two_assets_of_one_ticker_at_once_are_refused() -> None:
    with pytest.raises(BadInputError, match="at once"):
        Market(1, assets=[DEFAULT_ASSETS[0], DEFAULT_ASSETS[0]])
