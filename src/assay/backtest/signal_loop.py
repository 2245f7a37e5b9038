"""The quick loop: one symbol and the market orders of signals, the case of which sweeps are made.

It gives the equity that :mod:`assay.backtest.loop` gives, to the bit, and nothing else: no fills, no fates of orders.
The account and its position are a handful of numbers here and no record in a memory, and an order is a signal that is
looked at when it is due. What prices, sizes, books and protects are the very same functions.

It takes one symbol, its prices without holes, no funding, no delisting, one set of costs, and no bound on the part of
the volume; signals with sizes and exits of any kind; any latency, and either moment to fill at. A bar without volume is
no hole: what is due in it waits for the next one.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from assay.backtest.booking import Held, book
from assay.backtest.layout import (
    BY_ORDER,
    BY_TAKE_PROFIT,
    HELD,
    NO_SHORT,
    PESSIMISTIC,
    Bar,
    Floats,
    Ints,
)
from assay.backtest.matching import Guard, protect, protect_at_open, seen_peak
from assay.backtest.pricing import Rates, Touch, fill_price
from assay.backtest.signals import Flags
from assay.backtest.sizing import Purse, Steps, fit, wanted
from assay.measures.trading_costs import fee_of, to_tick

# The columns of what is due: the close at which it was decided, which orders (1: there is one; they are placed in this
# order), and what entries carry.
DECIDED: Final = 0
LONG_EXIT: Final = 1
SHORT_EXIT: Final = 2
LONG_ENTRY: Final = 3
SHORT_ENTRY: Final = 4
AMOUNT: Final = 5
STOP_LOSS: Final = 6
TAKE_PROFIT: Final = 7
TRAIL: Final = 8
N_DUE: Final = 9
_NEVER: Final = 1e18


class Columns(NamedTuple):
    """Bars of one symbol, arrays of shape ``(n_bars,)``."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats


class Wishes(NamedTuple):
    """What is wanted at each close, shape ``(n_bars,)``, and what entries carry: of that shape, or ``(1,)``."""

    closes: Ints
    """The rows in which anything is wanted, in order."""

    long_exit: Flags
    short_exit: Flags
    long_entry: Flags
    short_entry: Flags
    amount: Floats
    stop_loss: Floats
    take_profit: Floats
    trail: Floats


class Written(NamedTuple):
    """What the loop writes."""

    equity: Floats
    """At each close, shape ``(n_bars,)``, in quote units."""
    orders: Floats
    """For its own use, shape ``(n_closes + 1, N_DUE)``."""


class Rules(NamedTuple):
    """Numbers that do not change, as :mod:`assay.backtest.layout` explains them."""

    cash: float
    leverage: float
    may_short: float
    is_one_fill: float
    is_same_close: float
    delay: float
    """Bars from the close at which an order is decided to the bar in which it is filled."""
    maker: float
    taker: float
    slip: float
    tick: float
    lot: float
    min_notional: float
    sizing: float
    max_bars: float


class Guards(NamedTuple):
    """What closes the position by itself: prices in its frame, and a row."""

    stop: float
    target: float
    peak: float
    keep: float
    exit_row: float


class State(NamedTuple):
    """The account, the position in it, and how many trades were closed."""

    cash: float
    held: Held
    guards: Guards
    fill_row: int
    trades: int


class Order(NamedTuple):
    """A signal whose time has come; one that leaves a position carries nothing."""

    side: float
    is_entry: bool
    amount: float
    stop_loss: float
    take_profit: float
    trail: float


def follow(bars: Columns, wishes: Wishes, rules: Rules, written: Written) -> int:
    """Trade signals on the pessimistic path, write the equity at each close, and return how many trades were closed.

    Parameters
    ----------
    bars : Columns
        Without NaN, but for the volume, which is NaN where it is not known.
    wishes : Wishes
    rules : Rules
    written : Written
    """
    equity, orders = written.equity, written.orders
    _note(wishes, orders)
    state = State(rules.cash, Held(0.0, 0.0), _no_guards(), -1, 0)
    # `due` is the first close whose orders are not done, by its place in `orders`; the others are the first place from
    # there on that matters to who holds nothing, is long, or is short.
    due, for_none, for_long, for_short = 0, 0, 0, 0
    row, count = 0, equity.size
    while row < count:
        if state.held.quantity == 0.0:
            for_none = wish = _first(orders, max(for_none, due), LONG_ENTRY, SHORT_ENTRY)
        elif state.held.quantity > 0.0:
            for_long = wish = _first(orders, max(for_long, due), LONG_EXIT, SHORT_ENTRY)
        else:
            for_short = wish = _first(orders, max(for_short, due), SHORT_EXIT, LONG_ENTRY)
        start, stop = row, min(orders[wish, DECIDED] + rules.delay, state.guards.exit_row, float(count))
        row = _pass_quiet_rows(bars, state, equity, row, int(stop))
        due = _after(orders, due, _last_tradable(bars.volume, start, row) - rules.delay)
        if row >= count:
            break
        next_due = _after(orders, due, _last_tradable(bars.volume, row, row + 1) - rules.delay)
        bar = Bar(bars.open[row], bars.high[row], bars.low[row], bars.close[row], bars.volume[row])
        state = _after_bar(state, bar, rules, orders, (row, due, next_due))
        due = next_due
        worth = state.cash + state.held.quantity * bar.close
        if not worth > 0.0:
            if state.held.quantity != 0.0:
                state = _left(state, bar.close, 0.0, rules, row)
            for later in range(row, count):
                equity[later] = state.cash
            break
        equity[row] = worth
        row += 1
    return state.trades


