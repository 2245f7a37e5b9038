"""One exchange of ccxt as a venue: its declaration is made of what ccxt says of it."""

from __future__ import annotations

from datetime import timedelta
from functools import cache

from assay.domain.instrument import Market
from assay.domain.interval import CODES, Interval
from assay.venues.ccxt import PREFIX
from assay.venues.ccxt.package import address_of, make_client
from assay.venues.ccxt.parse import HANDLERS, read_error
from assay.venues.datasets import INSTRUMENTS, KLINES, ORDER_BOOKS, TICKERS
from assay.venues.parsed import Venue
from assay.venues.spec import Endpoint, Kind, Paging, Parameter, Quirk, RateLimit, Role, VenueSpec, Weight
from assay.venues.symbols import SeparatedSymbols

_DOCS = "https://docs.ccxt.com/"
_CAUTIOUS_PAGE, _LARGEST_PAGE = 100, 1_000


@cache
def find_exchange(name: str) -> Venue:
    """Return the venue called ``ccxt_`` and ccxt's id of an exchange.

    Raises
    ------
    BadInputError
        If ccxt is not installed, knows no such exchange, or has no klines of it.
    """
    spec = _spec_of(name.removeprefix(PREFIX))
    return Venue(spec, {one.name: HANDLERS[one.name] for one in spec.endpoints}, read_error)


def _spec_of(exchange: str) -> VenueSpec:
    client = make_client(exchange)
    codes = tuple(code for code in CODES if code in (client.timeframes or {}) and client.has.get("fetchOHLCV") is True)
    told = ((client.features or {}).get("spot") or {}).get("fetchOHLCV") or {}
    page = min(int(told.get("limit") or _CAUTIOUS_PAGE), _LARGEST_PAGE)
    endpoints = [Endpoint("ccxt_markets", "/fetch_markets", INSTRUMENTS, Weight(1), _DOCS, rows_at="rows")]
    if codes:
        endpoints.append(_klines(codes, page))
    if client.has.get("fetchTickers") is True:
        endpoints.append(Endpoint("ccxt_tickers", "/fetch_tickers", TICKERS, Weight(1), _DOCS, rows_at="rows"))
    if client.has.get("fetchOrderBook") is True:
        endpoints.append(_book())
    apart_s = float(client.rateLimit) / 1_000
    return VenueSpec(
        name=PREFIX + exchange,
        exchange=exchange,
        base_url=address_of(client),
        markets=(Market.SPOT,),
        symbols=SeparatedSymbols("/"),
        # Nobody knows of all of them.
        publication_delay=timedelta(seconds=60),
        intervals=tuple((Interval(code), code) for code in codes),
        limits=(RateLimit("requests", max(1, int(1.0 / apart_s)), max(1.0, apart_s), None, _DOCS),),
        endpoints=tuple(endpoints),
        lists_first=True,
        quirks=(
            Quirk("what ccxt made of an answer is read; the answer itself is kept beside it", _DOCS),
            Quirk("numbers are floats by the time that they arrive here", _DOCS),
            Quirk("nothing can be asked before the list of markets was had", _DOCS),
            Quirk("how many levels of a book may be asked for differs from exchange to exchange", _DOCS),
            Quirk("ids of trades are numbers, texts or missing, and trades are not asked for", _DOCS),
            Quirk("some exchanges have no old bars, whatever they are asked: those stay unproven", _DOCS),
        ),
    )


def _book() -> Endpoint:
    symbol = Parameter("symbol", role=Role.SYMBOL, is_required=True)
    return Endpoint("ccxt_book", "/fetch_order_book", ORDER_BOOKS, Weight(1), _DOCS, parameters=(symbol,), rows_at=None)


def _klines(codes: tuple[str, ...], page: int) -> Endpoint:
    return Endpoint(
        "ccxt_klines",
        "/fetch_ohlcv",
        KLINES,
        Weight(1),
        _DOCS,
        parameters=(
            Parameter("symbol", role=Role.SYMBOL, is_required=True),
            Parameter("timeframe", role=Role.INTERVAL, is_required=True, choices=codes),
            Parameter("since", Kind.MILLISECONDS, Role.START, is_required=True),
            Parameter("until", Kind.MILLISECONDS, Role.LAST, is_required=True),
        ),
        page_limit=page,
        # What a limit means differs from exchange to exchange; a range of no more than a page is safe with all.
        paging=Paging.BY_RANGE,
        rows_at="rows",
    )
