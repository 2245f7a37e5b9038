"""The four steps in a row, for an order and for what closes a position by itself: match and price and size and book.

All of it works on the memory (:mod:`assay.backtest.layout`): `symbol` and `order` are the places where their records
begin.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from assay.backtest.booking import Held, book
from assay.backtest.layout import (
    ALL,
    AMOUNT,
    AT_CLOSE,
    AT_FILLS,
    AT_TRADES,
    BOUGHT,
    BOUGHT_FOR,
    BY_DELISTING,
    BY_ORDER,
    BY_RUIN,
    BY_TAKE_PROFIT,
    CASH,
    CLOSING,
    DEALT,
    DONE,
    DUE,
    ENTER,
    ENTERED,
    ENTRY_PRICE,
    ENTRY_ROW,
    EXIT_ROW,
    F_FEE,
    F_HOW,
    F_IS_MAKER,
    F_ORDER,
    F_PART,
    F_PRICE,
    F_QUANTITY,
    F_ROW,
    F_SYMBOL,
    F_TOUCHED,
    F_WHY,
    FALLING,
    FATE,
    FEES,
    FILL_ROW,
    FILLED,
    FUNDING,
    GUARD_STOP,
    GUARD_TARGET,
    HELD,
    IMPACT,
    INTENT,
    IS_AMBIGUOUS,
    IS_ONE_FILL,
    KEEP,
    KIND,
    LEFT,
    LEVERAGE,
    LIMIT,
    LIMIT_PRICE,
    LOT,
    MAKER,
    MARK,
    MARKET,
    MAX_BARS,
    MAX_POSITIONS,
    MAY_SHORT,
    MIN_NOTIONAL,
    N_AMBIGUOUS,
    N_FILL,
    N_FILLS,
    N_HEADER,
    N_SYMBOL,
    N_SYMBOLS,
    N_TRADE,
    N_TRADES,
    NO_SHORT,
    NOT_NEEDED,
    NOW,
    ORDER_ID,
    PART,
    PARTICIPATION,
    PARTLY,
    PEAK,
    QUANTITY,
    REDUCE,
    SIDE,
    SIZING,
    SLIP,
    SOLD_FOR,
    STOP_LIMIT,
    STOP_LOSS,
    SYMBOL,
    T_ENTRY_PRICE,
    T_ENTRY_ROW,
    T_EXIT_PRICE,
    T_EXIT_ROW,
    T_FEES,
    T_FUNDING,
    T_IS_AMBIGUOUS,
    T_PNL,
    T_QUANTITY,
    T_SIDE,
    T_SYMBOL,
    T_WHY,
    TAKE_PROFIT,
    TAKER,
    TARGET,
    TICK,
    TOO_MANY,
    TRAIL,
    USED,
    VOLUME,
    WAITING,
    Floats,
)
from assay.backtest.matching import Exit
from assay.backtest.pricing import Rates, Touch, fill_price
from assay.backtest.sizing import Purse, Steps, capacity_left, fit, wanted
from assay.measures.trading_costs import fee_of, to_lot, to_tick


class Deal(NamedTuple):
    """A fill before it is booked."""

    quantity: float
    price: float
    touched: float
    is_maker: float
    why: float
    how: float
    order_id: float


def symbol_at(number: float) -> int:
    """Return where the record of a symbol begins."""
    return N_HEADER + int(number) * N_SYMBOL


def equity_of(memory: Floats) -> float:
    """Return cash and positions, each at the last price that was seen."""
    total = memory[CASH]
    for number in range(int(memory[N_SYMBOLS])):
        symbol = symbol_at(number)
        if memory[symbol + QUANTITY] != 0.0:
            total += memory[symbol + QUANTITY] * memory[symbol + MARK]
    return total  # type: ignore[no-any-return]


def side_of(memory: Floats, order: int, price: float) -> float:
    """Return 1 for an order that buys, -1 for one that sells, 0 for a target that is met."""
    if memory[order + SIZING] != TARGET or memory[order + SIDE] != 0.0:
        return memory[order + SIDE]  # type: ignore[no-any-return]
    quantity = memory[symbol_at(memory[order + SYMBOL]) + QUANTITY]
    units = wanted(TARGET, memory[order + AMOUNT], price, quantity, equity_of(memory))
    return 1.0 if units > 0.0 else (-1.0 if units < 0.0 else 0.0)


def finish(memory: Floats, order: int, fate: float) -> None:
    """Take an order from those that wait, and note what became of it."""
    memory[order + KIND] = DONE
    memory[order + FATE] = PARTLY if memory[order + DEALT] > 0.0 and fate != FILLED else fate


def fill_order(memory: Floats, order: int, touched: float, how: float) -> None:
    """Trade what can be traded of an order that was reached where the market stands at `touched`."""
    symbol = symbol_at(memory[order + SYMBOL])
    if memory[IS_ONE_FILL] > 0.0 and memory[symbol + FILL_ROW] == memory[NOW]:
        if memory[order + KIND] == MARKET:
            finish(memory, order, NOT_NEEDED)
        return
    memory[symbol + MARK] = touched
    side = side_of(memory, order, touched)
    if side == 0.0 or not _is_needed(memory, order, memory[symbol + QUANTITY] * side):
        finish(memory, order, NOT_NEEDED)
        return
    is_maker = _is_maker(memory, order, how)
    has_limit = memory[order + KIND] == LIMIT or memory[order + KIND] == STOP_LIMIT
    bound = memory[order + LIMIT_PRICE] if has_limit else math.nan
    capacity = capacity_left(memory[PARTICIPATION], memory[symbol + VOLUME], memory[symbol + USED])
    # What it costs hangs on how much it is, and how much it may be on what it costs: the first guess is without costs.
    guess = min(_units(memory, order, side, touched), capacity)
    price = fill_price(Touch(touched, side, is_maker, bound), guess, memory[symbol + VOLUME], _rates(memory, symbol))
    memory[symbol + MARK] = price
    units = _units(memory, order, side, price)
    purse = _purse(memory, symbol, side)
    memory[symbol + MARK] = touched
    fee = memory[symbol + MAKER] if is_maker > 0.0 else memory[symbol + TAKER]
    steps = Steps(fee, memory[symbol + LOT], memory[symbol + MIN_NOTIONAL])
    closing, opening, verdict = fit(side, units, price, capacity, purse, steps)
    if closing > 0.0:
        deal = Deal(side * closing, price, touched, is_maker, BY_ORDER, how, memory[order + ORDER_ID])
        settle(memory, symbol, deal)
    if opening > 0.0:
        deal = Deal(side * opening, price, touched, is_maker, BY_ORDER, how, memory[order + ORDER_ID])
        settle(memory, symbol, deal)
        _set_guards(memory, symbol, order, deal)
    memory[order + SIDE], memory[order + LEFT] = side, units - closing - opening
    memory[order + DEALT] += closing + opening
    if verdict != PARTLY:
        finish(memory, order, verdict)
    else:
        memory[order + FATE] = PARTLY if memory[order + DEALT] > 0.0 else WAITING


def exit_position(memory: Floats, symbol: int, reached: Exit) -> None:
    """Close a position without an order: all of it, or as much as the bar's volume allows."""
    touched, why, how, is_ambiguous = reached
    side = -1.0 if memory[symbol + QUANTITY] > 0.0 else 1.0
    units, volume = abs(memory[symbol + QUANTITY]), math.nan
    if why not in (BY_DELISTING, BY_RUIN):
        volume = memory[symbol + VOLUME]
        capacity = capacity_left(memory[PARTICIPATION], volume, memory[symbol + USED])
        if units > capacity:
            units = to_lot(capacity, memory[symbol + LOT])
            # What is left of a stop is sold as soon as there is volume; what is left of a target goes on waiting.
            if why != BY_TAKE_PROFIT:
                memory[symbol + CLOSING] = why
    if is_ambiguous > 0.0:
        memory[symbol + IS_AMBIGUOUS] = 1.0
        memory[N_AMBIGUOUS] += 1.0
    if units > 0.0:
        # A target is a limit that has been waiting in the book.
        is_maker = 1.0 if why == BY_TAKE_PROFIT else 0.0
        price = fill_price(Touch(touched, side, is_maker, math.nan), units, volume, _rates(memory, symbol))
        settle(memory, symbol, Deal(side * units, price, touched, is_maker, why, how, math.nan))


