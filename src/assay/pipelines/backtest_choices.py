"""Combinations of what is a choice in a backtest: numbers in rules, sizes and stops, a model's thresholds."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from assay.domain.errors import BadInputError
from assay.pipelines.backtest_sizing import Sizing
from assay.pipelines.backtest_strategies import ModelPlan, Plan, RulesPlan
from assay.pipelines.backtest_teaching import TaughtPlan

MOST = 10_000
_PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
SIDES = ("buy", "sell", "short", "cover")
_NOTHING = "none"


@dataclass(frozen=True, slots=True)
class Choice:
    """One combination: what was put in, and what that makes of a request."""

    values: Mapping[str, str] = field(hash=False)
    plan: Plan
    sizing: Sizing
    names: tuple[str, ...] = ()
    """The columns that its rules read."""


def choices_of(plan: Plan, sizing: Sizing, values: Mapping[str, Sequence[str]]) -> list[Choice]:
    """Return every combination of values, the last name's going fastest.

    Parameters
    ----------
    plan : Plan
        Rules may have names in braces: ``rsi_14 < {low}``, also ``ema_{fast} crosses above ema_{slow}``.
    sizing : Sizing
    values : mapping of str to sequence of str
        What is put in the place of each name. A name that stands in braces in no rule is one of the sizing (``size``,
        ``stop_loss``, ``take_profit``, ``trailing``, ``max_bars``), or of a model's thresholds (``enter``, ``leave``);
        ``none`` is a stop that is not there.

    Raises
    ------
    BadInputError
        If a name in braces has no values, a name means nothing here or has no values, a value is no number or out of
        range, or there are more than 10,000 combinations.
    """
    places = _places(plan)
    names = _check_names(plan, places, values)
    count = math.prod(len(set(some)) for some in values.values())
    if count > MOST:
        raise BadInputError("too many combinations", value=f"{count:,}", todo=f"try {MOST:,} at most")
    made: list[Choice] = []
    for chosen in itertools.product(*(dict.fromkeys(some) for some in values.values())):
        numbers = dict(zip(values, chosen, strict=True))
        one = _Choosing(plan, sizing)
        for name, text in numbers.items():
            if name not in places:
                names[name](one, text)
        if places and isinstance(one.plan, RulesPlan):
            one.plan = _filled(one.plan, numbers)
        one.sizing.check()
        # What is wrong with one is said before anything is tried.
        names_read = one.plan.names if isinstance(one.plan, RulesPlan) else ()
        made.append(Choice(numbers, one.plan, one.sizing, names_read))
    return made


@dataclass(slots=True)
class _Choosing:
    """A combination in the making."""

    plan: Plan
    sizing: Sizing


def _places(plan: Plan) -> frozenset[str]:
    """Return the names in braces."""
    if not isinstance(plan, RulesPlan):
        return frozenset()
    return frozenset(place for side in SIDES for place in _PLACE.findall(getattr(plan, side)))


def _check_names(
    plan: Plan, places: frozenset[str], values: Mapping[str, Sequence[str]]
) -> Mapping[str, Callable[[_Choosing, str], None]]:
    """Return what sets each of the names that are not in braces."""
    if plan.kind in ("weights", "code"):
        raise BadInputError("nothing here can be varied", value=plan.kind, todo='give --buy "rsi_14 < {low}"')
    known = _SIZINGS | (_THRESHOLDS if isinstance(plan, ModelPlan | TaughtPlan) else {})
    wrong = sorted((places - values.keys()) | (values.keys() - places - known.keys()))
    wrong = wrong or sorted(name for name, some in values.items() if not some)
    if wrong or not values:
        todo = 'give each name in braces its values and each value a name: --buy "rsi_14 < {low}" --vary low=20,25,30'
        todo += f"; besides there are {', '.join(known)}"
        raise BadInputError("a name without values, or values without a name", value=", ".join(wrong), todo=todo)
    return known


def _filled(plan: RulesPlan, numbers: Mapping[str, str]) -> RulesPlan:
    texts = {side: _PLACE.sub(lambda found: numbers[found[1]], getattr(plan, side)) for side in SIDES}
    return replace(plan, **texts)


def _number(name: str, text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise BadInputError(f"not a number to try as {name}", value=text, todo=f"write --vary {name}=0.01,0.02")
    return found


def _of_sizing(name: str, field_: str, *, may_lack: bool) -> Callable[[_Choosing, str], None]:
    def choose(one: _Choosing, text: str) -> None:
        value: float | None = None if may_lack and text.lower() == _NOTHING else _number(name, text)
        if field_ == "max_bars":
            assert value is not None
            if value != int(value) or value < 0:
                raise BadInputError("no such number of bars", value=text, todo="give whole numbers; 0: never")
            value = int(value)
        given: Any = {field_: value}
        one.sizing = replace(one.sizing, **given)

    return choose


def _of_thresholds(name: str) -> Callable[[_Choosing, str], None]:
    def choose(one: _Choosing, text: str) -> None:
        assert isinstance(one.plan, ModelPlan | TaughtPlan)
        given: Any = {name: _number(name, text)}
        one.plan = replace(one.plan, thresholds=replace(one.plan.thresholds, **given))

    return choose


_SIZINGS = {
    "size": _of_sizing("size", "size", may_lack=False),
    "stop_loss": _of_sizing("stop_loss", "stop_loss", may_lack=True),
    "take_profit": _of_sizing("take_profit", "take_profit", may_lack=True),
    "trailing": _of_sizing("trailing", "trailing_stop", may_lack=True),
    "max_bars": _of_sizing("max_bars", "max_bars", may_lack=False),
}
_THRESHOLDS = {"enter": _of_thresholds("enter"), "leave": _of_thresholds("leave")}
