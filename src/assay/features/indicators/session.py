"""Whether a bar opens while a market of the old world is open, and how far into its day.

>>> Session().outputs
('in_session_america_new_york_570_960', 'session_passed_america_new_york_570_960')
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.domain.errors import BadInputError
from assay.features.bars import Bar, FloatArray
from assay.features.step import Kernel, StepDocs, Values
from assay.features.zones import DAY_US, column_text, offset_at, offsets

_MINUTE_US = 60_000_000.0
_DAY_MINUTES = 24 * 60
_WEEKEND = 5.0


def session_kernel(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    """Hold nothing; the window holds the zone's offsets."""
    opens, closes = params
    local = float(bar.open_time) + offset_at(window, float(bar.open_time))
    days = math.floor(local / DAY_US)
    minute = (local - days * DAY_US) / _MINUTE_US
    if (days + 3.0) % 7.0 >= _WEEKEND or minute < opens or minute >= closes:
        return state, (0.0, 0.0)
    return state, (1.0, (minute - opens) / (closes - opens))


@dataclass(frozen=True, slots=True)
class Session:
    """Whether a bar opens between two times of a working day in `zone`.

    Parameters
    ----------
    zone : str
        Name in the IANA time zone database; summer time is followed.
    opens, closes : int
        Minutes since midnight there; 570 is 9:30.

    Raises
    ------
    BadInputError
        If there is no such zone, or the times are not two of one day in order.
    """

    zone: str = "America/New_York"
    opens: int = 570
    closes: int = 960

    name: ClassVar[str] = "session"
    inputs: ClassVar[tuple[str, ...]] = ()
    docs: ClassVar[StepDocs] = StepDocs(
        family="calendar",
        title="Trading session",
        formula="1 if the bar opens from `opens` to before `closes`, minutes since midnight on the zone's clock, on a "
        "day from Monday to Friday, and the part of the session passed by then; else 0 and 0. Holidays are not known",
        units=("0 or 1", "fraction"),
        gap_rule="a missing bar changes nothing: only the bar's own time counts",
        nan_rule="no value of the bar is read",
        reference="IANA time zone database; 9:30 to 16:00 in New York are the core hours of its stock exchange",
    )

    def __post_init__(self) -> None:
        offsets(self.zone)
        whole = type(self.opens) is int and type(self.closes) is int
        if not whole or not 0 <= self.opens < self.closes <= _DAY_MINUTES:
            todo = f"give whole minutes since midnight, 0 <= opens < closes <= {_DAY_MINUTES}"
            raise BadInputError("not a session", value=f"{self.opens} to {self.closes}", todo=todo)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Whether it is open, and the part that has passed."""
        zone = column_text(self.zone)
        return tuple(f"{what}_{zone}_{self.opens}_{self.closes}" for what in ("in_session", "session_passed"))

    @property
    def warmup(self) -> int:
        """A bar's own time is enough."""
        return 0

    @property
    def params(self) -> Values:
        """Return the two times."""
        return float(self.opens), float(self.closes)

    @property
    def kernel(self) -> Kernel:
        """Return :func:`session_kernel`."""
        return session_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """No state, and the zone's offsets."""
        return (0.0,), offsets(self.zone).copy()
