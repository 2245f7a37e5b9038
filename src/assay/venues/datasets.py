"""The tables that answers become, the same for every venue.

Moments are UTC in microseconds. Prices are in quote units per base unit, quantities and ``volume`` in base units,
``quote_volume`` and ``_notional`` in quote units; columns that end in ``_pct`` are in percent. Null means that the
venue does not publish the value, or has none; no float is NaN or infinite.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

KLINES = "klines"
TICKERS = "tickers"
ORDER_BOOKS = "order_books"
TRADES = "trades"
INSTRUMENTS = "instruments"
COIN_MARKETS = "coin_markets"
COIN_HISTORY = "coin_history"
FUNDING_RATES = "funding_rates"
SERVER_TIME = "server_time"
PING = "ping"
CHECKSUMS = "checksums"

MOMENT = pl.Datetime("us", "UTC")

Dtype = pl.DataType


def _columns(floats: Iterable[str]) -> dict[str, Dtype]:
    return {name: pl.Float64() for name in floats}


SCHEMAS: dict[str, pl.Schema] = {
    KLINES: pl.Schema(
        {
            "open_time": MOMENT,
            "close_time": MOMENT,  # exclusive: the next bar's open time
            "source_close_time": MOMENT,  # as the venue writes it
            **_columns(("open", "high", "low", "close", "volume", "quote_volume")),
            "num_trades": pl.Int64(),
            **_columns(("taker_buy_volume", "taker_buy_quote_volume")),
            "is_provisional": pl.Boolean(),  # it closed after the question was asked
            "defect": pl.String(),  # off_grid, identical_duplicate, or null
        }
    ),
    TICKERS: pl.Schema(
        {
            "venue_symbol": pl.String(),
            "symbol": pl.String(),  # null if the spelling alone does not tell it
            "open_time": MOMENT,  # of the rolling day
            "event_time": MOMENT,
            **_columns(("open_price", "high_price", "low_price", "last_price", "last_quantity")),
            **_columns(("previous_close_price", "weighted_average_price", "price_change", "price_change_pct")),
            **_columns(("bid_price", "bid_quantity", "ask_price", "ask_quantity", "volume", "quote_volume")),
            "first_trade_id": pl.Int64(),
            "last_trade_id": pl.Int64(),
            "num_trades": pl.Int64(),
        }
    ),
    ORDER_BOOKS: pl.Schema(
        {
            "last_update_id": pl.Int64(),
            "bid_prices": pl.List(pl.Float64()),  # best first; quantities in the same order
            "bid_quantities": pl.List(pl.Float64()),
            "ask_prices": pl.List(pl.Float64()),
            "ask_quantities": pl.List(pl.Float64()),
        }
    ),
    TRADES: pl.Schema(
        {
            "aggregate_id": pl.Int64(),
            "first_trade_id": pl.Int64(),
            "last_trade_id": pl.Int64(),
            "event_time": MOMENT,
            **_columns(("price", "quantity")),
            "side": pl.String(),  # the taker's: buy or sell
        }
    ),
    INSTRUMENTS: pl.Schema(
        {
            "venue_symbol": pl.String(),
            "symbol": pl.String(),  # null if base or quote is no name that Assay can write
            "base": pl.String(),
            "quote": pl.String(),
            "status": pl.String(),  # in the venue's words
            "is_trading": pl.Boolean(),
            **_columns(("tick_size", "min_price", "max_price", "lot_size", "min_quantity", "max_quantity")),
            **_columns(("min_notional",)),
            "event_time": MOMENT,
        }
    ),
    COIN_MARKETS: pl.Schema(
        {
            "coin_id": pl.String(),  # the key: tickers collide
            "asset": pl.String(),
            "name": pl.String(),
            "quote": pl.String(),
            "event_time": MOMENT,
            **_columns(("price", "market_cap")),
            "market_cap_rank": pl.Int64(),
            **_columns(("fully_diluted_valuation", "total_volume", "high_24h", "low_24h")),
            **_columns(("price_change_24h", "price_change_24h_pct")),
            **_columns(("market_cap_change_24h", "market_cap_change_24h_pct")),
            **_columns(("circulating_supply", "total_supply", "max_supply")),
            **_columns(("all_time_high", "all_time_high_change_pct")),
            "all_time_high_at": MOMENT,
            **_columns(("all_time_low", "all_time_low_change_pct")),
            "all_time_low_at": MOMENT,
            **_columns(("roi_times", "roi_pct")),
            "roi_currency": pl.String(),
        }
    ),
    FUNDING_RATES: pl.Schema(
        {
            "venue_symbol": pl.String(),
            "symbol": pl.String(),  # null if the spelling alone does not tell it
            "funding_time": MOMENT,  # when it was paid
            "funding_rate": pl.Float64(),  # a fraction of the position; longs pay shorts if it is positive
            "mark_price": pl.Float64(),
        }
    ),
    COIN_HISTORY: pl.Schema(
        {
            "coin_id": pl.String(),
            "quote": pl.String(),
            "event_time": MOMENT,
            **_columns(("price", "market_cap", "total_volume")),
        }
    ),
    SERVER_TIME: pl.Schema({"server_time": MOMENT}),
    PING: pl.Schema({}),
    CHECKSUMS: pl.Schema({"sha256": pl.String()}),  # of the file that was asked about
}
"""Dataset to its columns, in their order; every parser returns exactly these."""
