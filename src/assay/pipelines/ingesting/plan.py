"""From what a person asks for, and what the settings say, to what each venue is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from assay.domain.duration import parse_duration
from assay.domain.errors import BadInputError
from assay.domain.instrument import SeriesId
from assay.domain.interval import EPOCH, Interval, parse_moment
from assay.domain.spans import Span, Spans
from assay.domain.symbol import Symbol
from assay.pipelines.ingesting.coin_history import history_questions
from assay.pipelines.ingesting.funding import FUNDING_EVERY, funding_questions
from assay.pipelines.ingesting.sources import OF_ONE_SYMBOL, Source, read_sources, sources_of
from assay.settings import Settings, TradingVenueSettings, VenueSettings
from assay.venues.ccxt import PREFIX
from assay.venues.datasets import (
    COIN_HISTORY,
    COIN_MARKETS,
    FUNDING_RATES,
    INSTRUMENTS,
    KLINES,
    ORDER_BOOKS,
    TICKERS,
    TRADES,
)
from assay.venues.registry import find_spec, venue_names
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
_SHORT = timedelta(hours=1)
_HOURLY = Interval("1h")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asks for, in their words; what is empty is left to the settings.

    Attributes
    ----------
    sources : tuple of str
        ``binance``, ``binance:klines`` and so on.
    symbols : tuple of str
        In any spelling; an asset alone means the pair with the venue's own quote.
    intervals : tuple of str
    since, until : str
        Moments, or lengths of time before now, such as ``30d``.
    """

    sources: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    intervals: tuple[str, ...] = ()
    since: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True)
class SeriesPlan:
    """One series of klines to complete from `start` on.

    `is_named` says whether somebody named the pair itself. One that only came of an asset and a venue's quote may turn
    out not to be traded there, which is no failure. With `only`, nothing else of that range is asked for.
    """

    series: SeriesId
    start: datetime
    end: datetime | None
    is_named: bool
    only: Spans | None = None


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
class VenuePlan:
    """Everything one venue is asked; an `archive` of its history is used before it is asked for the rest."""

    spec: VenueSpec
    base_url: str
    series: tuple[SeriesPlan, ...] = ()
    snapshots: tuple[SnapshotPlan, ...] = ()
    archive: VenuePlan | None = None

    @property
    def is_undocumented(self) -> bool:
        """Whether the venue documents no such address: a sandbox or a proxy, with limits of its own."""
        return self.base_url not in (self.spec.base_url, *self.spec.other_base_urls)


@dataclass(frozen=True, slots=True)
class IngestPlan:
    """Everything that is asked."""

    venues: tuple[VenuePlan, ...]


def plan_ingest(settings: Settings, wanted: Wanted, now: datetime) -> IngestPlan:
    """Return what is asked of every venue.

    Raises
    ------
    BadInputError
        If a source, symbol, interval or time is none, or no venue that is asked can spell a symbol or has an interval.
    """
    sources = read_sources(wanted.sources) or _enabled(settings)
    if not sources:
        raise BadInputError("no venue is enabled", todo="name one, or set venues.binance.enabled and so on")
    pairs = _pairs(settings, wanted, sources)
    intervals = _intervals(settings, wanted, sources)
    starts = {interval: _start(settings, wanted, interval, now) for interval in intervals}
    end = read_time(wanted.until, now) if wanted.until else None
    end = None if end is None or end >= now else end
    for start in starts.values():
        if start >= (end or now):
            todo = "give a beginning before the end, and before now"
            raise BadInputError(
                "a range without bars", value=f"{start.isoformat()} to {wanted.until or 'now'}", todo=todo
            )
    plans = []
    for name in dict.fromkeys(source.venue for source in sources):
        spec = find_spec(name)
        datasets = [source.dataset for source in sources if source.venue == name]
        within_reach = {one: max(start, reach_of(spec, one, now)) for one, start in starts.items()}
        series = tuple(_series(spec, pairs[name], within_reach, end)) if KLINES in datasets else ()
        snapshots = tuple(_snapshots(settings, wanted, spec, datasets, pairs=pairs[name]))
        if FUNDING_RATES in datasets:
            within = _start(settings, wanted, _HOURLY, now), end or now
            snapshots += tuple(_funding(settings, spec, pairs[name], within))
        if COIN_HISTORY in datasets:
            within = _start(settings, wanted, _HOURLY, now), end or now
            snapshots += tuple(_coin_history(settings, wanted, spec, within=within, now=now))
        base_url = venue_settings(settings, name).base_url or spec.base_url
        plans.append(VenuePlan(spec, base_url, series, snapshots))
    return IngestPlan(tuple(plans))


