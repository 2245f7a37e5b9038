"""What a card is made of, before it is Markdown or HTML.

>>> from assay.selectors.model_evidence import Bounded
>>> shown(Bounded(0.515, 0.479, 0.551), PERCENT), shown(Bounded(12.3456), AS_IT_IS), shown(Bounded(), PERCENT)
('51.5 % [47.9, 55.1]', '12.35', '-')
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from assay.selectors.model_evidence import Bounded

Tone = Literal["", "good", "bad", "soft"]


@dataclass(frozen=True, slots=True)
class Scale:
    """How a number is written: times `factor`, with so many digits, and its unit behind it."""

    factor: float = 1.0
    unit: str = ""
    digits: int = -1
    """Behind the point; -1 for four significant ones."""
    is_signed: bool = False

    @property
    def step(self) -> float:
        """The least difference that can be told from what is written; 0 where that depends on the number."""
        return 10.0**-self.digits / self.factor if self.digits >= 0 else 0.0

    def number(self, value: float) -> str:
        """Return the number without its unit."""
        sign = "+" if self.is_signed else ""
        kind = f"{sign}.{self.digits}f" if self.digits >= 0 else f"{sign}.4g"
        text = format(value * self.factor, kind)
        return text if float(text) else text.lstrip("+-")


PERCENT = Scale(100, " %", 1)
POINTS = Scale(100, " points", 1, is_signed=True)
BPS = Scale(1e4, " bps", 1, is_signed=True)
AS_IT_IS = Scale()
RETURNS = Scale(1e4, " bps", 1)
"""Of returns and of their errors."""
SQUARED, SQUARED_POINTS = Scale(1e8, " bps²", 1), Scale(1e8, " bps²", 1, is_signed=True)
"""Of squared errors of returns, and of differences between them."""


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    text: str
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence that is quoted word for word, such as a verdict's."""

    name: str
    text: str
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Points:
    """Some short sentences, one below the other."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and what they are; those without a value are left out."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text below a head; columns at the places in `numbers` hold numbers."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Bar:
    """A number with its interval, and a word about it; `is_own` is the model's, all others are what it is held to."""

    name: str
    value: Bounded
    note: str = ""
    is_own: bool = True


@dataclass(frozen=True, slots=True)
class Intervals:
    """Numbers with their intervals on one axis, drawn where that can be done, and as a table.

    Attributes
    ----------
    what : str
        What the numbers are.
    bars : tuple of Bar
    scale : Scale
    mark : float or None
        A number to hold them against, such as zero.
    note : str
        What the notes of the bars are; empty if they have none.
    """

    what: str
    bars: tuple[Bar, ...]
    scale: Scale
    mark: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """Lines for a shell."""

    text: str


Block = Text | Quote | Points | Facts | Table | Intervals | Code


@dataclass(frozen=True, slots=True)
class Section:
    """A title and what stands below it."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A page about one model.

    Attributes
    ----------
    title, subtitle : str
    sections : tuple of Section
    version : str
        Of the model, in full.
    """

    title: str
    subtitle: str
    version: str
    sections: tuple[Section, ...] = field(default=())

    def markdown(self) -> str:
        """Return the card as Markdown; whatever stands in a name is text there, not markup."""
        from assay.selectors.cards.markdown import markdown  # noqa: PLC0415  # it knows the blocks

        return markdown(self)

    def html(self) -> str:
        """Return the card as a page of HTML that opens anywhere: no address, no script, both themes."""
        from assay.selectors.cards.html import html  # noqa: PLC0415

        return html(self)


def plain(text: str) -> str:
    r"""Return text on one line, without what a terminal would obey: names come from strangers.

    >>> plain("a \n b\x1b[2J")
    'a b[2J'
    """
    return "".join(one for one in " ".join(text.split()) if one.isprintable())


def shown(number: Bounded, scale: Scale) -> str:
    """Return a number, its unit and its interval; a dash where there is none."""
    if number.value is None:
        return "-"
    text = f"{scale.number(number.value)}{scale.unit}"
    if number.low is None or number.high is None:
        return text
    return f"{text} [{scale.number(number.low)}, {scale.number(number.high)}]"
