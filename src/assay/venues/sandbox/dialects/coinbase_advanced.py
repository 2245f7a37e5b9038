"""The dialect of Coinbase Advanced Trade: every number as text, lists inside objects.

>>> from datetime import UTC
>>> market, noon = Market(1), datetime(2024, 5, 1, 12, tzinfo=UTC)
>>> CoinbaseAdvancedDialect().say(market, Question("server_time", {}, noon))["epochSeconds"]
'1714564800'
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from assay.domain.errors import BadInputError
from assay.venues.coinbase_advanced.spec import SPEC
from assay.venues.sandbox.answers import Document, Question, Refusal
from assay.venues.sandbox.bars import SECOND_US, to_datetime
from assay.venues.sandbox.dialects.coinbase_market import (
    BOOK_LEVELS,
    MOST_TRADES,
    Product,
    find_product,
    is_too_long,
    newest_bars,
    newest_page,
    products,
)
from assay.venues.sandbox.dialects.wire import iso_text, milliseconds_of, whole_number
from assay.venues.sandbox.history import LATEST_US, Window
from assay.venues.sandbox.market import Market
from assay.venues.spec import VenueSpec

_MOST_BARS = 350
_INVALID, _EXHAUSTED = 3, 8


def _invalid(text: str) -> Refusal:
    return Refusal(400, {"code": _INVALID, "message": text, "details": []})


class CoinbaseAdvancedDialect:
    """Speaks for Coinbase Advanced Trade."""

    @property
    def spec(self) -> VenueSpec:
        """The declaration of the API."""
        return SPEC

    def say(self, market: Market, question: Question) -> Document:
        """Return the answer to a question, or raise Refusal."""
        return _ANSWERS[question.endpoint](market, question)

    def too_many(self, _status: int, _until: datetime) -> Document:
        """Return the body that goes with 429 and 418."""
        return {"code": _EXHAUSTED, "message": "rate limit exceeded", "details": []}


def _product(market: Market, question: Question) -> Product:
    found = find_product(market, question.params.get("product_id", ""), question.now)
    if found is None:
        text = "valid product_id is required"
        raise Refusal(404, {"error": "NOT_FOUND", "error_details": text, "message": text})
    return found


def _limit(question: Question, most: int) -> int:
    limit = whole_number(question.params.get("limit", str(most)))
    if not limit:
        raise _invalid("limit argument is invalid")
    return min(limit, most)


def _time(_market: Market, question: Question) -> Document:
    milliseconds = milliseconds_of(question.now)
    return {
        "iso": iso_text(question.now, "seconds"),
        "epochSeconds": str(milliseconds // 1_000),
        "epochMillis": str(milliseconds),
    }


def _products(market: Market, question: Question) -> Document:
    if question.params.get("product_type", "SPOT") != "SPOT":  # Assay does not ask so; other clients do
        return {"products": [], "num_products": 0}
    found = [_as_product(market, one, question.now) for one in products(market, question.now)]
    return {"products": found, "num_products": len(found)}


def _as_product(market: Market, product: Product, now: datetime) -> Document:
    listing, symbol = product.listing, product.symbol
    is_trading = listing.is_trading(now)
    return {
        "product_id": product.name,
        **_day(market, product, now),
        "base_increment": f"{listing.lot:f}",
        "quote_increment": f"{listing.tick_at(now):f}",
        "quote_min_size": "1",
        "quote_max_size": "150000000",
        "base_min_size": f"{listing.lot:f}",
        "base_max_size": "9000000",
        "status": "online" if is_trading else "delisted",
        "trading_disabled": not is_trading,
        "is_disabled": False,
        "product_type": "SPOT",
        "quote_currency_id": symbol.quote,
        "base_currency_id": symbol.base,
        "price_increment": f"{listing.tick_at(now):f}",
        "display_name": product.name,
        "product_venue": "CBE",
        "best_bid_price": "",
        "best_ask_price": "",
    }


def _day(market: Market, product: Product, now: datetime) -> dict[str, str]:
    """Return the numbers of the last 24 hours; empty text for what is not traded."""
    names = ("price", "price_percentage_change_24h", "volume_24h", "approximate_quote_24h_volume", "high_24h")
    listing = product.listing
    if not listing.is_trading(now):
        return dict.fromkeys((*names, "low_24h"), "")
    ticker = market.ticker_24h(listing.symbol, now)
    told = (
        listing.price_text(ticker.last),
        f"{ticker.change_pct:.14f}",
        listing.quantity_text(ticker.volume),
        listing.notional_text(ticker.quote_volume),
        listing.price_text(ticker.high),
    )
    return {**dict(zip(names, told, strict=True)), "low_24h": listing.price_text(ticker.low)}


def _candles(market: Market, question: Question) -> Document:
    product, params = _product(market, question), question.params
    try:
        interval = SPEC.interval(params.get("granularity", ""))
    except BadInputError:
        raise _invalid("granularity argument is invalid") from None
    first, last = whole_number(params.get("start", "")), whole_number(params.get("end", ""))
    if first is None or last is None or last < first:
        raise _invalid("start and end argument is invalid")
    window = Window(min(first * SECOND_US, LATEST_US), min(last * SECOND_US, LATEST_US), _MOST_BARS + 1)
    if is_too_long(window, interval, _MOST_BARS):
        text = f"number of candles requested should be less than {_MOST_BARS}"
        raise _invalid(f"start and end argument is invalid - {text}.")
    bars = newest_bars(market, product, interval, window=window, question=question)
    listing = product.listing
    columns = {
        "start": [str(opened // SECOND_US) for opened in bars.open_time.tolist()],
        **{name: list(map(listing.price_text, getattr(bars, name).tolist())) for name in ("low", "high", "open")},
        "close": list(map(listing.price_text, bars.close.tolist())),
        "volume": list(map(listing.quantity_text, bars.volume.tolist())),
    }
    return {"candles": [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]}


def _book(market: Market, question: Question) -> Document:
    product, limit = _product(market, question), _limit(question, BOOK_LEVELS)
    listing = product.listing
    if not listing.is_trading(question.now):
        return {"pricebook": {"product_id": product.name, "bids": [], "asks": [], "time": iso_text(question.now)}}
    book = market.depth(listing.symbol, question.now, limit=limit)
    sides = {"bids": (book.bid_price, book.bid_quantity), "asks": (book.ask_price, book.ask_quantity)}
    levels = {
        name: [
            {"price": listing.price_text(price), "size": listing.quantity_text(lots)}
            for price, lots in zip(prices.tolist(), quantities.tolist(), strict=True)
        ]
        for name, (prices, quantities) in sides.items()
    }
    return {"pricebook": {"product_id": product.name, **levels, "time": iso_text(question.now)}}


def _trades(market: Market, question: Question) -> Document:
    product = _product(market, question)
    listing = product.listing
    trades = newest_page(market, product, question.now, limit=_limit(question, MOST_TRADES))
    return {
        "trades": [
            {
                "trade_id": str(number),
                "product_id": product.name,
                "price": listing.price_text(price),
                "size": listing.quantity_text(lots),
                "time": iso_text(to_datetime(time_us)),
                "side": "BUY" if is_maker else "SELL",  # of the order that was waiting
                "exchange": "coinbase",
            }
            for number, time_us, price, lots, is_maker in trades.rows()
        ],
        **dict.fromkeys(("best_bid", "best_ask"), ""),
    }


_ANSWERS: Mapping[str, Callable[[Market, Question], Document]] = {
    "server_time": _time,
    "market_products": _products,
    "market_tickers": _products,
    "market_candles": _candles,
    "market_book": _book,
    "market_trades": _trades,
}
