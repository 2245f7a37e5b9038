"""What happens in a bar, in which order.

At its open: what was delisted is settled, funding is paid, positions are closed that opened beyond a stop or a target
or whose time is over, and orders are filled that the open reaches, first what makes positions smaller. Then, between
open and close: a position's stop and target before waiting orders, and these in the order in which they were placed.
At the close: everything is valued.
"""

from __future__ import annotations

import math

from assay.backtest.filling import equity_of, exit_position, fill_order, finish, side_of, symbol_at
from assay.backtest.layout import (
    AT_CLOSE,
    AT_LIVE,
    AT_OPEN,
    BY_DELISTING,
    BY_ORDER,
    BY_RUIN,
    BY_TIME,
    CANCEL,
    CANCELLED,
    CASH,
    CLOSE,
    CLOSING,
    DELISTED,
    DONE,
    DUE,
    ENTERED,
    EXIT_ROW,
    EXPIRED,
    FALLING,
    FILLED,
    FUNDING,
    FUNDING_NOW,
    GUARD_STOP,
    GUARD_TARGET,
    HELD,
    HIGH,
    IS_IN_DOUBT,
    IS_LAST_PART,
    IS_SAME_CLOSE,
    IS_TRADABLE,
    KEEP,
    KIND,
    LIFE,
    LIMIT,
    LIMIT_PRICE,
    LOW,
    MARK,
    MARKET,
    N_LIVE,
    N_SYMBOLS,
    N_WAITING,
    NOW,
    NOWHERE,
    OPEN,
    OPTIMISTIC,
    PART,
    PATH,
    PEAK,
    QUANTITY,
    RATE,
    RISING,
    RUIN_ROW,
    RUINED,
    SIDE,
    STOP_LIMIT,
    STOP_PRICE,
    SYMBOL,
    VOLUME,
    Bar,
    Floats,
)
from assay.backtest.matching import Guard, Waiting, is_triggered, match, protect, protect_at_open, seen_peak
from assay.measures.trading_costs import funding_payment


def trade(memory: Floats) -> None:
    """Do the first half of a bar: what it fills and what everything is worth at its close."""
    symbols = int(memory[N_SYMBOLS])
    if memory[PART] == 0.0:
        memory[FUNDING_NOW] = 0.0
    for number in range(symbols):
        _begin(memory, symbol_at(number))
    _mind_orders(memory, 0.0)
    for number in range(symbols):
        _leave_at_open(memory, symbol_at(number))
    _fill_reached(memory, AT_OPEN)
    for number in range(symbols):
        _leave_inside(memory, symbol_at(number), memory[symbol_at(number) + OPEN])
    _fill_inside(memory)
    for number in range(symbols):
        _end(memory, symbol_at(number))
    _mind_orders(memory, 1.0)


def decide(memory: Floats) -> None:
    """Do the second half of a bar, once its orders have been placed: what is filled at the close, and ruin."""
    if memory[IS_SAME_CLOSE] > 0.0:
        for number in range(int(memory[N_SYMBOLS])):
            symbol = symbol_at(number)
            is_over = memory[symbol + QUANTITY] != 0.0 and memory[NOW] >= memory[symbol + EXIT_ROW]
            if is_over and memory[symbol + IS_TRADABLE] > 0.0:
                exit_position(memory, symbol, (memory[symbol + CLOSE], BY_TIME, AT_CLOSE, 0.0))
        _fill_reached(memory, AT_CLOSE)
    if memory[RUIN_ROW] >= 0.0 or equity_of(memory) > 0.0:
        return
    for number in range(int(memory[N_SYMBOLS])):
        symbol = symbol_at(number)
        if memory[symbol + QUANTITY] != 0.0:
            exit_position(memory, symbol, (memory[symbol + MARK], BY_RUIN, AT_CLOSE, 0.0))
    for waiting in range(int(memory[N_LIVE])):
        order = int(memory[AT_LIVE]) + waiting * N_WAITING
        if memory[order + KIND] != DONE:
            finish(memory, order, RUINED)
    memory[RUIN_ROW] = memory[NOW]


