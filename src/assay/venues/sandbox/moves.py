"""What moves prices hour by hour: one source for the market as a whole, and one for every asset.

A source is a normal move whose variance is known when the hour begins, and now and then a jump in one of its minutes.
Volatility comes and goes on many time scales at once: its daily state is a product of factors, the k-th of which is
drawn anew every 2**k days, so that the state of any day is found without the days before it.
Reference: L. Calvet, A. Fisher, "How to forecast long-run volatility: regime switching and the estimation of
multifractal processes", Journal of Financial Econometrics 2 (2004).

>>> source = Source(seed=1, name="market", yearly_variance=0.2, jumps_a_year=4.0, jump_deviation=0.04)
>>> days = np.arange(19_000, 19_002)
>>> source.moves(days, np.ones((2, 24)) / 8766).move.shape
(48,)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.venues.sandbox.draws import Floats, Integers, Raw, Stream, bits, normal, uniform
from assay.venues.sandbox.seasons import calm

HOURS = 24
WORDS_AN_HOUR = 2
_SCALE_STEP = 0.35
_HOURLY_STEP = 0.4
_HOURS_A_YEAR = 8_766


@dataclass(frozen=True, slots=True)
class Moves:
    """The moves of one source in log price, all of shape (n_hours,).

    `variance` is that of `move`, and is known before it; `jump` and `jump_variance` are zero in nearly every hour.
    `words` are the first random words of the hours, of which the upper 16 bits are free.
    """

    move: Floats
    variance: Floats
    jump: Floats
    jump_variance: Floats
    jump_minute: Integers
    words: Raw


def volatility_state(seed: int, name: str, *, scales: range, days: Integers) -> Floats:
    """Return the factor that each day has on the variance; mean one, shape of `days`.

    Parameters
    ----------
    seed, name : int, str
        Whose state.
    scales : range
        Which factors: number k changes every ``2**k`` days.
    days : ndarray of int64, shape (n_days,)
        Consecutive days since 1970-01-01.

    Examples
    --------
    >>> state = volatility_state(1, "market", scales=range(6), days=np.arange(20_000))
    >>> round(float(state.mean()), 1)
    1.0
    """
    state = np.ones(days.size)
    for scale in scales:
        period = days >> scale
        first = int(period[0])
        words = Stream.of(seed, f"{name}/volatility/{scale}").raw(first, int(period[-1]) - first + 1)
        state *= _either(words, 63, _SCALE_STEP)[period - first]
    return state


@dataclass(frozen=True, slots=True)
class Source:
    """One source of moves; its hours are the same whichever stretch of days they are asked for in.

    `jump_deviation` is the standard deviation of a jump's log return, at the anchor date.
    """

    seed: int
    name: str
    yearly_variance: float
    jumps_a_year: float
    jump_deviation: float

    def moves(self, days: Integers, quiet: Floats) -> Moves:
        """Return the moves of the hours of consecutive `days`.

        Parameters
        ----------
        days : ndarray of int64, shape (n_days,)
            Days since 1970-01-01.
        quiet : ndarray of float64, shape (n_days, 24)
            Variance of each hour for a source of variance one a year: season times state of volatility.
        """
        n_hours = days.size * HOURS
        stream = Stream.of(self.seed, f"{self.name}/hours")
        words = stream.raw(int(days[0]) * HOURS * WORDS_AN_HOUR, n_hours * WORDS_AN_HOUR).reshape(n_hours, -1)
        first, second = words[:, 0], words[:, 1]
        variance = quiet.reshape(n_hours) * _either(second, 63, _HOURLY_STEP) * self.yearly_variance
        jumps = uniform(first, 32) < self.jumps_a_year / _HOURS_A_YEAR
        jump_variance = np.repeat(calm(days), HOURS) * (self.jump_deviation * self.jump_deviation)
        return Moves(
            move=normal(first) * np.sqrt(variance),
            variance=variance,
            jump=np.where(jumps, normal(second) * np.sqrt(jump_variance), 0.0),
            jump_variance=np.where(jumps, jump_variance, 0.0),
            jump_minute=(bits(second, 32, 16) * 60) >> 16,
            words=first,
        )


def minute_bridge(words: Raw, deviation: Floats) -> Floats:
    """Return a path of every hour that starts and ends at zero: what its minutes do beyond the hour's own move.

    Parameters
    ----------
    words : ndarray of uint64, shape (n_hours, 60)
        One random word a minute, of which the lower 32 bits are used.
    deviation : ndarray of float64, shape (n_hours,)
        Standard deviation of one minute's move in each hour.

    Returns
    -------
    ndarray of float64, shape (n_hours, 60)
        The path at the end of each minute; the last column is exactly zero.

    Examples
    --------
    >>> path = minute_bridge(Stream.of(1, "a").raw(0, 120).reshape(2, 60), np.array([0.001, 0.002]))
    >>> path[:, -1].tolist()
    [0.0, 0.0]
    """
    walk = np.cumsum(normal(words), axis=1)
    return (walk - walk[:, -1:] * RAMP) * deviation[:, None]


RAMP = np.arange(1, 61) / 60.0
"""How much of an hour has gone at the end of each of its minutes."""


def _either(words: Raw, bit: int, step: float) -> Floats:
    """Return ``1 + step`` or ``1 - step``, as one bit says."""
    up: Floats = bits(words, bit, 1).astype(np.float64)
    return 1.0 - step + 2.0 * step * up
