"""A card as a page of HTML, with its intervals drawn.

>>> from assay.selectors.cards.blocks import Section, Text
>>> page = html(ModelCard("A <b>model</b>", "of prices", "00ff", (Section("Limits", (Text("none"),)),)))
>>> "A &lt;b&gt;model" in page, "<p>none</p>" in page, "://" in page
(True, True, False)
"""

from __future__ import annotations

from collections.abc import Iterator

from assay.evidence.html_page import escaped, html_facts, html_page, html_table
from assay.selectors.cards.blocks import (
    Bar,
    Block,
    Code,
    Facts,
    Intervals,
    ModelCard,
    Points,
    Quote,
    Scale,
    Table,
    Text,
    Tone,
    shown,
)

_WIDTH, _ROW, _TOP, _BOTTOM = 860, 30, 10, 26
_NAMES, _NUMBERS = 200, 260
"""Room for the names on the left and the numbers on the right of a picture."""
_LONGEST_NAME = 26
_STYLE = """
header { border-bottom: 2px solid var(--ink); margin-bottom: 1rem; } header p { margin: 0.2rem 0 0.8rem; }
section { border-bottom: 1px solid var(--line); padding-bottom: 1.2rem; }
blockquote { background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--soft);
  border-radius: 4px; padding: 0.7rem 1rem; margin: 0.7rem 0; }
blockquote.good { border-left-color: var(--good); color: inherit; }
blockquote.bad { border-left-color: var(--after); color: inherit; }
blockquote strong { display: block; color: var(--soft); font-size: 0.8rem; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 4px; padding: 0.8rem 1rem;
  white-space: pre-wrap; overflow-wrap: anywhere; font-size: 0.9rem; }
dl { gap: 0.15rem 1.5rem; } dd { overflow-wrap: anywhere; } ul { padding-left: 1.2rem; }
svg.intervals { width: 100%; min-width: 34rem; height: auto; margin: 0.4rem 0; }
figure { margin: 0.6rem 0; } figcaption { font-size: 0.85rem; }
svg.intervals text.name, svg.intervals text.number { fill: var(--ink); font-size: 13px; }
.own { stroke: var(--before); stroke-width: 3; } circle.own { fill: var(--before); }
.other { stroke: var(--soft); stroke-width: 3; } circle.other { fill: var(--card); stroke-width: 2; }
.mark { stroke: var(--after); stroke-dasharray: 4 3; }
@media (max-width: 34rem) { dl { grid-template-columns: 1fr; } dt { margin-top: 0.4rem; } }
@media print { body { max-width: none; } section { break-inside: avoid; } }
"""


def html(card: ModelCard) -> str:
    """Return the page; every name in it is escaped."""
    head = f'<header><h1>{escaped(card.title)}</h1><p class="soft">{escaped(card.subtitle)}</p></header>'
    sections = "".join(
        f"<section><h2>{escaped(one.title)}</h2>{''.join(map(_block, one.blocks))}</section>" for one in card.sections
    )
    return html_page(card.title, head + sections, style=_STYLE)


def _block(block: Block) -> str:  # noqa: PLR0911  # one for each kind
    match block:
        case Text(text, tone):
            return f"<p{_of(tone)}>{escaped(text)}</p>"
        case Quote(name, text, tone):
            return f"<blockquote{_of(tone)}><strong>{escaped(name)}</strong>{escaped(text)}</blockquote>"
        case Points(texts):
            return f"<ul>{''.join(f'<li>{escaped(text)}</li>' for text in texts)}</ul>"
        case Facts(rows):
            return html_facts(rows)
        case Table(head, rows, numbers):
            return html_table(head, rows, numbers=numbers)
        case Intervals():
            return _intervals(block)
        case Code(text):
            return f"<pre><code>{escaped(text)}</code></pre>"


def _of(tone: Tone) -> str:
    return f' class="{tone}"' if tone else ""


