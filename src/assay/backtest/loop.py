"""One bar after the other: the definition of a backtest, compiled before many bars are run.

A bar has two halves. *Trade* (:func:`assay.backtest.bar.trade`): what its open, high and low reach is filled, and
everything is valued at its close. *Decide*: the orders of whoever looks at that close begin to wait, and those for the
close itself are filled. A paper session does one bar at a time, a backtest all of them, in the same functions.

In a stretch where nothing can happen (no order waits, none is placed, no stop or target is reached) only the equity is
written. That is one symbol's shortcut and changes no number: tests hold it against the same bars one at a time.
"""

from __future__ import annotations

import math

from assay.backtest.bar import decide, trade
from assay.backtest.filling import equity_of, finish, symbol_at
from assay.backtest.layout import (
    AT_FILLS,
    AT_LIVE,
    AT_TRADES,
    CANCELLED,
    CASH,
    CLOSE,
    CLOSING,
    DEALT,
    DECIDE_HALF,
    DELISTED,
    DONE,
    DUE,
    EXIT_ROW,
    FATE,
    FUNDING_NOW,
    GUARD_STOP,
    GUARD_TARGET,
    HIGH,
    IS_IN_DOUBT,
    IS_LAST_PART,
    IS_SAME_CLOSE,
    IS_TRADABLE,
    KEEP,
    KIND,
    LATENCY,
    LEFT,
    LIMIT_PRICE,
    LOW,
    MAKER,
    MARK,
    MARKET,
    N_COST,
    N_FILL,
    N_FILLS,
    N_HEADER,
    N_IN_DOUBT,
    N_LIVE,
    N_ORDER,
    N_SYMBOLS,
    N_TRADE,
    N_TRADES,
    N_WAITING,
    NEXT_ORDER,
    NOW,
    OPEN,
    ORDER_ID,
    PART,
    QUANTITY,
    RATE,
    ROW,
    RUIN_ROW,
    RUINED,
    SCHEDULE,
    SIDE,
    SIZING,
    STOPS_AT_DOUBT,
    SYMBOL,
    TARGET,
    TICK,
    TRADE_HALF,
    USED,
    VOLUME,
    WAITING,
    WHOLE,
    Floats,
    Ints,
    Out,
    Prices,
    Span,
    World,
)
from assay.measures.trading_costs import to_tick


def advance(world: World, memory: Floats, out: Out, span: Span) -> int:
    """Do the rows of a span and return the row to go on with: its end, or earlier where the memory is full.

    A row is one bar, or the finer bars that make it up: things happen in each of them in turn, and who decides does so
    at the end of the row.

    Parameters
    ----------
    world : World
    memory : float64 array
        As :mod:`assay.backtest.layout` says; changed.
    out : Out
        Written.
    span : Span
    """
    row, has_funding = span.start, world.prices.funding.shape[0] > 0
    while row < span.stop:
        if span.half == WHOLE and memory[N_SYMBOLS] == 1.0 and memory[N_LIVE] == 0.0 and not has_funding:
            row = _pass_quiet_rows(world, memory, out.equity, row, span)
            if row >= span.stop:
                break
        if not _has_space(memory, world.tape, row):
            return row
        place = row - span.base
        if span.half != DECIDE_HALF:
            memory[NOW] = row
            memory[IS_IN_DOUBT] = 0.0
            load_costs(memory, world.costs, world.starts)
            for part in range(_count_parts(world.finer.first, place)):
                load_part(world, memory, place, part)
                trade(memory)
            if has_funding:
                out.funding[place] = memory[FUNDING_NOW]
        if span.half != TRADE_HALF:
            _admit(memory, world.tape, out.fates)
            decide(memory)
            _drop_done(memory, out.fates)
            out.equity[place] = equity_of(memory)
        row += 1
        if memory[IS_IN_DOUBT] > 0.0 and span.half != TRADE_HALF:
            memory[N_IN_DOUBT] += 1.0
            if memory[STOPS_AT_DOUBT] > 0.0:
                return row
    return row


def load_costs(memory: Floats, costs: Floats, starts: Ints) -> None:
    """Put the costs of this row into force, if others are."""
    number = int(memory[SCHEDULE])
    while number + 1 < starts.size and starts[number + 1] <= memory[NOW]:
        number += 1
    if number == memory[SCHEDULE]:
        return
    memory[SCHEDULE] = number
    for symbol in range(int(memory[N_SYMBOLS])):
        for column in range(N_COST):
            memory[symbol_at(symbol) + MAKER + column] = costs[number, symbol, column]


def _count_parts(first: Ints, place: int) -> int:
    """Return how many bars a row is."""
    return max(int(first[place + 1] - first[place]), 1) if first.size > 0 else 1


def load_part(world: World, memory: Floats, place: int, part: int) -> None:
    """Write the bars of a row, or of one of its parts, beside the positions."""
    parts = _count_parts(world.finer.first, place)
    memory[PART], memory[IS_LAST_PART] = part, 1.0 if part == parts - 1 else 0.0
    if world.finer.first.size > 0 and world.finer.first[place + 1] > world.finer.first[place]:
        _load_bars(memory, world.finer.prices, int(world.finer.first[place]) + part)
    else:
        _load_bars(memory, world.prices, place)
    for number in range(int(memory[N_SYMBOLS])):
        # What is due at the open of the row is due once.
        has_rate = part == 0 and world.prices.funding.shape[0] > 0
        memory[symbol_at(number) + RATE] = world.prices.funding[place, number] if has_rate else math.nan


