"""Fitting a GARCH(1,1) to bars, and what a fit forecasts.

arch (extra ``ml``) does the fitting and is imported only there; :mod:`assay.features.garch_path` says when it is done.
"""

from __future__ import annotations

import math
import statistics
import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np

from assay.domain.errors import BadInputError
from assay.features.bars import Bars, FloatArray
from assay.features.garch import PERCENT, Garch
from assay.features.state import StepState

DISTRIBUTIONS = ("normal", "t")
FEWEST_RETURNS = 250
"""Below these the likelihood says little; about a year of days or ten days of hours."""
_SLACK = 1e-4
"""By so much a fit at the bound of alpha + beta, which is 1, may end above it."""
_LONGEST_HORIZON = 10_000
MORE_BARS = f"give more bars without holes: at least {FEWEST_RETURNS + 1}"


class FitError(BadInputError):
    """No GARCH fits these bars well enough to be used."""


@dataclass(frozen=True, slots=True)
class GarchFit:
    """Fitted coefficients.

    Attributes
    ----------
    step : Garch
        With the coefficients; its first variance is that of the first return it was fitted to.
    errors : dict of str to float
        Standard error of each coefficient, robust to the distribution.
    degrees : float or None
        Degrees of freedom of Student's t; None for the normal distribution.
    log_likelihood : float
    returns : int
        How many it was fitted to.
    fitted_at : int
        End of the last bar it has seen, in microseconds.
    """

    step: Garch
    errors: dict[str, float]
    degrees: float | None
    log_likelihood: float
    returns: int
    fitted_at: int

    @property
    def has_long_run(self) -> bool:
        """Whether the variance goes back to a level of its own, and not only very slowly or never."""
        return self.step.persistence < 1.0 - _SLACK

    def quantile(self, level: float) -> float:
        """Return how many standard deviations a central interval of `level`, such as 0.9, reaches to each side."""
        if not 0.0 < level < 1.0:
            raise BadInputError("not a level of an interval", value=level, todo="give a fraction such as 0.9")
        if self.degrees is None:
            return statistics.NormalDist().inv_cdf((1.0 + level) / 2.0)
        from scipy.stats import t  # noqa: PLC0415  # heavy, and only here

        return float(t.ppf((1.0 + level) / 2.0, self.degrees)) * math.sqrt((self.degrees - 2.0) / self.degrees)


@dataclass(frozen=True, slots=True, eq=False)
class GarchForecast:
    """What is to come, as far as the variance tells; log returns as fractions.

    Attributes
    ----------
    volatility : float64 array, shape (horizon,)
        Of each bar to come.
    mean : float64 array, shape (horizon,)
        Of the return from now to the end of each bar.
    lower, upper : float64 array, shape (horizon,)
        Interval of the return from now to the end of each bar.
    level : float
        Of the interval.
    """

    volatility: FloatArray
    mean: FloatArray
    lower: FloatArray
    upper: FloatArray
    level: float


def fit_garch(bars: Bars, *, distribution: str = "normal") -> GarchFit:
    """Fit a GARCH(1,1) with a constant mean to the log returns of bars that follow one another.

    Parameters
    ----------
    bars : Bars
        Closed bars; a return over a hole is left out.
    distribution : str
        Of the surprises: ``normal`` or ``t``.

    Raises
    ------
    FitError
        If there are too few returns, they never vary, or the fit does not converge.

    Notes
    -----
    Real bars often end at the bound alpha + beta = 1: the variance then has no long run to go back to
    (:attr:`GarchFit.has_long_run`). It can be filtered and forecast all the same.
    """
    if distribution not in DISTRIBUTIONS:
        raise BadInputError("unknown distribution", value=distribution, todo=f"use one of {', '.join(DISTRIBUTIONS)}")
    shape: Literal["normal", "t"] = "t" if distribution == "t" else "normal"
    returns = _returns(bars)
    if returns.size < FEWEST_RETURNS:
        raise FitError("too few returns for a GARCH", value=returns.size, todo=MORE_BARS)
    if not float(np.std(returns)) > 0.0:
        raise FitError("the price never moves", value=f"{returns.size} returns of 0", todo="there is nothing to fit")
    from arch import arch_model  # noqa: PLC0415  # extra ml

    model = arch_model(returns, mean="Constant", vol="GARCH", p=1, q=1, dist=shape, rescale=False)
    with warnings.catch_warnings():
        # What they say is looked at below: whether it converged, and whether what came out can be used.
        warnings.simplefilter("ignore")
        found = model.fit(disp="off", show_warning=False)
        errors = {str(name): float(value) for name, value in found.std_err.items()}
    values = {str(name): float(value) for name, value in found.params.items()}
    mu, omega, alpha, beta = (values[name] for name in ("mu", "omega", "alpha[1]", "beta[1]"))
    if found.convergence_flag != 0 or not np.isfinite(list(values.values())).all():
        raise FitError("the fit did not converge", value=values, todo="fit on more bars, or on longer ones")
    alpha, beta = max(alpha, 0.0), max(beta, 0.0)
    if not omega > 0.0 or alpha + beta > 1.0 + _SLACK:
        todo = "fit on more bars, or on longer ones"
        raise FitError("the fit does not keep to its bounds", value=values, todo=todo)
    first = float(found.conditional_volatility[0]) ** 2
    step = Garch(mu, omega, alpha, min(beta, 1.0 - alpha), first)
    return GarchFit(
        step, errors, values.get("nu"), float(found.loglikelihood), int(returns.size), int(bars.close_time[-1])
    )


def forecast(fit: GarchFit, state: StepState, horizon: int, *, level: float = 0.9) -> GarchForecast:
    """Return volatility and interval for each of the next `horizon` bars, from the Step's state.

    The variance goes back to its long run geometrically, or, if it has none, grows by omega a bar. The interval of a
    return over several bars takes the sum of their variances, and the quantile of one bar's distribution, which for
    Student's t errs on the wide side.
    Reference: T. Bollerslev (1986); R. S. Tsay, Analysis of Financial Time Series (2010), 3.5.
    """
    if type(horizon) is not int or not 1 <= horizon <= _LONGEST_HORIZON:
        todo = f"give a whole number of bars from 1 to {_LONGEST_HORIZON}"
        raise BadInputError("horizon out of range", value=horizon, todo=todo)
    state.check_belongs_to(fit.step)
    ahead = np.arange(horizon, dtype=np.float64)
    kept = fit.step.persistence
    added = (1.0 - kept**ahead) / (1.0 - kept) if kept < 1.0 else ahead
    variance: FloatArray = kept**ahead * state.values[2] + fit.step.omega * added
    mean: FloatArray = fit.step.mu * (ahead + 1) / PERCENT
    reach: FloatArray = fit.quantile(level) * np.sqrt(np.cumsum(variance)) / PERCENT
    return GarchForecast(np.sqrt(variance) / PERCENT, mean, mean - reach, mean + reach, level)


def _returns(bars: Bars) -> FloatArray:
    """Return the log returns in per cent between usable bars that follow one another."""
    usable = bars.close > 0.0
    close, opened, closed = bars.close[usable], bars.open_time[usable], bars.close_time[usable]
    follows = opened[1:] == closed[:-1]
    returns: FloatArray = PERCENT * np.diff(np.log(close))[follows]
    return returns
