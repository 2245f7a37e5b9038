"""A venue as a table: endpoints, limits, intervals and quirks are declared here, and nothing is done.

A spec is one API of a venue, with its own host, limits and spellings; a venue may have several.

Everything that a client, a rate budget, the sandbox or a reader has to know about a venue stands in its
:class:`VenueSpec`; the code that reads its answers stands beside it in ``parse.py``.

>>> depth = Weight(250, parameter="limit", steps=((100, 5), (500, 25), (1000, 50)))
>>> depth.of({"limit": "500"}), depth.of({"limit": "5000"})
(25, 250)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol
from urllib.parse import quote, urlencode

from assay.domain.errors import BadInputError
from assay.domain.instrument import Market
from assay.domain.interval import Interval
from assay.domain.symbol import Symbol

_IN_PATH = re.compile(r"\{(\w+)\}")


class Kind(StrEnum):
    """How a parameter's value is written on the wire."""

    TEXT = "text"
    WHOLE = "whole"
    FLAG = "flag"
    MILLISECONDS = "milliseconds"
    SECONDS = "seconds"
    ISO = "iso"
    """A moment as ISO 8601 text, to the second: ``2024-01-01T00:00:00Z``."""


class Role(StrEnum):
    """What a parameter is for, whatever the venue calls it."""

    SYMBOL = "symbol"
    INTERVAL = "interval"
    START = "start"
    LAST = "last"
    """The last moment that is wanted, which the wire includes; Assay's ranges end before their end."""
    LIMIT = "limit"
    FROM_ID = "from_id"
    BEFORE_ID = "before_id"
    """Only what is older than this id."""
    PAGE = "page"
    QUOTE = "quote"
    PERIOD = "period"
    """The month or the day that a file is of: ``2024-01``, ``2024-01-31``."""


class Paging(StrEnum):
    """How an endpoint is asked for what its first page did not hold."""

    NONE = "none"
    BY_TIME = "by_time"
    BY_ID = "by_id"
    BY_PAGE = "by_page"
    BY_RANGE = "by_range"
    """A range of time may hold `page_limit` rows at the most; a longer one is refused, and a page is never cut."""
    BACKWARDS = "backwards"
    """The newest rows first; older ones by the lowest id of a page."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an endpoint.

    `default` is what the venue assumes when the parameter is not sent; requests write it out all the same, so that
    they mean the same after the venue changes its mind. None: the parameter is left out unless it is given. One that is
    not sent says what the answer has to be, such as the checksum of a file.
    """

    name: str
    kind: Kind = Kind.TEXT
    role: Role | None = None
    default: str | None = None
    is_required: bool = False
    choices: tuple[str, ...] = ()
    is_sent: bool = True


@dataclass(frozen=True, slots=True)
class Weight:
    """What a request costs of the venue's budget.

    Parameters
    ----------
    cost : int
        The cost, if nothing below says otherwise.
    parameter : str, optional
        The parameter on which the cost depends.
    steps : tuple of (int, int)
        Up to this value of `parameter`, this cost; in rising order. Beyond the last step it is `cost`.
    absent : int, optional
        The cost without `parameter`.
    """

    cost: int
    parameter: str = ""
    steps: tuple[tuple[int, int], ...] = ()
    absent: int | None = None

    def of(self, params: Mapping[str, str]) -> int:
        """Return the cost of a request with these parameters."""
        if self.parameter not in params:
            return self.cost if self.absent is None else self.absent
        return next((cost for bound, cost in self.steps if int(params[self.parameter]) <= bound), self.cost)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One thing that a venue can be asked.

    Parameters
    ----------
    name : str
        Name inside Assay; the batches in bronze carry it.
    path : str
        Below the base URL. A parameter in braces, such as ``{symbol}``, is sent in the path and not in the query.
    dataset : str
        Which table of :data:`assay.venues.datasets.SCHEMAS` the answer becomes.
    weight : Weight
        What a request costs.
    source : str
        Where the venue documents it.
    parameters : tuple of Parameter
        In any order.
    page_limit : int, optional
        The largest value of the parameter with the role LIMIT; the most rows of a range, if it is paged by range.
    paging : Paging
        How the rest is asked for.
    rows_at : str, optional
        Where the rows are: ``""`` if the answer is the list of them, else the field that holds it. None: the answer
        stands or falls as one, like an order book, in which a level that is missing would change the spread, or
        values that stand in one list a column.
    omits_empty : bool
        Whether a bar in which nothing was traded is left out, as documented: one that a late answer lacks is then
        proven to be empty.
    market : Market
        What kind of market the answer is about; never guessed from the spelling of a symbol.
    body_format : str
        What a body is, and the ending of its file in bronze: ``json``, or ``zip``.
    """

    name: str
    path: str
    dataset: str
    weight: Weight
    source: str
    parameters: tuple[Parameter, ...] = ()
    page_limit: int | None = None
    paging: Paging = Paging.NONE
    rows_at: str | None = ""
    omits_empty: bool = False
    market: Market = Market.SPOT
    body_format: str = "json"

    @property
    def in_path(self) -> frozenset[str]:
        """The names of the parameters that stand in the path."""
        return frozenset(_IN_PATH.findall(self.path))

    @property
    def not_in_query(self) -> frozenset[str]:
        """The names of the parameters that stand in the path, or are not sent."""
        return self.in_path | {one.name for one in self.parameters if not one.is_sent}

    def path_of(self, params: Mapping[str, str]) -> str:
        """Return the path with these parameters in it."""
        return _IN_PATH.sub(lambda found: quote(params[found[1]], safe=""), self.path)

    def parameter(self, role: Role) -> Parameter | None:
        """Return the parameter with that role, or None."""
        return next((one for one in self.parameters if one.role is role), None)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How much may be asked in how long.

    `kind` is ``weight`` or ``requests``. `header`, in small letters, names the response header in which the venue says
    how much of the window is used; None: it does not say.
    """

    kind: str
    limit: int
    window_s: float
    header: str | None
    source: str


