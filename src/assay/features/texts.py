"""A Step as a short text, as it stands in addresses, on the command line and in the legend of a chart.

A name and the parameters that are not the usual ones, in order, with colons between them: ``rsi:21``,
``bollinger:20:2.5``, ``calendar:Europe/Berlin``. After ``@`` comes what it is computed over in place of the bars'
close, a column of the bar or a longer interval: ``rolling_mean:24@volume``, ``rsi:14@4h``.

>>> parse_step("bollinger:20:2.5")
Bollinger(n=20, factor=2.5)
>>> parse_step("rsi@4h").outputs, step_text(parse_step("rolling_mean:24@volume"))
(('rsi_14_4h',), 'rolling_mean:24@volume')
"""

from __future__ import annotations

import dataclasses
import re

from assay.domain.errors import BadInputError
from assay.domain.interval import CODES, Interval
from assay.features.bars import VALUE_COLUMNS
from assay.features.higher import Higher
from assay.features.over import Over
from assay.features.registry import find_step
from assay.features.step import Step

_HOUR = Interval.parse("1h")
_FORM = "write a name and its parameters, like ema:12, bollinger:20:2.5, rsi:14@4h or rolling_mean:24@volume"
_WHOLE = re.compile(r"-?[0-9]{1,9}")
_NUMBER = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,9})?")
_WORDS = re.compile(r"[A-Za-z0-9_+/-]{1,64}")
_LONGEST = 100


def parse_step(text: str) -> Step:
    """Return the Step that a text means; parameters left out have their usual values.

    Raises
    ------
    BadInputError
        If there is no such Step, or it does not take these parameters.
    """
    main, at, source = text.partition("@")
    if len(text) > _LONGEST or (at and not source):
        raise BadInputError("not an indicator", value=text[:_LONGEST], todo=_FORM)
    step = _plain(main, text)
    if not at:
        return step
    if source in VALUE_COLUMNS:
        return Over(step, source)
    if source in CODES:
        return over_interval(step, source)
    todo = f"after @ comes a longer interval or one of {', '.join(VALUE_COLUMNS)}"
    raise BadInputError("an indicator over nothing that is known", value=text, todo=todo)


def over_interval(step: Step, code: str) -> Higher:
    """Return the Step over bars of the longer interval `code`, for bars of any shorter one.

    >>> over_interval(find_step("rsi")(), "15m").outputs
    ('rsi_14_15m',)
    """
    longer = Interval.parse(code)
    # The base only says how many bars the warm-up takes: an hour, but where bars of an hour are too long.
    is_long = longer.is_calendar or longer.microseconds > _HOUR.microseconds
    return Higher(step, code) if is_long else Higher(step, code, "1m")


def step_text(step: Step) -> str:
    """Return the text that :func:`parse_step` reads back as `step`, with all parameters.

    Raises
    ------
    BadInputError
        If it has none: a Step over another Step is written in a file of feature sets.
    """
    if isinstance(step, Higher):
        text = f"{step_text(step.step)}@{step.interval}"
    elif isinstance(step, Over):
        text = f"{step_text(step.step)}@{step.source}"
    else:
        text = ":".join([step.name, *(_written(value) for value in parameters(step).values())])
    if "@" in text.partition("@")[2] or not isinstance(getattr(step, "source", ""), str):
        raise BadInputError("an indicator without a short text", value=step.outputs[0], todo="name it in a feature set")
    return text


def parameters(step: Step) -> dict[str, int | float | str]:
    """Return the parameters of a plain Step by name."""
    # The contract of a Step asks for a dataclass; a Protocol cannot say so.
    return {field.name: getattr(step, field.name) for field in dataclasses.fields(step)}  # type: ignore[arg-type]


def _plain(text: str, whole: str) -> Step:
    name, *given = text.split(":")
    make = find_step(name)
    usual = parameters(make())
    if len(given) > len(usual):
        names = ", ".join(usual) or "nothing"
        raise BadInputError(f"too many parameters for {name}", value=whole, todo=f"it takes {names}")
    values = [_value(one, value, whole) for one, value in zip(given, usual.values(), strict=False)]
    return make(*values)


def _value(text: str, usual: float | str, whole: str) -> int | float | str:
    """Return a parameter of the kind that the usual one has."""
    kinds = ((str, _WORDS), (int, _WHOLE), (float, _NUMBER))
    for kind, form in kinds:
        if type(usual) is kind and form.fullmatch(text):
            return kind(text)
    raise BadInputError("not an indicator", value=whole, todo=_FORM)


def _written(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.9f}".rstrip("0").rstrip(".")
