"""Indicators on a chart: Steps of the registry, computed over every bar of the series at the interval shown.

Because the whole series goes in, a value does not depend on the stretch that is looked at: it is the one that
``silver.technical_indicators`` holds.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from assay.domain.errors import BadInputError
from assay.domain.instrument import Resolution
from assay.domain.interval import Interval
from assay.features.bars import FloatArray, IntArray
from assay.features.compile import use_cache_dir
from assay.features.declared import set_of_texts
from assay.features.drivers import run_batch
from assay.features.higher import check_interval
from assay.features.own import running
from assay.features.step import Step, identity
from assay.features.texts import parse_step
from assay.lake.identities import spans_of_bars, stated_segments
from assay.pipelines.steps import bars_of
from assay.pipelines.workspace import Workspace
from assay.selectors import volatility
from assay.selectors.kept import Reading
from assay.selectors.volatility import OUTPUTS, GarchAsked, ShownVolatility, parse_garch, shown_volatility

MOST_INDICATORS = 16
_MINUTE = Interval.parse("1m")


@dataclass(frozen=True, slots=True, eq=False)
class IndicatorLine:
    """One indicator over the bars shown.

    Attributes
    ----------
    name : str
        As asked: ``ema:12``.
    title : str
    outputs : tuple of str
        Names of its columns: ``("ema_12",)``.
    units : tuple of str
        Of each output.
    values : dict of str to float64 array, shape (n_bars,)
        By output; NaN before the warm-up is over and where the indicator has no value.
    warmup : int
        Number of bars at the beginning of the series that have no value.
    fitted : ShownVolatility or None
        Of a GARCH: how it was fitted, and what it forecasts.
    why : str
        Why there are no values over bars of the interval shown, and no outputs; else empty.
    """

    name: str
    title: str
    outputs: tuple[str, ...]
    units: tuple[str, ...]
    values: dict[str, FloatArray]
    warmup: int
    fitted: ShownVolatility | None = None
    why: str = ""

    def at(self, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> IndicatorLine:
        """Return the line at those bars only."""
        return dataclasses.replace(self, values={name: values[rows] for name, values in self.values.items()})

    def only(self, outputs: Sequence[str]) -> IndicatorLine:
        """Return the line with some of its outputs."""
        units = dict(zip(self.outputs, self.units, strict=True))
        values = {name: self.values[name] for name in outputs}
        return dataclasses.replace(
            self, outputs=(*outputs,), units=tuple(units[name] for name in outputs), values=values
        )

    @property
    def size(self) -> int:
        """Bytes of the values."""
        return sum(values.nbytes for values in self.values.values())


@dataclass(frozen=True, slots=True)
class StepAsked:
    """A Step, and which of its outputs are asked for: all, unless a usual name such as ``MACD_signal`` means one."""

    step: Step
    outputs: tuple[str, ...]


def parse_indicators(texts: Sequence[str], interval: Interval | None = None) -> Mapping[str, StepAsked | GarchAsked]:
    """Return the Step, or the GARCH, that each text names, by the text; parameters left out have their usual values.

    >>> parse_indicators(["ema:26", "MACD_signal"])["MACD_signal"]
    StepAsked(step=Macd(fast=12, slow=26, signal=9), outputs=('macd_signal_12_26_9',))

    :mod:`assay.features.texts` says how an indicator is written, :mod:`assay.features.aliases` how it is usually known.
    Without an interval lengths of time (``Price_momentum_3h``) are counted in minutes, and whether bars are too long
    for what is asked is not looked at.

    Raises
    ------
    BadInputError
        If there is no such Step, it does not take these parameters or cannot be computed over bars of `interval`, or
        there are too many.
    """
    if len(texts) > MOST_INDICATORS:
        todo = f"ask for at most {MOST_INDICATORS} at once"
        raise BadInputError("too many indicators", value=len(texts), todo=todo)
    return {text: parse_garch(text) or _parse(text, interval) for text in texts}


def _parse(text: str, interval: Interval | None) -> StepAsked:
    chosen = set_of_texts([text], interval or _MINUTE)
    (step,) = chosen.feature_set.steps
    if interval is not None:
        check_interval(step, interval)
    return StepAsked(step, chosen.columns)


def absent_line(name: str, why: str) -> IndicatorLine:
    """Return the line of an indicator that has no values over bars of the interval shown."""
    return IndicatorLine(name, _parse(name, None).step.docs.title, (), (), {}, 0, why=why)


def line_of(
    reading: Reading, name: str, step: Step, bars: pl.DataFrame, *, ticker: str, known_as: Hashable
) -> IndicatorLine:
    """Return the indicator over all of `bars`, which this reading knows by `known_as`; anew for each asset."""
    line = reading.part(
        ("indicator", known_as, identity(step)), lambda _: _computed(step, bars, ticker), weigh=lambda one: one.size
    )
    return dataclasses.replace(line, name=name)


def garch_line(
    asked: GarchAsked, resolution: Resolution, bars: pl.DataFrame, *, name: str, rows: IntArray
) -> IndicatorLine:
    """Return the volatility of a GARCH at those rows of all of `bars`; they follow one another."""
    found = shown_volatility(asked, resolution, bars, first=int(rows[0]), last=int(rows[-1]))
    return IndicatorLine(name, volatility.TITLE, OUTPUTS, volatility.UNITS, found.values, volatility.WARMUP, found)


def _computed(step: Step, bars: pl.DataFrame, ticker: str) -> IndicatorLine:
    with running(step):
        spans = spans_of_bars(bars, stated_segments(ticker))
        matrix = np.concatenate([run_batch(step, bars_of(bars[span.rows]))[0] for span in spans])
    values = {name: matrix[:, column] for column, name in enumerate(step.outputs)}
    return IndicatorLine(step.name, step.docs.title, step.outputs, step.docs.units, values, step.warmup)


def warm_up(workspace: Workspace) -> None:
    """Load what the usual indicators need before somebody waits for it; a server calls this when it starts.

    Compiled code is kept below the home's cache: the first time takes seconds, later ones a fraction of one.
    """
    use_cache_dir(workspace.home.cache / "numba")
    hours = pl.datetime_range(
        pl.datetime(2024, 1, 1, time_zone="UTC"), pl.datetime(2024, 1, 2, time_zone="UTC"), "1h", eager=True
    )
    prices = {name: np.linspace(1.0, 2.0, hours.len()) for name in ("open", "high", "low", "close", "volume")}
    absent = dict.fromkeys(("quote_volume", "taker_buy_volume", "num_trades"), pl.lit(None, pl.Float64))
    times = {"open_time": hours, "close_time": hours.dt.offset_by("1h")}
    bars = pl.DataFrame({**times, **prices}).with_columns(**absent)
    for name in ("ema", "rsi"):
        _computed(parse_step(name), bars, ticker="")