def _note(wishes: Wishes, orders: Floats) -> None:
    """Write what is wanted at each close; behind the last is one that never comes."""
    for place in range(wishes.closes.size):
        row, amount = wishes.closes[place], _at(wishes.amount, wishes.closes[place])
        # Where there is no size there is no entry.
        has_size = not math.isnan(amount)
        orders[place, DECIDED] = row
        orders[place, LONG_EXIT] = wishes.long_exit[row]
        orders[place, SHORT_EXIT] = wishes.short_exit[row]
        orders[place, LONG_ENTRY] = wishes.long_entry[row] and has_size
        orders[place, SHORT_ENTRY] = wishes.short_entry[row] and has_size
        orders[place, AMOUNT] = amount
        orders[place, STOP_LOSS] = _at(wishes.stop_loss, row)
        orders[place, TAKE_PROFIT] = _at(wishes.take_profit, row)
        orders[place, TRAIL] = _at(wishes.trail, row)
    for kind in range(LONG_EXIT, SHORT_ENTRY + 1):
        orders[wishes.closes.size, kind] = 1.0
    orders[wishes.closes.size, DECIDED] = _NEVER


def _at(values: Floats, row: int) -> float:
    return values[row] if values.size > 1 else values[0]  # type: ignore[no-any-return]


def _first(orders: Floats, place: int, one: int, other: int) -> int:
    """Return the first place from `place` on at which one of two kinds is wanted."""
    while orders[place, one] == 0.0 and orders[place, other] == 0.0:
        place += 1
    return place


def _after(orders: Floats, place: int, last: float) -> int:
    """Return the first place from `place` on that was decided later than at `last`."""
    while orders[place, DECIDED] <= last:
        place += 1
    return place


def _last_tradable(volume: Floats, start: int, stop: int) -> float:
    """Return the last of some rows in which something can be traded, or one before all if there is none."""
    row = stop - 1
    while row >= start and volume[row] == 0.0:
        row -= 1
    return float(row) if row >= start else -_NEVER


def _pass_quiet_rows(bars: Columns, state: State, equity: Floats, start: int, stop: int) -> int:  # noqa: PLR0917
    """Write the equity of the rows before `stop` in which nothing happens, and return the first that is not one."""
    row, cash, quantity = start, state.cash, state.held.quantity
    if quantity == 0.0:
        while row < stop:
            equity[row] = cash
            row += 1
        return row
    if not math.isnan(state.guards.keep):
        return row
    below, above = state.guards.stop, state.guards.target
    if quantity < 0.0:
        below, above = -above, -below
    low, high, close = bars.low, bars.high, bars.close
    while row < stop:
        worth = cash + quantity * close[row]
        if not (low[row] > below and high[row] < above and worth > 0.0):
            break
        equity[row] = worth
        row += 1
    return row


def _after_bar(  # noqa: PLR0917  (a kernel takes no keyword-only parameters)
    state: State, bar: Bar, rules: Rules, orders: Floats, due: tuple[int, int, int]
) -> State:
    """Do a bar in the order that :mod:`assay.backtest.bar` tells; `due`: its row, and the orders from here to there."""
    row, is_tradable = due[0], bar.volume != 0.0
    if is_tradable:
        state = _after_open(state, bar, rules, row)
        if rules.is_same_close == 0.0:
            state = _after_orders(state, bar.open, rules, orders, due)
        state = _after_inside(state, bar, rules, row)
    if state.held.quantity != 0.0 and not math.isnan(state.guards.keep):
        guards, peak = state.guards, seen_peak(_guard(state), bar, HELD)
        guards = Guards(guards.stop, guards.target, peak, guards.keep, guards.exit_row)
        state = State(state.cash, state.held, guards, state.fill_row, state.trades)
    if is_tradable and rules.is_same_close > 0.0:
        if state.held.quantity != 0.0 and row >= state.guards.exit_row:
            state = _left(state, bar.close, 0.0, rules, row)
        state = _after_orders(state, bar.close, rules, orders, due)
    return state


def _after_open(state: State, bar: Bar, rules: Rules, row: int) -> State:
    if state.held.quantity == 0.0:
        return state
    _touched, why, _how, _is_ambiguous = protect_at_open(_guard(state), bar)
    if why == BY_ORDER and (row < state.guards.exit_row or rules.is_same_close > 0.0):
        return state
    return _left(state, bar.open, 1.0 if why == BY_TAKE_PROFIT else 0.0, rules, row)


