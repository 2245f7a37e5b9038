"""Coinbase Exchange, public REST: candles, products, tickers, books and trades of a spot market.

Numbers are those of the venue's documentation of July 2026 (docs.cdp.coinbase.com).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from assay.domain.instrument import Market
from assay.domain.interval import Interval
from assay.venues.datasets import INSTRUMENTS, KLINES, ORDER_BOOKS, SERVER_TIME, TICKERS, TRADES
from assay.venues.spec import Endpoint, Kind, Paging, Parameter, Quirk, RateLimit, Role, VenueSpec, Weight
from assay.venues.symbols import SeparatedSymbols

_DOCS = "https://docs.cdp.coinbase.com/api-reference/exchange-api/rest-api/"
_CANDLES = _DOCS + "products/get-product-candles"
_LIMITS = "https://docs.cdp.coinbase.com/exchange/rest-api/rate-limits"

QUOTES = ("USD", "USDC", "USDT", "EUR", "GBP", "BTC", "ETH", "DAI", "INR", "SGD", "AUD", "CAD")
"""Assets in which Coinbase quotes or has quoted pairs, by recordings of 2021 and 2026."""
GRANULARITIES = (("1m", "60"), ("5m", "300"), ("15m", "900"), ("1h", "3600"), ("6h", "21600"), ("1d", "86400"))
"""Bar lengths, in seconds on the wire."""

PRODUCT = Parameter("product_id", role=Role.SYMBOL, is_required=True)


def candles(
    name: str, path: str, *, docs: str, granularities: Iterable[tuple[str, str]], time: Kind, rows_at: str | None = ""
) -> Endpoint:
    """Return the endpoint of the bars, which differs between the APIs in the spelling of lengths and moments only."""
    return Endpoint(
        name,
        path,
        KLINES,
        Weight(1),
        docs,
        parameters=(
            PRODUCT,
            Parameter(
                "granularity", role=Role.INTERVAL, is_required=True, choices=tuple(one for _, one in granularities)
            ),
            Parameter("start", time, Role.START),
            Parameter("end", time, Role.LAST),
        ),
        # Advanced Trade documents 350; 300 were what some callers could get.
        page_limit=300,
        paging=Paging.BY_RANGE,
        rows_at=rows_at,
        omits_empty=True,
    )


SPEC = VenueSpec(
    name="coinbase",
    base_url="https://api.exchange.coinbase.com",
    markets=(Market.SPOT,),
    symbols=SeparatedSymbols("-", QUOTES),
    # Not documented; answers are cached for some seconds.
    publication_delay=timedelta(seconds=10),
    intervals=tuple((Interval(code), wire) for code, wire in GRANULARITIES),
    # Bursts of up to 15 a second are let through; they are not counted on.
    limits=(RateLimit("requests", 10, 1.0, None, _LIMITS),),
    endpoints=(
        Endpoint("time", "/time", SERVER_TIME, Weight(1), "https://docs.cdp.coinbase.com/exchange/", rows_at=None),
        Endpoint("products", "/products", INSTRUMENTS, Weight(1), _DOCS + "products/get-all-known-trading-pairs"),
        candles("candles", "/products/{product_id}/candles", docs=_CANDLES, granularities=GRANULARITIES, time=Kind.ISO),
        Endpoint(
            "ticker",
            "/products/{product_id}/ticker",
            TICKERS,
            Weight(1),
            _DOCS + "products/get-product-ticker",
            parameters=(PRODUCT,),
            rows_at=None,
        ),
        Endpoint(
            "book",
            "/products/{product_id}/book",
            ORDER_BOOKS,
            Weight(1),
            _DOCS + "products/get-product-book",
            # The venue's own default is level 1, the best prices alone; level 3 is for those with a key.
            parameters=(PRODUCT, Parameter("level", default="2", choices=("1", "2"))),
            rows_at=None,
        ),
        Endpoint(
            "trades",
            "/products/{product_id}/trades",
            TRADES,
            Weight(1),
            _DOCS + "products/get-product-trades",
            parameters=(
                PRODUCT,
                Parameter("after", Kind.WHOLE, Role.BEFORE_ID),
                Parameter("limit", Kind.WHOLE, Role.LIMIT, default="1000"),
            ),
            page_limit=1_000,
            paging=Paging.BACKWARDS,
        ),
    ),
    quirks=(
        Quirk("a candle is [time, low, high, open, close, volume]: low before high before open", _CANDLES),
        Quirk("candles come newest first, and the one in progress among them", "recordings of 2020 and 2024"),
        Quirk("a candle without a trade is left out", _CANDLES),
        Quirk("a range of more than 300 candles is refused, and not cut", _CANDLES),
        Quirk("without both start and end both are ignored", _CANDLES),
        Quirk("the side of a trade is that of the order that was waiting: the taker's is the other", _DOCS),
        Quirk("after means older than: pages go back in time", "https://docs.cdp.coinbase.com/exchange/"),
        Quirk("trade ids are numbers in the documentation and text in a recording", "recording of 2024-03-13"),
        Quirk("errors have words and no code", _DOCS),
    ),
)
