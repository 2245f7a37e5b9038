"""Leaks that show in few rows, and those that a second look does not show: memory and chance."""

from __future__ import annotations

import sys

import numpy as np
import polars as pl

from assay.evidence.causality import Leak
from tests.leaks import bars
from tests.leaks.bars import Frame
from tests.leaks.cases import CASES

_MEANS: dict[str, float] = {}
_SEEN: list[float] = []
_FROM_BEFORE = {"close": 93.7}
_LENGTHS = {"fast": 12, "slow": 26}


@CASES.leak(Leak.FUTURE_VALUE, "close", lag=1, frame=bars.ten_thousand)
def one_row_in_ten_thousand(hours: Frame) -> Frame:
    """One bad tick mended with the price after it; the other 9,999 rows are right."""
    close = hours["close"].copy()
    if len(close) > 6_174:
        close.iloc[6_173] = close.iloc[6_174]
    return close


@CASES.twin(frame=bars.ten_thousand)
def one_row_mended_from_behind(hours: Frame) -> Frame:
    """The same tick mended with the price before it."""
    close = hours["close"].copy()
    if len(close) > 6_173:
        close.iloc[6_173] = close.iloc[6_172]
    return close


@CASES.leak(Leak.FUTURE_VALUE, "change", lag=1)
def on_mondays_only(hours: Frame) -> Frame:
    """A branch for Mondays in which the shift has the wrong sign."""
    change = hours["close"].pct_change()
    return change.where(hours.index.dayofweek != 0, change.shift(-1)).rename("change")


@CASES.twin()
def mondays_marked(hours: Frame) -> Frame:
    """A branch for Mondays that looks back."""
    change = hours["close"].pct_change()
    return change.where(hours.index.dayofweek != 0, change.shift(1)).rename("change")


@CASES.leak(Leak.FUTURE_VALUE, "change", lag=2, frame=bars.panel)
def for_one_symbol_only(panel: pl.DataFrame) -> pl.DataFrame:
    """One coin of four is two bars ahead."""
    change = pl.col("close").log().diff().over("symbol")
    ahead = pl.when(pl.col("symbol") == "NEW").then(change.shift(-2).over("symbol")).otherwise(change)
    return panel.select("symbol", "open_time", change=ahead)


@CASES.leak(Leak.FUTURE_VALUE, "change", frame=bars.panel, is_seldom=True)
def shifted_across_symbols(panel: pl.DataFrame) -> pl.DataFrame:
    """A shift without `over("symbol")`: the change is one against another coin's next bar."""
    ordered = panel.sort("symbol", "open_time")
    return ordered.select("symbol", "open_time", change=pl.col("close") / pl.col("close").shift(-1) - 1)


@CASES.twin(frame=bars.panel, is_seldom=True)
def shifted_within_each_symbol(panel: pl.DataFrame) -> pl.DataFrame:
    """The change against the same coin's last bar."""
    last = pl.col("close").shift(1).over("symbol")
    return panel.sort("symbol", "open_time").select("symbol", "open_time", change=pl.col("close") / last - 1)


@CASES.leak(Leak.FUTURE_VALUE, "until_next", lag=1, frame=bars.hours_with_holes)
def at_holes_only(hours: Frame) -> Frame:
    """A mark on the last bar before each hole: one at all other bars."""
    until = hours.index.to_series().diff().shift(-1).dt.total_seconds() / 3600
    return until.fillna(1.0).rename("until_next")


@CASES.twin(frame=bars.hours_with_holes)
def after_holes_only(hours: Frame) -> Frame:
    """A mark on the first bar after each hole."""
    since = hours.index.to_series().diff().dt.total_seconds() / 3600
    return since.fillna(1.0).rename("since_last")


@CASES.leak(Leak.FUTURE_VALUE, "return_1", lag=1, is_seldom=True)
def in_extreme_bars_only(hours: Frame) -> Frame:
    """Spikes "mended" when the next bar takes them back."""
    change = hours["close"].pct_change()
    is_spike = (change.abs() > 0.015) & (np.sign(change) != np.sign(change.shift(-1)))
    return change.where(~is_spike, 0.0).rename("return_1")


@CASES.leak(Leak.HIDDEN_STATE, "against_mean")
def mean_kept_in_a_global(hours: Frame) -> Frame:
    """A mean computed at the first call, on whatever was given then, and kept in a global for all later ones."""
    mean = _MEANS.setdefault("close", float(hours["close"].mean()))
    return (hours["close"] / mean - 1).rename("against_mean")


@CASES.leak(Leak.HIDDEN_STATE, "against_mean")
def mean_kept_from_before(hours: Frame) -> Frame:
    """The same global, filled by an earlier cell of the notebook before the audit began."""
    mean = _FROM_BEFORE.setdefault("close", float(hours["close"].mean()))
    return (hours["close"] / mean - 1).rename("against_mean")


@CASES.leak(Leak.HIDDEN_STATE, "above_all_seen", is_seldom=True)
def extreme_of_all_calls(hours: Frame) -> Frame:
    """The highest price that any call has seen, kept from call to call."""
    _SEEN.append(float(hours["high"].max()))
    return (hours["close"] / max(_SEEN)).rename("above_all_seen")


@CASES.twin()
def kept_by_its_content(hours: Frame) -> Frame:
    """A result kept by the content that it is a function of."""
    kept = sys.modules[__name__].__dict__.setdefault("_BY_CONTENT", {})
    key = hours["close"].to_numpy().tobytes()
    if key not in kept:
        kept.clear()
        kept[key] = hours["close"].expanding().mean()
    return (hours["close"] / kept[key] - 1).rename("against_mean")


@CASES.leak(Leak.NOT_DETERMINISTIC, "jittered")
def ties_broken_by_chance(hours: Frame) -> Frame:
    """A little noise from a generator without a seed, to break ties."""
    return hours[[]].assign(jittered=hours["close"] + np.random.default_rng().normal(0, 0.01, len(hours)))


@CASES.twin()
def settings_kept_in_a_global(hours: Frame) -> Frame:
    """Lengths kept in a dictionary that nobody writes to."""
    close = hours["close"]
    return (close.ewm(span=_LENGTHS["fast"]).mean() - close.ewm(span=_LENGTHS["slow"]).mean()).rename("difference")


@CASES.twin()
def ties_broken_by_a_seed(hours: Frame) -> Frame:
    """The same noise for the same row, every time."""
    return hours[[]].assign(jittered=hours["close"] + np.random.default_rng(1).normal(0, 0.01, len(hours)))
