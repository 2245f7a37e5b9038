"""Every Step there is, by name: those of the modules of :mod:`assay.features.indicators`, and people's own.

>>> sorted(STEPS)[:4]
['adx', 'atr', 'beta', 'bollinger']
>>> find_step("ema")(26)
Ema(n=26)
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from types import MappingProxyType

from assay.domain.errors import BadInputError
from assay.features import indicators
from assay.features.step import Step

StepMaker = Callable[..., Step]
"""The class of a Step: called without arguments it gives the Step with its usual parameters."""


def _steps() -> dict[str, StepMaker]:
    """Return the Steps that the modules of the folder define; what a module imports is not its own."""
    found: dict[str, StepMaker] = {}
    for module in pkgutil.iter_modules(indicators.__path__, f"{indicators.__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and value.__module__ == module.name and hasattr(value, "kernel"):
                found[value.name] = value  # type: ignore[attr-defined]  # the contract holds that it is a Step
    return found


STEPS: dict[str, StepMaker] = _steps()
"""Name to class of the Steps that are shipped."""

_known: Mapping[str, StepMaker] = MappingProxyType(STEPS)


def known_steps() -> Mapping[str, StepMaker]:
    """Return name to class of the Steps that are shipped and of those that :func:`use_own_steps` was told of."""
    return _known


def use_own_steps(own: Mapping[str, StepMaker]) -> None:
    """Make people's own Steps known, in place of those that were; one process has one list of them.

    A name in an address, on the command line or in a file of feature sets is looked up here, so that an indicator of
    one's own works wherever a shipped one does. :mod:`assay.features.own` reads them from files.

    Raises
    ------
    BadInputError
        If one has the name of a Step that is shipped.
    """
    global _known  # noqa: PLW0603  # replaced as a whole: whoever holds the old one goes on with it
    taken = sorted(STEPS.keys() & own.keys())
    if taken:
        raise BadInputError("an indicator of this name is shipped", value=taken[0], todo="give yours another name")
    _known = MappingProxyType(STEPS | dict(own)) if own else MappingProxyType(STEPS)


def find_step(name: str) -> StepMaker:
    """Return the class of the Step called `name`.

    Raises
    ------
    BadInputError
        If there is none.
    """
    known = known_steps()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        todo = f"did you mean {near[0]}?" if near else f"use one of {', '.join(sorted(known))}"
        raise BadInputError("unknown indicator", value=name, todo=todo)
    return known[name]
