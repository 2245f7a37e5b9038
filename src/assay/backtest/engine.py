"""Run a strategy over a market: orders on the one side, what came of them on the other.

>>> import numpy as np
>>> from assay.backtest.signals import Signals
>>> hour, price = 3_600_000_000, np.array([100.0, 100.0, 110.0, 121.0])
>>> opened = np.arange(4) * hour
>>> market = Market(("BTC-USDT",), opened, opened + hour, price, price, price, price)
>>> signals = Signals(long_entry=np.array([True, False, False, False]), long_exit=np.array([False, True, False, False]))
>>> result = run(signals, market, account=Account(cash=1_000.0))
>>> [(fill.row, fill.at, fill.quantity, fill.price) for fill in result.fills], result.equity.tolist()
([(1, 'open', 10.0, 100.0), (2, 'open', -10.0, 110.0)], [1000.0, 1000.0, 1100.0, 1100.0])
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable
from typing import Protocol, runtime_checkable

import numpy as np

from assay.backtest import layout as at
from assay.backtest.account import PATHS, Account, CostsGiven
from assay.backtest.envelope import follow_all
from assay.backtest.filling import symbol_at
from assay.backtest.layout import Floats
from assay.backtest.loop import advance
from assay.backtest.market import Market
from assay.backtest.orders import Order, tape_of
from assay.backtest.progress import Loop, Progress
from assay.backtest.result import Band, Position, Result
from assay.domain.errors import AssayError, BadInputError, TerminalError
from assay.measures.trading_costs import Costs


class StrategyError(TerminalError):
    """A strategy's own code failed."""


class View:
    """What a strategy sees at a close: everything until then, and nothing later.

    Parameters
    ----------
    row : int
        The bar that has just closed.
    market : Market
        Of the whole backtest; only its past can be asked for.
    progress : Progress
    """

    def __init__(self, row: int, market: Market, progress: Progress) -> None:
        self.row = row
        self._market = market
        self._memory = progress.memory

    @functools.cached_property
    def past(self) -> Market:
        """The bars until this close, this one included."""
        return self._market.known_at(self.row)

    @property
    def cash(self) -> float:
        """Quote units."""
        return float(self._memory[at.CASH])

    @property
    def equity(self) -> float:
        """Cash and positions at their last prices, in quote units."""
        return self.cash + sum(self.position(symbol).value for symbol in self._market.symbols)

    @property
    def waiting(self) -> int:
        """Number of orders that have been placed and wait."""
        return int(self._memory[at.N_LIVE])

    def position(self, symbol: str) -> Position:
        """Return what is held of a symbol."""
        place = symbol_at(self._market.place_of(symbol))
        units, mark = float(self._memory[place + at.QUANTITY]), float(self._memory[place + at.MARK])
        return Position(symbol, units, float(self._memory[place + at.ENTRY_PRICE]), units * mark if units else 0.0)


@runtime_checkable
class VectorStrategy(Protocol):
    """A strategy that knows all its orders from the bars alone."""

    def tape(self, market: Market) -> Floats:
        """Return its orders, shape ``(n_orders, N_ORDER)``, by the bar at whose close they are decided."""
        ...


@runtime_checkable
class Strategy(Protocol):
    """A strategy that is asked at each close."""

    def decide(self, view: View) -> Iterable[Order]:
        """Return the orders of this close."""
        ...


def run(
    strategy: VectorStrategy | Strategy,
    market: Market,
    *,
    account: Account | None = None,
    costs: CostsGiven | None = None,
    path: str = "pessimistic",
    loop: Loop = advance,
) -> Result:
    """Trade a strategy's orders on the bars of a market.

    Parameters
    ----------
    strategy : VectorStrategy or Strategy
        One with all orders at once, or one that is asked at each close: the same orders give the same result.
    market : Market
    account : Account, optional
    costs : Costs, mapping of symbol to Costs, or sequence of Schedule, optional
        None: trading is free.
    path : str, default "pessimistic"
        Where a bar does not tell what came first: ``pessimistic`` or ``optimistic``.
    loop : callable, default advance
        The loop, or the same compiled, which gives the same bits.

    Returns
    -------
    Result
        Causal: what is in it up to a bar does not change if later bars are left out.

    Raises
    ------
    BadInputError
        If an order, the account or the costs are unusable.
    StrategyError
        If the strategy fails, with the bar at which it did.
    """
    if path not in PATHS:
        raise BadInputError("no such path", value=path, todo=f"use {' or '.join(PATHS)}")
    account = account or Account()
    progress = Progress(market, account, Costs() if costs is None else costs, path=PATHS[path], loop=loop)
    if isinstance(strategy, VectorStrategy):
        tape = _tape_of(strategy, market)
        progress.place(tape)
        progress.expect(len(tape))
        progress.go(0, len(market))
    elif isinstance(strategy, Strategy):
        _ask_at_each_close(strategy, market, progress)
    else:
        todo = "give Signals, TargetWeights, or an object with a method decide(view)"
        raise BadInputError("not a strategy", value=type(strategy).__name__, todo=todo)
    return _result(market, account, path, progress)


