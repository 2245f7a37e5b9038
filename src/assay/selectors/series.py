"""Which series there are, and which of them stands for an asset or for a name that a person typed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from assay.domain.errors import BadInputError, NoDataError
from assay.domain.instrument import USD_STAND_INS, Resolution, SeriesId, resolve
from assay.lake import as_of as moments
from assay.lake import reads
from assay.lake.catalog import CATALOG
from assay.pipelines.workspace import Workspace
from assay.selectors.kept import Reading, answer

_KNOWN_SINCE = f"select min(known_at) from {CATALOG}.bronze.batches"
_ASSET = re.compile(r"[A-Za-z0-9]{1,20}")

Place = tuple[str, str, str]
"""Venue, market and symbol, as the tables hold them."""

DOLLARS = ("USD", *USD_STAND_INS)
"""Quotes in dollars or in what may stand in for them, best first."""


def all_series(reading: Reading) -> tuple[SeriesId, ...]:
    """Return every series that the lake holds, sorted; none before there are bars."""
    return tuple(stored_ranges(reading)) if reading.has(reads.CLEANED) else ()


def stored_ranges(reading: Reading) -> Mapping[SeriesId, tuple[datetime, datetime]]:
    """Return when the first and the last bar of every series opens, as the batches say that are known; sorted."""
    return reading.part("series", _ranges)


def _ranges(reading: Reading) -> Mapping[SeriesId, tuple[datetime, datetime]]:
    reading.table(reads.CLEANED, "bars")
    rows = _ranges_known(reading, reading.as_of)
    if reading.available_at is not None:  # no bar is to be had before it has opened
        end = reading.available_at
        rows = [(*key, first, min(last, end)) for *key, first, last in rows if first < end]
    return {SeriesId.of(*row[:4]): (row[4], row[5]) for row in rows}


def _ranges_known(reading: Reading, as_of: datetime | None) -> list[Any]:
    known = f"{CATALOG}.bronze.batch_ranges"
    if as_of is not None:  # what a name meant then, and not what it means since another venue has the symbol
        known = f"(select * from {known} semi join {moments.relation('bronze.batches', as_of)} using (batch_id))"
    return reading.connection.execute(
        f"select venue, market, symbol, interval, min(first_open_time), max(last_open_time) from {known} "
        "group by all order by all"
    ).fetchall()


def find_known(reading: Reading, text: str, available: Sequence[SeriesId], *, places: Sequence[str]) -> Resolution:
    """Return the series that a name meant at the moment asked of; see :func:`find`.

    Raises
    ------
    BadInputError
        If `text` is no such name.
    NoDataError
        If no series answers to it, or none did then.
    """
    try:
        return find(text, available, places=places)
    except NoDataError:
        if reading.is_now:
            raise
        check_known(reading)
        later = [SeriesId.of(*row[:4]) for row in _ranges_known(reading, None)]
        found = find(text, later, places=places)  # nobody knows it: that is said instead
        name = name_of(place_of(found.series))
        raise NoDataError("nothing was known of this series then", value=name, todo="ask of a later moment") from None


def known_since(reading: Reading) -> datetime | None:
    """Return when the first batch of the lake was received, or None if it holds none: whatever the moment asked of."""
    return reading.part("known since", _known_since)


def _known_since(reading: Reading) -> datetime | None:
    since: datetime | None = reading.connection.execute(_KNOWN_SINCE).fetchall()[0][0]
    return since


def check_known(reading: Reading) -> None:
    """Raise NoDataError that says since when anything is known, if the moment asked of is before that."""
    since = known_since(reading)
    if reading.as_of is not None and since is not None and reading.as_of < since:
        todo = f"ask of a moment from {since:%Y-%m-%d %H:%M:%S} UTC on, when the lake received its first batch"
        raise NoDataError("nothing was known at that moment", value=reading.as_of.isoformat(), todo=todo)


def check_venue_known(workspace: Workspace, venue: str) -> None:
    """Raise NoDataError that names those there are, if the lake has nothing of a venue, neither bars nor anything."""
    venues = answer(workspace, "venues", _venues)
    if venue not in venues:
        todo = f"the lake holds {', '.join(venues) or 'nothing yet'}"
        raise NoDataError("nothing of this venue", value=venue, todo=todo)


def _venues(reading: Reading) -> tuple[str, ...]:
    rows = reading.connection.execute(f"select distinct venue from {CATALOG}.bronze.batches order by 1").fetchall()
    return tuple(row[0] for row in rows)


def series_of_assets(available: Iterable[SeriesId], places: Sequence[str]) -> Mapping[str, Place]:
    """Return the series in dollars that stands for each asset: the best quote, and of those the preferred place.

    Parameters
    ----------
    available : iterable of SeriesId
    places : sequence of str
        ``venue:market``, preferred first; others come after, in alphabetical order.

    Examples
    --------
    >>> have = [SeriesId.parse(f"{place}:1h") for place in ("binance:spot:BTC-USDT", "wazirx:spot:BTC-INR")]
    >>> series_of_assets(have, ())
    {'BTC': ('binance', 'spot', 'BTC-USDT')}
    """
    rank = {place: position for position, place in enumerate(places)}
    priced = [one for one in available if one.symbol.quote in DOLLARS]
    best = sorted(
        priced,
        key=lambda one: (DOLLARS.index(one.symbol.quote), rank.get(one.place, len(rank)), one.place),
        reverse=True,
    )
    return {one.symbol.base: place_of(one) for one in best}


def assets(reading: Reading, places: Sequence[str]) -> Mapping[str, Place]:
    """Return the hourly series that stands for each asset; none before there are bars."""
    if not reading.has(reads.CLEANED):
        return {}
    hourly = [one for one in all_series(reading) if one.interval.code == "1h"]
    return reading.part("series of assets", lambda _: series_of_assets(hourly, places))


def place_of(series: SeriesId) -> Place:
    """Return where and what is traded, without the interval."""
    return series.key[:3]


def name_of(place: Place) -> str:
    """Return ``venue:market:SYMBOL``."""
    return ":".join(place)


def find(text: str, available: Sequence[SeriesId], *, places: Sequence[str]) -> Resolution:
    """Return the series that a name means: a symbol in any spelling, ``venue:market:SYMBOL``, or an asset alone.

    An asset alone is taken in dollars, and where nobody trades it so, in whatever it is traded in.

    Raises
    ------
    BadInputError
        If `text` is no such name.
    NoDataError
        If no series answers to it.
    """
    place, _, word = text.strip().rpartition(":")
    if not word:
        raise BadInputError("not a symbol", value=text, todo="write BASE-QUOTE, like BTC-USDT")
    asset = word.upper()
    quotes = {one.symbol.quote for one in available if one.symbol.base == asset and place in ("", one.place)}
    if quotes:
        quote = "USD" if quotes & set(DOLLARS) else min(quotes)
        text = f"{place}:{asset}-{quote}" if place else f"{asset}-{quote}"
    try:
        return resolve(text, available, places=places)
    except BadInputError:
        if not _ASSET.fullmatch(word):
            raise
    known = ", ".join(sorted({one.symbol.base for one in available})[:8]) or "nothing yet"
    raise NoDataError("no series of this asset", value=text, todo=f"the lake holds {known}")
