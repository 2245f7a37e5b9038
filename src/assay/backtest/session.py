"""An account that is led from bar to bar, as time brings them: what a backtest does with all bars at once.

Each step takes the bars that have just closed, and the orders that are decided at this close, and says what happened.
It needs no bar that is still to come and keeps none that was: its state is one array, can be saved, and goes on from
there. A backtest over the same bars gives the same numbers, to the bit.

>>> import numpy as np
>>> hour, price = 3_600_000_000, np.array([100.0, 100.0, 110.0, 121.0])
>>> opened = np.arange(4) * hour
>>> market = Market(("BTC-USDT",), opened, opened + hour, price, price, price, price)
>>> session = Session(("BTC-USDT",), account=Account(cash=1_000.0))
>>> bought = session.step(market.rows(0, 1), [Order("BTC-USDT", fraction=1.0)])
>>> filled = session.step(market.rows(1, 2))
>>> [(fill.quantity, fill.price) for fill in filled.fills], filled.equity
([(10.0, 100.0)], 1000.0)
>>> session = Session.load(session.save())
>>> session.step(market.rows(2, 3), [Order("BTC-USDT", "sell")]).equity
1100.0
>>> session.step(market.rows(3, 4)).trades[0].pnl
210.0
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from assay.backtest import layout as at
from assay.backtest.account import (
    PATHS,
    Account,
    CostsGiven,
    check_first,
    check_ticks,
    costs_of,
    schedules_of,
)
from assay.backtest.engine import asked
from assay.backtest.filling import equity_of
from assay.backtest.layout import Floats, Ints, Out, Span, World
from assay.backtest.loop import advance
from assay.backtest.market import NEVER, Market, read_only
from assay.backtest.orders import FATES, KIND_NAMES, SIDE_NAMES, Order, tape_of
from assay.backtest.progress import (
    FIRST_FILLS,
    FIRST_WAITING,
    Loop,
    first_memory,
    records_of,
    symbols_of,
    with_more_room,
    with_room,
)
from assay.backtest.result import Fill, Position, Trade, fill_of, trade_of
from assay.backtest.saved_session import SessionState, read_state, written_state
from assay.domain.errors import BadInputError
from assay.measures.trading_costs import Costs


class WaitingOrder(NamedTuple):
    """An order that has been placed and is neither filled nor taken off."""

    order: int
    """Its number, from 0 in the order in which they were placed; that of its fills."""
    symbol: str
    kind: str
    side: str
    left: float
    """Base units that are still to be traded; NaN: that is settled when it is first reached."""


class Done(NamedTuple):
    """An order that does not wait any more."""

    order: int
    fate: str
    """One of :data:`assay.backtest.orders.FATES`."""


@dataclass(frozen=True, slots=True)
class Step:
    """What happened in the bars of one step, and how the account stands after it."""

    row: int
    """Number of the step, from 0."""
    close_time: int
    """Microseconds."""
    equity: float
    """Cash and positions at their last prices, in quote units."""
    cash: float
    funding_paid: float
    fills: tuple[Fill, ...]
    trades: tuple[Trade, ...]
    """Positions that were closed in it."""
    positions: tuple[Position, ...]
    waiting: tuple[WaitingOrder, ...]
    placed: tuple[int, ...] = ()
    """Numbers of the orders that were decided at its close."""
    done: tuple[Done, ...] = ()
    is_ruined: bool = False
    """True once the account was worth nothing at a close."""


Orders = Iterable[Order] | Callable[[Step], Iterable[Order]]


class Session:
    """One account from bar to bar.

    Parameters
    ----------
    symbols : sequence of str
        What it may trade, all in one quote currency.
    account : Account, optional
    costs : Costs, mapping of symbol to Costs, or sequence of Schedule, optional
        None: trading is free.
    path : str, default "pessimistic"
        Where a bar does not tell what came first.
    loop : callable, default advance
        The loop, or the same compiled, which gives the same bits.

    Raises
    ------
    BadInputError
        If the path is none, or the costs are unusable.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        *,
        account: Account | None = None,
        costs: CostsGiven | None = None,
        path: str = "pessimistic",
        loop: Loop = advance,
    ) -> None:
        if path not in PATHS:
            raise BadInputError("no such path", value=path, todo=f"use {' or '.join(PATHS)}")
        account, schedules = account or Account(), schedules_of(Costs() if costs is None else costs)
        table = costs_of(schedules, symbols, account.participation)
        memory = first_memory(account, table[0], PATHS[path])
        self._begin(SessionState(tuple(symbols), account, tuple(schedules), 0, 0, -NEVER, memory), loop)

    def _begin(self, state: SessionState, loop: Loop) -> None:
        self.symbols, self.account, self._schedules = state.symbols, state.account, state.schedules
        self.row, self._ordered, self._closed = state.row, state.ordered, state.closed
        self._loop = loop
        self._times = np.array([one.from_time for one in self._schedules], dtype=np.int64)
        self._costs = costs_of(self._schedules, self.symbols, self.account.participation)
        self._memory = with_room(state.memory, FIRST_WAITING, FIRST_FILLS)

    @classmethod
    def load(cls, saved: bytes, *, loop: Loop = advance) -> Session:
        """Return a session that goes on where :meth:`save` was called.

        Raises
        ------
        BadInputError
            If `saved` is no session, is damaged, or was saved by a version that keeps other things.
        """
        session = object.__new__(cls)
        session._begin(read_state(saved), loop)
        return session

    def save(self) -> bytes:
        """Return all that the session goes on from: account, costs, positions, and orders that wait."""
        memory = self._memory[: int(self._memory[at.AT_LIVE] + self._memory[at.N_LIVE] * at.N_WAITING)].copy()
        memory[[at.N_FILLS, at.N_TRADES]] = 0.0
        memory[[at.AT_FILLS, at.AT_TRADES]] = memory.size
        return written_state(
            SessionState(self.symbols, self.account, self._schedules, self.row, self._ordered, self._closed, memory)
        )

    def step(self, bars: Market, orders: Orders = ()) -> Step:
        """Do one bar of each symbol: fill what it reaches, then let the orders wait that are decided at its close.

        Parameters
        ----------
        bars : Market
            Of one row, with the session's symbols; NaN where one has no bar. Finer bars of it decide, if it has some.
        orders : iterable of Order, or callable
            Decided at this close; or a function that is told what happened in these bars and returns them.

        Returns
        -------
        Step
            Handed out once: the session keeps no fills and trades.

        Raises
        ------
        BadInputError
            If the bars are of other symbols, more than one row, or not later than those before, or an order is of
            another symbol. The session is as it was.
        StrategyError
            If the function fails; the session is as it was.
        """
        self._check(bars)
        before = self._memory.copy()
        try:
            return self._step(bars, orders)
        except BaseException:
            self._memory = before
            raise

    def _step(self, bars: Market, orders: Orders) -> Step:
        memory, close_time = self._memory, int(bars.close_time[0])
        memory[[at.N_FILLS, at.N_TRADES]] = 0.0
        self._note_delistings(bars)
        # The loop knows orders by their place on the tape: those that wait come first there, then the new ones.
        live = records_of(memory, at.AT_LIVE, at.N_LIVE, at.N_WAITING)
        numbers = live[:, at.ORDER_ID].astype(np.int64)
        self._number_waiting(np.arange(len(live)))
        memory[at.NEXT_ORDER] = len(live)
        out = Out(np.empty(1), np.zeros(min(bars.funding.shape[0], 1)), np.zeros(len(live), dtype=np.int64))
        world = World(
            bars.prices(), read_only(live[:, : at.N_ORDER]), self._costs, self._starts(bars), bars.finer_prices()
        )
        self._go(world, out, at.TRADE_HALF)
        decided = list(orders) if not callable(orders) else self._decided(orders, close_time, out, numbers)
        tape = [order.row(self.row, bars.place_of(order.symbol)) for order in decided]
        numbers = np.append(numbers, self._ordered + np.arange(len(tape)))
        world = world._replace(tape=read_only(np.vstack([world.tape, tape_of(tape)])))
        out = out._replace(fates=np.zeros(len(numbers), dtype=np.int64))
        self._go(world, out, at.DECIDE_HALF)
        waiting = records_of(self._memory, at.AT_LIVE, at.N_LIVE, at.N_WAITING)[:, at.ORDER_ID].astype(np.int64)
        fates = zip(numbers.tolist(), out.fates.tolist(), strict=True)
        done = [Done(number, FATES[fate]) for number, fate in fates if number not in set(numbers[waiting].tolist())]
        self._number_waiting(numbers[waiting])
        happened = self._happened(close_time, out, numbers)
        self.row, self._closed, self._ordered = self.row + 1, close_time, self._ordered + len(tape)
        placed = range(self._ordered - len(tape), self._ordered)
        return dataclasses.replace(happened, placed=tuple(placed), done=tuple(done))

    def _decided(
        self, orders: Callable[[Step], Iterable[Order]], close_time: int, out: Out, numbers: Ints
    ) -> list[Order]:
        self._number_waiting(numbers)
        happened = self._happened(close_time, out, numbers)
        decided = asked(lambda: orders(happened), self.row, close_time)
        self._number_waiting(np.arange(len(numbers)))
        return decided

    def _go(self, world: World, out: Out, half: int) -> None:
        while self._loop(world, self._memory, out, Span(self.row, self.row + 1, self.row, half)) <= self.row:
            self._memory = with_more_room(self._memory, world.tape.shape[0])

    def _number_waiting(self, numbers: Ints) -> None:
        """Call the orders that wait by these numbers."""
        first, count = int(self._memory[at.AT_LIVE]), int(self._memory[at.N_LIVE])
        self._memory[first : first + count * at.N_WAITING].reshape(-1, at.N_WAITING)[:, at.ORDER_ID] = numbers

    def _note_delistings(self, bars: Market) -> None:
        for symbol, moment in bars.delisted_at.items():
            place = bars.place_of(symbol), at.DELISTED
            records = symbols_of(self._memory)
            if bars.open_time[0] >= moment and records[place] == NEVER:
                records[place] = self.row

    def _starts(self, bars: Market) -> Ints:
        """Return the rows from which on costs are in force, as far as that matters now."""
        return read_only(np.where(self._times <= bars.open_time[0], 0, NEVER).astype(np.int64))

    def _check(self, bars: Market) -> None:
        if bars.symbols != self.symbols:
            todo = f"give bars of {', '.join(self.symbols)}, in this order"
            raise BadInputError("bars of other symbols than the session's", value=", ".join(bars.symbols), todo=todo)
        if len(bars) != 1:
            raise BadInputError(
                "a step takes one bar of each symbol", value=f"{len(bars)} rows", todo="market.rows(0, 1)"
            )
        if bars.open_time[0] < self._closed:
            raise BadInputError("a bar that is not later than the last one", value=int(bars.open_time[0]))
        if self.row == 0:
            check_first(self._schedules, int(bars.open_time[0]))
        check_ticks(self._costs, bars)

    def _happened(self, close_time: int, out: Out, numbers: Ints) -> Step:
        memory = self._memory
        fills = records_of(memory, at.AT_FILLS, at.N_FILLS, at.N_FILL)
        by_order = ~np.isnan(fills[:, at.F_ORDER])
        fills[by_order, at.F_ORDER] = numbers[fills[by_order, at.F_ORDER].astype(np.int64)]
        trades = records_of(memory, at.AT_TRADES, at.N_TRADES, at.N_TRADE)
        waiting = records_of(memory, at.AT_LIVE, at.N_LIVE, at.N_WAITING)
        return Step(
            row=self.row,
            close_time=close_time,
            equity=float(equity_of(memory)),
            cash=float(memory[at.CASH]),
            funding_paid=float(out.funding[0]) if out.funding.size else 0.0,
            fills=tuple(fill_of(row, self.symbols) for row in fills.tolist()),
            trades=tuple(trade_of(row, self.symbols) for row in trades.tolist()),
            positions=_positions(memory, self.symbols),
            waiting=tuple(_waiting(row, self.symbols) for row in waiting.tolist() if row[at.KIND] != at.DONE),
            is_ruined=bool(memory[at.RUIN_ROW] >= 0),
        )


def _positions(memory: Floats, symbols: tuple[str, ...]) -> tuple[Position, ...]:
    return tuple(
        Position(symbol, row[at.QUANTITY], row[at.ENTRY_PRICE], row[at.QUANTITY] * row[at.MARK])
        for symbol, row in zip(symbols, symbols_of(memory).tolist(), strict=True)
        if row[at.QUANTITY] != 0
    )


def _waiting(row: list[float], symbols: tuple[str, ...]) -> WaitingOrder:
    kind, side = KIND_NAMES[int(row[at.KIND])], SIDE_NAMES[row[at.SIDE]]
    return WaitingOrder(int(row[at.ORDER_ID]), symbols[int(row[at.SYMBOL])], kind, side, row[at.LEFT])
