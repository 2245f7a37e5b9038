"""Causes of holes: each rule by itself, which comes before which, and every bar in exactly one part."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.domain.instrument import SeriesId
from assay.domain.spans import NOTHING, Spans
from assay.lake.coverage_causes import Circumstances, HoleCause, HolePart, Remedy, find_causes
from assay.lake.coverage_proof import SeriesCoverage

HOURLY = SeriesId.parse("binance:spot:BTC-USDT:1h")
ASK, BUILD, NONE = Remedy.ASK, Remedy.BUILD, Remedy.NOTHING


def hour(number: int) -> datetime:
    return datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=number)


def spans(*pairs: tuple[int, int]) -> Spans:
    return Spans.of((hour(start), hour(end)) for start, end in pairs)


def coverage(
    held: Spans, *, confirmed: Spans = NOTHING, once: Spans = NOTHING, empty: Spans = NOTHING
) -> SeriesCoverage:
    in_vain = {"1": once} if once else {}
    return SeriesCoverage(
        HOURLY, 3, settled=held, held=held, confirmed_empty=confirmed | empty, no_trades=empty, in_vain=in_vain
    )


def told(parts: list[HolePart]) -> list[tuple[int, int, str, Remedy]]:
    return [
        (
            (one.start - hour(0)) // timedelta(hours=1),
            (one.end - hour(0)) // timedelta(hours=1),
            one.cause.value,
            one.remedy,
        )
        for one in parts
    ]


THERE = spans((10, 20), (24, 100))
HOLE = spans((20, 24))


@pytest.mark.parametrize(
    ("known", "around", "expected"),
    [
        (coverage(THERE), Circumstances(), ("our_outage", ASK)),
        (coverage(THERE, once=HOLE), Circumstances(), ("unknown", ASK)),
        (coverage(THERE, confirmed=HOLE), Circumstances(), ("unknown", NONE)),
        (coverage(THERE, empty=HOLE), Circumstances(), ("no_trades", NONE)),
        (coverage(THERE, once=HOLE), Circumstances(untraded=HOLE), ("no_trades", NONE)),
        (coverage(THERE, confirmed=HOLE), Circumstances(outages=HOLE), ("venue_outage", NONE)),
        (coverage(THERE, once=HOLE), Circumstances(outages=HOLE), ("venue_outage", ASK)),
        (coverage(THERE, empty=HOLE), Circumstances(outages=HOLE), ("venue_outage", NONE)),
        # Somebody had bars then, so the venue was there; and a question that failed asks nothing of who was not asked.
        (coverage(THERE, confirmed=HOLE), Circumstances(outages=HOLE, others_held=HOLE), ("unknown", NONE)),
        (coverage(THERE), Circumstances(outages=HOLE), ("our_outage", ASK)),
        (coverage(THERE, confirmed=HOLE), Circumstances(others_lacking=HOLE), ("venue_outage", NONE)),
        (coverage(THERE, empty=HOLE), Circumstances(others_lacking=HOLE), ("no_trades", NONE)),
        (coverage(THERE), Circumstances(can_ask=False), ("unknown", NONE)),
        (coverage(THERE), Circumstances(reach=hour(50)), ("unknown", NONE)),
        (coverage(THERE), Circumstances(due=hour(19)), ("unknown", NONE)),
        (coverage(NOTHING), Circumstances(first=hour(10), last=hour(100)), ("unknown", ASK)),
    ],
)
def test_a_hole_between_bars(known: SeriesCoverage, around: Circumstances, expected: tuple[str, Remedy]) -> None:
    assert told(find_causes(known, HOLE, around)) == [(20, 24, *expected)]


def test_bars_that_bronze_holds_wait_for_a_build() -> None:
    parts = find_causes(coverage(THERE | HOLE), HOLE, Circumstances())
    assert told(parts) == [(20, 24, "our_outage", BUILD)]


def test_before_the_first_bar_lists_and_answers_tell_and_what_nobody_asked_is_ours() -> None:
    early = spans((0, 10))
    known = coverage(THERE, once=spans((4, 10)))
    assert told(find_causes(known, early, Circumstances())) == [(0, 4, "our_outage", ASK), (4, 10, "not_listed", ASK)]
    assert told(find_causes(known, early, Circumstances(listed_at=hour(10)))) == [(0, 10, "not_listed", NONE)]
    # A list that was first seen later than a bar does not make the bar's neighbours unlisted.
    listed_late = find_causes(coverage(THERE, confirmed=HOLE), HOLE, Circumstances(listed_at=hour(30)))
    assert told(listed_late) == [(20, 24, "unknown", NONE)]


def test_after_the_last_bar_it_is_delisted_once_a_day_is_confirmed_and_others_went_on() -> None:
    tail = spans((100, 130))
    known = coverage(THERE, confirmed=spans((100, 125)), once=spans((125, 130)))
    alive = Circumstances(others_held=spans((0, 130)))
    assert told(find_causes(known, tail, alive)) == [(100, 130, "delisted", NONE)]
    assert told(find_causes(known, tail, Circumstances())) == [(100, 125, "unknown", NONE), (125, 130, "unknown", ASK)]
    short = coverage(THERE, confirmed=spans((100, 120)), once=spans((120, 130)))
    assert told(find_causes(short, tail, alive)) == [(100, 120, "unknown", NONE), (120, 130, "unknown", ASK)]
    by_list = find_causes(coverage(THERE), tail, Circumstances(delisted_at=hour(110)))
    assert told(by_list) == [(100, 110, "our_outage", ASK), (110, 130, "delisted", NONE)]
    down = Circumstances(others_lacking=tail)
    assert told(find_causes(short, tail, down)) == [(100, 120, "venue_outage", NONE), (120, 130, "venue_outage", ASK)]


def test_neighbours_of_one_cause_are_one_part_with_the_evidence_of_both() -> None:
    around = Circumstances(outages=spans((20, 22)), others_lacking=HOLE)
    (part,) = find_causes(coverage(THERE, confirmed=HOLE), HOLE, around)
    assert (part.bars, part.evidence.count("; ")) == (4, 1)


some = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=4).map(lambda pairs: spans(*pairs))


@given(sets=st.tuples(some, some, some, some, some, some, some))
def test_every_bar_is_in_exactly_one_part(sets: tuple[Spans, ...]) -> None:
    holes, held, confirmed, once, empty, others, outages = sets
    known = coverage(held, confirmed=confirmed - held, once=once - held, empty=empty - held)
    around = Circumstances(outages=outages, others_held=others, others_lacking=confirmed, due=hour(55))
    parts = find_causes(known, holes, around)
    assert Spans.of((one.start, one.end) for one in parts) == holes
    assert sum(one.bars for one in parts) == holes.length // timedelta(hours=1)
    assert all(one.cause in HoleCause and one.evidence for one in parts)
    # Nobody is asked for what is confirmed, or held.
    asked = Spans.of((one.start, one.end) for one in parts if one.remedy is ASK)
    assert not asked & (known.confirmed_empty | held)
