"""The curves of a backtest, with so many points as can be drawn; several beside each other; and its trades."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from assay.domain.errors import BadInputError
from assay.measures.thinning import thinned
from assay.pipelines.workspace import Workspace
from assay.selectors.backtests import BacktestBrief, Figure, best_of, brief_of, figures_of, kept_run, number_of

LEAST_POINTS, USUAL_POINTS, MOST_POINTS = 10, 1_500, 20_000
MOST_COMPARED = 6
MOST_TRADES = 5_000
_BAND = ("equity_lowest", "equity_highest")
_CURVES = ("equity", "equity_optimistic", *_BAND, "equity_hold", "drawdown")
_MOVES = (*_CURVES, "exposure")


@dataclass(frozen=True, slots=True)
class Curves:
    """What an account was worth, column by column.

    Attributes
    ----------
    run : str
    series : tuple of str
    bars, points : int
        How many there are, and how many are here. Where there are fewer, the first, the last, and the lowest and
        highest of each curve in each part are here, each at its own moment.
    frame : polars.DataFrame
        ``close_time`` (UTC); ``equity`` (pessimistic path), ``equity_optimistic``, ``equity_lowest`` and
        ``equity_highest`` (the band, which both are in), ``equity_hold``: quote units; ``drawdown``, ``exposure``:
        fractions.
    """

    run: str
    series: tuple[str, ...]
    bars: int
    points: int
    frame: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Trades:
    """Closed trades in the order in which they ended; `found` counts those that are not here as well."""

    run: str
    found: int
    frame: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Compared:
    """A backtest among others: its figures, and its equity as growth since `since` of the comparison."""

    brief: BacktestBrief
    figures: tuple[Figure, ...]
    frame: pl.DataFrame
    """``close_time`` and ``growth``: a fraction, 0 at first."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Backtests side by side.

    Attributes
    ----------
    since : datetime or None
        From when on all of them have bars, at which every curve is 0; None where their periods do not overlap, and each
        begins at its own.
    runs : tuple of Compared
        In the order in which they were asked for.
    warnings : tuple of str
        Why their figures cannot simply be compared, in words; empty where they can.
    """

    since: datetime | None
    runs: tuple[Compared, ...]
    warnings: tuple[str, ...]


def equity(workspace: Workspace, run: str, *, points: int = USUAL_POINTS, as_of: datetime | None = None) -> Curves:
    """Return the curves of a backtest.

    Parameters
    ----------
    workspace : Workspace
    run : str
        Its id, or how that begins.
    points : int
        At most so many, from 10 to 20,000.

    Raises
    ------
    BadInputError, NoDataError, DamagedError
        If `points` is out of range, there is no such backtest, or a file of it is damaged.
    """
    check_points(points)
    kept = kept_run(workspace, run, as_of=as_of)
    table = kept.table("equity")
    # Where the bars left no doubt the band is the curve, and is not kept.
    table = table.with_columns(pl.col("equity").alias(name) for name in _BAND if name not in table.columns)
    frame = table.select("close_time", *(name for name in _MOVES if name in table.columns))
    kept_rows = thinned(frame.select(_CURVES).to_numpy(), most=points)
    return Curves(kept.summary.run, kept.summary.series, table.height, kept_rows.size, frame[kept_rows])


def check_points(points: int) -> None:
    """Raise BadInputError if so many points cannot be asked for."""
    if not LEAST_POINTS <= points <= MOST_POINTS:
        todo = f"give a number from {LEAST_POINTS} to {MOST_POINTS:,}"
        raise BadInputError("points out of range", value=points, todo=todo)


@dataclass(frozen=True, slots=True)
class WhichTrades:
    """Some of the trades of a backtest.

    Attributes
    ----------
    symbol : str
        Only of this one; all if it is empty.
    start, end : datetime or None
        Only those that were open at some time in ``[start, end)``.
    limit, offset : int
        At most so many, up to 5,000, leaving out so many first.
    is_latest_first : bool
    """

    symbol: str = ""
    start: datetime | None = None
    end: datetime | None = None
    limit: int = 100
    offset: int = 0
    is_latest_first: bool = False


_FIRST_TRADES = WhichTrades()


def trades(
    workspace: Workspace, run: str, which: WhichTrades = _FIRST_TRADES, *, as_of: datetime | None = None
) -> Trades:  # fmt: skip
    """Return closed trades of a backtest.

    Each with `number`, which one it was, from 1 on, and `total_return`, its profit over what was put in.

    Raises
    ------
    BadInputError, NoDataError, DamagedError
        If a number is out of range, there is no such backtest, or a file of it is damaged.
    """
    if not 0 <= which.limit <= MOST_TRADES or which.offset < 0:
        value, todo = f"limit {which.limit}, offset {which.offset}", f"give a limit up to {MOST_TRADES:,}"
        raise BadInputError("no such part of the trades", value=value, todo=todo)
    kept = kept_run(workspace, run, as_of=as_of)
    names = {"entry_open_time": "entry_time", "exit_open_time": "exit_time", "return": "total_return"}
    frame = kept.table("trades").rename(names).with_row_index("number", offset=1)
    if which.symbol:
        frame = frame.filter(pl.col("symbol") == which.symbol)
    if which.start is not None:
        frame = frame.filter(pl.col("exit_time") >= which.start)
    if which.end is not None:
        frame = frame.filter(pl.col("entry_time") < which.end)
    found = frame.reverse() if which.is_latest_first else frame
    return Trades(kept.summary.run, frame.height, found.slice(which.offset, which.limit))


def compare(
    workspace: Workspace, runs: Sequence[str], *, points: int = USUAL_POINTS, as_of: datetime | None = None
) -> Comparison:
    """Return backtests side by side, their equity rebased to the first moment that all of them have.

    Raises
    ------
    BadInputError
        If there are fewer than two or more than six, one stands twice, or `points` is out of range.
    NoDataError, DamagedError
        If there is no such backtest, or a file of it is damaged.
    """
    check_points(points)
    if not 2 <= len(runs) <= MOST_COMPARED:
        todo = f"choose 2 to {MOST_COMPARED} of them"
        raise BadInputError("not as many backtests as can be compared", value=len(runs), todo=todo)
    kept = [kept_run(workspace, run, as_of=as_of) for run in runs]
    ids = [one.summary.run for one in kept]
    if len(set(ids)) < len(ids):
        twice = next(one for one in ids if ids.count(one) > 1)
        raise BadInputError("a backtest stands twice", value=twice, todo="choose each once")
    briefs = [brief_of(one.summary) for one in kept]
    start, end = max(one.start for one in briefs), min(one.end for one in briefs)
    since = start if start < end else None
    found = tuple(
        Compared(brief, figures_of(best_of(one.report)), growth_since(one.table("equity"), since, points=points))
        for brief, one in zip(briefs, kept, strict=True)
    )
    costs = [_terms(best_of(one.report)) for one in kept]
    return Comparison(since, found, warnings_of(briefs, costs))


def warnings_of(briefs: Sequence[BacktestBrief], assumptions: Sequence[object]) -> tuple[str, ...]:
    """Return in words what is not the same in all of them, and has a part in their figures."""
    found = []
    if len({(one.start, one.end) for one in briefs}) > 1:
        found.append("they are of different periods: a good year flatters whoever traded in it")
    if len({one.series for one in briefs}) > 1:
        found.append("they traded different series")
    elif len({one.data_version for one in briefs}) > 1:
        found.append("the bars had other values: the lake went on between them, or one is as of another moment")
    if len(set(assumptions)) > 1:
        found.append("they assume different costs or fills")
    if len({one.kind for one in briefs}) > 1:
        found.append("some were chosen among many on the bars that they are shown on, and others were not")
    return tuple(found)


def _terms(report: Mapping[str, Any]) -> tuple[str, ...]:
    """Return when orders are filled and at which costs; steps and least orders are those of the symbol."""
    says = [str(one) for one in report.get("says") or ()]
    filled = says[0].partition(";")[0] if says else ""
    return filled, *(one.partition(", tick")[0] for one in says[1:] if one.startswith("fees"))


def growth_since(equity: pl.DataFrame, since: datetime | None, *, points: int) -> pl.DataFrame:
    """Return ``close_time`` and ``growth``, a fraction, of the closes after a moment, or of all.

    Parameters
    ----------
    equity : polars.DataFrame
        The table ``equity`` of a kept backtest.
    since : datetime, optional
        Growth is from what the account was worth at the last close up to then, or before its first bar.
    points : int
        At most so many.
    """
    frame = equity.filter(pl.col("close_time") > since) if since else equity
    worth = frame["equity"].to_numpy()
    first = _worth_before(equity, since) if worth.size else None
    growth = worth / first - 1.0 if first else np.full(worth.size, np.nan)
    kept = thinned(growth[:, np.newaxis], most=points)
    return frame.select("close_time").with_columns(pl.Series("growth", growth))[kept]


def _worth_before(table: pl.DataFrame, since: datetime | None) -> float | None:
    """Return what an account was worth at the last close up to a moment, or before its first bar."""
    before = table.filter(pl.col("close_time") <= since) if since else table.clear()
    if before.height:
        return number_of(before["equity"][-1])
    # Before the first bar it was worth what its first drawdown is measured from.
    return number_of(table["equity"][0] / (1.0 + table["drawdown"][0]))
