"""What the best of many trials is worth: among enough useless strategies one looks good.

>>> round(expected_maximum_sharpe(10), 2)
1.57
>>> from assay.measures.sharpe import SharpeEstimate
>>> best = SharpeEstimate(2.5 / 250**0.5, skew=-3.0, kurtosis=10.0, n=1250)
>>> round(deflated_sharpe(best, trials=100, deviation=(0.5 / 250) ** 0.5), 4)
0.9004
"""

from __future__ import annotations

import math

import numpy as np

from assay.domain.errors import BadInputError, NoDataError
from assay.measures.distributions import normal_quantile
from assay.measures.sharpe import SharpeEstimate, probabilistic_sharpe


def expected_maximum_sharpe(trials: int, *, deviation: float = 1.0) -> float:
    """Return the Sharpe ratio to be expected of the best of `trials` independent strategies that are all worthless.

    Parameters
    ----------
    trials : int
        Strategies tried, at least one; of many that are alike, the number of independent ones would be smaller.
    deviation : float, default 1.0
        Standard deviation of the Sharpe ratios over the trials, in the unit that the answer is wanted in.

    Returns
    -------
    float
        0 for one trial: nothing was chosen.

    Raises
    ------
    BadInputError
        If there is no trial, or the deviation is negative or not finite.

    References
    ----------
    Bailey and López de Prado (2014), "The deflated Sharpe ratio", equation 1: the mean of the largest of N normal
    numbers, by extreme value theory.
    """
    if trials < 1:
        raise BadInputError("at least one trial is needed", value=trials)
    if not (math.isfinite(deviation) and deviation >= 0):
        raise BadInputError("a deviation is not negative", value=deviation)
    if trials == 1:
        return 0.0
    # By the upper tail, which keeps its digits where 1 - 1/N has none left.
    first, second = (-normal_quantile(tail) for tail in (1.0 / trials, 1.0 / (trials * math.e)))
    return deviation * ((1.0 - np.euler_gamma) * first + np.euler_gamma * second)


def deflated_sharpe(estimate: SharpeEstimate, *, trials: int, deviation: float | None = None) -> float:
    """Return the probability that the true Sharpe ratio is above zero, though it is that of the best of many trials.

    Parameters
    ----------
    estimate : SharpeEstimate
        Of the strategy that was chosen.
    trials : int
        Strategies that it was chosen from, itself included.
    deviation : float, optional
        Standard deviation, per observation, of the Sharpe ratios over the trials. By default what chance alone gives
        worthless strategies over as many returns, ``1 / sqrt(n - 1)``.

    Returns
    -------
    float
        From 0 to 1: :func:`~assay.measures.sharpe.probabilistic_sharpe` with the expected maximum as its benchmark;
        NaN where the ratio is NaN.

    Raises
    ------
    BadInputError
        As for :func:`expected_maximum_sharpe`.
    NoDataError
        If the estimate stands on fewer than two returns.

    References
    ----------
    Bailey and López de Prado (2014), "The deflated Sharpe ratio: correcting for selection bias, backtest overfitting
    and non-normality", equation 2 and the example that follows it.

    Examples
    --------
    >>> deflated_sharpe(SharpeEstimate(0.1, n=500), trials=1) == probabilistic_sharpe(SharpeEstimate(0.1, n=500))
    True
    """
    if estimate.n < 2:
        raise NoDataError("a Sharpe ratio needs two returns", value=estimate.n)
    by_chance = 1.0 / math.sqrt(estimate.n - 1) if deviation is None else deviation
    return probabilistic_sharpe(estimate, benchmark=expected_maximum_sharpe(trials, deviation=by_chance))


def minimum_backtest_years(trials: int, *, sharpe: float) -> float:
    """Return the years of data below which the best of `trials` worthless strategies is expected to show `sharpe`.

    Parameters
    ----------
    trials : int
        Independent configurations tried.
    sharpe : float
        Sharpe ratio a year that would be taken for skill, above zero.

    Raises
    ------
    BadInputError
        If an argument is out of range.

    References
    ----------
    Bailey, Borwein, López de Prado and Zhu (2014), "Pseudo-mathematics and financial charlatanism", theorem 2: with
    five years of data no more than 45 configurations may be tried before a Sharpe ratio of 1 has to be expected.

    Examples
    --------
    >>> round(minimum_backtest_years(45, sharpe=1.0), 2)
    5.0
    """
    if not sharpe > 0:
        raise BadInputError("a Sharpe ratio to be taken for skill is above zero", value=sharpe)
    return (expected_maximum_sharpe(trials) / sharpe) ** 2
