"""How much history a value needs: after how many bars a Step that starts anew comes to what it would have come to.

An average of the last n bars needs those n. An exponential average never forgets a bar, but after some hundred of them
what is left is less than anybody can tell; a running total needs every bar since the first. Whoever computes a feature
from the last few hundred bars has to know which of the three it is.

>>> import numpy as np
>>> from assay.features.indicators.ema import Ema
>>> from assay.features.indicators.log_return import LogReturn
>>> opened, price = np.arange(2000), 100.0 + np.sin(np.arange(2000.0))
>>> bars = Bars(opened, opened + 1, price, price, price, price, price)
>>> history_needed(LogReturn(5), bars)
6
>>> 90 < history_needed(Ema(12), bars) < 150
True
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError
from assay.features.bars import Bars, FloatArray
from assay.features.drivers import run_batch
from assay.features.step import Step

TOLERANCE = 1e-9
"""Values that differ by less than this fraction are the same."""


def _computed(step: Step, bars: Bars) -> FloatArray:
    return run_batch(step, bars)[0]


def history_needed(
    step: Step,
    bars: Bars,
    *,
    tolerance: float = TOLERANCE,
    starts: int = 8,
    run: Callable[[Step, Bars], FloatArray] = _computed,
) -> int | None:
    """Return with how many bars a fresh start gives the values that all the history gives, from then on.

    Parameters
    ----------
    step : Step
        What to measure.
    bars : Bars
        What to measure it on; the first half is only history. The answer holds for bars of this kind.
    tolerance : float
        Largest difference, as a fraction of the value or, where that is larger, of the mean size of its column.
    starts : int
        From how many bars to start anew; the most that any of them needs is returned.
    run : function
        Gives the values of a Step over bars; the batch driver if left out.

    Returns
    -------
    int or None
        Number of bars, the one that the value belongs to included; None if it needs more than half of `bars`.

    Raises
    ------
    BadInputError
        If there are fewer than ``2 * starts`` bars.
    """
    half = len(bars) // 2
    if half < starts:
        raise BadInputError("too few bars to measure on", value=len(bars), todo=f"give at least {2 * starts}")
    whole = run(step, bars)
    known = np.isfinite(whole)
    size = np.where(known, np.abs(whole), 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    allowed = tolerance * np.maximum(np.abs(whole), size)
    most = 0
    # The starts are spread over one stretch, so that each leaves as many bars to come to the same values.
    for start in np.linspace(half // 2, half, starts).astype(int).tolist():
        end = start + half
        fresh = run(step, bars.rows(start, end))
        apart = np.flatnonzero(_differ(fresh, whole[start:end], allowed[start:end]))
        most = max(most, int(apart[-1]) + 2 if apart.size else 1)
    return most if most <= half else None


def _differ(fresh: FloatArray, whole: FloatArray, allowed: FloatArray) -> NDArray[np.bool_]:
    both_nan = np.isnan(fresh) & np.isnan(whole)
    is_same = both_nan | (np.abs(fresh - whole) <= allowed)
    return np.asarray(~is_same.all(axis=1))
