"""All Steps of a set in one compiled call, for one new bar of one series or of a thousand.

A stream of each Step would cost a call a Step, and calls are what a single bar costs. Here one function is written for
the kernels of a set, with a line for each: unpack the Step's state, run the kernel, store state and outputs. The state
of a series is one row of float64: the end of its last bar, the states, the parameters, the sizes of the windows and the
windows. It is packed from saved states and unpacked to them, so that batch and stream go on from each other's.

>>> from assay.features.indicators.ema import Ema
>>> from assay.features.indicators.rsi import Rsi
>>> fused = Fused((Ema(12), Rsi(14)))
>>> row = fused.pack([StepState.start(Ema(12)), StepState.start(Rsi(14))])
>>> row.size, fused.unpack(row)[1].values
(13, (-1.0, 0.0, 0.0, 0.0))
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn, Protocol, cast

import numpy as np

from assay.domain.errors import BadInputError
from assay.features.bars import VALUE_COLUMNS, Bar, FloatArray, IntArray
from assay.features.compile import compile_text
from assay.features.state import StepState
from assay.features.step import Kernel, Step, identity

Update = Callable[[FloatArray, IntArray, FloatArray, FloatArray], int]
UpdateOne = Callable[[FloatArray], int]


class CPUDispatcher(Protocol):
    """The part of numba's compiled functions that is used here."""

    def compile(self, types: tuple[object, ...], /) -> object:
        """Compile for these types, or load what was compiled for them."""

    def get_overload(self, types: tuple[object, ...], /) -> UpdateOne:
        """Return what was compiled for these types, which checks none."""


Sizes = tuple[tuple[int, int, int], ...]
"""Of each Step, how many state values, parameters and outputs it has."""
ABSENT = -(2**63)
"""The open time that stands for no bar of this series: its outputs are NaN and its state stays as it is."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the state, the parameters and the size of the window of one Step lie in a row."""

    values: slice
    params: slice
    size: int


@dataclass(frozen=True)
class Fused:
    """The Steps of a set as one function, and the layout of their state in a row of float64."""

    steps: tuple[Step, ...]

    @functools.cached_property
    def places(self) -> tuple[Place, ...]:
        """One for each Step, in order."""
        values = _ranges(1, (len(step.init()[0]) for step in self.steps))
        params = _ranges(values[-1].stop, (len(step.params) for step in self.steps))
        sizes = itertools.count(params[-1].stop)
        return tuple(Place(*part, next(sizes)) for part in zip(values, params, strict=True))

    @functools.cached_property
    def width(self) -> int:
        """Number of outputs."""
        return sum(len(step.outputs) for step in self.steps)

    @functools.cached_property
    def update(self) -> Update:
        """Return the compiled function, ``update(rows, times, values, out)``.

        It takes one bar for each row: ``times`` of shape (n, 2) in int64, ``values`` (n, 9) in the order of
        ``VALUE_COLUMNS``, changes the rows and writes ``out`` of shape (n, width). It returns -1, or the first row
        whose bar is refused, and nothing is changed then.
        """
        return cast("Update", _compiled(self._kernels, self._sizes, is_one=False))

    @functools.cached_property
    def update_one(self) -> UpdateOne:
        """Return the same for one series, ``update_one(memory)``.

        It takes all in one array, contiguous, aligned and float64, and looks at nothing of that: what a call looks at
        takes longer than a bar does. First in `memory` is the bar, its two times as floats; then the outputs; then
        the row. It returns -1, or 0 if the bar is refused.
        """
        from numba import float64  # noqa: PLC0415  # heavy: only where bars are computed

        update = cast("CPUDispatcher", _compiled(self._kernels, self._sizes, is_one=True))
        types = (float64[::1],)
        update.compile(types)
        return update.get_overload(types)

    @property
    def _kernels(self) -> tuple[Kernel, ...]:
        return tuple(step.kernel for step in self.steps)

    @property
    def _sizes(self) -> Sizes:
        return tuple((len(step.init()[0]), len(step.params), len(step.outputs)) for step in self.steps)

    def pack(self, states: Sequence[StepState]) -> FloatArray:
        """Return the states as one row."""
        for step, state in zip(self.steps, states, strict=True):
            state.check_belongs_to(step)
        values = [number for state in states for number in state.values]
        params = [number for step in self.steps for number in step.params]
        sizes = [state.window.size for state in states]
        return np.concatenate([[states[0].last_close_time, *values, *params, *sizes], *(one.window for one in states)])

    def unpack(self, row: FloatArray) -> tuple[StepState, ...]:
        """Return the states in a row; what is done to the row later does not touch them."""
        ends = np.cumsum([self.places[-1].size + 1, *(int(row[place.size]) for place in self.places)]).tolist()
        return tuple(
            StepState(identity(step), int(row[0]), tuple(row[place.values].tolist()), row[start:end])
            for step, place, (start, end) in zip(self.steps, self.places, itertools.pairwise(ends), strict=True)
        )


