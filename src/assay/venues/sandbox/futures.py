"""Perpetual futures on the simulated market: the same trades as on spot, at a small premium and in another size.

The premium is fixed in ticks, five hundredths of a percent of the price at the anchor date, and every contract trades
three times what spot does. So all bars are exact, long ones are made of short ones, and nobody can take one market for
the other. Funding is paid every eight hours at a rate that is drawn: nothing follows from it.

>>> from assay.venues.sandbox.market import Market
>>> spot = Market(1)
>>> futures = Futures(spot)
>>> hour, day = Interval.parse("1h"), (datetime(2024, 5, 1, tzinfo=UTC), datetime(2024, 5, 2, tzinfo=UTC))
>>> symbol = Symbol.parse("BTC-USDT")
>>> apart = [market.klines(symbol, hour, start=day[0], end=day[1]).close for market in (futures, spot)]
>>> set((apart[0] - apart[1]).tolist())
{2185}
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from assay.domain.interval import Interval, utc
from assay.domain.symbol import Symbol
from assay.venues.sandbox.assets import Asset, Listing
from assay.venues.sandbox.bars import Bars, to_us
from assay.venues.sandbox.draws import Stream, normal
from assay.venues.sandbox.market import Market

SIZE = 3
"""How many times the volume of spot is traded."""
FUNDING_EVERY = timedelta(hours=8)
RATE_DECIMALS = 8
_BASIS_PER_MILLION = 500
_MEAN_RATE, _RATE_SPREAD, _LARGEST_RATE = 10_000, 8_000, 300_000  # in units of 1e-8: 0.01 %, as is usual
_MINUTE = timedelta(minutes=1)
_ONE_MINUTE = Interval.parse("1m")


@dataclass(frozen=True, slots=True)
class Funding:
    """What longs paid to shorts.

    Attributes
    ----------
    paid_at : datetime
        When.
    rate : int
        In units of ``10**-RATE_DECIMALS`` of the position; shorts paid if it is negative.
    mark_price : int
        In ticks.
    """

    paid_at: datetime
    rate: int
    mark_price: int


class Futures:
    """The perpetual futures on what `market` trades."""

    def __init__(self, market: Market) -> None:
        self._market = market

    @property
    def listings(self) -> tuple[Listing, ...]:
        """What is or was traded there: what is on spot."""
        return self._market.listings

    def listing(self, symbol: Symbol) -> Listing:
        """Return what is known of `symbol`, or raise BadInputError."""
        return self._market.listing(symbol)

    def klines(
        self, symbol: Symbol, interval: Interval, *, start: datetime, end: datetime, seen_at: datetime | None = None
    ) -> Bars:
        """Return the bars that open in ``[start, end)``; see :meth:`assay.venues.sandbox.market.Market.klines`."""
        bars = self._market.klines(symbol, interval, start=start, end=end, seen_at=seen_at)
        basis = basis_ticks(self.listing(symbol).asset)
        return replace(
            bars,
            **{name: getattr(bars, name) + basis for name in ("open", "high", "low", "close")},
            **{name: SIZE * getattr(bars, name) for name in ("volume", "num_trades", "taker_buy_volume")},
            quote_volume=SIZE * (bars.quote_volume + basis * bars.volume),
            taker_buy_quote_volume=SIZE * (bars.taker_buy_quote_volume + basis * bars.taker_buy_volume),
        )

    def funding(self, symbol: Symbol, *, start: datetime, end: datetime) -> list[Funding]:
        """Return what was paid in ``[start, end)``, in order; nothing before the first minute of trading was over."""
        listing = self.listing(symbol)
        first = max(utc(start), listing.listed_at + _MINUTE)
        last = utc(end) if listing.delisted_at is None else min(utc(end), listing.delisted_at)
        every = Interval.parse("8h")
        return [
            self._funding(listing, paid_at)
            for paid_at in every.opens(first, last)
            if listing.is_trading(paid_at - _MINUTE)
        ]

    def _funding(self, listing: Listing, paid_at: datetime) -> Funding:
        stream = Stream.of(self._market.seed, f"{listing.asset.coin_id}/funding")
        drawn = float(normal(stream.raw(to_us(paid_at) // to_us(datetime(1970, 1, 1, 8, tzinfo=UTC)), 1))[0])
        rate = max(-_LARGEST_RATE, min(_LARGEST_RATE, _MEAN_RATE + int(_RATE_SPREAD * drawn)))
        minute = self.klines(listing.symbol, _ONE_MINUTE, start=paid_at - _MINUTE, end=paid_at)
        return Funding(paid_at, rate, int(minute.close[-1]))


def basis_ticks(asset: Asset) -> int:
    """Return by how many ticks the future is dearer."""
    return max(1, asset.price_ticks * _BASIS_PER_MILLION // 1_000_000)
