"""Moving values of many rows at once against the same pushed one by one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest

from assay.features.bars import FloatArray
from assay.features.blocks import are_whole, blank, max_rows, min_rows, moment_rows, sum_rows
from assay.features.windows import HIGHEST, LOWEST, empty, push_max, push_min, push_moments, push_sum
from tests.unit.features.made_bars import same_bits

Push = Callable[[FloatArray, int, int, float, float, float], tuple[float, float, float]]
Rows = Callable[[FloatArray, int, int, tuple[float, float], FloatArray, FloatArray], tuple[float, float]]
MOVING: list[tuple[Rows, Push, float, float]] = [
    (sum_rows, push_sum, 0.0, 0.0),
    (max_rows, push_max, LOWEST, LOWEST),
    (min_rows, push_min, HIGHEST, HIGHEST),
]
CUTS = (0, 1, 3, 4, 11, 11, 29, 70)
"""Where the values are cut into parts: shorter and longer than a window, one of them empty."""


def values(seed: int = 0) -> FloatArray:
    """Numbers of both signs and all sizes, with equal ones and zeros of both signs among them."""
    rng = np.random.default_rng(seed)
    made = rng.normal(size=CUTS[-1]) * np.exp(rng.uniform(-20.0, 20.0, CUTS[-1]))
    made[rng.integers(0, CUTS[-1], 12)] = rng.choice([0.0, -0.0, 2.5], 12)
    return np.asarray(made)


@pytest.mark.parametrize(("rows", "push", "beginning", "start"), MOVING, ids=lambda one: getattr(one, "__name__", ""))
@pytest.mark.parametrize("n", [1, 2, 5, 30, 100])
def test_rows_at_once_say_and_leave_what_pushing_each_does(
    rows: Rows, push: Push, beginning: float, start: float, n: int
) -> None:
    at = 3
    window, places = np.full(n + at, beginning), np.full(n + at, beginning)
    held, (slot, run) = (0.0, start), (0.0, start)
    for begin, end in itertools.pairwise(CUTS):
        part, out = values()[begin:end], np.empty(end - begin)
        held = rows(window, at, n, held, part, out)
        expected = np.empty(end - begin)
        for row, value in enumerate(part.tolist()):
            slot, run, expected[row] = push(places, at, n, slot, run, value)
        assert same_bits(out, expected)
        assert same_bits(window, places)
        assert same_bits(np.array(held), np.array([slot, run]))


@pytest.mark.parametrize("n", [2, 5, 30, 100])
def test_moments_of_rows_at_once_are_those_of_pushing_each(n: int) -> None:
    window, places = empty(2 * n + 3), empty(2 * n + 3)
    held = pushed = (0.0, 0.0, 0.0, math.nan)
    for begin, end in itertools.pairwise(CUTS):
        part = values()[begin:end]
        out = np.empty((3, end - begin))
        held = moment_rows(window, 3, n, held, part, (out[0], out[1], out[2]))
        expected = np.empty((3, end - begin))
        for row, value in enumerate(part.tolist()):
            *moved, one, two = push_moments(places, 3, n, pushed, value)
            pushed = (moved[0], moved[1], moved[2], moved[3])
            expected[:, row] = moved[3], one, two
        assert same_bits(out, expected)
        assert same_bits(window, places)
        assert same_bits(np.array(held), np.array(pushed))


def test_places_that_are_not_there_give_nan_and_nothing_is_touched() -> None:
    window, part, out = empty(4), np.ones(6), np.zeros((3, 6))
    for at, n in ((2, 3), (-1, 3), (0, 5)):
        for rows in (sum_rows, max_rows, min_rows):
            assert rows(window, at, n, (0.0, 7.0), part, out[0]) == (0.0, 7.0)
            assert np.isnan(out[0]).all()
    held = (0.0, 1.0, 2.0, 3.0)
    assert moment_rows(window, 0, 3, held, part, (out[0], out[1], out[2])) == held
    assert np.isnan(out[1:]).all()
    assert same_bits(window, empty(4))


def test_whole_columns_and_the_first_rows_of_one() -> None:
    here, gap = np.array([1.0, -1.0]), np.array([1.0, np.nan])
    assert are_whole(here)
    assert are_whole(here, here, here)
    assert not are_whole(gap)
    assert not are_whole(here, here, gap, here)
    assert are_whole(np.empty(0))
    for rows, missing in ((-3.0, 0), (0.0, 0), (1.0, 1), (9.0, 2)):
        column = np.zeros(2)
        blank(column, rows)
        assert np.isnan(column).tolist() == [True] * missing + [False] * (2 - missing)
