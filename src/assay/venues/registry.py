"""Every venue there is: each folder beside this file that declares one in a ``spec.py``.

The folder is the registry, so that a venue is added by adding its folder. Nothing is imported until it is asked for.
Beside them every exchange that the package ccxt knows is a venue, under ``ccxt_`` and its id there.

>>> {"binance", "coingecko", "wazirx"} <= set(venue_names())
True
>>> find_spec("wazirx").base_url
'https://api.wazirx.com'
"""

from __future__ import annotations

import difflib
from importlib import import_module
from pathlib import Path

from assay.domain.errors import BadInputError
from assay.venues.ccxt import PREFIX
from assay.venues.parsed import Venue
from assay.venues.spec import VenueSpec


def venue_names() -> list[str]:
    """Return the names of all venues, sorted."""
    return sorted(path.parent.name for path in Path(__file__).parent.glob("*/spec.py"))


def find_spec(name: str) -> VenueSpec:
    """Return the declaration of the venue called `name`.

    Raises
    ------
    BadInputError
        If there is none.
    """
    if name.startswith(PREFIX):
        return find_venue(name).spec
    if name not in venue_names():
        near = difflib.get_close_matches(name, venue_names(), n=1)
        todo = f"did you mean {near[0]}?" if near else f"use one of {', '.join(venue_names())}"
        raise BadInputError("unknown venue", value=name, todo=todo)
    spec: VenueSpec = import_module(f"assay.venues.{name}.spec").SPEC
    return spec


def find_api(venue: str, endpoint: str) -> Venue | None:
    """Return the API of `venue` that has such an endpoint, or None if none has."""
    for name in venue_names():
        spec = find_spec(name)
        if spec.venue == venue and any(one.name == endpoint for one in spec.endpoints):
            return find_venue(name)
    return find_venue(PREFIX + venue) if endpoint.startswith(PREFIX) else None


def find_venue(name: str) -> Venue:
    """Return the venue called `name` with its parsers.

    Raises
    ------
    BadInputError
        If there is none.
    """
    if name.startswith(PREFIX):
        exchange: Venue = import_module("assay.venues.ccxt.exchanges").find_exchange(name)
        return exchange
    spec = find_spec(name)
    parse = import_module(f"assay.venues.{name}.parse")
    return Venue(spec, parse.HANDLERS, parse.read_error)
