"""The normal and Student's t distribution, as far as tests of forecasts need them.

SciPy has them too; they are here because measures stand on NumPy alone, and because three functions are less than a
library. Held against SciPy in the tests.

>>> round(normal_quantile(0.975), 4), round(student_t_upper(2.0, freedom=10), 6)
(1.96, 0.036694)
"""

from __future__ import annotations

import functools
import math
from statistics import NormalDist

from assay.domain.errors import BadInputError

_NORMAL = NormalDist()
_MOST_STEPS = 100_000
_TINY = 1e-300


def normal_below(value: float) -> float:
    """Return the probability that a standard normal number is below `value`; NaN gives NaN.

    By the complementary error function, so that small probabilities keep their digits.

    Examples
    --------
    >>> normal_below(0.0), normal_below(-10.0) > 0.0
    (0.5, True)
    """
    return 0.5 * math.erfc(-value / math.sqrt(2.0))


def normal_quantile(probability: float) -> float:
    """Return the number below which a standard normal number lies with that probability.

    Raises
    ------
    BadInputError
        If `probability` is not between 0 and 1.

    Examples
    --------
    >>> normal_quantile(0.5)
    0.0
    """
    if not 0 < probability < 1:
        raise BadInputError("a probability lies between 0 and 1", value=probability)
    return _NORMAL.inv_cdf(probability)


def student_t_upper(value: float, *, freedom: float) -> float:
    """Return the probability that a number of Student's t distribution is above `value`; NaN gives NaN.

    Parameters
    ----------
    value : float
        May be infinite.
    freedom : float
        Degrees of freedom, above zero.

    Raises
    ------
    BadInputError
        If `freedom` is not above zero.

    References
    ----------
    Abramowitz and Stegun (1964), 26.7.1 and 26.5.8: the incomplete beta function as a continued fraction.

    Examples
    --------
    >>> student_t_upper(1.0, freedom=1)
    0.25...
    """
    if not freedom > 0:
        raise BadInputError("degrees of freedom must be above zero", value=freedom)
    if math.isnan(value):
        return math.nan
    if math.isinf(value):
        return 0.0 if value > 0 else 1.0
    square = value * value
    # Both shares are given: one less the other would lose the digits of the smaller.
    tail = 0.5 * _beta_share(freedom / (freedom + square), square / (freedom + square), freedom / 2.0, 0.5)
    return tail if value >= 0 else 1.0 - tail


@functools.lru_cache(maxsize=4096)  # the intervals of one table of evidence ask for few of them, and often
def student_t_critical(tail: float, *, freedom: float) -> float:
    """Return the number above which a number of Student's t distribution lies with probability `tail`.

    Parameters
    ----------
    tail : float
        Above 0 and at most one half.
    freedom : float
        Degrees of freedom, above zero.

    Raises
    ------
    BadInputError
        If an argument is out of range.

    Examples
    --------
    >>> round(student_t_critical(0.025, freedom=10), 3)
    2.228
    """
    if not 0 < tail <= 0.5:
        raise BadInputError("a tail is above 0 and at most one half", value=tail)
    low, high = 0.0, 1.0
    while student_t_upper(high, freedom=freedom) > tail:
        low, high = high, high * 2.0
    # Halving until two neighbours among the floats are left.
    while low < (middle := 0.5 * (low + high)) < high:
        if student_t_upper(middle, freedom=freedom) > tail:
            low = middle
        else:
            high = middle
    return high if tail < 0.5 else 0.0


def _beta_share(share: float, rest: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function of `share`, which with `rest` makes one."""
    if share <= 0.0:
        return 0.0
    if rest <= 0.0:
        return 1.0
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(share) + b * math.log(rest)
    # The fraction converges fast on one side of the mean; on the other side its mirror does.
    if share < (a + 1.0) / (a + b + 2.0):
        return math.exp(scale) * _beta_fraction(share, a, b) / a
    return 1.0 - math.exp(scale) * _beta_fraction(rest, b, a) / b


def _beta_fraction(share: float, a: float, b: float) -> float:
    """Return the continued fraction of the incomplete beta function, from the front (Lentz)."""
    c, d = 1.0, 1.0 / _away_from_zero(1.0 - (a + b) * share / (a + 1.0))
    result = d
    for m in range(1, _MOST_STEPS):
        even = m * (b - m) * share / ((a + 2 * m - 1.0) * (a + 2 * m))
        d = 1.0 / _away_from_zero(1.0 + even * d)
        c = _away_from_zero(1.0 + even / c)
        result *= d * c
        odd = -(a + m) * (a + b + m) * share / ((a + 2 * m) * (a + 2 * m + 1.0))
        d = 1.0 / _away_from_zero(1.0 + odd * d)
        c = _away_from_zero(1.0 + odd / c)
        step = d * c
        result *= step
        if abs(step - 1.0) < 1e-15:
            break
    return result


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
