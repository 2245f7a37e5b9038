"""Made-up forecasts of a made-up market: models that know nothing, and one that knows a little.

Returns have fat tails; labels say whether the price is higher `horizon` bars later, so that neighbours share all but
one bar. A signal is a number a bar that lasts: each one is `memory` times the one before, and something new. The
model says "up" where its signal is above zero. What a signal knows is mixed into the returns that follow it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

HOUR = 3_600_000_000
MEMORIES = (0.0, 0.5, 0.9, 0.98, 0.995)


@dataclass(frozen=True)
class Panel:
    """Gains over the base rate of each candidate, shape (n_candidates, n), and the moments of the forecasts, (n,)."""

    gains: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    forecast_at: NDArray[np.int64]


def panel(
    rng: np.random.Generator, n: int, *, horizon: int, memories: tuple[float, ...] = MEMORIES, knows: float = 0.0
) -> Panel:
    """Return what one candidate a memory says of one market; `knows` is the part of the first signal in the returns."""
    signals = np.stack([lasting(rng, n + horizon, memory) for memory in memories])
    returns = rng.standard_t(4, size=n + horizon) + knows * np.sqrt(2.0) * signals[0]
    price = np.concatenate(([0.0], np.cumsum(returns)))
    is_up = price[horizon:][:n] > price[:n]
    # What was more frequent among the labels that were known by then.
    ups, known = np.concatenate(([0], np.cumsum(is_up))), np.maximum(np.arange(n) - horizon + 1, 0)
    usual = 2 * ups[known] > known
    said = signals[:, :n] > 0
    right = said == is_up
    gains = right.astype(float) - (usual == is_up)
    return Panel(gains, right.mean(axis=1), np.arange(n) * HOUR)


def lasting(rng: np.random.Generator, n: int, memory: float) -> NDArray[np.float64]:
    """Return a signal of variance one, in its stationary state."""
    noise = rng.normal(size=n)
    noise[1:] *= np.sqrt(1 - memory**2)
    signal: NDArray[np.float64] = lfilter([1.0], [1.0, -memory], noise)
    return signal
