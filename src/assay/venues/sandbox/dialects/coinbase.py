"""The dialect of Coinbase's exchange: candles as numbers, low before high before open, everything else as text.

>>> from datetime import UTC
>>> market, noon = Market(1), datetime(2024, 5, 1, 12, tzinfo=UTC)
>>> asked = {"product_id": "BTC-USD", "granularity": "3600"}
>>> page = CoinbaseDialect().say(market, Question("candles", asked, noon))
>>> page[0][0], len(page)
(1714561200, 300)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from assay.domain.errors import BadInputError
from assay.venues.coinbase.spec import SPEC
from assay.venues.sandbox.answers import Document, Question, Refusal
from assay.venues.sandbox.bars import SECOND_US, to_datetime
from assay.venues.sandbox.dialects.coinbase_market import (
    BOOK_LEVELS,
    MOST_TRADES,
    Product,
    find_product,
    is_too_long,
    moment_us,
    newest_bars,
    newest_page,
    products,
)
from assay.venues.sandbox.dialects.wire import floats_of, iso_text, whole_number
from assay.venues.sandbox.history import Window
from assay.venues.sandbox.market import Market
from assay.venues.spec import VenueSpec

_MOST_BARS = 300


def _refusal(status: int, text: str) -> Refusal:
    return Refusal(status, {"message": text})


class CoinbaseDialect:
    """Speaks for Coinbase's exchange."""

    @property
    def spec(self) -> VenueSpec:
        """The declaration of the API."""
        return SPEC

    def say(self, market: Market, question: Question) -> Document:
        """Return the answer to a question, or raise Refusal."""
        return _ANSWERS[question.endpoint](market, question)

    def too_many(self, _status: int, _until: datetime) -> Document:
        """Return the body that goes with 429 and 418."""
        return {"message": "Public rate limit exceeded"}


def _product(market: Market, question: Question, *, is_traded: bool = False) -> Product:
    found = find_product(market, question.params["product_id"], question.now)
    if found is None or (is_traded and not found.listing.is_trading(question.now)):
        raise _refusal(404, "NotFound")
    return found


def _time(_market: Market, question: Question) -> Document:
    return {"iso": iso_text(question.now, "milliseconds"), "epoch": question.now.timestamp()}


def _products(market: Market, question: Question) -> Document:
    return [_as_product(one, question.now) for one in products(market, question.now)]


def _as_product(product: Product, now: datetime) -> Document:
    listing, is_trading = product.listing, product.listing.is_trading(now)
    return {
        "id": product.name,
        "base_currency": product.symbol.base,
        "quote_currency": product.symbol.quote,
        "quote_increment": f"{listing.tick_at(now):f}",
        "base_increment": f"{listing.lot:f}",
        "display_name": f"{product.symbol.base}/{product.symbol.quote}",
        "min_market_funds": "1",
        "margin_enabled": False,
        "fx_stablecoin": False,
        "post_only": False,
        "limit_only": False,
        "cancel_only": False,
        "status": "online" if is_trading else "delisted",
        "status_message": "",
        "trading_disabled": not is_trading,
        "auction_mode": False,
    }


def _candles(market: Market, question: Question) -> Document:
    product, params = _product(market, question), question.params
    try:
        interval = SPEC.interval(params.get("granularity", "60"))
    except BadInputError:
        raise _refusal(400, "Unsupported granularity") from None
    window = Window(None, None, _MOST_BARS)
    if params.get("start") and params.get("end"):
        first_us, last_us = moment_us(params["start"]), moment_us(params["end"])
        if first_us is None or last_us is None:
            raise _refusal(400, f"invalid {'start' if first_us is None else 'end'}")
        if last_us < first_us:
            raise _refusal(400, "end must be after start")
        window = Window(first_us, last_us, _MOST_BARS + 1)
    if is_too_long(window, interval, _MOST_BARS):
        text = "granularity too small for the requested time range. Count of aggregations requested exceeds"
        raise _refusal(400, f"{text} {_MOST_BARS}")
    bars = newest_bars(market, product, interval, window=window, question=question)
    asset = product.listing.asset
    prices = (floats_of(ticks, asset.price_decimals) for ticks in (bars.low, bars.high, bars.open, bars.close))
    volumes = floats_of(bars.volume, asset.quantity_decimals)
    return [list(row) for row in zip((bars.open_time // SECOND_US).tolist(), *prices, volumes, strict=True)]


def _ticker(market: Market, question: Question) -> Document:
    product = _product(market, question, is_traded=True)
    listing, ticker = product.listing, market.ticker_24h(product.listing.symbol, question.now)
    return {
        "ask": listing.price_text(ticker.ask),
        "bid": listing.price_text(ticker.bid),
        "volume": listing.quantity_text(ticker.volume),
        "trade_id": ticker.last_id,
        "price": listing.price_text(ticker.last),
        "size": listing.quantity_text(ticker.last_quantity),
        "time": iso_text(question.now),
    }


def _book(market: Market, question: Question) -> Document:
    product, level = _product(market, question, is_traded=True), question.params.get("level", "1")
    if level not in ("1", "2"):
        raise _refusal(400, "Invalid level")
    listing = product.listing
    book = market.depth(listing.symbol, question.now, limit=1 if level == "1" else BOOK_LEVELS)
    sides = {"bids": (book.bid_price, book.bid_quantity), "asks": (book.ask_price, book.ask_quantity)}
    return {
        name: [
            [listing.price_text(price), listing.quantity_text(lots), 1 + lots % 3]
            for price, lots in zip(prices.tolist(), quantities.tolist(), strict=True)
        ]
        for name, (prices, quantities) in sides.items()
    } | {"sequence": book.update_id, "auction_mode": False, "auction": None, "time": iso_text(question.now)}


def _trades(market: Market, question: Question) -> Document:
    product, params = _product(market, question), question.params
    limit, after = whole_number(params.get("limit", str(MOST_TRADES))), whole_number(params.get("after", "0"))
    if limit is None or after is None or not 1 <= limit <= MOST_TRADES:
        raise _refusal(400, "Invalid pagination parameters")
    before = after if "after" in params else None
    trades = newest_page(market, product, question.now, limit=limit, before=before)
    listing = product.listing
    return [
        {
            "trade_id": number,
            "side": "buy" if is_maker else "sell",  # of the order that was waiting
            "size": listing.quantity_text(lots),
            "price": listing.price_text(price),
            "time": iso_text(to_datetime(time_us)),
        }
        for number, time_us, price, lots, is_maker in trades.rows()
    ]


_ANSWERS: Mapping[str, Callable[[Market, Question], Document]] = {
    "time": _time,
    "products": _products,
    "candles": _candles,
    "ticker": _ticker,
    "book": _book,
    "trades": _trades,
}
