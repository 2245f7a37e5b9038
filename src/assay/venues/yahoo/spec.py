"""Yahoo Finance, the chart API behind its pages: bars of coins in dollars, rupees and other currencies.

Yahoo documents none of it. What is said here is what recordings show and what its own errors say; it may change at any
time, and it is for personal use.
"""

from __future__ import annotations

from datetime import timedelta

from assay.domain.instrument import Market
from assay.domain.interval import Interval
from assay.venues.datasets import KLINES
from assay.venues.spec import Endpoint, Kind, Paging, Parameter, Quirk, RateLimit, Role, VenueSpec, Weight
from assay.venues.symbols import SeparatedSymbols

_PAGES = "https://finance.yahoo.com/markets/crypto/all/"
_TERMS = "https://legal.yahoo.com/us/en/yahoo/terms/otos/index.html"

INTERVALS = (
    ("1m", "1m"), ("5m", "5m"), ("15m", "15m"), ("30m", "30m"), ("1h", "1h"), ("1d", "1d"), ("1w", "1wk"),
    ("1M", "1mo"),
)  # fmt: skip
"""Bar lengths; Yahoo has more, which Assay does not know."""
REACH_DAYS = {"1m": 30, "5m": 60, "15m": 60, "30m": 60, "1h": 730}
"""How many days back bars can be asked for; longer ones go back to the first."""
RENAMED = (
    ("UNI", "UNI7083"), ("TON", "TON11419"), ("SUI", "SUI20947"), ("PEPE", "PEPE24478"), ("APT", "APT21794"),
    ("ARB", "ARB11841"), ("GRT", "GRT6719"), ("STX", "STX4847"), ("IMX", "IMX10603"), ("TAO", "TAO22974"),
)  # fmt: skip
"""Coins whose plain ticker is another coin's there: the number behind it is CoinMarketCap's."""

SPEC = VenueSpec(
    name="yahoo",
    base_url="https://query1.finance.yahoo.com",
    other_base_urls=("https://query2.finance.yahoo.com",),
    markets=(Market.SPOT,),
    symbols=SeparatedSymbols("-", ("USD", "INR", "EUR", "GBP", "JPY", "AUD", "CAD", "KRW", "CNY", "BTC"), RENAMED),
    # Not documented; prices come from another provider, some minutes late.
    publication_delay=timedelta(minutes=5),
    intervals=tuple((Interval(code), wire) for code, wire in INTERVALS),
    # Not documented: as many as do not lead to 429 by experience.
    limits=(RateLimit("requests", 60, 60.0, None, _TERMS),),
    endpoints=(
        Endpoint(
            "chart",
            "/v8/finance/chart/{symbol}",
            KLINES,
            Weight(1),
            _PAGES,
            parameters=(
                Parameter("symbol", role=Role.SYMBOL, is_required=True),
                Parameter(
                    "interval", role=Role.INTERVAL, is_required=True, choices=tuple(wire for _, wire in INTERVALS)
                ),
                Parameter("period1", Kind.SECONDS, Role.START, is_required=True),
                Parameter("period2", Kind.SECONDS, Role.LAST, is_required=True),
                Parameter("includeAdjustedClose", Kind.FLAG, default="true"),
            ),
            # Yahoo has no limit of its own but a week of minutes; so many are a page of usual size.
            page_limit=1_000,
            paging=Paging.BY_RANGE,
            rows_at=None,
        ),
    ),
    transient_codes=frozenset({429, 500}),
    reach=tuple((Interval(code), timedelta(days=days)) for code, days in REACH_DAYS.items()),
    quirks=(
        Quirk("volume is in the currency, not in coins: it becomes quote_volume", "recording of 2024-04-01"),
        Quirk("many hours say a volume of 0, which means that Yahoo has none", "recording of 2024-04-01"),
        Quirk(
            "the last bar may be the price of this minute, off the grid, with a volume of 0", "recording of 2024-04-01"
        ),
        Quirk("bars may be null, all values but the time", "recording of INR=X, 2017"),
        Quirk("prices are 32-bit floats, written with all their digits", "recordings of 2020 and 2024"),
        Quirk("a range before the first bar is refused and not empty", "its errors"),
        Quirk("hours go back 730 days, minutes 30, what lies between 60", "its errors"),
        Quirk("a ticker that two coins share is the older one's; the other's has a number behind it", _PAGES),
        Quirk(
            "an adjusted close stands beside that of days and longer; of a coin it is the close", "recording of 2020"
        ),
        Quirk("programs that do not say that they are a browser may be answered with 429", _TERMS),
    ),
)
