"""Feature sets: the ordered Steps behind a table or a model, under one name, with one state.

>>> TECHNICAL.columns, TECHNICAL.warmup
(('sma_20', 'sma_50', 'sma_200', 'ema_12', 'ema_26', 'rsi_14', 'macd_12_26_9', 'macd_signal_12_26_9', \
'macd_histogram_12_26_9', 'bb_upper_20_2', 'bb_middle_20_2', 'bb_lower_20_2', 'bb_width_20_2', 'bb_position_20_2', \
'realised_volatility_24', 'realised_volatility_annualised_24'), 199)
>>> DIRECTION.columns[:3]
('log_return_1', 'log_return_6', 'log_return_24')
"""

from __future__ import annotations

import difflib
import functools
import hashlib
import itertools
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from assay.domain.errors import BadInputError
from assay.features.against import references_of
from assay.features.bars import Bar, Bars, FloatArray
from assay.features.drivers import advance
from assay.features.fused import Fused, check_bar
from assay.features.higher import Higher
from assay.features.indicators.bollinger import Bollinger
from assay.features.indicators.close_to_ema import CloseToEma
from assay.features.indicators.cmf import Cmf
from assay.features.indicators.cumulative_return import CumulativeReturn
from assay.features.indicators.drawdown import Drawdown
from assay.features.indicators.ema import Ema
from assay.features.indicators.lag import Lag
from assay.features.indicators.log_return import LogReturn
from assay.features.indicators.macd import Macd
from assay.features.indicators.mfi import Mfi
from assay.features.indicators.price_momentum import PriceMomentum
from assay.features.indicators.realised_volatility import RealisedVolatility
from assay.features.indicators.rolling_mean import RollingMean
from assay.features.indicators.rolling_std import RollingStd
from assay.features.indicators.rsi import Rsi
from assay.features.indicators.sma import Sma
from assay.features.indicators.taker_pressure import TakerPressure
from assay.features.indicators.volume_ratio import VolumeRatio
from assay.features.indicators.williams_r import WilliamsR
from assay.features.indicators.zscore import Zscore
from assay.features.over import Over
from assay.features.state import StateError, StepState, pack, unpack
from assay.features.step import Step, identity, width_of

_BAR = struct.Struct(f"={len(Bar._fields)}d")
"""A bar as it lies in memory, its two times as floats too: those that there are (``LATEST_TIME``) are exact."""


@dataclass(frozen=True, slots=True, eq=False)
class SetState:
    """The states of all Steps of a set after the same bar."""

    steps: tuple[StepState, ...]

    @property
    def last_close_time(self) -> int:
        """End of the last bar seen, in microseconds.

        To recompute from a restated bar on, go on from the latest state whose `last_close_time` is not after the
        bar's `open_time`.
        """
        return self.steps[0].last_close_time

    def save(self) -> bytes:
        """Return the state as bytes; equal states give equal bytes."""
        parts = [step.to_bytes() for step in self.steps]
        return pack({"parts": ",".join(str(len(part)) for part in parts)}, b"".join(parts))

    @classmethod
    def restore(cls, content: bytes) -> SetState:
        """Read what :meth:`save` wrote.

        Raises
        ------
        StateError
            If the bytes are damaged or something else.
        """
        header, payload = unpack(content)
        if "parts" not in header:
            raise StateError(
                "not the saved state of a feature set", value=header, todo="compute it again from the first bar"
            )
        ends = np.cumsum([int(length) for length in str(header["parts"]).split(",")]).tolist()
        return cls(tuple(StepState.from_bytes(payload[a:b]) for a, b in itertools.pairwise([0, *ends])))


