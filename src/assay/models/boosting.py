"""Boosted trees, whichever library grows them: the parameters that mean the same in all of them.

>>> Boosting(learning_rate=0.0)
Traceback (most recent call last):
assay.domain.errors.BadInputError: learning_rate out of range: '0.0'; give a number from 1e-05 to 1
"""

from __future__ import annotations

from dataclasses import dataclass

from assay.models.parameters import check_number


@dataclass(frozen=True, slots=True, kw_only=True)
class Boosting:
    """Trees grown one after the other, each on what the ones before have left unexplained.

    Parameters
    ----------
    trees : int
    learning_rate : float
        What part of its answer each tree adds.
    row_share, column_share : float
        Part of rows and columns that each tree is grown on, drawn anew.
    l2 : float
        The larger, the closer to zero leaves are drawn.
    seed : int
        Of the rows and columns that are drawn.

    Raises
    ------
    BadInputError
        If a parameter is out of range.
    """

    trees: int = 200
    learning_rate: float = 0.05
    row_share: float = 0.8
    column_share: float = 0.8
    l2: float = 1.0
    seed: int = 7

    def __post_init__(self) -> None:
        check_number("trees", self.trees, least=1, most=10_000)
        check_number("learning_rate", self.learning_rate, least=1e-5, most=1)
        check_number("row_share", self.row_share, least=0.01, most=1)
        check_number("column_share", self.column_share, least=0.01, most=1)
        check_number("l2", self.l2, least=0, most=1e6)
        check_number("seed", self.seed, least=0, most=2**31 - 1)
