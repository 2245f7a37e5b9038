"""The Sharpe ratio as an estimate: how sure it is, and how long a record must be before it means something.

Everything is per observation, as the returns come; :func:`annualised` is for showing. Returns must not overlap: those
of trades that are open at the same time tell partly the same story and would count twice.

>>> import numpy as np
>>> estimate = sharpe_estimate(np.array([0.02, -0.01, 0.03, 0.01, -0.02, 0.02, 0.01, 0.00]))
>>> round(estimate.ratio, 3), round(probabilistic_sharpe(estimate), 3)
(0.449, 0.859)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError, NoDataError
from assay.measures.distributions import normal_below, normal_quantile


@dataclass(frozen=True, slots=True)
class SharpeEstimate:
    """A Sharpe ratio and what its error hangs on."""

    ratio: float
    """Mean over standard deviation (divisor n - 1) of returns above the riskless rate; NaN if they do not vary."""
    skew: float = 0.0
    """Third standardised moment; 0 for the normal distribution."""
    kurtosis: float = 3.0
    """Fourth standardised moment, not the excess: 3 for the normal distribution."""
    n: int = 0
    """Returns; 0 where it is only asked how many are needed."""

    @property
    def standard_error(self) -> float:
        """Standard deviation of the ratio over samples of `n` returns; NaN below two returns.

        References
        ----------
        Mertens (2002), "Comments on variance of the IID estimator in Lo (2002)"; Opdyke (2007), "Comparing Sharpe
        ratios: so where are the p-values?"
        """
        return self.spread / math.sqrt(self.n - 1) if self.n > 1 else math.nan

    @property
    def spread(self) -> float:
        """The standard error times the root of n - 1: what one return tells; never below zero."""
        square = 1.0 - self.skew * self.ratio + (self.kurtosis - 1.0) / 4.0 * self.ratio**2
        # With the moments of one sample it cannot fall below zero (kurtosis >= 1 + skew²); with others it might.
        return math.sqrt(max(square, 0.0)) if not math.isnan(square) else math.nan


def sharpe_estimate(returns: NDArray[np.float64], *, riskless: float = 0.0) -> SharpeEstimate:
    """Return the Sharpe ratio of returns, with the moments its error needs.

    Parameters
    ----------
    returns : ndarray of float64, shape (n,)
        Simple returns of consecutive, not overlapping periods, as fractions. NaN is refused: a return that is not
        known is not zero.
    riskless : float, default 0.0
        Return of a period without risk, as a fraction.

    Returns
    -------
    SharpeEstimate
        All NaN but `n` if the returns do not vary. Skew and kurtosis with divisor n.

    Raises
    ------
    BadInputError
        If a return is not finite.
    NoDataError
        If there are fewer than two.
    """
    ratio = sharpe_ratio(returns, riskless=riskless)
    if math.isnan(ratio):
        return SharpeEstimate(math.nan, math.nan, math.nan, returns.size)
    away = returns - returns.mean()
    deviation = float(away.std())
    scaled = away / deviation
    return SharpeEstimate(
        ratio=ratio,
        skew=float((scaled**3).mean()),
        kurtosis=float((scaled**4).mean()),
        n=returns.size,
    )


def sharpe_ratio(returns: NDArray[np.float64], *, riskless: float = 0.0) -> float:
    """Return the ratio alone, which costs a fraction of the whole estimate; as :func:`sharpe_estimate` otherwise.

    Examples
    --------
    >>> sharpe_ratio(np.array([0.01, -0.01, 0.03])) == sharpe_estimate(np.array([0.01, -0.01, 0.03])).ratio
    True
    """
    if returns.ndim != 1 or not np.all(np.isfinite(returns)):
        raise BadInputError("returns must be one finite number a row", todo="drop periods that are not known")
    if returns.size < 2:
        raise NoDataError("a Sharpe ratio needs two returns", value=returns.size)
    if returns.min() == returns.max():
        return math.nan
    return float(returns.mean() - riskless) / float(returns.std(ddof=1))


def annualised(ratio: float, *, periods_per_year: float) -> float:
    """Return a Sharpe ratio per period as one per year, by the root of time: right for independent returns only.

    Examples
    --------
    >>> annualised(0.1, periods_per_year=400)
    2.0
    """
    if not periods_per_year > 0:
        raise BadInputError("a year must have periods", value=periods_per_year)
    return ratio * math.sqrt(periods_per_year)


def probabilistic_sharpe(estimate: SharpeEstimate, *, benchmark: float = 0.0) -> float:
    """Return the probability that the true Sharpe ratio is above `benchmark`, given what was seen.

    Parameters
    ----------
    estimate : SharpeEstimate
    benchmark : float, default 0.0
        A Sharpe ratio per observation, like the estimate's.

    Returns
    -------
    float
        From 0 to 1; NaN where the ratio is NaN.

    Raises
    ------
    NoDataError
        If the estimate stands on fewer than two returns.

    References
    ----------
    Bailey and López de Prado (2012), "The Sharpe ratio efficient frontier", equation 11.

    Examples
    --------
    Two years of months with a Sharpe ratio of 0.458, were they normal, and as they were (from the paper):

    >>> round(probabilistic_sharpe(SharpeEstimate(0.458, n=24)), 3)
    0.982
    >>> round(probabilistic_sharpe(SharpeEstimate(0.458, skew=-2.448, kurtosis=10.164, n=24)), 3)
    0.913
    """
    if estimate.n < 2:
        raise NoDataError("a Sharpe ratio needs two returns", value=estimate.n)
    above, error = estimate.ratio - benchmark, estimate.standard_error
    if error == 0:
        return 0.5 if above == 0 else float(above > 0)
    return normal_below(above / error)


def minimum_track_record(estimate: SharpeEstimate, *, benchmark: float = 0.0, confidence: float = 0.95) -> float:
    """Return how many returns are needed before :func:`probabilistic_sharpe` reaches `confidence`.

    Parameters
    ----------
    estimate : SharpeEstimate
        Its `n` does not matter.
    benchmark : float, default 0.0
        A Sharpe ratio per observation.
    confidence : float, default 0.95
        Above one half and below 1.

    Returns
    -------
    float
        Returns, not years; infinite if the ratio is not above the benchmark, NaN where it is NaN.

    Raises
    ------
    BadInputError
        If `confidence` is out of range.

    References
    ----------
    Bailey and López de Prado (2012), "The Sharpe ratio efficient frontier", equation 13.

    Examples
    --------
    A Sharpe ratio of 2 a year against one of 1, from days (250 a year): 2.73 years, as in the paper.

    >>> record = minimum_track_record(SharpeEstimate(2 / 250**0.5), benchmark=1 / 250**0.5)
    >>> round(record / 250, 2)
    2.73
    """
    if not 0.5 < confidence < 1:
        raise BadInputError("a confidence lies between one half and one", value=confidence)
    above = estimate.ratio - benchmark
    if math.isnan(above):
        return math.nan
    return 1.0 + (estimate.spread * normal_quantile(confidence) / above) ** 2 if above > 0 else math.inf
