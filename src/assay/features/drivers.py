"""The two ways to run a Step: over an array of bars, and one bar at a time as they close.

Both call the same compiled loop, one with many rows and one with a single row. Where a kernel has a block kernel beside
it (``block_kernels.py``), the loop uses that for many rows; the contract tests hold the two against each other bit for
bit.

>>> import numpy as np
>>> from assay.features.bars import Bar
>>> from assay.features.indicators.ema import Ema
>>> bars = Bars.of(Bar(hour, hour + 1, price, price, price, price, 1.0) for hour, price in enumerate([2.0, 4.0, 6.0]))
>>> values, state = run_batch(Ema(2), bars)
>>> values[:, 0].round(6).tolist()
[nan, 3.0, 5.0]
>>> stream = Stream(Ema(2), state)
>>> next_bar = Bar(3, 4, 8.0, 8.0, 8.0, 8.0, 1.0)
>>> stream.preview(next_bar) == stream.update(next_bar)
True
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import cast

import numpy as np

from assay.domain.errors import BadInputError
from assay.features.bars import VALUE_COLUMNS, Bar, Bars, FloatArray, IntArray, read_only
from assay.features.block_kernels import BLOCK_KERNELS
from assay.features.bound import bound
from assay.features.compile import compile_loop
from assay.features.state import StepState
from assay.features.step import Kernel, Step, Values

Columns = tuple[FloatArray, ...]
Rows = tuple[tuple[IntArray, IntArray], Columns]
"""Open and close times, and the columns of values."""
Loop = Callable[[Values, FloatArray, Values, Rows, Columns], Values]

_BLOCK = 1024
"""Rows that a block kernel is given at a time: what it holds between two loops stays in the nearest caches."""
_LEAST = 32
"""Rows for which it is not worth while."""
_ALL = (0, -1)


def run_batch(step: Step, bars: Bars, state: StepState | None = None) -> tuple[FloatArray, StepState]:
    """Run `step` over `bars`, from the beginning or from where `state` left off.

    Parameters
    ----------
    step : Step
        What to compute.
    bars : Bars
        Closed bars of one series, in order. Rows are causal: row i uses bars up to i.
    state : StepState, optional
        As returned by an earlier call; never changed.

    Returns
    -------
    values : float64 array, shape (n_bars, n_outputs)
        NaN in the first ``step.warmup`` rows of a series, and where the Step's rules say so. Columns are contiguous.
    state : StepState
        To go on with.

    Raises
    ------
    StateError
        If another step or other code made `state`.
    BadInputError
        If `bars` begin before the last bar that `state` has seen ended.
    """
    outputs = np.empty((len(step.outputs), len(bars)))
    state = advance(step, bars, StepState.start(step) if state is None else state, out=outputs)
    return outputs.T, state


def advance(step: Step, bars: Bars, state: StepState, *, out: FloatArray) -> StepState:
    """Run `step` over `bars`, write its outputs into the rows of `out` and return the new state.

    Parameters
    ----------
    step, bars, state
        As for :func:`run_batch`.
    out : float64 array, shape (n_outputs, n_bars)
        Overwritten; its rows must be contiguous.
    """
    state.check_belongs_to(step)
    if not len(bars):
        return state
    _check_follows(int(bars.open_time[0]), state.last_close_time)
    window = state.window.copy()
    loop = compiled_loop(step.kernel)
    rows = (bars.open_time, bars.close_time), bars.columns
    values = loop(state.values, window, step.params, rows, tuple(out))
    return StepState(state.step, int(bars.close_time[-1]), values, window)


class Stream:
    """A Step that is fed one closed bar at a time.

    Parameters
    ----------
    step : Step
        What to compute.
    state : StepState, optional
        Where to go on; from the beginning by default.

    Raises
    ------
    StateError
        If another step or other code made `state`.
    """

    def __init__(self, step: Step, state: StepState | None = None) -> None:
        self.step = step
        self._loop = compiled_loop(step.kernel)
        # One bar as columns, seen through read-only views: what the loop that was compiled for a batch takes.
        self._times = np.empty((2, 1), dtype=np.int64)
        self._bar = np.empty((len(VALUE_COLUMNS), 1))
        self._out = np.empty((len(step.outputs), 1))
        opened, closed = map(read_only, self._times)
        self._views = ((opened, closed), tuple(map(read_only, self._bar))), tuple(self._out)
        self._identity: str
        self._last_close_time: int
        self._values: Values
        self._window: FloatArray
        self._go_on_from(StepState.start(step) if state is None else state)

    @property
    def state(self) -> StepState:
        """The state after the last update; it stays as it is when the stream goes on."""
        return StepState(self._identity, self._last_close_time, self._values, self._window)

    def update(self, bar: Bar) -> Values:
        """Take in a closed bar and return the outputs at its close.

        Raises
        ------
        BadInputError
            If the bar opens before the last one closed, or holds an infinite value; nothing is changed then.
        """
        outputs, self._values = self._run(bar, self._window)
        self._last_close_time = bar.close_time
        return outputs

    def preview(self, bar: Bar) -> Values:
        """Return what :meth:`update` would, for a bar that is still open; the stream stays as it is."""
        return self._run(bar, self._window.copy())[0]

    def save(self) -> bytes:
        """Return the state as bytes."""
        return self.state.to_bytes()

    def restore(self, content: bytes) -> None:
        """Go on from what :meth:`save` returned.

        Raises
        ------
        StateError
            If the bytes are damaged or another step's; the stream stays as it is.
        """
        self._go_on_from(StepState.from_bytes(content))

    def _go_on_from(self, state: StepState) -> None:
        state.check_belongs_to(self.step)
        self._identity = state.step
        self._last_close_time = state.last_close_time
        self._values = state.values
        self._window = state.window.copy()

    def _run(self, bar: Bar, window: FloatArray) -> tuple[Values, Values]:
        _check_follows(bar.open_time, self._last_close_time)
        if math.inf in bar or -math.inf in bar:
            raise BadInputError("an infinite value in a bar", value=bar, todo="drop the bar, or make the value NaN")
        self._times[:, 0] = bar[:2]
        self._bar[:, 0] = bar[2:]
        values = self._loop(self._values, window, self.step.params, *self._views)
        return tuple(self._out[:, 0].tolist()), values


@functools.cache
def compiled_loop(kernel: Kernel) -> Loop:
    """Return the loop over bars, compiled around `kernel` and around its block kernel, if it has one."""
    name = f"over_bars_{getattr(kernel, '__name__', '')}"
    if kernel not in BLOCK_KERNELS:
        return cast("Loop", compile_loop(_by_rows, name, {"_kernel": kernel}))
    rows = bound(cast("Kernel", _by_rows), _kernel=kernel)
    return cast("Loop", compile_loop(_by_blocks, name, {"_by_rows": rows, "_block": BLOCK_KERNELS[kernel]}))


def _kernel(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Stand for the kernel that :func:`compiled_loop` puts here."""
    raise NotImplementedError


