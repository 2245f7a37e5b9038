"""What is asked of a venue besides its bars: the state of a moment, once a slot, and history that comes whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from assay.domain.duration import parse_duration
from assay.domain.errors import BadInputError
from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.lake.settling import settle_of
from assay.pipelines.ingesting.coin_history import STEPS, history_questions
from assay.pipelines.ingesting.funding import FUNDING_EVERY, funding_questions
from assay.pipelines.ingesting.sources import OF_ONE_SYMBOL
from assay.pipelines.ingesting.wanted import Pair, Wanted, pair_of, reach_of, start_of
from assay.settings import Settings
from assay.venues.datasets import (
    COIN_HISTORY,
    COIN_MARKETS,
    FUNDING_RATES,
    INSTRUMENTS,
    ORDER_BOOKS,
    TICKERS,
    TRADES,
)
from assay.venues.requests import (
    coin_markets_request,
    depth_request,
    instruments_request,
    recent_trades_request,
    tickers_request,
)
from assay.venues.spec import Request, Role, VenueSpec

INSTRUMENTS_EVERY = timedelta(days=1)
COIN_QUOTES = ("usd", "inr")
"""The same coins in both give the dated rate between the two currencies."""
TOP_COINS = 100
_HOURLY, _MONTH = Interval("1h"), Interval("1M")


@dataclass(frozen=True, slots=True)
class SnapshotPlan:
    """One question whose answer is the state of a moment, asked once in every slot of the schedule.

    `slot` is given where the answer is final: it is asked for once under that name, whatever the schedule says.
    """

    dataset: str
    request: Request
    every: timedelta
    symbol: Symbol | None = None
    is_named: bool = True
    slot: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """Of which venue snapshots are wanted, for which pairs, and up to when history is.

    Attributes
    ----------
    spec : VenueSpec
    pairs : sequence of Pair
    now : datetime
    end : datetime or None
        History ends here; None is now.
    """

    spec: VenueSpec
    pairs: Sequence[Pair]
    now: datetime
    end: datetime | None


def snapshots(settings: Settings, wanted: Wanted, asked: Asked, datasets: Iterable[str]) -> Iterator[SnapshotPlan]:
    """Yield what is asked of a venue for these datasets, klines left out.

    Raises
    ------
    BadInputError
        If a coin that a person named has no certain id.
    """
    datasets = tuple(datasets)
    yield from _states(settings, wanted, asked, datasets)
    if FUNDING_RATES in datasets:
        yield from _funding(settings, wanted, asked)
    if COIN_HISTORY in datasets:
        for interval in _steps(wanted):
            yield from _coin_history(settings, wanted, asked, interval)


def _states(settings: Settings, wanted: Wanted, asked: Asked, datasets: Iterable[str]) -> Iterator[SnapshotPlan]:
    spec, pairs = asked.spec, asked.pairs
    every = parse_duration(settings.ingest.every)
    for dataset in datasets:
        if dataset == TICKERS and _is_by_symbol(spec, TICKERS):
            for symbol, is_named in pairs:
                yield SnapshotPlan(TICKERS, tickers_request(spec, symbol), every, symbol, is_named)
        elif dataset == TICKERS:
            yield SnapshotPlan(TICKERS, tickers_request(spec), every)
        elif dataset == COIN_MARKETS:
            for quote in COIN_QUOTES:
                request = coin_markets_request(spec, quote=quote, limit=TOP_COINS)
                yield SnapshotPlan(COIN_MARKETS, request, every)
        elif dataset == INSTRUMENTS:
            yield SnapshotPlan(INSTRUMENTS, instruments_request(spec), INSTRUMENTS_EVERY)
        elif dataset in OF_ONE_SYMBOL:
            for text in wanted.symbols or settings.ingest.depth_symbols:
                pair = pair_of(settings, spec, text)
                if pair and dataset == ORDER_BOOKS:
                    most = spec.feeding(ORDER_BOOKS).page_limit or settings.ingest.depth_limit
                    request = depth_request(spec, pair[0], limit=min(most, settings.ingest.depth_limit))
                    yield SnapshotPlan(ORDER_BOOKS, request, every, pair[0], pair[1])
                elif pair:
                    yield SnapshotPlan(TRADES, recent_trades_request(spec, pair[0]), every, pair[0], pair[1])


def _funding(settings: Settings, wanted: Wanted, asked: Asked) -> Iterator[SnapshotPlan]:
    within = start_of(settings, wanted, _HOURLY, asked.now), asked.end or asked.now
    settle = settle_of(_MONTH, settings.ingest.settle_length)
    for symbol, is_named in asked.pairs:
        for request, slot in funding_questions(asked.spec, symbol, within, settle=settle):
            yield SnapshotPlan(FUNDING_RATES, request, FUNDING_EVERY, symbol, is_named, slot)


def _steps(wanted: Wanted) -> tuple[Interval, ...]:
    """Return the steps in which the history of coins is wanted: hours, unless a person names days."""
    named = [*map(Interval.parse, wanted.intervals)]
    return tuple(one for one in STEPS if one in named) or (_HOURLY,)


def _coin_history(settings: Settings, wanted: Wanted, asked: Asked, interval: Interval) -> Iterator[SnapshotPlan]:
    spec, now = asked.spec, asked.now
    within = start_of(settings, wanted, interval, now), asked.end or now
    settle, every = settle_of(_MONTH, settings.ingest.settle_length), parse_duration(settings.ingest.every)
    own_quote = getattr(spec.symbols, "quote", "")
    reach = reach_of(spec, interval, now)
    for text in wanted.symbols or settings.ingest.symbols:
        try:
            symbol, is_named = Symbol.from_spelling(text), True
        except BadInputError:
            symbol, is_named = Symbol(text.strip().upper(), own_quote), False
        try:
            pages = list(history_questions(spec, symbol, within, reach=reach, settle=settle, step=interval))
        except BadInputError:
            if is_named:
                raise
            continue
        for request, slot in pages:
            yield SnapshotPlan(COIN_HISTORY, request, every, symbol, is_named, slot)


def _is_by_symbol(spec: VenueSpec, dataset: str) -> bool:
    """Whether the venue has to be asked for each symbol by itself."""
    parameter = spec.feeding(dataset).parameter(Role.SYMBOL)
    return parameter is not None and parameter.is_required
