"""What is asked of a series, round after round, held against a venue of which every bar is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.domain.instrument import SeriesId
from assay.domain.interval import EPOCH, Interval
from assay.domain.spans import Spans
from assay.lake.coverage import CoverageLedger
from assay.pipelines.ingesting.batches import is_cut, klines_batch
from assay.pipelines.ingesting.client import Answer
from assay.pipelines.ingesting.questions import KlinesQuestion, Poll, last_end, next_questions
from assay.venues.binance.parse import parse_klines
from assay.venues.binance.spec import SPEC as BINANCE
from assay.venues.datasets import KLINES
from assay.venues.requests import klines_request
from assay.venues.transport import Response

PAGE = 5
SPEC = replace(
    BINANCE,
    endpoints=tuple(
        replace(one, page_limit=PAGE) if one.dataset == KLINES else one for one in BINANCE.endpoints
    ),
)  # fmt: skip
SERIES = SeriesId.parse("binance:spot:BTC-USDT:1h")
HOUR = timedelta(hours=1)
SETTLE = timedelta(hours=2)
START = datetime(2024, 1, 1, 3, tzinfo=UTC)
KEEPS_ALL: Callable[[int], bool] = lambda _: True  # noqa: E731


@dataclass
class MadeVenue:
    """A venue that has certain hours, counted from START, and loses some rows on the way."""

    hours: frozenset[int]
    now: datetime
    keeps: Callable[[int], bool] = KEEPS_ALL
    asked: list[KlinesQuestion] = field(default_factory=list)

    def answer(self, question: KlinesQuestion) -> Answer:
        self.asked.append(question)
        request = question.request
        first, last = (int(request.param(name) or 0) for name in ("startTime", "endTime"))
        stamps = [stamp for hour in sorted(self.hours) if first <= (stamp := _stamp(hour)) <= last]
        begun = [stamp for stamp in stamps if stamp < self.now.timestamp() * 1000]
        page = begun[: int(request.param("limit") or 0)]
        rows = [_row(stamp) for stamp in page if self.keeps(stamp)]
        response = Response(200, {}, msgspec.json.encode(rows), asked_at=self.now, received_at=self.now)
        parsed = parse_klines(response.body, request, asked_at=self.now)
        return Answer(request, SPEC.feeding(KLINES), response, parsed, self.now)


def _stamp(hour: int) -> int:
    return int((START + hour * HOUR).timestamp()) * 1000


def _row(stamp: int) -> list[object]:
    return [stamp, "2", "4", "1", "3", "5", stamp + 3_599_999, "10", 3, "2", "4", "0"]


def run(ledger: CoverageLedger, venue: MadeVenue, *, slot: str, start: datetime = START) -> list[KlinesQuestion]:
    """Ask until nothing is left to ask, as one run does; return what was asked."""
    venue.asked.clear()
    poll = Poll(venue.now, SETTLE, slot, *ledger.asked_since(SERIES, slot))
    within = start, last_end(SERIES.interval, None, venue.now)
    asked = Spans()
    while questions := next_questions(SPEC, ledger.series(SERIES), within, poll=poll, asked=asked):
        for question in questions:
            answer = venue.answer(question)
            header = klines_batch(SPEC, SERIES, question, answer).header
            ledger.add(header)
            cut = is_cut(question, answer) and header.asked
            asked |= Spans.of([(question.start, header.asked[0].end if cut else question.end)])
        assert len(venue.asked) < 1_000, "it asks without end"
    return list(venue.asked)


def made_ledger() -> CoverageLedger:
    return CoverageLedger(SETTLE, 3)


def hours_of(spans: Iterable[tuple[datetime, datetime]]) -> set[int]:
    return {
        (opened - START) // HOUR for start, end in spans for opened in SERIES.interval.opens(start, end)
    }  # fmt: skip


def test_series_that_was_never_asked_for_comes_in_one_probe_and_pages_of_the_grid() -> None:
    venue = MadeVenue(frozenset(range(40)), START + 40 * HOUR + 0.5 * HOUR)
    questions = run(made_ledger(), venue, slot="s1")
    assert questions[0].limit == 1
    edges = [(one.end - EPOCH) // HOUR for one in questions[1:]]
    assert all(hour % PAGE == 0 for hour in edges[:-1]), "pages are counted from the epoch"
    assert len(questions) == 1 + 9
    assert [one.slot for one in questions] == ["s1", *[""] * 7, "s1", "s1"], "what may still change is kept by its slot"


def test_years_before_the_listing_cost_one_question() -> None:
    venue = MadeVenue(frozenset(range(990, 1_003)), START + 1_003 * HOUR)
    ledger = made_ledger()
    assert len(run(ledger, venue, slot="s1")) == 1 + 3
    assert len(run(ledger, venue, slot="s2")) == 2  # the empty years in one question; the latest bars
    assert len(run(ledger, venue, slot="s3")) == 2
    proof = ledger.series(SERIES).proof(START, START + 1_001 * HOUR)
    assert (proof.is_complete, proof.empty, proof.settled) == (True, 990, 11)
    assert len(run(ledger, venue, slot="s4")) == 1


def test_holes_on_one_page_are_asked_for_together_and_given_up_after_enough_questions() -> None:
    ledger, now = made_ledger(), START + 53 * HOUR
    venue = MadeVenue(frozenset(range(53)) - {6, 8, 20}, now)
    run(ledger, venue, slot="s1")
    asked = run(ledger, venue, slot="s2")
    assert [(one.start, one.end) for one in asked[:2]] == [
        (START + 6 * HOUR, START + 9 * HOUR),
        (START + 20 * HOUR, START + 21 * HOUR),
    ]
    assert {one.slot for one in asked} == {"s2"}
    run(ledger, venue, slot="s3")
    assert len(run(ledger, venue, slot="s4")) == 1


def test_second_run_in_a_slot_asks_only_for_what_is_new() -> None:
    ledger, now = made_ledger(), START + 30 * HOUR + timedelta(minutes=20)
    venue = MadeVenue(frozenset(range(100)) - {8}, now)
    slot = now.isoformat()
    run(ledger, venue, slot=slot)
    assert run(ledger, venue, slot=slot) == []
    venue.now += HOUR
    asked = run(ledger, venue, slot=slot)
    assert hours_of((one.start, one.end) for one in asked) >= {28, 30}, (
        "the bar that has settled, and the one that closed"
    )
    assert 8 not in hours_of((one.start, one.end) for one in asked)


def test_full_answer_to_a_long_question_proves_nothing_beyond_its_last_bar() -> None:
    ledger, now = made_ledger(), START + 63 * HOUR
    empty = MadeVenue(frozenset(), now)
    run(ledger, empty, slot="s1")
    assert len(run(ledger, empty, slot="s2")) == 2, (
        "the hole is longer than a page, and one question asks for all of it, one for the latest bars"
    )
    assert ledger.series(SERIES).confirmed_empty == Spans()
    # Now the venue has the bars after all, and hands them out page by page.
    full = MadeVenue(frozenset(range(63)), now)
    run(ledger, full, slot="s3")
    assert ledger.series(SERIES).proof(START, START + 61 * HOUR).settled == 61


# Each example is thirty polls.
@settings(max_examples=settings().max_examples // 8)
@given(
    hours=st.frozensets(st.integers(0, 62)),
    listed=st.integers(0, 62),
    begin=st.integers(0, 30),
    seed=st.integers(0, 2**32),
    loses=st.sampled_from([0.0, 0.2]),
)
def test_every_bar_is_found_and_every_hole_confirmed_whatever_the_venue_has(
    hours: frozenset[int], listed: int, begin: int, seed: int, loses: float
) -> None:
    has = frozenset(hour for hour in hours if hour >= listed)
    rng = Random(seed)
    ledger, now = made_ledger(), START + 63 * HOUR
    venue = MadeVenue(has, now, lambda _: rng.random() >= loses)
    run(ledger, venue, slot="s0", start=START + begin * HOUR)
    for number in range(1, 30):
        asked = run(ledger, venue, slot=f"s{number}", start=START + begin * HOUR)
        if not loses:
            held = hours_of(ledger.series(SERIES).settled)
            assert held == {hour for hour in has if begin <= hour < 61}, (
                "a venue that loses nothing is complete at once"
            )
        if number > 4 and not loses:
            assert len(asked) == 1, "only the latest bars are asked for again"
    proof = ledger.series(SERIES).proof(START + begin * HOUR, START + 61 * HOUR)
    assert proof.is_complete
    assert hours_of(ledger.series(SERIES).settled) <= has
    if not loses:
        assert proof.empty == len(set(range(begin, 61)) - has)


@pytest.mark.parametrize("end", [None, START + 500 * HOUR])
def test_bar_that_is_open_now_is_the_last_that_is_asked_for(end: datetime | None) -> None:
    now = START + 10 * HOUR + timedelta(minutes=1)
    assert last_end(SERIES.interval, end, now) == START + 11 * HOUR
    assert last_end(SERIES.interval, START + timedelta(minutes=1), now) == START + HOUR


def test_run_that_was_killed_between_two_answers_is_gone_on_with_in_its_slot() -> None:
    now = START + 53 * HOUR + timedelta(minutes=20)
    venue = MadeVenue(frozenset(range(100)) - {6}, now)
    whole, killed = made_ledger(), made_ledger()
    run(whole, venue, slot=venue.now.isoformat())
    run(killed, venue, slot=venue.now.isoformat())
    venue.now += timedelta(minutes=15)
    slot = venue.now.isoformat()
    expected = run(whole, venue, slot=slot)
    assert len(expected) > 1
    killed.add(klines_batch(SPEC, SERIES, expected[0], venue.answer(expected[0])).header)
    assert run(killed, venue, slot=slot) == expected[1:]
    assert run(killed, venue, slot=slot) == []


def test_latest_bar_that_did_not_come_waits_for_the_next_slot() -> None:
    ledger, now = made_ledger(), START + 30 * HOUR + timedelta(minutes=20)
    venue = MadeVenue(frozenset(range(100)) - {29}, now)
    run(ledger, venue, slot=now.isoformat())
    assert run(ledger, venue, slot=now.isoformat()) == []
    later = (now + timedelta(minutes=15)).isoformat()
    assert 29 in hours_of((one.start, one.end) for one in run(ledger, venue, slot=later))


def test_bar_of_a_day_that_is_open_is_asked_for_once_in_a_slot() -> None:
    daily = replace(SERIES, interval=Interval.parse("1d"))
    ledger = made_ledger()
    opened = datetime(2024, 1, 3, tzinfo=UTC)
    venue = MadeVenue(frozenset({(opened - START) // HOUR}), opened + 12 * HOUR)
    slot = venue.now.isoformat()
    request = klines_request(SPEC, daily.symbol, interval=daily.interval, start=opened, end=opened + 24 * HOUR)
    question = KlinesQuestion(request, opened, opened + 24 * HOUR, 1, slot)
    assert ledger.asked_since(daily, slot) == (Spans(), False)
    ledger.add(klines_batch(SPEC, daily, question, venue.answer(question)).header)
    assert ledger.asked_since(daily, slot) == (Spans(), True)
