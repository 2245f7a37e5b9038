"""What the chart's script is told about a series before it asks for bars: see ``static/assay/chart.js``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from ctypes import c_float
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from assay.domain.interval import Interval
from assay.features.families import Family, known_families
from assay.features.registry import known_steps
from assay.features.step import Step
from assay.features.texts import parameters
from assay.selectors import volatility
from assay.selectors.bars import source_of
from assay.selectors.pairs import Pair

KLINES_URL = "/api/v1/klines"
INTERVALS = ("1m", "5m", "15m", "1h", "4h", "1d", "1w")
"""Of the buttons; the chart itself goes through every interval between them when it zooms."""
RANGES = ("1D", "1W", "1M", "3M", "1Y", "All")
MODULES = tuple(
    sorted(f"assay/{path.name}" for path in (Path(__file__).parent / "static" / "assay").glob("chart-*.js"))
)
"""What chart.js imports, and they one another: a browser fetches all of them at once."""
_MOST_DECIMALS = 10
_SHORT_DIGITS = 7  # worth reading of what was a float of 32 bits
LONGER_INTERVALS = ("15m", "1h", "4h", "1d", "1w")
"""Of whose closed bars an indicator may be."""
_COLUMNS = ("open", "high", "low", "volume", "quote_volume", "taker_buy_volume", "num_trades")
"""What an indicator of the close may be computed of in its place."""
_VOLATILITY = "volatility"
_SHOWN_AT_FIRST = ("ema:12", "ema:26", "rsi:14")


@dataclass(frozen=True, slots=True)
class IntervalButton:
    """An interval to choose; `reason` says why it cannot be, and is empty where it can."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class IndicatorField:
    """A parameter of a Step, as a form asks for it; `kind` is ``whole``, ``number`` or ``text``."""

    name: str
    value: float | str
    kind: str


@dataclass(frozen=True, slots=True)
class IndicatorForm:
    """A Step of the registry, as the menu offers it; `columns` are those of the bar that may stand for the close.

    `has_source` tells whether it can be computed of something else at all.
    """

    name: str
    title: str
    formula: str
    units: tuple[str, ...]
    fields: tuple[IndicatorField, ...]
    columns: tuple[str, ...]
    has_source: bool = True


@dataclass(frozen=True, slots=True)
class IndicatorGroup:
    """The Steps of one family."""

    family: Family
    forms: tuple[IndicatorForm, ...]


def stored_intervals(pair: Pair) -> tuple[Interval, ...]:
    """Return the intervals in which bars of the pair are stored."""
    return tuple(Interval.parse(one.interval) for one in pair.intervals)


def interval_buttons(pair: Pair) -> tuple[IntervalButton, ...]:
    """Return the buttons, with the reason beside those whose bars nothing stored adds up to."""
    stored = stored_intervals(pair)
    have = ", ".join(one.code for one in sorted(stored, key=lambda one: one.duration))
    reason = f"cannot be made: bars of {have} are stored, and only longer bars are put together from them"
    return tuple(IntervalButton(code, "" if source_of(stored, Interval.parse(code)) else reason) for code in INTERVALS)


def default_interval(pair: Pair) -> str:
    """Return ``1h`` if bars of it can be shown, else the shortest that can."""
    if source_of(stored_intervals(pair), Interval.parse("1h")):
        return "1h"
    return min(stored_intervals(pair), key=lambda one: one.duration).code


def indicator_groups() -> tuple[IndicatorGroup, ...]:
    """Return every Step that a series by itself is enough for, by family."""
    groups = []
    for family in known_families():
        steps = [known_steps()[name]() for name in family.steps]
        forms = tuple(_form(step) for step in steps if "reference" not in step.inputs)
        if family.name == _VOLATILITY and volatility.is_available():
            forms = (*forms, _garch_form())
        if forms:
            groups.append(IndicatorGroup(family, forms))
    return tuple(groups)


def _form(step: Step) -> IndicatorForm:
    kinds = {int: "whole", float: "number", str: "text"}
    fields = tuple(IndicatorField(name, value, kinds[type(value)]) for name, value in parameters(step).items())
    columns = _COLUMNS if step.inputs == ("close",) else ()
    return IndicatorForm(step.name, step.docs.title, step.docs.formula, step.docs.units, fields, columns)


def _garch_form() -> IndicatorForm:
    kinds = {int: "whole", str: "text"}
    fields = tuple(IndicatorField(name, value, kinds[type(value)]) for name, value in volatility.USUAL.items())
    return IndicatorForm(
        volatility.NAME, volatility.TITLE, volatility.FORMULA, volatility.UNITS, fields, (), has_source=False
    )


def chart_config(pair: Pair, groups: Sequence[IndicatorGroup], as_of: datetime | None) -> dict[str, object]:
    """Return what the script reads; moments are milliseconds since the epoch."""
    return {
        "series": f"{pair.venue}:{pair.market}:{pair.symbol}",
        "base": pair.base,
        "quote": pair.quote,
        "klines_url": KLINES_URL,
        "as_of": None if as_of is None else f"{as_of:%Y-%m-%dT%H:%M:%SZ}",
        "stored": [
            {"interval": one.interval, "first": _ms(one.first_open_time), "last": _ms(one.last_open_time)}
            for one in pair.intervals
        ],
        "steps": [
            {"name": one.name, "title": one.title, "units": one.units} for group in groups for one in group.forms
        ],
        "defaults": {"interval": default_interval(pair), "indicators": _SHOWN_AT_FIRST},
    }


def decimals_of(prices: Iterable[float]) -> int:
    """Return the decimals that all of the prices have, at least two: the venue's own steps.

    Only as many digits are looked at as a float holds of a decimal number, or one of 32 bits if the price was one, as
    Yahoo's are: those after them are no price's.

    >>> decimals_of([0.5235, 0.52341]), decimals_of([64250.5]), decimals_of([6523854.08]), decimals_of([51528.62890625])
    (5, 2, 2, 2)
    """
    return max(2, *(len(_written(price).rstrip("0").partition(".")[2]) for price in prices))


def _written(price: float) -> str:
    whole = len(f"{abs(price):.0f}")
    digits = _SHORT_DIGITS if c_float(price).value == price else sys.float_info.dig
    return f"{price:.{min(_MOST_DECIMALS, max(0, digits - whole))}f}"


def exact(price: float, decimals: int) -> str:
    """Return a price to the last step, as the chart's legend shows it.

    >>> exact(64250.5, 2)
    '64,250.50'
    """
    return f"{price:,.{decimals}f}"


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
