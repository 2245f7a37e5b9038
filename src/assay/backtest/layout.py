"""Where what stands in the arrays of a backtest: numbers by name, since a compiled loop knows no attributes.

Prices of a position's guards are kept *in its frame*: times 1 for a long position, times -1 for a short one. There a
stop always lies below and a target above, and every rule is written once.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Codes are floats, as all that stands in the arrays: numba would compile a function once for each whole number it is
# given as a constant in a tuple.

# Kinds of orders; DONE is one that is no longer waiting.
DONE: Final = -1.0
MARKET: Final = 0.0
LIMIT: Final = 1.0
STOP: Final = 2.0
STOP_LIMIT: Final = 3.0
CANCEL: Final = 4.0

# What the amount of an order means.
UNITS: Final = 0.0
NOTIONAL: Final = 1.0
FRACTION: Final = 2.0
ALL: Final = 3.0
TARGET: Final = 4.0

# What an order is for.
ANY: Final = 0.0
ENTER: Final = 1.0
REDUCE: Final = 2.0

# How an order or a guard was reached. Rising: the price moved towards the worse for whoever waits for it (a stop);
# falling: towards the better (a limit).
NOWHERE: Final = 0.0
AT_OPEN: Final = 1.0
RISING: Final = 2.0
FALLING: Final = 3.0
AT_CLOSE: Final = 4.0
HELD: Final = 0.0
"""Of a position: held since an earlier bar."""

# Why there was a fill.
BY_ORDER: Final = 0.0
BY_STOP_LOSS: Final = 1.0
BY_TRAILING_STOP: Final = 2.0
BY_TAKE_PROFIT: Final = 3.0
BY_TIME: Final = 4.0
BY_DELISTING: Final = 5.0
BY_RUIN: Final = 6.0

# What became of an order.
WAITING: Final = 0.0
FILLED: Final = 1.0
PARTLY: Final = 2.0
EXPIRED: Final = 3.0
CANCELLED: Final = 4.0
NO_ROOM: Final = 5.0
TOO_SMALL: Final = 6.0
TOO_MANY: Final = 7.0
NO_SHORT: Final = 8.0
NOT_NEEDED: Final = 9.0
RUINED: Final = 10.0

PESSIMISTIC: Final = 0.0
OPTIMISTIC: Final = 1.0

# Columns of orders: as they are placed, and behind them what is added to those that wait.
ROW: Final = 0
SYMBOL: Final = 1
KIND: Final = 2
SIDE: Final = 3
SIZING: Final = 4
AMOUNT: Final = 5
LIMIT_PRICE: Final = 6
STOP_PRICE: Final = 7
LIFE: Final = 8
STOP_LOSS: Final = 9
TAKE_PROFIT: Final = 10
TRAIL: Final = 11
MAX_BARS: Final = 12
INTENT: Final = 13
N_ORDER: Final = 14
ORDER_ID: Final = 14
DUE: Final = 15
"""First row in which it can be filled."""
LEFT: Final = 16
"""Units still to be traded; NaN until the order is first reached."""
DEALT: Final = 17
FATE: Final = 18
N_WAITING: Final = 19

# Columns of fills.
F_ROW: Final = 0
F_SYMBOL: Final = 1
F_ORDER: Final = 2
F_QUANTITY: Final = 3
F_PRICE: Final = 4
F_TOUCHED: Final = 5
F_FEE: Final = 6
F_WHY: Final = 7
F_HOW: Final = 8
F_IS_MAKER: Final = 9
F_PART: Final = 10
"""Which of the finer bars of the row, from 0."""
N_FILL: Final = 11

# Columns of trades.
T_SYMBOL: Final = 0
T_SIDE: Final = 1
T_ENTRY_ROW: Final = 2
T_EXIT_ROW: Final = 3
T_QUANTITY: Final = 4
T_ENTRY_PRICE: Final = 5
T_EXIT_PRICE: Final = 6
T_FEES: Final = 7
T_FUNDING: Final = 8
T_PNL: Final = 9
T_WHY: Final = 10
T_IS_AMBIGUOUS: Final = 11
N_TRADE: Final = 12

# One array holds all that goes on from bar to bar: the account, a record of each symbol, the orders that wait, and the
# fills and trades so far. A compiled function that is given one array is called in nanoseconds; with eighteen of them
# each call costs more than a bar should.
CASH: Final = 0
NEXT_ORDER: Final = 1
"""First order of the tape that has not been placed."""
N_LIVE: Final = 2
N_FILLS: Final = 3
N_TRADES: Final = 4
N_AMBIGUOUS: Final = 5
RUIN_ROW: Final = 6
NOW: Final = 7
"""The row."""
FUNDING_NOW: Final = 8
"""Paid at this bar's open."""
SCHEDULE: Final = 9
"""Which costs are in force."""
N_SYMBOLS: Final = 10
AT_LIVE: Final = 11
"""Where the orders that wait begin; behind them fills, and behind those trades."""
AT_FILLS: Final = 12
AT_TRADES: Final = 13
LEVERAGE: Final = 14
MAX_POSITIONS: Final = 15
MAY_SHORT: Final = 16
LATENCY: Final = 17
IS_SAME_CLOSE: Final = 18
"""1: a market order is filled at the close at which it was decided."""
PATH: Final = 19
IS_ONE_FILL: Final = 20
PARTICIPATION: Final = 21
"""Part of a bar's volume that may be traded; infinite: any quantity."""
PART: Final = 22
"""Which of the finer bars of the row, from 0; 0 where the row is one bar."""
IS_LAST_PART: Final = 23
IS_IN_DOUBT: Final = 24
"""1: a bar of this row did not tell what came first, or whether it came at all."""
STOPS_AT_DOUBT: Final = 25
"""1: the loop returns behind a row that is in doubt."""
N_IN_DOUBT: Final = 26
"""Rows in doubt so far."""
N_HEADER: Final = 27

