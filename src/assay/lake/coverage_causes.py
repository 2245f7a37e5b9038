"""Why bars are missing: every hole gets one code, and the evidence for it; a hole may fall into parts.

What a cause is told by: the answers for the series itself (the coverage ledger), and its circumstances, which are what
the venue's other symbols have, when the venue did not answer, what its lists of instruments say, and how many trades a
longer bar counts. The rules are tried in order and the first that holds of a bar decides; the same facts always give
the same causes. ``docs/concepts/coverage.md`` states them for people.

>>> from datetime import UTC
>>> from assay.domain.instrument import SeriesId
>>> def hour(number: int) -> datetime:
...     return datetime(2024, 1, 1, number, tzinfo=UTC)
>>> there = Spans.of([(hour(4), hour(8)), (hour(10), hour(12))])
>>> asked = {"1": Spans.of([(hour(0), hour(4)), (hour(8), hour(9))])}
>>> known = SeriesCoverage(SeriesId.parse("binance:spot:BTC-USDT:1h"), 3, settled=there, held=there, in_vain=asked)
>>> holes = Spans.of([(hour(0), hour(4)), (hour(8), hour(10))])
>>> [(one.start.hour, one.end.hour, one.cause.value) for one in find_causes(known, holes, Circumstances())]
[(0, 4, 'not_listed'), (8, 9, 'unknown'), (9, 10, 'our_outage')]
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from assay.domain.spans import NOTHING, Spans
from assay.lake.coverage_proof import SeriesCoverage

LONG = timedelta(days=1)
"""A series that ends is delisted, as far as bars can tell, if it lacks no less than this."""
_EARLIEST, _LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class HoleCause(StrEnum):
    """Why bars are missing, from the most certain to the least."""

    NO_TRADES = "no_trades"
    """Nothing was traded: the venue leaves such bars out, or a longer bar counts no more trades than are there."""
    NOT_LISTED = "not_listed"
    """The venue did not trade it yet."""
    DELISTED = "delisted"
    """The venue did not trade it any more."""
    VENUE_OUTAGE = "venue_outage"
    """The venue was down then, and does not have the bars."""
    OUR_OUTAGE = "our_outage"
    """Nobody asked for them late enough; or bronze holds them, and they were not built."""
    UNKNOWN = "unknown"
    """Nothing proves one of the others."""

    @property
    def label(self) -> str:
        """The cause in words."""
        return self.value.replace("_", " ")


class Remedy(StrEnum):
    """What may still bring missing bars."""

    ASK = "ask"
    """The venue may be asked for them: nothing proves that it does not have them."""
    BUILD = "build"
    """Bronze holds them; a build takes them in, unless they were set aside."""
    NOTHING = "nothing"
    """They are proven not to be there, or there is no way to ask."""


@dataclass(frozen=True, slots=True)
class HolePart:
    """Missing bars of one series that have one cause: those that would open in ``[start, end)``.

    Attributes
    ----------
    start, end : datetime
    bars : int
    cause : HoleCause
    evidence : str
        What the cause is told by.
    remedy : Remedy
        What may still bring them.
    """

    start: datetime
    end: datetime
    bars: int
    cause: HoleCause
    evidence: str
    remedy: Remedy = Remedy.NOTHING


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What else than the answers for a series tells why bars of it are missing.

    Attributes
    ----------
    first, last : datetime or None
        Open time of the first bar of the series that tables hold, close time of the last; files are among them.
    listed_at, delisted_at : datetime or None
        What the venue's lists of instruments say.
    paused : Spans
        When they had it as not traded, and as traded again later.
    outages : Spans
        When questions to the venue were not answered.
    others_held : Spans
        Bars of the same length that other symbols of the venue have.
    others_lacking : Spans
        Bars that another symbol lacks though it had begun and was asked for them late enough.
    untraded : Spans
        What longer bars prove to be without a trade beyond those of the bars that are there.
    can_ask : bool
        Whether there is a way to ask the venue.
    reach : datetime or None
        Bars that open earlier are not told by the venue any more.
    due : datetime or None
        Bars that close later may still be on their way.
    """

    first: datetime | None = None
    last: datetime | None = None
    listed_at: datetime | None = None
    delisted_at: datetime | None = None
    paused: Spans = NOTHING
    outages: Spans = NOTHING
    others_held: Spans = NOTHING
    others_lacking: Spans = NOTHING
    untraded: Spans = NOTHING
    can_ask: bool = True
    reach: datetime | None = None
    due: datetime | None = None


def asked_in_vain(coverage: SeriesCoverage) -> Spans:
    """Return the bars that a late answer lacks and none holds."""
    found = coverage.confirmed_empty
    for spans in coverage.in_vain.values():
        found |= spans
    return found - coverage.held


def find_causes(coverage: SeriesCoverage, holes: Spans, around: Circumstances) -> list[HolePart]:
    """Return the holes in parts of one cause and one remedy, in order.

    Parameters
    ----------
    coverage : SeriesCoverage
        What the answers in bronze prove of the series.
    holes : Spans
        Bars that are missing, on the grid.
    around : Circumstances
        What else is known.
    """
    found = _Sorting(coverage, holes)
    in_vain = asked_in_vain(coverage)
    build = "bronze holds them: they wait for a build, or silver set them aside"
    found.take(coverage.held, HoleCause.OUR_OUTAGE, build, Remedy.BUILD)
    _before_and_after(found, in_vain, around)
    _inside(found, in_vain, around)
    _never_asked(found, around)
    return _joined(sorted(found.parts, key=lambda one: one.start))


