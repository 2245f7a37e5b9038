"""How a check says that something does not hold: where, what came out, and what was to come out.

>>> expect_same(np.array([[1.0], [2.0]]), np.array([[1.0], [3.0]]), "a batch is a stream", ("batch", "stream"))
Traceback (most recent call last):
...
assay.features.contract.broken.ContractError: a batch is a stream: 'row 1: batch 2.0, stream 3.0'
"""

from __future__ import annotations

import numpy as np

from assay.domain.errors import AssayError
from assay.features.bars import FloatArray


class ContractError(AssayError):
    """An indicator does not hold what every indicator has to."""


def expect(is_so: bool, what: str, value: object = None) -> None:  # noqa: FBT001  # as assert has it
    """Raise ContractError unless it is so."""
    if not is_so:
        raise ContractError(what, value=value)


def same_bits(left: FloatArray, right: FloatArray) -> bool:
    """Whether two arrays hold the same numbers bit for bit; any NaN equals any NaN."""
    return left.shape == right.shape and not _differing(left, right).any()


def expect_same(left: FloatArray, right: FloatArray, what: str, names: tuple[str, str]) -> None:
    """Raise ContractError, with the first place that differs, unless two arrays hold the same numbers bit for bit."""
    if left.shape != right.shape:
        raise ContractError(what, value=f"{names[0]} has the shape {left.shape}, {names[1]} {right.shape}")
    differing = _differing(left, right)
    if differing.any():
        raise ContractError(what, value=_shown(left, right, np.argwhere(differing)[0].tolist(), names))


def expect_close(left: FloatArray, right: FloatArray, what: str, names: tuple[str, str], *, rtol: float) -> None:
    """Raise ContractError unless two arrays hold the same numbers to `rtol` and 1e-12; NaN equals NaN."""
    apart = ~np.isclose(left, right, rtol=rtol, atol=1e-12, equal_nan=True)
    if apart.any():
        raise ContractError(what, value=_shown(left, right, np.argwhere(apart)[0].tolist(), names))


def _differing(left: FloatArray, right: FloatArray) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    if not left.size:
        return np.zeros(left.shape, dtype=np.bool_)
    # Not ==, to which 0.0 and -0.0 are one.
    bits = np.ascontiguousarray(left).view(np.uint64) != np.ascontiguousarray(right).view(np.uint64)
    return np.asarray(bits & ~(np.isnan(left) & np.isnan(right)))


def _shown(left: FloatArray, right: FloatArray, place: list[int], names: tuple[str, str]) -> str:
    at = tuple(place)
    column = f", output {place[1]}" if len(place) > 1 and left.shape[1] > 1 else ""
    return f"row {place[0]}{column}: {names[0]} {float(left[at])!r}, {names[1]} {float(right[at])!r}"
