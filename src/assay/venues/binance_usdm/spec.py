"""Binance, USD-M futures, public REST: what can be asked, at what cost, and what to beware of.

Numbers are those of the venue's documentation of July 2026 (developers.binance.com, derivatives).
"""

from __future__ import annotations

from datetime import timedelta

from assay.domain.instrument import Market
from assay.domain.interval import CODES, Interval
from assay.venues.datasets import FUNDING_RATES, INSTRUMENTS, KLINES, PING, SERVER_TIME
from assay.venues.spec import Endpoint, Kind, Paging, Parameter, Quirk, RateLimit, Role, VenueSpec, Weight
from assay.venues.symbols import JoinedSymbols

_DOCS = "https://developers.binance.com/docs/derivatives/usds-margined-futures/"
_REST = _DOCS + "market-data/rest-api/"

QUOTES = ("USDT", "USDC", "BUSD", "USD1", "BTC")
"""Assets in which Binance quotes or has quoted perpetual futures."""

INTERVALS = tuple(code for code in CODES if code != "1s")
"""There are no bars of a second here."""

_SYMBOL = Parameter("symbol", role=Role.SYMBOL, is_required=True)
_START = Parameter("startTime", Kind.MILLISECONDS, Role.START)
_LAST = Parameter("endTime", Kind.MILLISECONDS, Role.LAST)
_USDM = Market.USDM

SPEC = VenueSpec(
    name="binance_usdm",
    exchange="binance",
    base_url="https://fapi.binance.com",
    markets=(_USDM,),
    symbols=JoinedSymbols(QUOTES),
    # As on the spot market.
    publication_delay=timedelta(seconds=2),
    intervals=tuple((Interval(code), code) for code in INTERVALS),
    limits=(RateLimit("weight", 2_400, 60.0, "x-mbx-used-weight-1m", _DOCS + "general-info"),),
    endpoints=(
        Endpoint("usdm_ping", "/fapi/v1/ping", PING, Weight(1), _REST, rows_at=None, market=_USDM),
        Endpoint(
            "usdm_time",
            "/fapi/v1/time",
            SERVER_TIME,
            Weight(1),
            _REST + "Check-Server-Time",
            rows_at=None,
            market=_USDM,
        ),
        Endpoint(
            "usdm_exchange_info",
            "/fapi/v1/exchangeInfo",
            INSTRUMENTS,
            Weight(1),
            _REST + "Exchange-Information",
            rows_at="symbols",
            market=_USDM,
        ),
        Endpoint(
            "usdm_klines",
            "/fapi/v1/klines",
            KLINES,
            Weight(10, parameter="limit", steps=((99, 1), (499, 2), (1_000, 5))),
            _REST + "Kline-Candlestick-Data",
            parameters=(
                _SYMBOL,
                Parameter("interval", role=Role.INTERVAL, is_required=True, choices=INTERVALS),
                _START,
                _LAST,
                Parameter("limit", Kind.WHOLE, Role.LIMIT, default="500"),
            ),
            # 1,500 are given, for twice the weight of 1,000.
            page_limit=1_000,
            paging=Paging.BY_TIME,
            market=_USDM,
        ),
        Endpoint(
            "usdm_funding_rates",
            "/fapi/v1/fundingRate",
            FUNDING_RATES,
            # Not weighed, but 500 questions in 5 minutes are allowed: as often as a weight of 24 allows it.
            Weight(24),
            _REST + "Get-Funding-Rate-History",
            parameters=(_SYMBOL, _START, _LAST, Parameter("limit", Kind.WHOLE, Role.LIMIT, default="100")),
            page_limit=1_000,
            market=_USDM,
        ),
    ),
    # Disconnected, too many requests, unexpected response, time-out, overloaded, too many connections, and "unknown".
    transient_codes=frozenset({-1000, -1001, -1003, -1006, -1007, -1008, -1034}),
    quirks=(
        Quirk("the price of a kline is that of trades, not the mark price", _REST + "Kline-Candlestick-Data"),
        Quirk(
            "delivery contracts, such as BTCUSDT_260925, stand beside the perpetual ones and share base and quote",
            _REST + "Exchange-Information",
        ),
        Quirk("the mark price of old funding rates is an empty text", _REST + "Get-Funding-Rate-History"),
        Quirk(
            "funding is paid every 8 hours, of some contracts every 4 hours or every hour",
            _REST + "Get-Funding-Rate-Info",
        ),
    ),
)
