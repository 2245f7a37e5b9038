"""Whether a class of somebody's own file is made as Steps are, told before anything is computed with it.

What it computes is held to :mod:`assay.features.contract`; this is about what is there at all and of which kind.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from typing import Any

import numpy as np

from assay.domain.errors import BadInputError
from assay.features.bars import VALUE_COLUMNS
from assay.features.declared import TAKEN
from assay.features.families import FAMILIES
from assay.features.step import Step, StepDocs, identity

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_PARTS = ("name", "inputs", "docs", "outputs", "warmup", "params", "kernel", "init")
_TAKEN = TAKEN | set(VALUE_COLUMNS)
_WIDEST = 10_000_000


def check_shape(kind: type) -> None:
    """Refuse a class that cannot be a Step.

    Raises
    ------
    BadInputError
        Saying what is missing or of another kind.
    """
    lacking = [part for part in _PARTS if not hasattr(kind, part)]
    if lacking:
        raise BadInputError("not a whole indicator", value=f"no {lacking[0]}", todo=f"it has {', '.join(_PARTS)}")
    if not dataclasses.is_dataclass(kind) or not kind.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        raise BadInputError("not a frozen dataclass", todo="write @dataclass(frozen=True, slots=True) above it")
    try:
        step: Any = kind()
        parts = {part: getattr(step, part) for part in _PARTS if part != "init"} | {"init": step.init()}
        hash(step)
    except BadInputError:
        raise
    except Exception as error:
        todo = "every parameter has a default with which all parts can be read"
        raise BadInputError(f"raises {type(error).__name__} when it is made", value=error, todo=todo) from error
    _check_parameters(step)
    _check_names(parts)
    _check_docs(parts)
    _check_numbers(parts)
    identity(step)  # its kernel is a plain function that depends on nothing that may change


def _check_parameters(step: Step) -> None:
    for field in dataclasses.fields(step):  # type: ignore[arg-type]  # it is one
        value = getattr(step, field.name)
        if type(value) not in {int, float, str}:
            todo = "parameters are whole numbers, numbers or texts; write constants as ClassVar"
            raise BadInputError(f"parameter {field.name} of another kind", value=value, todo=todo)


def _check_names(parts: dict[str, Any]) -> None:
    name, outputs, inputs = parts["name"], parts["outputs"], parts["inputs"]
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadInputError("name is no name", value=name, todo="write small letters, digits and _")
    if not _are(outputs, str) or not outputs or len(set(outputs)) < len(outputs):
        todo = "give a tuple of names, each once, such as (f'mine_{self.n}',)"
        raise BadInputError("outputs are no names of columns", value=outputs, todo=todo)
    for output in outputs:
        if not _NAME.fullmatch(output) or output in _TAKEN:
            todo = "write small letters, digits and _, and nothing that tables have anyway"
            raise BadInputError("an output cannot be called so", value=output, todo=todo)
    unknown = [one for one in inputs if one not in VALUE_COLUMNS] if _are(inputs, str) else [inputs]
    if unknown:
        todo = f"give a tuple of some of {', '.join(VALUE_COLUMNS)}"
        raise BadInputError("inputs are no columns of a bar", value=unknown[0], todo=todo)


def _check_docs(parts: dict[str, Any]) -> None:
    docs = parts["docs"]
    if not isinstance(docs, StepDocs):
        raise BadInputError("docs are no StepDocs", value=docs, todo="see docs/how-to/add-an-indicator.md")
    if len(docs.units) != len(parts["outputs"]):
        raise BadInputError("docs.units are not one for each output", value=docs.units, todo="name each unit")
    families = [family.name for family in FAMILIES]
    if docs.family and docs.family not in families:
        near = difflib.get_close_matches(docs.family, families, n=1)
        todo = f"did you mean {near[0]}?" if near else f"leave it out, or take one of {', '.join(families)}"
        raise BadInputError("docs.family is none", value=docs.family, todo=todo)


def _check_numbers(parts: dict[str, Any]) -> None:
    if type(parts["warmup"]) is not int or parts["warmup"] < 0:
        raise BadInputError("warmup is no number of bars", value=parts["warmup"], todo="give a whole number from 0")
    state, window = parts["init"] if _are(parts["init"], object) and len(parts["init"]) == 2 else (None, None)
    for name, values in (("params", parts["params"]), ("the state that init() returns", state)):
        if not _are(values, float) or not values:
            todo = "give a tuple of floats, at least one: 0.0 and never 0, which compiled code tells apart"
            raise BadInputError(f"{name}: not floats", value=values, todo=todo)
    if not isinstance(window, np.ndarray) or window.dtype != np.float64 or window.ndim != 1:
        todo = "give a float64 array of one dimension, or NO_WINDOW"
        raise BadInputError("the window that init() returns is none", value=window, todo=todo)
    if window.size > _WIDEST:  # every run and every saved state has one: this would take the memory of the machine
        todo = f"at most {_WIDEST:,} numbers with the usual parameters"
        raise BadInputError("the window that init() returns is too long", value=window.size, todo=todo)


def _are(values: object, kind: type) -> bool:
    return isinstance(values, tuple) and all(isinstance(value, kind) for value in values)