def _after_inside(state: State, bar: Bar, rules: Rules, row: int) -> State:
    if state.held.quantity == 0.0:
        return state
    touched, why, _how, _is_ambiguous = protect(_guard(state), bar, HELD, bar.open, PESSIMISTIC)
    return state if why == BY_ORDER else _left(state, touched, 1.0 if why == BY_TAKE_PROFIT else 0.0, rules, row)


def _after_orders(  # noqa: PLR0917
    state: State, touched: float, rules: Rules, orders: Floats, due: tuple[int, int, int]
) -> State:
    """Fill the orders that are due: first those that make the position smaller, then the others."""
    row, start, stop = due
    for half in range(2):
        for place in range(start, stop):
            for kind in range(LONG_EXIT, SHORT_ENTRY + 1):
                side = 1.0 if kind in (SHORT_EXIT, LONG_ENTRY) else -1.0
                is_smaller = state.held.quantity * side < 0.0
                if orders[place, kind] != 0.0 and (is_smaller or half == 1):
                    orders[place, kind] = 0.0
                    state = _after_order(state, _order(orders, place, kind, side), touched, rules, row)
    return state


def _order(orders: Floats, place: int, kind: int, side: float) -> Order:
    carried = orders[place, STOP_LOSS], orders[place, TAKE_PROFIT], orders[place, TRAIL]
    return Order(side, kind >= LONG_ENTRY, orders[place, AMOUNT], carried[0], carried[1], carried[2])


def _after_order(state: State, order: Order, touched: float, rules: Rules, row: int) -> State:  # noqa: PLR0917
    """Do what :func:`assay.backtest.filling.fill_order` does."""
    quantity, along = state.held.quantity, state.held.quantity * order.side
    is_dropped = rules.is_one_fill > 0.0 and state.fill_row == row
    if is_dropped or (along > 0.0 if order.is_entry else along >= 0.0):
        return state
    price = fill_price(Touch(touched, order.side, 0.0, math.nan), 0.0, math.nan, Rates(rules.slip, 0.0, rules.tick))
    worth = state.cash + quantity * price
    units = abs(quantity) if along < 0.0 else 0.0
    if order.is_entry:
        units = wanted(rules.sizing, order.amount, price, quantity, worth) + units
    refusal = NO_SHORT if order.side < 0.0 and rules.may_short == 0.0 else 0.0
    purse = Purse(quantity, worth, 0.0, rules.leverage, refusal)
    steps = Steps(rules.taker, rules.lot, rules.min_notional)
    closing, opening, _verdict = fit(order.side, units, price, math.inf, purse, steps)
    if closing > 0.0:
        state = _settled(state, order.side * closing, price, rules.taker, row)
    if opening > 0.0:
        state = _guarded(_settled(state, order.side * opening, price, rules.taker, row), order, touched, rules, row)
    return state


def _left(state: State, touched: float, is_maker: float, rules: Rules, row: int) -> State:  # noqa: PLR0917
    """Close the position without an order."""
    side = -1.0 if state.held.quantity > 0.0 else 1.0
    units, fee = abs(state.held.quantity), rules.maker if is_maker > 0.0 else rules.taker
    price = fill_price(Touch(touched, side, is_maker, math.nan), units, math.nan, Rates(rules.slip, 0.0, rules.tick))
    return _settled(state, side * units, price, fee, row)


def _settled(state: State, quantity: float, price: float, rate: float, row: int) -> State:  # noqa: PLR0917
    """Book a fill; a position that is closed is a trade, and nothing guards what is not there."""
    cash, held = book(state.cash, state.held, quantity, price, fee_of(abs(quantity) * price, rate))
    if held.quantity == 0.0:
        return State(cash, held, _no_guards(), row, state.trades + 1)
    return State(cash, held, state.guards, row, state.trades)


def _guarded(state: State, order: Order, touched: float, rules: Rules, row: int) -> State:  # noqa: PLR0917
    """Let what an entry carries guard the position, at distances from its entry price."""
    side, entry, guards = order.side, state.held.entry_price, state.guards
    stop, target, peak, keep, exit_row = guards.stop, guards.target, guards.peak, guards.keep, guards.exit_row
    if not math.isnan(order.stop_loss):
        stop = side * (entry * (1.0 - side * order.stop_loss))
    if not math.isnan(order.take_profit):
        target = side * to_tick(entry * (1.0 + side * order.take_profit), rules.tick, side)
    if not math.isnan(order.trail):
        peak, keep = max(peak, side * touched), 1.0 - side * order.trail
    if rules.max_bars > 0.0:
        exit_row = row + rules.max_bars
    return State(state.cash, state.held, Guards(stop, target, peak, keep, exit_row), state.fill_row, state.trades)


def _guard(state: State) -> Guard:
    side, guards = 1.0 if state.held.quantity > 0.0 else -1.0, state.guards
    return Guard(side, guards.stop, guards.target, guards.peak, guards.keep)


def _no_guards() -> Guards:
    return Guards(-math.inf, math.inf, -math.inf, math.nan, math.inf)
