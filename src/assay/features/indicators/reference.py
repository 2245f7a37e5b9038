"""The reference itself, such as the dominance of BTC, as a feature.

>>> Reference().outputs
('reference',)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from assay.features.bars import Bar, FloatArray
from assay.features.step import NO_WINDOW, Kernel, StepDocs, Values


def reference_kernel(state: Values, _window: FloatArray, bar: Bar, _params: Values) -> tuple[Values, Values]:
    """Hold nothing."""
    return state, (bar.reference,)


@dataclass(frozen=True, slots=True)
class Reference:
    """What the bars are held against, as known when each closed."""

    name: ClassVar[str] = "reference"
    inputs: ClassVar[tuple[str, ...]] = ("reference",)
    docs: ClassVar[StepDocs] = StepDocs(
        family="reference",
        title="Reference",
        formula="the last value of the reference at or before the close",
        units=("units of the reference",),
        gap_rule="a missing bar is skipped: every value stands for itself",
        nan_rule="NaN where the reference is",
        reference="by definition",
    )

    @property
    def outputs(self) -> tuple[str, ...]:
        """One column."""
        return (self.name,)

    @property
    def warmup(self) -> int:
        """Every bar has its own."""
        return 0

    @property
    def params(self) -> Values:
        """Return nothing of meaning: there are no parameters."""
        return (0.0,)

    @property
    def kernel(self) -> Kernel:
        """Return :func:`reference_kernel`."""
        return reference_kernel

    def init(self) -> tuple[Values, FloatArray]:
        """Nothing to hold."""
        return (0.0,), NO_WINDOW
