"""Reading CoinGecko's answers. Amounts are JSON numbers there, so that nothing has to be crossed from text."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Annotated

import msgspec

from assay.venues import tables
from assay.venues.coingecko.spec import SPEC
from assay.venues.errors import VenueError, venue_error
from assay.venues.page import UNREADABLE, Count, Milliseconds, Moment, Places, Rejected, read_list, read_one
from assay.venues.parsed import Handler, Parsed
from assay.venues.spec import Request

_Point = tuple[Milliseconds, float | None]


class _Roi(msgspec.Struct):
    times: float
    currency: str
    percentage: float


class _Coin(msgspec.Struct):
    id: Annotated[str, msgspec.Meta(min_length=1)]
    symbol: str
    name: str
    current_price: float | None
    market_cap: float | None
    total_volume: float | None
    last_updated: Moment | None
    market_cap_rank: Count | None = None
    fully_diluted_valuation: float | None = None
    high_24h: float | None = None
    low_24h: float | None = None
    price_change_24h: float | None = None
    price_change_percentage_24h: float | None = None
    market_cap_change_24h: float | None = None
    market_cap_change_percentage_24h: float | None = None
    circulating_supply: float | None = None
    total_supply: float | None = None
    max_supply: float | None = None
    ath: float | None = None
    ath_change_percentage: float | None = None
    ath_date: Moment | None = None
    atl: float | None = None
    atl_change_percentage: float | None = None
    atl_date: Moment | None = None
    roi: _Roi | None = None


class _Chart(msgspec.Struct):
    prices: list[_Point]
    market_caps: list[_Point]
    total_volumes: list[_Point]


class _Status(msgspec.Struct):
    error_code: int
    error_message: str


class _StatusError(msgspec.Struct):
    status: _Status


class _NestedError(msgspec.Struct):
    error: _StatusError


class _PlainError(msgspec.Struct):
    error: str


def read_error(body: bytes) -> VenueError | None:
    """Return the error that `body` is, in any of the three forms, or None if it is none.

    Wire::

        {"status":{"error_code":429,"error_message":"You've exceeded the Rate Limit."}}

    >>> read_error(b'{"status":{"error_code":429,"error_message":"slow down"}}').code
    429
    >>> read_error(b'{"error":"coin not found"}').message
    'coin not found'
    """
    with suppress(*UNREADABLE):
        status = msgspec.json.decode(body, type=_StatusError).status
        return venue_error(SPEC, status.error_code, status.error_message)
    with suppress(*UNREADABLE):
        status = msgspec.json.decode(body, type=_NestedError).error.status
        return venue_error(SPEC, status.error_code, status.error_message)
    with suppress(*UNREADABLE):
        return venue_error(SPEC, 0, msgspec.json.decode(body, type=_PlainError).error)
    return None


def parse_coins_markets(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    """Read assets by market value. The key is `coin_id`: two assets may carry one ticker.

    Wire::

        [{"id":"ethereum","symbol":"eth","name":"Ethereum","image":"https://assets.coingecko.com/eth.png",
          "current_price":3433.69,"market_cap":410176035352,"market_cap_rank":2,"fully_diluted_valuation":null,
          "total_volume":22243369227,"high_24h":3852.59,"low_24h":3425.33,"price_change_24h":-391.689028633059,
          "price_change_percentage_24h":-10.23923,"market_cap_change_24h":-44657347957.35675,
          "market_cap_change_percentage_24h":-9.8184,"circulating_supply":119044351.624,"total_supply":null,
          "max_supply":null,"ath":4878.26,"ath_change_percentage":-29.10675,"ath_date":"2021-11-10T14:24:19.604Z",
          "atl":0.432979,"atl_change_percentage":798635.86273,"atl_date":"2015-10-20T00:00:00.000Z",
          "roi":{"times":105.66840023736485,"currency":"btc","percentage":10566.840023736486},
          "last_updated":"2022-01-06T06:55:43.679Z"}]
    """
    page = read_list(body, _Coin, request=request, read_error=read_error)
    rows = page.rows
    quote = (request.param("vs_currency") or "").upper()
    columns = {
        "coin_id": tables.texts(row.id for row in rows),
        "asset": tables.texts(row.symbol.upper() for row in rows),
        "name": tables.texts(row.name for row in rows),
        "quote": tables.texts(quote for _ in rows),
        "event_time": tables.moments(row.last_updated for row in rows),
        "price": tables.numbers(row.current_price for row in rows),
        "market_cap": tables.numbers(row.market_cap for row in rows),
        "market_cap_rank": tables.counts(row.market_cap_rank for row in rows),
        "fully_diluted_valuation": tables.numbers(row.fully_diluted_valuation for row in rows),
        "total_volume": tables.numbers(row.total_volume for row in rows),
        "high_24h": tables.numbers(row.high_24h for row in rows),
        "low_24h": tables.numbers(row.low_24h for row in rows),
        "price_change_24h": tables.numbers(row.price_change_24h for row in rows),
        "price_change_24h_pct": tables.numbers(row.price_change_percentage_24h for row in rows),
        "market_cap_change_24h": tables.numbers(row.market_cap_change_24h for row in rows),
        "market_cap_change_24h_pct": tables.numbers(row.market_cap_change_percentage_24h for row in rows),
        "circulating_supply": tables.numbers(row.circulating_supply for row in rows),
        "total_supply": tables.numbers(row.total_supply for row in rows),
        "max_supply": tables.numbers(row.max_supply for row in rows),
        "all_time_high": tables.numbers(row.ath for row in rows),
        "all_time_high_change_pct": tables.numbers(row.ath_change_percentage for row in rows),
        "all_time_high_at": tables.moments(row.ath_date for row in rows),
        "all_time_low": tables.numbers(row.atl for row in rows),
        "all_time_low_change_pct": tables.numbers(row.atl_change_percentage for row in rows),
        "all_time_low_at": tables.moments(row.atl_date for row in rows),
        "roi_times": tables.numbers(row.roi.times if row.roi else None for row in rows),
        "roi_pct": tables.numbers(row.roi.percentage if row.roi else None for row in rows),
        "roi_currency": tables.texts(row.roi.currency if row.roi else None for row in rows),
    }
    return tables.coin_markets(page, columns)


def parse_market_chart(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    """Read the history of one coin: three lists of points, which are joined by their times.

    Wire::

        {"prices":[[1704067241331,42261.0406175669],[1704070847420,42493.2764087546]],
         "market_caps":[[1704067241331,827596236151.196],[1704070847420,831531023621.411]],
         "total_volumes":[[1704067241331,14305769170.9498],[1704070847420,14130205376.1709]]}
    """
    chart = read_one(body, _Chart, request=request, read_error=read_error)
    caps, volumes = dict(chart.market_caps), dict(chart.total_volumes)
    points = [(moment, price) for moment, price in chart.prices if price is not None]
    raws = [msgspec.Raw(msgspec.json.encode(point)) for point in chart.prices]
    places = [place for place, (_, price) in enumerate(chart.prices) if price is not None]
    rejected = [
        Rejected(place, "a point without a price", bytes(raws[place]).decode())
        for place, (_, price) in enumerate(chart.prices)
        if price is None
    ]
    columns = {
        "coin_id": tables.texts(request.param("id") for _ in points),
        "quote": tables.texts((request.param("vs_currency") or "").upper() for _ in points),
        "event_time": tables.stamps(moment for moment, _ in points),
        "price": tables.numbers(price for _, price in points),
        "market_cap": tables.numbers(caps.get(moment) for moment, _ in points),
        "total_volume": tables.numbers(volumes.get(moment) for moment, _ in points),
    }
    return tables.coin_history(Places(places, rejected, lambda: raws), columns)


HANDLERS: Mapping[str, Handler] = {
    "coins_markets": parse_coins_markets,
    "market_chart_range": parse_market_chart,
}
"""Endpoint to its handler."""