def run_band(
    strategy: VectorStrategy | Strategy,
    market: Market,
    *,
    account: Account | None = None,
    costs: CostsGiven | None = None,
    loop: Loop = advance,
) -> Band:
    """Do :func:`run` on the pessimistic and on the optimistic path, and follow whatever else may have come of it.

    Parameters
    ----------
    strategy, market, account, costs, loop
        As of :func:`run`.

    Returns
    -------
    Band
        Of a strategy that is asked at each close the range of both paths: it cannot be asked for each of the accounts
        that may be.
    """
    account, costs = account or Account(), Costs() if costs is None else costs
    if not isinstance(strategy, VectorStrategy):
        low, high = (run(strategy, market, account=account, costs=costs, path=path, loop=loop) for path in PATHS)
        return Band(low, high)
    tape = _tape_of(strategy, market)
    low = run(_Placed(tape), market, account=account, costs=costs, loop=loop)
    if not low.rows_in_doubt:
        return Band(low, dataclasses.replace(low, path="optimistic"))
    high = run(_Placed(tape), market, account=account, costs=costs, path="optimistic", loop=loop)
    progress = Progress(market, account, costs, path=PATHS["pessimistic"], loop=loop)
    progress.place(tape)
    return Band(low, high, follow_all(progress.world, progress.memory, loop=loop))


class _Placed:
    """A strategy whose orders are known already."""

    def __init__(self, tape: Floats) -> None:
        self._tape = tape

    def tape(self, market: Market) -> Floats:  # noqa: ARG002
        return self._tape


def _ask_at_each_close(strategy: Strategy, market: Market, progress: Progress) -> None:
    rows: list[list[float]] = []
    for row in range(len(market)):
        progress.go(row, row + 1, at.TRADE_HALF)
        rows.extend(_asked(strategy, View(row, market, progress), market))
        if len(rows) > progress.world.tape.shape[0]:
            progress.place(tape_of(rows))
        progress.go(row, row + 1, at.DECIDE_HALF)


def _asked(strategy: Strategy, view: View, market: Market) -> list[list[float]]:
    orders = asked(lambda: strategy.decide(view), view.row, int(market.close_time[view.row]))
    return [order.row(view.row, market.place_of(order.symbol)) for order in orders]


def asked(decide: Callable[[], Iterable[Order]], row: int, close_time: int) -> list[Order]:
    """Return the orders that somebody's own code decides on at a close.

    Raises
    ------
    StrategyError
        If it fails, with the bar at which it did, or returns something else.
    """
    try:
        orders = list(decide())
    except AssayError:
        raise
    except Exception as error:
        moment = np.datetime64(close_time, "us")
        what = f"the strategy failed at the close of {moment}Z (bar {row})"
        raise StrategyError(what, value=f"{type(error).__name__}: {error}", todo="mend decide()") from error
    for order in orders:
        if not isinstance(order, Order):
            raise StrategyError("a strategy returned what is no Order", value=order, todo="return a list of Order")
    return orders


def _tape_of(strategy: VectorStrategy, market: Market) -> Floats:
    """Return the tape of somebody's own code, or refuse one that the loop cannot read: it checks no place of it."""
    try:
        tape = strategy.tape(market)
    except AssayError:
        raise
    except Exception as error:
        value = f"{type(error).__name__}: {error}"
        raise StrategyError("the strategy failed to make its orders", value=value, todo="mend tape()") from error
    if not isinstance(tape, np.ndarray):
        todo = f"return float64 of shape (n, {at.N_ORDER})"
        raise BadInputError("not a tape of orders", value=type(tape).__name__, todo=todo)
    if tape.ndim != 2 or tape.shape[1] != at.N_ORDER or tape.dtype != np.float64:
        raise BadInputError("not a tape of orders", value=tape.shape, todo=f"give float64 of shape (n, {at.N_ORDER})")
    rows, columns = tape[:, at.ROW], tape[:, at.SYMBOL]
    if not (np.all(np.diff(rows) >= 0) and np.all((rows >= 0) & (rows < len(market)))):
        raise BadInputError("orders out of order, or of bars that are not there", todo="sort them by their bars")
    if not np.all((columns >= 0) & (columns < len(market.symbols)) & (columns % 1 == 0)):
        raise BadInputError("orders of symbols that are not there", todo=f"count from 0 to {len(market.symbols) - 1}")
    return tape


def _result(market: Market, account: Account, path: str, progress: Progress) -> Result:
    memory, out = progress.memory, progress.out
    return Result(
        market=market,
        account=account,
        path=path,
        equity=out.equity,
        funding_paid=out.funding,
        fill_rows=progress.records(at.AT_FILLS, at.N_FILLS, at.N_FILL),
        trade_rows=progress.records(at.AT_TRADES, at.N_TRADES, at.N_TRADE),
        tape=progress.world.tape,
        fates=out.fates,
        held=progress.symbols[:, at.QUANTITY].copy(),
        ambiguous=int(memory[at.N_AMBIGUOUS]),
        rows_in_doubt=int(memory[at.N_IN_DOUBT]),
        ruin_row=int(memory[at.RUIN_ROW]) if memory[at.RUIN_ROW] >= 0 else None,
    )
