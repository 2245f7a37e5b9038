"""A backtest as people read it: what was traded and assumed, figures, what they are worth, months, combinations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from assay.cli.render import printable, table

if TYPE_CHECKING:
    from assay.measures.bootstrap import ConfidenceInterval
    from assay.measures.performance import Performance
    from assay.pipelines.backtest_keeping import Done
    from assay.pipelines.backtest_report import BacktestReport
    from assay.pipelines.backtest_sweeping import SweepReport
    from assay.pipelines.backtest_walking import WalkForwardReport

_MONTHS_SHOWN = 24
_COMBINATIONS_SHOWN = 20


def told(done: Done) -> str:
    """Return what is said of a run that is done."""
    from assay.pipelines.backtest_report import BacktestReport  # noqa: PLC0415
    from assay.pipelines.backtest_sweeping import SweepReport  # noqa: PLC0415

    if isinstance(done, BacktestReport):
        return _text(done)
    if isinstance(done, SweepReport):
        return f"{_tried(done)}\n\n{_text(done.best)}"
    return f"{_walked(done)}\n\n{_text(done.stitched)}"


def _tried(swept: SweepReport) -> str:
    """Return the best of the combinations as a table."""
    shown = swept.combinations[:_COMBINATIONS_SHOWN]
    rows = [
        (*one.values.values(), _number("total_return", one.total_return), _number("sharpe", one.sharpe),
         _number("max_drawdown", one.max_drawdown), one.trades)
        for one in shown
    ]  # fmt: skip
    told = table((*shown[0].values, "total return", "Sharpe ratio", "worst drawdown", "closed trades"), rows)
    more = f", the best {len(shown)} of them" if len(shown) < len(swept.combinations) else ""
    return f"{len(swept.combinations):,} combinations{more}; the first one in full below\n{told}"


def _walked(walked: WalkForwardReport) -> str:
    """Return what was chosen for each test, and what came of it."""
    rows = [
        (number, f"{one.test_start:%Y-%m-%d %H:%M}", f"{one.test_end:%Y-%m-%d %H:%M}", _values(one.values),
         _number("total_return", one.in_sample.total_return), _number("sharpe", one.in_sample.sharpe),
         _number("total_return", one.out_of_sample.total_return), _number("sharpe", one.out_of_sample.sharpe),
         one.out_of_sample.trades)
        for number, one in enumerate(walked.folds, start=1)
    ]  # fmt: skip
    columns = (
        "test", "from (UTC)", "to", "chosen", "in sample", "Sharpe", "out of sample", "Sharpe", "trades"
    )  # fmt: skip
    share = f"{walked.efficiency:,.2f}" if math.isfinite(walked.efficiency) else "- (nothing was earned in sample)"
    return "\n".join([
        f"walk-forward, {walked.windows}: {len(walked.folds)} tests, each with the best of "
        f"{len(walked.combinations):,} combinations until then",
        table(columns, rows),
        f"efficiency  {share}: growth a year out of sample over growth a year in sample",
        "all tests as one account:",
    ])  # fmt: skip


def _values(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items()) or "nothing"


def _text(report: BacktestReport) -> str:
    found = report.found
    first, last = found.bars["open_time"][0], found.bars["close_time"][-1]
    blocks = [
        "\n".join([
            f"series    {found.told}",
            f"period    {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC, {found.bars.height:,} bars",
            *(f"strategy  {printable(told)}" for told in report.made.says),
            *(f"assumes   {printable(told)}" for told in report.says),
        ]),
        _figures(report),
        _worth(report),
        _months(report),
    ]  # fmt: skip
    return "\n\n".join(blocks)


def _worth(report: BacktestReport) -> str:
    evidence = report.evidence
    low, high = (f"{100 * one:+.2f} %" for one in report.band.total_return)
    doubt = report.band.says if report.band.is_exact else f"{low} to {high}; {report.band.says}"
    held = [
        f"held at the end: {one.quantity:.8g} {one.symbol.partition('-')[0]}, worth {one.value:,.2f}"
        for one in report.result.positions
    ]
    return "\n".join([
        f"verdict   {evidence.sentence}",
        f"band      {doubt}",
        *(f"open      {one}" for one in held),
        f"as of     {_moment(report)}: --as-of this gives the same again",
    ])  # fmt: skip


def _moment(report: BacktestReport) -> str:
    moment = report.found.span.as_of
    return moment.isoformat() if moment else "-"


def _figures(report: BacktestReport) -> str:
    ours, theirs = report.result.performance, report.hold.performance
    intervals = report.evidence.intervals
    rows = [
        (words, _shown(name, ours), _interval(name, intervals.get(name)), _shown(name, theirs))
        for name, words in _NAMES.items()
    ]
    return table(("figure", "strategy", "95 % interval", "buy and hold"), rows)


_NAMES = {
    "total_return": "total return",
    "annual_return": "a year",
    "sharpe": "Sharpe ratio",
    "sortino": "Sortino ratio",
    "calmar": "Calmar ratio",
    "max_drawdown": "worst drawdown",
    "trades": "closed trades",
    "win_rate": "of them won",
    "average_trade_us": "mean duration",
    "turnover": "turnover a year",
    "fees": "fees",
    "exposure": "time invested",
}
_PERCENT = ("total_return", "annual_return", "max_drawdown", "win_rate", "exposure")
_HOUR_US = 3_600_000_000


def _shown(name: str, performance: Performance) -> str:
    return _number(name, float(getattr(performance, name)))


def _number(name: str, value: float) -> str:
    if not math.isfinite(value):
        return "-"
    if name in _PERCENT:
        return f"{100 * value:,.2f} %"
    if name == "average_trade_us":
        return f"{value / _HOUR_US:,.1f} h"
    return f"{value:,.0f}" if name == "trades" else f"{value:,.2f}"


def _interval(name: str, interval: ConfidenceInterval | None) -> str:
    if interval is None or not (math.isfinite(interval.low) and math.isfinite(interval.high)):
        return ""
    return f"{_number(name, interval.low)} to {_number(name, interval.high)}"


def _months(report: BacktestReport) -> str:
    months = report.months[-_MONTHS_SHOWN:]
    rows = [
        (one.month, _number("total_return", one.total_return), _number("total_return", one.hold_return))
        for one in months
    ]  # fmt: skip
    shown = table(("month (UTC)", "strategy", "buy and hold"), rows)
    left = len(report.months) - len(months)
    return shown + (f"\n{left} more before: --json has all months" if left else "")