def settle(memory: Floats, symbol: int, deal: Deal) -> None:
    """Book a fill, and write it and the trade that it ends."""
    units, before = abs(deal.quantity), memory[symbol + QUANTITY]
    fee = fee_of(units * deal.price, memory[symbol + MAKER] if deal.is_maker > 0.0 else memory[symbol + TAKER])
    cash, held = book(memory[CASH], Held(before, memory[symbol + ENTRY_PRICE]), deal.quantity, deal.price, fee)
    memory[CASH] = cash
    memory[symbol + QUANTITY], memory[symbol + ENTRY_PRICE] = held.quantity, held.entry_price
    memory[symbol + USED] += units
    memory[symbol + FILL_ROW] = memory[NOW]
    fill = int(memory[AT_FILLS]) + int(memory[N_FILLS]) * N_FILL
    memory[N_FILLS] += 1.0
    memory[fill + F_ROW], memory[fill + F_SYMBOL] = memory[NOW], (symbol - N_HEADER) // N_SYMBOL
    memory[fill + F_ORDER], memory[fill + F_QUANTITY] = deal.order_id, deal.quantity
    memory[fill + F_PRICE], memory[fill + F_TOUCHED], memory[fill + F_FEE] = deal.price, deal.touched, fee
    memory[fill + F_WHY], memory[fill + F_HOW], memory[fill + F_IS_MAKER] = deal.why, deal.how, deal.is_maker
    memory[fill + F_PART] = memory[PART]
    if before == 0.0:
        memory[symbol + ENTRY_ROW] = memory[NOW]
    memory[symbol + FEES] += fee
    if before * deal.quantity < 0.0:
        memory[symbol + SOLD_FOR] += units * deal.price
    else:
        memory[symbol + BOUGHT] += units
        memory[symbol + BOUGHT_FOR] += units * deal.price
    if held.quantity == 0.0:
        _end_trade(memory, symbol, deal.why, 1.0 if before > 0.0 else -1.0)


