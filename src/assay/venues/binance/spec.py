"""Binance, spot market, public REST: what can be asked, at what cost, and what to beware of.

Numbers are those of the venue's documentation of July 2026 (github.com/binance/binance-spot-api-docs).
"""

from __future__ import annotations

from datetime import timedelta

from assay.domain.instrument import Market
from assay.domain.interval import CODES, Interval
from assay.venues.datasets import INSTRUMENTS, KLINES, ORDER_BOOKS, PING, SERVER_TIME, TICKERS, TRADES
from assay.venues.spec import Endpoint, Kind, Paging, Parameter, Quirk, RateLimit, Role, VenueSpec, Weight
from assay.venues.symbols import JoinedSymbols

_DOCS = "https://github.com/binance/binance-spot-api-docs/blob/master/"
_REST = _DOCS + "rest-api.md"

QUOTES = (
    "FDUSD", "USDT", "USDC", "USD1", "TUSD", "BUSD", "USDS", "USDP", "PAX", "DAI", "UST", "VAI", "EURI", "XUSD",
    "BFUSD", "BIDR", "BKRW", "BVND", "IDRT", "GYEN", "EUR", "GBP", "AUD", "TRY", "BRL", "RUB", "UAH", "NGN", "ZAR",
    "JPY", "MXN", "PLN", "ARS", "CZK", "RON", "COP", "BTC", "ETH", "BNB", "XRP", "TRX", "DOGE", "DOT", "SOL",
)  # fmt: skip
"""Assets in which Binance has quoted pairs; USD itself was never among them.

An asset whose name ends in another quote (AEUR, which ends ADAEUR too) is left out: its pairs are named by
``exchange_info`` alone, while a wrong cut would name them wrongly.
"""

_SYMBOL = Parameter("symbol", role=Role.SYMBOL, is_required=True)
_START = Parameter("startTime", Kind.MILLISECONDS, Role.START)
_LAST = Parameter("endTime", Kind.MILLISECONDS, Role.LAST)

SPEC = VenueSpec(
    name="binance",
    base_url="https://api.binance.com",
    other_base_urls=(
        "https://api1.binance.com",
        "https://api2.binance.com",
        "https://api3.binance.com",
        "https://api4.binance.com",
        "https://api-gcp.binance.com",
        "https://data-api.binance.vision",
    ),
    markets=(Market.SPOT,),
    symbols=JoinedSymbols(QUOTES),
    # Not documented; a closed bar was there within a second or two, and a late answer only shows it as provisional.
    publication_delay=timedelta(seconds=2),
    intervals=tuple((Interval(code), code) for code in CODES),
    limits=(
        RateLimit("weight", 6_000, 60.0, "x-mbx-used-weight-1m", _DOCS + "enums.md#rate-limiters-ratelimittype"),
        RateLimit("requests", 61_000, 300.0, None, _DOCS + "enums.md#rate-limiters-ratelimittype"),
    ),
    endpoints=(
        Endpoint("ping", "/api/v3/ping", PING, Weight(1), _REST + "#test-connectivity", rows_at=None),
        Endpoint("time", "/api/v3/time", SERVER_TIME, Weight(1), _REST + "#check-server-time", rows_at=None),
        Endpoint(
            "exchange_info",
            "/api/v3/exchangeInfo",
            INSTRUMENTS,
            Weight(20),
            _REST + "#exchange-information",
            rows_at="symbols",
        ),
        Endpoint(
            "klines",
            "/api/v3/klines",
            KLINES,
            Weight(2),
            _REST + "#klinecandlestick-data",
            parameters=(
                _SYMBOL,
                Parameter("interval", role=Role.INTERVAL, is_required=True, choices=CODES),
                _START,
                _LAST,
                Parameter("limit", Kind.WHOLE, Role.LIMIT, default="500"),
            ),
            page_limit=1_000,
            paging=Paging.BY_TIME,
        ),
        Endpoint(
            "ticker_24h",
            "/api/v3/ticker/24hr",
            TICKERS,
            Weight(2, parameter="symbol", absent=80),
            _REST + "#24hr-ticker-price-change-statistics",
            parameters=(
                Parameter("symbol", role=Role.SYMBOL),
                Parameter("type", default="FULL", choices=("FULL",)),
            ),
        ),
        Endpoint(
            "depth",
            "/api/v3/depth",
            ORDER_BOOKS,
            Weight(250, parameter="limit", steps=((100, 5), (500, 25), (1_000, 50))),
            _REST + "#order-book",
            parameters=(_SYMBOL, Parameter("limit", Kind.WHOLE, Role.LIMIT, default="100")),
            page_limit=5_000,
            rows_at=None,
        ),
        Endpoint(
            "agg_trades",
            "/api/v3/aggTrades",
            TRADES,
            Weight(4),
            _REST + "#compressedaggregate-trades-list",
            parameters=(
                _SYMBOL,
                Parameter("fromId", Kind.WHOLE, Role.FROM_ID),
                _START,
                _LAST,
                Parameter("limit", Kind.WHOLE, Role.LIMIT, default="500"),
            ),
            page_limit=1_000,
            paging=Paging.BY_ID,
        ),
    ),
    # Disconnected, too many requests, unexpected response, time-out, overloaded, too many connections, and "unknown".
    transient_codes=frozenset({-1000, -1001, -1003, -1006, -1007, -1008, -1034}),
    quirks=(
        Quirk("startTime and endTime are both included and compare with a bar's open time", _REST),
        Quirk("with startTime a page is the oldest rows from it on, without it the newest up to endTime", _REST),
        Quirk("closeTime is the last millisecond of the bar, not its end", _REST + "#klinecandlestick-data"),
        Quirk("the last bar of an answer may not have closed yet; nothing in it says so", _REST),
        Quirk(
            "the twelfth field of a kline is unused; before 2018 it is not always zero", "recordings of 2017 to 2020"
        ),
        Quirk("after the outage of February 2018 bars opened off the hour, at 28:14.789", "recordings of 2017 to 2020"),
        Quirk("a ticker without trades has prices of zero and trade ids of -1", _REST + "#24hr-ticker"),
        Quirk("symbols may hold letters beyond ASCII", _REST + "#general-api-information"),
        Quirk("429 says back off, 418 that one did not: a ban of 2 minutes to 3 days", _REST + "#ip-limits"),
        Quirk("MIN_NOTIONAL became NOTIONAL; both occur, in old and new answers", _DOCS + "filters.md#notional"),
    ),
)
