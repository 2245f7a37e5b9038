"""The coins of a market as an aggregator tells of them: the assets, and made-up ones that no exchange trades.

A coin is there from the minute after its listing and goes on when the exchange delists it: others trade it.

>>> from datetime import UTC
>>> [coin.coin_id for coin in coin_rows(Market(1), datetime(2024, 5, 1, tzinfo=UTC))][:2]
['bitcoin', 'ethereum']
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from assay.domain.errors import BadInputError
from assay.domain.interval import Interval
from assay.venues.sandbox.assets import Asset
from assay.venues.sandbox.bars import MINUTE_US, NO_BARS, Bars, gather, join, opens, to_datetime, to_us
from assay.venues.sandbox.coins import MOST_FILLERS, Coin, coin_listing, fillers, make_coin
from assay.venues.sandbox.market import Market
from assay.venues.sandbox.moves import HOURS
from assay.venues.sandbox.skeleton import BLOCK_DAYS
from assay.venues.sandbox.ticker import make_day

_HOUR_US = 60 * MINUTE_US
_BLOCK_HOURS = BLOCK_DAYS * HOURS


def coin_rows(market: Market, moment: datetime, *, count: int = 100) -> tuple[Coin, ...]:
    """Return the assets and as many made-up coins as make `count` rows, the largest market cap first.

    Prices are those of the last whole minute; an asset is there from the minute after its listing.
    """
    now_us = to_us(moment) // MINUTE_US * MINUTE_US
    known = [asset for asset in market.assets if to_us(asset.listed_at) < now_us]
    rows = [_coin(market, asset, now_us) for asset in (*known, *fillers(max(0, count - len(known))))]
    rows.sort(key=lambda coin: (-coin.market_cap, coin.coin_id))
    return tuple(replace(coin, market_cap_rank=rank) for rank, coin in enumerate(rows, 1))


def coin_klines(
    market: Market, coin_id: str, interval: Interval, *, start: datetime, end: datetime
) -> tuple[Asset, Bars]:
    """Return an asset or a made-up coin and its bars that open in ``[start, end)``, whether it is listed or not.

    Raises
    ------
    BadInputError
        If there is no such coin.
    """
    known = (*market.assets, *fillers(MOST_FILLERS))
    asset = next((one for one in known if one.coin_id == coin_id), None)
    if asset is None:
        raise BadInputError("no such coin in the sandbox", value=coin_id, todo="use one like bitcoin")
    first_us, last_us = max(to_us(start), to_us(interval.ceil(asset.listed_at))), to_us(end)
    if first_us >= last_us:
        return asset, NO_BARS
    edges = opens(interval, first_us, last_us)
    pieces = market.tape.pieces(interval, asset, int(edges[0]), int(edges[-1]))
    return asset, gather(join([gather(piece, edges) for piece in pieces]), edges)


def _coin(market: Market, asset: Asset, now_us: int) -> Coin:
    listing = coin_listing(asset, to_datetime(now_us))
    first_hour, last_hour = -(-to_us(asset.listed_at) // _HOUR_US), now_us // _HOUR_US
    if asset not in market.assets:
        # Years of a coin that is only there to fill the table are not worth the time that they take to make.
        first_hour = max(first_hour, (last_hour // _BLOCK_HOURS - 1) * _BLOCK_HOURS)
    hours = market.tape.skeleton.extremes(asset, min(first_hour, last_hour), last_hour)
    high_at, low_at = to_datetime(hours.high_hour * _HOUR_US), to_datetime(hours.low_hour * _HOUR_US)
    return make_coin(make_day(market.tape, listing, now_us), hours, high_at=high_at, low_at=low_at)
