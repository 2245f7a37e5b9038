"""The planted edge: a market that can be predicted by a stated amount, to see whether anybody finds it.

With an edge of e an hour is, with chance 2e and by a draw of its own, made to repeat the direction of the hour before;
its size stays. Otherwise it goes its own way, which agrees with the hour before in half of the cases. So the direction
of an hour's return agrees with that of the hour before with probability 2e + (1 - 2e) / 2 = 0.5 + e.

>>> directions(np.array([0.1, -0.2, -0.3, 0.4]), np.array([False, True, True, False])).tolist()
[1.0, -1.0, -1.0, 1.0]
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError
from assay.venues.sandbox.draws import Floats


def check_edge(edge: float) -> float:
    """Return `edge` if a market can have it.

    Raises
    ------
    BadInputError
        If it is not between 0 and 0.5.
    """
    if not 0.0 <= edge <= 0.5:
        raise BadInputError("not an edge", value=edge, todo="use 0 (none) to 0.5 (always right)")
    return edge


def directions(moves: Floats, follows: NDArray[np.bool_]) -> Floats:
    """Return by what each hour's path is multiplied so that the hours that follow go where the hour before went.

    Parameters
    ----------
    moves : ndarray of float64, shape (n_hours,)
        Log returns of consecutive hours, before.
    follows : ndarray of bool, shape (n_hours,)
        Which hours repeat the direction of the hour before; the first hour never does.

    Returns
    -------
    ndarray of float64, shape (n_hours,)
        1 or -1.
    """
    hour = np.arange(moves.size)
    leader = np.maximum.accumulate(np.where(follows, 0, hour))
    rises = moves > 0.0
    return np.where(rises == rises[leader], 1.0, -1.0)
