"""What a tear sheet shows of a run beyond its report: what can be reckoned from its tables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.lake.backtest_runs import RunSummary
from assay.measures.drawdown import worst_drawdowns
from assay.measures.volatility import bars_per_year

Floats = NDArray[np.float64]
MOST_DRAWDOWNS = 5
_ROLLED = timedelta(days=90)
_FEWEST_ROLLED = 20


class Run(Protocol):
    """A run, kept or just made."""

    @property
    def summary(self) -> RunSummary:
        """What a list shows of it."""
        ...

    @property
    def report(self) -> Mapping[str, Any]:
        """Its figures as plain values."""
        ...

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of its tables."""
        ...

    def table(self, name: str) -> pl.DataFrame:
        """Return one of them."""
        ...


@dataclass(frozen=True, slots=True)
class Spell:
    """A fall of the account from a peak, until it was back there: None if it is not yet."""

    depth: float
    peak: datetime
    trough: datetime
    recovered: datetime | None
    lasted: timedelta


@dataclass(frozen=True, slots=True)
class Paid:
    """What trading cost, in quote units; negative funding was got."""

    fees: float
    spread: float
    """Distance of the prices that were had from those that stood, spread, slippage and impact together."""
    funding: float
    gross: float
    """What was earned before all of it."""
    net: float


@dataclass(frozen=True, slots=True)
class Ended:
    """The trades that ended for one reason."""

    reason: str
    trades: int
    won: int
    pnl: float
    average: float
    """Mean return of them."""


@dataclass(frozen=True, slots=True)
class TradeFacts:
    """What all closed trades are like together; NaN where there is none of a kind."""

    average_win: float
    average_loss: float
    best: float
    worst: float
    profit_factor: float
    """What the winners earned over what the losers lost."""
    expectancy: float
    """Mean of what a trade earned, in quote units."""


def worth_before(equity: pl.DataFrame) -> float:
    """Return what the account was worth before the first bar, from which its first drawdown is measured."""
    return float(equity["equity"][0] / (1.0 + equity["drawdown"][0]))


def worth_at(equity: pl.DataFrame, name: str = "equity") -> Floats:
    """Return what it was worth before the first bar and at each close, shape ``(n_bars + 1,)``."""
    worth: Floats = np.concatenate([[worth_before(equity)], equity[name].to_numpy()])
    return worth


def spells(equity: pl.DataFrame) -> tuple[Spell, ...]:
    """Return the deepest falls; none of an account that was worth nothing, which has only one."""
    worth = worth_at(equity)
    if not (worth > 0).all():
        return ()
    moments = [equity["open_time"][0], *equity["close_time"]]
    return tuple(
        Spell(
            one.depth,
            moments[one.peak],
            moments[one.trough],
            None if one.recovery is None else moments[one.recovery],
            moments[-1 if one.recovery is None else one.recovery] - moments[one.peak],
        )
        for one in worst_drawdowns(worth, most=MOST_DRAWDOWNS)
    )


def rolling_sharpe(equity: pl.DataFrame, name: str) -> tuple[Floats, timedelta]:
    """Return the annualised Sharpe ratio of the 90 days before each close, and how long that stretch is.

    Of a short period the stretch is a third of it. NaN before the first whole one, and where nothing varied.
    """
    step = (equity["close_time"] - equity["open_time"]).min()
    assert isinstance(step, timedelta)
    bars = max(min(round(_ROLLED / step), equity.height // 3), 1)
    worth = worth_at(equity, name)
    with np.errstate(divide="ignore", invalid="ignore"):
        returns = pl.Series(np.where(worth[:-1] > 0, worth[1:] / worth[:-1] - 1.0, np.nan))
    if bars < _FEWEST_ROLLED:
        return np.full(equity.height, math.nan), bars * step
    mean, spread = returns.rolling_mean(bars).to_numpy(), returns.rolling_std(bars).to_numpy()
    per_year = bars_per_year(round(step.total_seconds() * 1e6))
    with np.errstate(divide="ignore", invalid="ignore"):
        # What is left of rounding where nothing was held is no spread.
        ratio: Floats = np.where(spread > 1e-12, mean / spread * math.sqrt(per_year), np.nan)
    return ratio, bars * step


def paid(run: Run) -> Paid:
    """Return what trading cost."""
    fills, trades, worth = run.table("fills"), run.table("trades"), worth_at(run.table("equity"))
    fees = float(fills["fee"].sum())
    spread = float(((fills["price"] - fills["touched_price"]) * fills["quantity"]).sum())
    funding = float(trades["funding"].sum())
    net = float(worth[-1] - worth[0])
    return Paid(fees, spread, funding, net + fees + spread + funding, net)


def ended(trades: pl.DataFrame) -> tuple[Ended, ...]:
    """Return the trades by the reason for which they ended, the most frequent first."""
    found = trades.group_by("reason").agg(
        pl.len().alias("trades"),
        (pl.col("pnl") > 0).sum().alias("won"),
        pl.col("pnl").sum(),
        pl.col("return").mean().alias("average"),
    )
    return tuple(Ended(**one) for one in found.sort(["trades", "reason"], descending=[True, False]).to_dicts())


def trade_facts(trades: pl.DataFrame) -> TradeFacts:
    """Return what closed trades are like together."""
    won, lost = trades.filter(pl.col("pnl") > 0), trades.filter(pl.col("pnl") <= 0)
    losses = -float(lost["pnl"].sum())
    return TradeFacts(
        average_win=_mean(won["return"]),
        average_loss=_mean(lost["return"]),
        best=_end(trades["return"].max()),
        worst=_end(trades["return"].min()),
        profit_factor=float(won["pnl"].sum()) / losses if losses > 0 else math.nan,
        expectancy=_mean(trades["pnl"]),
    )


def years_of(report: Mapping[str, Any], name: str = "total_return") -> dict[int, dict[int, float | None]]:
    """Return the returns of months by year and month."""
    found: dict[int, dict[int, float | None]] = {}
    for one in report.get("months") or ():
        year, month = (int(part) for part in str(one["month"]).split("-"))
        found.setdefault(year, {})[month] = one.get(name)
    return found


def compounded(returns: Mapping[int, float | None]) -> float | None:
    """Return what months come to together; None if one of them has no return."""
    values = list(returns.values())
    return None if any(one is None for one in values) else math.prod(1.0 + float(one or 0.0) for one in values) - 1.0


def _mean(values: pl.Series) -> float:
    return float(values.mean()) if values.len() else math.nan  # type: ignore[arg-type]


def _end(value: Any) -> float:  # noqa: ANN401  # what polars says of an extreme
    return math.nan if value is None else float(value)