@dataclass(frozen=True, slots=True, eq=False)
class FeatureRun:
    """What :meth:`FeatureSet.run` returns.

    Attributes
    ----------
    matrix : float64 array, shape (n_bars, n_columns)
        Columns are contiguous.
    state : SetState
        After the last row.
    checkpoints : tuple of SetState
        After each row asked for.
    """

    matrix: FloatArray
    state: SetState
    checkpoints: tuple[SetState, ...]


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """Steps in order, under a name and a version.

    Raises
    ------
    BadInputError
        If there is no Step, or two give a column of the same name.
    """

    name: str
    version: int
    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        if not self.steps or len(set(self.columns)) != len(self.columns):
            todo = "give at least one step, and each column once"
            raise BadInputError("not a feature set", value=f"{self.name}: {', '.join(self.columns)}", todo=todo)

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(column for step in self.steps for column in step.outputs)

    @property
    def warmup(self) -> int:
        """Number of leading rows in which some column is NaN, on a series without gaps."""
        return max(step.warmup for step in self.steps)

    @property
    def hash(self) -> str:
        """16 hexadecimal digits that change with the name, the version, any parameter, the order and the code."""
        text = "\n".join((f"{self.name}/{self.version}", *(identity(step) for step in self.steps)))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def start(self) -> SetState:
        """Return the state before the first bar."""
        return SetState(tuple(StepState.start(step) for step in self.steps))

    def run(
        self,
        bars: Bars,
        state: SetState | None = None,
        *,
        checkpoint_at: Sequence[int] = (),
        out: FloatArray | None = None,
    ) -> FeatureRun:
        """Compute every column over `bars`, from the beginning or from where `state` left off.

        Resuming from any checkpoint gives bit for bit what one pass over all bars gives.

        Parameters
        ----------
        bars : Bars
            Closed bars of one series, in order. Row i of the matrix uses bars up to i.
        state : SetState, optional
            As returned by an earlier run; never changed.
        checkpoint_at : sequence of int
            Row numbers in rising order; the state after each is returned.
        out : float64 array, shape (n_columns, n_bars), optional
            Where to write, contiguous; the matrix returned is a view of it. Fresh memory costs as much as the sums.

        Raises
        ------
        StateError
            If another set or other code made `state`.
        BadInputError
            If `bars` begin before the last bar that `state` has seen ended, the row numbers are out of order, `out`
            is of another shape, or the Steps are held against several references: bars hold one.
        """
        self._check_one_reference()
        rows = list(checkpoint_at)
        if any(later <= earlier for earlier, later in zip([-1, *rows], [*rows, len(bars)], strict=True)):
            raise BadInputError("checkpoint rows out of order or range", value=rows, todo="give rising row numbers")
        matrix = self._matrix(len(bars), out)
        states = [self.check(self.start() if state is None else state)]
        cuts = [0, *(row + 1 for row in rows), len(bars)]
        for start, stop in itertools.pairwise(cuts):
            states.append(self._advance(bars.rows(start, stop), states[-1], matrix[:, start:stop]))
        return FeatureRun(matrix.T, states[-1], tuple(states[1:-1]))

    def check(self, state: SetState) -> SetState:
        """Return `state` if this set and this code made it, or raise StateError."""
        if len(state.steps) != len(self.steps):
            value = f"{len(state.steps)} steps"
            raise StateError(
                "saved state of another feature set", value=value, todo="compute it again from the first bar"
            )
        for step, one in zip(self.steps, state.steps, strict=True):
            one.check_belongs_to(step)
        return state

    def stream(self, state: SetState | None = None) -> SetStream:
        """Return a stream that is fed one closed bar at a time. Raises BadInputError as :meth:`run` does."""
        self._check_one_reference()
        return SetStream(self, state)

    def _check_one_reference(self) -> None:
        names = sorted({name for step in self.steps for name in references_of(step)})
        if len(names) > 1:
            todo = "run it with assay.features.referenced, which gives every step its own"
            raise BadInputError("one column of bars for several references", value=", ".join(names), todo=todo)

    def _matrix(self, count: int, out: FloatArray | None) -> FloatArray:
        shape = (sum(width_of(step) for step in self.steps), count)
        if out is None:
            return np.empty(shape)
        if out.shape != shape or out.dtype != np.float64 or not (out.flags.c_contiguous and out.flags.writeable):
            todo = f"give a contiguous float64 array of shape {shape}"
            raise BadInputError("nowhere to write features", value=f"{out.dtype} {out.shape}", todo=todo)
        return out

    def _advance(self, bars: Bars, state: SetState, matrix: FloatArray) -> SetState:
        # A loop for each Step keeps its state in registers; all in one, or in turns over blocks, is no faster.
        states, row = [], 0
        for step, one in zip(self.steps, state.steps, strict=True):
            end = row + width_of(step)
            states.append(advance(step, bars, one, out=matrix[row:end]))
            row = end
        return SetState(tuple(states))


