"""The normal and Student's t distribution equal SciPy's, far out in the tails too."""

from __future__ import annotations

import math

import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

from assay.domain.errors import BadInputError
from assay.measures.distributions import normal_below, normal_quantile, student_t_critical, student_t_upper

FREEDOM = (1, 2, 3, 9, 30, 237, 5_000, 1_000_000)


@given(st.floats(-38, 8))
def test_normal_equals_scipy_to_the_last_digits_of_its_lower_tail(value: float) -> None:
    assert normal_below(value) == pytest.approx(float(scipy.special.ndtr(value)), rel=1e-13)


@given(st.floats(1e-300, 1, exclude_max=True))
def test_normal_quantile_equals_scipy(probability: float) -> None:
    assert normal_quantile(probability) == pytest.approx(float(scipy.special.ndtri(probability)), rel=1e-12, abs=1e-12)


@given(value=st.floats(-60, 60), freedom=st.sampled_from(FREEDOM))
def test_student_t_equals_scipy(value: float, freedom: int) -> None:
    assert student_t_upper(value, freedom=freedom) == pytest.approx(
        float(scipy.special.stdtr(freedom, -value)), rel=1e-8, abs=1e-300
    )


@given(exponent=st.floats(-12, math.log10(0.5)), freedom=st.sampled_from(FREEDOM))
def test_critical_value_has_the_tail_that_was_asked_for(exponent: float, freedom: int) -> None:
    tail = 10**exponent
    critical = student_t_critical(tail, freedom=freedom)
    assert student_t_upper(critical, freedom=freedom) == pytest.approx(tail, rel=1e-9)
    assert critical >= 0


def test_critical_values_are_those_of_the_printed_tables() -> None:
    # Fisher and Yates' table of t, two-sided 5 % and 1 %: 10 and 120 degrees of freedom.
    tails = {(0.025, 10): 2.228, (0.005, 10): 3.169, (0.025, 120): 1.980, (0.005, 120): 2.617}
    assert {key: round(student_t_critical(key[0], freedom=key[1]), 3) for key in tails} == tails


def test_ends_are_certain_and_nan_stays_nan() -> None:
    assert student_t_upper(math.inf, freedom=3) == 0.0
    assert student_t_upper(-math.inf, freedom=3) == 1.0
    assert student_t_upper(0.0, freedom=3) == 0.5
    assert student_t_critical(0.5, freedom=3) == 0.0
    assert math.isnan(student_t_upper(math.nan, freedom=3))
    assert math.isnan(normal_below(math.nan))


def test_nonsense_is_refused() -> None:
    with pytest.raises(BadInputError, match="degrees of freedom"):
        student_t_upper(1.0, freedom=0)
    with pytest.raises(BadInputError, match="a tail is above 0"):
        student_t_critical(0.6, freedom=3)
    for probability in (0.0, 1.0, math.nan):
        with pytest.raises(BadInputError, match="between 0 and 1"):
            normal_quantile(probability)