def _begin(memory: Floats, symbol: int) -> None:
    """Settle what was delisted, see where the market opens, and pay funding."""
    if memory[NOW] >= memory[symbol + DELISTED]:
        if memory[symbol + QUANTITY] != 0.0:
            exit_position(memory, symbol, (memory[symbol + MARK], BY_DELISTING, AT_OPEN, 0.0))
        return
    if not math.isnan(memory[symbol + OPEN]):
        memory[symbol + MARK] = memory[symbol + OPEN]
    # Who holds it at the boundary pays; what is bought at this open was not held then.
    if memory[symbol + QUANTITY] != 0.0 and not math.isnan(memory[symbol + RATE]):
        paid = funding_payment(memory[symbol + QUANTITY], memory[symbol + MARK], memory[symbol + RATE])
        memory[CASH] -= paid
        memory[symbol + FUNDING] += paid
        memory[FUNDING_NOW] += paid


def _mind_orders(memory: Floats, is_end: float) -> None:
    """Take off what was cancelled or delisted before a bar, and what is too old after it."""
    for waiting in range(int(memory[N_LIVE])):
        order = int(memory[AT_LIVE]) + waiting * N_WAITING
        if memory[order + KIND] == DONE or memory[order + DUE] > memory[NOW]:
            continue
        symbol = symbol_at(memory[order + SYMBOL])
        if is_end == 0.0:
            if memory[NOW] >= memory[symbol + DELISTED]:
                finish(memory, order, CANCELLED)
            elif memory[order + KIND] == CANCEL:
                for earlier in range(waiting):
                    other = int(memory[AT_LIVE]) + earlier * N_WAITING
                    if memory[other + KIND] != DONE and memory[other + SYMBOL] == memory[order + SYMBOL]:
                        finish(memory, other, CANCELLED)
                finish(memory, order, FILLED)
        else:
            is_stop_limit = memory[order + KIND] == STOP_LIMIT and memory[symbol + IS_TRADABLE] > 0.0
            if is_stop_limit and is_triggered(_waiting(memory, order), _bar(memory, symbol)):
                memory[order + KIND] = LIMIT
            is_old = memory[order + LIFE] > 0.0 and memory[IS_LAST_PART] > 0.0
            if is_old and memory[NOW] - memory[order + DUE] + 1.0 >= memory[order + LIFE]:
                finish(memory, order, EXPIRED)


def _leave_at_open(memory: Floats, symbol: int) -> None:
    """Close a position that its guards, its time or an exit that could not be finished close at the open."""
    if memory[symbol + QUANTITY] == 0.0 or memory[symbol + IS_TRADABLE] == 0.0:
        return
    _touched, why, _how, _is_ambiguous = protect_at_open(_guard(memory, symbol), _bar(memory, symbol))
    if memory[symbol + CLOSING] != 0.0:
        why = memory[symbol + CLOSING]
    elif why == BY_ORDER and memory[NOW] >= memory[symbol + EXIT_ROW] and memory[IS_SAME_CLOSE] == 0.0:
        why = BY_TIME
    if why != BY_ORDER:
        exit_position(memory, symbol, (memory[symbol + OPEN], why, AT_OPEN, 0.0))


def _leave_inside(memory: Floats, symbol: int, start: float) -> None:
    """Close a position whose stop or target is reached between open and close."""
    if memory[symbol + QUANTITY] == 0.0 or memory[symbol + IS_TRADABLE] == 0.0 or memory[symbol + CLOSING] != 0.0:
        return
    guard, bar = _guard(memory, symbol), _bar(memory, symbol)
    reached = protect(guard, bar, memory[symbol + ENTERED], start, memory[PATH])
    if reached[3] > 0.0:
        memory[IS_IN_DOUBT] = 1.0
    if reached[1] != BY_ORDER:
        memory[symbol + MARK] = reached[0]
        exit_position(memory, symbol, reached)


