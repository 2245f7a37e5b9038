"""Which of several sources of one price is wrong, bar by bar, and what the others say the price was.

Every decision about a bar is made of that bar and of those before it, so that it can be used where it stands. Two
sources are compared by the difference of their log closes, less its own recent median (their usual premium), and by
the difference of their returns, which no premium enters. Both are measured against their own recent size (a rolling
MAD), which is let out with the range of the bar: in a wild hour two venues differ more.

Where more than half of the sources agree, the others are wrong. Where two differ, the difference alone cannot say who
is wrong; what can is each one's own past: it copied an earlier bar, stood still, opened far from its last close, or
jumped while the other did not. If that does not tell them apart either, both are marked `DISAGREE` and the bar has no
consensus. A source that was wrong is believed again after some bars in agreement (`RECOVERING` until then).

>>> import numpy as np
>>> close = np.cumprod(np.full(300, 1.001))
>>> bars = np.stack([close / 1.001, close * 1.0001, close / 1.0011, close, np.ones(300)], axis=1)
>>> bars = np.repeat(bars[:, :, None], 3, axis=2)
>>> bars[250, :4, 1] *= 1.05
>>> found = reconcile(bars, np.arange(300) // 24, np.zeros(3, dtype=np.bool_))
>>> REASONS[found.code[250, 1]], round(found.numbers[250, 1, DEVIATION_BPS])
('price', 488)
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from assay.measures.reconciliation_loop import reconcile_loop
from assay.measures.reconciliation_terms import DEVIATION_BPS, NUMBERS, REASONS, Bars, Reconciled, State, new_state

__all__ = ["DEVIATION_BPS", "REASONS", "Loop", "Reconciled", "State", "new_state", "reconcile"]

Loop = Callable[[Bars, NDArray[np.int64], NDArray[np.bool_], State, Reconciled], int]


def reconcile(
    bars: Bars,
    day: NDArray[np.int64],
    is_converted: NDArray[np.bool_],
    state: State | None = None,
    *,
    loop: Loop = reconcile_loop,
) -> Reconciled:
    """Hold the sources of one price against each other.

    Parameters
    ----------
    bars : ndarray of float64, shape (n_bars, 5, n_sources)
        Open, high, low, close and volume, in order of time; NaN where a source has no bar. A row is a time at which at
        least one source has one.
    day : ndarray of int64, shape (n_bars,)
        The day of each bar; trust is that of the days before.
    is_converted : ndarray of bool, shape (n_sources,)
        Whether a source is of something that only stands in for the price of the others, such as one in USDT for one
        in USD. Its close enters the consensus without its premium.
    state : State, optional
        What an earlier call remembered; changed in place. By default a new one.
    loop : callable, default reconcile_loop
        The loop, or the same compiled.
    """
    n_bars, _, n_sources = bars.shape
    found = Reconciled(
        np.zeros((n_bars, n_sources), dtype=np.int64),
        np.full((n_bars, n_sources, NUMBERS), np.nan),
        np.full((n_bars, 2), np.nan),
    )
    # One layout, for which the loop is compiled once.
    plain = np.ascontiguousarray(bars), np.ascontiguousarray(day), np.ascontiguousarray(is_converted)
    loop(*plain, new_state(n_sources) if state is None else state, found)
    return found
