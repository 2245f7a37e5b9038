"""F12: correlations of fifty assets over windows of thirty days, two years of days, beside NumPy window by window."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from assay.measures.correlation import rolling_correlation
from benchmarks.harness import Contender, Figure, race, timed
from benchmarks.lakes import Stage
from benchmarks.sixteen import Array

GOAL = 0.25
DAYS, ASSETS, WINDOW = 730, 50, 30
CLOSE = 1e-9
"""How far two correlations may be apart."""


def run(stage: Stage) -> Iterator[Figure]:
    """Measure all windows of returns that have a market in common."""
    rng = np.random.default_rng(1)
    returns = rng.normal(0.0, 0.02, (DAYS, ASSETS)) + rng.normal(0.0, 0.02, (DAYS, 1))
    np.testing.assert_allclose(rolling_correlation(returns, window=WINDOW), one_by_one(returns), rtol=0.0, atol=CLOSE)
    ours = Contender("rolling_correlation", timed(lambda: rolling_correlation(returns, window=WINDOW)))
    theirs = Contender("numpy.corrcoef a window", timed(lambda: one_by_one(returns)), np.__version__)
    times = race([ours, theirs], rounds=5 if stage.is_quick else 25, warmup=2)
    work = f"{DAYS - WINDOW + 1} correlation matrices of {ASSETS} assets, windows of {WINDOW} days"
    yield Figure.of_ratio("F12", work, times, subject=ours, peer=theirs, goal=GOAL)


def one_by_one(returns: Array) -> Array:
    """Return what NumPy says of each window."""
    return np.array([np.corrcoef(returns[k : k + WINDOW].T) for k in range(DAYS - WINDOW + 1)])