def _fill_reached(memory: Floats, how: float) -> None:
    """Fill what the open, or the close, reaches: first what makes positions smaller, since that frees cash."""
    for half in range(2):
        for waiting in range(int(memory[N_LIVE])):
            order = int(memory[AT_LIVE]) + waiting * N_WAITING
            symbol = symbol_at(memory[order + SYMBOL])
            is_for_close = memory[order + KIND] == MARKET and memory[IS_SAME_CLOSE] > 0.0
            if is_for_close != (how == AT_CLOSE) or not _is_due(memory, order, symbol):
                continue
            touched, found = memory[symbol + CLOSE], AT_CLOSE
            if how == AT_OPEN:
                touched, found = match(_waiting(memory, order), _bar(memory, symbol), memory[PATH])
            if found != how:
                continue
            # In the second round an order may close what one before it has just opened.
            if half == 1 or memory[symbol + QUANTITY] * side_of(memory, order, touched) < 0.0:
                fill_order(memory, order, touched, found)


def _fill_inside(memory: Floats) -> None:
    """Fill what high and low reach, in the order in which it was placed; a bar does not tell a better one."""
    for waiting in range(int(memory[N_LIVE])):
        order = int(memory[AT_LIVE]) + waiting * N_WAITING
        symbol = symbol_at(memory[order + SYMBOL])
        if memory[order + KIND] == MARKET or not _is_due(memory, order, symbol):
            continue
        touched, how = match(_waiting(memory, order), _bar(memory, symbol), memory[PATH])
        # What else happened in this bar may have come before it or after it; and a bar that only touched a limit, or
        # came back to it behind its stop, does not tell whether it was filled.
        possible = how if how != NOWHERE else match(_waiting(memory, order), _bar(memory, symbol), OPTIMISTIC)[1]
        if possible in (RISING, FALLING):
            memory[IS_IN_DOUBT] = 1.0
        if how in (RISING, FALLING):
            before = memory[symbol + QUANTITY]
            fill_order(memory, order, touched, how)
            after = memory[symbol + QUANTITY]
            if before * after < 0.0 or abs(after) > abs(before):
                _leave_inside(memory, symbol, touched)


def _end(memory: Floats, symbol: int) -> None:
    """Value a position at the close, and remember the best price."""
    if math.isnan(memory[symbol + CLOSE]) or memory[NOW] >= memory[symbol + DELISTED]:
        return
    memory[symbol + MARK] = memory[symbol + CLOSE]
    if memory[symbol + QUANTITY] != 0.0 and not math.isnan(memory[symbol + KEEP]):
        bar = _bar(memory, symbol)
        memory[symbol + PEAK] = seen_peak(_guard(memory, symbol), bar, memory[symbol + ENTERED])
    memory[symbol + ENTERED] = HELD


def _is_due(memory: Floats, order: int, symbol: int) -> bool:
    is_waiting = memory[order + KIND] >= MARKET and memory[order + KIND] < CANCEL
    return bool(is_waiting and memory[order + DUE] <= memory[NOW] and memory[symbol + IS_TRADABLE] > 0.0)


def _bar(memory: Floats, symbol: int) -> Bar:
    return Bar(
        memory[symbol + OPEN],
        memory[symbol + HIGH],
        memory[symbol + LOW],
        memory[symbol + CLOSE],
        memory[symbol + VOLUME],
    )


def _guard(memory: Floats, symbol: int) -> Guard:
    side = 1.0 if memory[symbol + QUANTITY] > 0.0 else -1.0
    stop, target = memory[symbol + GUARD_STOP], memory[symbol + GUARD_TARGET]
    return Guard(side, stop, target, memory[symbol + PEAK], memory[symbol + KEEP])


def _waiting(memory: Floats, order: int) -> Waiting:
    return Waiting(memory[order + KIND], memory[order + SIDE], memory[order + LIMIT_PRICE], memory[order + STOP_PRICE])