def _intervals(block: Intervals) -> str:
    """Return the picture of numbers with their intervals, or a table where there is nothing to draw."""
    values = [one for bar in block.bars for one in _ends(bar)]
    if block.mark is not None:
        values.append(block.mark)
    if len(set(values)) < 2:
        rows = [(one.name, shown(one.value, block.scale), one.note) for one in block.bars]
        return html_table(("", block.what, block.note), rows, numbers={1})
    # An axis whose numbers all look the same says nothing.
    least = 4 * block.scale.step
    room = max(0.06 * (max(values) - min(values)), (least - max(values) + min(values)) / 2)
    axis = _Axis(min(values) - room, max(values) + room)
    height = _TOP + _ROW * len(block.bars) + _BOTTOM
    said = escaped("; ".join(f"{one.name}: {shown(one.value, block.scale)}" for one in block.bars))
    parts = [*_frame(block, axis, height), *(part for at, bar in enumerate(block.bars) for part in _bar(bar, at, axis))]
    parts += [_number(bar, at, block.scale) for at, bar in enumerate(block.bars)]
    drawn = (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{said}" class="intervals">{"".join(parts)}</svg>'
    )
    return f'<figure><div class="scrolls">{drawn}</div><figcaption class="soft">{_caption(block)}</figcaption></figure>'


def _caption(block: Intervals) -> str:
    parts = [f"{block.what}, with its interval"]
    parts += [f"after the number: {block.note}"] if block.note and any(one.note for one in block.bars) else []
    if block.mark is not None:
        parts.append(f"dashed: {block.scale.number(block.mark).lstrip('+')}{block.scale.unit}")
    return escaped("; ".join(parts))


class _Axis:
    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    def x(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(_NAMES + share * (_WIDTH - _NAMES - _NUMBERS), 1)


def _ends(bar: Bar) -> list[float]:
    return [one for one in (bar.value.value, bar.value.low, bar.value.high) if one is not None]


def _frame(block: Intervals, axis: _Axis, height: int) -> Iterator[str]:
    bottom = height - _BOTTOM
    left, right = _NAMES, _WIDTH - _NUMBERS
    yield f'<line x1="{left}" y1="{bottom}" x2="{right}" y2="{bottom}" class="axis"/>'
    for share in (0.1, 0.5, 0.9):
        value = axis.low + share * (axis.high - axis.low)
        x = axis.x(value)
        yield f'<line x1="{x}" y1="{_TOP}" x2="{x}" y2="{bottom}" class="grid"/>'
        text = f"{block.scale.number(value)}{block.scale.unit}"
        yield f'<text x="{x}" y="{height - 8}" text-anchor="middle">{escaped(text)}</text>'
    if block.mark is not None:
        x = axis.x(block.mark)
        yield f'<line x1="{x}" y1="{_TOP}" x2="{x}" y2="{bottom}" class="mark"/>'


def _bar(bar: Bar, at: int, axis: _Axis) -> Iterator[str]:
    y = _TOP + _ROW * at + _ROW // 2
    kind = "own" if bar.is_own else "other"
    name = bar.name if len(bar.name) <= _LONGEST_NAME else f"{bar.name[: _LONGEST_NAME - 1]}…"
    yield f'<text x="{_NAMES - 12}" y="{y + 4}" text-anchor="end" class="name">{escaped(name)}</text>'
    low, high, value = bar.value.low, bar.value.high, bar.value.value
    if low is not None and high is not None:
        yield f'<line x1="{axis.x(low)}" y1="{y}" x2="{axis.x(high)}" y2="{y}" class="{kind}"/>'
    if value is not None:
        yield f'<circle cx="{axis.x(value)}" cy="{y}" r="5" class="{kind}"/>'


def _number(bar: Bar, at: int, scale: Scale) -> str:
    y = _TOP + _ROW * at + _ROW // 2 + 4
    text = escaped(" · ".join(one for one in (shown(bar.value, scale), bar.note) if one))
    return f'<text x="{_WIDTH - _NUMBERS + 14}" y="{y}" class="number">{text}</text>'
