"""Pictures of indicators: made bars with what a Step says of them, as SVG that is the same wherever it is made.

Kernels run as the plain Python that they are: a picture needs some hundred bars, and compiling takes longer than that.

>>> from assay.features.indicators.rsi import Rsi
>>> draw(Rsi(14), made_bars(60)).startswith("<svg ")
True
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

import numpy as np

from assay.features.bars import Bar, Bars, FloatArray
from assay.features.step import Step

SHOWN = 120
"""Bars in a picture, the last of those that are given."""
PRICE = "quote units per base unit"
_MOMENT = "microseconds since the epoch"
_STEPPED = {"hours", "days", "months", "0 or 1", "turns"}
"""Units whose values stay as they are until they jump."""
_HOUR = 3_600_000_000
_MONDAY = 1_704_067_200 * 1_000_000  # 2024-01-01
_LEFT, _PITCH, _RIGHT = 10.0, 5.2, 76.0
_WIDTH = _LEFT + SHOWN * _PITCH + _RIGHT
_HEAD, _PRICE_HEIGHT, _HEIGHT, _FOOT = 22.0, 170.0, 70.0, 20.0
_COLOURS = 6
_SMALL = 0.25
"""Values that take less than this part of their range are drawn larger than it allows."""
_STYLE = (
    "svg{font:11px system-ui,sans-serif}.bg{fill:#fff;stroke:#c3cad5}.t{fill:#121820}.m{fill:#566072}.g{stroke:#e2e6ec}"
    ".u{color:#00736a}.d{color:#b73a0d}.v{color:#c3cad5}.c0{color:#1d55cc}.c1{color:#8a2fb8}.c2{color:#8a5a00}"
    ".c3{color:#c2185b}.c4{color:#00736a}.c5{color:#566072}"
    "path{fill:none;stroke:currentColor}text.n,tspan.n{fill:currentColor}.f{fill:currentColor;stroke:none;opacity:.1}"
    "@media(prefers-color-scheme:dark){.bg{fill:#10141b;stroke:#364152}.t{fill:#e7ebf1}.m{fill:#98a4b5}.g{stroke:#212834}"
    ".u{color:#3cc7b2}.d{color:#ff8f6b}.v{color:#364152}.c0{color:#82abff}.c1{color:#cf9bff}.c2{color:#e8b84a}"
    ".c3{color:#ff8fb8}.c4{color:#3cc7b2}.c5{color:#98a4b5}}"
)
"""Bright or dark as the reader's screen is; the ground is drawn, so that the lines are seen on any page."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One output, or a column of the bars, over the bars shown."""

    name: str
    values: FloatArray
    is_stepped: bool = False


@dataclass(frozen=True, slots=True)
class Pane:
    """Where values of one unit are drawn: from `top` to `top + height`, `low` at the bottom and `high` at the top."""

    top: float
    height: float
    low: float
    high: float

    def y(self, value: float) -> float:
        """Return how far down a value is drawn."""
        return self.top + self.height * (self.high - value) / (self.high - self.low)


