"""Any Step over bars of a longer interval, put together from the bars that come: only what has closed is seen.

At every bar the value is that of the last higher bar that has closed by then, the bar's own close included: at 16:00
the hour that has just ended also ends the four hours from 12:00, and at 17:00 nothing new is known of 16:00 to 20:00.

>>> from assay.features.indicators.rsi import Rsi
>>> Higher(Rsi(14), "4h").outputs, Higher(Rsi(14), "4h").warmup
(('rsi_14_4h',), 59)
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import ClassVar

from assay.domain.errors import BadInputError
from assay.domain.interval import EPOCH, Interval
from assay.features.bars import VALUE_COLUMNS, Bar, FloatArray
from assay.features.bound import bound
from assay.features.indicators.rsi import Rsi
from assay.features.step import Kernel, Step, StepDocs, Values, check_is_step

_NONE = -1.0e18
"""Stands for the open time of the higher bar where none has begun."""
_BAR = 1 + len(VALUE_COLUMNS)
_FIXED = 2 + len(VALUE_COLUMNS)
_NOTHING, _END = (math.nan,), _BAR + 1
"""NaN for each output, and where in the state the outputs end: put in by `bound`."""


def higher_kernel(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold the higher bar that has begun, the outputs of the last one that closed, and what the Step holds."""
    width, anchor = int(params[0]), int(params[1])
    open_, high, low, close, volume, quote_volume, taker_buy_volume, num_trades, reference = _read(bar, params)
    opened = bar.open_time - (bar.open_time - anchor) % width
    closes = opened + width
    if _is_blank(bar, params) or bar.close_time > closes:
        return state, _NOTHING
    begun = state[0]
    outputs = state[_BAR:_END]
    inner = state[_END:]
    if begun != _NONE:
        if begun == opened:
            open_ = state[1]
            high = max(high, state[2])
            low = min(low, state[3])
            volume += state[5]
            quote_volume += state[6]
            taker_buy_volume += state[7]
            num_trades += state[8]
        else:
            # The last of its bars is missing: it closes with what there is.
            ended = Bar(
                int(begun), int(begun) + width, state[1], state[2], state[3], state[4], state[5], state[6], state[7],
                state[8], state[9],
            )  # fmt: skip
            inner, outputs = _step(inner, window, ended, params[_FIXED:])
    begun = float(opened)
    if bar.close_time == closes:
        whole = Bar(
            opened, closes, open_, high, low, close, volume, quote_volume, taker_buy_volume, num_trades, reference
        )
        inner, outputs = _step(inner, window, whole, params[_FIXED:])
        begun = _NONE
    held = (begun, open_, high, low, close, volume, quote_volume, taker_buy_volume, num_trades, reference)
    return held + outputs + inner, outputs


def _read(bar: Bar, params: Values) -> Values:
    """Return the columns that the Step reads, and NaN for the others, which may say anything."""
    nan = math.nan
    return (
        bar.open if params[2] > 0.0 else nan,
        bar.high if params[3] > 0.0 else nan,
        bar.low if params[4] > 0.0 else nan,
        bar.close if params[5] > 0.0 else nan,
        bar.volume if params[6] > 0.0 else nan,
        bar.quote_volume if params[7] > 0.0 else nan,
        bar.taker_buy_volume if params[8] > 0.0 else nan,
        bar.num_trades if params[9] > 0.0 else nan,
        bar.reference if params[10] > 0.0 else nan,
    )


def _is_blank(bar: Bar, params: Values) -> bool:
    """Whether a column that the Step reads is NaN."""
    return (
        (params[2] > 0.0 and math.isnan(bar.open))
        or (params[3] > 0.0 and math.isnan(bar.high))
        or (params[4] > 0.0 and math.isnan(bar.low))
        or (params[5] > 0.0 and math.isnan(bar.close))
        or (params[6] > 0.0 and math.isnan(bar.volume))
        or (params[7] > 0.0 and math.isnan(bar.quote_volume))
        or (params[8] > 0.0 and math.isnan(bar.taker_buy_volume))
        or (params[9] > 0.0 and math.isnan(bar.num_trades))
        or (params[10] > 0.0 and math.isnan(bar.reference))
    )


