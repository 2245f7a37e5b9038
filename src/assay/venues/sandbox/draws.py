"""Random numbers by position instead of by order, so that any moment of the market can be drawn without its past.

NumPy's Philox is a function of a key and a counter; the key comes from the seed and the name of a series, the counter
from the position asked for. What is made of the bits uses only operations that IEEE 754 rounds exactly (sums,
products, square roots, table look-ups): NumPy's own `exp` and `standard_normal` may differ in the last bit between
processors and releases, and a last bit can move a price by a tick.
Reference: J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.

>>> stream = Stream.of(7, "bitcoin/minutes")
>>> bool((stream.raw(1_000_003, 2) == stream.raw(1_000_000, 9)[3:5]).all())
True
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.random import Philox
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Raw = NDArray[np.uint64]

_CELLS = 4096
_TAIL = 4.0  # where the last cell ends: its middle, 3.74, is the mean of a normal beyond its 4095/4096 quantile
_GRID = 2.0**40
_LOG2_E = 1.4426950408889634
_LN2_HIGH, _LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10  # the first has zeros enough to multiply exactly


@dataclass(frozen=True, slots=True)
class Stream:
    """An endless row of 64-bit words that can be read from any place."""

    key: int

    @classmethod
    def of(cls, seed: int, name: str) -> Stream:
        """Return the stream of `name` in the market of `seed`."""
        return cls(int.from_bytes(hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=16).digest(), "little"))

    def raw(self, start: int, count: int) -> Raw:
        """Return words `start` to ``start + count``; dtype uint64, shape (count,).

        Parameters
        ----------
        start : int
            Position of the first word, not negative.
        count : int
            How many.

        Examples
        --------
        >>> Stream.of(1, "a").raw(0, 2).shape
        (2,)
        """
        skip = start % 4  # one step of the counter makes four words
        words: Raw = Philox(counter=start // 4, key=self.key).random_raw(count + skip)
        return words[skip:]


def bits(words: Raw, first: int, width: int) -> Integers:
    """Return `width` bits of every word from bit `first` on, as integers of the same shape.

    >>> bits(np.array([0b1101_0000], dtype=np.uint64), 4, 3).tolist()
    [5]
    """
    mask = np.uint64((1 << width) - 1)
    # Fewer than 64 bits are the same number with and without a sign.
    return ((words >> np.uint64(first)) & mask).view(np.int64)


def _normal_nodes() -> Floats:
    """Return the normal's quantiles at multiples of 1/4096, scaled so that what is drawn has variance one."""
    inner = [round(NormalDist().inv_cdf(i / _CELLS), 9) for i in range(1, _CELLS)]
    nodes = np.array([-_TAIL, *inner, _TAIL])
    low, high = nodes[:-1], nodes[1:]
    variance = math.fsum(((low * low + low * high + high * high) / 3.0).tolist()) / _CELLS
    return nodes / math.sqrt(variance)


_NORMAL = _normal_nodes()
_NORMAL_STEP = np.diff(_NORMAL)
_EXPONENTIAL = np.array([round(-math.log((i + 0.5) / _CELLS), 9) for i in range(_CELLS)])


def normal(words: Raw, first: int = 0) -> Floats:
    """Return standard normal numbers made of 32 bits of every word; they end at four deviations.

    >>> z = normal(Stream.of(1, "a").raw(0, 100_000))
    >>> round(float(z.mean()), 2), round(float(z.std()), 2)
    (0.0, 1.0)
    """
    cell = bits(words, first + 20, 12)
    within = (bits(words, first, 20) + 0.5) * 2.0**-20
    z: Floats = _NORMAL[cell] + _NORMAL_STEP[cell] * within
    return z


def exponential(words: Raw, first: int) -> Floats:
    """Return exponential numbers of mean one made of 12 bits of every word; they end at nine.

    >>> round(float(exponential(Stream.of(1, "a").raw(0, 100_000), 0).mean()), 2)
    1.0
    """
    return _EXPONENTIAL[bits(words, first, 12)]


def uniform(words: Raw, first: int, width: int = 16) -> Floats:
    """Return numbers in (0, 1) made of `width` bits of every word.

    >>> bool(uniform(Stream.of(1, "a").raw(0, 100), 0).min() > 0)
    True
    """
    cell = bits(words, first, width).astype(np.float64)
    return (cell + 0.5) * 2.0**-width


def on_grid(values: Floats) -> Floats:
    """Round to multiples of 2**-40, whose sums are exact in any order as long as they stay under 8,192.

    >>> float(on_grid(np.array([0.1]))[0]) - 0.1 < 1e-12
    True
    """
    return np.rint(values * _GRID) / _GRID


def exp(values: Floats) -> Floats:
    """Return e to the power of each value, to 1e-15 relative and bit for bit the same on every machine.

    Examples
    --------
    >>> [round(x, 12) for x in exp(np.array([0.0, 1.0])).tolist()]
    [1.0, 2.718281828459]
    """
    twos = np.rint(values * _LOG2_E)
    rest = (values - twos * _LN2_HIGH) - twos * _LN2_LOW
    result = np.full_like(rest, 1.0 / math.factorial(13))
    for power in range(12, -1, -1):
        result *= rest
        result += 1.0 / math.factorial(power)
    scaled: Floats = np.ldexp(result, twos.astype(np.int32))
    return scaled
