"""A leak as a picture: the column as it stood with what was known, as it is in hindsight, and how far it looked ahead.

An inline SVG without a script, an address or a font; its colours are variables of the page around it, so that it is
right in a light and in a dark theme.

>>> from assay.evidence.causality.findings import Leak
>>> seen = Evidence("truncation", cut=3, times=(1, 2, 3, 4), with_future=(1.0, 2.0, 3.0, 4.0), without=(1.0, 2.0, 2.5))
>>> finding = Finding(Leak.FUTURE_VALUE, "a<b", "cause", "todo", lag=1, before=2.5, after=3.0, evidence=seen)
>>> drawn = picture(finding)
>>> drawn.startswith("<svg"), "a&lt;b" in drawn, drawn.count("<polyline")
(True, True, 2)
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from assay.evidence.causality.findings import Evidence, Finding

_WIDTH, _HEIGHT = 760, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 16, 34, 30
_FEW_POINTS = 40
_MICROSECONDS = 1_000_000
_Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Scales:
    """Where a moment and a value lie on the picture."""

    first: int
    last: int
    low: float
    high: float

    def x(self, moment: int) -> float:
        share = (moment - self.first) / (self.last - self.first)
        return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM), 1)


def picture(finding: Finding) -> str:
    """Return the finding as an SVG element; empty where there are no values around the row to draw.

    Parameters
    ----------
    finding : Finding
        Its evidence holds the values; where one of the two is NaN, its line is broken.
    """
    seen = finding.evidence
    scales = None if seen is None else _scales(seen)
    if seen is None or scales is None:
        return ""
    parts = [_axes(scales), *_future(finding, seen, scales)]
    for values, name in ((seen.with_future, "after"), (seen.without, "before")):
        parts += _line(list(zip(seen.times, values, strict=False)), scales, name)
    parts += [*_row(finding, seen, scales), _legend()]
    said = escape(_said(finding), quote=True)
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{said}" class="leak">'
        f"<title>{said}</title>{''.join(parts)}</svg>"
    )


def row_at(finding: Finding, seen: Evidence) -> int | None:
    """Return the place of the finding's row among the rows around it; None if its moment is not among them."""
    for at, (after, before) in enumerate(zip(seen.with_future, seen.without, strict=False)):
        if _same(after, finding.after) and _same(before, finding.before) and not _same(after, before):
            return at
    return None


