"""CoinGecko, keyless public REST: market values of assets; it trades nothing and has no klines here."""

from __future__ import annotations

from datetime import timedelta

from assay.domain.interval import Interval
from assay.venues.datasets import COIN_HISTORY, COIN_MARKETS
from assay.venues.spec import Endpoint, Kind, Paging, Parameter, Quirk, RateLimit, Role, VenueSpec, Weight
from assay.venues.symbols import NamedAssets

_MARKETS = "https://docs.coingecko.com/v3.0.1/reference/coins-markets"
_HISTORY = "https://docs.coingecko.com/v3.0.1/reference/coins-id-market-chart-range"
_LIMITS = "https://docs.coingecko.com/docs/errors-and-rate-limits"

IDS = (
    ("BTC", "bitcoin"), ("ETH", "ethereum"), ("USDT", "tether"), ("BNB", "binancecoin"), ("SOL", "solana"),
    ("USDC", "usd-coin"), ("XRP", "ripple"), ("DOGE", "dogecoin"), ("ADA", "cardano"), ("TRX", "tron"),
    ("AVAX", "avalanche-2"), ("LINK", "chainlink"), ("DOT", "polkadot"), ("LTC", "litecoin"), ("BCH", "bitcoin-cash"),
    ("XLM", "stellar"), ("ETC", "ethereum-classic"), ("ATOM", "cosmos"), ("XMR", "monero"), ("DASH", "dash"),
    ("ZEC", "zcash"), ("EOS", "eos"), ("NEO", "neo"), ("SHIB", "shiba-inu"), ("DAI", "dai"),
)  # fmt: skip
"""Assets whose id is certain; for all others the id has to be given, since tickers collide."""

SPEC = VenueSpec(
    name="coingecko",
    base_url="https://api.coingecko.com/api/v3",
    other_base_urls=("https://pro-api.coingecko.com/api/v3",),
    markets=(),
    symbols=NamedAssets("USD", IDS),
    # The public answers are cached that long.
    publication_delay=timedelta(seconds=60),
    limits=(
        # Keyless limits are by address and not a fixed number: 10 to 30 a minute were stated for the public API.
        RateLimit(
            "requests",
            10,
            60.0,
            None,
            "https://coingecko-api.gitbook.io/coingecko-api-guide/getting-started/error-and-rate-limit",
        ),
    ),
    endpoints=(
        Endpoint(
            "coins_markets",
            "/coins/markets",
            COIN_MARKETS,
            Weight(1),
            _MARKETS,
            parameters=(
                Parameter("vs_currency", role=Role.QUOTE, is_required=True),
                Parameter("ids"),
                Parameter("order", default="market_cap_desc", choices=("market_cap_desc", "id_asc", "volume_desc")),
                Parameter("per_page", Kind.WHOLE, Role.LIMIT, default="100"),
                Parameter("page", Kind.WHOLE, Role.PAGE, default="1"),
                Parameter("sparkline", Kind.FLAG, default="false"),
                Parameter("price_change_percentage", default="24h", choices=("24h",)),
            ),
            page_limit=250,
            paging=Paging.BY_PAGE,
        ),
        Endpoint(
            "market_chart_range",
            "/coins/{id}/market_chart/range",
            COIN_HISTORY,
            Weight(1),
            _HISTORY,
            parameters=(
                Parameter("id", role=Role.SYMBOL, is_required=True),
                Parameter("vs_currency", role=Role.QUOTE, is_required=True),
                Parameter("from", Kind.SECONDS, Role.START, is_required=True),
                Parameter("to", Kind.SECONDS, Role.LAST, is_required=True),
            ),
            rows_at=None,
        ),
    ),
    transient_codes=frozenset({408, 429, 500, 502, 503, 504}),
    # Without a key.
    reach=((Interval("1h"), timedelta(days=365)), (Interval("1d"), timedelta(days=365))),
    quirks=(
        Quirk("tickers collide: only the id names an asset", "https://docs.coingecko.com/v3.0.1/reference/coins-list"),
        Quirk("supplies, diluted value, roi and rank may be null", "recording of 2022-01-06"),
        Quirk("amounts are JSON numbers, sometimes whole and sometimes not", "recording of 2022-01-06"),
        Quirk("every request counts against the limit, those that failed too", _LIMITS),
        Quirk("an error body has one of three forms", _LIMITS),
        Quirk("history is in steps of 5 minutes up to a day, of hours up to 90 days, of days beyond", _HISTORY),
        Quirk("the points of history are some seconds or minutes off the hour", _HISTORY),
        Quirk("history ends with the price of the moment, if the range does not end before", _HISTORY),
        Quirk("a market value of 0 means that it is not known", _HISTORY),
    ),
)
