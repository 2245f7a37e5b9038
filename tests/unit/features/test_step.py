from __future__ import annotations

import math
from dataclasses import dataclass, field

import pytest

from assay.domain.errors import BadInputError
from assay.features.bars import FloatArray
from assay.features.indicators.ema import Ema
from assay.features.step import NO_WINDOW, Values, check_factor, check_length, identity, text_of


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


def test_a_length_beyond_a_maximum_of_its_own_is_refused() -> None:
    check_length("levels", 1000, maximum=1000)
    with pytest.raises(BadInputError, match="from 1 to 1000"):
        check_length("levels", 1001, maximum=1000)


@pytest.mark.parametrize("factor", [-0.5, 10.5, math.nan, math.inf, True, "2", None])
def test_a_factor_that_is_no_number_in_range_is_refused(factor: float) -> None:
    with pytest.raises(BadInputError, match=r"factor of bollinger out of range.*a number from 0 to 10.25$"):
        check_factor("bollinger", factor, minimum=0.0, maximum=10.25)


def test_factors_at_both_ends_and_whole_ones_are_accepted() -> None:
    for factor in (0, 0.0, 3, 10.25):
        check_factor("bollinger", factor, minimum=0.0, maximum=10.25)


def test_numbers_that_differ_have_names_that_differ() -> None:
    numbers = (2, 2.5, 25, -2.5, 0.02, 1e-9, 1e9, 1 / 3, math.nextafter(2.0, 3.0))
    names = [text_of(number) for number in numbers]
    assert names[:7] == ["2", "2p5", "25", "m2p5", "0p02", "0p000000001", "1000000000"]
    assert len(set(names)) == len(numbers)
    assert all(f"x_{name}".isidentifier() for name in names)


@dataclass(frozen=True)
class Scaled(Ema):
    """As Ema, with a factor, and a note that changes no number."""

    factor: float = 2.0
    note: str = field(default="", compare=False)


def test_identity_takes_a_whole_factor_for_the_number_it_is_and_leaves_out_what_changes_nothing() -> None:
    identity.cache_clear()
    whole = identity(Scaled(5, 2))
    identity.cache_clear()
    assert identity(Scaled(5, 2.0, note="other")) == whole
    assert whole.startswith("ema(n=5,factor=2.0)#")
    assert identity(Scaled(5, 2.5)) != whole