def venue_settings(settings: Settings, venue: str) -> VenueSettings:
    """Return the settings of a venue; one that they do not know is asked only when it is named."""
    if venue.startswith(PREFIX):
        ccxt = settings.venues.ccxt
        exchange = venue.removeprefix(PREFIX)
        base_url = ccxt.base_urls.get(exchange)
        return TradingVenueSettings(enabled=exchange in ccxt.base_urls, base_url=base_url, quote=ccxt.quote)
    found = getattr(settings.venues, venue, None)
    return found if isinstance(found, VenueSettings) else VenueSettings(enabled=False)


def read_time(text: str, now: datetime) -> datetime:
    """Return the moment that `text` means: a date or time, or so long before `now`; whole days count from midnight.

    >>> from datetime import UTC
    >>> read_time("30d", datetime(2024, 1, 31, 12, tzinfo=UTC)).isoformat()
    '2024-01-01T00:00:00+00:00'
    """
    try:
        length = parse_duration(text)
    except BadInputError:
        try:
            return parse_moment(text)
        except BadInputError as error:
            todo = "write it like 2024-01-31, 2024-01-31T09:00:00Z, or 30d for 30 days ago"
            raise BadInputError("not a date or time", value=text, todo=todo) from error
    try:
        moment = now - length
    except OverflowError:
        raise BadInputError("that is before all time", value=text, todo="give a shorter length") from None
    # So that two runs on one day ask the same questions.
    return moment if length % _DAY else moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _enabled(settings: Settings) -> tuple[Source, ...]:
    names = [name for name in venue_names() if venue_settings(settings, name).enabled]
    names += [PREFIX + exchange for exchange in settings.venues.ccxt.base_urls]
    return tuple(source for name in names for source in sources_of(name))


def _start(settings: Settings, wanted: Wanted, interval: Interval, now: datetime) -> datetime:
    usual = settings.ingest.since_short if interval.duration < _SHORT else settings.ingest.since
    return max(read_time(wanted.since or usual, now), EPOCH)


def _intervals(settings: Settings, wanted: Wanted, sources: Iterable[Source]) -> tuple[Interval, ...]:
    found = tuple(dict.fromkeys(map(Interval.parse, wanted.intervals or settings.ingest.intervals)))
    specs = [find_spec(source.venue) for source in sources if source.dataset == KLINES]
    for interval in found if wanted.intervals else ():
        if not any(_has(spec, interval) for spec in specs):
            known = sorted({one for spec in specs for one, _ in spec.intervals}, key=lambda one: one.duration)
            todo = f"they have {', '.join(one.code for one in known) or 'no klines at all'}"
            raise BadInputError("no venue that is asked has such bars", value=interval, todo=todo)
    return found


def _has(spec: VenueSpec, interval: Interval) -> bool:
    return any(known == interval for known, _ in spec.intervals)


Pair = tuple[Symbol, bool]
"""A symbol, and whether it was named as such."""


def _pairs(settings: Settings, wanted: Wanted, sources: Iterable[Source]) -> dict[str, list[Pair]]:
    """Return the pairs to ask of each venue; a symbol that a person named has to go somewhere."""
    venues = {source.venue: find_spec(source.venue) for source in sources}
    texts = wanted.symbols or settings.ingest.symbols
    found: dict[str, list[Pair]] = {name: [] for name in venues}
    for text in dict.fromkeys(texts):
        per_venue = {name: _pair(settings, spec, text) for name, spec in venues.items()}
        is_anywhere = any(per_venue.values()) or any(source.dataset == COIN_HISTORY for source in sources)
        if wanted.symbols and not is_anywhere:
            said = "; ".join(_quotes(settings, spec) for spec in venues.values() if spec.markets)
            todo = said or "only venues that trade can be asked for symbols"
            raise BadInputError("no venue that is asked trades such a pair", value=text, todo=todo)
        only = wanted.symbols and sum(pair is not None for pair in per_venue.values()) == 1
        for name, pair in per_venue.items():
            if pair and pair[0] not in [symbol for symbol, _ in found[name]]:
                # An asset that a person asks of one venue has to be there; of several, it need not be at each.
                found[name].append((pair[0], pair[1] or bool(only)))
    return found


