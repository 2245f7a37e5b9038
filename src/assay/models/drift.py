"""Drift: it goes on as it has gone so far, by the mean change of all training rows.

>>> import numpy as np
>>> Drift().level(np.array([1.0, 5.0]), np.array([3.0, 1.0]))
2.0
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Drift:
    """Foretells the mean, the best there is of a random walk with drift.

    References
    ----------
    Hyndman and Athanasopoulos (2021), "Forecasting: Principles and Practice", section 5.2.
    """

    name: ClassVar[str] = "drift"

    def level(self, values: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
        """Return the weighted mean of the values."""
        return float(np.average(values, weights=weight))
