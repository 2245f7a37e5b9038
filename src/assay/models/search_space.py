"""Where a search looks for an estimator's parameters: a range each, beside the parameters that it is of.

>>> from assay.models.registry import new_direction, search_space
>>> space = search_space("direction", new_direction("logistic", ("rsi_14",)))
>>> space
{'inverse_penalty': Range(least=0.0001, most=100.0, is_log=True, is_whole=False)}
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from assay.domain.errors import BadInputError


@dataclass(frozen=True, slots=True)
class Range:
    """What values a parameter may take.

    Attributes
    ----------
    least, most : float
        Both belong to it.
    is_log : bool
        Whether halves and doubles are as far apart as each other, wherever they are.
    is_whole : bool
        Whether only whole numbers belong to it.

    Raises
    ------
    BadInputError
        If it is empty, without end, or has no logarithm.
    """

    least: float
    most: float
    is_log: bool = False
    is_whole: bool = False

    def __post_init__(self) -> None:
        is_ordered = math.isfinite(self.least) and math.isfinite(self.most) and self.least < self.most
        if not is_ordered or (self.is_log and self.least <= 0):
            raise BadInputError("not a range to search", value=f"{self.least} to {self.most}")

    def document(self) -> dict[str, object]:
        """Return it as plain values for JSON."""
        return {"least": self.least, "most": self.most, "is_log": self.is_log, "is_whole": self.is_whole}


Space = Mapping[str, Range]
"""Ranges by the names of the parameters."""


def whole(least: int, most: int, *, is_log: bool = False) -> Range:
    """Return a range of whole numbers."""
    return Range(float(least), float(most), is_log, is_whole=True)


BOOSTING: Space = {
    "trees": whole(20, 400, is_log=True),
    "learning_rate": Range(0.005, 0.3, is_log=True),
    "row_share": Range(0.4, 1.0),
    "column_share": Range(0.4, 1.0),
    "l2": Range(1e-3, 100.0, is_log=True),
}
"""Of boosted trees, whichever library grows them."""
