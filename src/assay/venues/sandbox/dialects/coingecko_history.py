"""The history of a coin in CoinGecko's words: three lists of points, in steps that the length of the range decides.

The price of a point is the last one before it; the volume is that of the 24 hours before. Points come three seconds
after the step; that of a day stands at midnight. A range that reaches the present ends with the price of the moment.

>>> from datetime import UTC
>>> noon = datetime(2024, 5, 1, 12, tzinfo=UTC)
>>> asked = {"id": "bitcoin", "vs_currency": "usd", "from": "1714348800", "to": "1714352400"}
>>> page = chart(Market(1), Question("market_chart_range", asked, noon))
>>> [moment for moment, _ in page["prices"]]
[1714348803000]
"""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from assay.domain.errors import BadInputError
from assay.domain.interval import Interval
from assay.venues.coingecko.spec import SPEC
from assay.venues.sandbox.answers import Question, Refusal
from assay.venues.sandbox.assets import Asset
from assay.venues.sandbox.bars import DAY_US, MINUTE_US, SECOND_US, Bars, to_datetime, to_us
from assay.venues.sandbox.coins import ALL_VENUES
from assay.venues.sandbox.dialects.wire import whole_number
from assay.venues.sandbox.history import LATEST_US
from assay.venues.sandbox.market import Market
from assay.venues.sandbox.overview import coin_klines
from assay.venues.sandbox.rupees import inr_per_usd

_DOLLARS, _RUPEES = "usd", "inr"
_DAY = timedelta(days=1)
_FIVE_MINUTES, _HOURS, _DAYS = (Interval.parse(code) for code in ("5m", "1h", "1d"))
_OF_HOURS, _REACH = timedelta(days=90), dict(SPEC.reach)[_HOURS]
_LATER_US = 3 * SECOND_US
_TOO_OLD = 10_012
Points = list[tuple[int, float]]


def chart(market: Market, question: Question) -> dict[str, Points]:
    """Return the answer to a question for a range, or raise Refusal."""
    now, params = question.now, question.params
    quote = params.get("vs_currency", "").lower()
    if quote not in (_DOLLARS, _RUPEES):
        raise Refusal(422, {"error": "invalid vs_currency"})
    first, last = (whole_number(params.get(name, "")) for name in ("from", "to"))
    if first is None or last is None or last < first:
        raise Refusal(422, {"error": "invalid date range"})
    start, end = (to_datetime(min(one * SECOND_US, LATEST_US)) for one in (first, last))
    if start < now - _REACH - _DAY:
        text = "Your request exceeds the allowed time range. Public API users are limited to the past 365 days."
        raise Refusal(401, {"error": {"status": {"error_code": _TOO_OLD, "error_message": text}}})
    step = _step(start, end, now)
    try:
        asset, bars = coin_klines(market, params["id"], step, start=start - _DAY - step.duration, end=min(end, now))
    except BadInputError:
        raise Refusal(404, {"error": "coin not found"}) from None
    rows = _rows(asset, bars, step, start=start, end=min(end, now))
    if end >= now:
        minute_us = to_us(now) // MINUTE_US * MINUTE_US
        _, latest = coin_klines(
            market, params["id"], Interval.parse("1m"), start=to_datetime(minute_us) - timedelta(minutes=1), end=now
        )
        rows += _latest(rows, asset, latest, to_us(now))
    rates = [float(inr_per_usd(to_datetime(us))) if quote == _RUPEES else 1.0 for us, _, _ in rows]
    told = [(us // 1_000, price * rate, paid * rate) for (us, price, paid), rate in zip(rows, rates, strict=True)]
    return {
        "prices": [(moment, price) for moment, price, _ in told],
        "market_caps": [(moment, price * asset.supply) for moment, price, _ in told],
        "total_volumes": [(moment, paid) for moment, _, paid in told],
    }


def _step(start: datetime, end: datetime, now: datetime) -> Interval:
    """Return the step: 5 minutes within the last day, hours up to 90 days, days beyond."""
    if end - start <= _DAY and start >= now - _DAY:
        return _FIVE_MINUTES
    return _HOURS if end - start <= _OF_HOURS else _DAYS


Row = tuple[int, float, float]
"""Moment in microseconds, price, and what was paid in the 24 hours before; in dollars."""


def _rows(asset: Asset, bars: Bars, step: Interval, *, start: datetime, end: datetime) -> list[Row]:
    """Return the points in a range, both of whose ends are included."""
    if not len(bars):
        return []
    prices = bars.close / 10.0**asset.price_decimals
    paid = bars.quote_volume / 10.0 ** (asset.price_decimals + asset.quantity_decimals)
    count = max(1, DAY_US // step.microseconds)
    sums = np.concatenate([[0.0], np.cumsum(paid)])
    ends = np.arange(1, len(bars) + 1)
    rolling = ALL_VENUES * (sums[ends] - sums[np.maximum(ends - count, 0)])
    moments = bars.close_time + (0 if step == _DAYS else _LATER_US)
    is_asked = (moments >= to_us(start)) & (moments <= to_us(end))
    return list(zip(moments[is_asked].tolist(), prices[is_asked].tolist(), rolling[is_asked].tolist(), strict=True))


def _latest(rows: list[Row], asset: Asset, bars: Bars, now_us: int) -> list[Row]:
    """Return the point of the moment, unless there is one already."""
    if not len(bars) or (rows and rows[-1][0] >= now_us):
        return []
    return [(now_us, float(bars.close[0]) / 10.0**asset.price_decimals, rows[-1][2] if rows else 0.0)]
