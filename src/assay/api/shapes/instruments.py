"""Shapes of instruments and of the reconciliation of sources."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from assay.api.shapes.shape import IntervalCode, Market, Moment, Number, Shape, Symbol, Venue, said

OptionalMoment = datetime | None


class InstrumentState(Shape):
    """What a venue's lists said of an instrument, from when to when."""

    venue: Venue
    market: Market
    venue_symbol: Annotated[str, said("As the venue spells it.", "BTCUSDT")]
    symbol: Annotated[str | None, said("`BASE-QUOTE`; null where the names cannot be written so.", "BTC-USDT")]
    asset_id: Annotated[
        str | None, said("Which asset the base meant then, by CoinGecko's id; null if unknown.", "bitcoin")
    ]
    asset_id_by: Annotated[str | None, said("What states it: `asset_identities` or `coingecko`.", "coingecko")]
    valid_from: Annotated[datetime, said("First list that says so, UTC.", "2026-05-01T00:00:20Z")]
    valid_to: Annotated[OptionalMoment, said("First list that says otherwise, UTC; null while it stands.")]
    change: Annotated[str, said("`in_first_list`, `listed`, `listed_again` or `changed`.", "listed")]
    status: Annotated[str | None, said("In the venue's words.", "TRADING")]
    is_trading: Annotated[bool, said("Whether it could be traded.", True)]
    tick_size: Annotated[Number, said("Least step of a price, in the quote.", 0.01)]
    lot_size: Annotated[Number, said("Least step of a quantity, in the base.", 0.00001)]
    min_notional: Annotated[Number, said("Least value of an order, in the quote.", 5.0)]
    listed_at: Annotated[OptionalMoment, said("When it came to be traded, UTC; null where nothing tells.")]
    listed_by: Annotated[
        str, said("How that is known: `first_seen`, `first_bar`, `bars_since`, `before_first_list`.", "first_seen")
    ]
    delisted_at: Annotated[OptionalMoment, said("When it could be traded no more, UTC; null while it can.")]
    delisted_by: Annotated[str | None, said("How that is known: `status` or `left_list`.")]
    maker_bps: Annotated[Number, said("Fee of a maker, in hundredths of a percent; null if unknown.", 10.0)]
    taker_bps: Annotated[Number, said("Fee of a taker, likewise.", 10.0)]
    fee_source: Annotated[str | None, said("Where the fees are from; `settings` if they are your own.", "settings")]


class AssetSegment(Shape):
    """From when to when a ticker meant one asset."""

    ticker: Annotated[str, said("What it was traded as.", "LUNA")]
    asset_id: Annotated[str, said("CoinGecko's id.", "terra-luna")]
    valid_from: Moment
    valid_to: Moment
    formerly: Annotated[str | None, said("Ticker that the asset had before; null if none.")]
    source: Annotated[str, said("What happened.", "the first Terra chain")]


class Instruments(Shape):
    """Instruments, and what is to be known of the tickers among them."""

    as_of: Annotated[OptionalMoment, said("As known then; null for now.")]
    states: Annotated[list[InstrumentState], said("The latest state of each; of one symbol all, oldest first.")]
    segments: Annotated[list[AssetSegment], said("Of one symbol: which assets its base meant when.")]


class SourceAgreement(Shape):
    """How one source of a price agrees with the others."""

    venue: Venue
    market: Market
    symbol: Symbol
    bars: Annotated[int, said("Bars it has.", 33_364)]
    missing: Annotated[int, said("Bars that others have and it lacks.", 36)]
    flagged: Annotated[int, said("Bars that were found wrong.", 4)]
    unsettled: Annotated[int, said("Bars nobody could settle, and those after an error not yet believed.", 60)]
    reasons: Annotated[dict[str, int], said("Bars by what was said of them.", {"stale": 3, "price": 1})]
    median_deviation_bps: Annotated[Number, said("From the consensus, in hundredths of a percent.", 0.6)]
    premium_bps: Annotated[Number, said("Last taken off a source that only stands in.", 1.5)]
    trust: Annotated[Number, said("0 to 1: completeness times agreement times closeness.", 0.95)]
    completeness: Annotated[Number, said("Share of bars that it has.", 0.999)]
    agreement: Annotated[Number, said("Share of its bars that were right.", 0.998)]
    closeness: Annotated[Number, said("1 at no distance, 0.5 at 25 hundredths of a percent.", 0.96)]


class PriceReconciliation(Shape):
    """One price and its sources."""

    market: Market
    symbol: Symbol
    interval: IntervalCode
    first_open_time: Moment
    last_open_time: Moment
    bars: Annotated[int, said("Bars at which any source has one.", 33_364)]
    compared: Annotated[int, said("Those at which more than one has.", 33_328)]
    without_consensus: Annotated[int, said("Those with no consensus.", 43)]
    median_spread_bps: Annotated[Number, said("Between the sources in the consensus.", 1.3)]
    last_price: Annotated[Number, said("Consensus of the last bar, in the quote.", 64_210.5)]
    sources: list[SourceAgreement]


class Reconciliation(Shape):
    """All prices that have more than one source."""

    prices: list[PriceReconciliation]
