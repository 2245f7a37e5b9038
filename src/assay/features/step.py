"""What a Step is: frozen parameters, a start, and one pure function that turns a state and a bar into the next.

To add an indicator, write one file: a kernel and a frozen dataclass like those in ``ema.py``. The registry finds it in
``indicators/``, or where the setting ``features.steps`` says; :mod:`assay.features.contract` is what it has to pass.

A kernel is a plain Python function ``kernel(state, window, bar, params) -> (state, outputs)``:

- `state`, `params` and `outputs` are tuples of floats (``0.0``, never ``0``: numba tells them apart). All three stay
  in processor registers, which is why a Step written this way keeps up with a hand-written loop.
- `window` is a float64 array for what does not fit in a few numbers; it is the only thing a kernel may change in
  place. `bar` is a :class:`~assay.features.bars.Bar`.
- It may call ``math`` and other kernels, and sees nothing but its arguments: no future, no clock, no randomness.
- Division by zero is guarded in the kernel: Python would raise where the compiled code would give infinity.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Protocol

import numpy as np

from assay.domain.errors import BadInputError
from assay.features.bars import Bar, FloatArray
from assay.features.fingerprint import fingerprint

Values = tuple[float, ...]
Kernel = Callable[[Values, FloatArray, Bar, Values], tuple[Values, Values]]

NO_WINDOW = np.empty(0)
"""The window of a Step whose state is a few numbers."""

_LONGEST = 1_000_000


@dataclass(frozen=True, slots=True)
class StepDocs:
    """What a reader of a page or table needs to know about a Step."""

    title: str
    formula: str
    units: tuple[str, ...]
    """Unit of each output, in the order of the outputs."""
    gap_rule: str
    """What a missing bar does."""
    nan_rule: str
    """What a NaN in one of the inputs does."""
    reference: str
    undefined: str = ""
    """When an output is NaN after the warm-up although the inputs are there; empty where that never happens."""
    family: str = ""
    """Name of the family in ``families.py`` with which menus and the reference show it; your own may have none."""
    endless: str = ""
    """Why a value depends on every bar since the first, as a running total does; empty where history wears off."""


class Step(Protocol):
    """An indicator: implemented by frozen dataclasses whose fields are the parameters, each with a default."""

    name: ClassVar[str]

    @property
    def docs(self) -> StepDocs:
        """What a reader needs to know; a constant of the class, but where a Step is made of others."""
        ...

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the bar's fields that the kernel reads, the two times apart; a constant of the class as well."""
        ...

    @property
    def outputs(self) -> tuple[str, ...]:
        """Column names, parameters included, such as ``ema_12``."""
        ...

    @property
    def warmup(self) -> int:
        """Number of leading rows that are NaN on a series without gaps."""
        ...

    @property
    def params(self) -> Values:
        """Return what the kernel gets: the parameters, and constants derived from them."""
        ...

    @property
    def kernel(self) -> Kernel:
        """Return the pure function at the heart of the Step."""
        ...

    def init(self) -> tuple[Values, FloatArray]:
        """Return the state and the window before the first bar."""
        ...

    def __hash__(self) -> int:
        """Equal Steps are one, as frozen dataclasses are."""
        ...


@functools.lru_cache(maxsize=4096)
def identity(step: Step) -> str:
    """Return the text that names exactly this computation: name, parameters, and a hash of code and start.

    Saved states and feature sets carry it, so that numbers made by other code are refused and never mixed.

    >>> from assay.features.indicators.ema import Ema
    >>> identity(Ema(12)).partition("#")[0]
    'ema(n=12)'
    """
    # The contract asks for a dataclass; a Protocol cannot say so.
    fields = dataclasses.fields(step)  # type: ignore[arg-type]
    shown = ",".join(f"{field.name}={_shown(field, getattr(step, field.name))}" for field in fields if field.compare)
    values, window = step.init()
    start = f"{step.params!r}{values!r}".encode() + window.astype("<f8").tobytes()
    digest = hashlib.sha256(fingerprint(step.kernel).encode() + start).hexdigest()
    return f"{step.name}({shown})#{digest[:12]}"


@functools.lru_cache(maxsize=4096)
def width_of(step: Step) -> int:
    """Return how many outputs the Step has: to make up their names takes as long as thousands of bars do."""
    return len(step.outputs)


def _shown(field: dataclasses.Field[object], value: object) -> str:
    # 2 and 2.0 are equal, and so are the Steps that have them.
    return repr(float(value)) if field.type in {"float", float} and isinstance(value, int) else repr(value)


def parts_of(step: Step) -> Iterator[Step]:
    """Yield a Step and all those it is made of.

    >>> from assay.features.over import Over
    >>> [part.name for part in parts_of(Over())]
    ['over', 'ema']
    """
    yield step
    for field in dataclasses.fields(step):  # type: ignore[arg-type]  # the contract asks for a dataclass
        value = getattr(step, field.name)
        if dataclasses.is_dataclass(value) and hasattr(value, "kernel"):
            yield from parts_of(value)  # type: ignore[arg-type]


def check_length(step_name: str, n: int, *, minimum: int = 1, maximum: int = _LONGEST) -> None:
    """Refuse a length that is not a whole number of bars from `minimum` to `maximum`, a million by default.

    Raises
    ------
    BadInputError
        If it is not.
    """
    if type(n) is not int or not minimum <= n <= maximum:
        todo = f"give a whole number of bars from {minimum} to {maximum}"
        raise BadInputError(f"length of {step_name} out of range", value=n, todo=todo)


def check_factor(step_name: str, factor: float, *, minimum: float, maximum: float) -> None:
    """Refuse a factor that is not a finite number from `minimum` to `maximum`; a whole number is one.

    Raises
    ------
    BadInputError
        If it is not.
    """
    if type(factor) not in {int, float} or not math.isfinite(factor) or not minimum <= factor <= maximum:
        todo = f"give a number from {_digits(minimum)} to {_digits(maximum)}"
        raise BadInputError(f"factor of {step_name} out of range", value=factor, todo=todo)


def check_is_step(step_name: str, step: object) -> None:
    """Refuse as a part of another Step what is none.

    Raises
    ------
    BadInputError
        If it is not.
    """
    if isinstance(step, type) or not (dataclasses.is_dataclass(step) and hasattr(step, "kernel")):
        todo = "give a step, such as Ema(12)"
        raise BadInputError(f"{step_name} is of a step, and this is none", value=step, todo=todo)


def text_of(factor: float) -> str:
    """Return a number as it stands in the name of a column; numbers that differ differ there too.

    >>> text_of(2.0), text_of(2.5), text_of(0.02), text_of(-1), text_of(1e-7)
    ('2', '2p5', '0p02', 'm1', '0p0000001')
    """
    return _digits(factor).replace(".", "p").replace("-", "m")


def _digits(number: float) -> str:
    digits = format(Decimal(repr(float(number))), "f")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits
