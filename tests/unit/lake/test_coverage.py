"""The ledger against an oracle that goes through all headers for every bar, and the cases that people argue about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.domain.errors import BadInputError
from assay.domain.instrument import SeriesId
from assay.domain.interval import Interval
from assay.domain.spans import Spans
from assay.lake.bronze import FAILURES, KLINES, POISON, AskedRange, BatchHeader, BatchRange
from assay.lake.coverage import KEPT_ASKED, KEPT_SLOTS, CoverageLedger
from assay.lake.coverage_proof import SeriesCoverage

ORIGIN = datetime(2024, 2, 26, tzinfo=UTC)  # a Monday, and in the month of the leap day
HOURLY = SeriesId.parse("binance:spot:BTC-USDT:1h")
SETTLE = timedelta(hours=2)
CONFIRMATIONS = 3
BARS = 12
Run = tuple[int, int]


def bars_of(interval: Interval) -> list[datetime]:
    """Return the open times that the tests speak about, and the end of the last bar."""
    moments = [interval.floor(ORIGIN)]
    while len(moments) <= BARS:
        moments.append(interval.close_time(moments[-1]))
    return moments


HOURS = bars_of(HOURLY.interval)


def answer(
    batch_id: str, asked: Run, runs: Sequence[Run], known_at: datetime, series: SeriesId = HOURLY
) -> BatchHeader:
    """Return the header of an answer: bars are numbered, runs and range are half-open."""
    grid = bars_of(series.interval)
    venue, market, symbol, interval = series.key
    complete = tuple((grid[start], grid[end]) for start, end in runs)
    return BatchHeader(
        batch_id=batch_id,
        dataset=KLINES,
        venue=venue,
        endpoint="klines",
        parameters={},
        known_at=known_at,
        body_sha256="",
        content_format="json",
        counts={},
        ranges=(),
        asked=(AskedRange(market, symbol, interval, grid[asked[0]], grid[asked[1]], complete),),
    )


@dataclass(frozen=True)
class Fate:
    """What became of one bar, found the slow way."""

    is_held: bool
    is_settled: bool
    times: int
    is_confirmed: bool


@dataclass(frozen=True)
class History:
    """What the tests draw: a rule, and the answers that one series got under it."""

    series: SeriesId
    settle: timedelta
    confirmations: int
    headers: list[BatchHeader]

    def ledger(self) -> CoverageLedger:
        return CoverageLedger(self.settle, self.confirmations)

    def fold(self, headers: Sequence[BatchHeader], *, is_looked_at: bool = False) -> SeriesCoverage:
        ledger = self.ledger()
        for header in headers:
            ledger.add(header)
            if is_looked_at:
                ledger.series(self.series)
        return ledger.series(self.series)

    def fate(self, opened: datetime) -> Fate:
        """The oracle: ask every header about one bar."""
        closed = self.series.interval.close_time(opened)
        held, settled, in_vain = False, False, set()
        for header in self.headers:
            for asked in header.asked:
                has_it = any(start <= opened and closed <= end for start, end in asked.complete)
                is_late = header.known_at >= closed + self.settle
                held |= has_it
                settled |= has_it and is_late
                if is_late and not has_it and asked.start <= opened < asked.end:
                    in_vain.add(header.batch_id)
        times = min(len(in_vain), self.confirmations)
        return Fate(held, settled, times, is_confirmed=not settled and times == self.confirmations)


def fold(headers: Sequence[BatchHeader], series: SeriesId = HOURLY) -> SeriesCoverage:
    return History(series, SETTLE, CONFIRMATIONS, []).fold(headers)


@st.composite
def answers(draw: st.DrawFn, series: SeriesId) -> BatchHeader:
    """An answer of a venue that may hold anything, bars it was not asked for and edges off the grid among it."""
    grid, number = bars_of(series.interval), st.integers(0, BARS)
    hasty = st.integers(-3, 3 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes))
    known_at = draw(st.just(grid[-1] + timedelta(days=9)) | st.builds(lambda n, t: grid[n] + t, number, hasty))
    name = draw(st.sampled_from("abcdefgh"))
    runs = draw(st.lists(st.tuples(number, number), max_size=3))
    header = answer(name, (draw(number), draw(number)), runs, known_at, series)
    (asked,) = header.asked
    shifts = st.sampled_from([timedelta(), timedelta(minutes=-1), timedelta(microseconds=1)])
    complete = tuple((start + draw(shifts), end + draw(shifts)) for start, end in asked.complete)
    asked = replace(asked, start=asked.start + draw(shifts), end=asked.end + draw(shifts), complete=complete)
    return replace(header, asked=(asked,))


@st.composite
def histories(draw: st.DrawFn) -> History:
    series = replace(HOURLY, interval=Interval.parse(draw(st.sampled_from(["1h", "3d", "1w", "1M"]))))
    settle = draw(st.sampled_from([timedelta(), timedelta(minutes=90), timedelta(days=2)]))
    headers = draw(st.lists(answers(series), max_size=9))
    return History(series, settle, draw(st.integers(1, 3)), headers)


@given(histories())
def test_every_bar_has_the_fate_that_the_headers_give_it(history: History) -> None:
    coverage, interval = history.fold(history.headers), history.series.interval
    *opens, end = bars_of(interval)
    fates = {opened: history.fate(opened) for opened in opens}
    assert {one for one in opens if one in coverage.held} == {one for one in opens if fates[one].is_held}
    assert {one for one in opens if one in coverage.settled} == {one for one in opens if fates[one].is_settled}
    assert {one for one in opens if one in coverage.confirmed_empty} == {o for o in opens if fates[o].is_confirmed}
    missing = {opened for start, stop in coverage.missing(opens[0], end) for opened in interval.opens(start, stop)}
    assert missing == {one for one in opens if not fates[one].is_settled and not fates[one].is_confirmed}

    holes = {one: hole for hole in coverage.holes(opens[0], end) for one in interval.opens(hole.start, hole.end)}
    assert {one: (hole.is_held, hole.times, hole.is_confirmed) for one, hole in holes.items()} == {
        one: (fate.is_held, fate.times, fate.is_confirmed) for one, fate in fates.items() if not fate.is_settled
    }


@given(histories())
def test_proof_counts_every_bar_once(history: History) -> None:
    *opens, end = bars_of(history.series.interval)
    proof = history.fold(history.headers).proof(opens[0], end)
    fates = [history.fate(opened) for opened in opens]
    assert proof.expected == BARS
    assert proof.settled + proof.unsettled + proof.withdrawn + proof.empty + proof.absent == BARS
    assert proof.held == sum(one.is_held for one in fates)
    assert proof.withdrawn == sum(one.is_held and one.is_confirmed for one in fates)
    assert proof.absent == sum(not one.is_held and not one.is_confirmed for one in fates)
    assert sum(hole.bars for hole in proof.missing) == proof.unsettled + proof.absent
    assert sum(hole.bars for hole in proof.confirmed_empty) == proof.withdrawn + proof.empty
    assert proof.is_complete == (proof.complete_until == end)


@given(histories(), st.data())
def test_order_repetition_and_looking_in_between_change_nothing(history: History, data: st.DataObject) -> None:
    headers = history.headers
    again = headers[: data.draw(st.integers(0, len(headers)))]
    shuffled = data.draw(st.permutations([*headers, *again]))
    expected = history.fold(headers)
    assert history.fold(shuffled) == expected
    assert history.fold(shuffled, is_looked_at=True) == expected
    # What is proven is not argued about any more, so that the state stays small.
    assert not any(spans & (expected.settled | expected.confirmed_empty) for spans in expected.in_vain.values())


@given(histories(), st.data())
def test_older_state_that_is_told_everything_again_is_the_newest_state(history: History, data: st.DataObject) -> None:
    ledger = history.ledger()
    ledger.restore([history.fold(history.headers[: data.draw(st.integers(0, len(history.headers)))])], {}, {})
    for header in data.draw(st.permutations(history.headers)):
        ledger.add(header)
    assert ledger.series(history.series) == history.fold(history.headers)


def test_bar_settles_when_an_answer_holds_it_long_enough_after_its_close() -> None:
    # Bars 0 to 3 close at 1:00 to 4:00; at 5:00, 2 hours after 3:00, the first three are settled.
    coverage = fold([answer("a", (0, 4), [(0, 4)], HOURS[5])])
    assert list(coverage.settled) == [(HOURS[0], HOURS[3])]
    assert list(coverage.held) == [(HOURS[0], HOURS[4])]
    assert list(coverage.unsettled) == [(HOURS[3], HOURS[4])]
    assert coverage.missing(HOURS[0], HOURS[4]) == [(HOURS[3], HOURS[4])]


def test_hole_is_asked_for_until_three_batches_came_without_it() -> None:
    late = HOURS[12]
    batches = [answer(name, (0, 4), [(0, 1), (2, 4)], late + timedelta(minutes=n)) for n, name in enumerate("abc")]
    for number in range(3):
        assert fold(batches[:number]).missing(HOURS[1], HOURS[2]) == [(HOURS[1], HOURS[2])]
    assert fold([batches[0], batches[0], batches[0]]).missing(HOURS[0], HOURS[4]) == [(HOURS[1], HOURS[2])]
    coverage = fold(batches)
    assert coverage.missing(HOURS[0], HOURS[4]) == []
    assert coverage.in_vain == {}
    history = History(HOURLY, SETTLE, CONFIRMATIONS, [])
    assert history.fold([*batches, replace(batches[0], batch_id="d")], is_looked_at=True) == coverage
    (hole,) = coverage.holes(HOURS[0], HOURS[4])
    assert (hole.start, hole.end, hole.bars, hole.times) == (HOURS[1], HOURS[2], 1, 3)


def test_early_answer_without_a_bar_proves_nothing() -> None:
    early = [answer(name, (0, 4), [(0, 3)], HOURS[4] + timedelta(minutes=1)) for name in "abcd"]
    (hole,) = fold(early).holes(HOURS[3], HOURS[4])
    assert (hole.times, hole.is_confirmed) == (0, False)


def test_bar_of_an_early_answer_that_late_ones_lack_is_asked_for_until_it_is_withdrawn() -> None:
    early = answer("a", (0, 4), [(0, 4)], HOURS[4])
    late = [answer(name, (0, 4), [(0, 3)], HOURS[8]) for name in "bcd"]
    doubtful = fold([early, *late[:2]]).proof(HOURS[0], HOURS[4])
    assert (doubtful.settled, doubtful.unsettled, doubtful.withdrawn) == (3, 1, 0)
    assert [(hole.times, hole.is_held) for hole in doubtful.missing] == [(2, True)]
    coverage = fold([early, *late])
    assert list(coverage.withdrawn) == [(HOURS[3], HOURS[4])]
    proof = coverage.proof(HOURS[0], HOURS[4])
    assert (proof.settled, proof.held, proof.withdrawn, proof.empty, proof.is_complete) == (3, 4, 1, 0, True)


def test_bar_that_a_late_answer_holds_stays_settled_whatever_others_lack() -> None:
    without = [answer(name, (0, 4), [], HOURS[12]) for name in "abcd"]
    coverage = fold([*without, answer("e", (0, 4), [(0, 4)], HOURS[11])])
    assert coverage.missing(HOURS[0], HOURS[4]) == []
    assert not coverage.confirmed_empty


def test_copies_of_a_batch_on_two_days_count_once() -> None:
    copies = [answer("a", (0, 4), [], HOURS[12] + timedelta(days=day)) for day in range(3)]
    assert [hole.times for hole in fold(copies).holes(HOURS[0], HOURS[4])] == [1]


@pytest.mark.parametrize("dataset", [POISON, FAILURES])
def test_poison_and_failures_prove_nothing(dataset: str) -> None:
    header = replace(answer("a", (0, 4), [(0, 4)], HOURS[12]), dataset=dataset, slot="2024-02-26T12:00:00+00:00")
    ledger = CoverageLedger(SETTLE, CONFIRMATIONS)
    ledger.add(header)
    assert ledger.all_series() == []
    assert not ledger.has_slot(header.venue, header.endpoint, header.parameters, header.slot)


def test_recording_proves_nothing_of_what_a_venue_has() -> None:
    assert fold([replace(answer("a", (0, 4), [(0, 4)], HOURS[12]), asked=())]) == fold([])


def test_series_do_not_mix() -> None:
    ledger = CoverageLedger(SETTLE, CONFIRMATIONS)
    other = replace(HOURLY, venue="wazirx")
    ledger.add(answer("a", (0, 4), [(0, 4)], HOURS[12]))
    ledger.add(answer("a", (2, 6), [(2, 6)], HOURS[12], other))
    assert [one.series for one in ledger.all_series()] == [HOURLY, other]
    assert list(ledger.series(other).settled) == [(HOURS[2], HOURS[6])]
    assert ledger.series(replace(HOURLY, interval=Interval.parse("1m"))).missing(HOURS[0], HOURS[1])


def test_missing_is_on_the_grid_and_near_holes_can_be_asked_for_together() -> None:
    coverage = fold([answer("a", (0, 8), [(1, 2), (3, 6), (7, 8)], HOURS[12])])
    assert coverage.missing(HOURS[0] + timedelta(minutes=1), HOURS[2] + timedelta(minutes=1)) == [(HOURS[2], HOURS[3])]
    apart = [(HOURS[0], HOURS[1]), (HOURS[2], HOURS[3]), (HOURS[6], HOURS[7])]
    assert coverage.missing(HOURS[0], HOURS[8]) == apart
    bridged = coverage.missing(HOURS[0], HOURS[8], bridge=timedelta(hours=1))
    assert bridged == [(HOURS[0], HOURS[3]), (HOURS[6], HOURS[7])]
    assert coverage.missing(HOURS[8], HOURS[0]) == []


def test_proof_says_in_json_what_was_asked_how_often() -> None:
    proof = fold([answer("a", (0, 4), [(0, 2)], HOURS[12]), answer("b", (3, 4), [], HOURS[12])]).proof(
        HOURS[0], HOURS[4]
    )
    assert proof.to_dict() == {
        "venue": "binance", "market": "spot", "symbol": "BTC-USDT", "interval": "1h",
        "start": "2024-02-26T00:00:00+00:00", "end": "2024-02-26T04:00:00+00:00",
        "is_complete": False, "complete_until": "2024-02-26T02:00:00+00:00",
        "expected": 4, "held": 2, "settled": 2, "unsettled": 0, "withdrawn": 0, "empty": 0, "absent": 2,
        "confirmed_empty": [],
        "missing": [
            {
                "start": "2024-02-26T02:00:00+00:00", "end": "2024-02-26T03:00:00+00:00",
                "bars": 1, "asked_in_vain": 1, "is_held": False,
            },
            {
                "start": "2024-02-26T03:00:00+00:00", "end": "2024-02-26T04:00:00+00:00",
                "bars": 1, "asked_in_vain": 2, "is_held": False,
            },
        ],
    }  # fmt: skip


def test_months_settle_by_the_calendar() -> None:
    monthly = replace(HOURLY, interval=Interval.parse("1M"))
    # February 2024 has 29 days: at midnight of 1 March it has closed, two hours later it is settled.
    asked = answer("a", (0, 2), [(0, 1)], datetime(2024, 3, 1, 2, tzinfo=UTC), monthly)
    coverage = fold([asked], monthly)
    assert list(coverage.settled) == [(datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC))]
    early = replace(asked, known_at=datetime(2024, 3, 1, 1, 59, tzinfo=UTC))
    assert not fold([early], monthly).settled


def test_settled_until_is_the_last_close_that_an_answer_can_settle() -> None:
    ledger = CoverageLedger(SETTLE, CONFIRMATIONS)
    assert ledger.settled_until(HOURLY.interval, HOURS[5] + timedelta(minutes=59)) == HOURS[3]


def snapshot(slot: str, **parameters: str) -> BatchHeader:
    header = answer(slot, (0, 0), [], ORIGIN)
    return replace(header, dataset="tickers", endpoint="ticker_24hr", parameters=parameters, slot=slot, asked=())


def slot(number: int) -> str:
    return (ORIGIN + number * timedelta(minutes=15)).isoformat()


def test_slot_that_has_an_answer_is_known_by_its_question() -> None:
    ledger = CoverageLedger(SETTLE, CONFIRMATIONS)
    ledger.add(snapshot(slot(1), a="1", b="2"))
    assert ledger.has_slot("binance", "ticker_24hr", {"b": "2", "a": "1"}, slot(1))
    assert not ledger.has_slot("binance", "ticker_24hr", {"b": "2", "a": "1"}, slot(2))
    assert not ledger.has_slot("binance", "ticker_24hr", {"a": "1"}, slot(1))
    assert not ledger.has_slot("wazirx", "ticker_24hr", {"b": "2", "a": "1"}, slot(1))


def test_bars_that_were_asked_for_in_a_slot_are_known() -> None:
    ledger = CoverageLedger(SETTLE, CONFIRMATIONS)
    early, late = answer("a", (0, 4), [(0, 4)], HOURS[12]), answer("b", (6, 8), [(6, 8)], HOURS[12])
    came = datetime.fromisoformat(slot(1)) + timedelta(minutes=5)
    ledger.add(replace(early, slot=slot(1)))
    ledger.add(replace(late, known_at=came))
    ledger.add(replace(answer("c", (9, 10), [], HOURS[12]), slot=slot(0)))
    assert list(ledger.asked_since(HOURLY, slot(1))[0]) == [(HOURS[0], HOURS[4]), (HOURS[6], HOURS[8])]
    assert list(ledger.asked_since(HOURLY, slot(0))[0])[-1] == (HOURS[9], HOURS[10])
    assert ledger.asked_since(HOURLY, slot(2)) == (Spans(), False)
    assert ledger.asked_since(replace(HOURLY, venue="wazirx"), slot(0)) == (Spans(), False)


@pytest.mark.parametrize(("last", "has_open"), [(3, False), (4, True)])
def test_open_bar_came_if_a_bar_of_the_answer_opens_after_those_that_had_closed(last: int, has_open: bool) -> None:
    ledger = CoverageLedger(SETTLE, CONFIRMATIONS)
    held = BatchRange("spot", "BTC-USDT", "1h", HOURS[0], HOURS[last], last + 1)
    ledger.add(replace(answer("a", (0, 4), [(0, 4)], HOURS[4]), slot=slot(1), ranges=(held,)))
    assert ledger.asked_since(HOURLY, slot(1)) == (Spans.of([(HOURS[0], HOURS[4])]), has_open)
    only_open = CoverageLedger(SETTLE, CONFIRMATIONS)
    only_open.add(replace(answer("a", (0, 4), [], HOURS[4]), slot=slot(1), ranges=(held,), asked=()))
    assert only_open.asked_since(HOURLY, slot(1)) == (Spans(), True)


@given(st.permutations(range(KEPT_ASKED + 20)))
def test_only_the_latest_questions_for_bars_are_kept(numbers: list[int]) -> None:
    ledger = CoverageLedger(SETTLE, CONFIRMATIONS)
    for number in numbers:
        # Each asks for a bar that none of the others asks for, so that none makes another one needless.
        opened = ORIGIN + number * timedelta(hours=1)
        asked = AskedRange("spot", "BTC-USDT", "1h", opened, opened + timedelta(hours=1), ())
        ledger.add(replace(answer(str(number), (0, 1), [], HOURS[1]), slot=slot(number), asked=(asked,)))
    assert [one.mark for one in ledger.asked[HOURLY]] == sorted(map(slot, range(20, KEPT_ASKED + 20)))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 6), st.integers(1, 5)), max_size=12))
def test_questions_that_a_later_one_holds_are_forgotten_and_nothing_is_lost_by_it(
    questions: list[tuple[int, int, int]],
) -> None:
    ledger = CoverageLedger(SETTLE, CONFIRMATIONS)
    for number, (mark, first, length) in enumerate(questions):
        ledger.add(replace(answer(str(number), (first, first + length), [], HOURS[12]), slot=slot(mark)))
    for since in range(10):
        asked = [(HOURS[first], HOURS[first + length]) for mark, first, length in questions if mark >= since]
        assert ledger.asked_since(HOURLY, slot(since))[0] == Spans.of(asked)
    kept = ledger.asked.get(HOURLY, ())
    assert not any(one is not other and one.is_within(other) for one in kept for other in kept)


@given(st.permutations(range(KEPT_SLOTS + 20)))
def test_only_the_latest_slots_are_kept_in_whatever_order_they_come(numbers: list[int]) -> None:
    ledger = CoverageLedger(SETTLE, CONFIRMATIONS)
    for number in numbers:
        ledger.add(snapshot(slot(number)))
    known = [number for number in sorted(numbers) if ledger.has_slot("binance", "ticker_24hr", {}, slot(number))]
    assert known == list(range(20, KEPT_SLOTS + 20))


@pytest.mark.parametrize(("settle", "confirmations"), [(-SETTLE, 3), (SETTLE, 0)])
def test_rule_that_proves_nothing_is_refused(settle: timedelta, confirmations: int) -> None:
    with pytest.raises(BadInputError):
        CoverageLedger(settle, confirmations)
