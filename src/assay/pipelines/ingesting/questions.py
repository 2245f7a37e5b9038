"""What to ask next of one series: as little as completes it, in pages that do not depend on when one asks.

Bars that were never asked for come in pages of the grid. Holes on one page are asked for together, and a hole longer
than a page in one question, since an answer that is not full proves all of it at once. Whether a series had begun by
the first page is found with one question for a single bar, rather than by walking through years of empty pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from assay.domain.interval import Interval
from assay.domain.spans import NOTHING, Span, Spans
from assay.lake.coverage_proof import SeriesCoverage
from assay.venues.datasets import KLINES
from assay.venues.requests import klines_pages, klines_request
from assay.venues.spec import Paging, Request, VenueSpec


@dataclass(frozen=True, slots=True)
class KlinesQuestion:
    """One question for the bars that open in ``[start, end)``, and the slot that its answer is kept under.

    `slot` is empty where the answer is final whenever it comes: then it is the same batch, however often it arrives.
    """

    request: Request
    start: datetime
    end: datetime
    limit: int
    slot: str


@dataclass(frozen=True, slots=True)
class Poll:
    """The circumstances of asking.

    Attributes
    ----------
    now : datetime
        What time it is.
    settle : timedelta
        How long after its close a bar may still change.
    slot : str
        The schedule's slot.
    asked : Spans
        The closed bars that were asked for in this slot before; of them only those are asked for again that have
        settled since.
    has_open : bool
        Whether the bar that was open came in this slot; then the one that is open now can wait for the next.
    resting : Spans
        The closed bars that another look can wait for; of those that did not come, only where the venue leaves out
        bars without a trade.
    """

    now: datetime
    settle: timedelta
    slot: str
    asked: Spans = NOTHING
    has_open: bool = False
    resting: Spans = NOTHING


def last_end(interval: Interval, end: datetime | None, now: datetime) -> datetime:
    """Return where the bars end that can be asked for: the one that is open at `now` is the last."""
    latest = interval.close_time(interval.floor(now))
    return latest if end is None else min(interval.ceil(end), latest)


def next_questions(
    spec: VenueSpec, coverage: SeriesCoverage, within: Span, *, poll: Poll, asked: Spans
) -> list[KlinesQuestion]:
    """Return the questions that can be asked at once; none, if there is no more to ask in this run.

    Parameters
    ----------
    spec : VenueSpec
        The venue.
    coverage : SeriesCoverage
        What is proven so far.
    within : (datetime, datetime)
        The range to complete, on the grid.
    poll : Poll
        The circumstances.
    asked : Spans
        What was asked for in this run, and is not asked for again.
    """
    interval = coverage.series.interval
    limit = spec.feeding(KLINES).page_limit or 1
    in_vain = Spans.of((hole.start, hole.end) for hole in coverage.holes(*within) if hole.times)
    due = interval.floor(poll.now - poll.settle)
    wanted = Spans.of(coverage.missing(*within)) - asked
    # Bar by bar, since a run that was killed has asked for some of what it wanted only.
    wanted = wanted - (poll.asked - coverage.unsettled.clip(within[0], due))
    can_wait = poll.resting if spec.feeding(KLINES).omits_empty else poll.resting & coverage.held
    wanted = wanted - (can_wait - in_vain)
    if poll.has_open:
        wanted = wanted - Spans.of([(interval.floor(poll.now), within[1])])
    fresh = wanted - in_vain

    def question(span: Span, *, at_most: int = limit) -> KlinesQuestion:
        start, end = span
        symbol = coverage.series.symbol
        request = klines_request(spec, symbol, interval=interval, start=start, end=end, limit=at_most)
        is_final = end <= due and not in_vain.clip(start, end)
        return KlinesQuestion(request, start, end, at_most, "" if is_final else poll.slot)

    is_by_range = spec.feeding(KLINES).paging is Paging.BY_RANGE
    head = None if is_by_range else next(iter(fresh), None)
    is_begun = head is None or bool(asked or coverage.held.clip(within[0], head[0]))
    if head and not is_begun and interval.count(*head) > limit:
        return [question(head, at_most=1)]
    long = [] if is_by_range else [span for span in wanted & in_vain if interval.count(*span) > limit]
    pages = _pages(spec, interval, wanted - Spans.of(long))
    return [*map(question, long), *map(question, pages)]


def is_probe(questions: Sequence[KlinesQuestion]) -> bool:
    """Whether these only ask where a series begins."""
    return len(questions) == 1 and questions[0].limit == 1


def _pages(spec: VenueSpec, interval: Interval, wanted: Iterable[Span]) -> Iterator[Span]:
    """Yield what is wanted of each page, from its first bar to its last, and what lies between."""
    hull: Span | None = None
    for start, end in wanted:
        for first, edge in klines_pages(spec, interval, start=start, end=end):
            if hull and next(iter(klines_pages(spec, interval, start=hull[0], end=edge)))[1] == edge:
                hull = hull[0], edge
            else:
                if hull:
                    yield hull
                hull = first, edge
    if hull:
        yield hull
