"""Wilson's interval against published figures and what has to hold of any interval."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.domain.errors import BadInputError
from assay.measures.proportion import wilson_interval


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    # Newcombe (1998), Statistics in Medicine 17, table I, method 3 (score, without continuity correction).
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_interval_is_the_published_one(successes: int, n: int, low: float, high: float) -> None:
    found = wilson_interval(successes / n, n)
    assert found == pytest.approx((low, high), abs=5e-5)


@given(share=st.floats(0, 1), n=st.floats(0.01, 1e9), level=st.floats(0.01, 0.999))
def test_interval_holds_its_proportion_and_stays_between_none_and_all(share: float, n: float, level: float) -> None:
    low, high = wilson_interval(share, n, level=level)
    assert 0.0 <= low <= share + 1e-9
    assert share - 1e-9 <= high <= 1.0


def test_interval_narrows_with_more_observations() -> None:
    widths = [high - low for low, high in (wilson_interval(0.5, n) for n in (1, 10, 100, 1000))]
    assert widths == sorted(widths, reverse=True)


@pytest.mark.parametrize(("share", "n", "level"), [(-0.1, 5, 0.95), (0.5, 0, 0.95), (0.5, 5, 1.0), (math.nan, 5, 0.9)])
def test_what_is_no_proportion_is_refused(share: float, n: float, level: float) -> None:
    with pytest.raises(BadInputError):
        wilson_interval(share, n, level=level)
