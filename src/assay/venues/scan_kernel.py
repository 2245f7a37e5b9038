"""The loops of :mod:`assay.venues.scan`, compiled: importing this module is what costs the time.

All of it is in this one file, since numba looks at no other to see whether its saved copy is stale.
"""

from __future__ import annotations

import math
import os
from typing import Final

# Read once, when numba starts; the same choice as that of the Steps, which may run in this process too.
os.environ.setdefault("NUMBA_DISABLE_INTEL_SVML", "1")

import numba
import numpy as np
from numpy.typing import NDArray

WHOLE: Final = 0
"""A bare whole number of at most 18 digits: ``308``."""
TEXT: Final = 1
"""A decimal in quotes: ``"0.01577100"``."""
NUMBER: Final = 2
"""A bare decimal or whole number: ``0.00201``."""

_QUOTE, _COMMA, _POINT, _ZERO, _NINE, _OPEN, _CLOSE = 34, 44, 46, 48, 57, 91, 93
_DECLINED = -1
_POWERS_OF_TEN = np.array([10**power for power in range(19)], dtype=np.uint64)
_EXACT = np.uint64(2**53)  # float64 holds every whole number up to here

_inlined = numba.njit(error_model="numpy", boundscheck=True, forceinline=True)


@numba.njit(cache=True, error_model="numpy", boundscheck=True, nogil=True)
def scan_rows(
    page: NDArray[np.uint8], kinds: NDArray[np.uint8], wholes: NDArray[np.int64], decimals: NDArray[np.float64]
) -> int:
    """Read rows into columns; return how many there are, or -1 if one byte is not as it should be.

    `page` ends in a byte 0. A byte is stepped over only if it is one that belongs there, and 0 belongs nowhere, so no
    read is beyond the page; and no row is begun for which the columns have no room. Numba checks both once more.

    Parameters
    ----------
    page : ndarray of uint8, shape (n_bytes + 1,)
    kinds : ndarray of uint8, shape (n_fields,)
        :data:`WHOLE`, :data:`TEXT` or :data:`NUMBER`.
    wholes : ndarray of int64, shape (n_whole_fields, capacity)
    decimals : ndarray of float64, shape (n_other_fields, capacity)
    """
    at, row = 1, 0
    if page[0] != _OPEN:
        return _DECLINED
    while row < wholes.shape[1]:
        at = _read_row(page, at, kinds, wholes, decimals, row)
        if at < 0:
            return _DECLINED
        row += 1
        if page[at] == _CLOSE and at + 2 == page.size:
            return row
        if page[at] != _COMMA:
            return _DECLINED
        at += 1
    return _DECLINED


@_inlined
def _read_row(  # noqa: PLR0917  (numba takes no keyword-only parameters)
    page: NDArray[np.uint8],
    at: int,
    kinds: NDArray[np.uint8],
    wholes: NDArray[np.int64],
    decimals: NDArray[np.float64],
    row: int,
) -> int:
    """Read one row into its places and return where it ends, or -1."""
    whole, decimal = 0, 0
    for field in range(kinds.size):
        # The bracket before the first field, a comma before the others.
        if page[at] != (_COMMA if field else _OPEN):
            return _DECLINED
        at += 1
        if kinds[field] == WHOLE:
            at, wholes[whole, row] = _read_whole(page, at)
            whole += 1
        else:
            at, decimals[decimal, row] = _read_text(page, at) if kinds[field] == TEXT else _read_number(page, at)
            decimal += 1
        if at < 0:
            return _DECLINED
    return at + 1 if page[at] == _CLOSE else _DECLINED


@_inlined
def _read_whole(page: NDArray[np.uint8], start: int) -> tuple[int, np.int64]:
    """Return where a whole number ends, or -1, and its value."""
    mantissa, at = _read_digits(page, start, np.uint64(0))
    if at == start or at - start > 18 or _is_zero_led(page, start):
        return _DECLINED, np.int64(0)
    return at, np.int64(mantissa)


@_inlined
def _read_text(page: NDArray[np.uint8], start: int) -> tuple[int, float]:
    """Return where a decimal in quotes ends, or -1, and its value."""
    if page[start] != _QUOTE:
        return _DECLINED, 0.0
    at, value = _read_decimal(page, start + 1)
    if at < 0 or page[at] != _QUOTE:
        return _DECLINED, 0.0
    return at + 1, value


@_inlined
def _read_number(page: NDArray[np.uint8], start: int) -> tuple[int, float]:
    """Return where a bare decimal ends, or -1, and its value."""
    at, value = _read_decimal(page, start)
    if at < 0 or _is_zero_led(page, start):
        return _DECLINED, 0.0
    return at, value


@_inlined
def _read_decimal(page: NDArray[np.uint8], start: int) -> tuple[int, float]:
    """Return where digits with or without a point among them end, or -1, and the value."""
    mantissa, at = _read_digits(page, start, np.uint64(0))
    digits, places = at - start, 0
    if digits == 0:
        return _DECLINED, 0.0
    if page[at] == _POINT:
        point = at
        mantissa, at = _read_digits(page, point + 1, mantissa)
        places = at - point - 1
        if places == 0:
            return _DECLINED, 0.0
    # Twenty digits may not fit in 64 bits.
    if digits + places > 19 or (mantissa > _EXACT and places > 8):
        return _DECLINED, 0.0
    return at, _to_float(mantissa, places)


@_inlined
def _read_digits(page: NDArray[np.uint8], at: int, mantissa: np.uint64) -> tuple[np.uint64, int]:
    """Return `mantissa` with the digits from `at` on behind it, and where they end."""
    # Without a sign, what is below "0" becomes very large, and one comparison tells a digit; and numba need not ask
    # whether a place counts from the end.
    place = np.uint64(at)
    digit = np.uint64(page[place]) - np.uint64(_ZERO)
    while digit <= np.uint64(9):
        mantissa = mantissa * np.uint64(10) + digit
        place += np.uint64(1)
        digit = np.uint64(page[place]) - np.uint64(_ZERO)
    return mantissa, np.int64(place)  # type: ignore[return-value]  # int() would leave it without a sign


@_inlined
def _is_zero_led(page: NDArray[np.uint8], start: int) -> bool:
    """Return whether JSON would not have the number that starts here: text in quotes may say 007, a number may not."""
    return bool(page[start] == _ZERO and _ZERO <= page[start + 1] <= _NINE)


@_inlined
def _to_float(mantissa: np.uint64, places: int) -> float:
    """Return mantissa / 10**places, rounded once, to the nearest (ties to even).

    Up to 2**53 both are exact in float64 and a division rounds once (Clinger, "How to read floating point numbers
    accurately", 1990). Beyond, long division in whole numbers: 64 bits of the quotient, the last of them set if
    anything is left over, so that the one rounding to 53 bits sees on which side of a tie the rest lies.
    """
    power = _POWERS_OF_TEN[places]
    if mantissa <= _EXACT or places == 0:
        return np.float64(mantissa) / np.float64(power)
    units, rest = mantissa // power, mantissa % power
    # rest < 10**8 < 2**27: 37 more bits of the quotient fit, and units has 27 bits at least, so 64 there are.
    rest <<= np.uint64(37)
    fraction, rest = rest // power, rest % power
    shift = np.uint64(64 - math.frexp(np.float64(units))[1])
    spare = np.uint64(37) - shift
    quotient = (units << shift) | (fraction >> spare)
    if rest or (fraction & ((np.uint64(1) << spare) - np.uint64(1))):
        quotient |= np.uint64(1)
    return math.ldexp(np.float64(quotient), -int(shift))
