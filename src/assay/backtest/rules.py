"""Rules as a person writes them: columns and numbers, compared or crossed, with ``and``, ``or`` and brackets.

Nothing else is understood, so a rule from anywhere is safe to read: it has no way to call or to name anything but a
column. Where a column is NaN a comparison is false, and so is a crossing that it is a part of.

>>> rule = parse_rule("rsi_14 < 30 and (close > ema_26 or macd crosses above macd_signal)")
>>> rule.columns
('rsi_14', 'close', 'ema_26', 'macd', 'macd_signal')
>>> import numpy as np
>>> parse_rule("rsi_14 < 30").holds({"rsi_14": np.array([25.0, 30.0, np.nan])}).tolist()
[True, False, False]
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np

from assay.backtest.layout import Floats
from assay.backtest.signals import Flags, crossed_above, crossed_below
from assay.domain.errors import BadInputError

_LONGEST, _DEEPEST = 1_000, 20
_FORM = 'write it like "rsi_14 < 30 and close > ema_26" or "ema_12 crosses above ema_26"'
_TOKEN = re.compile(
    r"\s*(?:(?P<number>[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)(?![A-Za-z_])"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:[:@][A-Za-z0-9_.+/-]+)*)"
    r"|(?P<sign><=|>=|==|<|>|\(|\)))"
)
_COMPARISONS: Mapping[str, Callable[[Floats, Floats], Flags]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "crosses above": crossed_above,
    "crosses below": crossed_below,
}
_WORDS = ("and", "or", "crosses")
_Operand = str | float


@dataclass(frozen=True, slots=True)
class _Comparison:
    left: _Operand
    sign: str
    right: _Operand

    def operands(self) -> Iterator[_Operand]:
        yield from (self.left, self.right)

    def holds(self, columns: Mapping[str, Floats], size: int) -> Flags:
        left, right = (
            np.asarray(columns[one], dtype=np.float64) if isinstance(one, str) else np.full(size, one)
            for one in (self.left, self.right)
        )
        return _COMPARISONS[self.sign](left, right)


@dataclass(frozen=True, slots=True)
class _Joined:
    word: str
    parts: tuple[_Node, ...]

    def operands(self) -> Iterator[_Operand]:
        for part in self.parts:
            yield from part.operands()

    def holds(self, columns: Mapping[str, Floats], size: int) -> Flags:
        join = np.logical_and if self.word == "and" else np.logical_or
        found: Flags = join.reduce([part.holds(columns, size) for part in self.parts])
        return found


_Node = _Comparison | _Joined


@dataclass(frozen=True, slots=True)
class Rule:
    """When to do something; made by :func:`parse_rule`.

    Attributes
    ----------
    text : str
        As it was written, spaces apart.
    columns : tuple of str
        What it reads, each once.
    """

    text: str
    columns: tuple[str, ...]
    _node: _Node = field(repr=False)

    def holds(self, columns: Mapping[str, Floats]) -> Flags:
        """Say at which bars it holds.

        Parameters
        ----------
        columns : mapping of str to float64 array of shape (n_bars,)
            At least those of `columns`, known at the close of each bar.

        Returns
        -------
        ndarray of bool, shape (n_bars,)
            False where a column that decides is NaN. A crossing looks one bar back, and nothing looks ahead.
        """
        return self._node.holds(columns, columns[self.columns[0]].size)


def parse_rule(text: str) -> Rule:
    """Return the rule that a text means.

    Raises
    ------
    BadInputError
        If it is none, it names no column, it is longer than 1,000 characters or its brackets are nested 20 deep.
    """
    if len(text) > _LONGEST:
        raise BadInputError("a rule without end", value=f"{text[:60]}...", todo=f"use at most {_LONGEST} characters")
    reader = _Reader(text)
    node = reader.whole()
    columns = tuple(dict.fromkeys(one for one in node.operands() if isinstance(one, str)))
    return Rule(" ".join(text.split()), columns, node)


class _Reader:
    """Reads a rule from left to right: ``or`` of ``and`` of comparisons or brackets."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._split())
        self._at = 0
        self._depth = 0

    def whole(self) -> _Node:
        node = self._joined("or")
        if self._at < len(self._tokens):
            self._fail(f"nothing can follow here: {self._tokens[self._at]!r}")
        return node

    def _split(self) -> Iterator[str]:
        place, text = 0, self._text.rstrip()
        while place < len(text):
            found = _TOKEN.match(text, place)
            if not found:
                self._fail(f"not understood from here on: {text[place:].strip()[:40]!r}")
            yield found[0].strip()
            place = found.end()

    def _joined(self, word: str) -> _Node:
        parts = [self._joined("and") if word == "or" else self._term()]
        while self._next().lower() == word:
            self._at += 1
            parts.append(self._joined("and") if word == "or" else self._term())
        return parts[0] if len(parts) == 1 else _Joined(word, tuple(parts))

    def _term(self) -> _Node:
        if self._next() != "(":
            return self._comparison()
        self._at += 1
        self._depth += 1
        if self._depth > _DEEPEST:
            self._fail(f"more than {_DEEPEST} brackets in one another")
        node = self._joined("or")
        if self._next() != ")":
            self._fail("a bracket is not closed")
        self._at += 1
        self._depth -= 1
        return node

    def _comparison(self) -> _Comparison:
        left, sign, right = self._operand(), self._sign(), self._operand()
        if not (isinstance(left, str) or isinstance(right, str)):
            self._fail(f"it names no column: {left:g} {sign} {right:g}")
        return _Comparison(left, sign, right)

    def _sign(self) -> str:
        sign = self._taken("a comparison").lower()
        if sign == "crosses":
            sign = f"crosses {self._taken('above or below').lower()}"
        if sign not in _COMPARISONS:
            self._fail(f"no comparison: {sign!r}; there are {', '.join(_COMPARISONS)}")
        return sign

    def _operand(self) -> _Operand:
        token = self._taken("a column or a number")
        if token.lower() in _WORDS or token in _COMPARISONS or token in ("(", ")"):
            self._fail(f"a column or a number belongs in the place of {token!r}")
        # Not by what float() takes: a column may be called nan or inf.
        if token[0].isalpha() or token[0] == "_":
            return token
        if not math.isfinite(float(token)):
            self._fail(f"a number beyond all: {token!r}")
        return float(token)

    def _next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _taken(self, wanted: str) -> str:
        if self._at >= len(self._tokens):
            self._fail(f"{wanted} is missing at its end")
        self._at += 1
        return self._tokens[self._at - 1]

    def _fail(self, why: str) -> NoReturn:
        raise BadInputError(f"not a rule: {why}", value=self._text.strip()[:200], todo=_FORM)
