"""Small charts drawn on the server: points for an SVG polyline, so that a table of a hundred of them needs no script.

>>> line = sparkline((1.0, 3.0, 2.0), width=20, height=10)
>>> line.points, line.direction
('1,9 10,1 19,5', 'up')
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from assay.web.formats import direction

_EDGE = 1.0


@dataclass(frozen=True, slots=True)
class Sparkline:
    """A line in a box of `width` by `height` user units.

    Attributes
    ----------
    points : str
        ``x,y`` pairs for a polyline, y downwards; empty if there are fewer than two finite values.
    area : str
        The same line closed along the lower edge, for a fill.
    direction : str
        ``up``, ``down`` or ``flat``: the last value against the first.
    """

    width: int
    height: int
    points: str
    area: str
    direction: str


def sparkline(values: Sequence[float], *, width: int = 96, height: int = 28) -> Sparkline:
    """Return the line through `values` (n,), evenly spaced; values that are not finite are left out of it.

    A line that does not move runs through the middle.
    """
    finite = [(place, value) for place, value in enumerate(values) if math.isfinite(value)]
    if len(finite) < 2:
        return Sparkline(width, height, "", "", "flat")
    low, high = min(value for _, value in finite), max(value for _, value in finite)
    step = (width - 2 * _EDGE) / (len(values) - 1)
    tall = height - 2 * _EDGE

    def y(value: float) -> float:
        return height / 2 if high == low else _EDGE + tall * (1 - (value - low) / (high - low))

    drawn = [(_EDGE + place * step, y(value)) for place, value in finite]
    points = " ".join(f"{x:.4g},{level:.4g}" for x, level in drawn)
    area = f"{points} {drawn[-1][0]:.4g},{height} {drawn[0][0]:.4g},{height}"
    return Sparkline(width, height, points, area, direction(finite[-1][1] - finite[0][1]))
