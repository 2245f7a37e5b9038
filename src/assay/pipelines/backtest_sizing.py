"""How much of an account an entry puts in, and what takes it out again by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.backtest.layout import Floats
from assay.backtest.signals import Exits, Size
from assay.domain.errors import BadInputError
from assay.lake.trials import Value
from assay.measures.position_size import volatility_target
from assay.pipelines.backtest_columns import of_indicator
from assay.pipelines.backtest_market import LakeMarket
from assay.pipelines.workspace import Workspace

FRACTION, VOLATILITY = "fraction", "volatility"
_UNITS = {FRACTION: "fraction", "quote": "notional", "base": "quantity", VOLATILITY: "fraction"}
_MOST_BARS = 1_000_000  # of any indicator


@dataclass(frozen=True, slots=True)
class Sizing:
    """How much is put in, and what takes it out again by itself.

    Attributes
    ----------
    size : float
        How much an entry puts in, in what `size_by` says.
    stop_loss, take_profit, trailing_stop : float, optional
        Distances from the mean entry price, and from the best price since, as fractions.
    max_bars : int
        Bars after which a position is closed; 0: never.
    size_by : str, default "fraction"
        ``fraction`` of what the account is worth, ``quote`` units, ``base`` units, or ``volatility``: the fraction, at
        most all, with which the account's standard deviation of a year is `size`.
    volatility_bars : int, default 100
        Returns of which the volatility at a close is that of.
    """

    size: float = 1.0
    stop_loss: float | None = None
    take_profit: float | None = None
    trailing_stop: float | None = None
    max_bars: int = 0
    size_by: str = FRACTION
    volatility_bars: int = 100

    @property
    def exits(self) -> Exits:
        """As the engine has them."""
        stop, target, trail = (
            np.nan if one is None else one for one in (self.stop_loss, self.take_profit, self.trailing_stop)
        )
        return Exits(stop, target, trail, self.max_bars)

    def check(self) -> None:
        """Raise BadInputError if a number is out of range, or a word is none."""
        if self.size_by not in _UNITS:
            raise BadInputError("no such way to size", value=self.size_by, todo=f"use {', '.join(_UNITS)}")
        if not 0 < self.size < np.inf:
            todo = "give a number; on which side is said by the rules"
            raise BadInputError("a size must be above zero", value=self.size, todo=todo)
        if self.size_by == FRACTION and self.size > 1:
            todo = "give 1 at most: nothing is borrowed"
            raise BadInputError("an entry of more than the account", value=self.size, todo=todo)
        if not 2 <= self.volatility_bars <= _MOST_BARS:  # of one return there is none
            todo = f"give 2 to {_MOST_BARS:,}"
            raise BadInputError("no such number of bars for a volatility", value=self.volatility_bars, todo=todo)
        _ = self.exits, Size(self.size)

    def volatility(self, workspace: Workspace, found: LakeMarket) -> Floats | None:
        """Return the volatility a year known at each close, on the rows of the market; None where size needs none."""
        if self.size_by != VOLATILITY:
            return None
        name = f"realised_volatility:{self.volatility_bars}"
        column = f"realised_volatility_annualised_{self.volatility_bars}"
        on_rows: Floats = found.on_rows(of_indicator(workspace, found, name, column))
        return on_rows

    def sized(self, volatility: Floats | None) -> Size:
        """Return the size of each entry; there is none where the volatility is not known."""
        if volatility is not None:
            return Size(volatility_target(volatility, target=self.size))
        return Size(self.size, _UNITS[self.size_by])

    @property
    def says(self) -> tuple[str, ...]:
        """How large an entry is where it is not all of the account, and what takes it out again by itself."""
        found = []
        if self.size_by == VOLATILITY:
            told = f"an entry is sized to a volatility of {100 * self.size:g} % a year, at most all there is, by the "
            found.append(f"{told}last {self.volatility_bars} returns")
        elif self.size_by != FRACTION:
            found.append(f"an entry is of {self.size:g} {self.size_by} units")
        elif self.size != 1.0:
            found.append(f"an entry is {100 * self.size:g} % of the account")
        distances = (
            (self.stop_loss, "stop loss {:g} % from the entry"),
            (self.take_profit, "take profit {:g} % from the entry"),
            (self.trailing_stop, "trailing stop {:g} % from the best price since"),
        )
        found += [words.format(100 * one) for one, words in distances if one is not None]
        return (*found, *([f"left after {self.max_bars:,} bars"] if self.max_bars else []))

    def parameters(self) -> dict[str, Value]:
        """Return what was chosen, for the ledger."""
        told = {name: getattr(self, name) for name in ("stop_loss", "take_profit", "trailing_stop")}
        by: dict[str, Value] = {} if self.size_by == FRACTION else {"size_by": self.size_by}
        if self.size_by == VOLATILITY:
            by["volatility_bars"] = self.volatility_bars
        return {"size": self.size, "max_bars": self.max_bars, **told, **by}
