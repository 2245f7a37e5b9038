"""Kernels over many rows at once, for the Steps that gain by it: bit for bit what their kernels say row by row.

A kernel that takes one bar divides one number, and what moves in a window is counted anew at each. Here the moving
values of a block are computed first (``blocks.py``) and what follows from them next, many numbers with one instruction;
division and square root round the same either way. A block with NaN in it is declined, and goes row by row
(``drivers.py``).

The contract tests hold every one against its kernel: outputs, state and window.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from assay.features.bars import VALUE_COLUMNS, FloatArray
from assay.features.blocks import are_whole, blank, max_rows, min_rows, moment_rows, sum_rows
from assay.features.indicators.bollinger import bollinger_kernel
from assay.features.indicators.cmf import cmf_kernel
from assay.features.indicators.rolling_std import rolling_std_kernel
from assay.features.indicators.sma import sma_kernel
from assay.features.indicators.stochastic import stochastic_kernel
from assay.features.indicators.vwap import vwap_kernel
from assay.features.indicators.williams_r import williams_r_kernel
from assay.features.step import Kernel, Values
from assay.features.windows import variance

Columns = tuple[FloatArray, ...]
BlockKernel = Callable[[Values, FloatArray, Values, Columns, Columns, slice], tuple[Values, bool]]
"""``block(state, window, params, columns, out, span)``: the next state, and whether the rows of `span` are done."""

_HIGH, _LOW, _CLOSE, _VOLUME = (VALUE_COLUMNS.index(name) for name in ("high", "low", "close", "volume"))


def sma_block(  # noqa: PLR0917  # numba wants positions, here and below
    state: Values, window: FloatArray, params: Values, columns: Columns, out: Columns, span: slice
) -> tuple[Values, bool]:
    """Do what ``sma_kernel`` does."""
    close, found = columns[_CLOSE][span], out[0][span]
    if not are_whole(close):
        return state, False
    count, slot, run = state
    n, weight = params
    slot, run = sum_rows(window, 0, int(n), (slot, run), close, found)
    for row in range(found.size):
        found[row] *= weight
    blank(found, n - 1.0 - count)
    return (min(count + close.size, n), slot, run), True


def rolling_std_block(  # noqa: PLR0917
    state: Values, window: FloatArray, params: Values, columns: Columns, out: Columns, span: slice
) -> tuple[Values, bool]:
    """Do what ``rolling_std_kernel`` does."""
    close, found = columns[_CLOSE][span], out[0][span]
    if not are_whole(close):
        return state, False
    count, slot, first, second, anchor = state
    n, weight = params
    one, two = np.empty(close.size), np.empty(close.size)
    moved = moment_rows(window, 0, int(n), (slot, first, second, anchor), close, (found, one, two))
    for row in range(found.size):
        found[row] = math.sqrt(variance(one[row], two[row], weight))
    blank(found, n - 1.0 - count)
    return (min(count + close.size, n - 1.0), *moved), True


def bollinger_block(  # noqa: PLR0917
    state: Values, window: FloatArray, params: Values, columns: Columns, out: Columns, span: slice
) -> tuple[Values, bool]:
    """Do what ``bollinger_kernel`` does."""
    close = columns[_CLOSE][span]
    if not are_whole(close):
        return state, False
    count, slot, first, second, anchor = state
    n, factor, weight = params
    upper, mean, lower, width, position = out[0][span], out[1][span], out[2][span], out[3][span], out[4][span]
    one, reach = width, position
    moved = moment_rows(window, 0, int(n), (slot, first, second, anchor), close, (mean, one, reach))
    for row in range(close.size):
        reach[row] = factor * math.sqrt(variance(one[row], reach[row], weight))
        mean[row] += one[row] * weight
    for row in range(close.size):
        upper[row] = mean[row] + reach[row]
        lower[row] = mean[row] - reach[row]
    for row in range(close.size):
        width[row] = 2.0 * reach[row] / (mean[row] if mean[row] > 0.0 else math.nan)
    for row in range(close.size):
        position[row] = 0.5 + (close[row] - mean[row]) / (2.0 * reach[row] if reach[row] > 0.0 else math.inf)
    for column in out:
        blank(column[span], n - 1.0 - count)
    return (min(count + close.size, n - 1.0), *moved), True


def vwap_block(  # noqa: PLR0917
    state: Values, window: FloatArray, params: Values, columns: Columns, out: Columns, span: slice
) -> tuple[Values, bool]:
    """Do what ``vwap_kernel`` does."""
    high, low, close, volume = columns[_HIGH][span], columns[_LOW][span], columns[_CLOSE][span], columns[_VOLUME][span]
    count, slot, paid_run, volume_run = state
    n = params[0]
    found, volumes, paid = out[0][span], np.empty(close.size), np.empty(close.size)
    for row in range(close.size):
        paid[row] = (high[row] + low[row] + close[row]) * volume[row]
    if not are_whole(paid):  # which it is not unless all four are
        return state, False
    _, volume_run = sum_rows(window, int(n), int(n), (slot, volume_run), volume, volumes)
    slot, paid_run = sum_rows(window, 0, int(n), (slot, paid_run), paid, found)
    for row in range(close.size):
        found[row] /= 3.0 * (volumes[row] if volumes[row] > 0.0 else math.nan)
    blank(found, n - 1.0 - count)
    return (min(count + close.size, n - 1.0), slot, paid_run, volume_run), True


def cmf_block(  # noqa: PLR0917
    state: Values, window: FloatArray, params: Values, columns: Columns, out: Columns, span: slice
) -> tuple[Values, bool]:
    """Do what ``cmf_kernel`` does."""
    high, low, close, volume = columns[_HIGH][span], columns[_LOW][span], columns[_CLOSE][span], columns[_VOLUME][span]
    count, slot, flow_run, volume_run = state
    n = params[0]
    found, volumes, flow = out[0][span], np.empty(close.size), np.empty(close.size)
    for row in range(close.size):
        reach = high[row] - low[row]
        share = ((close[row] - low[row]) - (high[row] - close[row])) / (reach if reach > 0.0 else math.inf)
        flow[row] = share * volume[row]
    if not are_whole(flow):  # which it is not unless all four are
        return state, False
    _, volume_run = sum_rows(window, int(n), int(n), (slot, volume_run), volume, volumes)
    slot, flow_run = sum_rows(window, 0, int(n), (slot, flow_run), flow, found)
    for row in range(close.size):
        found[row] /= volumes[row] if volumes[row] > 0.0 else math.inf
    blank(found, n - 1.0 - count)
    return (min(count + close.size, n - 1.0), slot, flow_run, volume_run), True


def williams_r_block(  # noqa: PLR0917
    state: Values, window: FloatArray, params: Values, columns: Columns, out: Columns, span: slice
) -> tuple[Values, bool]:
    """Do what ``williams_r_kernel`` does."""
    high, low, close, found = columns[_HIGH][span], columns[_LOW][span], columns[_CLOSE][span], out[0][span]
    if not are_whole(high, low, close):
        return state, False
    count, slot, high_run, low_run = state
    n = params[0]
    bottom = np.empty(close.size)
    _, low_run = min_rows(window, int(n), int(n), (slot, low_run), low, bottom)
    slot, high_run = max_rows(window, 0, int(n), (slot, high_run), high, found)
    for row in range(close.size):
        top = found[row]
        found[row] = 100.0 * ((close[row] - top) / (top - bottom[row] if top > bottom[row] else math.inf))
    blank(found, n - 1.0 - count)
    return (min(count + close.size, n), slot, high_run, low_run), True


def stochastic_block(  # noqa: PLR0917
    state: Values, window: FloatArray, params: Values, columns: Columns, out: Columns, span: slice
) -> tuple[Values, bool]:
    """Do what ``stochastic_kernel`` does."""
    high, low, close = columns[_HIGH][span], columns[_LOW][span], columns[_CLOSE][span]
    if not are_whole(high, low, close):
        return state, False
    count, slot, high_run, low_run, k_slot, k_run, d_slot, d_run = state
    n, n_k, n_d, k_weight, d_weight = params
    fast, k, d = out[0][span], out[1][span], out[2][span]
    top, bottom, at = k, d, int(n)
    _, low_run = min_rows(window, at, at, (slot, low_run), low, bottom)
    slot, high_run = max_rows(window, 0, at, (slot, high_run), high, top)
    for row in range(close.size):
        reach = top[row] - bottom[row] if top[row] > bottom[row] else math.inf
        fast[row] = 100.0 * ((close[row] - bottom[row]) / reach)
    k_slot, k_run = sum_rows(window, 2 * at, int(n_k), (k_slot, k_run), fast, k)
    for row in range(close.size):
        k[row] *= k_weight
    d_slot, d_run = sum_rows(window, 2 * at + int(n_k), int(n_d), (d_slot, d_run), k, d)
    for row in range(close.size):
        d[row] *= d_weight
    last = n + n_k + n_d - 2.0
    for column in out:
        blank(column[span], last - 1.0 - count)
    return (min(count + close.size, last), slot, high_run, low_run, k_slot, k_run, d_slot, d_run), True


BLOCK_KERNELS: Mapping[Kernel, BlockKernel] = {
    bollinger_kernel: bollinger_block,
    cmf_kernel: cmf_block,
    rolling_std_kernel: rolling_std_block,
    sma_kernel: sma_block,
    stochastic_kernel: stochastic_block,
    vwap_kernel: vwap_block,
    williams_r_kernel: williams_r_block,
}
"""Kernel to what does the same block by block."""
