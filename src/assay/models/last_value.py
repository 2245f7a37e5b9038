"""The last value: tomorrow is as today, so that the change is 0. Of prices the forecast that is hardest to beat.

>>> import numpy as np
>>> LastValue().level(np.array([3.0, 4.0]), np.ones(2))
0.0
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class LastValue:
    """Foretells a change of 0, the best there is of a random walk without drift."""

    name: ClassVar[str] = "last_value"

    def level(self, values: NDArray[np.float64], weight: NDArray[np.float64]) -> float:  # noqa: ARG002  # see Rule
        """Return 0."""
        return 0.0
