"""Binance's public archive of klines: which files there are, and what to beware of.

It is a web server of files, with no API around them: every file stands beside another that holds its checksum. What is
asked for is a path, and what is not there, or not there yet, is answered with 404.
"""

from __future__ import annotations

from datetime import timedelta

from assay.domain.instrument import Market
from assay.domain.interval import CODES, Interval
from assay.venues.binance.spec import QUOTES
from assay.venues.binance.spec import SPEC as SPOT
from assay.venues.datasets import CHECKSUMS, KLINES
from assay.venues.spec import Endpoint, Parameter, Quirk, RateLimit, Role, VenueSpec, Weight
from assay.venues.symbols import JoinedSymbols

_DOCS = "https://github.com/binance/binance-public-data"
_MONTH = "1mo"
"""How a month is spelled here: a file system need not tell ``1M`` from ``1m``."""

MARKETS: dict[Market, str] = {Market.SPOT: "spot", Market.USDM: "futures/um"}
PERIODS = ("monthly", "daily")
DATE = "date"
"""The parameter that says which month (``2024-01``) or day (``2024-01-31``) a file is of."""
CHECKSUM = "sha256"
"""The parameter, never sent, that says what the file has to be: the hash in the file beside it."""
DAILY = frozenset(CODES) - {"3d", "1w", "1M"}
"""Lengths of bars of which there are files of a day."""

INTERVALS = tuple((Interval(code), _MONTH if code == "1M" else code) for code in CODES)
_WIRE = tuple(wire for _, wire in INTERVALS)


def _endpoints(market: Market, period: str) -> tuple[Endpoint, Endpoint]:
    """Return the endpoints of the files of a market and a period, and of the checksums beside them."""
    path = f"/data/{MARKETS[market]}/{period}/klines/{{symbol}}/{{interval}}/{{symbol}}-{{interval}}-{{{DATE}}}.zip"
    parameters = (
        Parameter("symbol", role=Role.SYMBOL, is_required=True),
        Parameter("interval", role=Role.INTERVAL, is_required=True, choices=_WIRE),
        Parameter(DATE, role=Role.PERIOD, is_required=True),
    )
    name = f"archive_{market.value}_{period}"
    expected = Parameter(CHECKSUM, is_required=True, is_sent=False)
    return (
        Endpoint(
            name,
            path,
            KLINES,
            Weight(1),
            _DOCS + "#klines",
            (*parameters, expected),
            rows_at=None,
            market=market,
            body_format="zip",
        ),
        Endpoint(
            f"{name}_checksum",
            f"{path}.CHECKSUM",
            CHECKSUMS,
            Weight(1),
            _DOCS + "#checksum",
            parameters,
            rows_at=None,
            market=market,
            body_format="txt",
        ),
    )


def file_endpoint(market: Market, period: str) -> Endpoint:
    """Return the endpoint of the files of a market and a period."""
    return SPEC.endpoint(f"archive_{market.value}_{period}")


def checksum_endpoint(market: Market, period: str) -> Endpoint:
    """Return the endpoint of the checksums of those files."""
    return SPEC.endpoint(f"archive_{market.value}_{period}_checksum")


SPEC = VenueSpec(
    name="binance_archive",
    exchange="binance",
    base_url="https://data.binance.vision",
    markets=tuple(MARKETS),
    symbols=JoinedSymbols(QUOTES),
    # When the bar could be had from the exchange itself: the file is only how its history came later.
    publication_delay=SPOT.publication_delay,
    intervals=INTERVALS,
    # None is documented; files are large, so that this is never what slows a backfill down.
    limits=(RateLimit("requests", 600, 60.0, None, _DOCS),),
    endpoints=tuple(one for market in MARKETS for period in PERIODS for one in _endpoints(market, period)),
    quirks=(
        Quirk("files of spot klines have times in microseconds from 2025-01-01 on, before in milliseconds", _DOCS),
        Quirk("files of futures begin with a line of names, those of some years and of spot do not", _DOCS),
        Quirk("a month is spelled 1mo, not 1M", _DOCS),
        Quirk("a day's file is there the day after, a month's on the first Monday of the next", _DOCS),
        Quirk("files are replaced when the venue mends its data; the checksum then is another", _DOCS + "/issues"),
    ),
)

CHECKSUM_DELAY = timedelta(hours=12)
"""How long after the end of a day or a month nobody asks for its file: it is not there so soon."""