def _joined(parts: list[HolePart]) -> list[HolePart]:
    """Return the parts with neighbours of one cause and remedy in one, which has the evidence of both."""
    found: list[HolePart] = []
    for one in parts:
        last = found[-1] if found else None
        if last and (last.end, last.cause, last.remedy) == (one.start, one.cause, one.remedy):
            told = dict.fromkeys((*last.evidence.split("; "), one.evidence))
            found[-1] = replace(last, end=one.end, bars=last.bars + one.bars, evidence="; ".join(told))
        else:
            found.append(one)
    return found


@dataclass(slots=True)
class _Sorting:
    """Holes on their way into parts: what a rule takes, no later rule gets."""

    coverage: SeriesCoverage
    left: Spans
    parts: list[HolePart] = field(default_factory=list)

    def take(self, bars: Spans, cause: HoleCause, evidence: str, remedy: Remedy = Remedy.NOTHING) -> None:
        """Give a cause to those of the bars that have none yet; nobody asks again for what is confirmed."""
        count, taken = self.coverage.series.interval.count, self.left & bars
        self.left = self.left - taken
        proven = taken & self.coverage.confirmed_empty if remedy is Remedy.ASK else NOTHING
        for spans, to_do in ((taken - proven, remedy), (proven, Remedy.NOTHING)):
            self.parts += [HolePart(*span, count(*span), cause, evidence, to_do) for span in spans]

    def before(self, moment: datetime) -> Spans:
        """Return what is left of the bars that open earlier."""
        return self.left.clip(_EARLIEST, moment)

    def after(self, moment: datetime) -> Spans:
        """Return what is left of the bars that open then or later."""
        return self.left.clip(moment, _LATEST)


def _before_and_after(found: _Sorting, in_vain: Spans, around: Circumstances) -> None:
    held = found.coverage.held.edges
    firsts = [one for one in (around.first, *held[:1]) if one]
    lasts = [one for one in (around.last, *held[-1:]) if one]
    if not firsts or not lasts:
        return
    first, last = min(firsts), max(lasts)
    if around.listed_at:
        listed = found.coverage.series.interval.floor(around.listed_at)
        told = f"the venue lists it since {around.listed_at:%Y-%m-%d %H:%M} UTC"
        found.take(found.before(min(first, listed)), HoleCause.NOT_LISTED, told)
    told = f"answers that begin earlier begin with the bar of {first:%Y-%m-%d %H:%M} UTC"
    found.take(found.before(first) & in_vain, HoleCause.NOT_LISTED, told, Remedy.ASK)
    if around.delisted_at:
        told = f"the venue's lists have it as not traded since {around.delisted_at:%Y-%m-%d %H:%M} UTC"
        gone = found.coverage.series.interval.ceil(around.delisted_at)
        found.take(found.after(max(last, gone)), HoleCause.DELISTED, told)
    ended = found.after(last) & found.coverage.confirmed_empty - found.coverage.no_trades
    if ended.length >= LONG and ended & around.others_held:
        told = f"no answer has a bar after {last:%Y-%m-%d %H:%M} UTC, and other symbols went on"
        found.take(ended | (found.after(last) & in_vain), HoleCause.DELISTED, told)


def _inside(found: _Sorting, in_vain: Spans, around: Circumstances) -> None:
    times = found.coverage.confirmations
    told = "the venue's lists had it as not traded in the meantime"
    found.take(Spans.of(one for one in in_vain if around.paused.clip(*one)), HoleCause.DELISTED, told)
    nobody = in_vain - around.others_held
    told = "the venue did not answer then, and later answers lack the bars"
    found.take(nobody & around.outages, HoleCause.VENUE_OUTAGE, told, Remedy.ASK)
    told = "the venue leaves out bars without a trade"
    found.take(found.coverage.no_trades, HoleCause.NO_TRADES, told)
    told = "longer bars count no more trades than the bars that are there"
    found.take(around.untraded, HoleCause.NO_TRADES, told)
    told = "every symbol of the venue that was asked for lacks them"
    found.take(nobody & around.others_lacking, HoleCause.VENUE_OUTAGE, told, Remedy.ASK)
    confirmed = found.coverage.confirmed_empty
    found.take(confirmed, HoleCause.UNKNOWN, f"{times} answers lack them, and nothing says why")
    told = f"in doubt: an answer lacks them, and it takes {times} to be sure"
    found.take(in_vain, HoleCause.UNKNOWN, told, Remedy.ASK)


def _never_asked(found: _Sorting, around: Circumstances) -> None:
    was_asked = bool(found.coverage.held or found.coverage.confirmed_empty or found.coverage.in_vain)
    if around.due:
        told = "they closed so lately that the venue may still send them"
        found.take(found.after(around.due), HoleCause.UNKNOWN, told)
    if not around.can_ask:
        told = "they lack in files, and there is no way to ask the venue"
        found.take(found.left, HoleCause.UNKNOWN, told)
    if around.reach:
        told = f"nobody asked, and the venue tells nothing of before {around.reach:%Y-%m-%d %H:%M} UTC any more"
        found.take(found.before(around.reach), HoleCause.UNKNOWN, told)
    if not was_asked:
        found.take(found.left, HoleCause.UNKNOWN, "they lack in files; nobody asked the venue", Remedy.ASK)
    told = "no answer that came late enough covers them"
    found.take(found.left, HoleCause.OUR_OUTAGE, told, Remedy.ASK)
