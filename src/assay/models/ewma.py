"""EWMA: as drift, but the newer a change is, the more it counts.

>>> import numpy as np
>>> round(Ewma(half_life=1).level(np.array([0.0, 3.0]), np.ones(2)), 12)
2.0
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from assay.models.parameters import check_number
from assay.models.search_space import Range, Space


@dataclass(frozen=True, slots=True)
class Ewma:
    """Foretells the exponentially weighted mean of the training rows.

    Parameters
    ----------
    half_life : float
        After so many rows a value counts half; rows of weight 0 are not counted.

    Raises
    ------
    BadInputError
        If it is out of range.

    References
    ----------
    Hyndman and Athanasopoulos (2021), "Forecasting: Principles and Practice", section 8.1.
    """

    half_life: float = 168.0

    name: ClassVar[str] = "ewma"
    space: ClassVar[Space] = {"half_life": Range(1.0, 10_000.0, is_log=True)}

    def __post_init__(self) -> None:
        check_number("half_life", self.half_life, least=0.01, most=1e9)

    def level(self, values: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
        """Return the mean with weights that halve every `half_life` rows into the past."""
        age = np.arange(values.size - 1, -1, -1)
        # The newest row that counts has the factor 1, so that not all can become 0.
        return float(np.average(values, weights=weight * 0.5 ** (age / self.half_life)))
