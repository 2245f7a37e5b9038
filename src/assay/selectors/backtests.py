"""Backtests that are kept: all of them, and one with its figures beside buying and holding.

They are read from documents; the lake is not asked, so a backtest is shown as it was made, whatever was built since.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from assay.domain.errors import BadInputError, NoDataError
from assay.lake.backtest_runs import RunSummary, StoredRun, list_runs, read_run
from assay.lake.sealed import documents_of
from assay.measures.performance_names import FIGURES, FigureUnit
from assay.pipelines.workspace import Workspace

MOST_LISTED = 1_000
"""Backtests that a list looks through, the newest ones."""
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class BacktestBrief:
    """What a list shows of a backtest: its summary with the verdict as a word, and what cannot be told as None.

    Attributes
    ----------
    run, kind, by : str
    made_at : datetime
    series : tuple of str
        ``venue:market:SYMBOL:interval`` of each.
    symbols : tuple of str
    interval : str
    start, end : datetime
    bars : int
    strategy : tuple of str
        In the words of whoever wrote it.
    feature_set, data_version : str
    as_of : datetime or None
    total_return, low, high, hold_return : float or None
        Fractions; the ends of the band, and buying and holding.
    is_exact : bool
    sharpe, deflated_sharpe, max_drawdown : float or None
    trades : int
    verdict : str
        ``holds_up``, ``may_be_luck``, ``nothing_earned``, ``not_enough_data`` or ``ruined``.
    sentence : str
        The verdict with its numbers.
    """

    run: str
    kind: str
    by: str
    made_at: datetime
    series: tuple[str, ...]
    symbols: tuple[str, ...]
    interval: str
    start: datetime
    end: datetime
    bars: int
    strategy: tuple[str, ...]
    feature_set: str
    data_version: str
    as_of: datetime | None
    total_return: float | None
    low: float | None
    high: float | None
    is_exact: bool
    hold_return: float | None
    sharpe: float | None
    deflated_sharpe: float | None
    max_drawdown: float | None
    trades: int
    verdict: str
    sentence: str


@dataclass(frozen=True, slots=True)
class BacktestList:
    """Backtests, the newest first.

    Attributes
    ----------
    found : int
        How many there are that were asked for, those beyond the part that is here included.
    rows : tuple of BacktestBrief
    symbols : tuple of str
        Of all that are kept, whatever was asked for.
    damaged : tuple of str
        What cannot be read, in words.
    is_cut : bool
        Whether there are older ones that were not looked through.
    """

    found: int
    rows: tuple[BacktestBrief, ...]
    symbols: tuple[str, ...]
    damaged: tuple[str, ...]
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a backtest beside the same of buying and holding; None where nobody has it.

    Attributes
    ----------
    name, title : str
    unit : FigureUnit
    value, low, high : float or None
        Of the pessimistic path, with the ends of its 95 % interval.
    optimistic, hold : float or None
    """

    name: str
    title: str
    unit: FigureUnit
    value: float | None
    low: float | None
    high: float | None
    optimistic: float | None
    hold: float | None


@dataclass(frozen=True, slots=True)
class MonthReturns:
    """What a month of UTC brought, ``YYYY-MM``, and what holding brought in it, as fractions."""

    month: str
    total_return: float | None
    hold_return: float | None


@dataclass(frozen=True, slots=True)
class BacktestPage:
    """One backtest.

    Attributes
    ----------
    brief : BacktestBrief
    requested : str
        What was asked for; `is_stand_in` tells whether what was traded only stands in for it.
    is_stand_in : bool
    available_at : datetime or None
    figures : tuple of Figure
    probabilistic_sharpe : float or None
        Probability that the true Sharpe ratio is above zero, if nothing else had been tried.
    trials : int
        Backtests of this series that the ledger knew by then.
    block_bars : int or None
        Length of the blocks from which the intervals are drawn.
    months : tuple of MonthReturns
    assumptions : tuple of str
        In words.
    open_positions : tuple of mapping
        What was held at the end: symbol, quantity, entry_price, value.
    combinations : int
        How many a sweep tried; 0 if it is none.
    folds : tuple of mapping
        Of a walk-forward, as its report has them.
    efficiency : float or None
        Growth a year out of sample over that in sample.
    windows : str
        How its period was cut.
    report : mapping
        All of it.
    """

    brief: BacktestBrief
    requested: str
    is_stand_in: bool
    available_at: datetime | None
    figures: tuple[Figure, ...]
    probabilistic_sharpe: float | None
    trials: int
    block_bars: int | None
    months: tuple[MonthReturns, ...]
    assumptions: tuple[str, ...]
    open_positions: tuple[Mapping[str, Any], ...]
    combinations: int
    folds: tuple[Mapping[str, Any], ...]
    efficiency: float | None
    windows: str
    report: Mapping[str, Any]


def backtests(
    workspace: Workspace, *, symbol: str = "", limit: int = 50, offset: int = 0, as_of: datetime | None = None
) -> BacktestList:
    """Return kept backtests, the newest first.

    Parameters
    ----------
    workspace : Workspace
    symbol : str, optional
        Only those that traded it: a symbol in any spelling, an asset, ``venue:market:SYMBOL``.
    limit, offset : int
    as_of : datetime, optional
        Only those that had been made by then.

    Raises
    ------
    BadInputError
        If a number is out of range or `symbol` too long.
    """
    if limit < 0 or offset < 0 or len(symbol) > _LONGEST:
        value = symbol[:_LONGEST] if len(symbol) > _LONGEST else f"limit {limit}, offset {offset}"
        raise BadInputError("no such part of the list", value=value, todo="give 0 or more, and a shorter symbol")
    page = list_runs(documents_of(workspace.home), limit=MOST_LISTED)
    known = [brief_of(one) for one in page.runs if as_of is None or one.made_at <= as_of]
    wanted = [one for one in known if not symbol.strip() or any(is_named(series, symbol) for series in one.series)]
    symbols = tuple(sorted({name for one in known for name in one.symbols}))
    rows = tuple(wanted[offset : offset + limit])
    return BacktestList(len(wanted), rows, symbols, page.damaged, page.total > len(page.runs))


