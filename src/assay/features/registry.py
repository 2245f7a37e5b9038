"""Every Step there is, by name.

>>> sorted(STEPS)
['close_to_ema', 'ema', 'log_return', 'rsi']
>>> find_step("ema")(26)
Ema(n=26)
"""

from __future__ import annotations

import difflib
from collections.abc import Callable

from assay.domain.errors import BadInputError
from assay.features.close_to_ema import CloseToEma
from assay.features.ema import Ema
from assay.features.log_return import LogReturn
from assay.features.rsi import Rsi
from assay.features.step import Step

STEPS: dict[str, Callable[..., Step]] = {step.name: step for step in (CloseToEma, Ema, LogReturn, Rsi)}
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
