"""What came of a backtest: equity at each close, fills, trades and orders, and the figures people ask for first."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from assay.backtest import layout as at
from assay.backtest.account import Account
from assay.backtest.envelope import Envelope
from assay.backtest.layout import Floats, Ints
from assay.backtest.market import Market
from assay.backtest.orders import FATES, KIND_NAMES, SIDE_NAMES
from assay.measures.performance import ClosedTrades, Performance, performance

REASONS = ("order", "stop_loss", "trailing_stop", "take_profit", "time", "delisted", "ruined")
_PLACES = ("", "open", "inside", "inside", "close")


class Fill(NamedTuple):
    """Something bought or sold."""

    symbol: str
    row: int
    at: str
    """``open``, ``inside`` or ``close`` of the row."""
    quantity: float
    """Base units; negative: sold."""
    price: float
    """Quote units per base unit, costs but the fee included."""
    touched_price: float
    """Where the market stood: inside the bar, but for a delisting, which is settled at the last close."""
    fee: float
    is_maker: bool
    reason: str
    """One of :data:`REASONS`."""
    order: int | None
    """Number of the order; none where a position was closed without one."""


class Trade(NamedTuple):
    """A position from its first fill until nothing was left of it."""

    symbol: str
    side: str
    entry_row: int
    exit_row: int
    quantity: float
    """Base units entered in all."""
    entry_price: float
    """Mean over its fills, as is that of the exit."""
    exit_price: float
    fees: float
    funding: float
    """Paid, in quote units; negative: got."""
    pnl: float
    """Quote units, fees and funding paid."""
    reason: str
    """Why it ended."""
    is_ambiguous: bool
    """True if its bars do not tell in which order its stop and its target were reached."""


class PlacedOrder(NamedTuple):
    """An order and what became of it."""

    symbol: str
    row: int
    """Bar at whose close it was decided."""
    kind: str
    side: str
    fate: str


class Position(NamedTuple):
    """What is held of a symbol."""

    symbol: str
    quantity: float
    entry_price: float
    value: float
    """At the last price seen, in quote units; negative: short."""


@dataclass(frozen=True, eq=False)
class Result:
    """All that a run wrote, on one path. Arrays have a row a bar."""

    market: Market
    account: Account
    path: str
    equity: Floats
    """At each close, in quote units."""
    funding_paid: Floats
    """At each open; of shape (0,) where nothing is funded."""
    fill_rows: Floats
    """Shape ``(n_fills, N_FILL)``: the columns of ``layout``; :attr:`fills` is the same for people."""
    trade_rows: Floats
    tape: Floats
    fates: Ints
    held: Floats
    """Quantity of each symbol at the end, shape ``(n_symbols,)``."""
    ambiguous: int
    """How often a position was closed in a bar that did not tell which came first."""
    rows_in_doubt: int
    """Bars that did not tell what came first, or whether an order was reached at all."""
    ruin_row: int | None
    """Bar at whose close the account was worth nothing."""

    @functools.cached_property
    def fills(self) -> tuple[Fill, ...]:
        """What was bought and sold, in order."""
        return tuple(fill_of(row, self.market.symbols) for row in self.fill_rows.tolist())

    @functools.cached_property
    def fill_times(self) -> Ints:
        """When the bar began in which each fill was made, the finer one if there is one; microseconds, (n_fills,)."""
        rows, parts = (self.fill_rows[:, column].astype(np.int64) for column in (at.F_ROW, at.F_PART))
        finer = self.market.finer
        if finer is None or not rows.size:
            return self.market.open_time[rows]
        places = np.minimum(finer.first[rows] + parts, finer.open_time.size - 1)
        times: Ints = np.where(finer.is_row_refined[rows], finer.open_time[places], self.market.open_time[rows])
        return times

    @property
    def refined(self) -> int:
        """How many rows were decided by finer bars."""
        return 0 if self.market.finer is None else int(self.market.finer.is_row_refined.sum())

    @functools.cached_property
    def trades(self) -> tuple[Trade, ...]:
        """Positions that were closed, in the order in which they ended; what is still held is none of them."""
        return tuple(trade_of(row, self.market.symbols) for row in self.trade_rows.tolist())

    @functools.cached_property
    def closed_trades(self) -> ClosedTrades:
        """What each trade earned, and how long it lasted, from its first fill to its last.

        A fill at an open or a close is made then. Of one inside a bar only the bar is known: what was entered in it is
        taken to be held since its open, and what was left in it until its close, so this is the longest it can have
        been; where finer bars tell more, to the beginning of theirs.
        """
        lasted = np.zeros(len(self.trade_rows), dtype=np.int64)
        if lasted.size:
            first, last = _ends_of_trades(self.fill_rows, len(self.market.symbols))
            lasted = self._when(last, self.market.close_time) - self._when(first, self.market.open_time)
        return ClosedTrades(self.trade_rows[:, at.T_PNL], lasted)

    def _when(self, fills: Ints, inside: Ints) -> Ints:
        """Return when some fills were made; those inside of a row that no finer bar tells of at `inside` of it."""
        rows, how = self.fill_rows[fills, at.F_ROW].astype(np.int64), self.fill_rows[fills, at.F_HOW]
        times = np.where(how == at.AT_OPEN, self.fill_times[fills], inside[rows])
        if self.market.finer is not None:
            times = np.where(self.market.finer.is_row_refined[rows], self.fill_times[fills], times)
        found: Ints = np.where(how == at.AT_CLOSE, self.market.close_time[rows], times)
        return found

    @functools.cached_property
    def orders(self) -> tuple[PlacedOrder, ...]:
        """Every order that was placed."""
        return tuple(
            PlacedOrder(
                self.market.symbols[int(row[at.SYMBOL])], int(row[at.ROW]), KIND_NAMES[int(row[at.KIND])],
                SIDE_NAMES[row[at.SIDE]], FATES[fate],
            )
            for row, fate in zip(self.tape.tolist(), self.fates.tolist(), strict=True)
        )  # fmt: skip

    @functools.cached_property
    def quantity(self) -> Floats:
        """What is held of each symbol at each close, shape ``(n_bars, n_symbols)``: the fills added up."""
        changes = np.zeros((len(self.market), len(self.market.symbols)))
        place = self.fill_rows[:, [at.F_ROW, at.F_SYMBOL]].astype(np.int64)
        np.add.at(changes, (place[:, 0], place[:, 1]), self.fill_rows[:, at.F_QUANTITY])
        held = np.cumsum(changes, axis=0)
        # What was bought and sold in several parts adds up to nothing but for rounding.
        scale = np.abs(self.fill_rows[:, at.F_QUANTITY]).max(initial=0.0)
        held[np.abs(held) < 1e-12 * scale] = 0.0
        return held

    @functools.cached_property
    def exposure(self) -> Floats:
        """Absolute value of all positions as a fraction of the equity at each close, shape ``(n_bars,)``."""
        held = np.nansum(np.abs(self.quantity) * _last_known(self.market.close), axis=1)
        exposure: Floats = np.divide(held, self.equity, out=np.zeros_like(held), where=held > 0)
        return exposure

    @functools.cached_property
    def performance(self) -> Performance:
        """Figures of the whole period."""
        traded = float(np.sum(np.abs(self.fill_rows[:, at.F_QUANTITY]) * self.fill_rows[:, at.F_PRICE]))
        return performance(
            np.concatenate([[self.account.cash], self.equity]),
            self.closed_trades,
            interval_us=self.market.interval_us,
            traded=traded,
            fees=float(self.fill_rows[:, at.F_FEE].sum()),
            is_exposed=(self.quantity != 0).any(axis=1),
        )

    @property
    def positions(self) -> tuple[Position, ...]:
        """What is still held at the end."""
        entered = _open_entries(self.fill_rows, len(self.market.symbols))
        close = _last_known(self.market.close)[-1]
        return tuple(
            Position(symbol, float(units), entered[place], float(units * close[place]))
            for place, (symbol, units) in enumerate(zip(self.market.symbols, self.held, strict=True))
            if units != 0
        )

    @property
    def says(self) -> str:
        """The assumptions of the fills, in words."""
        unsure = f"{self.ambiguous} exits could have been others: a bar does not tell what came first"
        decided = f"{self.refined:,} of {len(self.market):,} bars are decided by finer ones; " if self.refined else ""
        told = unsure if self.ambiguous else "no exit was ambiguous"
        return f"{self.account.says}; {self.path} path; {decided}{told}"


@dataclass(frozen=True, eq=False)
class Band:
    """What the bars leave open: one result for each path, and the range of all that can have come of the same orders.

    On the two paths each doubt is decided by itself, against the position and for it. What a stop that was not hit
    leads to can be worse in the end, so neither path is always the lower one, and the truth may lie outside of both.
    The range is that of every answer to every doubt.
    """

    pessimistic: Result
    optimistic: Result
    followed: Envelope | None = None
    """What came of following both answers of each doubt; none where there was no doubt, or where a strategy is asked at
    each close."""

    @property
    def lowest(self) -> Floats:
        """The lowest equity there can have been at each close, shape ``(n_bars,)``."""
        both = np.minimum(self.pessimistic.equity, self.optimistic.equity)
        return both if self.followed is None else np.minimum(both, self.followed.lowest)

    @property
    def highest(self) -> Floats:
        """The highest equity there can have been at each close."""
        both = np.maximum(self.pessimistic.equity, self.optimistic.equity)
        return both if self.followed is None else np.maximum(both, self.followed.highest)

    @property
    def total_return(self) -> tuple[float, float]:
        """Lowest and highest, as fractions."""
        cash = self.pessimistic.account.cash
        return float(self.lowest[-1] / cash - 1.0), float(self.highest[-1] / cash - 1.0)

    @property
    def is_exact(self) -> bool:
        """True if the bars left no doubt that changed anything."""
        return bool(np.array_equal(self.lowest, self.highest))

    @property
    def bars_in_doubt(self) -> int:
        """Bars that did not tell what came first, of all accounts that were followed."""
        return self.pessimistic.rows_in_doubt if self.followed is None else self.followed.rows_in_doubt

    @property
    def is_bound(self) -> bool:
        """True if all that the bars leave open was followed; False: it may have come to more or to less."""
        return self.pessimistic.rows_in_doubt == 0 if self.followed is None else self.followed.is_bound

    @property
    def says(self) -> str:
        """What the range is, in words."""
        if self.is_exact:
            return "the bars left no doubt"
        count = self.bars_in_doubt
        bars = f"{count:,} bar{'s' if count != 1 else ''} did not tell what came first"
        if self.is_bound:
            return f"{bars}: every answer was followed"
        if self.followed is None:
            return (
                f"{bars}: the range of two paths, and not a bound, since a strategy's own code is asked only on these"
            )
        return f"{bars}: there were more answers than could be followed, so it is not a bound"


def fill_of(row: list[float], symbols: tuple[str, ...]) -> Fill:
    """Return a fill as the loop writes it, for people."""
    order = None if math.isnan(row[at.F_ORDER]) else int(row[at.F_ORDER])
    place, reason = _PLACES[int(row[at.F_HOW])], REASONS[int(row[at.F_WHY])]
    # The open of a finer bar lies inside the row.
    place = "inside" if row[at.F_PART] > 0 and place == "open" else place
    prices = row[at.F_QUANTITY], row[at.F_PRICE], row[at.F_TOUCHED], row[at.F_FEE]
    is_maker = row[at.F_IS_MAKER] > 0
    return Fill(symbols[int(row[at.F_SYMBOL])], int(row[at.F_ROW]), place, *prices, is_maker, reason, order)


def trade_of(row: list[float], symbols: tuple[str, ...]) -> Trade:
    """Return a trade as the loop writes it, for people."""
    symbol, side = symbols[int(row[at.T_SYMBOL])], "long" if row[at.T_SIDE] > 0 else "short"
    quantity, entry, left, fees, funding, pnl = row[at.T_QUANTITY : at.T_PNL + 1]
    rows = int(row[at.T_ENTRY_ROW]), int(row[at.T_EXIT_ROW])
    why, is_ambiguous = REASONS[int(row[at.T_WHY])], row[at.T_IS_AMBIGUOUS] > 0
    return Trade(symbol, side, *rows, quantity, entry, left, fees, funding, pnl, why, is_ambiguous)


def _ends_of_trades(fills: Floats, symbols: int) -> tuple[Ints, Ints]:
    """Return the first and the last fill of each trade, in the order in which they ended."""
    first, last = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for symbol in range(symbols):
        own = np.flatnonzero(fills[:, at.F_SYMBOL] == symbol)
        # Added up in the order in which they were booked: nothing is left of a position that is closed, to the bit.
        is_end = np.cumsum(fills[own, at.F_QUANTITY]) == 0.0
        is_first = np.concatenate([[True], is_end[:-1]])[: own.size]
        last.append(own[is_end])
        first.append(own[is_first][: last[-1].size])
    firsts, lasts = np.concatenate(first), np.concatenate(last)
    order = np.argsort(lasts)
    return firsts[order], lasts[order]


def _last_known(close: Floats) -> Floats:
    """Return closes with the last one before in the place of NaN; NaN before the first."""
    rows = np.where(np.isnan(close), 0, np.arange(close.shape[0])[:, None])
    known: Floats = np.take_along_axis(close, np.maximum.accumulate(rows, axis=0), axis=0)
    return known


def _open_entries(fills: Floats, symbols: int) -> list[float]:
    """Return the mean entry price of what is held of each symbol after the fills."""
    units, mean = [0.0] * symbols, [math.nan] * symbols
    for row in fills.tolist():
        symbol, quantity = int(row[at.F_SYMBOL]), row[at.F_QUANTITY]
        if units[symbol] * quantity >= 0:
            before = abs(units[symbol]) * mean[symbol] if units[symbol] else 0.0
            mean[symbol] = (before + abs(quantity) * row[at.F_PRICE]) / abs(units[symbol] + quantity)
        units[symbol] += quantity
    return mean
