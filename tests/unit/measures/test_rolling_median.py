"""Rolling medians against the median of the values themselves."""

from __future__ import annotations

import math

import numpy as np

from assay.measures.rolling_median import middle, new_windows, push


def test_middle_is_the_median_of_the_last_values_with_ties_and_both_parities() -> None:
    rng = np.random.default_rng(7)
    values = rng.integers(0, 9, 300).astype(float)
    windows = new_windows(2, 8)
    for end in range(values.size):
        push(windows, 0, values[end], 8)
        push(windows, 1, values[end], 5)
        assert middle(windows, 0) == np.median(values[max(0, end - 7) : end + 1])
        assert middle(windows, 1) == np.median(values[max(0, end - 4) : end + 1])


def test_nothing_has_no_middle_and_nan_changes_nothing() -> None:
    windows = new_windows(1, 3)
    assert math.isnan(middle(windows, 0))
    push(windows, 0, math.nan, 3)
    assert math.isnan(middle(windows, 0))
    push(windows, 0, 4.0, 3)
    push(windows, 0, math.nan, 3)
    assert middle(windows, 0) == 4.0
