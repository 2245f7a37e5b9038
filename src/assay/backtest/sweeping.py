"""Many strategies over one market, each worth a few figures: what they end with, and how rough the way was.

>>> import numpy as np
>>> from assay.backtest.signals import Signals
>>> hour, price = 3_600_000_000, np.array([100.0, 100.0, 110.0, 121.0])
>>> opened = np.arange(4) * hour
>>> setting = Setting(Market(("BTC-USDT",), opened, opened + hour, price, price, price, price), Account(cash=1_000.0))
>>> makers = [functools.partial(Signals, long_entry=np.arange(4) == row) for row in range(3)]
>>> [round(total_return, 4) for total_return in sweep(makers, setting, lambda outcome: outcome.total_return)]
[0.21, 0.1, 0.0]
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from assay.backtest import layout as at
from assay.backtest.account import SAME_CLOSE, Account, CostsGiven, cost_table
from assay.backtest.engine import VectorStrategy, run
from assay.backtest.layout import Floats
from assay.backtest.loop import advance
from assay.backtest.market import Market
from assay.backtest.progress import Loop
from assay.backtest.signal_loop import N_DUE, Columns, Rules, Wishes, Written, follow
from assay.backtest.signals import Flags, Signals
from assay.measures.performance import depth_of, sharpe_of
from assay.measures.trading_costs import Costs

T = TypeVar("T")
_PART = 16
"""Strategies that a thread takes at once: to take one costs as much as a tenth of a backtest."""
_Scalar = TypeVar("_Scalar", bound=np.generic)
SignalLoop = Callable[[Columns, Wishes, Rules, Written], int]


class Loops(NamedTuple):
    """The loop for every strategy, and the quick one for signals of one symbol: as they are, or both compiled."""

    advance: Loop
    follow: SignalLoop


INTERPRETED = Loops(advance, follow)


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What came of a strategy on the pessimistic path; the bits of :attr:`assay.backtest.result.Result.performance`."""

    worth: Floats
    """Of the account before the first bar and at each close, shape ``(n_bars + 1,)``, in quote units."""
    trades: int
    interval_us: int

    @property
    def equity(self) -> Floats:
        """At each close, shape ``(n_bars,)``, in quote units."""
        return self.worth[1:]

    @property
    def final_equity(self) -> float:
        """Quote units."""
        return float(self.worth[-1])

    @property
    def total_return(self) -> float:
        """As a fraction of the cash at the start."""
        return float(self.worth[-1] / self.worth[0]) - 1.0

    @property
    def sharpe(self) -> float:
        """Annualised; NaN if nothing varied or the account was ruined."""
        return sharpe_of(self.worth, interval_us=self.interval_us)

    @property
    def max_drawdown(self) -> float:
        """Fraction <= 0; -1 at the most."""
        return depth_of(self.worth)