class SetStream:
    """A feature set that is fed one closed bar at a time; as :class:`~assay.features.drivers.Stream` is a Step.

    Raises
    ------
    StateError
        If another set or other code made `state`.
    """

    def __init__(self, feature_set: FeatureSet, state: SetState | None = None) -> None:
        self.feature_set = feature_set
        self._fused = Fused(feature_set.steps)
        row = self._fused.pack(feature_set.check(feature_set.start() if state is None else state).steps)
        # All but the bar is known beforehand: what a call would look up takes as long as half of the Steps.
        self._memory, self._trial = self._remember(row), self._remember(row)
        self._take, self._step, self._found = self._calls(self._memory)
        self._take_on_trial, self._try, self._foretold = self._calls(self._trial)

    def _remember(self, row: FloatArray) -> FloatArray:
        """Return what ``update_one`` works in: a bar, the outputs, and the state."""
        return np.concatenate([np.zeros(len(Bar._fields) + self._fused.width), row])

    def _calls(self, memory: FloatArray) -> tuple[Callable[..., None], Callable[[], int], Callable[[], FloatArray]]:
        """Return what puts a bar into `memory`, what takes it in, and what gives the outputs away."""
        start = len(Bar._fields)
        outputs: FloatArray = memory[start : start + self._fused.width]
        return (
            functools.partial(_BAR.pack_into, memory.data, 0),
            functools.partial(self._fused.update_one, memory),
            outputs.copy,
        )

    @property
    def _row(self) -> FloatArray:
        return self._memory[len(Bar._fields) + self._fused.width :]

    @property
    def state(self) -> SetState:
        """The state after the last update."""
        return SetState(self._fused.unpack(self._row))

    def update(self, bar: Bar) -> FloatArray:
        """Take in a closed bar and return the row of features at its close, shape ``(n_columns,)``.

        Raises
        ------
        BadInputError
            If the bar opens before the last one closed, or holds an infinite value; nothing is changed then.
        """
        self._take(*bar)
        if self._step() >= 0:
            check_bar(bar, self._row)
        return self._found()

    def preview(self, bar: Bar) -> FloatArray:
        """Return what :meth:`update` would, for a bar that is still open; the stream stays as it is."""
        self._trial[:] = self._memory
        self._take_on_trial(*bar)
        if self._try() >= 0:
            check_bar(bar, self._row)
        return self._foretold()


TECHNICAL = FeatureSet(
    "technical",
    2,
    (
        Sma(20), Sma(50), Sma(200), Ema(12), Ema(26), Rsi(14), Macd(12, 26, 9), Bollinger(20, 2.0),
        RealisedVolatility(24),
    ),
)  # fmt: skip
"""The columns of ``silver.technical_indicators``."""

_DAYS = "1d"
RETURNS_AND_RISK = FeatureSet(
    "returns_and_risk",
    1,
    (
        LogReturn(1), PriceMomentum(1),
        *(Higher(RealisedVolatility(days), _DAYS) for days in (30, 60, 90)),
        CumulativeReturn(), Drawdown(),
    ),
)  # fmt: skip
"""The columns of ``silver.returns_and_risk``: returns of the bar, risk of the days before it.

The volatilities are of days of UTC that have closed, whatever the length of the bars: an hour that is missing does not
blank ninety days of hours, and the saved state is 180 numbers and not thousands.
"""

DIRECTION = FeatureSet(
    "direction", 1, (LogReturn(1), LogReturn(6), LogReturn(24), Rsi(14), CloseToEma(12), CloseToEma(26))
)
"""What the direction model looks at: returns over three spans, strength, and distance from two averages."""

_RETURN, _TAKERS, _SIGNED = LogReturn(1), TakerPressure(1), 1
NEXT_BAR = FeatureSet(
    "next_bar",
    1,
    (
        _RETURN, Over(Lag(1), _RETURN), Over(Lag(2), _RETURN), LogReturn(3), LogReturn(6), LogReturn(12), LogReturn(24),
        Over(Zscore(24), _RETURN),
        WilliamsR(1), WilliamsR(24), Rsi(6), CloseToEma(6), CloseToEma(24),
        VolumeRatio(24), Cmf(6), Mfi(14),
        *(Over(RollingStd(bars), _RETURN) for bars in (6, 24, 168)),
    ),
)  # fmt: skip
"""For the bar that comes next: what a move is given back of, what trade stood behind it, and how wild the market is.

Trades jump between bid and ask, and whoever is in a hurry pushes the price too far: so the last returns, where in its
own range the bar closed, and how far the price is from where it was a moment ago. Nothing depends on the level of a
price, so that years with other prices can be learned from; open, high, low, close and volume are enough.
"""

NEXT_BAR_FLOW = FeatureSet(
    "next_bar_flow",
    1,
    (
        *NEXT_BAR.steps,
        Over(Zscore(24), _TAKERS, _SIGNED),
        *(Over(RollingMean(bars), _TAKERS, _SIGNED) for bars in (3, 24)),
        Over(Zscore(24), "num_trades"),
    ),
)  # fmt: skip
"""The same and who crossed the spread: for venues that publish what takers bought and how many trades there were."""

FEATURE_SETS = {
    feature_set.name: feature_set for feature_set in (TECHNICAL, RETURNS_AND_RISK, DIRECTION, NEXT_BAR, NEXT_BAR_FLOW)
}
"""Name to feature set."""


def find_set(name: str) -> FeatureSet:
    """Return the feature set called `name`.

    Raises
    ------
    BadInputError
        If there is none.
    """
    if name not in FEATURE_SETS:
        near = difflib.get_close_matches(name, FEATURE_SETS, n=1)
        todo = f"did you mean {near[0]}?" if near else f"use one of {', '.join(sorted(FEATURE_SETS))}"
        raise BadInputError("unknown feature set", value=name, todo=todo)
    return FEATURE_SETS[name]