def _quotes(settings: Settings, spec: VenueSpec) -> str:
    home = getattr(venue_settings(settings, spec.name), "quote", "")
    return f"write BASE-QUOTE with a quote of {spec.name}" + (f", such as BTC-{home}" if home else "")


def _pair(settings: Settings, spec: VenueSpec, text: str) -> Pair | None:
    """Return the pair that `text` means at a venue, or None if it can have no such pair."""
    if not spec.markets:
        return None
    try:
        symbol, is_named = Symbol.from_spelling(text), True
    except BadInputError:
        quote = getattr(venue_settings(settings, spec.name), "quote", "")
        if not quote:
            return None
        try:
            symbol, is_named = Symbol(text.strip().upper(), quote), False
        except BadInputError as error:
            raise BadInputError(error.what, value=text, todo="write assets like BTC and pairs like BTC-USDT") from error
    try:
        spec.symbols.to_wire(symbol)
    except BadInputError:
        return None
    return symbol, is_named


def _series(
    spec: VenueSpec, pairs: Iterable[Pair], starts: dict[Interval, datetime], end: datetime | None
) -> Iterator[SeriesPlan]:
    market = spec.feeding(KLINES).market
    for symbol, is_named in pairs:
        for interval, start in starts.items():
            if _has(spec, interval):
                yield SeriesPlan(SeriesId(spec.venue, market, symbol, interval), start, end, is_named)


def reach_of(spec: VenueSpec, interval: Interval, now: datetime) -> datetime:
    """Return from when on the venue has bars of `interval`: a whole day, so that two runs ask the same questions."""
    reach = dict(spec.reach).get(interval)
    if reach is None:
        return EPOCH
    return (now - reach).replace(hour=0, minute=0, second=0, microsecond=0) + _DAY


def _snapshots(
    settings: Settings, wanted: Wanted, spec: VenueSpec, datasets: Iterable[str], *, pairs: Iterable[Pair]
) -> Iterator[SnapshotPlan]:
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
                pair = _pair(settings, spec, text)
                if pair and dataset == ORDER_BOOKS:
                    most = spec.feeding(ORDER_BOOKS).page_limit or settings.ingest.depth_limit
                    request = depth_request(spec, pair[0], limit=min(most, settings.ingest.depth_limit))
                    yield SnapshotPlan(ORDER_BOOKS, request, every, pair[0], pair[1])
                elif pair:
                    yield SnapshotPlan(TRADES, recent_trades_request(spec, pair[0]), every, pair[0], pair[1])


def _funding(settings: Settings, spec: VenueSpec, pairs: Iterable[Pair], within: Span) -> Iterator[SnapshotPlan]:
    settle = parse_duration(settings.ingest.settle)
    for symbol, is_named in pairs:
        for request, slot in funding_questions(spec, symbol, within, settle=settle):
            yield SnapshotPlan(FUNDING_RATES, request, FUNDING_EVERY, symbol, is_named, slot)


def _coin_history(
    settings: Settings, wanted: Wanted, spec: VenueSpec, *, within: Span, now: datetime
) -> Iterator[SnapshotPlan]:
    settle, every = parse_duration(settings.ingest.settle), parse_duration(settings.ingest.every)
    own_quote = getattr(spec.symbols, "quote", "")
    for text in wanted.symbols or settings.ingest.symbols:
        try:
            symbol, is_named = Symbol.from_spelling(text), True
        except BadInputError:
            symbol, is_named = Symbol(text.strip().upper(), own_quote), False
        try:
            pages = list(history_questions(spec, symbol, within, reach=reach_of(spec, _HOURLY, now), settle=settle))
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
