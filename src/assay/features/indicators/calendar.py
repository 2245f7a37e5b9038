"""Where in the day, the week and the year a bar opens, on the clock of any time zone.

>>> Calendar("Europe/Berlin").outputs[0]
'hour_europe_berlin'
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.features.bars import Bar, FloatArray
from assay.features.step import Kernel, StepDocs, Values
from assay.features.zones import DAY_US, HOUR_US, column_text, offset_at, offsets

_WEEKEND = 5.0
_EPOCH_WEEKDAY = 3.0
"""1970-01-01 was a Thursday."""
_PARTS = (
    "hour", "hour_sin", "hour_cos", "weekday", "weekday_sin", "weekday_cos", "is_weekend",
    "day_of_month", "month", "month_sin", "month_cos",
)  # fmt: skip


def calendar_kernel(state: Values, window: FloatArray, bar: Bar, _params: Values) -> tuple[Values, Values]:
    """Hold nothing; the window holds the zone's offsets."""
    local = float(bar.open_time) + offset_at(window, float(bar.open_time))
    days = math.floor(local / DAY_US)
    hour = (local - days * DAY_US) / HOUR_US
    weekday = (days + _EPOCH_WEEKDAY) % 7.0
    through_week = 2.0 * math.pi * (weekday + hour / 24.0) / 7.0
    through_day = 2.0 * math.pi * hour / 24.0
    month, day = _month_and_day(float(days))
    through_year = 2.0 * math.pi * (month - 1.0) / 12.0
    return state, (
        math.floor(hour) * 1.0,
        math.sin(through_day),
        math.cos(through_day),
        weekday,
        math.sin(through_week),
        math.cos(through_week),
        1.0 if weekday >= _WEEKEND else 0.0,
        day,
        month,
        math.sin(through_year),
        math.cos(through_year),
    )


def _month_and_day(days: float) -> tuple[float, float]:
    """Return month and day of the month, both from 1, so many days after 1970-01-01.

    Years begin in March here, so that the leap day is the last of a year; 400 years have 146,097 days.
    Reference: E. G. Richards, in Explanatory Supplement to the Astronomical Almanac (2013), 15.11.
    """
    shifted = days + 719_468.0
    of_era = shifted - math.floor(shifted / 146_097.0) * 146_097.0
    leaps = math.floor(of_era / 1_460.0) - math.floor(of_era / 36_524.0) + math.floor(of_era / 146_096.0)
    year = math.floor((of_era - leaps) / 365.0)
    of_year = of_era - (365.0 * year + math.floor(year / 4.0) - math.floor(year / 100.0))
    march_month = math.floor((5.0 * of_year + 2.0) / 153.0)
    day = of_year - math.floor((153.0 * march_month + 2.0) / 5.0) + 1.0
    return (march_month + 3.0 if march_month < 10.0 else march_month - 9.0), day


@dataclass(frozen=True, slots=True)
class Calendar:
    """Hour, weekday, day and month at which a bar opens in `zone`, also as places on a circle.

    Parameters
    ----------
    zone : str
        Name in the IANA time zone database; summer time is followed.

    Raises
    ------
    BadInputError
        If there is no such zone.
    """

    zone: str = "UTC"

    name: ClassVar[str] = "calendar"
    inputs: ClassVar[tuple[str, ...]] = ()
    docs: ClassVar[StepDocs] = StepDocs(
        family="calendar",
        title="Calendar",
        formula="of the bar's opening on the zone's clock: the hour, the weekday (0 is Monday), whether that is "
        "Saturday or Sunday, day of the month and month; sine and cosine of 2 pi times the part of the day, of the "
        "week and of the year that has passed, the last in whole months",
        units=(
            "hours", "-1 to 1", "-1 to 1", "days", "-1 to 1", "-1 to 1", "0 or 1",
            "days", "months", "-1 to 1", "-1 to 1",
        ),
        gap_rule="a missing bar changes nothing: only the bar's own time counts",
        nan_rule="no value of the bar is read",
        reference="IANA time zone database; ISO 8601 for the weekday",
    )  # fmt: skip

    def __post_init__(self) -> None:
        offsets(self.zone)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Eleven columns, each with the zone."""
        suffix = column_text(self.zone)
        return tuple(f"{part}_{suffix}" for part in _PARTS)

    @property
    def warmup(self) -> int:
        """A bar's own time is enough."""
        return 0

    @property
    def params(self) -> Values:
        """Nothing: the zone is in the window."""
        return (0.0,)

    @property
    def kernel(self) -> Kernel:
        """Return :func:`calendar_kernel`."""
        return calendar_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """No state, and the zone's offsets."""
        return (0.0,), offsets(self.zone).copy()
