"""Reading the answers of Binance's USD-M futures; klines and errors are of the same form as on the spot market."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec
import polars as pl

from assay.venues import tables
from assay.venues.binance.parse import Filter, parse_ping, parse_time, read_error, read_klines
from assay.venues.binance_usdm.spec import SPEC
from assay.venues.page import Milliseconds, read_list, read_one, read_rows
from assay.venues.parsed import Handler, Parsed
from assay.venues.spec import Request

_PERPETUAL = "PERPETUAL"


class _Contract(msgspec.Struct, rename="camel"):
    symbol: str
    contract_type: str
    status: str
    base_asset: str
    quote_asset: str
    filters: list[Filter]

    def bound(self, kind: str, name: str) -> str | None:
        """Return the text of a bound from the filter of that kind."""
        return next((getattr(one, name) for one in self.filters if one.filter_type == kind), None)


class _ExchangeInfo(msgspec.Struct, rename="camel"):
    server_time: Milliseconds
    symbols: list[msgspec.Raw]


class _FundingRate(msgspec.Struct, rename="camel", gc=False):
    symbol: str
    funding_rate: str
    funding_time: Milliseconds
    mark_price: str = ""


def parse_klines(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    """Read bars. A bar that closed after `asked_at` is provisional, whatever the venue says of it.

    Wire::

        [[1499040000000,"0.01634790","0.80000000","0.01575800","0.01577100","148976.11427815",1499644799999,
          "2434.19055334",308,"1756.87402397","28.46694368","17928899.62484339"]]
    """
    return read_klines(body, request, spec=SPEC, asked_at=asked_at)


def parse_funding_rates(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    """Read what was paid between longs and shorts, and when.

    Wire::

        [{"symbol":"BTCUSDT","fundingRate":"-0.03750000","fundingTime":1570608000000,
          "markPrice":"34287.54619963"}]
    """
    page = read_list(body, _FundingRate, request=request, read_error=read_error)
    rows = page.rows
    columns = {
        "venue_symbol": tables.texts(row.symbol for row in rows),
        "funding_time": tables.stamps(row.funding_time for row in rows),
        "funding_rate": tables.texts(row.funding_rate for row in rows),
        "mark_price": tables.texts(row.mark_price or None for row in rows),
    }
    return tables.funding_rates(page, columns, symbols=SPEC.symbols)


def parse_exchange_info(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    """Read which contracts there are. Only a perpetual one has a symbol: the others are dated futures of the same pair.

    Wire::

        {"timezone":"UTC","serverTime":1565614571131,"rateLimits":[],"exchangeFilters":[],"assets":[],"symbols":[
          {"symbol":"BLZUSDT","pair":"BLZUSDT","contractType":"PERPETUAL","deliveryDate":4133404800000,
           "onboardDate":1598252400000,"status":"TRADING","baseAsset":"BLZ","quoteAsset":"USDT","marginAsset":"USDT",
           "filters":[
            {"filterType":"PRICE_FILTER","maxPrice":"300","minPrice":"0.0001","tickSize":"0.0001"},
            {"filterType":"LOT_SIZE","maxQty":"10000000","minQty":"1","stepSize":"1"},
            {"filterType":"MIN_NOTIONAL","notional":"5.0"}]}]}
    """
    info = read_one(body, _ExchangeInfo, request=request, read_error=read_error)
    page = read_rows(info.symbols, _Contract)
    rows = page.rows
    columns = {
        "venue_symbol": tables.texts(row.symbol for row in rows),
        "base": tables.texts(row.base_asset for row in rows),
        "quote": tables.texts(row.quote_asset for row in rows),
        "status": tables.texts(row.status for row in rows),
        "is_trading": tables.flags(row.status == "TRADING" for row in rows),
        "tick_size": tables.texts(row.bound("PRICE_FILTER", "tick_size") for row in rows),
        "min_price": tables.texts(row.bound("PRICE_FILTER", "min_price") for row in rows),
        "max_price": tables.texts(row.bound("PRICE_FILTER", "max_price") for row in rows),
        "lot_size": tables.texts(row.bound("LOT_SIZE", "step_size") for row in rows),
        "min_quantity": tables.texts(row.bound("LOT_SIZE", "min_qty") for row in rows),
        "max_quantity": tables.texts(row.bound("LOT_SIZE", "max_qty") for row in rows),
        "min_notional": tables.texts(row.bound("MIN_NOTIONAL", "notional") for row in rows),
        "event_time": tables.stamps([info.server_time] * len(rows)),
    }
    parsed = tables.instruments(page, columns)
    dated = [row.symbol for row in rows if not row.contract_type.endswith(_PERPETUAL)]
    if not dated:
        return parsed
    is_dated = pl.col("venue_symbol").is_in(dated)
    named = parsed.rows.with_columns(symbol=pl.when(~is_dated).then(pl.col("symbol")))
    return Parsed(named, parsed.rejected)


HANDLERS: Mapping[str, Handler] = {
    "usdm_ping": parse_ping,
    "usdm_time": parse_time,
    "usdm_exchange_info": parse_exchange_info,
    "usdm_klines": parse_klines,
    "usdm_funding_rates": parse_funding_rates,
}
"""Endpoint to its handler."""
