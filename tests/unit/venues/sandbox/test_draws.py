"""Draws by position: against the published generator, the exact laws, and the standard library."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.venues.sandbox.draws import Stream, exp, exponential, normal, on_grid, uniform

WORDS = Stream.of(11, "test").raw(0, 400_000)


def test_generator_is_the_published_one() -> None:
    # Random123's file kat_vectors, "philox4x64 10" with counter and key zero. NumPy counts up before it draws, so the
    # block of counter zero comes after the last counter there is.
    words = Stream(key=0).raw(4 * (2**256 - 1), 4)
    assert [f"{word:016x}" for word in words.tolist()] == [
        "16554d9eca36314c", "db20fe9d672d0fdc", "d7e772cee186176b", "7e68b68aec7ba23b",
    ]  # fmt: skip


@given(start=st.integers(0, 10**12), skip=st.integers(0, 50), count=st.integers(0, 50))
def test_words_do_not_depend_on_where_reading_began(start: int, skip: int, count: int) -> None:
    stream = Stream.of(3, "a")
    assert np.array_equal(stream.raw(start, skip + count)[skip:], stream.raw(start + skip, count))


def test_seeds_and_names_have_streams_of_their_own() -> None:
    streams = [Stream.of(1, "a"), Stream.of(2, "a"), Stream.of(1, "b"), Stream.of(-1, "a")]
    assert len({stream.raw(0, 1)[0] for stream in streams}) == 4


def test_normal_has_the_quantiles_of_the_normal_law() -> None:
    z = np.sort(normal(WORDS))
    # Kolmogorov: with 400,000 draws the largest distance of the two laws exceeds 1.95 / sqrt(n) once in a thousand.
    law = np.array([NormalDist().cdf(x) for x in z[::40]])
    assert np.abs(law - (np.arange(z.size)[::40] + 0.5) / z.size).max() < 1.95 / math.sqrt(z.size)
    assert abs(z.mean()) < 4 / math.sqrt(z.size)
    assert z.var() == pytest.approx(1.0, abs=4 * math.sqrt(2 / z.size))
    assert 3.9 < np.abs(z).max() < 4.01


def test_exponential_has_the_quantiles_of_the_exponential_law() -> None:
    x = exponential(WORDS, 32)
    assert x.mean() == pytest.approx(1.0, abs=4 / math.sqrt(x.size))
    for part in (0.1, 0.5, 0.9, 0.99):
        assert (x < -math.log(1 - part)).mean() == pytest.approx(part, abs=4 * math.sqrt(part / x.size))


def test_uniform_fills_the_unit_interval_and_never_reaches_its_ends() -> None:
    u = uniform(WORDS, 16)
    assert 0.0 < u.min() < 0.001
    assert 0.999 < u.max() < 1.0
    assert u.mean() == pytest.approx(0.5, abs=4 / math.sqrt(12 * u.size))


def test_exp_agrees_with_the_standard_library() -> None:
    x = np.linspace(-30, 30, 100_001)
    expected = np.array([math.exp(one) for one in x.tolist()])
    assert np.abs(exp(x) / expected - 1).max() < 1e-15


def test_sums_on_the_grid_are_exact_in_any_order() -> None:
    steps = on_grid(normal(WORDS) * 0.01)
    assert float(np.cumsum(steps)[-1]) == float(np.cumsum(steps[::-1])[-1]) == math.fsum(steps.tolist())
    assert np.abs(steps - normal(WORDS) * 0.01).max() <= 2.0**-41
