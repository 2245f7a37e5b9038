"""A Step and what it is held against: whoever gives the bars puts that reference into them.

>>> from assay.features.indicators.beta import Beta
>>> Against(Beta(168), "BTC-USDT").outputs
('beta_168_to_btc_usdt', 'correlation_168_to_btc_usdt')
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from assay.domain.errors import BadInputError
from assay.features.bars import FloatArray
from assay.features.indicators.beta import Beta
from assay.features.reference_names import column_of, parse_reference
from assay.features.step import Kernel, Step, StepDocs, Values, check_is_step

_REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class Against:
    """A Step that reads the reference, with the name of the one that it is to be given.

    Parameters
    ----------
    step : Step
        What to compute.
    to : str
        The reference: :mod:`assay.features.reference_names` says what can be named.

    Raises
    ------
    BadInputError
        If the Step reads no reference, or that is no name of one.
    """

    step: Step = Beta()  # noqa: RUF009  # frozen
    to: str = "BTC-USDT"

    name: ClassVar[str] = "against"

    def __post_init__(self) -> None:
        check_is_step(self.name, self.step)
        if _REFERENCE not in self.step.inputs:
            todo = "take a step that reads the reference, such as beta, or one over the reference"
            raise BadInputError("a step that is held against nothing", value=self.step.name, todo=todo)
        if any(references_of(part) for part in _parts_of(self)):
            todo = "name one reference, in front of the step"
            raise BadInputError("a step that is held against two references", value=self.to, todo=todo)
        parse_reference(self.to)

    @property
    def docs(self) -> StepDocs:
        """The Step's, with the reference by its name."""
        mine = self.step.docs
        return dataclasses.replace(
            mine, title=f"{mine.title}: {self.to}", formula=f"{mine.formula}; the reference is {self.to}"
        )

    @property
    def inputs(self) -> tuple[str, ...]:
        """What the Step reads."""
        return self.step.inputs

    @property
    def outputs(self) -> tuple[str, ...]:
        """The Step's columns, with the reference after them."""
        return tuple(f"{column}_to_{column_of(self.to)}" for column in self.step.outputs)

    @property
    def warmup(self) -> int:
        """As the Step's, where the reference is there from the first bar on."""
        return self.step.warmup

    @property
    def params(self) -> Values:
        """Return the Step's."""
        return self.step.params

    @property
    def kernel(self) -> Kernel:
        """Return the Step's: the reference is in the bars that it is given."""
        return self.step.kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Return the Step's start."""
        return self.step.init()


def references_of(step: Step) -> tuple[str, ...]:
    """Return the names of the references that a Step, and those it is made of, are held against; sorted.

    >>> references_of(Against()), references_of(Beta())
    (('BTC-USDT',), ())
    """
    found = {step.to} if isinstance(step, Against) else set()
    for part in _parts_of(step):
        found.update(references_of(part))
    return tuple(sorted(found))


def _parts_of(step: Step) -> list[Step]:
    # The contract asks for a dataclass; a Protocol cannot say so.
    values = [getattr(step, field.name) for field in dataclasses.fields(step)]  # type: ignore[arg-type]
    return [value for value in values if dataclasses.is_dataclass(value) and hasattr(value, "kernel")]  # type: ignore[misc]
