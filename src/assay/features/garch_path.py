"""A GARCH(1,1) fitted again and again as time goes on, and filtered bar by bar in between.

Every `every` bars, counted from 1970, it is fitted to the last `on` bars, those up to then and no later ones; in
between the Step :class:`~assay.features.garch.Garch` filters bar by bar. So a value never knows of a bar after its own,
does not depend on where the history in hand begins, as long as `on` bars come before the fit, and whoever streams gets
bit for bit what a batch gives.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import MutableMapping
from dataclasses import dataclass, field

import numpy as np

from assay.domain.errors import BadInputError
from assay.features.bars import Bars, FloatArray, IntArray
from assay.features.drivers import advance
from assay.features.garch_fit import (
    FEWEST_RETURNS,
    MORE_BARS,
    FitError,
    GarchFit,
    GarchForecast,
    fit_garch,
    forecast,
)
from assay.features.state import StepState

Memory = MutableMapping[bytes, GarchFit | FitError]
"""Fits by what they were made of, for whoever asks again and again of bars that are mostly the same."""


@dataclass(frozen=True, slots=True, eq=False)
class GarchPath:
    """Volatility bar by bar with coefficients that were known then.

    Attributes
    ----------
    volatility, annualised : float64 array, shape (n_bars,)
        Of the bar after each; NaN before the first fit.
    fits : tuple of GarchFit
        In the order of time.
    failures : tuple of (int, str)
        End of the bar at which a fit failed, and why; the fit before it was kept.
    state : StepState or None
        Of the last fit's Step after the last bar, to stream on from; None before the first fit.
    """

    volatility: FloatArray
    annualised: FloatArray
    fits: tuple[GarchFit, ...]
    failures: tuple[tuple[int, str], ...]
    state: StepState | None

    def forecast(self, horizon: int, *, level: float = 0.9) -> GarchForecast:
        """Return the forecast from the last bar on.

        Raises
        ------
        FitError
            If there is no fit.
        """
        if self.state is None:
            raise FitError("there is no fit to forecast with", value=len(self.volatility), todo=MORE_BARS)
        return forecast(self.fits[-1], self.state, horizon, level=level)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a GARCH is fitted, and to what.

    Parameters
    ----------
    every : int
        Bars between two fits: at the first bar that closes at or after each multiple of so many since 1970. Of 168
        hours that is every Thursday at 00:00 UTC. The first fit is made as soon as there are bars enough.
    on : int
        Fitted to the last so many bars.

    Raises
    ------
    BadInputError
        If one is no such length.
    """

    every: int = 168
    on: int = 2000

    def __post_init__(self) -> None:
        for what, length, least in (("refit", self.every, 1), ("history", self.on, FEWEST_RETURNS + 1)):
            if type(length) is not int or length < least:
                raise BadInputError(
                    f"length of the {what} out of range", value=length, todo=f"give at least {least} bars"
                )

    def between(self, bars: Bars) -> int:
        """Return the microseconds between two fits."""
        return self.every * int(bars.close_time[0] - bars.open_time[0])

    def next_after(self, bars: Bars) -> int:
        """Return when it is fitted next after the last of `bars`, in microseconds since the epoch."""
        between = self.between(bars)
        return (int(bars.close_time[-1]) // between + 1) * between

    def due(self, bars: Bars) -> IntArray:
        """Return after how many of the bars it is fitted, in order."""
        if len(bars) <= FEWEST_RETURNS:
            return np.empty(0, dtype=np.int64)
        part = bars.close_time // self.between(bars)
        counts = np.flatnonzero(part[1:] != part[:-1]) + 2
        first = FEWEST_RETURNS + 1
        return np.concatenate(([first], counts[counts > first]))


def garch_path(
    bars: Bars,
    *,
    every: int = 168,
    on: int = 2000,
    distribution: str = "normal",
    start: int = 0,
    memory: Memory | None = None,
) -> GarchPath:
    """Return the volatility that was forecast at every bar, fitted again as :class:`Schedule` says.

    Parameters
    ----------
    bars : Bars
        Closed bars of one series, in order.
    every, on : int
        Of the schedule.
    distribution : str
        Of the surprises: ``normal`` or ``t``.
    start : int
        Values before this row are not wanted: nothing is fitted for them, and they are NaN.
    memory : mutable mapping, optional
        Where fits are looked up and kept.

    Raises
    ------
    BadInputError
        If `every` or `on` is not a length.
    """
    plan = Schedule(every, on)
    due = plan.due(bars).tolist()
    out = np.full((2, len(bars)), math.nan)
    fits: list[GarchFit] = []
    failures: list[tuple[int, str]] = []
    state = None
    fitter = _Fitter(bars, plan, distribution, memory)
    # Values from the first row on begin with the last fit before it that succeeds.
    at = max(0, sum(count <= start for count in due) - 1)
    while at > 0 and isinstance(fitter.after(due[at]), FitError):
        at -= 1
    for count, stop in itertools.pairwise([*due[at:], len(bars)]):
        found = fitter.after(count)
        if isinstance(found, FitError):
            failures.append((int(bars.close_time[count - 1]), str(found)))
        else:
            fits.append(found)
            seen = fitter.seen(count)
            state = advance(found.step, seen, StepState.start(found.step), out=np.empty((2, len(seen))))
        if state is not None and count < stop:
            state = advance(fits[-1].step, bars.rows(count, stop), state, out=out[:, count:stop])
    out[:, :start] = math.nan
    return GarchPath(out[0], out[1], tuple(fits), tuple(failures), state)


@dataclass(frozen=True, slots=True)
class _Fitter:
    """Fits to the bars there were at any time; each is made once."""

    bars: Bars
    plan: Schedule
    distribution: str
    memory: Memory | None
    _own: dict[bytes, GarchFit | FitError] = field(default_factory=dict)

    def seen(self, count: int) -> Bars:
        """Return what a fit after `count` bars is made of."""
        return self.bars.rows(max(0, count - self.plan.on), count)

    def after(self, count: int) -> GarchFit | FitError:
        """Return the fit after the first `count` bars, or why there is none."""
        seen = self.seen(count)
        key = hashlib.sha256(self.distribution.encode())
        for column in (seen.open_time, seen.close_time, seen.close):
            key.update(np.ascontiguousarray(column).tobytes())
        memory = self._own if self.memory is None else self.memory
        found = memory.get(key.digest())
        if found is None:
            try:
                found = fit_garch(seen, distribution=self.distribution)
            except FitError as error:
                found = error
            memory[key.digest()] = found
        return found