def clear(memory: Floats, symbol: int) -> None:
    """Forget the trade that was open and what guarded it."""
    for column in (BOUGHT, BOUGHT_FOR, SOLD_FOR, FEES, FUNDING, IS_AMBIGUOUS, CLOSING, ENTERED):
        memory[symbol + column] = 0.0
    memory[symbol + GUARD_STOP], memory[symbol + PEAK] = -math.inf, -math.inf
    memory[symbol + GUARD_TARGET], memory[symbol + EXIT_ROW] = math.inf, math.inf
    memory[symbol + KEEP] = math.nan


def _end_trade(memory: Floats, symbol: int, why: float, side: float) -> None:
    trade = int(memory[AT_TRADES]) + int(memory[N_TRADES]) * N_TRADE
    memory[N_TRADES] += 1.0
    memory[trade + T_SYMBOL], memory[trade + T_SIDE] = (symbol - N_HEADER) // N_SYMBOL, side
    memory[trade + T_ENTRY_ROW], memory[trade + T_EXIT_ROW] = memory[symbol + ENTRY_ROW], memory[NOW]
    memory[trade + T_WHY], memory[trade + T_QUANTITY] = why, memory[symbol + BOUGHT]
    memory[trade + T_ENTRY_PRICE] = memory[symbol + BOUGHT_FOR] / memory[symbol + BOUGHT]
    memory[trade + T_EXIT_PRICE] = memory[symbol + SOLD_FOR] / memory[symbol + BOUGHT]
    memory[trade + T_FEES], memory[trade + T_FUNDING] = memory[symbol + FEES], memory[symbol + FUNDING]
    earned = side * (memory[symbol + SOLD_FOR] - memory[symbol + BOUGHT_FOR])
    memory[trade + T_PNL] = earned - memory[symbol + FEES] - memory[symbol + FUNDING]
    memory[trade + T_IS_AMBIGUOUS] = memory[symbol + IS_AMBIGUOUS]
    clear(memory, symbol)


