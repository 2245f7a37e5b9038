"""What a person asks for, in their words, held against the settings and against what the venues have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from assay.domain.duration import parse_duration
from assay.domain.errors import BadInputError
from assay.domain.interval import EPOCH, Interval, parse_moment
from assay.domain.symbol import Symbol
from assay.pipelines.ingesting.coin_history import STEPS
from assay.pipelines.ingesting.sources import Source, sources_of
from assay.settings import Settings, TradingVenueSettings, VenueSettings
from assay.venues.ccxt import PREFIX
from assay.venues.datasets import COIN_HISTORY, KLINES
from assay.venues.registry import find_spec, venue_names
from assay.venues.spec import VenueSpec

_SHORT = timedelta(hours=1)
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


def enabled_sources(settings: Settings) -> tuple[Source, ...]:
    """Return what of every venue that is switched on can be ingested."""
    names = [name for name in venue_names() if venue_settings(settings, name).enabled]
    names += [PREFIX + exchange for exchange in settings.venues.ccxt.base_urls]
    return tuple(source for name in names for source in sources_of(name))


def start_of(settings: Settings, wanted: Wanted, interval: Interval, now: datetime) -> datetime:
    """Return from when on bars of `interval` are wanted."""
    usual = settings.ingest.since_short if interval.duration < _SHORT else settings.ingest.since
    return max(read_time(wanted.since or usual, now), EPOCH)


def reach_of(spec: VenueSpec, interval: Interval, now: datetime) -> datetime:
    """Return from when on the venue has bars of `interval`: a whole day, so that two runs ask the same questions."""
    reach = dict(spec.reach).get(interval)
    if reach is None:
        return EPOCH
    return (now - reach).replace(hour=0, minute=0, second=0, microsecond=0) + _DAY


def intervals_of(settings: Settings, wanted: Wanted, sources: Iterable[Source]) -> tuple[Interval, ...]:
    """Return the lengths of bars that are wanted; one that a person named has to be there.

    Raises
    ------
    BadInputError
        If one is none, or neither the bars nor the history of coins that is asked for comes in it.
    """
    sources = tuple(sources)
    found = tuple(dict.fromkeys(map(Interval.parse, wanted.intervals or settings.ingest.intervals)))
    specs = [find_spec(source.venue) for source in sources if source.dataset == KLINES]
    steps = STEPS if any(source.dataset == COIN_HISTORY for source in sources) else ()
    for interval in found if wanted.intervals else ():
        if interval not in steps and not any(has_bars(spec, interval) for spec in specs):
            there = {*steps, *(one for spec in specs for one, _ in spec.intervals)}
            known = sorted(there, key=lambda one: one.duration)
            todo = f"they have {', '.join(one.code for one in known) or 'no klines at all'}"
            raise BadInputError("no venue that is asked has such bars", value=interval, todo=todo)
    return found


def has_bars(spec: VenueSpec, interval: Interval) -> bool:
    """Whether the venue has bars of that length."""
    return any(known == interval for known, _ in spec.intervals)


Pair = tuple[Symbol, bool]
"""A symbol, and whether it was named as such."""


def pairs_of(settings: Settings, wanted: Wanted, sources: Iterable[Source]) -> dict[str, list[Pair]]:
    """Return the pairs to ask of each venue; a symbol that a person named has to go somewhere."""
    venues = {source.venue: find_spec(source.venue) for source in sources}
    texts = wanted.symbols or settings.ingest.symbols
    found: dict[str, list[Pair]] = {name: [] for name in venues}
    for text in dict.fromkeys(texts):
        per_venue = {name: pair_of(settings, spec, text) for name, spec in venues.items()}
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


def pair_of(settings: Settings, spec: VenueSpec, text: str) -> Pair | None:
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
