"""Bars with everything the oracles should meet: ranges and volumes of all sizes, flat stretches, and holes."""

from __future__ import annotations

import numpy as np

from assay.features.bars import Bars
from tests.unit.features.made_bars import HOUR, START


def market(count: int, *, seed: int = 1, holes: int = 0, flat: bool = False) -> Bars:
    """A seeded market of hourly bars in which jumps between bars, one-sided bars and ties of the close occur.

    `holes` gaps of one to thirty hours are in it; `flat` adds stretches in which nothing moves, without a range.
    """
    rng = np.random.default_rng(seed)
    moves = np.where(rng.random(count) < 0.1, 0.0, rng.normal(0.0, 0.01, count))
    close = 100.0 * np.exp(np.cumsum(moves))
    opens = np.concatenate([close[:1], close[:-1]]) * np.where(
        rng.random(count) < 0.3, rng.uniform(0.995, 1.005, count), 1.0
    )
    high = np.maximum(opens, close) * (1.0 + np.where(rng.random(count) < 0.2, 0.0, rng.exponential(0.004, count)))
    low = np.minimum(opens, close) * (1.0 - np.where(rng.random(count) < 0.2, 0.0, rng.exponential(0.004, count)))
    if flat:
        for start in rng.integers(0, count, count // 200 + 1):
            part = slice(int(start), int(start) + 40)
            for column in (opens, high, low, close):
                column[part] = close[start]
    volume = rng.lognormal(3.0, 1.5, count)
    opened = np.arange(count, dtype=np.int64)
    for row in rng.integers(1, count, holes):
        opened[row:] += rng.integers(1, 31)
    opened = START + opened * HOUR
    amounts = volume, volume * close, volume * rng.random(count), np.ceil(volume)
    return Bars(opened, opened + HOUR, opens, high, low, close, *amounts)
