"""Rows of a market overview like CoinGecko's: the assets of the exchange, and made-up coins to fill the table.

Two of the made-up coins in every three share their ticker with another, as real ones do: only `coin_id` is a key.

>>> fillers(2)[0].coin_name, fillers(2)[1].base
('Agate Chain', 'AGAC')
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice, product

import numpy as np

from assay.domain.symbol import Symbol
from assay.venues.sandbox.assets import Asset, Listing
from assay.venues.sandbox.draws import exp
from assay.venues.sandbox.skeleton import Extremes
from assay.venues.sandbox.ticker import Day

_STONES = (
    "Agate", "Amber", "Basalt", "Beryl", "Cobalt", "Coral", "Dolomite", "Feldspar", "Flint", "Garnet", "Gneiss",
    "Granite", "Gypsum", "Halite", "Jasper", "Kyanite", "Lazurite", "Malachite", "Marble", "Nickel", "Obsidian",
    "Olivine", "Onyx", "Opal", "Peridot", "Pumice", "Pyrite", "Quartz", "Rhodium", "Schist", "Shale", "Slate",
    "Spinel", "Talc",
)  # fmt: skip
_KINDS = ("Chain", "Coin", "Swap")
_PRICES = ("0.084310", "1.275000", "0.006125", "14.820000", "0.412700")
_LARGEST_CAP = 150_000_000
_FILLERS_LISTED_AT = datetime(2017, 1, 1, tzinfo=UTC)
ALL_VENUES = 3
"""What all exchanges trade of a coin, as a multiple of what this one does."""


MOST_FILLERS = len(_STONES) * len(_KINDS)


@dataclass(frozen=True, slots=True)
class Coin:
    """One row: money in dollars, changes over 24 hours, supplies in coins.

    `ath` and `atl` are the extremes of the prices at whole hours since the coin was listed, of the last 24 hours and of
    now; an extreme between two hours is forgotten after a day, and of a made-up coin one that is older than 256 to 512
    days.
    """

    coin_id: str
    symbol: str
    coin_name: str
    market_cap_rank: int
    price: float
    market_cap: float
    fully_diluted_valuation: float | None
    total_volume: float
    high_24h: float
    low_24h: float
    change_24h: float
    change_pct_24h: float
    market_cap_change_24h: float
    circulating_supply: int
    total_supply: int
    max_supply: int | None
    ath: float
    ath_at: datetime
    atl: float
    atl_at: datetime
    updated_at: datetime


def fillers(count: int) -> tuple[Asset, ...]:
    """Return the first `count` made-up coins, at most 102."""
    names = islice(product(_STONES, _KINDS), count)
    return tuple(_filler(number, stone, kind) for number, (stone, kind) in enumerate(names))


def _filler(number: int, stone: str, kind: str) -> Asset:
    price = Decimal(_PRICES[number % len(_PRICES)])
    return Asset(
        base=(stone[:3] + kind[0]).upper(),
        coin_id=f"{stone}-{kind}".lower(),
        coin_name=f"{stone} {kind}",
        price=price,
        lot=Decimal("0.1"),
        volatility=0.6,
        market_share=0.5,
        trades_a_day=4_320,
        trade_usd=120.0,
        supply=int(_LARGEST_CAP / (1 + number) / float(price)),
        max_supply=None,
        listed_at=_FILLERS_LISTED_AT,
    )


def coin_listing(asset: Asset, moment: datetime) -> Listing:
    """Return the coin under its present name; other exchanges go on when this one delists it."""
    base = asset.renamed_to if asset.renamed_at is not None and asset.renamed_at <= moment else asset.base
    return Listing(Symbol(base, "USD"), asset, asset.listed_at, None)


def make_coin(day: Day, hours: Extremes, *, high_at: datetime, low_at: datetime) -> Coin:
    """Return the row of a coin, its rank still 0.

    Parameters
    ----------
    day : Day
        The coin's last 24 hours.
    hours : Extremes
        Extremes of the log price at whole hours since the listing, relative to the anchor price.
    high_at, low_at : datetime
        When those extremes were.
    """
    asset = day.listing.asset
    unit = 10**asset.price_decimals
    highest, lowest = np.rint(exp(np.array([hours.high, hours.low])) * asset.price_ticks).astype(np.int64).tolist()
    highest, lowest = max(highest, 1), max(lowest, 1)
    if day.high > highest:
        highest, high_at = day.high, day.close_time
    if day.low < lowest:
        lowest, low_at = day.low, day.close_time
    price = day.last / unit
    return Coin(
        coin_id=asset.coin_id,
        symbol=day.listing.symbol.base.lower(),
        coin_name=asset.coin_name,
        market_cap_rank=0,
        price=price,
        market_cap=price * asset.supply,
        fully_diluted_valuation=None if asset.max_supply is None else price * asset.max_supply,
        total_volume=ALL_VENUES * day.quote_volume / 10 ** (asset.price_decimals + asset.quantity_decimals),
        high_24h=day.high / unit,
        low_24h=day.low / unit,
        change_24h=day.change / unit,
        change_pct_24h=day.change_pct,
        market_cap_change_24h=day.change * asset.supply / unit,
        circulating_supply=asset.supply,
        total_supply=asset.max_supply or asset.supply,
        max_supply=asset.max_supply,
        ath=highest / unit,
        ath_at=high_at,
        atl=lowest / unit,
        atl_at=low_at,
        updated_at=day.close_time,
    )
