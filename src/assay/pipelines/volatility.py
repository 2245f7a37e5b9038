"""Volatility of a series of the lake by a GARCH(1,1), fitted again as time goes on, and what it forecasts."""

from __future__ import annotations

import dataclasses
import importlib.util
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from assay.domain.errors import BadInputError, NoDataError, SettingsError
from assay.domain.instrument import Resolution, resolve
from assay.domain.interval import EPOCH, Interval
from assay.features.bars import Bars
from assay.features.compile import use_cache_dir
from assay.features.garch_fit import (
    DISTRIBUTIONS,
    FEWEST_RETURNS,
    FitError,
    GarchFit,
    GarchForecast,
)
from assay.features.garch_path import GarchPath, Memory, Schedule, garch_path
from assay.lake import reads
from assay.lake.reads import Span
from assay.measures.volatility import YEAR_US
from assay.pipelines.steps import bars_of
from assay.pipelines.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Mapping

_COLUMNS = reads.STEP_COLUMNS
_LONGEST = 10_000


@dataclass(frozen=True, slots=True)
class GarchRequest:
    """Of which series, how it is fitted, and from whose point of view.

    Attributes
    ----------
    symbol : str
        Any spelling, or ``venue:market:SYMBOL``.
    interval : str
    horizon : int
        For how many bars to come to forecast.
    every, on : int
        Fitted again every so many bars, counted from 1970, on the last so many.
    distribution : str
        Of the surprises: ``normal`` or ``t``.
    level : float
        Of the interval of the forecast.
    span : Span
        Bars that open in ``[start, end)``, from whose point of view; only closed ones are used.
    """

    symbol: str
    interval: str = "1h"
    horizon: int = 24
    every: int = 168
    on: int = 2000
    distribution: str = "t"
    level: float = 0.9
    span: Span = reads.EVERYTHING


@dataclass(frozen=True, slots=True, eq=False)
class GarchReport:
    """Volatility bar by bar, and the forecast from the last one on.

    Attributes
    ----------
    resolution : Resolution
    request : GarchRequest
        With the `as_of` that gives these numbers again.
    bars : Bars
    path : GarchPath
    forecast : GarchForecast
    """

    resolution: Resolution
    request: GarchRequest
    bars: Bars
    path: GarchPath
    forecast: GarchForecast

    @property
    def fit(self) -> GarchFit:
        """The last fit."""
        return self.path.fits[-1]

    @property
    def next_fit_at(self) -> datetime:
        """When it is fitted next: at the first bar that closes then or later."""
        return _moment(Schedule(self.request.every, self.request.on).next_after(self.bars))

    @property
    def frame(self) -> pl.DataFrame:
        """open_time, close_time, close, volatility of the next bar, annualised (null before the first fit)."""
        moment = pl.Datetime("us", "UTC")
        return pl.DataFrame(
            {
                "open_time": pl.Series(self.bars.open_time).cast(moment),
                "close_time": pl.Series(self.bars.close_time).cast(moment),
                "close": self.bars.close,
                "volatility": pl.Series(self.path.volatility).fill_nan(None),
                "annualised": pl.Series(self.path.annualised).fill_nan(None),
            }
        )

    @property
    def ahead(self) -> pl.DataFrame:
        """A row for each bar to come.

        close_time, volatility of that bar, and from now to its end: mean, lower and upper of the log return, and
        price_median, price_lower, price_upper. Times are on the grid of the bars; months are counted on the calendar.
        """
        found, last = self.forecast, float(self.bars.close[-1])
        moment = pl.Datetime("us", "UTC")
        bar = self.resolution.series.interval
        count, unit = (1, "mo") if bar.is_calendar else (bar.microseconds, "us")
        steps = pl.Series([f"{count * (one + 1)}{unit}" for one in range(len(found.volatility))])
        end = pl.Series([int(self.bars.close_time[-1])] * len(steps)).cast(moment)
        return pl.DataFrame(
            {
                "close_time": end.dt.offset_by(steps),
                "volatility": found.volatility,
                "mean": found.mean,
                "lower": found.lower,
                "upper": found.upper,
                "price_median": last * np.exp(found.mean),
                "price_lower": last * np.exp(found.lower),
                "price_upper": last * np.exp(found.upper),
            }
        )

    def about(self) -> dict[str, object]:
        """Return everything but the bars, as plain values for JSON; moments are UTC."""
        asked, fit = self.request, self.fit
        closed = _moment(int(self.bars.close_time[-1]))
        moments = {name: getattr(asked.span, name) for name in ("start", "end", "as_of", "available_at")}
        return {
            "series": str(self.resolution.series),
            "stand_in": self.resolution.is_stand_in,
            **{name: None if one is None else one.isoformat() for name, one in moments.items()},
            "closed_until": closed.isoformat(),
            "bars": len(self.bars),
            "close": float(self.bars.close[-1]),
            "volatility": float(self.forecast.volatility[0]),
            "volatility_annualised": float(self.forecast.volatility[0]) * _times_a_year(self.bars),
            "fit": _about_fit(fit)
            | {"every": asked.every, "on": asked.on, "distribution": asked.distribution}
            | {"next_at": self.next_fit_at.isoformat()},
            "fits": len(self.path.fits),
            "failures": [{"at": _moment(at).isoformat(), "why": why} for at, why in self.path.failures],
            "level": self.forecast.level,
            "forecast": [row | {"close_time": row["close_time"].isoformat()} for row in self.ahead.to_dicts()],
        }