def check_bars(refused: int, times: IntArray, values: FloatArray, rows: FloatArray) -> None:
    """Raise for the row that `update` refused, if it did.

    Raises
    ------
    BadInputError
        If the bar opens before the last one closed, or holds an infinite value.
    """
    if refused < 0:
        return
    check_bar(Bar(*times[refused].tolist(), *values[refused].tolist()), rows[refused])


def check_bar(bar: Bar, row: FloatArray) -> NoReturn:
    """Raise for a bar that `update_one` refused, as :func:`check_bars` does."""
    if math.inf in bar or -math.inf in bar:
        raise BadInputError("an infinite value in a bar", value=bar, todo="drop the bar, or make the value NaN")
    todo = "feed bars in order and once; after a restated bar go on from a state before it"
    what = f"a bar that opens before the last one closed, at {int(row[0])}"
    raise BadInputError(what, value=bar.open_time, todo=todo)


def _ranges(start: int, sizes: Iterable[int]) -> list[slice]:
    ends = list(itertools.accumulate(sizes, initial=start))
    return [slice(*pair) for pair in itertools.pairwise(ends)]


@functools.cache
def _compiled(kernels: tuple[Kernel, ...], sizes: Sizes, *, is_one: bool) -> Callable[..., object]:
    parts = {f"kernel_{number}": kernel for number, kernel in enumerate(kernels)}
    scope = {"Bar": Bar, "INFINITY": math.inf, "NAN": math.nan, "ABSENT": ABSENT}
    return compile_text(_text_of_one(sizes) if is_one else _text(sizes), "update_set", parts, scope)


def _text(sizes: Sizes) -> str:
    """Return the source of the function for Steps with these numbers of state values, parameters and outputs."""
    columns = range(len(VALUE_COLUMNS))
    steps = _text_of_steps(sizes, [f"out[series, {number}]" for number in range(_width(sizes))])
    return "\n".join(
        [
            "def update_set(rows, times, values, out):",
            "    for series in range(times.shape[0]):",
            "        refused = times[series, 0] != ABSENT and times[series, 0] < rows[series, 0]",
            *(f"        refused |= abs(values[series, {i}]) == INFINITY" for i in columns),
            "        if refused:",
            "            return series",
            "    for series in range(times.shape[0]):",
            "        if times[series, 0] == ABSENT:",
            "            out[series, :] = NAN",
            "            continue",
            "        row = rows[series]",
            "        row[0] = times[series, 1]",
            "        bar = Bar(times[series, 0], times[series, 1], "
            + ", ".join(f"values[series, {i}]" for i in columns)
            + ")",
            *(f"        {line}" for line in steps),
            "    return -1",
        ]
    )


def _text_of_one(sizes: Sizes) -> str:
    """Return the same for one series, all of it in one array."""
    start, values = len(Bar._fields), range(2, len(Bar._fields))
    steps = _text_of_steps(sizes, [f"memory[{start + number}]" for number in range(_width(sizes))])
    return "\n".join(
        [
            "def update_set(memory):",
            f"    row = memory[{start + _width(sizes)}:]",
            "    refused = memory[0] < row[0]",
            *(f"    refused |= abs(memory[{i}]) == INFINITY" for i in values),
            "    if refused:",
            "        return 0",
            "    row[0] = memory[1]",
            f"    bar = Bar(int(memory[0]), int(memory[1]), {', '.join(f'memory[{i}]' for i in values)})",
            *(f"    {line}" for line in steps),
            "    return -1",
        ]
    )


def _text_of_steps(sizes: Sizes, found: Sequence[str]) -> list[str]:
    """Return the lines that take a bar through all Steps; `found` is where their outputs go."""
    value, param, output = 1, 1 + sum(size[0] for size in sizes), 0
    size_at = param + sum(size[1] for size in sizes)
    lines = [f"end = {size_at + len(sizes)}"]
    for number, (values, params, outputs) in enumerate(sizes):
        state = "".join(f"row[{value + i}], " for i in range(values))
        numbers = "".join(f"row[{param + i}], " for i in range(params))
        lines += [
            "begin = end",
            f"end = begin + int(row[{size_at + number}])",
            f"state_{number}, found_{number} = kernel_{number}(({state}), row[begin:end], bar, ({numbers}))",
            *(f"row[{value + i}] = state_{number}[{i}]" for i in range(values)),
            *(f"{found[output + i]} = found_{number}[{i}]" for i in range(outputs)),
        ]
        value, param, output = value + values, param + params, output + outputs
    return lines


def _width(sizes: Sizes) -> int:
    return sum(size[2] for size in sizes)
