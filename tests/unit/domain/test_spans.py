"""Spans against the oracle: a set of whole minutes, minute by minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from assay.domain.spans import Span, Spans, overlaps

ORIGIN = datetime(2024, 2, 29, 23, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LAST = 40
minutes = st.integers(0, LAST)
pairs = st.lists(st.tuples(minutes, minutes), max_size=8)


def moment(minute: int) -> datetime:
    return ORIGIN + minute * MINUTE


def span(pair: tuple[int, int]) -> Span:
    return moment(pair[0]), moment(pair[1])


def spans_of(drawn: list[tuple[int, int]]) -> Spans:
    return Spans.of(map(span, drawn))


def minutes_of(drawn: list[tuple[int, int]]) -> set[int]:
    """The oracle: every minute of every pair, one by one."""
    return {minute for start, end in drawn for minute in range(start, end)}


def assert_holds(spans: Spans, expected: set[int]) -> None:
    """Check the moments, and that the edges are in their one normal form."""
    assert {minute for minute in range(-1, LAST + 2) if moment(minute) in spans} == expected
    assert all(earlier < later for earlier, later in pairwise(spans.edges))
    assert len(spans.edges) == 2 * len(spans)
    assert spans.length == len(expected) * MINUTE
    assert bool(spans) is bool(expected)


@given(pairs)
def test_set_holds_the_moments_of_its_spans_and_no_others(drawn: list[tuple[int, int]]) -> None:
    assert_holds(spans_of(drawn), minutes_of(drawn))


@given(pairs, pairs)
def test_union_intersection_and_difference_agree_with_sets_of_minutes(
    one: list[tuple[int, int]], two: list[tuple[int, int]]
) -> None:
    left, right = spans_of(one), spans_of(two)
    assert_holds(left | right, minutes_of(one) | minutes_of(two))
    assert_holds(left & right, minutes_of(one) & minutes_of(two))
    assert_holds(left - right, minutes_of(one) - minutes_of(two))


@given(pairs, st.tuples(minutes, minutes))
def test_clip_agrees_with_sets_of_minutes(drawn: list[tuple[int, int]], within: tuple[int, int]) -> None:
    assert_holds(spans_of(drawn).clip(*span(within)), minutes_of(drawn) & minutes_of([within]))


@given(pairs, st.integers(0, 6))
def test_only_gaps_up_to_the_bridge_are_filled(drawn: list[tuple[int, int]], gap: int) -> None:
    held = sorted(minutes_of(drawn))
    filled = [
        minute for earlier, later in pairwise(held) if later - earlier - 1 <= gap for minute in range(earlier, later)
    ]
    assert_holds(spans_of(drawn).bridged(gap * MINUTE), {*held, *filled})


@given(st.lists(pairs, max_size=5))
def test_overlaps_count_the_sets_that_a_moment_is_in(many: list[list[tuple[int, int]]]) -> None:
    found = overlaps(map(spans_of, many))
    counted = {minute: count for start, end, count in found for minute in range(LAST) if start <= moment(minute) < end}
    in_sets = [minutes_of(drawn) for drawn in many]
    expected = {minute: sum(minute in one for one in in_sets) for minute in range(LAST)}
    assert counted == {minute: count for minute, count in expected.items() if count}
    assert all(start < end for start, end, _ in found)
    neighbours = pairwise(found)
    assert all(one[1] < two[0] or (one[1] == two[0] and one[2] != two[2]) for one, two in neighbours)


@given(pairs)
def test_sets_of_the_same_moments_are_equal_and_hash_alike(drawn: list[tuple[int, int]]) -> None:
    apart = spans_of([(minute, minute + 1) for minute in minutes_of(drawn)])
    assert apart == spans_of(drawn[::-1])
    assert hash(apart) == hash(spans_of(drawn))


def test_a_hundred_thousand_spans_are_one_set_less_another() -> None:
    evens = Spans.of((moment(2 * number), moment(2 * number + 1)) for number in range(100_000))
    odds = Spans.of((moment(2 * number + 1), moment(2 * number + 2)) for number in range(100_000))
    whole = Spans.of([(moment(0), moment(200_000))])
    assert len(evens) == 100_000
    assert evens | odds == whole
    assert whole - evens == odds
    assert evens & odds == Spans()
    assert whole & odds == odds
