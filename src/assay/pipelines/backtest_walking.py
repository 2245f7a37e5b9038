"""Walk-forward: the combination that did best until a moment is traded from there on, where it was not chosen.

What is left when all tests are put together is what somebody would have earned who had chosen so all along. It is one
backtest: a strategy that changes its numbers at the seams and carries its positions over them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np

from assay.backtest.composed import Fixed, Stretch, Switched, parts_of
from assay.backtest.layout import N_ORDER, T_EXIT_ROW
from assay.backtest.result import Result
from assay.domain.interval import EPOCH
from assay.lake.sealed import Author, documents_of
from assay.lake.trial_ledger import recorded
from assay.lake.trials import Configuration, Search
from assay.measures.drawdown import max_drawdown
from assay.measures.sharpe import annualised, sharpe_estimate
from assay.measures.volatility import bars_per_year
from assay.pipelines.backtest_choices import SIDES, Choice, choices_of
from assay.pipelines.backtest_columns import ON_BARS
from assay.pipelines.backtest_loop import loops_for
from assay.pipelines.backtest_making import Traded, maker_of
from assay.pipelines.backtest_report import BacktestReport
from assay.pipelines.backtest_strategies import Made
from assay.pipelines.backtest_tables import worth_of
from assay.pipelines.backtest_trying import (
    Count,
    Figures,
    Ground,
    best_of,
    configurations_of,
    figures_of,
    not_counted,
    tried,
)
from assay.pipelines.backtest_windows import Window, Windows
from assay.pipelines.backtesting import (
    BacktestRequest,
    band_of,
    prepare,
    read_from,
    report_of,
    resolved,
    scores_of,
)
from assay.pipelines.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Fold:
    """One choice, and what came of it.

    Attributes
    ----------
    train_start, test_start, test_end : datetime
        Chosen on bars that open in ``[train_start, test_start)``, traded on those in ``[test_start, test_end)``.
    values : mapping of str to str
        What was chosen; nothing where no combination had a Sharpe ratio, and none was chosen before.
    in_sample, out_of_sample : Figures
        Of the choice on the bars that chose it, from an account of its own; and of the part of the one account.
    """

    train_start: datetime
    test_start: datetime
    test_end: datetime
    values: Mapping[str, str] = field(hash=False)
    in_sample: Figures
    out_of_sample: Figures

    def to_dict(self) -> dict[str, object]:
        """Return it as plain values for JSON."""
        return {
            "train_start": self.train_start, "train_end": self.test_start,
            "test_start": self.test_start, "test_end": self.test_end, "values": dict(self.values),
            **{f"in_sample_{name}": value for name, value in self.in_sample._asdict().items()},
            **{f"out_of_sample_{name}": value for name, value in self.out_of_sample._asdict().items()},
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Candidate:
    """A combination over all windows in which it could have been chosen: means, the worst drawdown, all its trades."""

    values: Mapping[str, str] = field(hash=False)
    total_return: float
    sharpe: float
    max_drawdown: float
    trades: int
    chosen: int
    """In how many windows it was."""


@dataclass(frozen=True, slots=True, eq=False)
class WalkForwardReport:
    """All tests put together, and how each of them was chosen.

    Attributes
    ----------
    stitched : BacktestReport
        The whole report of all tests as one backtest.
    folds : tuple of Fold
    combinations : tuple of Candidate
        In sample, in the order in which they were planned.
    efficiency : float
        Growth a year out of sample over growth a year in sample; NaN where there was none in sample.
    windows : str
        How the period was cut.
    trials : tuple of str
        The trials of the ledger that were counted: the walk-forward, and then every combination.
    """

    stitched: BacktestReport
    folds: tuple[Fold, ...]
    combinations: tuple[Candidate, ...]
    efficiency: float
    windows: str
    trials: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """Return it as plain values for JSON."""
        return {
            "stitched": self.stitched.to_dict(),
            "folds": [one.to_dict() for one in self.folds],
            "combinations": self.combinations,
            "efficiency": self.efficiency,
            "windows": self.windows,
        }


def walk_forward(
    workspace: Workspace,
    request: BacktestRequest,
    values: Mapping[str, Sequence[str]],
    windows: Windows,
    *,
    count: Count = not_counted,
) -> WalkForwardReport:
    """Choose among combinations on each window, and trade the choice on the bars after it.

    Parameters
    ----------
    workspace : Workspace
    request : BacktestRequest
        Its period is cut into windows.
    values : mapping of str to sequence of str
        As :func:`assay.pipelines.backtest_sweeping.sweep` takes them.
    windows : Windows
    count : callable, optional
        Told how much is done.

    Returns
    -------
    WalkForwardReport
        Causal: what is in it up to a moment does not change with the bars after it. Every combination is a trial, and
        so is the walk-forward itself.

    Raises
    ------
    BadInputError
        As of a sweep, or if the period is too short for the windows.
    """
    found, account = prepare(workspace, request)
    request = resolved(workspace, request, found)
    choices = choices_of(request.plan, request.sizing, values)
    cut = windows.of(found.bars["open_time"].dt.epoch("us").to_numpy(), _microseconds(found.bars["close_time"][-1]))
    configurations = configurations_of(workspace, request, found, choices)
    own = _own(request, configurations[0], values, windows)
    search = Search(f"walk-forward of {request.plan.kind}", planned=(own, *configurations))
    ground = Ground(found, account, loops_for(workspace, found.market.bars_to_do * len(choices)))
    rows = np.searchsorted(found.market.open_time, np.array(cut), side="left")[:, :2].tolist()
    settings = [ground.setting(begin, stop) for begin, stop in rows]

    def in_sample_of(made: Made) -> tuple[Figures, ...]:
        part = parts_of(made.strategy, found.market)  # type: ignore[arg-type]  # an object's is not varied
        return tuple(figures_of(part(*edges), setting) for edges, setting in zip(rows, settings, strict=True))

    with recorded(documents_of(workspace.home), search, Author(request.by, workspace.clock.now())) as told:
        in_sample = dict(tried(workspace, ground, choices, in_sample_of, count=count))
        by_choice = [in_sample[at] for at in range(len(choices))]
        picks = _picks(by_choice)
        chosen = [(window, None if pick is None else choices[pick]) for window, pick in zip(cut, picks, strict=True)]
        traded, made = _stitched(workspace, request, found, chosen)
        made = replace(made, says=(*made.says, _told(cut, windows, len(choices))))
        band = band_of(workspace, made, traded, account)
        told(own, scores_of(band.pessimistic))
    report = replace(report_of(workspace, traded, made, account, band=band), trial=own.trial)
    folds = tuple(
        _fold(window, choice, _NOTHING if pick is None else by_choice[pick][at], report.result)
        for at, ((window, choice), pick) in enumerate(zip(chosen, picks, strict=True))
    )
    return WalkForwardReport(
        report, folds, _candidates(choices, by_choice, picks), _efficiency(folds), windows.says,
        (own.trial, *(one.trial for one in configurations)),
    )  # fmt: skip


def _own(
    request: BacktestRequest, first: Configuration, values: Mapping[str, Sequence[str]], windows: Windows
) -> Configuration:
    """Return the trial that the walk-forward itself is."""
    rules = {name: text for name in SIDES if (text := getattr(request.plan, name, ""))}
    varied = {f"vary.{name}": ",".join(sorted(set(some))) for name, some in sorted(values.items())}
    return replace(first, parameters={**first.parameters, **rules, **varied, "walk_forward": windows.says})


def _picks(in_sample: Sequence[tuple[Figures, ...]]) -> list[int | None]:
    """Return the choice of each window: the highest Sharpe ratio; where there is none, the choice before."""
    picks: list[int | None] = []
    for figures in zip(*in_sample, strict=True):
        best = best_of(figures)[0]
        before = picks[-1] if picks else None
        picks.append(best if math.isfinite(figures[best].sharpe) else before)
    return picks


def _stitched(
    workspace: Workspace,
    request: BacktestRequest,
    found: Traded,
    chosen: Sequence[tuple[Window, Choice | None]],
) -> tuple[Traded, Made]:
    """Return the bars of all tests, and the strategy that changes its numbers with them."""
    used = [choice for _, choice in chosen if choice is not None]
    traded = read_from(workspace, request, found, EPOCH + timedelta(microseconds=chosen[0][0].test_start))
    if not used:
        return traded, Made(Fixed(np.empty((0, N_ORDER))), ON_BARS, ("nothing: no combination had a Sharpe ratio",))
    make = maker_of(workspace, found, [choice.plan for choice in used], request.sizing)
    each: list[Made] = []
    stretches = []
    for window, choice in chosen:
        if choice is not None:
            begin, stop = np.searchsorted(found.market.open_time, window[1:], side="left")
            each.append(make(choice.plan, choice.sizing))
            stretches.append(Stretch(each[-1].strategy, int(begin), int(stop)))  # type: ignore[arg-type]
    first = int(np.searchsorted(found.market.open_time, traded.market.open_time[0]))
    sets = dict.fromkeys(name for one in each for name in one.feature_set.split())
    # Rules with the names in braces; of a model what it is, without the thresholds of one test.
    rules = tuple(f"{name} where {text}" for name in SIDES if (text := getattr(request.plan, name, "")))
    says = rules or each[0].says[:1]
    return traded, Made(Switched(found.market, tuple(stretches), first), " ".join(sets), says)


def _told(cut: Sequence[Window], windows: Windows, combinations: int) -> str:
    return (
        f"walk-forward, {windows.says}: before each of {len(cut)} tests the one of {combinations:,} combinations with "
        "the highest Sharpe ratio until then is chosen; positions are carried over the seams"
    )


def _fold(window: Window, choice: Choice | None, inside: Figures, result: Result) -> Fold:
    begin, stop = (int(one) for one in np.searchsorted(result.market.open_time, window[1:], side="left"))
    worth = worth_of(result)[begin : stop + 1]
    trades = int(((result.trade_rows[:, T_EXIT_ROW] >= begin) & (result.trade_rows[:, T_EXIT_ROW] < stop)).sum())
    if (worth > 0).all():
        ratio = sharpe_estimate(worth[1:] / worth[:-1] - 1.0).ratio if worth.size > 2 else math.nan
        sharpe = annualised(ratio, periods_per_year=bars_per_year(result.market.interval_us))
        outside = Figures(float(worth[-1] / worth[0]) - 1.0, sharpe, max_drawdown(worth), trades)
    else:
        outside = Figures(-1.0 if worth[0] > 0 else math.nan, math.nan, -1.0, trades)
    trains, tests, ends = (EPOCH + timedelta(microseconds=one) for one in window)
    return Fold(trains, tests, ends, choice.values if choice else {}, inside, outside)


_NOTHING = Figures(math.nan, math.nan, math.nan, 0)


def _candidates(
    choices: Sequence[Choice], in_sample: Sequence[tuple[Figures, ...]], picks: Sequence[int | None]
) -> tuple[Candidate, ...]:
    """Return how each combination did on the windows that could have chosen it."""
    return tuple(
        Candidate(
            choice.values,
            float(np.mean([one.total_return for one in figures])),
            float(np.mean([one.sharpe for one in figures])),
            min(one.max_drawdown for one in figures),
            sum(one.trades for one in figures),
            picks.count(at),
        )
        for at, (choice, figures) in enumerate(zip(choices, in_sample, strict=True))
    )


def _efficiency(folds: Sequence[Fold]) -> float:
    """Return growth a year out of sample over growth a year in sample; NaN where there was none in sample."""
    inside = _growth([(one.in_sample.total_return, one.test_start - one.train_start) for one in folds])
    outside = _growth([(one.out_of_sample.total_return, one.test_end - one.test_start) for one in folds])
    return outside / inside if inside > 0 else math.nan


def _growth(parts: Sequence[tuple[float, timedelta]]) -> float:
    """Return the logarithm of what the parts grew to, a year of all their time; NaN of an account that was ruined."""
    known = [(returned, length) for returned, length in parts if not math.isnan(returned)]
    if not known or any(returned <= -1.0 for returned, _ in known):
        return math.nan
    return sum(math.log1p(returned) for returned, _ in known) / (sum((b for _, b in known), timedelta()) / _YEAR)


_YEAR = timedelta(days=365)


def _microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)
