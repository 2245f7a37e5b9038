"""Curves with fewer points: nothing that sticks out is lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from assay.measures.thinning import thinned

CURVES = arrays.arrays(
    np.float64,
    st.tuples(st.integers(0, 200), st.integers(1, 3)),
    elements=st.one_of(st.floats(-1e6, 1e6), st.just(np.nan)),
)


@given(CURVES, st.integers(8, 60))
def test_first_last_and_extremes_of_every_curve_are_kept_in_so_many_rows_at_most(
    curves: np.ndarray[tuple[int, int], np.dtype[np.float64]], most: int
) -> None:
    rows = thinned(curves, most=most)
    assert rows.size <= most
    assert (np.diff(rows) > 0).all()
    if curves.size:
        assert (rows[0], rows[-1]) == (0, len(curves) - 1)
    for curve in curves.T:
        known = curve[~np.isnan(curve)]
        if known.size:
            assert (np.nanmin(curve[rows]), np.nanmax(curve[rows])) == (known.min(), known.max())


def test_short_curves_are_left_whole() -> None:
    assert thinned(np.zeros((20, 1)), most=20).tolist() == list(range(20))


def test_too_few_rows_for_the_curves_are_refused() -> None:
    with pytest.raises(ValueError, match="7 rows cannot keep the extremes of 3 curves"):
        thinned(np.zeros((20, 3)), most=7)
