"""The bars of all symbols of a backtest on one grid of times.

>>> import numpy as np
>>> hour = 3_600_000_000
>>> opened = np.arange(3) * hour
>>> price = np.array([[100.0], [101.0], [99.0]])
>>> market = Market(("BTC-USDT",), opened, opened + hour, price, price, price, price)
>>> len(market), market.interval_us == hour
(3, True)
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from assay.backtest.layout import Finer, Floats, Ints, Prices
from assay.domain.errors import BadInputError, NoDataError
from assay.domain.symbol import Symbol

_Scalar = TypeVar("_Scalar", bound=np.generic)
_ABSENT = np.empty((0, 0))
NEVER = 2**62
"""Row from which on a symbol is not traded that is not delisted."""


@dataclass(frozen=True, slots=True, eq=False)
class FinerBars:
    """Shorter bars that make up some of the rows of a market.

    Attributes
    ----------
    first : int64 array, shape (n_rows + 1,)
        Where those of each row begin; two equal numbers: the row is one bar.
    open_time : int64 array, shape (n_parts,)
        Microseconds.
    open, high, low, close, volume : float64 array, shape (n_parts, n_symbols)
    """

    first: Ints
    open_time: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def __post_init__(self) -> None:
        for one in dataclasses.fields(self):
            object.__setattr__(self, one.name, read_only(getattr(self, one.name)))

    @property
    def is_row_refined(self) -> NDArray[np.bool_]:
        """Which rows they make up, shape ``(n_rows,)``."""
        return np.diff(self.first) > 0

    def rows(self, start: int, stop: int) -> FinerBars:
        """Return those of the rows ``[start, stop)``."""
        stop = min(stop, self.first.size - 1)
        low, high = int(self.first[start]), int(self.first[stop])
        columns = (getattr(self, name)[low:high] for name in ("open_time", "open", "high", "low", "close", "volume"))
        return FinerBars(self.first[start : stop + 1] - low, *columns)

    def as_loop_takes_them(self) -> Finer:
        """Return the same; nothing is funded inside a row."""
        unfunded = read_only(np.empty((0, self.open.shape[1])))
        return Finer(self.first, Prices(self.open, self.high, self.low, self.close, self.volume, unfunded))


@dataclass(frozen=True, slots=True, eq=False)
class Market:
    """Bars of one or more symbols, all in one quote currency; arrays of shape ``(n_bars, n_symbols)`` or ``(n_bars,)``.

    Parameters
    ----------
    symbols : tuple of str
        ``BASE-QUOTE``, all with one quote: cash is in that.
    open_time, close_time : int64 array, shape (n_bars,)
        Microseconds; increasing, not overlapping. A bar that is missing for all symbols need not be there.
    open, high, low, close : float64 array
        In quote units, > 0; all four NaN where a symbol has no bar. Nothing is filled in such a row, and the last
        close goes on as its value.
    volume : float64 array, optional
        Traded, in base units; NaN: not known. Nothing is filled in a bar of volume 0.
    funding : float64 array, optional
        Rate of a perpetual that is due at the bar's open, as a fraction; NaN or 0: nothing is due.
    delisted_at : mapping of symbol to int, optional
        Moment from which on a symbol is not traded, in microseconds, as the instrument's listing says. What is held
        then is settled at the last close.
    finer : FinerBars, optional
        Shorter bars of some of the rows, as :func:`assay.backtest.finer.refine` finds them: they decide what happened
        in which order there.

    Raises
    ------
    BadInputError
        If shapes differ, times are out of order, a price is not positive, a bar lies outside its own range, or the
        symbols have several quotes.
    NoDataError
        If there is no bar at all.
    """

    symbols: tuple[str, ...]
    open_time: Ints
    close_time: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats = field(default_factory=lambda: _ABSENT)
    funding: Floats = field(default_factory=lambda: _ABSENT)
    delisted_at: Mapping[str, int] = field(default_factory=dict)
    finer: FinerBars | None = None

    def __post_init__(self) -> None:
        _check_symbols(self.symbols)
        for name in ("open_time", "close_time"):
            object.__setattr__(self, name, read_only(np.asarray(getattr(self, name), dtype=np.int64)))
        shape = self.open_time.size, len(self.symbols)
        if not shape[0]:
            raise NoDataError("no bars to trade on", todo="choose a period and a symbol that the lake has bars of")
        for name in ("open", "high", "low", "close", "volume", "funding"):
            given = getattr(self, name)
            if given is _ABSENT:
                # Nothing is funded: a rate for each bar would be read for nothing. A volume that is not known is NaN.
                given = np.empty((0, shape[1])) if name == "funding" else np.full(shape, math.nan)
            column = np.asarray(given, dtype=np.float64)
            column = column.reshape(-1, 1) if column.ndim == 1 else column
            if column.shape != shape and not (name == "funding" and not column.size):
                raise BadInputError(f"{name} has another shape than the bars", value=column.shape, todo=f"give {shape}")
            object.__setattr__(self, name, read_only(column))
        _check_times(self.open_time, self.close_time)
        self._check_prices()
        if self.finer is not None and self.finer.first.size != shape[0] + 1:
            raise BadInputError(
                "finer bars of other rows", value=self.finer.first.size - 1, todo="refine() this market"
            )
        for symbol in self.delisted_at:
            if symbol not in self.symbols:
                raise BadInputError("delisted, but not in this market", value=symbol, todo="give its bars as well")

    def __len__(self) -> int:
        return int(self.open_time.size)

    @property
    def bars_to_do(self) -> int:
        """How many bars a run passes at most: the rows, and the finer bars that make some of them up."""
        return len(self) + (0 if self.finer is None else int(self.finer.open_time.size))

    @property
    def interval_us(self) -> int:
        """Length of the shortest bar in microseconds."""
        return int(np.min(self.close_time - self.open_time))

    @property
    def delisted_row(self) -> Ints:
        """First row of each symbol in which it is not traded any more, shape ``(n_symbols,)``; very large if never."""
        moments = [self.delisted_at.get(symbol, NEVER) for symbol in self.symbols]
        rows = np.searchsorted(self.open_time, np.array(moments, dtype=np.int64), side="left")
        return np.where(np.array(moments) == NEVER, NEVER, rows).astype(np.int64)

    def prices(self) -> Prices:
        """Return the columns as the loop takes them."""
        return Prices(self.open, self.high, self.low, self.close, self.volume, self.funding)

    def finer_prices(self) -> Finer:
        """Return the finer bars as the loop takes them."""
        if self.finer is not None:
            return self.finer.as_loop_takes_them()
        none = read_only(np.empty((0, len(self.symbols))))
        return Finer(read_only(np.empty(0, dtype=np.int64)), Prices(none, none, none, none, none, none))

    def rows(self, start: int, stop: int) -> Market:
        """Return the bars ``[start, stop)``, with theirs that are finer; nothing else is changed."""
        part = object.__new__(Market)
        for name in ("open_time", "close_time", "open", "high", "low", "close", "volume", "funding"):
            object.__setattr__(part, name, getattr(self, name)[start:stop])
        object.__setattr__(part, "symbols", self.symbols)
        object.__setattr__(part, "delisted_at", self.delisted_at)
        object.__setattr__(part, "finer", None if self.finer is None else self.finer.rows(start, stop))
        return part

    def known_at(self, row: int) -> Market:
        """Return the bars until the close of a row, this one included, and no delisting that is still to come."""
        part, now = self.rows(0, row + 1), int(self.close_time[row])
        known = {symbol: moment for symbol, moment in self.delisted_at.items() if moment <= now}
        object.__setattr__(part, "delisted_at", known)
        return part

    def place_of(self, symbol: str) -> int:
        """Return the column of a symbol.

        Raises
        ------
        BadInputError
            If this market does not hold it.
        """
        if symbol not in self.symbols:
            raise BadInputError("unknown symbol", value=symbol, todo=f"this backtest has {', '.join(self.symbols)}")
        return self.symbols.index(symbol)

    def _check_prices(self) -> None:
        four = np.stack([self.open, self.high, self.low, self.close])
        there = ~np.isnan(four)
        if np.any(there.any(axis=0) != there.all(axis=0)):
            place = np.argwhere(there.any(axis=0) != there.all(axis=0))[0]
            todo = "give all four prices of a bar, or NaN for all four where there is none"
            raise BadInputError("a bar lacks a price (NaN)", value=self._shown(place), todo=todo)
        if not there.any():
            raise NoDataError("no bars to trade on: every price is NaN", value=", ".join(self.symbols))
        # Comparisons with NaN are false, so every rule is said of what is wrong.
        wrong = (four <= 0).any(axis=0) | np.isinf(four).any(axis=0)
        wrong |= (four > self.high).any(axis=0) | (four < self.low).any(axis=0)
        wrong |= (self.volume < 0) | np.isinf(self.volume)
        if wrong.any():
            todo = "prices are positive, low <= open, close <= high, and volumes are not negative"
            raise BadInputError("not a bar", value=self._shown(np.argwhere(wrong)[0]), todo=todo)
        if np.isinf(self.funding).any():
            raise BadInputError("an infinite funding rate", todo="give a fraction, or NaN where nothing is due")

    def _shown(self, place: Ints) -> str:
        row, column = int(place[0]), int(place[1])
        values = [float(getattr(self, name)[row, column]) for name in ("open", "high", "low", "close", "volume")]
        return f"{self.symbols[column]} row {row}: {values}"


def read_only(array: NDArray[_Scalar]) -> NDArray[_Scalar]:
    """Return `array` contiguous, and so that nobody can write through what is returned."""
    view = np.require(array, requirements=["C", "A"]).view()
    view.flags.writeable = False
    return view


def _check_symbols(symbols: tuple[str, ...]) -> None:
    quotes = {Symbol.parse(symbol).quote for symbol in symbols}
    if not symbols or len(set(symbols)) != len(symbols):
        raise BadInputError("a backtest needs symbols, each once", value=", ".join(symbols))
    if len(quotes) > 1:
        todo = "give symbols with one quote currency: cash is in that"
        raise BadInputError("symbols of several quotes in one account", value=", ".join(symbols), todo=todo)


def _check_times(open_time: Ints, close_time: Ints) -> None:
    if close_time.shape != open_time.shape or open_time.ndim != 1:
        raise BadInputError("bars need an open and a close time each", value=f"{open_time.shape}, {close_time.shape}")
    if not ((open_time < close_time).all() and (close_time[:-1] <= open_time[1:]).all()):
        raise BadInputError("bars out of order, repeated or overlapping", todo="sort by open_time, one row a bar")
