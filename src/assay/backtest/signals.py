"""Strategies as arrays: signals, target weights, and rules that make signals of features.

All arrays have a row a bar, shape ``(n_bars,)`` or ``(n_bars, n_symbols)``: what is known at the bar's close.

>>> import numpy as np
>>> fast, slow = np.array([1.0, 3.0, 3.0, 1.0]), np.full(4, 2.0)
>>> crossed_above(fast, slow).tolist(), crossed_below(fast, slow).tolist()
([False, True, False, False], [False, False, False, True])
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assay.backtest import layout as at
from assay.backtest.layout import Floats
from assay.backtest.market import Market
from assay.domain.errors import BadInputError

Flags = NDArray[np.bool_]
_Scalar = TypeVar("_Scalar", bound=np.generic)
_MOST_BARS = 1_000_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Size:
    """How much an entry is: a fraction of the account's worth, quote units, or base units.

    A fraction may be an array, such as :func:`assay.measures.position_size.volatility_target` makes. Where it is NaN
    there is no entry.
    """

    amount: ArrayLike = 1.0
    unit: str = "fraction"
    """``fraction``, ``notional`` or ``quantity``."""

    def __post_init__(self) -> None:
        if self.unit not in _UNITS:
            raise BadInputError("no such size", value=self.unit, todo=f"use {', '.join(_UNITS)}")
        if np.any(np.asarray(self.amount, dtype=np.float64) <= 0) or np.any(np.isinf(self.amount)):
            raise BadInputError("a size must be above zero", value=self.unit, todo="say the side with the signal")

    @property
    def sizing(self) -> float:
        """The unit, as :mod:`assay.backtest.layout` names it."""
        return _UNITS[self.unit]


_UNITS = {"fraction": at.FRACTION, "notional": at.NOTIONAL, "quantity": at.UNITS}


@dataclass(frozen=True, slots=True, eq=False)
class Exits:
    """What closes a position by itself: distances as fractions, each a number or an array; NaN: no such thing."""

    stop_loss: ArrayLike = math.nan
    """From the mean entry price."""
    take_profit: ArrayLike = math.nan
    trailing_stop: ArrayLike = math.nan
    """From the best price since the entry."""
    max_bars: int = 0
    """Bars after which it is closed; 0: never."""

    def __post_init__(self) -> None:
        for name in ("stop_loss", "take_profit", "trailing_stop"):
            values = np.asarray(getattr(self, name), dtype=np.float64)
            most = math.inf if name == "take_profit" else 1.0
            wrong = values[(values <= 0) | (values >= most)]
            if wrong.size:
                todo = "give a fraction above 0" + (" and below 1" if most == 1.0 else "")
                raise BadInputError(f"no such {name}", value=float(wrong[0]), todo=todo)
        if type(self.max_bars) is not int or not 0 <= self.max_bars <= _MOST_BARS:
            todo = f"give a whole number up to {_MOST_BARS:,}; 0: never"
            raise BadInputError("no such number of bars", value=self.max_bars, todo=todo)


_ALL_OF_IT, _NO_EXITS = Size(), Exits()


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """Enter and leave where it is said; market orders.

    An entry is dropped where the position has that side already, and turns it round where it has the other. An exit
    and an entry at one close are done in this order.
    """

    long_entry: Flags | None = None
    long_exit: Flags | None = None
    short_entry: Flags | None = None
    short_exit: Flags | None = None
    size: Size = field(default_factory=lambda: _ALL_OF_IT)
    exits: Exits = field(default_factory=lambda: _NO_EXITS)
    rank: Floats | None = None
    """Which entries of one bar come first where not all find room: the lowest; by default in the order of symbols."""

    def tape(self, market: Market) -> Floats:
        """Return the orders."""
        shape = len(market), len(market.symbols)
        sides = [(side, self._placed(side, shape)) for side in _SIDES if getattr(self, side.name) is not None]
        if not sides:
            return np.empty((0, at.N_ORDER))
        places = np.concatenate([placed for _, placed in sides])
        kinds = np.repeat(np.arange(len(sides)), [placed.size for _, placed in sides])
        if len(sides) > 1 or self.rank is not None:
            # Exits come before entries; the four kinds follow each other as they do in _SIDES.
            rows, columns = _row_and_column(places, shape[1])
            is_entry = np.array([side.is_entry for side, _ in sides])[kinds]
            rank = columns if self.rank is None else _at("rank", self.rank, shape, places)
            if isinstance(rank, int):
                order = np.argsort(2 * rows + is_entry, kind="stable")
            else:
                order = np.lexsort((rank, is_entry, rows))
            places, kinds = places[order], kinds[order]
        tape: Floats = np.take(np.array([self._order(side) for side, _ in sides]), kinds, axis=0)
        tape[:, at.ROW], tape[:, at.SYMBOL] = _row_and_column(places, shape[1])
        for column, name, values in self._carried():
            if np.ndim(values) == 0:
                continue
            is_entry = tape[:, at.INTENT] == at.ENTER
            tape[is_entry, column] = _at(name, values, shape, places[is_entry])
        return tape

    def _placed(self, side: _Side, shape: tuple[int, int]) -> NDArray[np.intp]:
        """Return the places of the signals of one kind, but for those of no size."""
        flags = _shaped(side.name, np.asarray(getattr(self, side.name)), shape)
        if flags.dtype != np.bool_:
            raise BadInputError(
                f"{side.name} must be true or false in each bar", value=flags.dtype, todo="compare first"
            )
        places = np.flatnonzero(flags)
        if not side.is_entry:
            return places
        return places[~np.isnan(_at("size", self.size.amount, shape, places))]

    def _order(self, side: _Side) -> list[float]:
        """Return what all orders of one kind have in common."""
        order = [0.0] * at.N_ORDER
        order[at.KIND], order[at.SIDE] = at.MARKET, side.side
        for column in (at.LIMIT_PRICE, at.STOP_PRICE, at.STOP_LOSS, at.TAKE_PROFIT, at.TRAIL):
            order[column] = math.nan
        if not side.is_entry:
            order[at.SIZING], order[at.INTENT] = at.ALL, at.REDUCE
            return order
        order[at.SIZING], order[at.INTENT], order[at.MAX_BARS] = _UNITS[self.size.unit], at.ENTER, self.exits.max_bars
        for column, _, values in self._carried():
            if np.ndim(values) == 0:
                order[column] = float(values)  # type: ignore[arg-type]
        return order

    def _carried(self) -> Iterator[tuple[int, str, ArrayLike]]:
        """Yield what entries carry: its column, name and values."""
        yield at.AMOUNT, "size", self.size.amount
        yield at.STOP_LOSS, "stop_loss", self.exits.stop_loss
        yield at.TAKE_PROFIT, "take_profit", self.exits.take_profit
        yield at.TRAIL, "trailing_stop", self.exits.trailing_stop


class _Side(NamedTuple):
    name: str
    side: float
    is_entry: bool


_SIDES = (
    _Side("long_exit", -1.0, is_entry=False),
    _Side("short_exit", 1.0, is_entry=False),
    _Side("long_entry", 1.0, is_entry=True),
    _Side("short_entry", -1.0, is_entry=True),
)


@dataclass(frozen=True, slots=True, eq=False)
class TargetWeights:
    """Hold these fractions of the account's worth; a negative one is short, NaN leaves a position as it is."""

    weights: Floats

    def tape(self, market: Market) -> Floats:
        """Return the orders: a target where there is a weight."""
        shape = len(market), len(market.symbols)
        weights = _shaped("weights", np.asarray(self.weights, dtype=np.float64), shape)
        if np.isinf(weights).any():
            raise BadInputError("an infinite weight", todo="give fractions, or NaN to leave a position as it is")
        places = np.flatnonzero(~np.isnan(weights))
        block = _empty_orders(places, shape[1], 0.0)
        block[:, at.SIZING], block[:, at.AMOUNT] = at.TARGET, weights.ravel()[places]
        return block


