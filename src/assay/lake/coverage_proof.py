"""What is proven of one series, and the proof as people read it: bar by bar, every bar in exactly one class.

>>> from datetime import datetime, UTC
>>> def hour(number: int) -> datetime:
...     return datetime(2024, 1, 1, number, tzinfo=UTC)
>>> held = Spans.of([(hour(0), hour(4))])
>>> hourly = SeriesId.parse("binance:spot:BTC-USDT:1h")
>>> proof = SeriesCoverage(hourly, 3, settled=held.clip(hour(0), hour(3)), held=held).proof(hour(0), hour(5))
>>> proof.expected, proof.settled, proof.unsettled, proof.absent, proof.complete_until == hour(3)
(5, 3, 1, 1, True)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from assay.domain.instrument import SeriesId
from assay.domain.spans import NOTHING, Span, Spans, overlaps


@dataclass(frozen=True, slots=True, order=True)
class Hole:
    """A run of bars that no settled answer holds, all asked for in vain equally often.

    Attributes
    ----------
    start, end : datetime
        Open time of the first bar, close time of the last.
    bars : int
        How many they are.
    times : int
        How many different batches were asked late enough and came without them; it is counted up to the number that
        confirms.
    is_confirmed : bool
        Whether that is often enough to take it that the venue does not have them.
    is_held : bool
        Whether an answer that came too early to settle them holds them.
    """

    start: datetime
    end: datetime
    bars: int
    times: int
    is_confirmed: bool
    is_held: bool

    def to_dict(self) -> dict[str, object]:
        """Return the hole for JSON."""
        times = {"bars": self.bars, "asked_in_vain": self.times, "is_held": self.is_held}
        return {"start": self.start.isoformat(), "end": self.end.isoformat(), **times}


@dataclass(frozen=True, slots=True)
class CoverageProof:
    """What became of each bar of one series that opens in ``[start, end)``.

    Attributes
    ----------
    series : SeriesId
        The series.
    start, end : datetime
        The range, on the grid of the interval.
    expected : int
        Bars that the grid has in it: the sum of the next five.
    settled : int
        Held by an answer that came late enough.
    unsettled : int
        Held, but only by answers that came too early to be the last word.
    withdrawn : int
        Held by early answers, and confirmed to be gone by late ones.
    empty : int
        Never held, and confirmed not to be there.
    absent : int
        Never held, and not confirmed.
    confirmed_empty : tuple of Hole
        Where the withdrawn and the empty bars are.
    missing : tuple of Hole
        Where the unsettled and the absent bars are; what is to be asked for.
    """

    series: SeriesId
    start: datetime
    end: datetime
    expected: int
    settled: int
    unsettled: int
    withdrawn: int
    empty: int
    absent: int
    confirmed_empty: tuple[Hole, ...]
    missing: tuple[Hole, ...]

    @property
    def held(self) -> int:
        """Bars that bronze holds closed."""
        return self.settled + self.unsettled + self.withdrawn

    @property
    def is_complete(self) -> bool:
        """Whether every bar is settled or confirmed empty."""
        return not self.missing

    @property
    def complete_until(self) -> datetime:
        """Where the first missing bar opens, or the end of the range."""
        return self.missing[0].start if self.missing else self.end

    def to_dict(self) -> dict[str, object]:
        """Return the proof for JSON: times as ISO text in UTC, counts of bars, holes in order."""
        venue, market, symbol, interval = self.series.key
        counts = ("expected", "held", "settled", "unsettled", "withdrawn", "empty", "absent")
        return {
            "venue": venue,
            "market": market,
            "symbol": symbol,
            "interval": interval,
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "is_complete": self.is_complete,
            "complete_until": self.complete_until.isoformat(),
            **{name: getattr(self, name) for name in counts},
            "confirmed_empty": [hole.to_dict() for hole in self.confirmed_empty],
            "missing": [hole.to_dict() for hole in self.missing],
        }


@dataclass(frozen=True, slots=True)
class SeriesCoverage:
    """What the answers in bronze prove of one series.

    Attributes
    ----------
    series : SeriesId
        The series.
    confirmations : int
        How many different batches have to come without a bar before it counts as not there.
    settled : Spans
        Bars that an answer holds which came late enough to be the last word.
    held : Spans
        Bars that any answer holds closed; all the settled ones are among them.
    confirmed_empty : Spans
        Bars that are not settled and were asked for in vain as often as it takes.
    no_trades : Spans
        Those of them that are known to be empty, since the venue leaves out bars without a trade.
    in_vain : mapping of str to Spans
        By batch id, which bars that batch was asked for late enough and does not hold; without those that are settled
        or confirmed empty, so that it stays small.
    """

    series: SeriesId
    confirmations: int
    settled: Spans = NOTHING
    held: Spans = NOTHING
    confirmed_empty: Spans = NOTHING
    no_trades: Spans = NOTHING
    in_vain: Mapping[str, Spans] = field(default_factory=dict)

    @property
    def unsettled(self) -> Spans:
        """Bars that only answers hold which came too early to be the last word; withdrawn ones are among them."""
        return self.held - self.settled

    @property
    def withdrawn(self) -> Spans:
        """Bars that early answers hold and that are confirmed to be gone."""
        return self.held & self.confirmed_empty

    def missing(self, start: datetime, end: datetime, *, bridge: timedelta = timedelta()) -> list[Span]:
        """Return what to ask for: the bars that open in ``[start, end)`` and are neither settled nor confirmed empty.

        Parameters
        ----------
        start, end : datetime
            Need not be on the grid; what is returned is.
        bridge : timedelta, optional
            Spans with no more than this between them are put together, so that one question asks for many holes.
        """
        return list((self._within(start, end) - self.settled - self.confirmed_empty).bridged(bridge))

    def holes(self, start: datetime, end: datetime) -> list[Hole]:
        """Return the bars that open in ``[start, end)`` and are not settled, in runs of the same fate, in order."""
        unproven = self._within(start, end) - self.settled
        parts = (unproven & self.held, True), (unproven - self.held, False)
        return sorted(hole for part, is_held in parts for hole in self._runs(part, is_held=is_held))

    def proof(self, start: datetime, end: datetime) -> CoverageProof:
        """Return what became of each bar that opens in ``[start, end)``."""
        within, holes = self._within(start, end), self.holes(start, end)
        first, last = self.series.interval.ceil(start), self.series.interval.ceil(end)

        def bars(*, is_confirmed: bool, is_held: bool) -> int:
            return sum(hole.bars for hole in holes if (hole.is_confirmed, hole.is_held) == (is_confirmed, is_held))

        return CoverageProof(
            self.series,
            first,
            max(first, last),
            expected=self._bars(within),
            settled=self._bars(within & self.settled),
            unsettled=bars(is_confirmed=False, is_held=True),
            withdrawn=bars(is_confirmed=True, is_held=True),
            empty=bars(is_confirmed=True, is_held=False),
            absent=bars(is_confirmed=False, is_held=False),
            confirmed_empty=tuple(hole for hole in holes if hole.is_confirmed),
            missing=tuple(hole for hole in holes if not hole.is_confirmed),
        )

    def _runs(self, part: Spans, *, is_held: bool) -> Iterator[Hole]:
        count = self.series.interval.count
        for start, end in part & self.confirmed_empty:
            yield Hole(start, end, count(start, end), self.confirmations, is_confirmed=True, is_held=is_held)
        rest = part - self.confirmed_empty
        # The part itself is one of the sets, so that what was never asked for is there too, with 0 times.
        for start, end, sets in overlaps([rest, *(spans & rest for spans in self.in_vain.values())]):
            yield Hole(start, end, count(start, end), sets - 1, is_confirmed=False, is_held=is_held)

    def _within(self, start: datetime, end: datetime) -> Spans:
        return Spans.of([(self.series.interval.ceil(start), self.series.interval.ceil(end))])

    def _bars(self, spans: Spans) -> int:
        return sum(self.series.interval.count(start, end) for start, end in spans)