def _is_needed(memory: Floats, order: int, along: float) -> bool:
    """Say whether an order has something to do where the position goes with it (> 0), against it (< 0) or is none."""
    if memory[order + INTENT] == ENTER:
        return along <= 0.0 or memory[order + DEALT] > 0.0
    return memory[order + INTENT] != REDUCE or along < 0.0


def _is_maker(memory: Floats, order: int, how: float) -> float:
    # A limit waits in the book from its second bar on; in its first it may be beyond the market, and takes.
    if how == FALLING:
        return 1.0
    is_resting = (
        memory[order + KIND] == LIMIT and how != AT_CLOSE and (memory[NOW] > memory[order + DUE] or memory[PART] > 0.0)
    )
    return 1.0 if is_resting else 0.0


def _units(memory: Floats, order: int, side: float, price: float) -> float:
    """Return the units that are still to be traded; what an order is for is settled when it is first reached."""
    quantity = memory[symbol_at(memory[order + SYMBOL]) + QUANTITY]
    held = abs(quantity) if quantity * side < 0.0 else 0.0
    units = memory[order + LEFT]
    if math.isnan(units):
        units = wanted(memory[order + SIZING], memory[order + AMOUNT], price, quantity, equity_of(memory))
        if memory[order + SIZING] == TARGET:
            units = max(side * units, 0.0)
        elif memory[order + INTENT] == ENTER:
            # An entry against a position turns it round: it closes that first.
            units += held
    return min(units, held) if memory[order + INTENT] == REDUCE or memory[order + SIZING] == ALL else units  # type: ignore[no-any-return]


def _rates(memory: Floats, symbol: int) -> Rates:
    return Rates(memory[symbol + SLIP], memory[symbol + IMPACT], memory[symbol + TICK])


def _purse(memory: Floats, symbol: int, side: float) -> Purse:
    others, count = 0.0, 0
    for number in range(int(memory[N_SYMBOLS])):
        other = symbol_at(number)
        if other != symbol and memory[other + QUANTITY] != 0.0:
            others += abs(memory[other + QUANTITY]) * memory[other + MARK]
            count += 1
    refusal = 0.0
    if side < 0.0 and memory[MAY_SHORT] == 0.0:
        refusal = NO_SHORT
    elif memory[symbol + QUANTITY] == 0.0 and count >= memory[MAX_POSITIONS]:
        refusal = TOO_MANY
    return Purse(memory[symbol + QUANTITY], equity_of(memory), others, memory[LEVERAGE], refusal)


def _set_guards(memory: Floats, symbol: int, order: int, deal: Deal) -> None:
    """Let what the order carries guard the position, at distances from its mean entry price."""
    side, entry = (1.0 if deal.quantity > 0.0 else -1.0), memory[symbol + ENTRY_PRICE]
    memory[symbol + ENTERED] = HELD if deal.how == AT_CLOSE else deal.how
    if not math.isnan(memory[order + STOP_LOSS]):
        memory[symbol + GUARD_STOP] = side * (entry * (1.0 - side * memory[order + STOP_LOSS]))
    if not math.isnan(memory[order + TAKE_PROFIT]):
        target = to_tick(entry * (1.0 + side * memory[order + TAKE_PROFIT]), memory[symbol + TICK], side)
        memory[symbol + GUARD_TARGET] = side * target
    if not math.isnan(memory[order + TRAIL]):
        memory[symbol + PEAK] = max(memory[symbol + PEAK], side * deal.touched)
        memory[symbol + KEEP] = 1.0 - side * memory[order + TRAIL]
    if memory[order + MAX_BARS] > 0.0:
        memory[symbol + EXIT_ROW] = memory[NOW] + memory[order + MAX_BARS]
