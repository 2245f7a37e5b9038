"""Strategies made of strategies: one for each symbol of an account, or one after another in time.

Both only put tapes together: whatever a strategy would have ordered at a close it orders here too.

>>> import numpy as np
>>> from assay.backtest.signals import Signals
>>> hour, price = 3_600_000_000, np.full(4, 100.0)
>>> opened = np.arange(4) * hour
>>> market = Market(("BTC-USDT",), opened, opened + hour, price, price, price, price)
>>> always = Signals(long_entry=np.ones(4, dtype=bool))
>>> some = Switched(market, (Stretch(always, 1, 2), Stretch(always, 3, 4)), first=1)
>>> some.tape(market.rows(1, 4))[:, at.ROW].tolist()
[0.0, 2.0]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from assay.backtest import layout as at
from assay.backtest.engine import VectorStrategy
from assay.backtest.layout import Floats, Ints
from assay.backtest.market import Market
from assay.backtest.signals import Signals


class OfSymbol(NamedTuple):
    """What is done with one symbol."""

    strategy: VectorStrategy
    market: Market
    """The bars of that symbol alone."""
    rows: Ints
    """Where its rows are among those of all symbols, shape (n_bars,)."""


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """Each symbol by its own strategy, all from one account.

    Orders of one close come as :class:`~assay.backtest.signals.Signals` has them: what leaves before what enters, and
    then in the order of the symbols.
    """

    parts: tuple[OfSymbol, ...]

    def tape(self, market: Market) -> Floats:
        """Return the orders of all of them, on the rows of `market`."""
        tapes = [_placed(part, market) for part in self.parts]
        tape = np.concatenate(tapes) if tapes else np.empty((0, at.N_ORDER))
        is_entry = tape[:, at.INTENT] == at.ENTER
        joined: Floats = tape[np.lexsort((tape[:, at.SYMBOL], is_entry, tape[:, at.ROW]))]
        return joined


def _placed(part: OfSymbol, market: Market) -> Floats:
    tape = part.strategy.tape(part.market).copy()
    tape[:, at.ROW] = part.rows[tape[:, at.ROW].astype(np.int64)]
    tape[:, at.SYMBOL] = market.place_of(part.market.symbols[0])
    return tape


class Stretch(NamedTuple):
    """A strategy, and the rows ``[start, stop)`` at whose closes it decides."""

    strategy: VectorStrategy
    start: int
    stop: int


@dataclass(frozen=True, slots=True, eq=False)
class Switched:
    """One strategy after another; what one has bought the next one finds, with the stop and target it was bought with.

    Attributes
    ----------
    market : Market
        All bars: each strategy knows those before its stretch.
    stretches : tuple of Stretch
        In order of time, none over another.
    first : int
        The row of `market` with which the bars that are traded begin.
    """

    market: Market
    stretches: tuple[Stretch, ...]
    first: int = 0

    def tape(self, market: Market) -> Floats:  # noqa: ARG002  # a part of the one that it has
        """Return the orders of each in its stretch, on rows counted from `first`."""
        tapes = []
        for strategy, start, stop in self.stretches:
            tape = strategy.tape(self.market)
            begins, ends = np.searchsorted(tape[:, at.ROW], (start, stop), side="left")
            tapes.append(tape[begins:ends])
        tape = np.concatenate(tapes) if tapes else np.empty((0, at.N_ORDER))
        tape[:, at.ROW] -= self.first
        return tape


@dataclass(frozen=True, slots=True, eq=False)
class Fixed:
    """Orders that are there already; only for the bars that they were made of."""

    orders: Floats

    def tape(self, market: Market) -> Floats:  # noqa: ARG002  # they were made of it
        """Return them."""
        return self.orders


def parts_of(strategy: VectorStrategy, market: Market) -> Callable[[int, int], VectorStrategy]:
    """Return what makes the strategy of the rows ``[begin, stop)`` alone, which knows the bars before them.

    Signals stay signals, which a sweep is quick with; of any other strategy its orders are cut.
    """
    if type(strategy) is Signals:
        return lambda begin, stop: _signals_in(strategy, slice(begin, stop))
    orders = Fixed(strategy.tape(market))
    return lambda begin, stop: Switched(market, (Stretch(orders, begin, stop),), begin)


def _signals_in(signals: Signals, rows: slice) -> Signals:
    def cut(values: ArrayLike) -> ArrayLike:
        return values if np.ndim(values) == 0 else np.asarray(values)[rows]

    flags = {side: getattr(signals, side) for side in ("long_entry", "long_exit", "short_entry", "short_exit")}
    exits: dict[str, Any] = {
        name: cut(getattr(signals.exits, name)) for name in ("stop_loss", "take_profit", "trailing_stop")
    }
    return replace(
        signals,
        **{side: None if one is None else one[rows] for side, one in flags.items()},
        size=replace(signals.size, amount=cut(signals.size.amount)),
        exits=replace(signals.exits, **exits),
        rank=None if signals.rank is None else signals.rank[rows],
    )
