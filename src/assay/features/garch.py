"""GARCH(1,1): the variance of the next bar, filtered with coefficients that were fitted before.

The coefficients come from :mod:`assay.features.garch_fit`; between two fits this Step goes on by itself, a few
operations a bar. It is in no registry, since without a fit its numbers say nothing of a market.

>>> round(Garch(0.0, 0.01, 0.08, 0.9, 0.5).long_run_variance, 9)
0.5
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.domain.errors import BadInputError
from assay.features.bars import Bar, FloatArray
from assay.features.step import NO_WINDOW, Kernel, StepDocs, Values, check_factor, text_of
from assay.measures.volatility import YEAR_US

PERCENT = 100.0
"""Returns are in per cent inside, where the coefficients of hourly and daily bars are numbers of a usual size."""
_LARGEST = 1e9


def garch_kernel(state: Values, _window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold the last close, its end, and the variance of the bar to come."""
    last, end, variance = state
    mu, omega, alpha, beta = params
    price = bar.close
    if not price > 0.0:
        return state, (math.nan, math.nan)
    if bar.open_time == end:
        surprise = PERCENT * math.log(price / last) - mu
        variance = omega + alpha * surprise * surprise + beta * variance
    volatility = math.sqrt(variance) / PERCENT
    year = YEAR_US / (bar.close_time - bar.open_time)
    return (price, float(bar.close_time), variance), (volatility, volatility * math.sqrt(year))


@dataclass(frozen=True, slots=True)
class Garch:
    """Volatility of the next bar by a GARCH(1,1) of the log returns in per cent.

    Parameters
    ----------
    mu : float
        Mean return.
    omega, alpha, beta : float
        Of the variance: constant, weight of the last squared surprise, weight of the last variance.
    variance : float
        Of the first bar.

    Raises
    ------
    BadInputError
        If a coefficient is out of range, or surprises would grow with time.
    """

    mu: float = 0.0
    omega: float = 0.01
    alpha: float = 0.08
    beta: float = 0.9
    variance: float = 0.5

    name: ClassVar[str] = "garch"
    inputs: ClassVar[tuple[str, ...]] = ("close",)
    docs: ClassVar[StepDocs] = StepDocs(
        title="GARCH(1,1) volatility",
        formula="sigma_{t+1} with sigma^2_{t+1} = omega + alpha (r_t - mu)^2 + beta sigma^2_t, r the log returns in "
        "per cent; annualised: times the square root of the bars of its length in 365 days",
        units=("natural logarithm per bar", "natural logarithm per year of 365 days"),
        gap_rule="the variance is carried over a hole: the return over it is one over another time span and not used",
        nan_rule="a bar whose close is NaN or not positive gives NaN and is otherwise treated as missing",
        reference="T. Bollerslev, Generalized Autoregressive Conditional Heteroskedasticity (1986)",
    )

    def __post_init__(self) -> None:
        check_factor(self.name, self.mu, minimum=-_LARGEST, maximum=_LARGEST)
        for part in (self.omega, self.variance):
            check_factor(self.name, part, minimum=0.0, maximum=_LARGEST)
        for weight in (self.alpha, self.beta):
            check_factor(self.name, weight, minimum=0.0, maximum=1.0)
        if self.persistence > 1.0:
            todo = "alpha + beta must not be above 1, or every surprise would grow for ever"
            raise BadInputError("not a GARCH that can last", value=self.persistence, todo=todo)

    @property
    def persistence(self) -> float:
        """The part of a surprise that is left in the next variance."""
        return self.alpha + self.beta

    @property
    def long_run_variance(self) -> float:
        """What the variance goes back to, in per cent squared; infinite if the persistence is 1."""
        return self.omega / (1.0 - self.persistence) if self.persistence < 1.0 else math.inf

    @property
    def outputs(self) -> tuple[str, ...]:
        """Volatility of the next bar, and the same for a year."""
        numbers = "_".join(text_of(one) for one in (self.mu, self.omega, self.alpha, self.beta, self.variance))
        return f"garch_volatility_{numbers}", f"garch_volatility_annualised_{numbers}"

    @property
    def warmup(self) -> int:
        """The first variance is given."""
        return 0

    @property
    def params(self) -> Values:
        """Return the four coefficients."""
        return float(self.mu), float(self.omega), float(self.alpha), float(self.beta)

    @property
    def kernel(self) -> Kernel:
        """Return :func:`garch_kernel`."""
        return garch_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """No bar seen, none opens at NaN; the first variance."""
        return (math.nan, math.nan, float(self.variance)), NO_WINDOW
