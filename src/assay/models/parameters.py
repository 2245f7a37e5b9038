"""Parameters as people and files give them, made into the frozen dataclass of an estimator.

>>> from dataclasses import dataclass
>>> @dataclass(frozen=True)
... class Size:
...     trees: int = 200
...     share: float = 0.8
>>> parameters_from(Size, {"trees": 50}, of="a forest")
Size(trees=50, share=0.8)
>>> parameters_from(Size, {"tree": 50}, of="a forest")
Traceback (most recent call last):
assay.domain.errors.BadInputError: unknown parameter of a forest: 'tree'; it takes trees, share
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from assay.domain.errors import BadInputError

Values = Mapping[str, float | int | str]
Made = TypeVar("Made")
_LONGEST = sys.float_info.max
"""Neither NaN nor infinity is as small, and a whole number may be longer than any float."""
_WORDS = {"int": "a whole number", "float": "a number", "str": "a text"}


def parameters_from(kind: type[Made], given: Mapping[str, object], *, of: str) -> Made:
    """Return the dataclass `kind` with `given` in place of what is usual.

    Parameters
    ----------
    kind : type
        A dataclass whose fields are int, float or str.
    given : mapping of str to object
    of : str
        Whose parameters they are, for the error's words.

    Raises
    ------
    BadInputError
        If a name is unknown, or a value of another type or out of range.
    """
    fields: dict[str, Any] = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    values: dict[str, object] = {}
    for name, value in given.items():
        if name not in fields:
            todo = f"it takes {', '.join(fields)}" if fields else "it takes none"
            raise BadInputError(f"unknown parameter of {of}", value=name, todo=todo)
        values[name] = _typed(name, value, str(fields[name].type))
    return kind(**values)


def parameters_of(columns: Sequence[str], chosen: object) -> dict[str, float | int | str]:
    """Return what an estimator says of itself: its columns and its dataclass of parameters, field by field.

    >>> from assay.models.ewma import Ewma
    >>> parameters_of(("rsi_14", "ema_12"), Ewma(half_life=24.0))
    {'columns': 'rsi_14,ema_12', 'half_life': 24.0}
    """
    fields: Any = chosen
    return {"columns": ",".join(columns), **dataclasses.asdict(fields)}


def check_number(name: str, value: float, *, least: float, most: float) -> None:
    """Refuse a parameter outside ``[least, most]``, NaN among them.

    >>> check_number("depth", 0, least=1, most=64)
    Traceback (most recent call last):
    assay.domain.errors.BadInputError: depth out of range: '0'; give a number from 1 to 64
    """
    if not least <= value <= most:
        raise BadInputError(f"{name} out of range", value=value, todo=f"give a number from {least:g} to {most:g}")


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Refuse a text that is none of `choices`."""
    if value not in choices:
        raise BadInputError(f"unknown {name}", value=value, todo=f"use one of {', '.join(choices)}")


def nested(values: Values, prefix: str) -> dict[str, float | int | str]:
    """Return parameters of a part under the names they have in the whole; its columns are those of the whole."""
    return {f"{prefix}.{name}": value for name, value in values.items() if name != "columns"}


def nested_in(values: Mapping[str, object], prefix: str) -> dict[str, object]:
    """Return the parameters of one part of a whole, under their own names."""
    start = f"{prefix}."
    return {name.removeprefix(start): value for name, value in values.items() if name.startswith(start)}


def _typed(name: str, value: object, kind: str) -> object:
    if kind == "str" and isinstance(value, str):
        return value
    if kind == "int" and isinstance(value, int) and not isinstance(value, bool):
        return value
    if kind == "float" and isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LONGEST:
        return float(value)
    raise BadInputError(f"{name} is not {_WORDS[kind]}", value=value, todo=f"give {_WORDS[kind]}")
