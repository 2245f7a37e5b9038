"""What a person may ask to ingest: a venue, or one dataset of it, written ``binance`` or ``binance:klines``.

>>> [str(one) for one in read_sources(["wazirx", "binance:klines"])]
['wazirx:klines', 'wazirx:tickers', 'binance:klines']
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from assay.domain.errors import BadInputError
from assay.venues.datasets import COIN_MARKETS, INSTRUMENTS, KLINES, ORDER_BOOKS, TICKERS, TRADES
from assay.venues.registry import find_spec, venue_names

DATASETS = (KLINES, TICKERS, ORDER_BOOKS, COIN_MARKETS, INSTRUMENTS)
"""The datasets that are ingested, of every venue that publishes them."""
ON_REQUEST = (TRADES,)
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
    published = {endpoint.dataset for endpoint in find_spec(venue).endpoints}
    return tuple(Source(venue, dataset) for dataset in of if dataset in published)


def read_sources(words: Iterable[str]) -> tuple[Source, ...]:
    """Return what `words` name, each once.

    Raises
    ------
    BadInputError
        If a word names no venue, or a dataset that the venue does not publish; with the nearest one that there is.
    """
    known = {str(source): source for name in venue_names() for source in sources_of(name, of=DATASETS + ON_REQUEST)}
    found: dict[Source, None] = {}
    for word in words:
        if word in known:
            found[known[word]] = None
        elif word in venue_names():
            found |= dict.fromkeys(sources_of(word))
        else:
            choices = [*venue_names(), *known]
            near = difflib.get_close_matches(word, choices, n=1, cutoff=0.5)
            todo = f"did you mean {near[0]}?" if near else f"use one of {', '.join(choices)}"
            raise BadInputError("unknown source", value=word, todo=todo)
    return tuple(found)
