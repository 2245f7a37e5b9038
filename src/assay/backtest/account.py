"""What somebody trades with: cash, limits, when orders are filled, and the costs in force.

>>> Account(cash=10_000.0, latency_bars=1).says
'market orders are filled at the next open, 1 bar later'
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from assay.backtest import layout as at
from assay.backtest.layout import N_COST, OPTIMISTIC, PESSIMISTIC, Floats, Ints
from assay.backtest.market import Market, read_only
from assay.domain.errors import BadInputError
from assay.measures.trading_costs import Costs

PATHS = {"pessimistic": PESSIMISTIC, "optimistic": OPTIMISTIC}
NEXT_OPEN, SAME_CLOSE = "next_open", "same_close"
_MOST_CASH, _MOST_BARS = 1e18, 1_000_000_000  # far beyond any; what a float64 multiplies without doubt


@dataclass(frozen=True, slots=True)
class Account:
    """Cash and rules.

    Raises
    ------
    BadInputError
        If a number is out of range.
    """

    cash: float = 10_000.0
    """Quote units at the start, > 0 and at most 1e18."""
    max_leverage: float = 1.0
    """Absolute value of all positions over what the account is worth, at most, when something is bought or sold short.
    Prices may carry it further; an account that is worth nothing at a close is closed there."""
    max_positions: int | None = None
    """Symbols held at a time; none: as many as there are."""
    may_short: bool = True
    """False: what is not held cannot be sold, as on a spot market."""
    fill_at: str = NEXT_OPEN
    """``next_open``: what is decided at a close is filled at the next open, at the earliest. ``same_close``: market
    orders are filled at that close itself, which nobody who waits for it can do."""
    latency_bars: int = 0
    """Bars by which every order arrives later."""
    participation: float | None = None
    """Part of a bar's volume that may be traded; the rest of an order waits. None: any quantity."""
    one_fill_a_bar: bool = False
    """True: a market order for a symbol that was traded in the same bar is dropped, and any other waits."""

    def __post_init__(self) -> None:
        if not 0 < self.cash <= _MOST_CASH:
            todo = f"give an amount above zero, {_MOST_CASH:g} at most"
            raise BadInputError("an account needs cash", value=self.cash, todo=todo)
        if not (math.isfinite(self.max_leverage) and self.max_leverage > 0):
            raise BadInputError("no such leverage", value=self.max_leverage, todo="give a number above zero; 1: none")
        if self.max_positions is not None and not _is_number_of(self.max_positions, least=1):
            raise BadInputError("no such number of positions", value=self.max_positions, todo="give 1 or more")
        if self.fill_at not in (NEXT_OPEN, SAME_CLOSE):
            raise BadInputError("no such moment to fill at", value=self.fill_at, todo="next_open or same_close")
        if not _is_number_of(self.latency_bars, least=0):
            raise BadInputError("no such latency", value=self.latency_bars, todo="give a whole number of bars")
        if self.participation is not None and not 0 < self.participation <= 1:
            raise BadInputError("no such part of the volume", value=self.participation, todo="above 0, at most 1")

    def terms(self, path: float) -> dict[int, float]:
        """Return the rules as numbers, by their places in the memory."""
        return {
            at.LEVERAGE: float(self.max_leverage),
            at.MAX_POSITIONS: math.inf if self.max_positions is None else float(self.max_positions),
            at.MAY_SHORT: float(self.may_short),
            at.LATENCY: float(self.latency_bars),
            at.IS_SAME_CLOSE: float(self.fill_at == SAME_CLOSE),
            at.PATH: float(path),
            at.IS_ONE_FILL: float(self.one_fill_a_bar),
            at.PARTICIPATION: math.inf if self.participation is None else float(self.participation),
        }

    @property
    def says(self) -> str:
        """When orders are filled, in words."""
        when = "the next open" if self.fill_at == NEXT_OPEN else "the close at which they are decided"
        late = f", {self.latency_bars} bar{'s' if self.latency_bars > 1 else ''} later" if self.latency_bars else ""
        return f"market orders are filled at {when}{late}"


