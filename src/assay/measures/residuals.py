"""How far forecasts of values were off, as a band to put around the next one.

The band is made of the errors that were made out of sample, without a guess at their distribution. How often it held
is counted forward in time: the errors of each block against the band of the blocks before it.

>>> import numpy as np
>>> errors, block = np.tile(np.arange(-10.0, 11.0), 4), np.repeat(np.arange(4), 21)
>>> residual_band(errors, block, level=0.8)
ResidualBand(level=0.8, low=-8.0, high=8.0, held=0.8095238095238095, blocks=3)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError, NoDataError


@dataclass(frozen=True, slots=True)
class ResidualBand:
    """Offsets from a forecast between which the outcome lies as often as `level` says.

    Attributes
    ----------
    level : float
    low, high : float
        In the unit of the values; added to a forecast they are the ends of its interval.
    held : float
        Share of the outcomes inside the band of the blocks before theirs; NaN with a single block.
    blocks : int
        Blocks behind `held`.
    """

    level: float
    low: float
    high: float
    held: float
    blocks: int

    def to_dict(self) -> dict[str, float | int | None]:
        """Return it as plain values for JSON."""
        held = None if math.isnan(self.held) else self.held
        return {"level": self.level, "low": self.low, "high": self.high, "held": held, "blocks": self.blocks}


def residual_band(errors: NDArray[np.float64], block: NDArray[np.int64], *, level: float = 0.9) -> ResidualBand:
    """Return the band of forecasts that were off by `errors`.

    Parameters
    ----------
    errors : ndarray of float64, shape (n,)
        Outcomes less forecasts, out of sample, in order of time.
    block : ndarray of int64, shape (n,)
        Number of the test block of each row, not decreasing.
    level : float, default 0.9
        Between 0 and 1.

    Raises
    ------
    NoDataError
        If there is no row.
    BadInputError
        If shapes differ, an error is not finite, or the level is none.
    """
    if not 0 < level < 1:
        raise BadInputError("a confidence level lies between 0 and 1", value=level)
    if errors.shape != block.shape or errors.ndim != 1 or not np.all(np.isfinite(errors)):
        raise BadInputError("errors must be finite, one a row", value=f"{errors.shape}, {block.shape}")
    if not errors.size:
        raise NoDataError("there is no forecast to learn a band from", todo="train on a longer period")
    low, high = _ends(errors, level)
    inside = [
        (now >= ends[0]) & (now <= ends[1])
        for number in np.unique(block)[1:]
        for now, ends in [(errors[block == number], _ends(errors[block < number], level))]
    ]
    held = float(np.concatenate(inside).mean()) if inside else math.nan
    return ResidualBand(level, low, high, held, len(inside))


def _ends(errors: NDArray[np.float64], level: float) -> tuple[float, float]:
    low, high = np.quantile(errors, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return float(low), float(high)
