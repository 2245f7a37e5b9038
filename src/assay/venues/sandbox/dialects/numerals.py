"""Rows of exact integers as JSON, a whole page at once: a page of bars has ten thousand numbers.

The digits of all rows are written into one block of bytes, in which every row has the width of the widest, and the
zeros that nobody writes are left out at the end. The text is what one number after the other would give.

>>> opened, price = np.array([1, 20]), np.array([3_051, 7])
>>> bytes(json_rows([Numbers(opened), Numbers(price, decimals=2, places=4), b'"0"']))
b'[[1,"30.5100","0"],[20,"0.0700","0"]]'
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.venues.sandbox.draws import Integers

_Bytes = NDArray[np.uint8]
_Flags = NDArray[np.bool_]
_GROUP = 4  # digits that are looked up together
_BASE = 10**_GROUP
_GROUPS = np.frombuffer("".join(f"{number:0{_GROUP}d}" for number in range(_BASE)).encode(), dtype=np.uint32)
_POWERS = 10 ** np.arange(1, 19, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Numbers:
    """One field of every row: ``units * 10**-decimals``.

    Parameters
    ----------
    units : ndarray of int64, shape (n_rows,)
        Not negative.
    decimals : int
        How many of the last digits of `units` stand behind the point.
    places : int
        Digits to write behind the point, at least `decimals`, in quotes; 0 for a bare whole number.
    """

    units: Integers
    decimals: int = 0
    places: int = 0


def json_rows(fields: Sequence[Numbers | bytes]) -> msgspec.Raw:
    """Return a list of rows, each a list of `fields`; bytes stand in every row as they are.

    At least one field has numbers.
    """
    count = next(field.units.size for field in fields if isinstance(field, Numbers))
    if not count:
        return msgspec.Raw(b"[]")
    columns: list[tuple[_Bytes, _Flags | None]] = []
    for position, field in enumerate(fields):
        columns.append((_fixed(b"," if position else b"[", count), None))
        columns += [(_fixed(field, count), None)] if isinstance(field, bytes) else _written(field)
    columns.append((_fixed(b"],", count), None))
    text = np.concatenate([block for block, _ in columns], axis=1)
    is_kept = np.ones(text.shape, dtype=np.bool_)
    at = 0
    for block, flags in columns:
        if flags is not None:
            is_kept[:, at : at + block.shape[1]] = flags
        at += block.shape[1]
    return msgspec.Raw(b"[" + text[is_kept][:-1].tobytes() + b"]")


def _written(field: Numbers) -> list[tuple[_Bytes, _Flags | None]]:
    """Return the blocks of one field, and which of their bytes are shown."""
    digits = _digits(field.units, max(len(str(field.units.max())), field.decimals + 1))
    whole = digits.shape[1] - field.decimals
    # At least one digit before the point.
    shown = np.maximum(np.searchsorted(_POWERS, field.units, side="right") + 1 - field.decimals, 1)
    is_shown = np.arange(whole) >= whole - shown[:, None]
    count = len(digits)
    if not field.places:
        return [(digits, is_shown)]
    zeros = b"0" * (field.places - field.decimals)
    return [
        (_fixed(b'"', count), None),
        (digits[:, :whole], is_shown),
        (_fixed(b".", count), None),
        (digits[:, whole:], None),
        (_fixed(zeros + b'"', count), None),
    ]


def _fixed(text: bytes, count: int) -> _Bytes:
    return np.broadcast_to(np.frombuffer(text, dtype=np.uint8), (count, len(text)))


def _digits(units: Integers, least: int) -> _Bytes:
    """Return all digits with zeros before them, at least so many, in groups of four: shape (n_rows, n_digits)."""
    groups = np.empty((units.size, -(-least // _GROUP)), dtype=np.uint32)
    rest = units
    for place in range(groups.shape[1] - 1, -1, -1):
        above = rest // _BASE
        groups[:, place] = _GROUPS[rest - above * _BASE]
        rest = above
    return groups.view(np.uint8)
