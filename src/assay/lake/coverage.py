"""The coverage ledger: which bars were proven to be there, which proven not to be, and what is left to ask.

It is a function of the headers in bronze and of nothing else, so data and cursor cannot disagree: there is no cursor.
A bar is *settled* when an answer that came at least `settle` after its close holds it closed; before that the venue
may still restate it. A hole is *confirmed empty* when as many different batches as `confirmations` says, each that
late, were asked for the bar and came without it: one answer without a bar proves little, since venues drop rows.
Where the venue documents that it leaves out bars without a trade, one late answer is enough: the bar had *no trades*.

Settled wins over empty, whatever came first: a bar that a late answer holds exists, and later answers without it are
the venue's fault. A bar that only early answers hold is not settled by them. If late answers lack it, it is asked for
until it settles or is confirmed empty; then it is *withdrawn*: bronze holds it, and the venue does not any more.

The state grows only: adding a header twice, in another order, or to an older state gives the same in the end.

>>> from datetime import datetime, timedelta, UTC
>>> from assay.lake.coverage_proof import SeriesCoverage
>>> ledger = CoverageLedger(settle=timedelta(hours=2), confirmations=3)
>>> hourly = SeriesId.parse("binance:spot:BTC-USDT:1h")
>>> ledger.series(hourly).missing(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, 6, tzinfo=UTC))
[(datetime.datetime(2024, 1, 1, 0, 0, tzinfo=datetime.timezone.utc),
  datetime.datetime(2024, 1, 1, 6, 0, tzinfo=datetime.timezone.utc))]
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from assay.domain.errors import BadInputError
from assay.domain.instrument import SeriesId
from assay.domain.interval import Interval
from assay.domain.spans import NOTHING, Spans, overlaps
from assay.lake import bronze
from assay.lake.bronze import AskedRange, BatchHeader
from assay.lake.coverage_proof import SeriesCoverage
from assay.lake.settling import resting, settle_of

KEPT_SLOTS = 100
"""How many slots of a repeated question are remembered, the latest; nobody asks for one that is long over."""

KEPT_ASKED = 100
"""How many of the latest questions for bars are remembered of each series, besides those that a later one holds whole;
what is forgotten is asked for once more."""

Question = tuple[str, str, tuple[tuple[str, str], ...]]
"""Venue, endpoint and parameters in order."""


@dataclass(frozen=True, slots=True, order=True)
class Asked:
    """When a question for bars was answered, and which bars need not be asked for again at that time.

    Attributes
    ----------
    mark : str
        The slot that it was asked in; of an answer that is kept without one, the moment when it came. ISO times both,
        so that they can be compared.
    start, end : datetime
        The bars that had closed and open in ``[start, end)``.
    has_open : bool
        Whether the bar that was open then came too.
    """

    mark: str
    start: datetime
    end: datetime
    has_open: bool

    def is_within(self, later: Asked) -> bool:
        """Whether the other was answered no earlier, and says all that this one does."""
        return (
            later.mark >= self.mark
            and later.start <= self.start
            and self.end <= later.end
            and later.has_open >= self.has_open
        )


@dataclass(frozen=True, slots=True)
class _Answer:
    batch_id: str
    known_at: datetime
    asked: AskedRange


class CoverageLedger:
    """What the answers in bronze prove, series by series.

    Parameters
    ----------
    settle : timedelta or None
        How long after its close a bar may still change; None: what is usual for its length.
    confirmations : int
        How many different batches have to come without a bar before it counts as not there.

    Raises
    ------
    BadInputError
        If `settle` is negative, or `confirmations` less than 1.
    """

    def __init__(self, settle: timedelta | None, confirmations: int) -> None:
        if settle is not None and settle < timedelta():
            raise BadInputError("a bar cannot settle before it closes", value=settle, todo="give 0 or more")
        if confirmations < 1:
            todo = "give 1 or more"
            raise BadInputError("a hole that nobody asked about is not confirmed", value=confirmations, todo=todo)
        self.settle = settle
        self.confirmations = confirmations
        self._series: dict[SeriesId, SeriesCoverage] = {}
        # Answers are folded in when somebody looks, all of a series together: sorting once is cheaper than inserting.
        self._answers: dict[SeriesId, list[_Answer]] = {}
        self._slots: dict[Question, tuple[str, ...]] = {}
        self._asked: dict[SeriesId, tuple[Asked, ...]] = {}

    def add(self, header: BatchHeader) -> None:
        """Take in what a committed batch proves; nothing, if it is a file, poison or a failure.

        A batch counts once, by its id. A question that is repeated to confirm a hole has to carry its slot, or the
        same answer would be the same batch.
        """
        if header.dataset == bronze.KLINES:
            for asked in header.asked:
                series = SeriesId.of(header.venue, asked.market, asked.symbol, asked.interval)
                self._answers.setdefault(series, []).append(_Answer(header.batch_id, header.known_at, asked))
            for series, one in _asked_by(header):
                self._note_asked(series, [one])
        elif header.slot and header.dataset not in (bronze.POISON, bronze.FAILURES):
            self._note_slots(question(header.venue, header.endpoint, header.parameters), [header.slot])

    def series(self, series: SeriesId) -> SeriesCoverage:
        """Return what is proven of `series`; nothing, if it was never asked for."""
        known = self._series.get(series) or SeriesCoverage(series, self.confirmations)
        if answers := self._answers.pop(series, ()):
            known = self._series[series] = _folded(known, answers, self.settle_of(series.interval))
        return known

    def all_series(self) -> list[SeriesCoverage]:
        """Return what is proven of each series that was asked for, sorted."""
        return [self.series(series) for series in sorted({*self._series, *self._answers})]

    def has_slot(self, venue: str, endpoint: str, parameters: Mapping[str, str], slot: str) -> bool:
        """Whether bronze holds an answer to this question for `slot`.

        Of each question the latest :data:`KEPT_SLOTS` slots are remembered, by their text, which is an ISO time. The
        questions for one series of klines change from slot to slot; see :meth:`asked_since`.
        """
        return slot in self._slots.get(question(venue, endpoint, parameters), ())

    def asked_since(self, series: SeriesId, slot: str) -> tuple[Spans, bool]:
        """Return which closed bars of `series` were asked for since `slot` began, and whether the open one came too."""
        found = [one for one in self._asked.get(series, ()) if one.mark >= slot]
        return Spans.of((one.start, one.end) for one in found), any(one.has_open for one in found)

    @property
    def asked(self) -> Mapping[SeriesId, tuple[Asked, ...]]:
        """The remembered questions for bars of each series, in order."""
        return self._asked

    @property
    def slots(self) -> Mapping[Question, tuple[str, ...]]:
        """The remembered slots of each question, in order."""
        return self._slots

    def settled_until(self, interval: Interval, moment: datetime) -> datetime:
        """Return the end of the bars that an answer received at `moment` can settle."""
        return interval.floor(moment - self.settle_of(interval))

    def settle_of(self, interval: Interval) -> timedelta:
        """Return how long after its close a bar of that length may still change."""
        return settle_of(interval, self.settle)

    def resting(self, series: SeriesId, now: datetime) -> Spans:
        """Return the closed bars that were asked for so lately, for their age, that another look can wait."""
        asked = self._asked.get(series, ())

        def since(moment: datetime | None) -> Spans:
            mark = "" if moment is None else moment.isoformat()
            return Spans.of((one.start, one.end) for one in asked if one.mark >= mark)

        return resting(series.interval, self.settle_of(series.interval), now, since)

    def restore(
        self,
        coverages: Iterable[SeriesCoverage],
        slots: Mapping[Question, Sequence[str]],
        asked: Mapping[SeriesId, Sequence[Asked]],
    ) -> None:
        """Put back what :meth:`all_series`, :attr:`slots` and :attr:`asked` gave, of the same rule."""
        self._series.update({coverage.series: coverage for coverage in coverages})
        for question_, known in slots.items():
            self._note_slots(question_, known)
        for series, questions in asked.items():
            self._note_asked(series, questions)

    def _note_slots(self, asked: Question, slots: Sequence[str]) -> None:
        self._slots[asked] = tuple(sorted({*self._slots.get(asked, ()), *slots})[-KEPT_SLOTS:])

    def _note_asked(self, series: SeriesId, asked: Iterable[Asked]) -> None:
        kept = list(self._asked.get(series, ()))
        for one in asked:  # what later questions asked for as well need not be remembered
            if not any(one.is_within(other) for other in kept):
                kept = [other for other in kept if not other.is_within(one)]
                insort(kept, one)
        self._asked[series] = tuple(kept[-KEPT_ASKED:])


def question(venue: str, endpoint: str, parameters: Mapping[str, str]) -> Question:
    """Return what a question is known by; the order of its parameters does not matter."""
    return venue, endpoint, tuple(sorted(parameters.items()))


def _asked_by(header: BatchHeader) -> Iterator[tuple[SeriesId, Asked]]:
    """Yield what a batch of klines says of when it was asked for; a file was not."""
    mark = header.slot or header.known_at.isoformat()
    last = {(one.market, one.symbol, one.interval): one.last_open_time for one in header.ranges}
    for asked in header.asked:
        key = asked.market, asked.symbol, asked.interval
        has_open = asked.has_open or (key in last and last[key] >= asked.end)
        yield SeriesId.of(header.venue, *key), Asked(mark, asked.start, asked.end, has_open)
    if header.slot and not header.asked:  # nothing that was asked for had closed
        for one in header.ranges:
            series = SeriesId.of(header.venue, one.market, one.symbol, one.interval)
            yield series, Asked(mark, one.first_open_time, one.first_open_time, has_open=True)


def _folded(known: SeriesCoverage, answers: Iterable[_Answer], settle: timedelta) -> SeriesCoverage:
    """Return `known` with what the answers prove."""
    interval = known.series.interval
    held, settled, in_vain = list(known.held), list(known.settled), dict(known.in_vain)
    empty = list(known.no_trades)
    for answer in answers:
        due = interval.floor(answer.known_at - settle)  # bars that close later may still change
        complete = Spans.of((interval.ceil(start), interval.floor(end)) for start, end in answer.asked.complete)
        held += complete
        settled += ((start, min(end, due)) for start, end in complete)
        asked = interval.ceil(answer.asked.start), min(interval.ceil(answer.asked.end), due)
        lacking = Spans.of([asked]) - complete
        if answer.asked.omits_empty:
            empty += lacking
        elif lacking:
            in_vain[answer.batch_id] = in_vain.get(answer.batch_id, NOTHING) | lacking
    proven = Spans.of(settled)
    no_trades = Spans.of(empty) - proven
    in_vain = _without(in_vain, proven | known.confirmed_empty | no_trades)
    counted = overlaps(in_vain.values())
    confirmed = Spans.of((start, end) for start, end, times in counted if times >= known.confirmations)
    return SeriesCoverage(
        known.series,
        known.confirmations,
        settled=proven,
        held=Spans.of(held),
        confirmed_empty=(known.confirmed_empty | confirmed | no_trades) - proven,
        no_trades=no_trades,
        in_vain=_without(in_vain, confirmed),
    )


def _without(in_vain: Mapping[str, Spans], proven: Spans) -> dict[str, Spans]:
    return {batch_id: rest for batch_id, spans in in_vain.items() if (rest := spans - proven)}
