"""Is one forecaster better than another, or was it luck? The test of Diebold and Mariano, corrected for few rows.

It looks at the gain, row by row: the loss of the baseline less the loss of the model. Forecasts `horizon` bars ahead
share all but one of their bars with the next, so that gains are alike over ``horizon - 1`` rows; the variance of their
mean counts that in.

>>> import numpy as np
>>> gains = np.array([0.4, 0.1, 0.3, -0.1, 0.2, 0.5, 0.0, 0.2])
>>> test = diebold_mariano(gains, horizon=1)
>>> round(test.statistic, 3), round(test.p_better, 4)
(2.828, 0.0127)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError, NoDataError
from assay.measures.bootstrap import ConfidenceInterval
from assay.measures.distributions import student_t_critical, student_t_upper


class Kernel(StrEnum):
    """How much the likeness of rows that are k apart counts."""

    RECTANGULAR = "rectangular"
    """Fully, for k < horizon: exact for forecasts that are efficient; the sum may come out negative."""
    BARTLETT = "bartlett"
    """Less and less, 1 - k / horizon: never negative."""


@dataclass(frozen=True, slots=True)
class DieboldMariano:
    """What the test found; gains above zero speak for the model."""

    gain: float
    """Mean of the baseline's loss less the model's."""
    standard_error: float
    """Of the gain, with the correction for few rows in it."""
    statistic: float
    """Gain over its standard error; NaN where every gain is zero."""
    p_better: float
    """Probability of such a statistic or a higher one, were the model no better; 1 where every gain is zero."""
    p_value: float
    """The same with both tails: were the two equally good."""
    n: int
    horizon: int
    kernel: Kernel

    def interval(self, level: float) -> ConfidenceInterval:
        """Return where the true gain probably lies.

        Raises
        ------
        BadInputError
            If `level` is not between 0 and 1.
        """
        if not 0 < level < 1:
            raise BadInputError("a confidence level lies between 0 and 1", value=level)
        half = student_t_critical((1 - level) / 2, freedom=self.n - 1) * self.standard_error
        return ConfidenceInterval(self.gain - half, self.gain + half, level)


def diebold_mariano(gains: NDArray[np.float64], *, horizon: int) -> DieboldMariano:
    """Test whether the mean of `gains` differs from zero.

    Parameters
    ----------
    gains : ndarray of float64, shape (n,)
        Loss of the baseline less loss of the model, in order of time, one a moment. NaN is refused.
    horizon : int
        Bars that a forecast looks ahead: rows that far apart share nothing.

    Returns
    -------
    DieboldMariano
        With the rectangular kernel of the paper, or Bartlett's where that gives no positive variance.

    Raises
    ------
    BadInputError
        If a gain is not finite or the horizon is less than one.
    NoDataError
        If there are fewer than two rows, or no more than the horizon.

    References
    ----------
    Diebold and Mariano (1995), "Comparing predictive accuracy"; Harvey, Leybourne and Newbold (1997), "Testing the
    equality of prediction mean squared errors": the factor of the statistic, and Student's t with n - 1 degrees of
    freedom in place of the normal distribution.
    """
    if horizon < 1:
        raise BadInputError("a horizon must be at least one bar", value=horizon)
    if gains.ndim != 1 or not np.all(np.isfinite(gains)):
        raise BadInputError("gains must be one finite number a row", todo="drop rows that are not known")
    n = gains.size
    if n < 2 or n <= horizon:
        todo = f"more rows are needed than the horizon has bars ({horizon})"
        raise NoDataError("too few forecasts to compare", value=n, todo=todo)
    gain = float(gains.mean())
    kernel, variance = Kernel.RECTANGULAR, long_run_variance(gains, horizon=horizon, kernel=Kernel.RECTANGULAR)
    if variance <= 0:
        kernel, variance = Kernel.BARTLETT, long_run_variance(gains, horizon=horizon, kernel=Kernel.BARTLETT)
    correction = (n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n
    # Gains that are all the same have no variance; rounding may leave a trace of it.
    varies = bool(gains.min() < gains.max()) and variance > 0
    error = math.sqrt(variance / n / correction) if varies else 0.0
    statistic = gain / error if error else math.copysign(math.inf, gain) if gain else math.nan
    tails = [1.0 if math.isnan(statistic) else student_t_upper(t, freedom=n - 1) for t in (statistic, abs(statistic))]
    return DieboldMariano(
        gain, error, statistic, p_better=tails[0], p_value=min(1.0, 2 * tails[1]), n=n, horizon=horizon, kernel=kernel
    )


def long_run_variance(values: NDArray[np.float64], *, horizon: int, kernel: Kernel) -> float:
    """Return n times the variance of the mean of a series whose rows are alike over ``horizon - 1`` rows.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        In order of time, finite.
    horizon : int
        One more than the lags that count.
    kernel : Kernel
        How much they count.

    Examples
    --------
    >>> long_run_variance(np.array([1.0, 1.0, -1.0, -1.0]), horizon=2, kernel=Kernel.BARTLETT)
    1.25
    """
    away = values - values.mean()
    total = float((away * away).sum())
    for lag in range(1, min(horizon, values.size)):
        weight = 1.0 if kernel is Kernel.RECTANGULAR else 1.0 - lag / horizon
        total += 2.0 * weight * float((away[lag:] * away[:-lag]).sum())
    return total / values.size