def _is_number_of(value: object, *, least: int) -> bool:
    return type(value) is int and least <= value <= _MOST_BARS


@dataclass(frozen=True, slots=True)
class Schedule:
    """Costs from a date on: of all symbols, or of each."""

    costs: Costs | Mapping[str, Costs] = field(default_factory=Costs)
    from_time: int = -(2**62)
    """Microseconds."""

    def of(self, symbol: str) -> Costs:
        """Return the costs of one symbol.

        Raises
        ------
        BadInputError
            If they are not given.
        """
        if isinstance(self.costs, Costs):
            return self.costs
        if symbol not in self.costs:
            raise BadInputError("no costs are given for a symbol", value=symbol, todo="give them, if only Costs()")
        return self.costs[symbol]


CostsGiven = Costs | Mapping[str, Costs] | Sequence[Schedule]


def cost_table(given: CostsGiven, market: Market, participation: float | None) -> tuple[Floats, Ints]:
    """Return costs as the loop takes them, and from which bar on each is in force.

    Returns
    -------
    costs : float64 array, shape (n_schedules, n_symbols, N_COST)
    starts : int64 array, shape (n_schedules,)

    Raises
    ------
    BadInputError
        If schedules are out of order, the first begins after the first bar, or an impact is asked for without a bound
        on the part of the volume that is traded.
    """
    schedules = schedules_of(given)
    times = np.array([one.from_time for one in schedules], dtype=np.int64)
    check_first(schedules, int(market.open_time[0]))
    table = costs_of(schedules, market.symbols, participation)
    check_ticks(table, market)
    return table, read_only(np.searchsorted(market.open_time, times, side="left").astype(np.int64))


def schedules_of(given: CostsGiven) -> list[Schedule]:
    """Return costs as schedules in order of time; Raises BadInputError if they are not."""
    schedules = [Schedule(given)] if isinstance(given, Costs | Mapping) else list(given)
    times = [one.from_time for one in schedules]
    if not times or times != sorted(set(times)):
        raise BadInputError("costs are not known for every bar", value=times, todo="give them in order of time")
    return schedules


def check_first(schedules: Sequence[Schedule], open_time: int) -> None:
    """Raise BadInputError if no costs are in force at the first bar."""
    if schedules[0].from_time > open_time:
        todo = "give them in order of time, the first from before the first bar"
        raise BadInputError("costs are not known for every bar", value=[one.from_time for one in schedules], todo=todo)


def costs_of(schedules: Sequence[Schedule], symbols: Sequence[str], participation: float | None) -> Floats:
    """Return schedules as the loop takes them, shape ``(n_schedules, n_symbols, N_COST)``.

    Raises
    ------
    BadInputError
        If those of a symbol are missing, or an impact is asked for without a bound on the part of the volume.
    """
    table = np.empty((len(schedules), len(symbols), N_COST))
    for place, schedule in enumerate(schedules):
        for column, symbol in enumerate(symbols):
            costs = schedule.of(symbol)
            if costs.impact_bps > 0 and participation is None:
                todo = "set the account's participation: impact is known for parts of a bar's volume only"
                raise BadInputError("an impact without a bound on the quantity", value=costs.impact_bps, todo=todo)
            table[place, column] = (
                costs.maker, costs.taker, costs.slip, costs.impact, costs.tick, costs.lot, costs.min_notional,
            )  # fmt: skip
    return read_only(table)


def check_ticks(table: Floats, market: Market) -> None:
    """Raise BadInputError if a tick is as large as a price."""
    lowest = np.where(np.isnan(market.low), math.inf, market.low).min(axis=0)
    for column, symbol in enumerate(market.symbols):
        tick = float(table[:, column, at.TICK - at.MAKER].max())
        if tick and not lowest[column] > tick:
            raise BadInputError("a tick as large as a price", value=f"{symbol}: {tick}", todo="check the tick")
