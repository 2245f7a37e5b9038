"""What Binance's markets have in common on the wire: how a question is read, refused, and answered with bars.

>>> str(refusal(-1121, "Invalid symbol.").document)
"{'code': -1121, 'msg': 'Invalid symbol.'}"
"""

from __future__ import annotations

import re
from datetime import datetime

import msgspec

from assay.domain.errors import BadInputError
from assay.domain.interval import Interval
from assay.venues.sandbox.answers import Document, Question, Refusal
from assay.venues.sandbox.assets import WIRE_DECIMALS, Listing
from assay.venues.sandbox.bars import Bars
from assay.venues.sandbox.dialects.numerals import Numbers, json_rows
from assay.venues.sandbox.dialects.wire import milliseconds_of, whole_number
from assay.venues.sandbox.draws import Integers
from assay.venues.sandbox.history import LATEST_US, Tradable, Window
from assay.venues.spec import VenueSpec

MILLISECOND_US = 1_000
PAGE, USUAL = 1_000, 500
_LEGAL = r"^[\w\-._&&[^a-z]]{1,50}$"
"""Which symbols are looked up, in the venue's own notation: letters but the small ones of ASCII, digits, ``-._``."""
_SPELLING = re.compile(r"(?:(?![a-z])[\w\-.]){1,50}")


def refusal(code: int, text: str, *, status: int = 400) -> Refusal:
    """Return an error as Binance words it."""
    return Refusal(status, {"code": code, "msg": text})


def mandatory(question: Question, name: str) -> str:
    """Return the text of a parameter that has to be sent."""
    text = question.params.get(name)
    if text is None:
        raise refusal(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
    if not text:
        raise refusal(-1105, f"Parameter '{name}' was empty.")
    return text


def listing_of(market: Tradable, question: Question, spec: VenueSpec) -> Listing:
    """Return the listing that is asked for."""
    return known(market, mandatory(question, "symbol"), question.now, spec=spec)


def known(market: Tradable, text: str, now: datetime, *, spec: VenueSpec) -> Listing:
    """Return the listing that is spelled so, if it is listed by now."""
    if not _SPELLING.fullmatch(text):
        raise refusal(-1100, f"Illegal characters found in parameter 'symbol'; legal range is '{_LEGAL}'.")
    try:
        listing = market.listing(spec.symbols.to_symbol(text))
    except BadInputError:
        raise refusal(-1121, "Invalid symbol.") from None
    if now < listing.listed_at:
        raise refusal(-1121, "Invalid symbol.")
    return listing


def whole(question: Question, name: str, *, least: int = 0) -> int | None:
    """Return a whole number that was sent, or None if it was not."""
    text = question.params.get(name)
    if text is None:
        return None
    if not text:
        raise refusal(-1105, f"Parameter '{name}' was empty.")
    number = whole_number(text)
    if number is None:
        raise refusal(-1100, f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'.")
    if number < least:
        raise refusal(-1130, f"Data sent for parameter '{name}' is not valid.")
    return number


def limit_of(question: Question, *, usual: int, top: int) -> int:
    """Return how many rows are asked for."""
    return min(whole(question, "limit", least=1) or usual, top)


def range_us(question: Question) -> tuple[int | None, int | None]:
    """Return the range that was sent, both ends included, in microseconds."""
    first, last = whole(question, "startTime"), whole(question, "endTime")
    if first is not None and last is not None and last < first:
        # Documented for futures only; spot was seen to say so as well (python-binance, pull request 801).
        raise refusal(-1023, "Start time is greater than end time.")
    first_us, last_us = (None if one is None else min(one * MILLISECOND_US, LATEST_US) for one in (first, last))
    return first_us, last_us


def window_of(question: Question, *, top: int = PAGE) -> Window:
    """Return which bars are asked for."""
    first_us, last_us = range_us(question)
    return Window(first_us, last_us, limit_of(question, usual=USUAL, top=top))


def interval_of(question: Question, spec: VenueSpec) -> Interval:
    """Return the interval that is asked for."""
    try:
        return spec.interval(mandatory(question, "interval"))
    except BadInputError:
        raise refusal(-1120, "Invalid interval.") from None


def too_many(spec: VenueSpec, status: int, until: datetime) -> Document:
    """Return the body that goes with 429 and 418, in the words of Binance's errors.md."""
    advice = "Please use WebSocket Streams for live updates to avoid"
    if status == 418:
        ban = f"Way too much request weight used; IP banned until {milliseconds_of(until)}."
        return {"code": -1003, "msg": f"{ban} {advice} bans."}
    used = f"Too much request weight used; current limit is {spec.limits[0].limit} request weight per 1 MINUTE."
    return {"code": -1003, "msg": f"{used} {advice} polling the API."}


def kline_page(listing: Listing, bars: Bars) -> msgspec.Raw:
    """Return bars as arrays of twelve; the close time is the last millisecond of the bar."""
    asset = listing.asset

    def prices(ticks: Integers) -> Numbers:
        return Numbers(ticks, asset.price_decimals, WIRE_DECIMALS)

    def sizes(lots: Integers) -> Numbers:
        return Numbers(lots, asset.quantity_decimals, WIRE_DECIMALS)

    def money(tick_lots: Integers) -> Numbers:
        return Numbers(tick_lots, asset.price_decimals + asset.quantity_decimals, WIRE_DECIMALS)

    return json_rows([
        Numbers(bars.open_time // MILLISECOND_US),
        prices(bars.open), prices(bars.high), prices(bars.low), prices(bars.close), sizes(bars.volume),
        Numbers(bars.close_time // MILLISECOND_US - 1),
        money(bars.quote_volume), Numbers(bars.num_trades),
        sizes(bars.taker_buy_volume), money(bars.taker_buy_quote_volume), b'"0"',
    ])  # fmt: skip
