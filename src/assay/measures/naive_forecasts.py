"""What anybody could have said without a model, at each moment, from the outcomes that were known by then.

A baseline that is taught once a fold grows old within it; these go on learning with every outcome. An outcome is known
from the end of its span on: a forecast a day ahead that is made each hour has the last known outcome a day before it.

>>> import numpy as np
>>> at, values = np.arange(4) * 10, np.array([1.0, 0.0, 1.0, 1.0])
>>> last_known(values, Spans(at, at + 20)).tolist()
[nan, nan, 1.0, 0.0]
>>> mean_known(values, Spans(at, at + 20)).tolist()
[nan, nan, 1.0, 0.5]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError

Floats = NDArray[np.float64]
DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """When each outcome of one series was asked for and when it was known, in microseconds; both of shape (n,).

    Raises
    ------
    BadInputError
        If they differ in shape, are out of order, or an outcome is known before it is asked for.
    """

    at: NDArray[np.int64]
    until: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.at.shape != self.until.shape or self.at.ndim != 1:
            raise BadInputError("every outcome needs a start and an end", value=f"{self.at.shape}, {self.until.shape}")
        if np.any(np.diff(self.at) < 0) or np.any(np.diff(self.until) < 0):
            raise BadInputError("outcomes must be in order of time", todo="give the rows of one series, sorted")
        if np.any(self.until <= self.at):
            raise BadInputError("an outcome must be known after it is asked for", todo="give spans as [at, until)")

    @property
    def known(self) -> NDArray[np.intp]:
        """Shape (n,): how many outcomes, from the first on, are known at each row's moment."""
        return np.searchsorted(self.until, self.at, side="right")


def last_known(values: Floats, spans: Spans) -> Floats:
    """Return for each row the newest outcome that is known: it goes on as it went.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Outcomes of one series, in order of time.
    spans : Spans

    Returns
    -------
    ndarray of float64, shape (n,)
        NaN as long as nothing is known. Causal.
    """
    return _at_known(values, spans.known)


def mean_known(values: Floats, spans: Spans) -> Floats:
    """Return for each row the mean of all outcomes that are known; otherwise as :func:`last_known`."""
    return _at_known(np.cumsum(values) / np.arange(1, values.size + 1), spans.known)


def ewma_known(values: Floats, spans: Spans, *, half_life: float) -> Floats:
    """Return for each row the mean of known outcomes, the newer the heavier; otherwise as :func:`last_known`.

    An outcome that is `half_life` rows older than another one weighs half of it.

    Raises
    ------
    BadInputError
        If the half-life is not above zero.

    Examples
    --------
    >>> at = np.arange(3) * 10
    >>> ewma_known(np.array([0.0, 3.0, 9.0]), Spans(at, at + 10), half_life=1).round(6).tolist()
    [nan, 0.0, 2.0]
    """
    if not half_life > 0:
        raise BadInputError("a half-life lies above zero", value=half_life)
    decay, total, weight = 0.5 ** (1.0 / half_life), 0.0, 0.0
    means = np.empty(values.size)
    for row, value in enumerate(values.tolist()):
        total, weight = total * decay + value, weight * decay + 1.0
        means[row] = total / weight
    return _at_known(means, spans.known)


def same_time_known(values: Floats, spans: Spans, *, season_us: int = DAY_US) -> Floats:
    """Return for each row the newest known outcome of the same time of the season, such as the same hour of the day.

    Parameters
    ----------
    values, spans
        As :func:`last_known`.
    season_us : int, default a day
        Length of a season in microseconds.

    Returns
    -------
    ndarray of float64, shape (n,)
        NaN as long as none is known. Causal.

    References
    ----------
    Hyndman and Athanasopoulos (2021), "Forecasting: Principles and Practice", section 5.2.

    Examples
    --------
    >>> at = np.arange(5) * 10
    >>> same_time_known(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), Spans(at, at + 10), season_us=20).tolist()
    [nan, nan, 1.0, 2.0, 3.0]
    """
    if season_us < 1:
        raise BadInputError("a season must last", value=season_us)
    result = np.full(values.size, np.nan)
    time = spans.at % season_us
    order = np.argsort(time, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(time[order])) + 1):
        if rows.size:
            result[rows] = _at_known(values[rows], np.searchsorted(spans.until[rows], spans.at[rows], side="right"))
    return result


def rms_known(values: Floats, spans: Spans, *, window: int) -> Floats:
    """Return for each row the root mean square of the newest `window` known outcomes: how wild it was.

    NaN as long as fewer are known; otherwise as :func:`last_known`.

    Examples
    --------
    >>> at = np.arange(4) * 10
    >>> rms_known(np.array([3.0, 3.0, -3.0, 0.0]), Spans(at, at + 10), window=2).tolist()
    [nan, nan, 3.0, 3.0]
    """
    return np.asarray(np.sqrt(np.maximum(_moving_mean(values**2, spans.known, window), 0.0)), dtype=np.float64)


def moving_mean_known(values: Floats, spans: Spans, *, window: int) -> Floats:
    """Return for each row the mean of the newest `window` known outcomes; otherwise as :func:`rms_known`."""
    return _moving_mean(values, spans.known, window)


def _moving_mean(values: Floats, known: NDArray[np.intp], window: int) -> Floats:
    if window < 1:
        raise BadInputError("a window must have a row at least", value=window)
    totals = np.concatenate(([0.0], np.cumsum(values)))
    return np.where(known >= window, (totals[known] - totals[np.maximum(known - window, 0)]) / window, np.nan)


def _at_known(states: Floats, known: NDArray[np.intp]) -> Floats:
    """Return the state after as many outcomes as are known; NaN after none."""
    if not states.size:
        return states
    return np.where(known > 0, states[np.maximum(known - 1, 0)], np.nan)