def _block(  # noqa: PLR0917  # numba wants positions, here and below
    state: Values, window: FloatArray, params: Values, columns: Columns, out: Columns, span: slice
) -> tuple[Values, bool]:
    """Stand for the block kernel that :func:`compiled_loop` puts here."""
    raise NotImplementedError


def _by_rows(  # noqa: PLR0917
    state: Values, window: FloatArray, params: Values, bars: Rows, out: Columns, span: tuple[int, int] = _ALL
) -> Values:
    """Feed the rows of a span to the kernel in turn; inputs and outputs are one contiguous array each."""
    times, columns = bars
    start, stop = span
    # One function more, for every row or for a span, would be compiled around every kernel: a fifth of the time.
    for row in range(start, times[0].size if stop < 0 else stop):
        bar = Bar(
            times[0][row],
            times[1][row],
            columns[0][row],
            columns[1][row],
            columns[2][row],
            columns[3][row],
            columns[4][row],
            columns[5][row],
            columns[6][row],
            columns[7][row],
            columns[8][row],
        )
        state, outputs = _kernel(state, window, bar, params)
        for column in range(len(outputs)):
            out[column][row] = outputs[column]
    return state


def _by_blocks(  # noqa: PLR0917
    state: Values, window: FloatArray, params: Values, bars: Rows, out: Columns
) -> Values:
    """Do what :func:`_by_rows` does, but with the block kernel wherever that does not decline."""
    times, columns = bars
    count = times[0].size
    for start in range(0, count, _BLOCK):
        span = slice(start, min(start + _BLOCK, count))
        is_done = False
        if span.stop - start >= _LEAST:
            state, is_done = _block(state, window, params, columns, out, span)
        if not is_done:
            state = _by_rows(state, window, params, bars, out, (span.start, span.stop))
    return state


def _check_follows(open_time: int, last_close_time: int) -> None:
    if open_time < last_close_time:
        todo = "feed bars in order and once; after a restated bar go on from a state before it"
        raise BadInputError("a bar that opens before the last one closed", value=open_time, todo=todo)
