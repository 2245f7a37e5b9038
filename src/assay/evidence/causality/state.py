"""What a function keeps between two calls: globals it writes to, caches, attributes, closures.

A result that depends on earlier calls can hide a look into the future: a mean that was taken over all the data once
and kept. So an audit puts the state back before each call, and says so where it matters.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import BuiltinFunctionType, CellType, FunctionType, ModuleType
from typing import Any

from assay.evidence.causality import frames
from assay.evidence.causality.source import functions_of, used

_CONSTANT = (
    int, float, str, bytes, bool, type(None), tuple, frozenset, type, FunctionType, BuiltinFunctionType, ModuleType,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value is kept: in the globals of a module, in a cell of a closure, or in the attributes of an object."""

    name: str
    owner: dict[str, Any] | CellType

    @property
    def value(self) -> Any:  # noqa: ANN401
        """What is kept there now."""
        return self.owner.cell_contents if isinstance(self.owner, CellType) else self.owner.get(self.name)

    def put(self, value: object) -> None:
        """Keep something else there."""
        if isinstance(self.owner, CellType):
            self.owner.cell_contents = value
        else:
            self.owner[self.name] = value


def places_of(function: Callable[..., Any]) -> list[Place]:
    """Return every place from which a function, or one of its module that it calls, reads what may change."""
    found: dict[tuple[int, str], Place] = {}
    for one in functions_of(function):
        cells = dict(zip(one.__code__.co_freevars, one.__closure__ or (), strict=True))
        for name, _ in used(one):
            owner: dict[str, Any] | CellType = cells.get(name, one.__globals__)
            found[id(owner), name] = Place(name, owner)
        for name in vars(one):
            found[id(one), name] = Place(name, vars(one))
    for target in (function, getattr(function, "__self__", None)):
        attributes = getattr(target, "__dict__", None)
        if isinstance(attributes, dict) and not isinstance(target, FunctionType | ModuleType | type):
            for name in attributes:
                found[id(attributes), name] = Place(name, attributes)
    return list(found.values())


def captured_frames(function: Callable[..., Any]) -> list[Place]:
    """Return the places from which a function reads a frame that is not given to it."""
    return [place for place in places_of(function) if frames.is_polars(place.value) or frames.is_pandas(place.value)]


class State:
    """The state of a function as it was when this was made."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._module = next((one.__module__ for one in functions_of(function)), "")
        self._kept = [(place, copied) for place in places_of(function) for copied in self._copies(place.value)]
        self._caches = list(self._find_caches(function))
        self._before: list[tuple[Place, Any, Any]] = [(place, place.value, kept) for place, kept in self._kept]

    def cool(self, run: Callable[[], object]) -> None:
        """Take for empty, from now on, what was filled before and is filled again by a call: a cache that is warm.

        A mean of all the data that an earlier call has kept would be read by every later one, on whatever data, and
        nothing would seem to depend on the future. What stays empty, or is missed by the call, is a constant.
        """
        for number, (place, kept) in enumerate(self._kept):
            if not isinstance(kept, dict | list | set) or not kept:
                continue
            empty = copy.deepcopy(kept)
            empty.clear()
            place.put(copy.deepcopy(empty))
            try:
                run()
                is_cache = bool(place.value)
            except (Exception, SystemExit):  # noqa: BLE001  # whatever a stranger's function raises without its constants
                is_cache = False
            if is_cache:
                self._kept[number] = place, empty
            self.restore()

    def put_back(self) -> None:
        """Leave everything as it was found."""
        for place, given, kept in self._before:
            # The object itself: others may hold it as well.
            if isinstance(given, dict | set):
                given.clear()
                given.update(copy.deepcopy(kept))
            elif isinstance(given, list):
                given[:] = copy.deepcopy(kept)
            place.put(given if isinstance(given, dict | set | list) else copy.deepcopy(kept))
        for one in self._caches:
            one.cache_clear()

    def restore(self) -> None:
        """Put everything back."""
        for place, kept in self._kept:
            place.put(copy.deepcopy(kept))
        for one in self._caches:
            one.cache_clear()

    def changes(self) -> list[str]:
        """Return the names of what differs from what it was."""
        names = [place.name for place, kept in self._kept if not _same(place.value, kept)]
        return sorted({*names, *(one.__name__ for one in self._caches if one.cache_info().currsize)})

    def _copies(self, value: object) -> Iterator[object]:
        is_frame = frames.is_polars(value) or frames.is_pandas(value)
        is_cache = hasattr(value, "cache_clear")
        is_foreign = callable(value) and getattr(value, "__module__", "") != self._module
        # Numbers and texts can be written to as globals; what is frozen inside is only kept by name.
        is_plain = isinstance(value, int | float | str | bytes | bool | type(None) | tuple)
        if is_frame or is_cache or is_foreign or (isinstance(value, _CONSTANT) and not is_plain):
            return
        try:
            yield copy.deepcopy(value)
        except Exception:  # noqa: BLE001  # anything may refuse to be copied; then it stays as it is
            return

    def _find_caches(self, function: Callable[..., Any]) -> Iterator[Any]:
        for value in (function, *(place.value for place in places_of(function))):
            if hasattr(value, "cache_clear") and getattr(value, "__module__", "") == self._module:
                yield value


def _same(now: object, then: object) -> bool:
    try:
        return pickle.dumps(now) == pickle.dumps(then)
    except Exception:  # noqa: BLE001  # what cannot be pickled is compared by what it says it is
        return now is then or type(now) is type(then)