@dataclass(frozen=True, eq=False)
class Setting:
    """What all strategies of a sweep have in common."""

    market: Market
    account: Account = field(default_factory=Account)
    costs: CostsGiven = field(default_factory=Costs)
    loops: Loops = INTERPRETED

    def outcome(self, strategy: VectorStrategy) -> Outcome:
        """Trade one strategy; several threads may at once.

        Raises
        ------
        BadInputError
            If an order, the account or the costs are unusable.
        """
        worth = np.empty(len(self.market) + 1)
        worth[0] = self.account.cash
        trades = self._followed(strategy, worth[1:]) if type(strategy) is Signals else None
        if trades is None:
            result = run(strategy, self.market, account=self.account, costs=self.costs, loop=self.loops.advance)
            worth[1:], trades = result.equity, len(result.trade_rows)
        return Outcome(worth, trades, self._interval_us)

    def _followed(self, signals: Signals, equity: Floats) -> int | None:
        """Have the quick loop write the equity and return the number of trades; None if it is no case for it."""
        wishes = _wishes(signals, self._nothing)
        if wishes is None or self._columns is None:
            return None
        rules = self._rules._replace(sizing=signals.size.sizing, max_bars=float(signals.exits.max_bars))
        written = Written(equity, np.empty((wishes.closes.size + 1, N_DUE)))
        return self.loops.follow(self._columns, wishes, rules, written)

    @functools.cached_property
    def _columns(self) -> Columns | None:
        """The bars as the quick loop takes them; None if they are none for it."""
        market = self.market
        is_plain = len(market.symbols) == 1 and market.finer is None and not market.funding.size
        has_one_cost = self._costs.shape[0] == 1 and self.account.participation is None
        is_whole = not np.isnan(market.close).any() and bool((market.delisted_row >= len(market)).all())
        if not (is_plain and has_one_cost and is_whole):
            return None
        return Columns(*(one.reshape(-1) for one in market.prices()[:5]))

    @functools.cached_property
    def _interval_us(self) -> int:
        return self.market.interval_us

    @functools.cached_property
    def _nothing(self) -> Flags:
        return np.zeros(len(self.market), dtype=np.bool_)

    @functools.cached_property
    def _costs(self) -> Floats:
        return cost_table(self.costs, self.market, self.account.participation)[0]

    @functools.cached_property
    def _rules(self) -> Rules:
        maker, taker, slip, _impact, tick, lot, min_notional = self._costs[0, 0].tolist()
        account, is_same_close = self.account, self.account.fill_at == SAME_CLOSE
        return Rules(
            cash=float(account.cash),
            leverage=float(account.max_leverage),
            may_short=float(account.may_short),
            is_one_fill=float(account.one_fill_a_bar),
            is_same_close=float(is_same_close),
            delay=float(account.latency_bars + (not is_same_close)),
            maker=maker,
            taker=taker,
            slip=slip,
            tick=tick,
            lot=lot,
            min_notional=min_notional,
            sizing=at.FRACTION,
            max_bars=0.0,
        )


def sweep(
    strategies: Sequence[Callable[[], VectorStrategy]],
    setting: Setting,
    figure: Callable[[Outcome], T],
    *,
    threads: int = 2,
) -> list[T]:
    """Return a figure of each of many strategies, in their order, some at a time; compiled loops hold no lock.

    Parameters
    ----------
    strategies : sequence of callable
        Each makes a strategy when it is its turn: all at once would need all their signals in memory.
    setting : Setting
    figure : callable
        What is kept of an outcome; its figures are computed when they are asked for.
    threads : int, default 2
        The figures do not depend on it.

    Raises
    ------
    BadInputError
        As :meth:`Setting.outcome`, of the first strategy in their order that has a fault.
    """
    parts = [strategies[start : start + _PART] for start in range(0, len(strategies), _PART)]
    with ThreadPoolExecutor(threads) as pool:
        figures = pool.map(lambda part: [figure(setting.outcome(make())) for make in part], parts)
        return list(itertools.chain.from_iterable(figures))


def _wishes(signals: Signals, nothing: Flags) -> Wishes | None:
    """Return signals as the quick loop takes them; None if they are none for it, or wrong: the engine says how."""
    bars, exits = nothing.size, signals.exits
    sides = signals.long_exit, signals.short_exit, signals.long_entry, signals.short_entry
    flags = [_column(nothing if one is None else np.asarray(one), bars) for one in sides]
    values = signals.size.amount, exits.stop_loss, exits.take_profit, exits.trailing_stop
    carried = [_column(np.asarray(one, dtype=np.float64), bars) for one in values]
    are_flags = all(one.dtype == np.bool_ and one.size == bars for one in flags)
    if signals.rank is not None or not are_flags or not all(one.size in (1, bars) for one in carried):
        return None
    given = [one for one in flags if one is not nothing]
    is_wanted = given[0] if given else nothing
    for one in given[1:]:
        is_wanted = is_wanted | one
    return Wishes(np.flatnonzero(is_wanted), *flags, *carried)  # type: ignore[arg-type]  # they are told apart by place


def _column(values: NDArray[_Scalar], bars: int) -> NDArray[_Scalar]:
    """Return a value for all bars, or one for each, as the compiled loop takes them; nothing if it is neither."""
    if values.shape not in ((), (bars,), (bars, 1)):
        return values[:0].reshape(-1)
    flat = values.reshape(-1)
    return flat if flat.flags.carray else flat.copy()