def shown_time(moment: int) -> str:
    """Return microseconds since the epoch as a person reads them; UTC."""
    found = datetime.fromtimestamp(moment // _MICROSECONDS, UTC)
    return f"{found:%Y-%m-%d %H:%M}" if found.second == 0 else f"{found:%Y-%m-%d %H:%M:%S}"


def shown_value(value: float | None) -> str:
    """Return a value as a person reads it."""
    return "no value" if value is None or math.isnan(value) else f"{value:.6g}"


def _said(finding: Finding) -> str:
    column = f"column {finding.column}" if finding.column else "the rows"
    ahead = f", {finding.lag} bars ahead" if finding.lag else ""
    return (
        f"{finding.kind}: {column}{ahead}; {shown_value(finding.before)} with what was known, "
        f"{shown_value(finding.after)} in hindsight"
    )


def _scales(seen: Evidence) -> _Scales | None:
    values = [one for one in (*seen.with_future, *seen.without) if math.isfinite(one)]
    if len(seen.times) < 2 or not values or seen.times[0] >= seen.times[-1]:
        return None
    low, high = min(values), max(values)
    # Above all values there is room for the bracket that says how far ahead.
    room = 0.12 * (high - low) or abs(high) * 0.01 or 1.0
    return _Scales(seen.times[0], seen.times[-1], low - room, high + 2.5 * room)


def _axes(scales: _Scales) -> str:
    bottom = _HEIGHT - _BOTTOM
    lines = [f'<line x1="{_LEFT}" y1="{bottom}" x2="{_WIDTH - _RIGHT}" y2="{bottom}" class="axis"/>']
    for share in (0.1, 0.45, 0.8):
        value = scales.low + share * (scales.high - scales.low)
        y = scales.y(value)
        lines.append(f'<line x1="{_LEFT}" y1="{y}" x2="{_WIDTH - _RIGHT}" y2="{y}" class="grid"/>')
        lines.append(f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{value:.4g}</text>')
    ends = ((scales.first, _LEFT, "start"), (scales.last, _WIDTH - _RIGHT, "end"))
    lines += [f'<text x="{x}" y="{_HEIGHT - 10}" text-anchor="{side}">{shown_time(at)}</text>' for at, x, side in ends]
    return "".join(lines)


def _line(points: Sequence[tuple[int, float]], scales: _Scales, name: str) -> Iterator[str]:
    """Yield a line through the points, broken where one has no value; a few points are drawn as well."""
    for there, run in itertools.groupby(points, key=lambda point: math.isfinite(point[1])):
        drawn = [(scales.x(moment), scales.y(value)) for moment, value in run] if there else []
        if len(drawn) > 1:
            yield f'<polyline points="{" ".join(f"{x},{y}" for x, y in drawn)}" class="{name}"/>'
        if drawn and (len(points) <= _FEW_POINTS or len(drawn) == 1):
            size = 3 if name == "after" else 2
            yield "".join(f'<circle cx="{x}" cy="{y}" r="{size}" class="{name}"/>' for x, y in drawn)


def _future(finding: Finding, seen: Evidence, scales: _Scales) -> Iterator[str]:
    """Yield the shade over what was not known: from the cut, or else from the row's own moment."""
    at = row_at(finding, seen)
    begins = seen.cut if seen.cut is not None else (None if at is None else seen.times[at])
    if begins is None or begins >= scales.last:
        return
    x = max(scales.x(begins), _LEFT)
    height = _HEIGHT - _TOP - _BOTTOM
    yield f'<rect x="{x}" y="{_TOP}" width="{_WIDTH - _RIGHT - x:.1f}" height="{height}" class="future"/>'
    yield f'<line x1="{x}" y1="{_TOP}" x2="{x}" y2="{_HEIGHT - _BOTTOM}" class="cut"/>'
    anchor, shift = ("start", 4) if x < _WIDTH - 160 else ("end", -4)
    yield f'<text x="{x + shift}" y="{_HEIGHT - _BOTTOM - 6}" text-anchor="{anchor}">not known yet</text>'


def _row(finding: Finding, seen: Evidence, scales: _Scales) -> Iterator[str]:
    """Yield the row that leaks, from what it was to what it became, and a bracket to the bar that it has read."""
    at = row_at(finding, seen)
    if at is None:
        return
    x = scales.x(seen.times[at])
    both = (("before", seen.without[at]), ("after", seen.with_future[at]))
    ends = {name: scales.y(value) for name, value in both if math.isfinite(value)}
    if len(ends) == 2:
        yield f'<line x1="{x}" y1="{ends["before"]}" x2="{x}" y2="{ends["after"]}" class="moved"/>'
    yield from (f'<circle cx="{x}" cy="{y}" r="5" class="{name} row"/>' for name, y in ends.items())
    if not finding.lag or len(seen.times) < 2:
        return
    bar = min(b - a for a, b in itertools.pairwise(seen.times) if b > a)
    reached = scales.x(min(seen.times[at] + finding.lag * bar, scales.last))
    if reached <= x:
        return
    y = _TOP + 8
    # Without its second leg the bracket goes on beyond the picture.
    leg = f" V {y + 6}" if seen.times[at] + finding.lag * bar <= scales.last else ""
    yield f'<path d="M {x} {y + 6} V {y} H {reached}{leg}" class="reach"/>'
    # The label stands in the middle of the bracket, and never beyond the edge.
    middle = min(max((x + reached) / 2, _LEFT + 60), _WIDTH - _RIGHT - 60)
    bars = "1 bar ahead" if finding.lag == 1 else f"{finding.lag} bars ahead"
    yield f'<text x="{middle:.1f}" y="{y - 4}" text-anchor="middle" class="strong">{bars}</text>'


def _legend() -> str:
    entries = (("before", "with what was known", _LEFT), ("after", "in hindsight", _LEFT + 170))
    return "".join(
        f'<line x1="{x}" y1="12" x2="{x + 22}" y2="12" class="{name}"/><text x="{x + 28}" y="16">{said}</text>'
        for name, said, x in entries
    )


def _same(one: float | None, other: float | None) -> bool:
    first, second = (math.nan if value is None else value for value in (one, other))
    return first == second or (math.isnan(first) and math.isnan(second))
