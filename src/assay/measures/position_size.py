"""How large a position is, from how much the price moves.

>>> import numpy as np
>>> volatility_target(np.array([0.4, 0.8, 0.1]), target=0.2, most=1.0).tolist()
[0.5, 0.25, 1.0]
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError


def volatility_target(volatility: NDArray[np.float64], *, target: float, most: float = 1.0) -> NDArray[np.float64]:
    """Return the fraction of an account with which it moves as much as it should.

    Parameters
    ----------
    volatility : ndarray of float64
        As foretold for the time of the position, such as annualised standard deviations, as fractions.
    target : float
        What the account's volatility shall be, over the same time.
    most : float, default 1.0
        No fraction is larger.

    Returns
    -------
    ndarray of float64, shape of `volatility`
        NaN where the volatility is NaN, zero or negative: no size can be derived from it.

    Raises
    ------
    BadInputError
        If `target` or `most` is not above zero.

    References
    ----------
    Harvey et al. (2018), "The impact of volatility targeting".
    """
    if not (target > 0 and most > 0):
        raise BadInputError("a target and a bound above zero are needed", value=f"{target}, {most}")
    known = np.where(volatility > 0, volatility, np.nan)
    return np.minimum(target / known, most)
