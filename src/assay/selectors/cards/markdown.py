r"""A card as Markdown.

>>> from assay.selectors.cards.blocks import Section, Text
>>> print(markdown(ModelCard("A <b>model</b>", "of *prices*", "00ff", (Section("Limits", (Text("none"),)),))), end="")
# A \<b\>model\</b\>
<BLANKLINE>
of \*prices\*
<BLANKLINE>
## Limits
<BLANKLINE>
none
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from assay.selectors.cards.blocks import (
    Block,
    Code,
    Facts,
    Intervals,
    ModelCard,
    Points,
    Quote,
    Table,
    Text,
    plain,
    shown,
)

_MARKUP = re.compile(r"[\\`*{}<>#|~&]|(?<!\w)_|_(?!\w)")
_LINK = re.compile(r"\](?=[(\[:])")
_LIST = re.compile(r"^(?:[-+](?=\s)|\d+(?=[.)]\s))")


def markdown(card: ModelCard) -> str:
    """Return the text; every name is escaped, so that none becomes a heading, a link or a tag."""
    parts = [f"# {escaped(card.title)}", escaped(card.subtitle)]
    for section in card.sections:
        parts += [f"## {escaped(section.title)}", *map(_block, section.blocks)]
    return "\n\n".join(part for part in parts if part) + "\n"


def escaped(text: str) -> str:
    r"""Return text that Markdown shows as it is, on one line.

    >>> print(escaped("rsi_14 [1, 2]"), escaped("_a_\n# b"), escaped("- c"), escaped("[d](e)"), sep="|")
    rsi_14 [1, 2]|\_a\_ \# b|\- c|[d\](e)
    """
    line = _LINK.sub(r"\]", _MARKUP.sub(r"\\\g<0>", plain(text)))
    return _LIST.sub(lambda found: rf"\{found[0]}" if not found[0].isdigit() else f"{found[0]}\\", line)


def _block(block: Block) -> str:  # noqa: PLR0911  # one for each kind
    match block:
        case Text(text):
            return escaped(text)
        case Quote(name, text):
            return f"> **{escaped(name)}** {escaped(text)}"
        case Points(texts):
            return "\n".join(f"- {escaped(text)}" for text in texts)
        case Facts(rows):
            return _table(("", ""), [row for row in rows if row[1]])
        case Table(head, rows, numbers):
            return _table(head, rows, numbers)
        case Intervals():
            return _intervals(block)
        case Code(text):
            return f"```sh\n{plain(text).replace('```', '')}\n```"


def _intervals(block: Intervals) -> str:
    head = ("", block.what, *([block.note] if block.note else []))
    rows = [(one.name, shown(one.value, block.scale), *([one.note] if block.note else [])) for one in block.bars]
    return _table(head, rows, {1})


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Iterable[int] = ()) -> str:
    right = set(numbers)
    ruler = [("--:" if place in right else "---") for place in range(len(head))]
    lines = [[escaped(one) for one in row] for row in (head, *rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], ruler, *lines[1:]))
