"""What a person gave in a notebook, as the kind it has to be: a wrong kind is said in words where it was given.

Numbers of numpy are numbers; True is none.

>>> whole("max_bars", 24.0), maybe(number, "stop_loss", None)
(24, None)
"""

from __future__ import annotations

import numbers
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NoReturn, TypeVar

from assay.domain.errors import BadInputError

T = TypeVar("T")


def number(name: str, value: object) -> float:
    """Return a number; BadInputError if it is none."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        _refuse(name, value, "a number")
    return float(value)


def whole(name: str, value: object) -> int:
    """Return a whole number; BadInputError if it is none."""
    found = number(name, value)
    if found != found // 1:  # what is not a number, or has no end, neither
        _refuse(name, value, "a whole number")
    return int(found)


def maybe(kind: Callable[[str, object], T], name: str, value: object) -> T | None:
    """Return what `kind` makes of a value; None of None."""
    return None if value is None else kind(name, value)


def text(name: str, value: object) -> str:
    """Return a text; BadInputError if it is none."""
    if not isinstance(value, str):
        _refuse(name, value, "a text")
    return value


def texts(name: str, value: object) -> tuple[str, ...]:
    """Return texts of one or several; BadInputError if one is none."""
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, Sequence) or isinstance(value, bytes):
        _refuse(name, value, "a text, or a list of texts")
    return tuple(text(name, one) for one in value)


def values_to_try(vary: object) -> dict[str, list[str]]:
    """Return the values of each name as texts, None as ``none``; BadInputError if they are no lists by name."""
    if not isinstance(vary, Mapping):
        _refuse("vary", vary, 'lists by name, like {"low": [20, 30]}')
    found: dict[str, list[str]] = {}
    for name, some in vary.items():
        if not isinstance(some, Iterable) or isinstance(some, str | bytes):
            _refuse(f"vary[{name!r}]", some, "a list")
        found[text("a name in vary", name)] = ["none" if one is None else str(one) for one in some]
    return found


def _refuse(name: str, value: object, kind: str) -> NoReturn:
    raise BadInputError(f"{name} has the wrong kind", value=value, todo=f"give {kind}")
