"""Reading a page of klines byte by byte, for those who read thousands of them.

The scanner knows one form only: rows of numbers in one fixed order, written without spaces, signs or exponents, as the
venues write them. Whatever else it meets, it declines the page as a whole, and the reader of :mod:`assay.venues.page`,
which knows what is wrong with it, reads it from the start. So it can be fast without ever being the one to judge, and
what it returns is what the reader would have returned, to the last bit.

It is compiled, which takes some seconds on a machine's first use and half a second in each process after that: a few
pages are read sooner without. Hence nothing is scanned before :func:`prepare` was called.

A decline costs the time up to the place where it is decided. The numbers that venues send are read exactly: up to 19
digits in quotes or bare, as long as they have at most 15 digits or 8 places; others are the reader's.

>>> prepare()
>>> from typing import NamedTuple
>>> class Bar(NamedTuple):
...     trades: int
...     close: str
>>> scan(b'[[308,"0.01577100"],[7,"148976.11427815"]]', Bar)
{'trades': array([308,   7]), 'close': array([1.57710000e-02, 1.48976114e+05])}
>>> scan(b'[[308, "0.01577100"]]', Bar) is None
True
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

import msgspec
import numpy as np
from numpy.typing import NDArray

Columns = dict[str, NDArray[Any]]
_loaded: list[ModuleType] = []


@dataclass(frozen=True, slots=True)
class _Layout:
    """A row type as the kernel is told of it: the kind of each field, and the range of each whole number."""

    names: tuple[str, ...]
    kinds: NDArray[np.uint8]
    is_whole: tuple[bool, ...]
    ranges: Mapping[str, tuple[int, int]]


def prepare() -> None:
    """Compile the scanner, or load it from numba's cache; from now on :func:`scan` reads pages.

    Worth it from a few hundred pages on. Where the compiled code is kept is numba's setting, and the concern of who
    composes the program.
    """
    from assay.venues import scan_kernel  # noqa: PLC0415  # heavy: only for those who have many pages

    if not _loaded:
        _scan(scan_kernel, b"[[0]]", _Smallest)
        _loaded.append(scan_kernel)  # not before: nobody should wait for the compiler who can read without it


def scan(body: bytes, row_type: type[tuple[Any, ...]]) -> Columns | None:
    """Return the columns of a page, or None if it has to be read otherwise.

    Parameters
    ----------
    body : bytes
        As received.
    row_type : type of NamedTuple
        The documented row: ``int`` for a whole number, its range by ``msgspec.Meta``, ``str`` for a decimal in quotes,
        ``float`` for a bare decimal.

    Returns
    -------
    dict of str to numpy.ndarray, each of shape (n_rows,), or None
        int64 for whole numbers, else float64, finite, rounded once like Python's ``float``. None if nothing was
        prepared, if there is no row, and if anything in the page is written in another way.
    """
    return _scan(_loaded[0], body, row_type) if _loaded else None


def _scan(kernel: ModuleType, body: bytes, row_type: type[tuple[Any, ...]]) -> Columns | None:
    layout = _layout(kernel, row_type)
    # The last byte is 0, which nothing goes on with: there the kernel stops at the latest.
    page = np.frombuffer(bytes(body) + b"\0", dtype=np.uint8)
    capacity = np.count_nonzero(page == ord("]"))
    wholes = np.empty((sum(layout.is_whole), capacity), dtype=np.int64)
    decimals = np.empty((len(layout.names) - len(wholes), capacity))
    count = kernel.scan_rows(page, layout.kinds, wholes, decimals)
    if count < 0:
        return None
    of_wholes, of_decimals = iter(wholes[:, :count]), iter(decimals[:, :count])
    columns = {
        name: next(of_wholes if is_whole else of_decimals)
        for name, is_whole in zip(layout.names, layout.is_whole, strict=True)
    }
    is_in_range = all(
        least <= columns[name].min() and columns[name].max() <= most for name, (least, most) in layout.ranges.items()
    )
    return columns if is_in_range else None


@cache
def _layout(kernel: ModuleType, row_type: type[tuple[Any, ...]]) -> _Layout:
    kind_of = {int: kernel.WHOLE, str: kernel.TEXT, float: kernel.NUMBER}
    kinds: dict[str, int] = {}
    ranges: dict[str, tuple[int, int]] = {}
    for name, hint in get_type_hints(row_type, include_extras=True).items():
        plain, *extras = get_args(hint) if get_origin(hint) is Annotated else (hint,)
        kinds[name] = kind_of[plain]
        for meta in extras:
            ranges[name] = _range(meta)
    is_whole = tuple(kind == kernel.WHOLE for kind in kinds.values())
    return _Layout(tuple(kinds), np.array(list(kinds.values()), dtype=np.uint8), is_whole, ranges)


def _range(meta: msgspec.Meta) -> tuple[int, int]:
    """Return the least and the largest number that is allowed; 18 digits are all that the kernel reads."""
    most = 10**18 if meta.le is None else meta.le
    return int(meta.ge or 0), int(most if meta.lt is None else meta.lt - 1)


class _Smallest(NamedTuple):
    number: int
