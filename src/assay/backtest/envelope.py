"""The range of what can have come of a strategy: both answers of each doubt are followed until they meet again.

A bar that does not tell what came first leaves more than one account behind: one was stopped out, the other made its
target. From there on each goes its own way, with its own doubts, until all hold the same again. Then they differ in
what they are worth, and only the outermost go on: what is worth more goes on to be worth more, since sizes are
fractions of the worth or alike.

Where that is not so the range is not a bound: see :attr:`Envelope.is_bound` and the concept page.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from assay.backtest import layout as at
from assay.backtest.layout import Floats, Out, Span, World
from assay.backtest.loop import advance, load_costs, load_part
from assay.backtest.progress import Loop, records_of, symbols_of, with_more_room, with_room
from assay.backtest.walking import walked

MOST_STATES = 48
"""Accounts that are followed at a time."""
MOST_WALKS = 5_000
"""Bars in doubt that are walked, each for each of the accounts: some ten seconds. Whoever has more has wider stops to
try, or shorter bars to get."""
_FEW_ROWS = 16
_ALIKE = (
    at.GUARD_STOP, at.GUARD_TARGET, at.PEAK, at.KEEP, at.EXIT_ROW, at.CLOSING, at.ENTERED, at.ENTRY_ROW,
)  # fmt: skip
_ORDER_ALIKE = (*range(at.N_ORDER), at.ORDER_ID, at.DUE)


class TradeRange(NamedTuple):
    """What a position that was entered in a bar may have earned, in quote units."""

    lowest: float
    highest: float


@dataclass(frozen=True, eq=False)
class Envelope:
    """Lowest and highest of everything that was followed.

    Attributes
    ----------
    lowest, highest : float64 array, shape (n_bars,)
        Equity at each close, in quote units; infinite where nobody was followed any more.
    trades : dict of (symbol, side, entry row) to TradeRange
        Symbols by their columns, sides 1 and -1; of all positions that can have been entered and closed.
    rows_in_doubt : int
        Bars that did not tell what came first, whichever account it was that held something.
    is_bound : bool
        False where not all could be followed, in which case it may have come to more or to less.
    """

    lowest: Floats
    highest: Floats
    trades: dict[tuple[int, float, int], TradeRange]
    rows_in_doubt: int
    is_bound: bool


def follow_all(world: World, memory: Floats, *, loop: Loop = advance) -> Envelope:
    """Return the range of what can come of the orders of a tape.

    Parameters
    ----------
    world : World
        With all orders.
    memory : float64 array
        Before the first bar; not changed.
    loop : callable, default advance
    """
    return _Followed(world, loop).run(memory)


class _Followed:
    """All accounts that may be, from their first doubt on."""

    def __init__(self, world: World, loop: Loop) -> None:
        self.world, self.loop, self.rows = world, loop, world.prices.close.shape[0]
        self.out = Out(
            np.empty(self.rows),
            np.zeros(world.prices.funding.shape[0]),
            np.zeros(world.tape.shape[0], dtype=np.int64),
        )
        self.lowest, self.highest = np.full(self.rows, math.inf), np.full(self.rows, -math.inf)
        self.trades: dict[tuple[int, float, int], TradeRange] = {}
        self.in_doubt: set[int] = set()
        self.is_bound, self.walks = True, 0

    def run(self, memory: Floats) -> Envelope:
        first = _compact(memory)
        first[at.STOPS_AT_DOUBT] = 1.0
        pending = {0: [first]}
        while (row := min(pending)) < self.rows and self.walks < MOST_WALKS:
            states = self._merged(pending.pop(row))
            # One account goes as far as it can; several meet every few rows, to see whether they are one again.
            is_alone = len(states) == 1 and not pending
            stop = self.rows if is_alone else min(row // _FEW_ROWS * _FEW_ROWS + _FEW_ROWS, self.rows)
            for state in states:
                for after, reached in self._until_doubt(state, row, stop):
                    pending.setdefault(reached, []).append(after)
        is_bound = self.is_bound and row == self.rows
        return Envelope(self.lowest, self.highest, self.trades, len(self.in_doubt), is_bound)

    def _until_doubt(self, state: Floats, row: int, stop: int) -> list[tuple[Floats, int]]:
        """Return what comes of an account by `stop`, or behind its first row in doubt, and that row."""
        before = state.copy()
        state, reached = self._advanced(state, row, stop)
        if not state[at.IS_IN_DOUBT]:
            self._note(slice(row, reached))
            return [(self._harvested(state), reached)]
        doubtful = reached - 1
        self._note(slice(row, doubtful))
        state, _ = self._advanced(before, row, doubtful) if doubtful > row else (before, row)
        return [(one, reached) for one in self._branched(self._harvested(state), doubtful)]

    def _advanced(self, state: Floats, row: int, stop: int, half: int = at.WHOLE) -> tuple[Floats, int]:
        state[at.IS_IN_DOUBT] = 0.0
        while row < stop and not state[at.IS_IN_DOUBT]:
            row = self.loop(self.world, state, self.out, Span(row, stop, 0, half))
            if row < stop and not state[at.IS_IN_DOUBT]:
                due = int(np.searchsorted(self.world.tape[:, at.ROW], row, side="right"))
                state = with_more_room(state, due)
        return state, row

    def _branched(self, state: Floats, row: int) -> list[Floats]:
        """Return the accounts that a row may leave behind."""
        self.in_doubt.add(row)
        state = _compact(state)
        state[at.NOW], state[at.IS_IN_DOUBT] = row, 0.0
        load_costs(state, self.world.costs, self.world.starts)
        states, first = [state], self.world.finer.first
        for part in range(max(int(first[row + 1] - first[row]), 1) if first.size else 1):
            after: list[Floats] = []
            for one in states:
                load_part(self.world, one, row, part)
                self.walks += 1
                found, is_complete = walked(one)
                self.is_bound = self.is_bound and is_complete
                after += map(self._harvested, found)
            states = self._merged(after)
        decided = []
        for one in states:
            done, _ = self._advanced(one, row, row + 1, at.DECIDE_HALF)
            self._note(slice(row, row + 1))
            decided.append(_compact(self._harvested(done)))
        return decided

    def _note(self, rows: slice) -> None:
        np.minimum(self.lowest[rows], self.out.equity[rows], out=self.lowest[rows])
        np.maximum(self.highest[rows], self.out.equity[rows], out=self.highest[rows])

    def _harvested(self, state: Floats) -> Floats:
        """Note the trades that were closed, and forget them."""
        for row in records_of(state, at.AT_TRADES, at.N_TRADES, at.N_TRADE).tolist():
            key = int(row[at.T_SYMBOL]), row[at.T_SIDE], int(row[at.T_ENTRY_ROW])
            low, high = self.trades.get(key, (math.inf, -math.inf))
            self.trades[key] = TradeRange(min(low, row[at.T_PNL]), max(high, row[at.T_PNL]))
        state[[at.N_FILLS, at.N_TRADES]] = 0.0
        return state

    def _merged(self, states: list[Floats]) -> list[Floats]:
        """Return the outermost of those that hold the same."""
        groups: dict[bytes, list[Floats]] = {}
        for state in states:
            groups.setdefault(_key(state), []).append(state)
        kept = [one for group in groups.values() for one in _outermost(group)]
        return self._fewer(kept)

    def _fewer(self, states: list[Floats]) -> list[Floats]:
        if len(states) <= MOST_STATES:
            return states
        self.is_bound = False
        states = sorted(states, key=_worth)
        places = np.unique(np.linspace(0, len(states) - 1, MOST_STATES).round().astype(int))
        return [states[place] for place in places.tolist()]


def _compact(state: Floats) -> Floats:
    """Return a memory with room for the orders that wait, and little else."""
    end = int(state[at.AT_LIVE] + state[at.N_LIVE] * at.N_WAITING)
    small = state[:end].copy()
    small[[at.AT_FILLS, at.AT_TRADES]] = end
    waiting = int(state[at.N_LIVE])
    return with_room(small, waiting + 4, 6 * waiting + 4 * int(state[at.N_SYMBOLS]))


def _key(state: Floats) -> bytes:
    """Return what makes two accounts act alike: all but how much they have."""
    symbols = symbols_of(state)
    live = records_of(state, at.AT_LIVE, at.N_LIVE, at.N_WAITING)
    has_left = np.isnan(live[:, at.LEFT])
    return b"".join([
        np.sign(symbols[:, at.QUANTITY]).tobytes(),
        symbols[:, _ALIKE].tobytes(),
        live[:, _ORDER_ALIKE].tobytes(),
        has_left.tobytes(),
        np.float64(state[at.RUIN_ROW] >= 0).tobytes(),
    ])  # fmt: skip


def _outermost(states: list[Floats]) -> list[Floats]:
    """Return those with the least and the most worth, cash and units."""
    if len(states) <= 2:
        return states
    amounts = np.array([[_worth(state), *_amounts(state)] for state in states])
    places = sorted({*amounts.argmin(axis=0).tolist(), *amounts.argmax(axis=0).tolist()})
    return [states[place] for place in places]


def _amounts(state: Floats) -> list[float]:
    return [float(state[at.CASH]), *symbols_of(state)[:, at.QUANTITY].tolist()]


def _worth(state: Floats) -> float:
    symbols = symbols_of(state)
    held = symbols[:, at.QUANTITY] != 0
    return float(state[at.CASH] + np.sum(symbols[held, at.QUANTITY] * symbols[held, at.MARK]))
