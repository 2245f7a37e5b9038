"""An outage is what lies between a question that nobody answered and the next answer to one like it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from assay.selectors.outages import Outage, Unanswered, find_outages

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def at(minute: int) -> datetime:
    return NOON + timedelta(minutes=minute)


def lost(minute: int, endpoint: str = "klines", *, venue: str = "binance", kind: str = "outage") -> Unanswered:
    return Unanswered(venue, endpoint, kind, f"503 at {minute}", at(minute), at(minute + 3))


def answers(**minutes: Sequence[int]) -> Mapping[tuple[str, str], list[datetime]]:
    return {("binance", endpoint): [at(minute) for minute in found] for endpoint, found in minutes.items()}


def test_an_outage_lasts_from_the_first_question_to_the_next_answer() -> None:
    (found,) = find_outages([lost(15), lost(0), lost(30)], answers(klines=[-15, 45, 60]))
    assert found == Outage("binance", ("klines",), at(0), at(45), 3, "503 at 0")


def test_an_answer_in_between_makes_two_of_it_and_none_at_all_leaves_it_open() -> None:
    later, earlier = find_outages([lost(0), lost(30)], answers(klines=[15]))
    assert (earlier.start, earlier.end) == (at(0), at(15))
    assert (later.start, later.end) == (at(30), None)


def test_endpoints_that_fail_at_the_same_time_are_one_outage_of_the_venue() -> None:
    (found,) = find_outages([lost(0), lost(1, "tickers"), lost(16, "tickers")], answers(klines=[15], tickers=[31]))
    assert (found.endpoints, found.start, found.end, found.questions) == (("klines", "tickers"), at(0), at(31), 3)


def test_what_a_venue_refuses_is_no_outage_and_venues_are_kept_apart() -> None:
    found = find_outages([lost(0, kind="refused"), lost(0, venue="wazirx")], {})
    assert [(one.venue, one.end) for one in found] == [("wazirx", None)]


@given(
    questions=st.lists(st.tuples(st.integers(0, 300), st.sampled_from(["klines", "tickers"])), max_size=30),
    answered=st.dictionaries(
        st.sampled_from(["klines", "tickers"]), st.lists(st.integers(0, 300), max_size=10).map(sorted)
    ),
)
def test_every_lost_question_is_in_one_outage_and_outages_of_a_venue_do_not_overlap(
    questions: list[tuple[int, str]], answered: dict[str, list[int]]
) -> None:
    found = find_outages([lost(minute, endpoint) for minute, endpoint in questions], answers(**answered))
    assert sum(one.questions for one in found) == len(questions)
    for later, earlier in pairwise(found):
        assert earlier.end is not None
        assert earlier.end < later.start
    for minute, endpoint in questions:
        inside = [one for one in found if one.start <= at(minute) and (one.end is None or at(minute) < one.end)]
        assert len(inside) == 1
        assert endpoint in inside[0].endpoints
