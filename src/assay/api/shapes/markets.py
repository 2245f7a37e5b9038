"""Shapes of the market at a glance and of a venue's board."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from assay.api.shapes.predictions import Prediction
from assay.api.shapes.shape import KnownAt, Number, Shape, Venue, said

SlotAt = Annotated[datetime, said("Slot of the schedule in which it was asked for, UTC.", "2026-05-01T09:00:00Z")]
Defect = Annotated[str | None, said("Why the numbers are not to be trusted; null when they are.")]
Sparkline = Annotated[
    list[float], said("Closes of the last 7 days, oldest first, at most 84; empty without bars.", [64_100.0, 64_210.5])
]
BarsOf = Annotated[
    str | None, said("`venue:market:SYMBOL` whose bars stand for it; null if there are none.", "binance:spot:BTC-USDT")
]


class Coin(Shape):
    """One coin of the top 100. Money is in US dollars."""

    rank: Annotated[int | None, said("By market capitalisation, from 1.", 1)]
    coin_id: Annotated[str, said("CoinGecko's id, which is the key.", "bitcoin")]
    asset: Annotated[str, said("Ticker; not unique.", "BTC")]
    name: Annotated[str, said("As the coin's makers call it: text from strangers.", "Bitcoin")]
    price: Annotated[Number, said("USD.", 64_210.5)]
    change_24h_pct: Annotated[Number, said("Of the price in 24 hours, in percent.", -1.25)]
    market_cap: Annotated[Number, said("USD.", 1.26e12)]
    volume_24h: Annotated[Number, said("Traded in 24 hours, USD.", 3.1e10)]
    circulating_supply: Annotated[Number, said("In units of the coin.", 19_700_000.0)]
    high_24h: Annotated[Number, said("Highest price in 24 hours, USD.", 65_000.0)]
    low_24h: Annotated[Number, said("Lowest price in 24 hours, USD.", 63_100.0)]
    all_time_high: Annotated[Number, said("Highest price ever, USD.", 73_738.0)]
    all_time_high_change_pct: Annotated[Number, said("Price against that, in percent.", -12.9)]
    slot_at: SlotAt
    defect: Defect
    sparkline: Sparkline
    series: BarsOf
    prediction: Annotated[Prediction | None, said("Latest forecast of that series.")]


class MarketOverview(Shape):
    """The largest coins, and those that rose and fell most."""

    slot_at: SlotAt
    known_at: KnownAt
    quote: Annotated[str, said("Currency of all money here.", "USD")]
    coins: Annotated[list[Coin], said("By rank.")]
    best: Annotated[list[Coin], said("The ten that rose most in 24 hours.")]
    worst: Annotated[list[Coin], said("The ten that fell most in 24 hours.")]


class Ticker(Shape):
    """One pair of a venue. Prices are in the quote; what a venue does not say is null."""

    symbol: Annotated[str | None, said("`BASE-QUOTE`; null where the venue's spelling does not tell.", "BTC-INR")]
    venue_symbol: Annotated[str, said("As the venue spells it.", "btcinr")]
    base: Annotated[str | None, said("What is traded.", "BTC")]
    quote: Annotated[str | None, said("In what it is priced.", "INR")]
    last_price: Annotated[Number, said("In the quote.", 5_412_000.0)]
    change_24h_pct: Annotated[Number, said("Of the price in 24 hours, in percent.", 0.8)]
    high_24h: Annotated[Number, said("In the quote.", 5_450_000.0)]
    low_24h: Annotated[Number, said("In the quote.", 5_390_000.0)]
    volume: Annotated[Number, said("Traded in 24 hours, in the base.", 12.5)]
    quote_volume: Annotated[Number, said("Traded in 24 hours, in the quote.", 67_650_000.0)]
    bid_price: Annotated[Number, said("Best bid, in the quote.", 5_411_000.0)]
    ask_price: Annotated[Number, said("Best ask, in the quote.", 5_413_000.0)]
    spread_bps: Annotated[Number, said("Ask minus bid over their mean, in hundredths of a percent.", 3.7)]
    last_price_usd: Annotated[Number, said("Last price in US dollars, by the rate beside it.", 64_120.0)]
    inr_usd_rate: Annotated[Number, said("Rupees a dollar.", 84.4)]
    inr_usd_source: Annotated[str | None, said("Where that rate is from.", "wazirx:USDT-INR")]
    slot_at: SlotAt
    event_time: Annotated[datetime | None, said("The venue's own time, UTC.", "2026-05-01T09:00:01Z")]
    defect: Defect
    sparkline: Sparkline
    series: BarsOf
    prediction: Annotated[Prediction | None, said("Latest forecast of that series.")]


class TickerBoard(Shape):
    """All pairs of a venue."""

    venue: Venue
    slot_at: SlotAt
    known_at: KnownAt
    rows: list[Ticker]
