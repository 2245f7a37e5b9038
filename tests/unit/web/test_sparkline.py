"""Lines drawn on the server."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from assay.web.sparkline import sparkline


def coordinates(points: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in points.split())]


@given(st.lists(st.floats(min_value=1e-9, max_value=1e9), min_size=2, max_size=84))
def test_line_stays_in_its_box_and_goes_from_left_to_right(values: list[float]) -> None:
    drawn = coordinates(sparkline(values, width=96, height=28).points)
    assert len(drawn) == len(values)
    assert all(0 <= x <= 96 and 0 <= y <= 28 for x, y in drawn)
    assert [x for x, _ in drawn] == sorted(x for x, _ in drawn)


@given(st.lists(st.floats(min_value=1e-3, max_value=1e6), min_size=2, max_size=20))
def test_highest_value_is_drawn_highest(values: list[float]) -> None:
    drawn = coordinates(sparkline(values, width=96, height=28).points)
    assert min(y for _, y in drawn) == drawn[values.index(max(values))][1]


def test_line_without_movement_runs_through_the_middle() -> None:
    assert {y for _, y in coordinates(sparkline((5.0, 5.0, 5.0), height=28).points)} == {14.0}


def test_missing_value_leaves_its_place_empty() -> None:
    drawn = coordinates(sparkline((1.0, math.nan, 3.0), width=22, height=10).points)
    assert drawn == [(1.0, 9.0), (21.0, 1.0)]


def test_fewer_than_two_values_are_no_line() -> None:
    assert [sparkline(values).points for values in ((), (1.0,), (math.nan, 2.0))] == ["", "", ""]


def test_fill_ends_at_the_lower_edge() -> None:
    assert coordinates(sparkline((1.0, 3.0), width=20, height=10).area) == [(1, 9), (19, 1), (19, 10), (1, 10)]
