"""What depends on the date alone: when this market is busy, when it is restless, and how much of it there is.

The shapes are those of the large spot venues: most is traded when Europe and America are both awake, least on Sunday
morning. Days are counted from 1970-01-01, which was a Thursday.
"""

from __future__ import annotations

import numpy as np

from assay.venues.sandbox.draws import Floats, Integers

ANCHOR_DAY = 19_712
"""2023-12-21, the day on which every asset costs what the table of assets says."""

FIRST_DAY, LAST_DAY = 0, 47_846
"""1970-01-01 and 2100-12-31: the dates for which there is a market."""

_DECAY_DAYS = 2_922  # eight years
_DAYS_A_YEAR = 365.25

# Hours 0 to 23 in UTC, and Monday to Sunday; only the ratios count.
_BUSY_HOURS = (
    1.00, 0.95, 0.85, 0.78, 0.70, 0.68, 0.72, 0.85, 0.95, 0.98, 0.95, 0.95,
    1.05, 1.30, 1.65, 1.70, 1.55, 1.35, 1.20, 1.10, 1.05, 0.95, 0.85, 0.90,
)  # fmt: skip
_BUSY_DAYS = (1.08, 1.12, 1.15, 1.14, 1.12, 0.72, 0.67)
_RESTLESS_HOURS = (
    1.10, 0.95, 0.85, 0.80, 0.72, 0.70, 0.75, 0.85, 0.90, 0.88, 0.85, 0.90,
    1.05, 1.40, 1.75, 1.65, 1.40, 1.20, 1.10, 1.05, 1.00, 0.90, 0.82, 0.90,
)  # fmt: skip
_RESTLESS_DAYS = (1.12, 1.15, 1.18, 1.18, 1.12, 0.62, 0.63)


def _scaled(shape: tuple[float, ...]) -> Floats:
    values = np.array(shape)
    return values * (values.size / float(values.cumsum()[-1]))


BUSY_HOURS = _scaled(_BUSY_HOURS)
"""Share of a day's trading an hour has, shape (24,), mean one."""
_BUSY_WEEK = _scaled(_BUSY_DAYS)
_RESTLESS_WEEK = _scaled(_RESTLESS_DAYS)[:, None] * _scaled(_RESTLESS_HOURS) / 24.0


def weekday(days: Integers) -> Integers:
    """Return 0 for Mondays to 6 for Sundays.

    >>> weekday(np.array([0, 4])).tolist()
    [3, 0]
    """
    return (days + 3) % 7


def activity(days: Integers) -> Floats:
    """Return how busy each day of the week is, mean one over a week; shape of `days`."""
    return _BUSY_WEEK[weekday(days)]


def calm(days: Integers) -> Floats:
    """Return by what all variance is multiplied on each day: one at the anchor, one half eight years from it.

    The price of a market without an edge has no drift in its mean, and so its median must fall, by half the variance
    of its logarithm. If the market never calmed down, most coins would cost less than a tick within a lifetime; like
    this all the days to 2100 have the variance of twelve years.

    >>> calm(np.array([ANCHOR_DAY - 2_922, ANCHOR_DAY])).tolist()
    [0.5, 1.0]
    """
    distance = (days - ANCHOR_DAY) / _DECAY_DAYS
    result: Floats = 1.0 / (1.0 + distance * distance)
    return result


def hourly_variance(days: Integers) -> Floats:
    """Return the variance that each hour has in a market of variance one a year; shape (n_days, 24).

    >>> year = hourly_variance(np.arange(ANCHOR_DAY, ANCHOR_DAY + 364))
    >>> round(float(year.sum()), 2)
    0.99
    """
    return _RESTLESS_WEEK[weekday(days)] * (calm(days) / _DAYS_A_YEAR)[:, None]
