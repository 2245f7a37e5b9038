"""Every Step there is, by name: those of the modules of :mod:`assay.features.indicators`.

>>> sorted(STEPS)[:4]
['adx', 'atr', 'beta', 'bollinger']
>>> find_step("ema")(26)
Ema(n=26)
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Callable

from assay.domain.errors import BadInputError
from assay.features import indicators
from assay.features.step import Step


def _steps() -> dict[str, Callable[..., Step]]:
    """Return the Steps that the modules of the folder define; what a module imports is not its own."""
    found: dict[str, Callable[..., Step]] = {}
    for module in pkgutil.iter_modules(indicators.__path__, f"{indicators.__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and value.__module__ == module.name and hasattr(value, "kernel"):
                found[value.name] = value  # type: ignore[attr-defined]  # the contract holds that it is a Step
    return found


STEPS: dict[str, Callable[..., Step]] = _steps()
"""Name to class; a class called without arguments gives the Step with its usual parameters."""


def find_step(name: str) -> Callable[..., Step]:
    """Return the class of the Step called `name`.

    Raises
    ------
    BadInputError
        If there is none.
    """
    if name not in STEPS:
        near = difflib.get_close_matches(name, STEPS, n=1)
        todo = f"did you mean {near[0]}?" if near else f"use one of {', '.join(sorted(STEPS))}"
        raise BadInputError("unknown indicator", value=name, todo=todo)
    return STEPS[name]
