"""The band around a forecast: as often as it says, by quantiles of errors, and counted forward in time."""

from __future__ import annotations

import math

import numpy as np
import pytest

from assay.domain.errors import BadInputError, NoDataError
from assay.measures.residuals import residual_band


def test_band_holds_as_often_as_it_says_where_errors_stay_as_they_are() -> None:
    errors = np.random.default_rng(7).standard_t(3, size=20_000)
    found = residual_band(errors, np.repeat(np.arange(5), 4_000), level=0.9)
    assert np.mean((errors >= found.low) & (errors <= found.high)) == pytest.approx(0.9, abs=1e-3)
    assert (found.low, found.high) == (np.quantile(errors, 0.05), np.quantile(errors, 0.95))
    assert found.held == pytest.approx(0.9, abs=0.01)
    assert found.blocks == 4


def test_band_that_did_not_hold_says_so() -> None:
    calm, wild = np.linspace(-1, 1, 100), np.linspace(-10, 10, 100)
    found = residual_band(np.concatenate([calm, wild]), np.repeat([0, 1], 100))
    assert found.held == pytest.approx(0.09, abs=0.02)


def test_one_block_has_a_band_and_no_count_of_how_often_it_held() -> None:
    found = residual_band(np.array([-1.0, 1.0]), np.zeros(2, dtype=np.int64))
    assert math.isnan(found.held)
    assert found.to_dict()["held"] is None


def test_errors_that_cannot_be_used_are_refused() -> None:
    block = np.zeros(2, dtype=np.int64)
    with pytest.raises(BadInputError, match="must be finite"):
        residual_band(np.array([1.0, np.nan]), block)
    with pytest.raises(BadInputError, match="must be finite"):
        residual_band(np.array([1.0]), block)
    with pytest.raises(BadInputError, match="level"):
        residual_band(np.array([1.0, 2.0]), block, level=1.0)
    with pytest.raises(NoDataError, match="no forecast"):
        residual_band(np.empty(0), block[:0])