# A symbol: the position, the trade that is open in it, the bar, and what the venue takes.
QUANTITY: Final = 0
ENTRY_PRICE: Final = 1
MARK: Final = 2
"""The last price that was seen."""
GUARD_STOP: Final = 3
GUARD_TARGET: Final = 4
PEAK: Final = 5
KEEP: Final = 6
"""What a trailing stop leaves of the best price: 1 less the distance, in the frame; NaN: there is none."""
EXIT_ROW: Final = 7
CLOSING: Final = 8
"""Why the position is being closed, where one bar did not suffice; 0: it is not."""
ENTERED: Final = 9
USED: Final = 10
"""Units traded in this bar."""
FILL_ROW: Final = 11
ENTRY_ROW: Final = 12
BOUGHT: Final = 13
"""Units by which the open trade was entered."""
BOUGHT_FOR: Final = 14
SOLD_FOR: Final = 15
FEES: Final = 16
FUNDING: Final = 17
IS_AMBIGUOUS: Final = 18
OPEN: Final = 19
HIGH: Final = 20
LOW: Final = 21
CLOSE: Final = 22
VOLUME: Final = 23
RATE: Final = 24
"""Of funding at this open."""
IS_TRADABLE: Final = 25
DELISTED: Final = 26
"""Row from which on it is not traded."""
MAKER: Final = 27
TAKER: Final = 28
SLIP: Final = 29
IMPACT: Final = 30
TICK: Final = 31
LOT: Final = 32
MIN_NOTIONAL: Final = 33
N_SYMBOL: Final = 34
N_COST: Final = 7
"""The last columns: those of assay.measures.trading_costs.Costs, as fractions."""


class Bar(NamedTuple):
    """One bar of one symbol, or the same in the frame of a short position, where all but the volume is negated."""

    open: float
    high: float
    low: float
    close: float
    volume: float


class Prices(NamedTuple):
    """Bars of all symbols on one grid, shape ``(n_bars, n_symbols)``; NaN where there is none."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    funding: Floats
    """Rate at the bar's open; of shape (0, n_symbols) where nothing is funded."""


class Finer(NamedTuple):
    """Shorter bars that make up some of the rows, and decide in which order things happened there."""

    first: Ints
    """Where those of each row begin, shape ``(n_rows + 1,)``; (0,) where no row has any."""
    prices: Prices


class World(NamedTuple):
    """All that a backtest reads and does not change."""

    prices: Prices
    tape: Floats
    """Orders in the order in which they are placed, shape ``(n_orders, N_ORDER)``."""
    costs: Floats
    """Shape ``(n_schedules, n_symbols, N_COST)``."""
    starts: Ints
    """Row from which on each schedule is in force, shape ``(n_schedules,)``."""
    finer: Finer


class Out(NamedTuple):
    """What a backtest writes beside its memory."""

    equity: Floats
    """At each close, in quote units."""
    funding: Floats
    """Paid at each open; of shape (0,) where nothing is funded."""
    fates: Ints
    """What became of each order of the tape."""


class Span(NamedTuple):
    """Which rows to do, and which of the two halves of a bar."""

    start: int
    stop: int
    base: int
    """The row with which the arrays begin."""
    half: int


WHOLE: Final = 0
TRADE_HALF: Final = 1
DECIDE_HALF: Final = 2