def made_bars(count: int, *, seed: int = 6) -> Bars:
    """Return hourly bars of a seeded walk from a Monday on, with trends, and a reference that it half follows.

    Only sums and products of uniform numbers, which are the same bit for bit on every machine.
    """
    draws = np.random.default_rng(seed).random((count, 16))
    bell = draws[:, :4].sum(axis=1) - 2.0
    other = draws[:, 4:8].sum(axis=1) - 2.0
    # A wave that is made of straight lines: markets that only wander show few of the things that indicators tell.
    place = np.arange(count) % 64 / 64.0
    wave = np.where(place < 0.5, 1.0, -1.0) * 0.0035
    size = 0.009 * (0.5 + draws[:, 8]) * np.where(np.arange(count) // 48 % 3 == 1, 1.6, 0.8)
    moves = 1.0 + wave + size * (0.7 * bell + 0.7 * other)
    close = 100.0 * np.cumprod(moves)
    opens = np.concatenate([[100.0], close[:-1]])
    high = np.maximum(opens, close) * (1.0 + 0.5 * size * draws[:, 9])
    low = np.minimum(opens, close) * (1.0 - 0.5 * size * draws[:, 10])
    volume = 20.0 + 400.0 * draws[:, 11] * draws[:, 12] * (1.0 + 40.0 * abs(moves - 1.0))
    share = 0.5 + 0.25 * (draws[:, 13] - 0.5) + 6.0 * (moves - 1.0)
    reference = 40_000.0 * np.cumprod(1.0 + 0.006 * other + 0.2 * wave)
    opened = _MONDAY + np.arange(count, dtype=np.int64) * _HOUR
    amounts = volume, volume * close, volume * np.clip(share, 0.0, 1.0), np.ceil(volume * 3.0), reference
    return Bars(opened, opened + _HOUR, opens, high, low, close, *amounts)


def run_plainly(step: Step, bars: Bars) -> FloatArray:
    """Return what :func:`~assay.features.drivers.run_batch` does, shape ``(n_bars, n_outputs)``, without compiling.

    The last bits may differ: a compiler may contract and reorder what the interpreter does one by one.
    """
    (state, window), kernel, params = step.init(), step.kernel, step.params
    window = window.copy()
    times = bars.open_time.tolist(), bars.close_time.tolist()
    columns = (column.tolist() for column in bars.columns)
    rows = []
    with np.errstate(all="ignore"):
        for row in zip(*times, *columns, strict=True):
            state, outputs = kernel(state, window, Bar(*row), params)
            rows.append(outputs)
    return np.array(rows, dtype=np.float64).reshape(len(bars), len(step.outputs))


def draw(step: Step, bars: Bars) -> str:
    """Return a picture of the last bars with every output of `step`: prices over them, other units below.

    The text is the same on every machine: numbers are rounded to tenths of a pixel.
    """
    values = run_plainly(step, bars)[-SHOWN:]
    shown = bars.rows(max(0, len(bars) - SHOWN), len(bars))
    panes = _lines_by_unit(step, values, shown)
    over = panes.pop(PRICE, [])
    parts, top = _price_pane(shown, over, with_volume="volume" in step.inputs), _HEAD + _PRICE_HEIGHT
    for unit, lines in panes.items():
        top += _HEAD
        parts += _unit_pane(unit, lines, top)
        top += _HEIGHT
    height = top + _FOOT
    parts = [*_days(shown, top, height), *parts]
    what = f"{step.docs.title} over {len(shown)} made hourly bars"
    size = f'width="{_WIDTH:g}" height="{height:g}" viewBox="0 0 {_WIDTH:g} {height:g}"'
    ground = f'<rect class="bg" x=".5" y=".5" width="{_WIDTH - 1:g}" height="{height - 1:g}" rx="6"/>'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(what)}">'
    return "\n".join([head, f"<title>{escape(what)}</title><style>{_STYLE}</style>", ground, *parts, "</svg>\n"])


def _lines_by_unit(step: Step, values: FloatArray, bars: Bars) -> dict[str, list[Line]]:
    panes: dict[str, list[Line]] = {}
    for name, unit, column in zip(step.outputs, step.docs.units, values.T, strict=True):
        if unit != _MOMENT:
            is_stepped = unit in _STEPPED or step.name == "levels"
            panes.setdefault(unit, []).append(Line(name, column, is_stepped))
    if "reference" in step.inputs and "reference" not in step.outputs:
        panes["units of the reference"] = [Line("reference", bars.reference)]
    return panes


