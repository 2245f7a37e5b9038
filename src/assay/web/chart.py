"""What the chart's script is told about a series before it asks for bars: see ``static/assay/chart.js``."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from assay.domain.interval import Interval
from assay.features.registry import STEPS
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
_SHOWN_AT_FIRST = ("ema:12", "ema:26", "rsi:14")


@dataclass(frozen=True, slots=True)
class IntervalButton:
    """An interval to choose; `reason` says why it cannot be, and is empty where it can."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class IndicatorForm:
    """A Step of the registry, as the menu offers it; `parameters` are names and usual values."""

    name: str
    title: str
    formula: str
    units: tuple[str, ...]
    parameters: tuple[tuple[str, int], ...]


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


def indicator_forms() -> tuple[IndicatorForm, ...]:
    """Return every Step there is."""
    return tuple(
        IndicatorForm(name, step.docs.title, step.docs.formula, step.docs.units, _parameters(step))  # type: ignore[attr-defined]
        for name, step in sorted(STEPS.items())
    )


def _parameters(step: Any) -> tuple[tuple[str, int], ...]:  # noqa: ANN401  # a dataclass, which a Protocol cannot say
    usual = step()
    return tuple((field.name, getattr(usual, field.name)) for field in dataclasses.fields(usual))


def chart_config(pair: Pair, steps: Sequence[IndicatorForm], as_of: datetime | None) -> dict[str, object]:
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
        "steps": [{"name": one.name, "title": one.title, "units": one.units} for one in steps],
        "defaults": {"interval": default_interval(pair), "indicators": _SHOWN_AT_FIRST},
    }


def decimals_of(prices: Iterable[float]) -> int:
    """Return the decimals that all of the prices have, at least two: the venue's own steps.

    Only as many digits are looked at as a float holds of a decimal number: those after them are no price's.

    >>> decimals_of([0.5235, 0.52341]), decimals_of([64250.5]), decimals_of([6523854.08])
    (5, 2, 2)
    """
    return max(2, *(len(_written(price).rstrip("0").partition(".")[2]) for price in prices))


def _written(price: float) -> str:
    whole = len(f"{abs(price):.0f}")
    return f"{price:.{min(_MOST_DECIMALS, max(0, sys.float_info.dig - whole))}f}"


def exact(price: float, decimals: int) -> str:
    """Return a price to the last step, as the chart's legend shows it.

    >>> exact(64250.5, 2)
    '64,250.50'
    """
    return f"{price:,.{decimals}f}"


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
