"""The dialect of Binance's USD-M futures: the sandbox's futures in the words of that API's documentation.

>>> from datetime import UTC
>>> market, noon = Market(1), datetime(2024, 5, 1, 12, tzinfo=UTC)
>>> BinanceUsdmDialect().say(market, Question("usdm_time", {}, noon))
{'serverTime': 1714564800000}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from assay.venues.binance_usdm.spec import SPEC
from assay.venues.sandbox.answers import Document, Question
from assay.venues.sandbox.assets import Listing
from assay.venues.sandbox.bars import to_datetime
from assay.venues.sandbox.dialects.binance_words import (
    MILLISECOND_US,
    interval_of,
    kline_page,
    limit_of,
    listing_of,
    range_us,
    too_many,
    window_of,
)
from assay.venues.sandbox.dialects.wire import milliseconds_of, signed_text
from assay.venues.sandbox.futures import FUNDING_EVERY, Futures
from assay.venues.sandbox.history import read_page
from assay.venues.sandbox.market import Market
from assay.venues.spec import VenueSpec

_PAGE, _FUNDING_PAGE, _USUAL_FUNDING = 1_500, 1_000, 100
_NEVER_DELIVERED = 4_133_404_800_000


class BinanceUsdmDialect:
    """Speaks for Binance's USD-M futures."""

    @property
    def spec(self) -> VenueSpec:
        """The declaration of the API."""
        return SPEC

    def say(self, market: Market, question: Question) -> Document:
        """Return the answer to a question, or raise Refusal."""
        return _ANSWERS[question.endpoint](Futures(market), question)

    def too_many(self, status: int, until: datetime) -> Document:
        """Return the body that goes with 429 and 418."""
        return too_many(SPEC, status, until)


def _ping(_market: Futures, _question: Question) -> Document:
    return {}


def _time(_market: Futures, question: Question) -> Document:
    return {"serverTime": milliseconds_of(question.now)}


def _klines(market: Futures, question: Question) -> Document:
    listing, interval = listing_of(market, question, SPEC), interval_of(question, SPEC)
    bars = read_page(market, listing.symbol, interval, window=window_of(question, top=_PAGE), question=question)
    return kline_page(listing, bars)


def _funding_rates(market: Futures, question: Question) -> Document:
    listing = listing_of(market, question, SPEC)
    limit = limit_of(question, usual=_USUAL_FUNDING, top=_FUNDING_PAGE)
    first_us, last_us = range_us(question)
    end = question.now if last_us is None else min(question.now, to_datetime(last_us + MILLISECOND_US))
    start = listing.listed_at if first_us is None else to_datetime(first_us)
    if first_us is None:
        start = max(start, end - limit * FUNDING_EVERY)
    paid = market.funding(listing.symbol, start=start, end=min(end, start + (limit + 1) * FUNDING_EVERY))
    chosen = paid[-limit:] if first_us is None else paid[:limit]
    return [
        {
            "symbol": SPEC.symbols.to_wire(listing.symbol),
            "fundingRate": signed_text(_rate_text, one.rate),
            "fundingTime": milliseconds_of(one.paid_at),
            "markPrice": listing.price_text(one.mark_price),
        }
        for one in chosen
    ]


def _rate_text(units: int) -> str:
    return f"0.{units:08d}"


def _exchange_info(market: Futures, question: Question) -> Document:
    limit = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": SPEC.limits[0].limit}
    known = [one for one in market.listings if one.listed_at <= question.now]
    return {
        "timezone": "UTC",
        "serverTime": milliseconds_of(question.now),
        "futuresType": "U_MARGINED",
        "rateLimits": [limit],
        "exchangeFilters": [],
        "assets": [],
        "symbols": [_contract(one, question.now) for one in known],
    }


def _contract(listing: Listing, now: datetime) -> Document:
    tick, lot = f"{listing.tick_at(now):.8f}", f"{listing.lot:.8f}"
    name = SPEC.symbols.to_wire(listing.symbol)
    return {
        "symbol": name,
        "pair": name,
        "contractType": "PERPETUAL",
        "deliveryDate": _NEVER_DELIVERED,
        "onboardDate": milliseconds_of(listing.listed_at),
        "status": "TRADING" if listing.is_trading(now) else "SETTLING",
        "baseAsset": listing.symbol.base,
        "quoteAsset": listing.symbol.quote,
        "marginAsset": listing.symbol.quote,
        "pricePrecision": listing.asset.price_decimals,
        "quantityPrecision": listing.asset.quantity_decimals,
        "underlyingType": "COIN",
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000.00000000", "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": "9000000.00000000", "stepSize": lot},
            {"filterType": "MIN_NOTIONAL", "notional": "5.00000000"},
        ],
        "orderTypes": ["LIMIT", "MARKET"],
        "timeInForce": ["GTC", "IOC", "FOK"],
    }


_ANSWERS: Mapping[str, Callable[[Futures, Question], Document]] = {
    "usdm_ping": _ping,
    "usdm_time": _time,
    "usdm_exchange_info": _exchange_info,
    "usdm_klines": _klines,
    "usdm_funding_rates": _funding_rates,
}
