"""Settings of what is fetched from venues, and of how they are reached.

>>> BinanceSettings(base_url="http://127.0.0.1:8900/binance/").base_url
'http://127.0.0.1:8900/binance'
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field
from pydantic import field_validator as validates
from pydantic_settings import NoDecode

from assay.domain.duration import parse_duration
from assay.domain.errors import BadInputError
from assay.domain.instrument import check_venue
from assay.domain.interval import Interval, parse_moment
from assay.domain.symbol import Symbol

MAJORS = (
    "BTC", "ETH", "BNB", "SOL", "XRP", "DOGE", "ADA", "TRX", "AVAX", "LINK",
    "DOT", "LTC", "ETC", "XLM", "ATOM", "UNI", "FIL", "NEAR", "ZEC", "DASH",
)  # fmt: skip
"""Assets that are fetched unless others are named; each venue quotes them in its own `quote`."""

_LIST = Annotated[tuple[str, ...], NoDecode]


def _checked(parse: Callable[[str], object], text: str) -> None:
    """Let pydantic say what `parse` says of a text that it refuses."""
    try:
        parse(text)
    except BadInputError as error:
        raise ValueError(str(error)) from None


class VenueSettings(BaseModel):
    """One venue: whether it is asked, and where it is. A `base_url` of None is the venue's own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = True
    base_url: str | None = None

    @validates("base_url")
    @classmethod
    def _is_an_address(cls, text: str | None) -> str | None:
        if text is None:
            return None
        try:
            url = urlsplit(text)
            is_usable = url.scheme in ("http", "https") and bool(url.hostname) and not (url.query or url.fragment)
            _ = url.port
        except ValueError:
            is_usable = False
        if not is_usable:
            raise ValueError("write an address like https://api.binance.com")
        return text.rstrip("/")


class TradingVenueSettings(VenueSettings):
    """A venue that trades; `quote` completes assets that are named without one."""

    quote: str

    @validates("quote")
    @classmethod
    def _is_an_asset(cls, text: str) -> str:
        try:
            return Symbol("X", text.upper()).quote
        except BadInputError:
            raise ValueError("write an asset like USDT") from None


class BinanceSettings(TradingVenueSettings):
    """Binance, spot."""

    quote: str = "USDT"


class BinanceUsdmSettings(TradingVenueSettings):
    """Binance, perpetual futures."""

    enabled: bool = False
    quote: str = "USDT"


class BinanceArchiveSettings(VenueSettings):
    """Binance's archive of files; `enabled` is whether ``assay backfill`` uses it, nothing else does."""


class WazirxSettings(TradingVenueSettings):
    """WazirX."""

    quote: str = "INR"


class CoinbaseSettings(TradingVenueSettings):
    """Coinbase, by either of its APIs; both are the same market, so that one of them is enough."""

    enabled: bool = False
    quote: str = "USD"


class YahooSettings(TradingVenueSettings):
    """Yahoo Finance; `quote` is a currency."""

    enabled: bool = False
    quote: str = "USD"


class CcxtSettings(BaseModel):
    """Exchanges that are asked through the package ccxt.

    Each of `exchanges` is ccxt's id, or ``id=address`` to ask elsewhere; `quote` completes assets that are named
    without one.

    >>> CcxtSettings(exchanges=("kraken", "okx=http://127.0.0.1:8900/okx")).base_urls
    {'kraken': None, 'okx': 'http://127.0.0.1:8900/okx'}
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    exchanges: _LIST = ()
    quote: str = "USDT"

    @validates("exchanges", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @validates("exchanges")
    @classmethod
    def _are_ids(cls, exchanges: tuple[str, ...]) -> tuple[str, ...]:
        for text in exchanges:
            exchange, _, address = text.partition("=")
            _checked(check_venue, exchange)
            VenueSettings(base_url=address or None)
        return exchanges

    @validates("quote")
    @classmethod
    def _is_an_asset(cls, text: str) -> str:
        return TradingVenueSettings(quote=text).quote

    @property
    def base_urls(self) -> dict[str, str | None]:
        """The exchanges in their order; None where an exchange is asked at its own address."""
        parts = (text.partition("=") for text in self.exchanges)
        return {exchange: address.rstrip("/") or None for exchange, _, address in parts}


class VenuesSettings(BaseModel):
    """The venues."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    binance: BinanceSettings = BinanceSettings()
    binance_archive: BinanceArchiveSettings = BinanceArchiveSettings()
    binance_usdm: BinanceUsdmSettings = BinanceUsdmSettings()
    ccxt: CcxtSettings = CcxtSettings()
    coinbase: CoinbaseSettings = CoinbaseSettings()
    coinbase_advanced: CoinbaseSettings = CoinbaseSettings()
    coingecko: VenueSettings = VenueSettings()
    wazirx: WazirxSettings = WazirxSettings()
    yahoo: YahooSettings = YahooSettings()


class IngestSettings(BaseModel):
    """What is fetched from the venues, how often, and when it counts as final."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    symbols: _LIST = MAJORS
    intervals: _LIST = ("1h",)
    since: str = "365d"
    since_short: str = "7d"
    every: str = "15m"
    settle: str | None = None
    confirmations: Annotated[int, Field(ge=1, le=100)] = 3
    depth_symbols: _LIST = ("BTC", "ETH", "BNB", "SOL", "XRP")
    depth_limit: Annotated[int, Field(ge=1, le=5_000)] = 100
    concurrency: Annotated[int, Field(ge=1, le=64)] = 8
    timeout_s: Annotated[float, Field(gt=0, le=600)] = 30.0
    attempts: Annotated[int, Field(ge=1, le=100)] = 6
    patience_s: Annotated[float, Field(ge=0, le=86_400)] = 180.0
    limits_dir: Path = Path("~/.cache/assay/limits")

    @validates("symbols", "intervals", "depth_symbols", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @validates("symbols", "depth_symbols")
    @classmethod
    def _are_symbols(cls, symbols: tuple[str, ...]) -> tuple[str, ...]:
        for text in symbols:
            try:
                Symbol.parse(text) if "-" in text else Symbol(text, "X")
            except BadInputError:
                raise ValueError(f"write assets like BTC, or pairs like BTC-USDT, not {text!r}") from None
        return symbols

    @validates("intervals")
    @classmethod
    def _are_intervals(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        for code in codes:
            _checked(Interval.parse, code)
        return codes

    @validates("since", "since_short")
    @classmethod
    def _is_a_beginning(cls, text: str) -> str:
        try:
            parse_duration(text)
        except BadInputError as error:
            try:
                parse_moment(text)
            except BadInputError:
                raise ValueError(f"{error}, or a date like 2024-01-31") from None
        return text

    @validates("every", "settle")
    @classmethod
    def _is_a_length(cls, text: str | None) -> str | None:
        if text is not None:
            _checked(parse_duration, text)
        return text

    @property
    def settle_length(self) -> timedelta | None:
        """How long after its close a bar may still change; None: what is usual for its length."""
        return None if self.settle is None else parse_duration(self.settle)

    @validates("limits_dir")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        return path.expanduser().absolute()