def backtest(workspace: Workspace, run: str, *, as_of: datetime | None = None) -> BacktestPage:
    """Return the backtest whose id begins like `run`.

    Raises
    ------
    NoDataError
        If there is none, or there was none yet.
    BadInputError
        If several begin like that.
    DamagedError
        If one of its files is damaged.
    """
    kept = kept_run(workspace, run, as_of=as_of)
    report = kept.report
    best = best_of(report)
    trials = best.get("trials")
    return BacktestPage(
        brief=brief_of(kept.summary),
        requested=str(best.get("requested") or ""),
        is_stand_in=best.get("is_stand_in") is True,
        available_at=moment_of(best.get("available_at")),
        figures=figures_of(best),
        probabilistic_sharpe=number_of(best.get("probabilistic_sharpe")),
        trials=int(trials.get("trials", 0)) if isinstance(trials, Mapping) else 0,
        block_bars=best.get("block_bars") if isinstance(best.get("block_bars"), int) else None,
        months=tuple(
            MonthReturns(str(one.get("month")), number_of(one.get("total_return")), number_of(one.get("hold_return")))
            for one in mappings(best.get("months"))
        ),
        assumptions=tuple(str(one) for one in best.get("says") or ()),
        open_positions=mappings(best.get("open_positions")),
        combinations=len(mappings(report.get("combinations"))),
        folds=mappings(report.get("folds")),
        efficiency=number_of(report.get("efficiency")),
        windows=str(report.get("windows") or ""),
        report=report,
    )


def kept_run(workspace: Workspace, run: str, *, as_of: datetime | None = None) -> StoredRun:
    """Return what is kept of a backtest; Raises as :func:`backtest`."""
    kept = read_run(documents_of(workspace.home), run)
    if as_of is not None and kept.summary.made_at > as_of:
        todo = f"it was made at {kept.summary.made_at:%Y-%m-%d %H:%M} UTC; ask of a later moment"
        raise NoDataError("this backtest was not there yet", value=kept.summary.run, todo=todo)
    return kept


def brief_of(summary: RunSummary) -> BacktestBrief:
    """Return what a list shows of a backtest."""
    names = [one.split(":") for one in summary.series]
    low, high = summary.band
    return BacktestBrief(
        run=summary.run, kind=summary.kind, by=summary.by, made_at=summary.made_at, series=summary.series,
        symbols=tuple(name[2] for name in names if len(name) == 4),
        interval=names[0][-1] if names else "",
        start=summary.start, end=summary.end, bars=summary.bars, strategy=summary.strategy,
        feature_set=summary.feature_set, data_version=summary.data_version, as_of=summary.as_of,
        total_return=number_of(summary.total_return), low=number_of(low), high=number_of(high),
        is_exact=summary.is_exact, hold_return=number_of(summary.hold_return), sharpe=number_of(summary.sharpe),
        deflated_sharpe=number_of(summary.deflated_sharpe), max_drawdown=number_of(summary.max_drawdown),
        trades=summary.trades, verdict=summary.verdict,
        sentence=summary.sentence,
    )  # fmt: skip


def figures_of(report: Mapping[str, Any]) -> tuple[Figure, ...]:
    """Return the figures of a report, in the order in which people ask for them."""
    paths = [_mapping(report.get(name)) for name in ("performance", "optimistic", "hold")]
    intervals = _mapping(report.get("intervals"))
    found = []
    for name, (title, unit) in FIGURES.items():
        value, optimistic, hold = (number_of(one.get(name)) for one in paths)
        ends = _mapping(intervals.get(name))
        low, high = number_of(ends.get("low")), number_of(ends.get("high"))
        found.append(Figure(name, title, unit, value, low, high, optimistic, hold))
    return tuple(found)


def best_of(report: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the part of a report that is of one backtest: the best of a sweep, or a walk-forward's tests together."""
    part = report.get("best", report.get("stitched"))
    return part if isinstance(part, Mapping) else report


def is_named(series: str, text: str) -> bool:
    """Return whether a name that a person typed means a series.

    >>> series = "binance:spot:BTC-USDT:1h"
    >>> [is_named(series, one) for one in ("btcusdt", "BTC", "binance:spot:BTC-USDT", "ETH")]
    [True, True, True, False]
    """
    venue, market, symbol, interval = (*series.split(":"), "", "", "", "")[:4]
    names = (symbol, symbol.partition("-")[0], venue + symbol, venue + market + symbol, series)
    return _plain(text) in {_plain(one) for one in (*names, venue + market + symbol + interval)}


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.casefold())


def number_of(value: object) -> float | None:
    """Return a finite number, else None."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if is_number else None  # type: ignore[arg-type]


def mappings(value: object) -> tuple[Mapping[str, Any], ...]:
    """Return the mappings in a list, none if it is no list."""
    rows = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
    return tuple(one for one in rows if isinstance(one, Mapping))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def moment_of(value: object) -> datetime | None:
    """Return the moment that a text of a report says, None if it is no text."""
    return datetime.fromisoformat(value) if isinstance(value, str) else None
