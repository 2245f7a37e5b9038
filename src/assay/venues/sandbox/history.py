"""One page of bars, by the paging rule that venues share, as the venue's clock shows them; and the newest trades.

Both ends of the range are included and compare with a bar's open time. With a start a page is the oldest rows from it
on, without one the newest; the bar in progress is among them.

>>> from assay.venues.sandbox.market import Market
>>> window = Window(first_us=None, last_us=None, limit=2)
>>> question = Question("klines", {}, datetime(2024, 5, 1, 12, 30, tzinfo=UTC))
>>> page = read_page(Market(1), Symbol.parse("BTC-USDT"), Interval.parse("1h"), window=window, question=question)
>>> [to_datetime(us).hour for us in page.open_time.tolist()]
[11, 12]
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.venues.sandbox.answers import Question
from assay.venues.sandbox.assets import Listing
from assay.venues.sandbox.bars import NO_BARS, SECOND_US, Bars, join, to_datetime, to_us
from assay.venues.sandbox.market import Market
from assay.venues.sandbox.trades import NO_TRADES, Trades


class Tradable(Protocol):
    """A market that has bars: the spot market, or one that is derived from it."""

    @property
    def listings(self) -> tuple[Listing, ...]:
        """What is or was traded there."""
        ...

    def listing(self, symbol: Symbol) -> Listing:
        """Return what is known of `symbol`, or raise BadInputError."""
        ...

    def klines(
        self, symbol: Symbol, interval: Interval, *, start: datetime, end: datetime, seen_at: datetime | None = None
    ) -> Bars:
        """Return the bars that open in ``[start, end)``; see :meth:`assay.venues.sandbox.market.Market.klines`."""
        ...


_MONTH = timedelta(days=31)
_LONGEST_LOOK = timedelta(days=366)
_LATE_SHARE = 10
"""A bar that is restated was at first shown without its last tenth."""
LATEST_US = to_us(datetime(2100, 1, 1, tzinfo=UTC))
"""Ranges end here, whatever is asked."""


@dataclass(frozen=True, slots=True)
class Window:
    """What is wanted: open times from `first_us` to `last_us`, both included, at most `limit` bars."""

    first_us: int | None
    last_us: int | None
    limit: int


def read_page(market: Tradable, symbol: Symbol, interval: Interval, *, window: Window, question: Question) -> Bars:
    """Return the bars of a page.

    Parameters
    ----------
    market : Tradable
        Where the bars are from.
    symbol : Symbol
        As listed.
    interval : Interval
        Any.
    window : Window
        Which bars.
    question : Question
        What the clock says, and in which way the venue errs.
    """
    now = question.now
    span = (_MONTH if interval.is_calendar else interval.duration) * (window.limit + 1)
    last_us = to_us(now) if window.last_us is None else min(window.last_us, to_us(now), LATEST_US)
    end = to_datetime(last_us + 1)
    if window.first_us is None:
        bars = market.klines(symbol, interval, start=end - span, end=end, seen_at=now)[-window.limit :]
    else:
        bars, asked = NO_BARS, to_datetime(max(0, min(window.first_us, LATEST_US)))
        for life in market.listing(symbol).lives:  # a page goes on behind a time without trading
            start = max(asked, interval.floor(life.listed_at))
            asked = max(asked, min(end, start + span))
            if len(bars) < window.limit:
                bars = join([bars, market.klines(symbol, interval, start=start, end=asked, seen_at=now)])
        bars = bars[: window.limit]
    if question.is_early:
        running = market.klines(symbol, interval, start=interval.floor(now), end=now, seen_at=now)
        if not len(bars) or not len(running) or bars.open_time[-1] < running.open_time[0]:
            bars = join([bars, running])
    return _as_first_shown(bars, market, symbol, interval=interval, question=question)


def _as_first_shown(bars: Bars, market: Tradable, symbol: Symbol, *, interval: Interval, question: Question) -> Bars:
    """Show bars that closed a moment ago without their last trades; they are restated later."""
    now_us, late_us = to_us(question.now), int(question.late_s * SECOND_US)
    fresh = (bars.close_time <= now_us) & (now_us < bars.close_time + late_us)
    for row in fresh.nonzero()[0].tolist():
        opened, closed = int(bars.open_time[row]), int(bars.close_time[row])
        if not question.is_late(opened):
            continue
        seen_at = to_datetime(closed - (closed - opened) // _LATE_SHARE)
        before = market.klines(symbol, interval, start=to_datetime(opened), end=seen_at, seen_at=seen_at)
        if len(before):
            bars = join([bars[:row], before[:1], bars[row + 1 :]])
    return bars


def newest_trades(market: Market, listing: Listing, end: datetime, *, limit: int) -> Trades:
    """Return the last trades before `end`, at most `limit`, looking back further and further."""
    if listing.delisted_at is not None:
        end = min(end, listing.delisted_at)
    span, trades = timedelta(minutes=4), NO_TRADES
    while len(trades) < limit and span < _LONGEST_LOOK:
        trades = market.agg_trades(listing.symbol, start=end - span, end=end)
        if end - span <= listing.listed_at:
            break
        span *= 4
    return trades[max(0, len(trades) - limit) :]
