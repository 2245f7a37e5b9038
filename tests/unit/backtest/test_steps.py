"""The four steps, each alone, as plain functions of numbers."""

from __future__ import annotations

import math

import pytest

from assay.backtest import layout as at
from assay.backtest.booking import Held, book
from assay.backtest.layout import Bar
from assay.backtest.matching import Guard, Waiting, is_triggered, match, protect, protect_at_open, seen_peak
from assay.backtest.pricing import Rates, Touch, fill_price
from assay.backtest.sizing import Purse, Steps, capacity_left, fit, room, wanted

BAR = Bar(open=100.0, high=104.0, low=97.0, close=101.0, volume=10.0)
NO = at.NOWHERE


@pytest.mark.parametrize(
    ("kind", "side", "limit", "stop", "path", "found"),
    [
        (at.MARKET, 1.0, 0.0, 0.0, at.PESSIMISTIC, (100.0, at.AT_OPEN)),
        (at.LIMIT, 1.0, 98.0, 0.0, at.PESSIMISTIC, (98.0, at.FALLING)),
        (at.LIMIT, -1.0, 103.0, 0.0, at.PESSIMISTIC, (103.0, at.FALLING)),
        (at.LIMIT, 1.0, 102.0, 0.0, at.PESSIMISTIC, (100.0, at.AT_OPEN)),
        # At the low itself others may stand before.
        (at.LIMIT, 1.0, 97.0, 0.0, at.PESSIMISTIC, (math.nan, NO)),
        (at.LIMIT, 1.0, 97.0, 0.0, at.OPTIMISTIC, (97.0, at.FALLING)),
        (at.LIMIT, -1.0, 104.0, 0.0, at.PESSIMISTIC, (math.nan, NO)),
        (at.STOP, 1.0, 0.0, 104.0, at.PESSIMISTIC, (104.0, at.RISING)),
        (at.STOP, -1.0, 0.0, 97.0, at.PESSIMISTIC, (97.0, at.RISING)),
        (at.STOP, -1.0, 0.0, 100.5, at.PESSIMISTIC, (100.0, at.AT_OPEN)),
        (at.STOP, 1.0, 0.0, 104.5, at.OPTIMISTIC, (math.nan, NO)),
        # Triggered at 103, the close is above the limit at 100.5: only the low says that it may have been reached.
        (at.STOP_LIMIT, 1.0, 100.5, 103.0, at.PESSIMISTIC, (math.nan, NO)),
        (at.STOP_LIMIT, 1.0, 100.5, 103.0, at.OPTIMISTIC, (100.5, at.FALLING)),
        (at.STOP_LIMIT, 1.0, 101.5, 103.0, at.PESSIMISTIC, (101.5, at.FALLING)),
        (at.STOP_LIMIT, 1.0, 103.5, 103.0, at.PESSIMISTIC, (103.0, at.RISING)),
    ],
)  # fmt: skip
def test_order_is_matched(
    kind: float, side: float, limit: float, stop: float, path: float, found: tuple[float, float]
) -> None:
    price, how = match(Waiting(kind, side, limit, stop), BAR, path)
    assert how == found[1]
    assert price == found[0] or (math.isnan(price) and math.isnan(found[0]))


def test_short_position_is_guarded_as_a_long_one_in_the_mirror() -> None:
    # Short from 100: stop at 103, target at 98; in the frame of the position -103 and -98.
    guard = Guard(side=-1.0, stop=-103.0, target=-98.0, peak=-100.0, keep=math.nan)
    assert protect(guard, BAR, at.HELD, 100.0, at.PESSIMISTIC) == (103.0, at.BY_STOP_LOSS, at.RISING, 1.0)
    assert protect(guard, BAR, at.HELD, 100.0, at.OPTIMISTIC) == (98.0, at.BY_TAKE_PROFIT, at.FALLING, 1.0)
    opened = BAR._replace(open=103.5)
    assert protect_at_open(guard, opened) == (103.5, at.BY_STOP_LOSS, at.AT_OPEN, 0.0)
    assert protect_at_open(guard, BAR._replace(open=97.5))[:2] == (97.5, at.BY_TAKE_PROFIT)


def test_stop_above_the_market_at_which_a_position_begins_is_hit_there() -> None:
    guard = Guard(side=1.0, stop=100.4, target=math.inf, peak=100.0, keep=math.nan)
    assert protect(guard, BAR, at.AT_OPEN, 100.0, at.OPTIMISTIC)[:2] == (100.0, at.BY_STOP_LOSS)


