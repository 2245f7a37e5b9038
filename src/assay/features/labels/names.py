"""Labels by name, as the command line and training tables take them.

``direction_24h``, ``return_24h`` and ``delta_1h`` say what is asked of the price and how far ahead: a number and m,
h, d or w. ``triple_barrier_24h_2_1.5`` adds how many standard deviations away the upper and the lower barrier lie, and
with a third number over how many bars the deviation is measured.

>>> rule = parse_label("triple_barrier_24h_2.0_1.5")
>>> rule.name, rule.column, str(rule.horizon)
('triple_barrier_24h_2_1.5', 'triple_barrier', '1 day, 0:00:00')
>>> parse_label("direction", usual_horizon=timedelta(hours=24)).name
'direction_24h'
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from assay.domain.duration import parse_duration
from assay.domain.errors import BadInputError
from assay.domain.interval import Interval
from assay.features.bars import Bars, FloatArray
from assay.features.drivers import run_batch
from assay.features.indicators.realised_volatility import RealisedVolatility
from assay.features.labels.barriers import Barriers, triple_barrier_label
from assay.features.labels.horizons import delta_label, direction_label, return_label
from assay.features.labels.label import Label

VOLATILITY_BARS = 100
"""Returns in the standard deviation by which barriers are scaled, where a name does not say."""

DIRECTION, TRIPLE_BARRIER = "direction", "triple_barrier"
_MICROSECOND = timedelta(microseconds=1)
_LONGEST = timedelta(days=9_999)
_AT_HORIZON = {"direction": direction_label, "return": return_label, "delta": delta_label}
_NUMBER = r"([0-9]{1,4}(?:\.[0-9]{1,4})?)"
_FORM = re.compile(
    rf"(direction|return|delta|triple_barrier)(?:_([0-9]+[mhdw]))?(?:_{_NUMBER}_{_NUMBER}(?:_([0-9]{{1,6}}))?)?"
)
_UNITS = (("h", timedelta(hours=1)), ("m", timedelta(minutes=1)))


@dataclass(frozen=True, slots=True)
class LabelRule:
    """What is asked of the price; :func:`parse_label` makes one of a name.

    Attributes
    ----------
    kind : str
        ``direction``, ``return``, ``delta`` or ``triple_barrier``.
    horizon : timedelta
        How far ahead, in time and not in rows.
    upper, lower : float, default 0
        For a triple barrier: how many standard deviations of the logarithmic return over the horizon the barriers lie
        above and below the close; 0 means that there is none.
    volatility_bars : int, default 100
        For a triple barrier: how many one-bar returns up to the row's close the deviation is measured over; it is
        carried to the horizon by the square root of time.
    """

    kind: str
    horizon: timedelta
    upper: float = 0.0
    lower: float = 0.0
    volatility_bars: int = VOLATILITY_BARS

    @property
    def name(self) -> str:
        """The text that :func:`parse_label` reads back as this rule."""
        name = f"{self.kind}_{_written(self.horizon)}"
        if self.kind != TRIPLE_BARRIER:
            return name
        name += f"_{self.upper:g}_{self.lower:g}"
        return name if self.volatility_bars == VOLATILITY_BARS else f"{name}_{self.volatility_bars}"

    @property
    def column(self) -> str:
        """What the column of a table is called: ``is_up`` for a direction, else the kind."""
        return "is_up" if self.kind == DIRECTION else self.kind

    @property
    def computation(self) -> Callable[..., object]:
        """The function behind :meth:`of`."""
        return triple_barrier_label if self.kind == TRIPLE_BARRIER else _AT_HORIZON[self.kind]

    def check(self, interval: Interval) -> None:
        """Raise BadInputError if no bar of `interval` closes exactly one horizon after another."""
        if interval.is_calendar or self.horizon % interval.duration:
            todo = "choose another interval, or another horizon (model.horizon_hours, or the label's name)"
            value = f"{self.horizon} of {interval}"
            raise BadInputError("the horizon is not a whole number of bars", value=value, todo=todo)

    def of(self, bars: Bars, interval: Interval) -> Label:
        """Return the labels of closed bars of one series, shape (n_bars,).

        Raises
        ------
        BadInputError
            If the horizon is not a whole number of bars.
        """
        self.check(interval)
        horizon_us, interval_us = self.horizon // _MICROSECOND, interval.microseconds
        if self.kind == TRIPLE_BARRIER:
            barriers = Barriers(horizon_us, interval_us, self.upper, self.lower)
            return triple_barrier_label(bars, self.volatility(bars, interval), barriers).label
        make = _AT_HORIZON[self.kind]
        return make(bars.open_time, bars.close, horizon_us=horizon_us, interval_us=interval_us)

    def volatility(self, bars: Bars, interval: Interval) -> FloatArray:
        """Return the standard deviation of the logarithmic return over the horizon, as known at each close.

        Shape (n_bars,). NaN until `volatility_bars` returns without a hole are there.
        """
        per_bar = run_batch(RealisedVolatility(self.volatility_bars), bars)[0][:, 0]
        return np.asarray(per_bar * np.sqrt(self.horizon / interval.duration), dtype=np.float64)


def parse_label(text: str, *, usual_horizon: timedelta | None = None) -> LabelRule:
    """Return the rule that a name means.

    Parameters
    ----------
    text : str
        Such as ``direction_24h``.
    usual_horizon : timedelta, optional
        For a name that says no horizon.

    Raises
    ------
    BadInputError
        If it is no name of a label, or numbers are missing, or there is one too many.
    """
    found = _FORM.fullmatch(text)
    if not found:
        raise _unknown(text)
    kind, written, upper, lower, bars = found.groups()
    if (kind == TRIPLE_BARRIER) != (upper is not None) or not (written or usual_horizon):
        raise _unknown(text)
    horizon = parse_duration(written) if written else usual_horizon
    if horizon is None or horizon > _LONGEST:
        raise BadInputError("a label too far ahead", value=text, todo=f"at most {_LONGEST.days} days")
    if kind != TRIPLE_BARRIER:
        return LabelRule(kind, horizon)
    rule = LabelRule(kind, horizon, float(upper), float(lower), int(bars or VOLATILITY_BARS))
    # Refused here and not where the first series is computed.
    Barriers(1, 1, rule.upper, rule.lower)
    RealisedVolatility(rule.volatility_bars)
    return rule


def _unknown(text: str) -> BadInputError:
    todo = "write direction_24h, return_24h, delta_1h or triple_barrier_24h_2_2 (m, h, d and w are units of time)"
    return BadInputError("unknown label", value=text, todo=todo)


def _written(horizon: timedelta) -> str:
    # Hours for a day and more, too: direction_24h is one label and has one name.
    code, unit = next((code, unit) for code, unit in _UNITS if not horizon % unit)
    return f"{horizon // unit}{code}"
