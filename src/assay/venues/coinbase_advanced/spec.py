"""Coinbase Advanced Trade, its public market data: the venue of :mod:`assay.venues.coinbase` by another door.

Numbers are those of the venue's documentation of July 2026 (docs.cdp.coinbase.com). What is asked here needs no key;
answers are cached by the venue for a second.
"""

from __future__ import annotations

from datetime import timedelta

from assay.domain.instrument import Market
from assay.domain.interval import Interval
from assay.venues.coinbase.spec import PRODUCT, QUOTES, candles
from assay.venues.datasets import INSTRUMENTS, ORDER_BOOKS, SERVER_TIME, TICKERS, TRADES
from assay.venues.spec import Endpoint, Kind, Parameter, Quirk, RateLimit, Role, VenueSpec, Weight
from assay.venues.symbols import SeparatedSymbols

_DOCS = "https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api/public/"
_PRODUCTS = _DOCS + "list-public-products"
_CANDLES = _DOCS + "get-public-product-candles"
_ROOT = "/api/v3/brokerage"

GRANULARITIES = (
    ("1m", "ONE_MINUTE"), ("5m", "FIVE_MINUTE"), ("15m", "FIFTEEN_MINUTE"), ("30m", "THIRTY_MINUTE"),
    ("1h", "ONE_HOUR"), ("2h", "TWO_HOUR"), ("4h", "FOUR_HOUR"), ("6h", "SIX_HOUR"), ("1d", "ONE_DAY"),
)  # fmt: skip
"""Bar lengths by name."""


SPEC = VenueSpec(
    name="coinbase_advanced",
    exchange="coinbase",
    base_url="https://api.coinbase.com",
    markets=(Market.SPOT,),
    symbols=SeparatedSymbols("-", QUOTES),
    publication_delay=timedelta(seconds=10),
    intervals=tuple((Interval(code), wire) for code, wire in GRANULARITIES),
    limits=(
        RateLimit("requests", 10, 1.0, None, "https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/rest-api"),
    ),
    endpoints=(
        Endpoint("server_time", _ROOT + "/time", SERVER_TIME, Weight(1), _DOCS + "get-server-time", rows_at=None),
        Endpoint("market_products", _ROOT + "/market/products", INSTRUMENTS, Weight(1), _PRODUCTS, rows_at="products"),
        # The same answer says what became of each product in 24 hours.
        Endpoint("market_tickers", _ROOT + "/market/products", TICKERS, Weight(1), _PRODUCTS, rows_at="products"),
        candles(
            "market_candles",
            _ROOT + "/market/products/{product_id}/candles",
            docs=_CANDLES,
            granularities=GRANULARITIES,
            time=Kind.SECONDS,
            rows_at="candles",
        ),
        Endpoint(
            "market_book",
            _ROOT + "/market/product_book",
            ORDER_BOOKS,
            Weight(1),
            _DOCS + "get-public-product-book",
            parameters=(PRODUCT, Parameter("limit", Kind.WHOLE, Role.LIMIT, default="100")),
            page_limit=1_000,
            rows_at=None,
        ),
        Endpoint(
            "market_trades",
            _ROOT + "/market/products/{product_id}/ticker",
            TRADES,
            Weight(1),
            _DOCS + "get-public-market-trades",
            parameters=(PRODUCT, Parameter("limit", Kind.WHOLE, Role.LIMIT, default="1000")),
            page_limit=1_000,
            rows_at="trades",
        ),
    ),
    # gRPC's codes, as its errors have them: deadline exceeded, resource exhausted, internal, unavailable.
    transient_codes=frozenset({4, 8, 13, 14}),
    quirks=(
        Quirk("numbers are text, and the seconds at which a candle starts too", _CANDLES),
        Quirk("candles come newest first, and the one in progress among them", _CANDLES),
        Quirk("a candle without a trade is left out", _CANDLES),
        Quirk("350 candles at once are documented; some callers were given 300", "github.com/ccxt/ccxt/pull/25171"),
        Quirk("a product that is not traded has empty text for numbers", "recording of 2026-08-09"),
        Quirk("a product that left is in the list still, as delisted", "recording of 2026-08-09"),
        Quirk("books have no update id", _DOCS + "get-public-product-book"),
        Quirk("ticker is the name of the endpoint of trades; prices of a day are in the list of products", _DOCS),
        Quirk("the side of a trade is the waiting order's, as on the exchange's own API", _DOCS),
    ),
)
