"""What both of Coinbase's APIs say of the market, before it is put into the words of either.

Every asset is traded in dollars and in tether, at one price: here a tether is a dollar. A bar without a trade is left
out, pages come newest first, and a range of too many bars is refused.

>>> from datetime import UTC, timedelta
>>> market, noon = Market(1), datetime(2024, 5, 1, 12, tzinfo=UTC)
>>> product = find_product(market, "DASH-USD", noon)
>>> window = Window(to_us(noon - timedelta(minutes=10)), to_us(noon) - 1, limit=300)
>>> question = Question("candles", {}, noon)
>>> bars = newest_bars(market, product, Interval.parse("1m"), window=window, question=question)
>>> len(bars) < 10, bool((bars.open_time[1:] < bars.open_time[:-1]).all())
(True, True)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from assay.domain.errors import BadInputError
from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.venues.coinbase.spec import SPEC
from assay.venues.sandbox.answers import Question
from assay.venues.sandbox.assets import QUOTE, Listing
from assay.venues.sandbox.bars import COLUMNS, Bars, to_us
from assay.venues.sandbox.history import Window, newest_trades, read_page
from assay.venues.sandbox.market import Market
from assay.venues.sandbox.trades import Trades

QUOTES = ("USD", QUOTE)
MOST_TRADES = 1_000
BOOK_LEVELS = 500
"""Levels a side of a whole book."""


@dataclass(frozen=True, slots=True)
class Product:
    """Something that is traded: what stands behind it in the market, and in which quote."""

    listing: Listing
    symbol: Symbol

    @property
    def name(self) -> str:
        """Its spelling on the wire."""
        return SPEC.symbols.to_wire(self.symbol)


def products(market: Market, now: datetime) -> Iterator[Product]:
    """Yield what was ever traded until `now`."""
    for listing in market.listings:
        if listing.listed_at <= now:
            for quote in QUOTES:
                yield Product(listing, Symbol(listing.symbol.base, quote))


def find_product(market: Market, name: str, now: datetime) -> Product | None:
    """Return the product that is spelled so, or None if there is none."""
    try:
        symbol = SPEC.symbols.to_symbol(name)
        listing = market.listing(Symbol(symbol.base, QUOTE))
    except BadInputError:
        return None
    return Product(listing, symbol) if symbol.quote in QUOTES and listing.listed_at <= now else None


def newest_bars(market: Market, product: Product, interval: Interval, *, window: Window, question: Question) -> Bars:
    """Return the bars of a page in which anything was traded, the newest first."""
    bars = read_page(market, product.listing.symbol, interval, window=window, question=question)
    rows = np.flatnonzero(bars.num_trades > 0)[::-1]
    return Bars(*(getattr(bars, name)[rows] for name in COLUMNS))


def is_too_long(window: Window, interval: Interval, most: int) -> bool:
    """Return whether a range holds more bars than are given at once."""
    if window.first_us is None or window.last_us is None:
        return False
    return window.last_us - window.first_us > most * interval.microseconds


def newest_page(market: Market, product: Product, now: datetime, *, limit: int, before: int | None = None) -> Trades:
    """Return the newest trades, at most `limit`, or those before the trade with an id; the newest first."""
    if before is None:
        trades = newest_trades(market, product.listing, now, limit=limit)
    else:
        first = max(0, before - limit)
        trades = market.agg_trades_from(product.listing.symbol, first, seen_at=now, limit=min(limit, before))
        trades = trades[: int(np.searchsorted(trades.trade_id, before))]
    return trades[::-1]


def moment_us(text: str) -> int | None:
    """Return the microseconds of a moment in seconds or as ISO 8601 text, or None if it is neither."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return int(text) * 1_000_000 if text.isascii() and text.isdigit() and len(text) < 12 else None
    return None if moment.tzinfo is None else to_us(moment)
