"""A backtest under way: the memory in which the loop works, and more of it where it is full."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from assay.backtest import layout as at
from assay.backtest.account import Account, CostsGiven, cost_table
from assay.backtest.layout import Floats, Out, Span, World
from assay.backtest.loop import advance
from assay.backtest.market import NEVER, Market, read_only

Loop = Callable[[World, Floats, Out, Span], int]

FIRST_WAITING, FIRST_FILLS = 16, 64


class Progress:
    """Memory and output of one run, from its first bar to wherever it has come.

    Parameters
    ----------
    market : Market
    account : Account
    costs : Costs, mapping of symbol to Costs, or schedules
    path : float
        ``PESSIMISTIC`` or ``OPTIMISTIC``.
    loop : callable, default advance
        The loop, or the same compiled.
    """

    def __init__(
        self, market: Market, account: Account, costs: CostsGiven, *, path: float, loop: Loop = advance
    ) -> None:
        self._loop = loop
        table, starts = cost_table(costs, market, account.participation)
        tape = read_only(np.empty((0, at.N_ORDER)))
        self.world = World(market.prices(), tape, table, starts, market.finer_prices())
        funding = np.zeros(len(market) if market.funding.shape[0] else 0)
        self.out = Out(np.full(len(market), math.nan), funding, np.zeros(0, dtype=np.int64))
        self.memory = with_room(first_memory(account, table[0], path), FIRST_WAITING, FIRST_FILLS)
        self.symbols[:, at.DELISTED] = market.delisted_row

    @property
    def symbols(self) -> Floats:
        """The records of the symbols, shape ``(n_symbols, N_SYMBOL)``, to be written to."""
        return symbols_of(self.memory)

    def records(self, start: int, count: int, width: int) -> Floats:
        """Return a copy of fills or trades: where they begin, how many there are and how wide they are."""
        return records_of(self.memory, start, count, width)

    def place(self, tape: Floats) -> None:
        """Let the loop read `tape`, which holds all orders so far, and after them perhaps more."""
        fates = np.zeros(tape.shape[0], dtype=np.int64)
        known = min(self.out.fates.size, fates.size)
        fates[:known] = self.out.fates[:known]
        self.world = self.world._replace(tape=read_only(tape))
        self.out = self.out._replace(fates=fates)

    def expect(self, orders: int) -> None:
        """Make room for what so many orders usually come to, so that it need not be made again and again."""
        self.memory = with_room(self.memory, FIRST_WAITING, FIRST_FILLS + 2 * orders)

    def go(self, start: int, stop: int, half: int = at.WHOLE) -> None:
        """Do the rows ``[start, stop)``, or one half of them."""
        row = start
        while row < stop:
            row = self._loop(self.world, self.memory, self.out, Span(row, stop, 0, half))
            if row < stop:
                due = int(np.searchsorted(self.world.tape[:, at.ROW], row, side="right"))
                self.memory = with_more_room(self.memory, due)


def first_memory(account: Account, costs: Floats, path: float) -> Floats:
    """Return the memory of an account that has not traded; it has no room for orders yet.

    Parameters
    ----------
    account : Account
    costs : float64 array, shape (n_symbols, N_COST)
        In force at the first bar.
    path : float
        ``PESSIMISTIC`` or ``OPTIMISTIC``.
    """
    memory = np.zeros(at.N_HEADER + len(costs) * at.N_SYMBOL)
    memory[at.N_SYMBOLS] = len(costs)
    for place, value in {at.CASH: account.cash, at.RUIN_ROW: -1.0, **account.terms(path)}.items():
        memory[place] = value
    symbols = symbols_of(memory)
    symbols[:, [at.MARK, at.KEEP]] = math.nan
    symbols[:, [at.GUARD_STOP, at.PEAK]] = -math.inf
    symbols[:, [at.GUARD_TARGET, at.EXIT_ROW]] = math.inf
    symbols[:, at.FILL_ROW] = -1.0
    symbols[:, at.DELISTED] = NEVER
    symbols[:, at.MAKER :] = costs
    for place in (at.AT_LIVE, at.AT_FILLS, at.AT_TRADES):
        memory[place] = memory.size
    return memory


def symbols_of(memory: Floats) -> Floats:
    """Return the records of the symbols, shape ``(n_symbols, N_SYMBOL)``, to be written to."""
    stop = at.N_HEADER + int(memory[at.N_SYMBOLS]) * at.N_SYMBOL
    return memory[at.N_HEADER : stop].reshape(-1, at.N_SYMBOL)


def records_of(memory: Floats, start: int, count: int, width: int) -> Floats:
    """Return a copy of orders that wait, fills or trades: where they begin, how many there are, how wide they are."""
    first = int(memory[start])
    return memory[first : first + int(memory[count]) * width].reshape(-1, width).copy()


def with_room(before: Floats, waiting: int, fills: int) -> Floats:
    """Return the memory with room for so many orders that wait, and so many fills and trades in all."""
    start = int(before[at.AT_LIVE])
    parts = (
        (at.AT_LIVE, int(before[at.AT_FILLS]), waiting * at.N_WAITING),
        (at.AT_FILLS, int(before[at.AT_TRADES]), fills * at.N_FILL),
        (at.AT_TRADES, before.size, fills * at.N_TRADE),
    )
    sizes = [max(size, stop - int(before[place])) for place, stop, size in parts]
    memory = np.zeros(start + sum(sizes))
    memory[:start] = before[:start]
    for (place, stop, _), size in zip(parts, sizes, strict=True):
        old = before[int(before[place]) : stop]
        memory[start : start + old.size] = old
        memory[place] = start
        start += size
    return memory


def with_more_room(memory: Floats, due: int) -> Floats:
    """Return the memory with room for what a bar may add, when the first `due` orders of the tape are placed."""
    waiting = int(memory[at.N_LIVE]) + max(due - int(memory[at.NEXT_ORDER]), 0)
    fills = int(memory[at.N_FILLS]) + 6 * waiting + 4 * int(memory[at.N_SYMBOLS])
    return with_room(memory, 2 * waiting, 2 * fills)
