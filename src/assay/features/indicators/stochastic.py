"""Where the close lies between the lowest low and the highest high, raw and smoothed.

>>> Stochastic().outputs
('stoch_fast_k_14_3_3', 'stoch_k_14_3_3', 'stoch_d_14_3_3')
>>> Stochastic().warmup
17
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from assay.features.bars import Bar, FloatArray
from assay.features.step import Kernel, StepDocs, Values, check_length
from assay.features.windows import HIGHEST, LOWEST, empty, empty_range, push_range, push_sum


def stochastic_kernel(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold the number of bars seen, up to the last of the warm-up, and the moving high, low and two sums."""
    count, slot, high_run, low_run, k_slot, k_run, d_slot, d_run = state
    n, n_k, n_d, k_weight, d_weight = params
    if math.isnan(bar.high + bar.low + bar.close):
        return state, (math.nan, math.nan, math.nan)
    at = int(n)
    slot, high_run, low_run, top, bottom = push_range(window, 0, at, (slot, high_run, low_run), (bar.high, bar.low))
    # Divided by infinity where there is no range: a choice between numbers is cheaper than one between ways.
    fast = 100.0 * ((bar.close - bottom) / (top - bottom if top > bottom else math.inf))
    # Values of the first bars are pushed as well: none of them is left in a window when the warm-up is over.
    k_slot, k_run, k_sum = push_sum(window, 2 * at, int(n_k), k_slot, k_run, fast)
    k = k_sum * k_weight
    d_slot, d_run, d_sum = push_sum(window, 2 * at + int(n_k), int(n_d), d_slot, d_run, k)
    count = min(count + 1.0, n + n_k + n_d - 2.0)
    state = (count, slot, high_run, low_run, k_slot, k_run, d_slot, d_run)
    if count < n + n_k + n_d - 2.0:
        return state, (math.nan, math.nan, math.nan)
    return state, (fast, k, d_sum * d_weight)


@dataclass(frozen=True, slots=True)
class Stochastic:
    """Stochastic oscillator over `n` bars: fast %K, %K smoothed over `k` bars, and %D over `d` bars of that.

    Raises
    ------
    BadInputError
        If a length is out of range.
    """

    n: int = 14
    k: int = 3
    d: int = 3

    name: ClassVar[str] = "stochastic"
    inputs: ClassVar[tuple[str, ...]] = (
        "high",
        "low",
        "close",
    )
    docs: ClassVar[StepDocs] = StepDocs(
        family="momentum",
        title="Stochastic oscillator",
        formula="fast = 100 (close - low_n) / (high_n - low_n), 0 if the range is 0; %K = mean of k fast values, %D = "
        "mean of d values of %K; all three columns begin together",
        units=("0 to 100", "0 to 100", "0 to 100"),
        gap_rule="a missing bar is skipped: the window is of the last n bars there are",
        nan_rule="a bar with NaN in an input gives NaN and is otherwise treated as missing",
        reference="G. C. Lane, Lane's Stochastics, Stocks & Commodities 2 (1984); TA-Lib, TA_STOCH",
    )

    def __post_init__(self) -> None:
        check_length(self.name, self.n)
        check_length(self.name, self.k)
        check_length(self.name, self.d)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Fast %K, %K and %D, each from 0 to 100."""
        lengths = f"{self.n}_{self.k}_{self.d}"
        return f"stoch_fast_k_{lengths}", f"stoch_k_{lengths}", f"stoch_d_{lengths}"

    @property
    def warmup(self) -> int:
        """The first %D needs d values of %K, the first of which needs k fast values."""
        return self.n + self.k + self.d - 3

    @property
    def params(self) -> Values:
        """Return the three lengths, and the weights of what the last two average."""
        return float(self.n), float(self.k), float(self.d), 1.0 / self.k, 1.0 / self.d

    @property
    def kernel(self) -> Kernel:
        """Return :func:`stochastic_kernel`."""
        return stochastic_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Nothing seen."""
        window = np.concatenate([empty_range(self.n), empty(self.k + self.d)])
        return (0.0, 0.0, LOWEST, HIGHEST, 0.0, 0.0, 0.0, 0.0), window
