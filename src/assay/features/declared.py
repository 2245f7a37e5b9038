"""Feature sets as people write them down: a name, a version and a list of Steps.

A Step is a short text (``rsi:14@4h``), a usual name (``RSI_14``), or a mapping of its name and parameters, with what it
is computed over (``of``), over bars of which longer interval, and against which reference.

>>> made = declared_set({"name": "mine", "version": 1, "steps": ["rsi:7", {"step": "ema", "n": 3, "of": "volume"}]})
>>> made.feature_set.columns
('rsi_7', 'ema_3_of_volume')
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from assay.domain.errors import BadInputError
from assay.domain.interval import Interval
from assay.features.against import Against
from assay.features.aliases import parse_usual
from assay.features.bars import VALUE_COLUMNS
from assay.features.over import Over
from assay.features.registry import find_step, known_steps
from assay.features.sets import FeatureSet
from assay.features.step import Step
from assay.features.texts import over_interval, parse_step

Made = TypeVar("Made")
_OWN = ("step", "of", "output", "interval", "reference")
_KEYS = ("name", "version", "steps", "aliases")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_DEEPEST = 10
TAKEN = frozenset({
    "venue", "market", "symbol", "interval", "open_time", "close_time", "available_at", "feature_set",
    "until", "is_up", "return", "delta", "triple_barrier", "weight",
})  # fmt: skip
"""Columns that tables of features have anyway: no feature can be called so."""


@dataclass(frozen=True, slots=True)
class DeclaredSet:
    """A feature set, and what its author wants of it.

    Attributes
    ----------
    feature_set : FeatureSet
    aliases : mapping of str to str
        The names that some columns are to have.
    columns : tuple of str
        Those that are given, in order: all, unless a usual name asked for one output of a Step.
    """

    feature_set: FeatureSet
    aliases: Mapping[str, str] = field(default_factory=dict)
    columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.columns:
            object.__setattr__(self, "columns", self.feature_set.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """What the columns that are given are called."""
        return tuple(self.aliases.get(column, column) for column in self.columns)

    @property
    def places(self) -> list[int]:
        """Where they are among all columns of the set."""
        return [self.feature_set.columns.index(column) for column in self.columns]


def declared_set(document: object, interval: Interval | None = None) -> DeclaredSet:
    """Return the set that a document of names, lists and numbers declares.

    Parameters
    ----------
    document : object
        A mapping with ``name``, ``version`` and ``steps``; ``aliases`` maps columns to the names they are to have.
    interval : Interval, optional
        Of the bars, which lengths of time in usual names need: ``Price_momentum_3h``.

    Raises
    ------
    BadInputError
        If it declares none; what it says begins with the place: ``steps[2].n``.
    """
    given = _mapping(document, "the file", _KEYS)
    name, version, steps = (given.get(key) for key in _KEYS[:3])
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadInputError("name: not the name of a feature set", value=name, todo="write small letters, digits and _")
    if type(version) is not int or version < 1:
        raise BadInputError("version: not a version", value=version, todo="write a whole number from 1")
    if not isinstance(steps, list) or not steps:
        raise BadInputError("steps: no list of steps", value=steps, todo="list at least one, such as rsi:14")
    made = [_step(one, f"steps[{number}]", interval) for number, one in enumerate(steps, start=1)]
    chosen = _placed("steps", lambda: _set_of(name, version, made))
    aliases = given.get("aliases")
    return dataclasses.replace(chosen, aliases=_aliases({} if aliases is None else aliases, chosen.columns))


def steps_of(texts: Iterable[str], interval: Interval | None = None) -> tuple[Step, ...]:
    """Return the Steps that short texts or usual names mean; each once, in the order of the texts.

    >>> steps_of(["rsi:14", "MACD_signal", "MACD"])
    (Rsi(n=14), Macd(fast=12, slow=26, signal=9))
    """
    return tuple(dict.fromkeys(_of_text(text.strip(), interval)[0] for text in texts))


def set_of_texts(texts: Iterable[str], interval: Interval | None = None) -> DeclaredSet:
    """Return the set of what short texts and usual names mean; a usual name is one column, a short text all of a Step.

    >>> set_of_texts(["MACD_signal", "rsi:14"]).columns
    ('macd_signal_12_26_9', 'rsi_14')
    """
    asked = [_of_text(text.strip(), interval) for text in texts]
    columns = dict.fromkeys((step, column) for step, columns in asked for column in columns)
    return _set_of("chosen", 1, [(step, (column,)) for step, column in columns])


def _set_of(name: str, version: int, asked: Iterable[tuple[Step, tuple[str, ...]]]) -> DeclaredSet:
    """Return the set that gives these columns of these Steps, each of which is computed once."""
    wanted = list(asked)
    feature_set = FeatureSet(name, version, tuple(dict.fromkeys(step for step, _ in wanted)))
    columns = tuple(column for _, columns in wanted for column in columns)
    if len(set(columns)) < len(columns):
        twice = next(column for column in columns if columns.count(column) > 1)
        raise BadInputError("a column stands twice in a feature set", value=twice, todo="name each column once")
    return DeclaredSet(feature_set, columns=columns)


def _of_text(text: str, interval: Interval | None) -> tuple[Step, tuple[str, ...]]:
    """Return a Step, and which of its columns are meant."""
    name = re.split("[:@]", text, maxsplit=1)[0]
    if name in known_steps() or ":" in text or "@" in text:
        step = parse_step(text)
        return step, step.outputs
    try:
        found = parse_usual(text, interval)
    except BadInputError as error:
        is_like_none = error.what == "unknown column" and not error.todo.startswith("did you mean")
        if text.lower() == text and ("_" not in text or is_like_none):  # it looks like a Step: say which are near
            find_step(text)
        raise
    return found.step, (found.output,)


def _step(given: object, place: str, interval: Interval | None) -> tuple[Step, tuple[str, ...]]:
    """Return a Step, and which of its columns are meant."""
    if isinstance(given, str):
        return _placed(place, lambda: _of_text(given, interval))
    made = _of_mapping(given, place, interval)
    return made, made.outputs


def _of_mapping(given: object, place: str, interval: Interval | None) -> Step:
    if not isinstance(given, Mapping) or not isinstance(given.get("step"), str):
        todo = "write a text such as rsi:14, or a mapping with the key step"
        raise BadInputError(f"{place}: not a step", value=given, todo=todo)
    if place.count(".of") > _DEEPEST:  # also what YAML's anchors put into itself
        todo = f"let at most {_DEEPEST} steps stand within one another"
        raise BadInputError(f"{place.partition('.')[0]}: steps of steps without end", todo=todo)
    make = _placed(f"{place}.step", lambda: find_step(str(given["step"])))
    numbers = [one.name for one in dataclasses.fields(make)]  # type: ignore[arg-type]  # Steps are dataclasses
    values = _mapping(given, place, (*_OWN, *numbers))
    step = _placed(place, lambda: make(**{name: values[name] for name in numbers if name in values}))
    of = values.get("of")
    if of is not None:
        is_step = not isinstance(of, str) or re.split("[:@]", of, maxsplit=1)[0] in known_steps().keys() - set(
            VALUE_COLUMNS
        )
        source = _step(of, f"{place}.of", interval)[0] if is_step else str(of)
        over, output = step, values.get("output", 0)
        step = _placed(f"{place}.of", lambda: Over(over, source, output))  # type: ignore[arg-type]  # it is checked there
    elif "output" in values:
        raise BadInputError(f"{place}.output: of nothing", value=values["output"], todo="name what it is an output of")
    if "reference" in values:
        held = step
        step = _placed(f"{place}.reference", lambda: Against(held, str(values["reference"])))
    if "interval" in values:
        inner = step
        step = _placed(f"{place}.interval", lambda: over_interval(inner, str(values["interval"])))
    return step


def _aliases(given: object, columns: tuple[str, ...]) -> dict[str, str]:
    if not isinstance(given, Mapping):
        raise BadInputError("aliases: no mapping", value=given, todo="write column: name")
    names = {column: given.get(column, column) for column in columns}
    unknown = [str(column) for column in given if column not in names]
    if unknown:
        todo = f"its columns are {', '.join(columns)}"
        raise BadInputError("aliases: no column of this set", value=unknown[0], todo=todo)
    for column, name in names.items():
        if column in given and not (isinstance(name, str) and _COLUMN.fullmatch(name)):
            todo = "write letters, digits and _, at most 64, and no digit first"
            raise BadInputError(f"aliases.{column}: not the name of a column", value=name, todo=todo)
        if name in TAKEN:
            todo = "choose another name: tables of features have this column anyway"
            raise BadInputError(f"aliases.{column}: a name that is taken", value=name, todo=todo)
    if len(set(names.values())) < len(names):
        raise BadInputError("aliases: two columns of one name", value=given, todo="give each a name of its own")
    return {str(column): str(name) for column, name in given.items()}


def _mapping(document: object, place: str, known: tuple[str, ...]) -> Mapping[str, object]:
    if not isinstance(document, Mapping):
        raise BadInputError(f"{place}: no mapping", value=document, todo=f"write {', '.join(known)}")
    for key in document:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            todo = f"did you mean {near[0]}?" if near else f"it takes {', '.join(known)}"
            raise BadInputError(f"{place}: unknown key", value=key, todo=todo)
    return document


def _placed(place: str, make: Callable[[], Made]) -> Made:
    """Return what is made, or say where it cannot be."""
    try:
        return make()
    except BadInputError as error:
        raise BadInputError(f"{place}: {error.what}", value=error.value, todo=error.todo) from error
    except TypeError as error:  # a text where a number belongs, or the like
        raise BadInputError(
            f"{place}: not of the right kind", value=error, todo="write it as the usual value"
        ) from error