def test_taker_pays_more_by_the_root_of_its_part_and_maker_nothing() -> None:
    rates = Rates(slip=0.0, impact=0.02, tick=0.0)
    assert fill_price(Touch(100.0, 1.0, 0.0, math.nan), 2.5, 10.0, rates) == pytest.approx(101.0)
    assert fill_price(Touch(100.0, -1.0, 0.0, math.nan), 2.5, 10.0, rates) == pytest.approx(99.0)
    assert fill_price(Touch(100.0, 1.0, 0.0, 100.2), 2.5, 10.0, rates) == 100.2
    assert fill_price(Touch(100.0, 1.0, 1.0, 100.0), 2.5, 10.0, rates) == 100.0


def test_room_is_what_leverage_leaves_when_the_fee_is_paid() -> None:
    purse = Purse(quantity=0.0, equity=1_000.0, others=400.0, leverage=2.0, refusal=0.0)
    units = room(1.0, 100.0, purse, 0.01)
    after = 1_000.0 - units * 100.0 * 0.01
    assert units * 100.0 + 400.0 == pytest.approx(2.0 * after)


@pytest.mark.parametrize(
    ("quantity", "side", "units", "capacity", "found"),
    [
        (3.0, -1.0, 3.0, math.inf, (3.0, 0.0, at.FILLED)),
        (3.0, -1.0, 5.0, math.inf, (3.0, 2.0, at.FILLED)),
        (3.0, -1.0, 5.0, 4.0, (3.0, 1.0, at.PARTLY)),
        (3.0, -1.0, 5.0, 2.0, (2.0, 0.0, at.PARTLY)),
        (0.0, 1.0, 0.3, math.inf, (0.0, 0.0, at.TOO_SMALL)),
        (0.3, -1.0, 0.3, math.inf, (0.3, 0.0, at.FILLED)),
    ],
)
def test_what_is_wanted_is_fitted(
    quantity: float, side: float, units: float, capacity: float, found: tuple[float, float, float]
) -> None:
    purse = Purse(quantity, equity=10_000.0, others=0.0, leverage=1.0, refusal=0.0)
    assert fit(side, units, 100.0, capacity, purse, Steps(fee=0.0, lot=0.5, min_notional=50.0)) == found


def test_booking_keeps_the_mean_price_until_nothing_is_left() -> None:
    cash, held = book(1_000.0, Held(4.0, 105.0), -1.0, 110.0, 0.5)
    assert (cash, held) == (1_109.5, Held(3.0, 105.0))
    assert book(cash, held, -3.0, 100.0, 0.0) == (1_409.5, Held(0.0, 0.0))
    assert book(0.0, Held(-2.0, 100.0), -2.0, 90.0, 0.0) == (180.0, Held(-4.0, 95.0))


@pytest.mark.parametrize(
    ("sizing", "amount", "quantity", "equity", "units"),
    [
        (at.UNITS, 3.0, 0.0, 1_000.0, 3.0),
        (at.NOTIONAL, 500.0, 0.0, 1_000.0, 5.0),
        (at.FRACTION, 0.5, 0.0, 1_000.0, 5.0),
        # Who is worth nothing has a fraction of nothing.
        (at.FRACTION, 0.5, 0.0, -10.0, 0.0),
        (at.ALL, 0.0, -7.0, 1_000.0, 7.0),
        (at.TARGET, 0.4, 7.0, 1_000.0, -3.0),
        (at.TARGET, -0.2, 0.0, 1_000.0, -2.0),
    ],
)
def test_size_of_an_order_in_units(sizing: float, amount: float, quantity: float, equity: float, units: float) -> None:
    assert wanted(sizing, amount, 100.0, quantity, equity) == units


def test_volume_leaves_what_has_not_been_used_of_its_part() -> None:
    assert capacity_left(0.1, 50.0, 2.0) == 3.0
    assert capacity_left(0.1, 50.0, 6.0) == 0.0
    assert capacity_left(math.inf, 0.0, 6.0) == math.inf


def test_stop_limit_is_triggered_by_the_side_that_it_waits_for() -> None:
    assert is_triggered(Waiting(at.STOP_LIMIT, 1.0, limit=103.0, stop=104.0), BAR)
    assert not is_triggered(Waiting(at.STOP_LIMIT, 1.0, limit=103.0, stop=104.5), BAR)
    assert is_triggered(Waiting(at.STOP_LIMIT, -1.0, limit=98.0, stop=97.0), BAR)
    assert not is_triggered(Waiting(at.STOP_LIMIT, -1.0, limit=98.0, stop=96.5), BAR)


def test_best_price_that_was_surely_seen() -> None:
    held = Guard(side=1.0, stop=-math.inf, target=math.inf, peak=102.0, keep=0.95)
    assert seen_peak(held, BAR, at.HELD) == 104.0
    # Entered on the way down: the high may lie before.
    assert seen_peak(held._replace(peak=98.0), BAR, at.FALLING) == 101.0
    short = Guard(side=-1.0, stop=-math.inf, target=math.inf, peak=-99.0, keep=1.05)
    assert seen_peak(short, BAR, at.HELD) == -97.0
