"""Where a proportion probably lies, by Wilson's score interval.

It stays between 0 and 1 and says something of a proportion of 0 or 1 too, which the usual ± does not.

>>> low, high = wilson_interval(81 / 263, 263)
>>> round(low, 4), round(high, 4)
(0.2553, 0.3662)

References
----------
Wilson (1927), "Probable inference, the law of succession, and statistical inference"; Newcombe (1998), "Two-sided
confidence intervals for the single proportion", table I, whose first example is the one above.
"""

from __future__ import annotations

import math
from statistics import NormalDist

from assay.domain.errors import BadInputError


def wilson_interval(share: float, n: float, *, level: float = 0.95) -> tuple[float, float]:
    """Return the lower and the upper end of the interval of a proportion.

    Parameters
    ----------
    share : float
        The proportion that was seen, 0 to 1.
    n : float
        Independent observations, above 0; where they overlap, as many as they are worth, which need not be whole.
    level : float, default 0.95

    Raises
    ------
    BadInputError
        If one of them is out of range or NaN.
    """
    if not (0.0 <= share <= 1.0 and 0.0 < n < math.inf and 0.0 < level < 1.0):
        raise BadInputError("not a proportion of observations", value=f"{share} of {n} at {level}")
    z = NormalDist().inv_cdf((1.0 + level) / 2.0)
    middle = share + z * z / (2.0 * n)
    reach = z * math.sqrt(share * (1.0 - share) / n + z * z / (4.0 * n * n))
    whole = 1.0 + z * z / n
    return max(0.0, (middle - reach) / whole), min(1.0, (middle + reach) / whole)