def crossed_above(series: Floats, other: ArrayLike) -> Flags:
    """Say where `series` is above `other` and was not in the bar before; False where one of the four is NaN."""
    # Comparisons with NaN are false.
    is_above, was_not = series > np.asarray(other), series <= np.asarray(other)
    crossed = np.zeros(is_above.shape, dtype=np.bool_)
    np.logical_and(is_above[1:], was_not[:-1], out=crossed[1:])
    return crossed


def crossed_below(series: Floats, other: ArrayLike) -> Flags:
    """Say where `series` is below `other` and was not in the bar before; False where one of the four is NaN."""
    is_below, was_not = series < np.asarray(other), series >= np.asarray(other)
    crossed = np.zeros(is_below.shape, dtype=np.bool_)
    np.logical_and(is_below[1:], was_not[:-1], out=crossed[1:])
    return crossed


def from_score(score: Floats, *, enter: float, leave: float, size: Size | None = None) -> Signals:
    """Return signals of a model's score: long while it is high.

    Parameters
    ----------
    score : float64 array
        Such as the probability of a rise. Where it is NaN nothing is done.
    enter : float
        Enter where it is at least this.
    leave : float
        Leave where it is below this; at most `enter`.
    size : Size, optional

    Raises
    ------
    BadInputError
        If `leave` is above `enter`.

    Examples
    --------
    >>> signals = from_score(np.array([0.5, 0.7, 0.55, 0.4]), enter=0.6, leave=0.5)
    >>> np.flatnonzero(signals.long_entry).tolist(), np.flatnonzero(signals.long_exit).tolist()
    ([1], [3])
    """
    if leave > enter:
        raise BadInputError("a position would be left where it is entered", value=f"{enter}, {leave}")
    return Signals(long_entry=score >= enter, long_exit=score < leave, size=size or Size())


def _shaped(name: str, values: NDArray[_Scalar], shape: tuple[int, int]) -> NDArray[_Scalar]:
    array = values.reshape(-1, 1) if values.ndim == 1 else values
    if array.shape != shape:
        raise BadInputError(f"{name} must have a row a bar", value=array.shape, todo=f"give an array of shape {shape}")
    return array


def _at(name: str, values: ArrayLike, shape: tuple[int, int], places: NDArray[np.intp]) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 0:
        return np.full(places.size, float(array))
    return _shaped(name, array, shape).ravel()[places]


def _empty_orders(places: NDArray[np.intp], symbols: int, side: float) -> Floats:
    """Return market orders at places of an array of shape ``(n_bars, n_symbols)``, in order."""
    block = np.zeros((places.size, at.N_ORDER))
    block[:, at.ROW], block[:, at.SYMBOL] = _row_and_column(places, symbols)
    block[:, at.SIDE] = side
    block[:, [at.LIMIT_PRICE, at.STOP_PRICE, at.STOP_LOSS, at.TAKE_PROFIT, at.TRAIL]] = math.nan
    return block


def _row_and_column(places: NDArray[np.intp], symbols: int) -> tuple[NDArray[np.intp], NDArray[np.intp] | int]:
    return np.divmod(places, symbols) if symbols > 1 else (places, 0)
