from __future__ import annotations

from dataclasses import dataclass

import pytest

from assay.domain.errors import BadInputError
from assay.features.bars import FloatArray
from assay.features.ema import Ema
from assay.features.step import NO_WINDOW, Values, check_length, identity


@dataclass(frozen=True)
class Weighted(Ema):
    """As Ema, with another weight or start of the same parameters."""

    @property
    def params(self) -> Values:
        return float(self.n), 1.0 / self.n


@dataclass(frozen=True)
class Started(Ema):
    def init(self) -> tuple[Values, FloatArray]:
        return (0.0, 1.0), NO_WINDOW


def test_identity_changes_with_the_constants_and_the_start_though_the_kernel_is_the_same() -> None:
    assert len({identity(step) for step in (Ema(5), Ema(6), Weighted(5), Started(5))}) == 4
    assert identity(Ema(5)) == identity(Ema(5))
    assert identity(Ema(5)).startswith("ema(n=5)#")


@pytest.mark.parametrize("n", [0, -1, 1, 1_000_001, 2.0, True, "3", None])
def test_a_length_that_is_no_whole_number_in_range_is_refused(n: int) -> None:
    with pytest.raises(BadInputError, match="length of ema out of range.*whole number of bars from 2"):
        check_length("ema", n, minimum=2)


def test_lengths_at_both_ends_are_accepted() -> None:
    check_length("ema", 2, minimum=2)
    check_length("ema", 1_000_000, minimum=2)
