"""Volume-weighted average price since the day's session began.

>>> SessionVwap().outputs, SessionVwap().warmup
(('session_vwap_0',), 0)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.domain.errors import BadInputError
from assay.features.bars import Bar, FloatArray
from assay.features.step import NO_WINDOW, Kernel, StepDocs, Values

_MINUTE_US = 60_000_000.0
_DAY_US = 86_400_000_000.0


def session_vwap_kernel(state: Values, _window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold when the session ends, what was paid in it, and its volume."""
    end, paid, volume = state
    start = params[0]
    if math.isnan(bar.high + bar.low + bar.close + bar.volume):
        return state, (math.nan,)
    if bar.open_time >= end:
        end = start + (math.floor((bar.open_time - start) / _DAY_US) + 1.0) * _DAY_US
        paid, volume = 0.0, 0.0
    paid += (bar.high + bar.low + bar.close) * bar.volume
    volume += bar.volume
    return (end, paid, volume), (paid / (3.0 * volume) if volume > 0.0 else math.nan,)


@dataclass(frozen=True, slots=True)
class SessionVwap:
    """Average of the typical price, weighted with the volume, over the bars that opened since the session began.

    Parameters
    ----------
    start : int
        Minutes after midnight UTC at which a session begins, and the one before ends.

    Raises
    ------
    BadInputError
        If `start` is no minute of a day.
    """

    start: int = 0

    name: ClassVar[str] = "session_vwap"
    inputs: ClassVar[tuple[str, ...]] = (
        "high",
        "low",
        "close",
        "volume",
    )
    docs: ClassVar[StepDocs] = StepDocs(
        family="volume",
        title="Session VWAP",
        formula="sum of volume (high + low + close) / 3 over the bars that opened since start, minutes after "
        "midnight UTC, divided by their volume; it begins anew every 24 hours",
        units=("quote units per base unit",),
        gap_rule="a missing bar counts nothing: the average is over the bars there are of the session, which begins "
        "anew at its time also where its first bars are missing",
        nan_rule="a bar with NaN in an input gives NaN and is otherwise treated as missing",
        undefined="until volume is traded in the session",
        reference="S. A. Berkowitz, D. E. Logue, E. A. Noser, The Total Cost of Transactions on the NYSE, Journal of "
        "Finance 43 (1988)",
    )

    def __post_init__(self) -> None:
        if type(self.start) is not int or not 0 <= self.start < 1440:
            todo = "give whole minutes after midnight UTC, from 0 to 1439"
            raise BadInputError("no start of a session", value=self.start, todo=todo)

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column, in the unit of the price."""
        return (f"session_vwap_{self.start}",)

    @property
    def warmup(self) -> int:
        """A session's first bar has a value."""
        return 0

    @property
    def params(self) -> Values:
        """Return the session's start after midnight, in microseconds."""
        return (self.start * _MINUTE_US,)

    @property
    def kernel(self) -> Kernel:
        """Return :func:`session_vwap_kernel`."""
        return session_vwap_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """No session yet."""
        return (-math.inf, 0.0, 0.0), NO_WINDOW
