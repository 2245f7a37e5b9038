"""Any Step that reads the close, of something else: another column of the bar, or what another Step gives.

>>> from assay.features.indicators.ema import Ema
>>> from assay.features.indicators.rsi import Rsi
>>> Over(Ema(20), "volume").outputs, Over(Ema(3), Rsi(14)).outputs
(('ema_20_of_volume',), ('ema_3_of_rsi_14',))
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from assay.domain.errors import BadInputError
from assay.features.bars import VALUE_COLUMNS, Bar, FloatArray
from assay.features.bound import bound
from assay.features.indicators.ema import Ema
from assay.features.step import Kernel, Step, StepDocs, Values, check_is_step

_UNITS = {
    "volume": "base units", "quote_volume": "quote units", "taker_buy_volume": "base units", "num_trades": "trades",
    "reference": "units of the reference",
}  # fmt: skip
_PRICE = "quote units per base unit"
_COLUMN = _VALUES = _NUMBERS_END = _OUTPUT = 0
"""Place of the column; where the source's state and parameters end; which of its outputs: put in by `bound`."""


def over_column_kernel(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold what the Step holds."""
    columns = (
        bar.open, bar.high, bar.low, bar.close, bar.volume, bar.quote_volume, bar.taker_buy_volume, bar.num_trades,
        bar.reference,
    )  # fmt: skip
    return _step(state, window, _with_close(bar, columns[_COLUMN]), params)


def over_step_kernel(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold what the source holds, then what the Step holds; the first parameter is the size of the source's window."""
    cut = int(params[0])
    held, found = _source(state[:_VALUES], window[:cut], bar, params[1:_NUMBERS_END])
    seen = _with_close(bar, found[_OUTPUT])
    after, outputs = _step(state[_VALUES:], window[cut:], seen, params[_NUMBERS_END:])
    return held + after, outputs


def _with_close(bar: Bar, value: float) -> Bar:
    return Bar(
        bar.open_time, bar.close_time, math.nan, math.nan, math.nan, value, math.nan, math.nan, math.nan, math.nan,
        math.nan,
    )  # fmt: skip


def _source(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Stand for the source's kernel."""
    raise NotImplementedError


def _step(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Stand for the Step's kernel."""
    raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Over:
    """A Step that reads the close and nothing else, run over `source` in place of the close.

    A bar for which the source has no value is a missing one to the Step.

    Parameters
    ----------
    step : Step
        What to compute.
    source : Step or str
        Of what: a Step, or the name of a column of the bar.
    output : int
        Which of the source's outputs, from 0.

    Raises
    ------
    BadInputError
        If the Step reads anything but the close, or there is no such source.
    """

    step: Step = Ema(12)  # noqa: RUF009  # frozen
    source: Step | str = "volume"
    output: int = 0

    name: ClassVar[str] = "over"

    def __post_init__(self) -> None:
        check_is_step(self.name, self.step)
        if self.step.inputs != ("close",):
            todo = "take a step that reads the close and nothing else"
            raise BadInputError("a step that cannot be run over something else", value=self.step.name, todo=todo)
        if isinstance(self.source, str):
            if self.source not in VALUE_COLUMNS:
                todo = f"name a step or one of {', '.join(VALUE_COLUMNS)}"
                raise BadInputError("no column of a bar", value=self.source, todo=todo)
        else:
            check_is_step(self.name, self.source)
        if type(self.output) is not int or not 0 <= self.output < len(self._sources):
            todo = f"count from 0: there are {', '.join(self._sources)}"
            raise BadInputError("no such output of the source", value=self.output, todo=todo)

    @property
    def _sources(self) -> tuple[str, ...]:
        return (self.source,) if isinstance(self.source, str) else self.source.outputs

    @property
    def inputs(self) -> tuple[str, ...]:
        """What the source reads."""
        return (self.source,) if isinstance(self.source, str) else self.source.inputs

    @property
    def docs(self) -> StepDocs:
        """The Step's, with the source for the close."""
        mine, of = self.step.docs, self._sources[self.output]
        if isinstance(self.source, str):
            unit, theirs = _UNITS.get(self.source, _PRICE), mine
        else:
            unit, theirs = self.source.docs.units[self.output], self.source.docs
        return StepDocs(
            title=f"{mine.title} of {of}",
            formula=f"{mine.formula}; with {of} for the close",
            units=tuple(one.replace(_PRICE, unit) for one in mine.units),
            gap_rule=_both("a hole", theirs.gap_rule, mine.gap_rule),
            nan_rule=_both("NaN", theirs.nan_rule, mine.nan_rule).replace(
                "whose close is NaN", f"in which {of} is NaN"
            ),
            reference=mine.reference if theirs.reference == mine.reference else f"{mine.reference}; {theirs.reference}",
            undefined=theirs.undefined or mine.undefined,
            endless=theirs.endless or mine.endless,
        )

    @property
    def outputs(self) -> tuple[str, ...]:
        """The Step's columns, with the source's after them."""
        return tuple(f"{column}_of_{self._sources[self.output]}" for column in self.step.outputs)

    @property
    def warmup(self) -> int:
        """The Step begins when the source has."""
        return self.step.warmup + (0 if isinstance(self.source, str) else self.source.warmup)

    @property
    def params(self) -> Values:
        """Return the size of the source's window, its parameters and the Step's."""
        if isinstance(self.source, str):
            return self.step.params
        return float(self.source.init()[1].size), *self.source.params, *self.step.params

    @property
    def kernel(self) -> Kernel:
        """Return one of the two kernels of this module, with those of Step and source in it."""
        if isinstance(self.source, str):
            return bound(over_column_kernel, _step=self.step.kernel, _COLUMN=VALUE_COLUMNS.index(self.source))
        sizes = {
            "_VALUES": len(self.source.init()[0]),
            "_NUMBERS_END": 1 + len(self.source.params),
            "_OUTPUT": self.output,
        }
        return bound(over_step_kernel, _step=self.step.kernel, _source=self.source.kernel, **sizes)

    def init(self) -> tuple[Values, FloatArray]:
        """Return the source's start, then the Step's."""
        values, window = self.step.init()
        if isinstance(self.source, str):
            return values, window
        first, places = self.source.init()
        return first + values, np.concatenate([places, window])


def _both(what: str, source: str, step: str) -> str:
    """Return one rule if the two are of one kind, and both otherwise."""
    is_one = source == step or all(rule.startswith("a missing bar is skipped") for rule in (source, step))
    return step if is_one else f"at {what} the source does: {source}; then the step: {step}"
