"""What a model can be asked: which way, by how much, or what to do; and what it is taught for that.

``direction_24h``
    Whether the price is higher 24 hours later.
``delta_1h``
    By how much the price changes within an hour. Models are taught, and scored on, the return: a change in quote units
    means another thing at each level of a price, and for each coin. The return times the price of the moment is the
    change in quote units.
``signal_24h``
    BUY, SELL or HOLD: a direction with a probability that means what it says, and the rule of
    :mod:`assay.measures.signals`.

Any horizon that is a whole number of bars will do.

>>> task = parse_task("delta_90m")
>>> task.kind, task.label.name, task.estimators, task.horizon_in_words
('value', 'return_90m', 'value', '90 m')
>>> parse_task("signal_24h").label.name
'direction_24h'
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from assay.domain.errors import BadInputError
from assay.domain.interval import Interval
from assay.features.labels import LabelRule, parse_label
from assay.models import registry
from assay.models.estimator import LOGISTIC
from assay.pipelines.workspace import Workspace

Kind = Literal["direction", "value", "signal"]
_LABELS: dict[str, tuple[Kind, str]] = {
    "direction": ("direction", "direction"),
    "delta": ("value", "return"),
    "signal": ("signal", "direction"),
}
_TODO = "write direction_24h, signal_24h or delta_1h; m, h, d and w are units of time"


@dataclass(frozen=True, slots=True)
class Task:
    """What is asked.

    Attributes
    ----------
    name : str
        As keys of models have it.
    kind : str
        ``direction``, ``value`` or ``signal``.
    label : LabelRule
        What is taught.
    """

    name: str
    kind: Kind
    label: LabelRule

    @property
    def horizon(self) -> timedelta:
        """How far ahead."""
        return self.label.horizon

    @property
    def horizon_in_words(self) -> str:
        """As people write it, like ``24 h``."""
        written = self.name.rpartition("_")[2]
        return f"{written[:-1]} {written[-1]}"

    @property
    def estimators(self) -> registry.Task:
        """Which estimators can be taught it: those of a direction, or those of a value."""
        return "value" if self.kind == "value" else "direction"

    @property
    def baseline(self) -> str:
        """The name of the estimator that has to be beaten."""
        return "last_value" if self.kind == "value" else "base_rate"

    @property
    def usual_model(self) -> str:
        """The name of the estimator that is taught where nobody names one."""
        return "lightgbm" if self.kind == "value" else LOGISTIC

    def horizon_bars(self, interval: Interval) -> int:
        """Return how many bars it looks ahead.

        Raises
        ------
        BadInputError
            If that is no whole number.
        """
        self.label.check(interval)
        return self.horizon // interval.duration


def find_task(workspace: Workspace, text: str) -> Task:
    """Return the task of that name; without a horizon, that of the settings. Raises as :func:`parse_task`."""
    return parse_task(text, usual_horizon=timedelta(hours=workspace.settings.model.horizon_hours))


def parse_task(text: str, *, usual_horizon: timedelta | None = None) -> Task:
    """Return the task of that name.

    Raises
    ------
    BadInputError
        If there is none.
    """
    asked, _, rest = text.partition("_")
    if asked not in _LABELS:
        raise BadInputError("unknown task", value=text, todo=_TODO)
    kind, label = _LABELS[asked]
    try:
        rule = parse_label(f"{label}_{rest}" if rest else label, usual_horizon=usual_horizon)
    except BadInputError as error:
        raise BadInputError("unknown task", value=text, todo=_TODO) from error
    return Task(rule.name.replace(label, asked, 1), kind, rule)