def garch_volatility(workspace: Workspace, request: GarchRequest) -> GarchReport:
    """Return the volatility that was known at every bar of a series, and the forecast from its last bar on.

    Raises
    ------
    BadInputError
        If a parameter is out of range, or there are too few bars for a fit.
    NoDataError
        If no series answers to the symbol, or it has no bars there.
    SettingsError
        If what fits it is not installed.
    """
    check(request)
    use_cache_dir(workspace.home.cache / "numba")
    with workspace.lake() as lake:
        span = request.span if request.span.as_of else dataclasses.replace(request.span, as_of=reads.known_until(lake))
        span = dataclasses.replace(span, only_closed=True)
        then = reads.list_series(lake, as_of=span.as_of, available_at=span.available_at)
        available = then or reads.list_series(lake)
        places = workspace.settings.preferred_places
        resolution = resolve(request.symbol, available, places=places, interval=request.interval)
        bars = bars_of(reads.read_klines(lake, resolution.series, span, _COLUMNS))
    return report_of(resolution, bars, dataclasses.replace(request, span=span))


def report_of(
    resolution: Resolution, bars: Bars, request: GarchRequest, *, start: int = 0, memory: Memory | None = None
) -> GarchReport:
    """Return the report of closed bars of one series; `start` and `memory` are those of :func:`garch_path`.

    Raises
    ------
    FitError, NoDataError
        If there is no fit.
    """
    path = garch_path(
        bars, every=request.every, on=request.on, distribution=request.distribution, start=start, memory=memory
    )
    if not path.fits:
        raise _no_fit(resolution, bars, path)
    return GarchReport(resolution, request, bars, path, path.forecast(request.horizon, level=request.level))


def check(request: GarchRequest) -> None:
    """Refuse what no series could answer, before the lake is read.

    Raises
    ------
    BadInputError
        If a parameter is out of range.
    SettingsError
        If what fits it is not installed.
    """
    Interval.parse(request.interval)
    lengths: Mapping[str, tuple[int, int, int]] = {
        "horizon": (request.horizon, 1, _LONGEST),
        "every": (request.every, 1, 1_000_000),
        "on": (request.on, FEWEST_RETURNS + 1, 1_000_000),
    }
    for name, (value, least, most) in lengths.items():
        if type(value) is not int or not least <= value <= most:
            todo = f"give a whole number of bars from {least} to {most}"
            raise BadInputError(f"{name} of garch out of range", value=value, todo=todo)
    if request.distribution not in DISTRIBUTIONS:
        todo = f"use one of {', '.join(DISTRIBUTIONS)}"
        raise BadInputError("unknown distribution of garch", value=request.distribution, todo=todo)
    if not 0.0 < request.level < 1.0:
        raise BadInputError("level of garch out of range", value=request.level, todo="give a fraction such as 0.9")
    if importlib.util.find_spec("arch") is None:
        raise SettingsError("fitting a GARCH needs one more package", todo="run `pip install 'assay[ml]'`")


def _no_fit(resolution: Resolution, bars: Bars, path: GarchPath) -> FitError | NoDataError:
    """Return why there is no forecast: too few bars for any, or none of the fits came to something."""
    if path.failures and len(bars) > FEWEST_RETURNS:
        at, why = path.failures[-1]
        what = f"no GARCH could be fitted, the last time at {_moment(at):%Y-%m-%d %H:%M} UTC: {why}"
        return FitError(what, value=resolution.series, todo="ask for more bars, or for longer ones")
    what = f"too little history for a GARCH: it has {len(bars)} closed bars, and needs {FEWEST_RETURNS + 1} in a row"
    return NoDataError(what, value=resolution.series, todo="load more of it (assay backfill), or ask for shorter bars")


def _about_fit(fit: GarchFit) -> dict[str, object]:
    step = fit.step
    values = {"mu": step.mu, "omega": step.omega, "alpha[1]": step.alpha, "beta[1]": step.beta}
    if fit.degrees is not None:
        values["nu"] = fit.degrees
    named = {
        name.removesuffix("[1]"): {"value": value, "error": fit.errors.get(name)} for name, value in values.items()
    }
    return {
        "coefficients": named,
        "persistence": step.persistence,
        "has_long_run": fit.has_long_run,
        # In per cent squared inside; a fraction outside, as all volatilities.
        "long_run_volatility": step.long_run_variance**0.5 / 100.0 if fit.has_long_run else None,
        "log_likelihood": fit.log_likelihood,
        "returns": fit.returns,
        "fitted_at": _moment(fit.fitted_at).isoformat(),
    }


def _times_a_year(bars: Bars) -> float:
    return float((YEAR_US / (bars.close_time[-1] - bars.open_time[-1])) ** 0.5)


def _moment(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)
