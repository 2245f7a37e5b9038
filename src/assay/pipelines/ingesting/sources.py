"""What a person may ask to ingest: a venue, or one dataset of it, written ``binance`` or ``binance:klines``.

>>> [str(one) for one in read_sources(["wazirx", "binance:klines"])]
['wazirx:klines', 'wazirx:tickers', 'binance:klines']
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from assay.domain.errors import BadInputError
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

JSON = "json"
DATASETS = (KLINES, TICKERS, ORDER_BOOKS, COIN_MARKETS, FUNDING_RATES, INSTRUMENTS)
"""The datasets that are ingested, of every venue that publishes them."""
ON_REQUEST = (TRADES, COIN_HISTORY)
"""Those that are ingested only when they are named: they are large."""
OF_ONE_SYMBOL = (ORDER_BOOKS, TRADES)
"""Snapshots that are asked for symbol by symbol, whose rows do not say which one they are of."""


@dataclass(frozen=True, slots=True)
class Source:
    """One dataset of one venue."""

    venue: str
    dataset: str

    def __str__(self) -> str:
        return f"{self.venue}:{self.dataset}"


def sources_of(venue: str, *, of: tuple[str, ...] = DATASETS) -> tuple[Source, ...]:
    """Return what of the datasets `of` can be ingested from a venue."""
    spec = find_spec(venue)
    # Files of an archive are loaded by `assay backfill`, as a part of asking the venue for its history.
    published = {endpoint.dataset for endpoint in spec.endpoints if endpoint.body_format == JSON}
    return tuple(Source(venue, dataset) for dataset in of if dataset in published)


def read_sources(words: Iterable[str]) -> tuple[Source, ...]:
    """Return what `words` name, each once.

    Raises
    ------
    BadInputError
        If a word names no venue, or a dataset that the venue does not publish; with the nearest one that there is.
    """
    words = tuple(words)
    # The exchanges of ccxt are too many to be listed: they are known by being named.
    names = [*venue_names(), *(word.partition(":")[0] for word in words if word.startswith(PREFIX))]
    known = {str(source): source for name in names for source in sources_of(name, of=DATASETS + ON_REQUEST)}
    found: dict[Source, None] = {}
    for word in words:
        if word in known:
            found[known[word]] = None
        elif word in names:
            of_venue = sources_of(word)
            if not of_venue:
                raise BadInputError("an archive is no source", value=word, todo="`assay backfill` loads from it")
            found |= dict.fromkeys(of_venue)
        else:
            choices = [*names, *known]
            own = [one for one in choices if one.partition(":")[0] == word.partition(":")[0]]
            near = difflib.get_close_matches(word, own or choices, n=1, cutoff=0.5)
            todo = f"did you mean {near[0]}?" if near else f"use one of {', '.join(choices)}"
            raise BadInputError("unknown source", value=word, todo=todo)
    return tuple(found)