def _price_pane(bars: Bars, over: list[Line], *, with_volume: bool) -> list[str]:
    known = [line.values[np.isfinite(line.values)] for line in over]
    seen = np.concatenate([bars.low, bars.high, *known])
    pane = _pane_of(seen, _HEAD, _PRICE_HEIGHT)
    parts = _scale(pane)
    if with_volume:
        parts.append(_verticals("v", bars.volume / bars.volume.max() * _PRICE_HEIGHT / 4, pane.top + pane.height))
    rises = bars.close >= bars.open
    for kind, rows in (("u", np.flatnonzero(rises).tolist()), ("d", np.flatnonzero(~rises).tolist())):
        wicks = "".join(f"M{_x(row)} {_n(pane.y(bars.high[row]))}V{_n(pane.y(bars.low[row]))}" for row in rows)
        bodies = "".join(
            f"M{_x(row)} {_n(pane.y(bars.open[row]))}V{_n(_body_end(pane, bars.open[row], bars.close[row]))}"
            for row in rows
        )
        parts.append(f'<path class="{kind}" opacity=".7" d="{wicks}"/>')
        parts.append(f'<path class="{kind}" opacity=".7" stroke-width="3" d="{bodies}"/>')
    upper, lower = (next((one for one in over if f"_{end}_" in one.name), None) for end in ("upper", "lower"))
    if upper and lower:
        parts.append(f'<path class="c0 f" d="{_ring(pane, upper.values, lower.values)}"/>')
    for place, line in enumerate(over):
        if line.name.startswith("sar"):
            dots = _dots(pane, line.values)
            parts.append(f'<path class="c{place % _COLOURS}" stroke-width="3" stroke-linecap="round" d="{dots}"/>')
        else:
            parts.append(_line(place, pane, line))
    title = "price" + (", with volume below" if with_volume else "")
    return [*parts, _legend(title, [line.name for line in over], pane.top)]


def _unit_pane(unit: str, lines: Sequence[Line], top: float) -> list[str]:
    bounds = re.fullmatch(r"(-?\d+) (?:to|or) (-?\d+)", unit)
    known = np.concatenate([line.values[np.isfinite(line.values)] for line in lines])
    is_bars = [line.name.startswith("macd_histogram") for line in lines]
    if bounds and np.ptp(known) > _SMALL * (float(bounds[2]) - float(bounds[1])):
        known = np.array([float(bounds[1]), float(bounds[2])])
    elif any(is_bars):
        known = np.append(known, 0.0)
    pane = _pane_of(known, top, _HEIGHT)
    parts = _scale(pane)
    for place, line in enumerate(lines):
        if is_bars[place]:
            heights = pane.y(0.0) - np.array([pane.y(value) for value in line.values])
            parts.append(_verticals(f"c{place % _COLOURS}", heights, pane.y(0.0)))
        else:
            parts.append(_line(place, pane, line))
    return [*parts, _legend(unit, [line.name for line in lines], top)]


def _pane_of(known: FloatArray, top: float, height: float) -> Pane:
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    spare = 0.04 * (high - low) or 1.0
    return Pane(top, height, low - spare, high + spare)


def _scale(pane: Pane) -> list[str]:
    """Return thin lines at round values, with the values beside them."""
    right = _LEFT + SHOWN * _PITCH
    parts = []
    for value in _round_values(pane.low, pane.high, most=6 if pane.height > _HEIGHT else 5):
        y = pane.y(value)
        parts.append(f'<path class="g" d="M{_n(_LEFT)} {_n(y)}H{_n(right)}"/>')
        parts.append(f'<text class="m" x="{_n(right + 6)}" y="{_n(y + 4)}">{value:,.6g}</text>')
    return parts


def _round_values(low: float, high: float, *, most: int) -> list[float]:
    """Return at most so many multiples of 1, 2 or 5 times a power of ten from `low` to `high`.

    >>> _round_values(-0.2, 103.0, most=3), _round_values(0.0112, 0.0189, most=4)
    ([0.0, 50.0, 100.0], [0.012, 0.014, 0.016, 0.018])
    """
    for power in range(-9, 13):
        for digit in (1, 2, 5):
            step = float(f"{digit}e{power}")
            first, last = math.ceil(low / step), math.floor(high / step)
            if last - first < most:
                return [float(f"{place * digit}e{power}") for place in range(first, last + 1)]
    return []


