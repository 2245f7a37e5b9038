"""Steps by what they tell, for menus and for the reference.

>>> family_of("rsi").name
'momentum'
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from assay.features.over import Over
from assay.features.registry import find_step, known_steps
from assay.features.step import Step


@dataclass(frozen=True, slots=True)
class Family:
    """Steps that tell of the same thing.

    Attributes
    ----------
    name : str
    title : str
    about : str
        What they tell, in a sentence for somebody who trades.
    """

    name: str
    title: str
    about: str

    @property
    def steps(self) -> tuple[str, ...]:
        """Names of its Steps, which say so in their documentation; your own that name none are in :data:`OWN`."""
        return tuple(
            name for name, make in sorted(known_steps().items()) if (make().docs.family or OWN.name) == self.name
        )


FAMILIES = (
    Family(
        "trend",
        "Trend",
        "Where the price is going, and how firmly: averages that follow it, and what is left when they are compared.",
    ),
    Family(
        "momentum",
        "Momentum",
        "How fast the price moves, and whether a move is stretched against those before it.",
    ),
    Family(
        "volatility",
        "Volatility",
        "How far the price swings, from closes alone or from the whole range of each bar.",
    ),
    Family(
        "volume",
        "Volume",
        "Whether trade stands behind a move, and which side is in a hurry.",
    ),
    Family(
        "levels",
        "Support and resistance",
        "Prices at which the market turned before, known from the bar that confirmed the turn.",
    ),
    Family(
        "returns",
        "Returns and risk",
        "What holding has brought so far, and how far it is below its best.",
    ),
    Family(
        "transforms",
        "Lags and moving statistics",
        "Any series as it was n bars ago, or summed up over the last n bars.",
    ),
    Family(
        "calendar",
        "Calendar and sessions",
        "Where in the day, the week and the year a bar opens, on the clock of any time zone.",
    ),
    Family(
        "reference",
        "Beside another market",
        "How a series moves with a reference such as BTC.",
    ),
)
"""In the order in which they are shown; every Step that is shipped is in one of them."""

OWN = Family("own", "Your own", "Indicators of the files in `features.steps` that name no other family.")
"""Of Steps that are not shipped."""


def known_families() -> tuple[Family, ...]:
    """Return the families that have Steps, in the order in which they are shown."""
    return tuple(family for family in (*FAMILIES, OWN) if family.steps)


def family_of(name: str) -> Family:
    """Return the family of the Step called `name`.

    Raises
    ------
    BadInputError
        If there is no such Step.
    """
    wanted = find_step(name)().docs.family or OWN.name
    return next(family for family in (*FAMILIES, OWN) if family.name == wanted)


def families_of(steps: Iterable[Step]) -> dict[str, tuple[str, ...]]:
    """Return the columns of Steps by the names of their families, in the order of the Steps.

    A Step over volumes tells of volume, whatever it does with them; a lag or a moving statistic of another Step tells
    of what that one does.

    >>> from assay.features.declared import steps_of
    >>> families_of(steps_of(["rsi:14", "ema:12", "volume_ratio:24", "roc:6"]))
    {'momentum': ('rsi_14', 'roc_6'), 'trend': ('ema_12',), 'volume': ('volume_ratio_24',)}
    """
    found: dict[str, tuple[str, ...]] = {}
    for step in steps:
        name = _family_name(step)
        found[name] = (*found.get(name, ()), *step.outputs)
    return found


def _family_name(step: Step) -> str:
    """Return the family of a Step, or of the one that it is wrapped around."""
    if isinstance(step, Over):
        if isinstance(step.source, str):
            return "volume" if step.source in _VOLUMES else _family_name(step.step)
        own = _family_name(step.step)
        return _family_name(step.source) if own == "transforms" else own
    inner = getattr(step, "step", None)
    if inner is not None:
        return _family_name(inner)
    return step.docs.family or OWN.name


_VOLUMES = frozenset({"volume", "quote_volume", "taker_buy_volume", "num_trades"})