@dataclass(frozen=True, slots=True)
class Quirk:
    """What one would not expect of a venue, and who says so."""

    text: str
    source: str


class SymbolGrammar(Protocol):
    """How a venue spells symbols."""

    def to_wire(self, symbol: Symbol) -> str:
        """Return the venue's spelling, or raise BadInputError if it has none."""
        ...

    def to_symbol(self, venue_symbol: str) -> Symbol:
        """Return what the venue's spelling means, or raise BadInputError if that cannot be told."""
        ...


@dataclass(frozen=True, slots=True)
class VenueSpec:
    """One API of a venue.

    Parameters
    ----------
    name : str
        Its name inside Assay, which is the name of its folder; settings, limits and addresses go by it.
    base_url : str
        Without a slash at the end; settings may name another.
    markets : tuple of Market
        What it trades; empty for a provider of prices that trades nothing.
    symbols : SymbolGrammar
        How it spells symbols.
    publication_delay : timedelta
        How long after its close a bar can be had: ``available_at`` of history loaded later.
    endpoints : tuple of Endpoint
        What it can be asked.
    limits : tuple of RateLimit
        Its rate limits; all hold at once.
    intervals : tuple of (Interval, str)
        Bar lengths and their spelling on the wire; empty if it has no klines.
    other_base_urls : tuple of str
        Documented alternatives to `base_url`.
    transient_codes : frozenset of int
        Codes of error bodies after which asking again may work.
    quirks : tuple of Quirk
        What one would not expect.
    reach : tuple of (Interval, timedelta)
        How far back bars can be had, where that is not all the way; the venue refuses to be asked for earlier ones.
    exchange : str, optional
        The venue, if the API is not all there is of it; see :attr:`venue`. The endpoints of all APIs of a venue have
        different names.
    lists_first : bool
        Whether the list of instruments has to be had before anything else can be asked; it is then the first question
        of every run, within the limits like any other.
    """

    name: str
    base_url: str
    markets: tuple[Market, ...]
    symbols: SymbolGrammar
    publication_delay: timedelta
    endpoints: tuple[Endpoint, ...]
    limits: tuple[RateLimit, ...]
    intervals: tuple[tuple[Interval, str], ...] = ()
    other_base_urls: tuple[str, ...] = ()
    transient_codes: frozenset[int] = frozenset()
    quirks: tuple[Quirk, ...] = ()
    reach: tuple[tuple[Interval, timedelta], ...] = ()
    exchange: str = ""
    lists_first: bool = False

    @property
    def venue(self) -> str:
        """The venue: what batches, tables and series carry."""
        return self.exchange or self.name

    @property
    def has_klines(self) -> bool:
        """Whether it can be asked for a range of klines; an archive of files cannot."""
        return any(one.parameter(Role.INTERVAL) and one.parameter(Role.START) for one in self.endpoints)

    def endpoint(self, name: str) -> Endpoint:
        """Return the endpoint called `name`, or raise BadInputError."""
        for endpoint in self.endpoints:
            if endpoint.name == name:
                return endpoint
        known = ", ".join(endpoint.name for endpoint in self.endpoints)
        raise BadInputError(f"{self.name} has no such endpoint", value=name, todo=f"use one of {known}")

    def feeding(self, dataset: str) -> Endpoint:
        """Return the endpoint whose answers become `dataset`, or raise BadInputError."""
        for endpoint in self.endpoints:
            if endpoint.dataset == dataset:
                return endpoint
        known = ", ".join(sorted({endpoint.dataset for endpoint in self.endpoints}))
        raise BadInputError(f"{self.name} does not publish that", value=dataset, todo=f"it has {known}")

    def wire_interval(self, interval: Interval) -> str:
        """Return how the venue spells `interval`, or raise BadInputError if it has no such bars."""
        for known, wire in self.intervals:
            if known == interval:
                return wire
        known_codes = ", ".join(known.code for known, _ in self.intervals) or "none"
        raise BadInputError(f"{self.name} has no such interval", value=interval, todo=f"it has {known_codes}")

    def interval(self, wire: str) -> Interval:
        """Return the interval that the venue spells `wire`, or raise BadInputError."""
        for known, spelling in self.intervals:
            if spelling == wire:
                return known
        raise BadInputError(f"not an interval of {self.name}", value=wire)


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a venue; two equal questions are equal here, down to the order of their parameters.

    `params` are all of them; those of `not_in_query` stand in the path, or are not sent at all.
    """

    venue: str
    endpoint: str
    path: str
    params: tuple[tuple[str, str], ...]
    weight: int
    not_in_query: frozenset[str] = frozenset()

    def param(self, name: str) -> str | None:
        """Return the text of the parameter, or None if it is not sent."""
        return dict(self.params).get(name)

    @property
    def sent(self) -> tuple[tuple[str, str], ...]:
        """The parameters that are sent in the query."""
        return tuple(one for one in self.params if one[0] not in self.not_in_query)

    @property
    def query(self) -> str:
        """The query as a URL holds it."""
        return urlencode(self.sent)
