"""Forecasts without a model: by hand, against a slow second way, and what they do not know."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.domain.errors import BadInputError
from assay.measures.naive_forecasts import (
    Spans,
    ewma_known,
    last_known,
    mean_known,
    moving_mean_known,
    rms_known,
    same_time_known,
)

HOUR = 3_600_000_000


def slow(values: list[float], at: np.ndarray, until: np.ndarray, row: int) -> list[float]:
    """Return the outcomes that are known at a row's moment, the oldest first."""
    return [value for value, end in zip(values, until, strict=True) if end <= at[row]]


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=40), st.integers(1, 5), st.sets(st.integers(0, 39)))
def test_each_row_says_what_the_outcomes_known_by_then_say(values: list[float], horizon: int, holes: set[int]) -> None:
    places = np.array([place for place in range(len(values)) if place not in holes], dtype=np.int64)
    kept = [values[place] for place in places]
    spans = Spans(places * HOUR, (places + horizon) * HOUR)
    array = np.array(kept)
    last, mean, ewma = last_known(array, spans), mean_known(array, spans), ewma_known(array, spans, half_life=2.0)
    moving, rms = moving_mean_known(array, spans, window=3), rms_known(array, spans, window=3)
    seasonal = same_time_known(array, spans, season_us=4 * HOUR)
    for row in range(len(kept)):
        known = slow(kept, spans.at, spans.until, row)
        same = [
            value
            for value, begin, end in zip(kept, spans.at, spans.until, strict=True)
            if end <= spans.at[row] and (spans.at[row] - begin) % (4 * HOUR) == 0
        ]
        if not known:
            assert np.isnan([last[row], mean[row], ewma[row], seasonal[row]]).all()
            continue
        weights = 0.5 ** (np.arange(len(known))[::-1] / 2.0)
        assert last[row] == known[-1]
        assert mean[row] == pytest.approx(np.mean(known), abs=1e-9)
        assert ewma[row] == pytest.approx(np.average(known, weights=weights), abs=1e-9)
        assert np.isnan(seasonal[row]) if not same else seasonal[row] == same[-1]
        if len(known) < 3:
            assert np.isnan([moving[row], rms[row]]).all()
        else:
            assert moving[row] == pytest.approx(np.mean(known[-3:]), abs=1e-9)
            assert rms[row] == pytest.approx(np.sqrt(np.mean(np.square(known[-3:]))), abs=1e-5)


def test_an_outcome_a_day_ahead_is_a_day_old_when_it_is_known() -> None:
    at = np.arange(72) * HOUR
    said = last_known(np.arange(72.0), Spans(at, at + 24 * HOUR))
    assert np.isnan(said[:24]).all()
    assert said[24:].tolist() == list(range(48))


def test_nonsense_is_refused() -> None:
    at = np.arange(3)
    with pytest.raises(BadInputError, match="in order of time"):
        Spans(at[::-1].copy(), at + 5)
    with pytest.raises(BadInputError, match="known after it is asked for"):
        Spans(at, at)
    with pytest.raises(BadInputError, match="start and an end"):
        Spans(at, at[:2])
    spans = Spans(at, at + 1)
    with pytest.raises(BadInputError, match="half-life"):
        ewma_known(np.ones(3), spans, half_life=0.0)
    with pytest.raises(BadInputError, match="window"):
        moving_mean_known(np.ones(3), spans, window=0)
    with pytest.raises(BadInputError, match="season"):
        same_time_known(np.ones(3), spans, season_us=0)
