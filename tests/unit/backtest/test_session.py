"""A session, bar by bar, against the backtest over all bars: one definition, the same bits."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.backtest.account import Account, Schedule
from assay.backtest.engine import StrategyError, run
from assay.backtest.market import Market
from assay.backtest.orders import Order
from assay.backtest.session import Session, Step
from assay.domain.errors import BadInputError
from assay.measures.trading_costs import Costs
from tests.unit.backtest.made_markets import (
    HOUR,
    NAN,
    Prepared,
    market_of,
    random_account,
    random_costs,
    random_market,
    random_orders,
)

FLAT = (100.0, 100.0, 100.0, 100.0)
BTC = "BTC-USDT"


def random_schedules(rng: np.random.Generator, account: Account, market: Market) -> list[Schedule]:
    moments = [-HOUR, *sorted({int(rng.integers(1, len(market))) * HOUR for _ in range(2)})]
    schedules = [Schedule(random_costs(rng, account), moment) for moment in moments]
    each = {symbol: random_costs(rng, account) for symbol in market.symbols}
    return [*schedules[:-1], Schedule(each, schedules[-1].from_time)]


@settings(max_examples=80)
@given(seed=st.integers(0, 2**32 - 1))
@pytest.mark.parametrize("path", ["pessimistic", "optimistic"])
def test_steps_are_the_backtest_bar_by_bar_also_when_it_is_saved_and_taken_up_again(path: str, seed: int) -> None:
    # random_market has several symbols, gaps, funding and delistings; random_account latency and volume.
    rng = np.random.default_rng(seed)
    market, account = random_market(rng), random_account(rng)
    costs, decided = random_schedules(rng, account, market), random_orders(rng, market)
    whole = run(Prepared(decided), market, account=account, costs=costs, path=path)
    session = Session(market.symbols, account=account, costs=costs, path=path)
    steps: list[Step] = []
    for row, orders in enumerate(decided):
        steps.append(session.step(bars_of(market, row), orders if row % 2 else functools.partial(as_asked, orders)))
        if rng.random() < 0.3:
            session = Session.load(session.save())

    assert np.array([step.equity for step in steps]).tobytes() == whole.equity.tobytes()
    assert tuple(fill for step in steps for fill in step.fills) == whole.fills
    assert tuple(trade for step in steps for trade in step.trades) == whole.trades
    if whole.funding_paid.size:
        assert [step.funding_paid for step in steps] == whole.funding_paid.tolist()
    assert [step.row for step in steps if step.is_ruined][:1] == [whole.ruin_row] * (whole.ruin_row is not None)
    fates = {one.order: one.fate for step in steps for one in step.done}
    waiting = {one.order for one in steps[-1].waiting}
    for number, order in enumerate(whole.orders):
        assert (number in waiting) != (fates.get(number) == order.fate), order
    assert [number for step in steps for number in step.placed] == list(range(len(whole.orders)))


def as_asked(orders: list[Order], happened: Step) -> list[Order]:
    return orders if happened.close_time else []


def bars_of(market: Market, row: int) -> Market:
    """Return one row as it is known when it closes: delistings to come are not."""
    bars = market.rows(row, row + 1)
    known = {symbol: moment for symbol, moment in market.delisted_at.items() if moment <= market.open_time[row]}
    object.__setattr__(bars, "delisted_at", known)
    return bars


def test_step_says_what_happened_and_how_the_account_stands() -> None:
    market = market_of([FLAT, FLAT, (100.0, 106.0, 99.0, 104.0)])
    session = Session((BTC,), account=Account(cash=1_000.0), costs=Costs(taker_bps=10))
    first = session.step(market.rows(0, 1), [Order(BTC, quantity=2.0, take_profit=0.05)])
    assert (first.fills, first.placed, first.done) == ((), (0,), ())
    assert [(one.order, one.kind, one.side) for one in first.waiting] == [(0, "market", "buy")]
    second = session.step(market.rows(1, 2), [Order(BTC, kind="limit", limit=90.0, quantity=1.0)])
    assert [(fill.order, fill.quantity, fill.price) for fill in second.fills] == [(0, 2.0, 100.0)]
    assert [tuple(one) for one in second.done] == [(0, "filled")]
    assert [(one.symbol, one.quantity, one.value) for one in second.positions] == [(BTC, 2.0, 200.0)]
    assert second.cash == 1_000.0 - 200.0 - 0.2
    third = session.step(market.rows(2, 3))
    assert [(trade.reason, trade.exit_price) for trade in third.trades] == [("take_profit", 105.0)]
    assert third.positions == ()
    assert [one.order for one in third.waiting] == [1]
    assert third.equity == third.cash == 1_000.0 - 0.2 + 10.0


def test_session_keeps_no_history() -> None:
    session = Session((BTC,), account=Account(cash=1_000.0))
    sizes = []
    for row in range(600):
        opened = np.array([row * HOUR])
        price = np.array([100.0])
        bars = Market((BTC,), opened, opened + HOUR, price, price, price, price)
        session.step(bars, [Order(BTC, "buy" if row % 2 else "sell", target=float(row % 2))])
        sizes.append(len(session.save()))
    assert max(sizes[1:]) - min(sizes[1:]) < 32  # the digits of the counts


def test_function_that_decides_is_told_the_bar_that_just_closed() -> None:
    told: list[Step] = []

    def decide(happened: Step) -> list[Order]:
        told.append(happened)
        return [Order(BTC, quantity=1.0)] if not happened.positions else []

    market = market_of([FLAT, (101.0, 103.0, 101.0, 102.0)])
    session = Session((BTC,), account=Account(cash=1_000.0))
    for row in range(2):
        session.step(market.rows(row, row + 1), decide)
    assert [(step.row, step.close_time, step.equity, len(step.fills)) for step in told] == [
        (0, HOUR, 1_000.0, 0), (1, 2 * HOUR, 1_001.0, 1),
    ]  # fmt: skip


def test_what_a_session_cannot_use_is_refused_and_changes_nothing() -> None:
    market = market_of([FLAT, FLAT, FLAT])
    session = Session((BTC,), account=Account(cash=1_000.0))
    session.step(market.rows(0, 1), [Order(BTC, quantity=1.0)])
    before = session.save()
    with pytest.raises(BadInputError, match="not later than the last one"):
        session.step(market.rows(0, 1))
    with pytest.raises(BadInputError, match="one bar of each symbol"):
        session.step(market.rows(1, 3))
    with pytest.raises(BadInputError, match="unknown symbol"):
        session.step(market.rows(1, 2), [Order("ETH-USDT", quantity=1.0)])
    with pytest.raises(StrategyError, match=r"bar 1\): 'ZeroDivisionError"):
        session.step(market.rows(1, 2), lambda step: [Order(BTC, quantity=1 / (step.row - 1))])
    other = Market(("ETH-USDT",), *(getattr(market, name)[:1] for name in ("open_time", "close_time", "open", "high", "low", "close")))  # fmt: skip  # noqa: E501
    with pytest.raises(BadInputError, match="other symbols"):
        session.step(other)
    assert session.save() == before
    assert [fill.quantity for fill in session.step(market.rows(1, 2)).fills] == [1.0]


def test_bar_that_is_not_there_is_a_step_as_well() -> None:
    market = market_of([FLAT, (NAN, NAN, NAN, NAN), (101.0, 101.0, 101.0, 101.0)])
    session = Session((BTC,), account=Account(cash=1_000.0))
    session.step(market.rows(0, 1), [Order(BTC, quantity=1.0)])
    assert session.step(market.rows(1, 2)).fills == ()
    assert [fill.price for fill in session.step(market.rows(2, 3)).fills] == [101.0]


@pytest.mark.parametrize(
    "spoil", [lambda saved: saved[:-8], lambda saved: b"", lambda saved: saved.replace(b"1", b"2")]
)
def test_saved_session_that_is_damaged_is_refused(spoil: object) -> None:
    saved = Session((BTC,)).save()
    with pytest.raises(BadInputError, match="damaged"):
        Session.load(spoil(saved))  # type: ignore[operator]
