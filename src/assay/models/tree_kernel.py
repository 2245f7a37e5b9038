"""The one loop that asks trees about rows, compiled: importing this module is what costs the time.

All of it is in this one file, since numba looks at no other to see whether its saved copy is stale.
"""

from __future__ import annotations

import math
import os
from typing import Any, Final

# Read once, when numba starts; the same choice as that of the Steps. A vector `exp` differs in the last bit from the
# one that a single row gets.
os.environ.setdefault("NUMBA_DISABLE_INTEL_SVML", "1")

import numba
import numpy as np
from numba import types
from numpy.typing import NDArray

EXACT: Final = 0
"""Features, thresholds and sums are float64."""
ROUNDED_FEATURES: Final = 1
"""Features are rounded to float32 before they are compared."""
ROUNDED: Final = 2
"""Features, sums and the link are float32."""
SUM: Final = 0
MEAN: Final = 1
LOGISTIC: Final = 2
"""1 / (1 + exp(-sum))."""

Nodes = tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]
"""feature (-1: a leaf), number (threshold, or what the leaf says), left, right, roots."""
How = tuple[float, int, int]
"""What every sum starts from, rounding, link."""


_ROWS = types.Array(types.float64, 2, "C", readonly=True)
_NUMBERS = types.Array(types.float64, 1, "C", readonly=True)
_PLACES = types.Array(types.int32, 1, "C", readonly=True)
_NODES = types.Tuple((_PLACES, _NUMBERS, _PLACES, _PLACES, _PLACES))  # type: ignore[no-untyped-call]
_HOW = types.Tuple((types.float64, types.int64, types.int64))  # type: ignore[no-untyped-call]


# One signature, which takes rows that may be written to as well: compiled once, whatever it is called with first.
@numba.njit(types.void(_ROWS, _NODES, _HOW, types.float64[::1]), cache=True, error_model="numpy", nogil=True)
def ask_trees(rows: NDArray[np.float64], nodes: Nodes, how: How, out: NDArray[Any]) -> None:
    """Write the answer of all trees to each row.

    Tree after tree, so that one tree at a time is in the processor's cache; each row's leaves are added in the order
    of the trees, alone and in company. The nodes must have been checked: a child comes after its parent, inside its
    own tree, and a feature is a column of the rows.

    Parameters
    ----------
    rows : ndarray of float64, shape (n, n_features)
        No NaN.
    nodes, how
        As the names above say.
    out : ndarray of float64, shape (n,)
    """
    feature, number, left, right, roots = nodes
    start, rounding, link = how
    out[:] = start
    for tree in range(roots.size):
        for row in range(out.size):
            node = roots[tree]
            while feature[node] >= 0:
                value = rows[row, feature[node]]
                if rounding != EXACT:
                    value = np.float64(np.float32(value))
                node = left[node] if value <= number[node] else right[node]
            if rounding == ROUNDED:
                out[row] = np.float64(np.float32(out[row]) + np.float32(number[node]))
            else:
                out[row] += number[node]
    one, tiny = np.float32(1.0), np.float32(1e-16)
    for row in range(out.size):
        if link == MEAN:
            out[row] /= roots.size
        elif link == LOGISTIC and rounding == ROUNDED:
            # As XGBoost writes it; the last term is lost in rounding, and there so that nothing is divided by zero.
            out[row] = np.float64(one / (np.float32(math.exp(np.float32(-out[row]))) + one + tiny))
        elif link == LOGISTIC:
            out[row] = 1.0 / (1.0 + math.exp(-out[row]))
