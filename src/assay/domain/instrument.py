"""What is traded where, and the one rule by which a name a person types becomes a series.

The rule, in order: (1) the text is read as a symbol in any spelling; (2) series of exactly that symbol win, in the
order of the preferred places; (3) a symbol quoted in USD that nobody has falls back to its dollar stand-ins in their
order. A stand-in is never silent: the resolution says what was asked and what was taken. USDT is not USD.

>>> have = [SeriesId.parse("binance:spot:BTC-USDT:1h"), SeriesId.parse("binance:usdm:BTC-USDT:1h")]
>>> resolution = resolve("BTC-USD", have)
>>> str(resolution.series), resolution.is_stand_in
('binance:spot:BTC-USDT:1h', True)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from assay.domain.errors import BadInputError, NoDataError
from assay.domain.interval import Interval
from assay.domain.symbol import Symbol

_VENUE = re.compile(r"[a-z][a-z0-9_]{0,31}")

PREFERRED_PLACES = ("coinbase:spot", "binance:spot", "binance:usdm")
"""Where a price is taken from when several venues have the symbol; settings may say otherwise."""

USD_STAND_INS = ("USDT", "USDC", "FDUSD", "BUSD")
"""Quotes that may stand in for USD, best first, when no venue has the symbol in USD itself."""


class Market(StrEnum):
    """Kind of market; prices of different kinds are never mixed."""

    SPOT = "spot"
    USDM = "usdm"
    """Perpetual future margined in a dollar stablecoin."""

    @classmethod
    def parse(cls, text: str) -> Market:
        """Return the market named `text`, or raise BadInputError."""
        try:
            return cls(text)
        except ValueError:
            raise BadInputError("unknown market", value=text, todo="use spot or usdm") from None


def check_venue(text: str) -> str:
    """Return `text` if it can name a venue: small letters, digits and underscores, a letter first.

    Any such name is accepted, whether or not Assay has a client for the venue.

    Raises
    ------
    BadInputError
        If it cannot.
    """
    if not _VENUE.fullmatch(text):
        todo = "use up to 32 small letters, digits and underscores, a letter first, like binance"
        raise BadInputError("not a venue name", value=text, todo=todo)
    return text


@dataclass(frozen=True, slots=True, order=True)
class SeriesId:
    """One series of klines: the key of everything that is computed bar by bar."""

    venue: str
    market: Market
    symbol: Symbol
    interval: Interval

    @classmethod
    def of(cls, venue: str, market: str, symbol: str, interval: str) -> SeriesId:
        """Build one from checked text, or raise BadInputError."""
        return cls(check_venue(venue), Market.parse(market), Symbol.parse(symbol), Interval.parse(interval))

    @classmethod
    def parse(cls, text: str) -> SeriesId:
        """Read ``venue:market:BASE-QUOTE:interval``, or raise BadInputError."""
        parts = text.split(":")
        if len(parts) != 4:
            raise BadInputError("not a series", value=text, todo="write venue:market:BASE-QUOTE:interval")
        return cls.of(*parts)

    @property
    def place(self) -> str:
        """``venue:market``."""
        return f"{self.venue}:{self.market}"

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Venue, market, symbol and interval as text, as the tables hold them."""
        return self.venue, self.market.value, str(self.symbol), self.interval.code

    def __str__(self) -> str:
        return ":".join(self.key)


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a name was taken to mean; shown with every result."""

    requested: str
    series: SeriesId
    is_stand_in: bool

    def __str__(self) -> str:
        note = f" (stands in for {self.requested}; not the same asset)" if self.is_stand_in else ""
        return f"{self.series}{note}"


def resolve(
    text: str, available: Iterable[SeriesId], *, places: Sequence[str] = PREFERRED_PLACES, interval: str = ""
) -> Resolution:
    """Return the series that `text` means among those available, by the rule at the top of this module.

    Parameters
    ----------
    text : str
        A symbol in any spelling (``BTC-USD``, ``BTCUSDT``, ``btcinr``), or ``venue:market:SYMBOL``.
    available : iterable of SeriesId
        What the lake holds.
    places : sequence of str, default PREFERRED_PLACES
        ``venue:market`` in order of preference; places not named come after, in alphabetical order.
    interval : str, optional
        Only series of this interval.

    Raises
    ------
    BadInputError
        If `text` is no symbol.
    NoDataError
        If nothing available answers to it.
    """
    if not isinstance(text, str):  # a notebook hands on whatever it was given
        raise BadInputError("not the name of a symbol", value=text, todo='give text, such as "BTC-USD"')
    place, _, spelling = text.rpartition(":")
    wanted = Symbol.from_spelling(spelling)
    available = list(available)
    series = [one for one in available if interval in ("", one.interval.code) and place in ("", one.place)]
    rank = {name: position for position, name in enumerate(places)}
    quotes = (wanted.quote, *USD_STAND_INS) if wanted.quote == "USD" else (wanted.quote,)
    for quote in quotes:
        symbol = Symbol(wanted.base, quote)
        matches = [one for one in series if one.symbol == symbol]
        if matches:
            best = min(matches, key=lambda one: (rank.get(one.place, len(rank)), one.place, one.interval.duration))
            return Resolution(text, best, quote != wanted.quote)
    symbols = {Symbol(wanted.base, quote) for quote in quotes}
    others = {one.interval for one in available if one.symbol in symbols and place in ("", one.place)}
    if others:
        lengths = ", ".join(one.code for one in sorted(others, key=lambda one: one.duration))
        raise NoDataError(
            f"no bars of {interval} for the symbol", value=text, todo=f"the lake holds those of {lengths}"
        )
    # A place that nobody trades at has no symbols: what there is elsewhere is named with its place.
    names = {str(one.symbol) for one in series} or {f"{one.place}:{one.symbol}" for one in available}
    known = ", ".join(sorted(names)[:8]) or "nothing yet"
    raise NoDataError("no series for the symbol", value=text, todo=f"the lake holds {known}")