def _load_bars(memory: Floats, prices: Prices, place: int) -> None:
    for number in range(int(memory[N_SYMBOLS])):
        symbol = symbol_at(number)
        memory[symbol + USED] = 0.0
        opened, volume = prices.open[place, number], prices.volume[place, number]
        memory[symbol + OPEN], memory[symbol + HIGH] = opened, prices.high[place, number]
        memory[symbol + LOW], memory[symbol + CLOSE] = prices.low[place, number], prices.close[place, number]
        memory[symbol + VOLUME] = volume
        # Where nothing was traded nothing can be, whatever the prices say.
        is_tradable = not math.isnan(opened) and volume != 0.0 and memory[NOW] < memory[symbol + DELISTED]
        memory[symbol + IS_TRADABLE] = 1.0 if is_tradable else 0.0


def _admit(memory: Floats, tape: Floats, fates: Ints) -> None:
    """Let the orders that were decided at this close wait for their first bar."""
    number = int(memory[NEXT_ORDER])
    while number < tape.shape[0] and tape[number, ROW] <= memory[NOW]:
        if memory[RUIN_ROW] >= 0.0:
            fates[number] = int(RUINED)
        else:
            _place(memory, tape, number)
        number += 1
    memory[NEXT_ORDER] = number


def _place(memory: Floats, tape: Floats, number: int) -> None:
    if tape[number, SIZING] == TARGET:
        # A target that could not be reached yet: the newer one says where to go from here.
        for waiting in range(int(memory[N_LIVE])):
            other = int(memory[AT_LIVE]) + waiting * N_WAITING
            is_older = memory[other + SIZING] == TARGET and memory[other + SYMBOL] == tape[number, SYMBOL]
            if is_older and memory[other + KIND] != DONE:
                finish(memory, other, CANCELLED)
    order = int(memory[AT_LIVE]) + int(memory[N_LIVE]) * N_WAITING
    memory[N_LIVE] += 1.0
    for column in range(N_ORDER):
        memory[order + column] = tape[number, column]
    memory[order + ORDER_ID], memory[order + LEFT] = number, math.nan
    memory[order + DEALT], memory[order + FATE] = 0.0, WAITING
    is_now = memory[IS_SAME_CLOSE] > 0.0 and memory[order + KIND] == MARKET
    memory[order + DUE] = memory[NOW] + memory[LATENCY] + (0.0 if is_now else 1.0)
    # A limit between two ticks can only be placed on the one that is farther away.
    tick = memory[symbol_at(memory[order + SYMBOL]) + TICK]
    memory[order + LIMIT_PRICE] = to_tick(memory[order + LIMIT_PRICE], tick, -memory[order + SIDE])


def _drop_done(memory: Floats, fates: Ints) -> None:
    """Keep the orders that wait, in their order, and write what became of the others."""
    kept, first = 0, int(memory[AT_LIVE])
    for waiting in range(int(memory[N_LIVE])):
        order, target = first + waiting * N_WAITING, first + kept * N_WAITING
        fates[int(memory[order + ORDER_ID])] = int(memory[order + FATE])
        if memory[order + KIND] != DONE:
            if target != order:
                for column in range(N_WAITING):
                    memory[target + column] = memory[order + column]
            kept += 1
    memory[N_LIVE] = kept


def _pass_quiet_rows(  # noqa: PLR0917  (a kernel takes no keyword-only parameters)
    world: World, memory: Floats, equity: Floats, row: int, span: Span
) -> int:
    """Write the equity of the rows in which nothing can happen, and return the first in which something may."""
    symbol, number = N_HEADER, int(memory[NEXT_ORDER])
    last = min(float(span.stop), memory[symbol + DELISTED])
    if number < world.tape.shape[0]:
        last = min(last, world.tape[number, ROW])
    cash, quantity = memory[CASH], memory[symbol + QUANTITY]
    if quantity == 0.0:
        for place in range(row - span.base, int(last) - span.base):
            equity[place] = cash
        return max(row, int(last))
    if memory[symbol + CLOSING] != 0.0 or not math.isnan(memory[symbol + KEEP]):
        return row
    stop = int(min(last, memory[symbol + EXIT_ROW])) - span.base
    low, high, close = world.prices.low, world.prices.high, world.prices.close
    below, above = memory[symbol + GUARD_STOP], memory[symbol + GUARD_TARGET]
    if quantity < 0.0:
        below, above = -above, -below
    place = row - span.base
    while place < stop:
        value = cash + quantity * close[place, 0]
        # A comparison with NaN is false: a bar that is not there is not quiet.
        if not (low[place, 0] > below and high[place, 0] < above and value > 0.0):
            break
        equity[place] = value
        memory[symbol + MARK] = close[place, 0]
        place += 1
    return place + span.base


def _has_space(memory: Floats, tape: Floats, row: int) -> bool:
    """Say whether what this bar may add fits into the memory."""
    number, count = int(memory[NEXT_ORDER]), memory[N_LIVE]
    while number < tape.shape[0] and tape[number, ROW] <= row:
        number += 1
        count += 1.0
    # An order is two fills at most when it is reached (closing, opening), at most twice, and a stop may follow each.
    most = 6.0 * count + 4.0 * memory[N_SYMBOLS]
    has_live = memory[AT_LIVE] + count * N_WAITING <= memory[AT_FILLS]
    has_fills = memory[AT_FILLS] + (memory[N_FILLS] + most) * N_FILL <= memory[AT_TRADES]
    return bool(has_live and has_fills and memory[AT_TRADES] + (memory[N_TRADES] + most) * N_TRADE <= memory.size)
