"""WazirX, public REST: tickers and klines of the Indian market, quoted in INR and USDT."""

from __future__ import annotations

from datetime import timedelta

from assay.domain.instrument import Market
from assay.domain.interval import Interval
from assay.venues.datasets import KLINES, TICKERS
from assay.venues.spec import Endpoint, Kind, Paging, Parameter, Quirk, RateLimit, Role, VenueSpec, Weight
from assay.venues.symbols import JoinedSymbols

_DOCS = "https://docs.wazirx.com/"
_INTERVALS = ("1m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d", "1w")

SPEC = VenueSpec(
    name="wazirx",
    base_url="https://api.wazirx.com",
    markets=(Market.SPOT,),
    symbols=JoinedSymbols(quotes=("USDT", "INR", "BTC", "WRX"), is_lower=True),
    # Not documented; a cautious guess for a thin market.
    publication_delay=timedelta(seconds=60),
    intervals=tuple((Interval(code), code) for code in _INTERVALS),
    # Documented for each endpoint by itself; kept for all of them together, which is on the safe side.
    limits=(RateLimit("requests", 1, 1.0, None, _DOCS + "#limits"),),
    endpoints=(
        Endpoint(
            "tickers_24h", "/sapi/v1/tickers/24hr", TICKERS, Weight(1), _DOCS + "#24hr-tickers-price-change-statistics"
        ),
        Endpoint(
            "klines",
            "/sapi/v1/klines",
            KLINES,
            Weight(1),
            _DOCS + "#kline-candlestick-data",
            parameters=(
                Parameter("symbol", role=Role.SYMBOL, is_required=True),
                Parameter("interval", role=Role.INTERVAL, is_required=True, choices=_INTERVALS),
                Parameter("startTime", Kind.SECONDS, Role.START),
                Parameter("endTime", Kind.SECONDS, Role.LAST),
                Parameter("limit", Kind.WHOLE, Role.LIMIT, default="500"),
            ),
            page_limit=2_000,
            paging=Paging.BY_TIME,
        ),
    ),
    # 2136: too many API requests.
    transient_codes=frozenset({2136}),
    quirks=(
        Quirk("klines count in seconds, tickers in milliseconds", "recordings of 2024-03-13"),
        Quirk("a ticker's time is a number in the documentation and text in recordings", "recordings of 2024-03-13"),
        Quirk(
            "klines are JSON numbers, tickers decimal text, the opening price without decimals",
            "recordings of 2024-03-13",
        ),
        Quirk("symbols are in small letters", _DOCS + "#exchange-info"),
        Quirk("error bodies say message where Binance says msg", _DOCS + "#error-codes-and-messages"),
        Quirk("trading stood still for months from July 2024 on", "https://wazirx.com"),
    ),
)
