"""vectorbt as F4 and F5 ask it, where it is installed: neither the platform nor its tests need it."""

from __future__ import annotations

import importlib
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assay.backtest.account import SAME_CLOSE, Account
from assay.backtest.market import Market
from assay.backtest.sweeping import Loops
from assay.features.bars import Bars
from assay.measures.trading_costs import Costs
from assay.pipelines.backtest_loop import compiled_loop, compiled_signal_loop
from benchmarks.sixteen import Array

FEE, STOP_LOSS, TAKE_PROFIT, CASH = 0.001, 0.02, 0.03, 1e9
# vectorbt fills at the close at which is decided, and not twice in a bar.
ACCOUNT = Account(cash=CASH, fill_at=SAME_CLOSE, one_fill_a_bar=True)
COSTS = Costs(maker_bps=FEE * 1e4, taker_bps=FEE * 1e4)
_SCRATCH = tempfile.TemporaryDirectory(prefix="assay-bench-loop-")


def market_of(bars: Bars) -> Market:
    """Return bars as the market of one symbol; checking it is not measured."""
    return Market(("BTC-USDT",), bars.open_time, bars.close_time, bars.open, bars.high, bars.low, bars.close)


def loops_of() -> Loops:
    """Return the compiled loops."""
    return Loops(compiled_loop(Path(_SCRATCH.name)), compiled_signal_loop(Path(_SCRATCH.name)))


@dataclass(frozen=True, slots=True)
class Peer:
    """The library, and what it is asked."""

    library: Any
    name: str = "vectorbt"

    @classmethod
    def found(cls, asked_by: str) -> Peer | None:
        """Return it, or say that there is nothing to compare with."""
        try:
            return cls(importlib.import_module("vectorbt"))
        except ModuleNotFoundError:
            print(f"{asked_by} is left out: vectorbt is not installed; `make bench` does it", file=sys.stderr)
            return None

    @property
    def version(self) -> str:
        """Of the library."""
        return str(self.library.__version__)

    def crossings(self, bars: Bars, fast: int, slow: int) -> Callable[[], Array]:
        """Return the work of one backtest: bars in, equity out."""
        columns = [np.ascontiguousarray(getattr(bars, name)) for name in ("open", "high", "low", "close")]

        def work() -> Array:
            one = self.library.MA.run(columns[3], fast).ma.to_numpy()
            other = self.library.MA.run(columns[3], slow).ma.to_numpy()
            return np.asarray(self._portfolio(columns, *_crossings(one, other)).value())

        return work

    def sweep(self, bars: Bars, pairs: list[tuple[int, int]]) -> Callable[[], Array]:
        """Return the work of many: bars in, the last equity of each pair out."""
        columns = [np.ascontiguousarray(getattr(bars, name)) for name in ("open", "high", "low", "close")]
        lengths = sorted({length for pair in pairs for length in pair})
        fasts, slows = ([lengths.index(pair[place]) for pair in pairs] for place in (0, 1))

        def work() -> Array:
            means = self.library.MA.run(columns[3], lengths).ma.to_numpy()
            wide = [np.broadcast_to(column[:, None], (len(bars), len(pairs))) for column in columns]
            return np.asarray(self._portfolio(wide, *_crossings(means[:, fasts], means[:, slows])).final_value())

        return work

    def _portfolio(self, prices: list[Array], entries: np.ndarray[Any, Any], exits: np.ndarray[Any, Any]) -> Any:  # noqa: ANN401
        opened, high, low, close = prices
        return self.library.Portfolio.from_signals(
            close, entries, exits, open=opened, high=high, low=low, fees=FEE, sl_stop=STOP_LOSS, tp_stop=TAKE_PROFIT,
            init_cash=CASH, freq="1min",
        )  # fmt: skip


def _crossings(fast: Array, slow: Array) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return where one crosses the other, upwards and downwards."""
    above, below = fast > slow, fast < slow
    up, down = np.zeros_like(above), np.zeros_like(above)
    up[1:] = above[1:] & (fast <= slow)[:-1]
    down[1:] = below[1:] & (fast >= slow)[:-1]
    return up, down