def _step(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Stand for the Step's kernel."""
    raise NotImplementedError


def check_interval(step: Step, interval: Interval) -> None:
    """Refuse a Step that is over bars of a longer interval, or holds one, where bars of `interval` make none of those.

    The kernel gives NaN for a bar that is too long, as it does for any that it cannot use: a whole series of them is a
    question that has no answer.

    Raises
    ------
    BadInputError
        If bars of `interval` are longer than it wants, or do not fit into its bars.
    """
    given = interval
    if isinstance(step, Higher):
        given = Interval.parse(step.interval)
        if interval.is_calendar or given.microseconds % interval.microseconds:
            todo = f"ask for bars of {given}, or for shorter ones of which a whole number make one"
            raise BadInputError(f"bars of {interval} do not make bars of {given}", value=step.outputs[0], todo=todo)
    for one in dataclasses.fields(step):  # type: ignore[arg-type]  # Steps are dataclasses
        part = getattr(step, one.name)
        if dataclasses.is_dataclass(part) and hasattr(part, "kernel"):
            check_interval(part, given)  # type: ignore[arg-type]  # what has a kernel is a Step


@dataclass(frozen=True, slots=True)
class Higher:
    """A Step over bars of `interval`, given bars of a shorter one; see also :func:`check_interval`.

    A higher bar has the first open, the highest high, the lowest low, the last close and reference, and the sums of
    the rest. A bar longer than the interval, or across its end, gives NaN and is otherwise missing.

    Parameters
    ----------
    step : Step
        What to compute.
    interval : str
        Code of the longer interval, such as ``4h``; not a month.
    base : str
        Code of the interval that the bars have. Only the warm-up depends on it: no number does.

    Raises
    ------
    BadInputError
        If one of the three is impossible, or the intervals do not fit into each other.
    """

    step: Step = Rsi(14)  # noqa: RUF009  # frozen
    interval: str = "4h"
    base: str = field(default="1h", compare=False)

    name: ClassVar[str] = "higher"

    def __post_init__(self) -> None:
        check_is_step(self.name, self.step)
        longer, shorter = Interval.parse(self.interval), Interval.parse(self.base)
        fits = not (longer.is_calendar or shorter.is_calendar) and longer.microseconds % shorter.microseconds == 0
        if not fits or longer == shorter:
            todo = f"name an interval of which a whole number of {shorter} make one, and no month"
            raise BadInputError(f"bars of {shorter} do not make a bar of", value=self.interval, todo=todo)

    @property
    def inputs(self) -> tuple[str, ...]:
        """What the Step reads."""
        return self.step.inputs

    @property
    def docs(self) -> StepDocs:
        """The Step's, over higher bars."""
        mine, each = self.step.docs, f"bars of {self.interval}"
        return StepDocs(
            title=f"{mine.title}, {self.interval}",
            formula=f"{mine.formula}; over {each}, the last one that has closed by the bar's own close",
            units=mine.units,
            gap_rule=f"{each} are made of the bars there are, and if the last is missing end with the first after; "
            f"of {each} of which none is there: {mine.gap_rule}",
            nan_rule="a bar with NaN in an input, or longer than the interval, gives NaN and is otherwise treated as "
            "missing",
            reference=mine.reference,
            undefined=mine.undefined,
            endless=mine.endless,
        )

    @property
    def outputs(self) -> tuple[str, ...]:
        """The Step's columns, with the interval after them."""
        return tuple(f"{column}_{self.interval}" for column in self.step.outputs)

    @property
    def warmup(self) -> int:
        """The Step's, in bars of `base`, of a series that begins where a higher bar does."""
        ratio = Interval(self.interval).microseconds // Interval(self.base).microseconds
        return (self.step.warmup + 1) * ratio - 1

    @property
    def params(self) -> Values:
        """Return length and anchor of the interval, which columns are read, and the Step's parameters."""
        interval = Interval(self.interval)
        anchor = (interval.anchor - EPOCH).total_seconds() * 1e6
        reads = (1.0 if column in self.step.inputs else 0.0 for column in VALUE_COLUMNS)
        return float(interval.microseconds), anchor, *reads, *self.step.params

    @property
    def kernel(self) -> Kernel:
        """Return :func:`higher_kernel` with the Step's in it."""
        count = len(self.step.outputs)
        return bound(higher_kernel, _step=self.step.kernel, _NOTHING=(math.nan,) * count, _END=_BAR + count)

    def init(self) -> tuple[Values, FloatArray]:
        """No higher bar begun, none closed, and the Step's start."""
        values, window = self.step.init()
        return (_NONE, *[math.nan] * (len(VALUE_COLUMNS) + len(self.step.outputs)), *values), window