def _days(bars: Bars, bottom: float, height: float) -> list[str]:
    parts = []
    for row, opened in enumerate(bars.open_time.tolist()):
        day = datetime.fromtimestamp(opened // 1_000_000, UTC)
        if day.hour == 0:
            x = _x(row)
            parts.append(f'<path class="g" d="M{x} {_n(_HEAD)}V{_n(bottom)}"/>')
            parts.append(f'<text class="m" x="{x}" y="{_n(height - 6)}">{_WEEKDAYS[day.weekday()]} {day:%H:%M}</text>')
    return parts


_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
"""As strftime says them in English, and as it does not in another locale."""


def _legend(title: str, names: Sequence[str], top: float) -> str:
    named = "".join(
        f'<tspan class="n c{place % _COLOURS}" dx="10">{escape(name)}</tspan>' for place, name in enumerate(names)
    )
    return f'<text x="{_n(_LEFT)}" y="{_n(top - 7)}"><tspan class="t">{escape(title)}</tspan>{named}</text>'


def _line(place: int, pane: Pane, line: Line) -> str:
    drawn = (_stairs if line.is_stepped else _polyline)(pane, line.values)
    return f'<path class="c{place % _COLOURS}" stroke-width="1.4" stroke-linejoin="round" d="{drawn}"/>'


def _polyline(pane: Pane, values: FloatArray) -> str:
    drawn, is_on = "", False
    for row, value in enumerate(values.tolist()):
        if math.isfinite(value):
            drawn += f"{'L' if is_on else 'M'}{_x(row)} {_n(pane.y(value))}"
        is_on = math.isfinite(value)
    return drawn


def _stairs(pane: Pane, values: FloatArray) -> str:
    """Draw a level from the bar that it is known at on; nothing joins it to the one before."""
    drawn, last = "", math.nan
    for row, value in enumerate(values.tolist()):
        if math.isfinite(value):
            start = "" if value == last else f"M{_n(_LEFT + row * _PITCH)} {_n(pane.y(value))}"
            drawn += f"{start}H{_n(_LEFT + (row + 1) * _PITCH)}"
        last = value
    return re.sub(r"(H[\d.-]+)+(?=H)", "", drawn)


def _dots(pane: Pane, values: FloatArray) -> str:
    return "".join(
        f"M{_x(row)} {_n(pane.y(value))}h0" for row, value in enumerate(values.tolist()) if math.isfinite(value)
    )


def _ring(pane: Pane, upper: FloatArray, lower: FloatArray) -> str:
    rows = np.flatnonzero(np.isfinite(upper) & np.isfinite(lower)).tolist()
    points = [(row, upper[row]) for row in rows] + [(row, lower[row]) for row in reversed(rows)]
    return "M" + "L".join(f"{_x(row)} {_n(pane.y(value))}" for row, value in points) + "Z" if points else ""


def _verticals(kind: str, heights: FloatArray, bottom: float) -> str:
    drawn = "".join(
        f"M{_x(row)} {_n(bottom)}V{_n(bottom - height)}"
        for row, height in enumerate(heights.tolist())
        if math.isfinite(height)
    )
    return f'<path class="{kind}" stroke-width="3" d="{drawn}"/>'


def _body_end(pane: Pane, opened: float, closed: float) -> float:
    """Return where the body ends: at the close, or where that would not be seen a little below the open."""
    return max(pane.y(closed), pane.y(opened) + 0.8) if closed < opened else min(pane.y(closed), pane.y(opened) - 0.8)


def _x(row: int) -> str:
    return _n(_LEFT + (row + 0.5) * _PITCH)


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
