"""The simulated market: everything an exchange can be asked, for any moment from 1970 to 2100, from a seed alone.

What is honest about it: prices are a martingale and directions are coin flips, so that "no edge" is the right verdict
on any forecast, unless an edge of a stated size is planted (:mod:`assay.venues.sandbox.edge`). What is like a real
market: volatility that comes and goes, jumps, busy and quiet hours, assets that move together, listings, a delisting
and a change of name. Every number is an exact integer of ticks and lots, and the same in every process; bars of any
interval, trades, tickers and the last price of the book agree with each other to the last lot.

>>> market = Market(seed=7)
>>> first, second = datetime(2024, 5, 1, tzinfo=UTC), datetime(2024, 5, 2, tzinfo=UTC)
>>> symbol = Symbol.parse("BTC-USDT")
>>> hours = market.klines(symbol, Interval.parse("1h"), start=first, end=second)
>>> days = market.klines(symbol, Interval.parse("1d"), start=first, end=second)
>>> len(hours), int(hours.volume.sum()) == int(days.volume[0])
(24, True)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from functools import partial

from assay.domain.errors import BadInputError, NoDataError
from assay.domain.interval import Interval, utc
from assay.domain.symbol import Symbol
from assay.venues.sandbox.assets import DEFAULT_ASSETS, Asset, Listing
from assay.venues.sandbox.bars import DAY_US, MINUTE_US, NO_BARS, Bars, gather, join, opens, to_datetime, to_us
from assay.venues.sandbox.book import MAX_LEVELS, SLOT_US, Book, make_book
from assay.venues.sandbox.coins import MOST_FILLERS, Coin, coin_listing, fillers, make_coin
from assay.venues.sandbox.draws import Stream
from assay.venues.sandbox.moves import HOURS
from assay.venues.sandbox.skeleton import BLOCK_DAYS
from assay.venues.sandbox.tape import Tape
from assay.venues.sandbox.ticker import Day, Ticker
from assay.venues.sandbox.trades import NO_TRADES, Trades, join_trades

_HOUR_US = 60 * MINUTE_US
_BLOCK_HOURS = BLOCK_DAYS * HOURS
_SECOND = Interval.parse("1s")
_BOOK_TRADES = 3.0  # usual size at the best price, in usual trades


class Market:
    """A market of one seed.

    Parameters
    ----------
    seed : int
        Markets of one seed are the same, bit for bit.
    edge : float, default 0.0
        Size of the planted edge: the direction of an hour's return agrees with that of the hour before with
        probability ``0.5 + edge``.
    assets : sequence of Asset, default DEFAULT_ASSETS
        What is traded; assets are listed, renamed and delisted at whole minutes.

    Raises
    ------
    BadInputError
        If the edge is not between 0 and 0.5.
    """

    def __init__(self, seed: int, *, edge: float = 0.0, assets: Sequence[Asset] = DEFAULT_ASSETS) -> None:
        self.assets = tuple(assets)
        self.listings = tuple(listing for asset in assets for listing in asset.listings())
        self._by_symbol = {listing.symbol: listing for listing in self.listings}
        self._tape = Tape(seed, edge=edge)
        self.seed = seed
        self.name = f"seed {seed}" + (f" with an edge of {edge:g}" if edge else "")
        """Which market it is, for people."""

    def listing(self, symbol: Symbol) -> Listing:
        """Return what is known of `symbol`, traded now or not.

        Raises
        ------
        BadInputError
            If no asset ever had that name.
        """
        if symbol not in self._by_symbol:
            todo = f"use one like {', '.join(str(listing.symbol) for listing in self.listings[:3])}"
            raise BadInputError("no such symbol in the sandbox", value=symbol, todo=todo)
        return self._by_symbol[symbol]

    def klines(
        self, symbol: Symbol, interval: Interval, *, start: datetime, end: datetime, seen_at: datetime | None = None
    ) -> Bars:
        """Return the bars that open in ``[start, end)`` and hold a moment at which the symbol was traded.

        Parameters
        ----------
        symbol : Symbol
            As listed.
        interval : Interval
            Any, from a second to a month.
        start, end : datetime
            With a time zone; they need not lie on the grid.
        seen_at : datetime, optional
            Who asks then sees the bars that have opened before, the last one as far as it has gone.

        Returns
        -------
        Bars
            In order of time, without a hole. Empty outside the life of the listing, and after the year 2100.

        Raises
        ------
        BadInputError
            If the symbol is unknown, or a time has no zone.
        """
        listing = self.listing(symbol)
        listed_us, stop_us = _life(listing, seen_at)
        first_us = max(to_us(start), to_us(interval.floor(listing.listed_at)))
        last_us = min(to_us(end), stop_us)
        if first_us >= last_us:
            return NO_BARS
        edges = opens(interval, first_us, last_us)
        if edges.size == 1:
            return NO_BARS
        read = self._reader(interval)
        pieces = read(listing.asset, max(int(edges[0]), listed_us), min(int(edges[-1]), stop_us))
        # Twice, since a week may lie in two pieces.
        return gather(join([gather(piece, edges) for piece in pieces]), edges)

    def agg_trades(self, symbol: Symbol, *, start: datetime, end: datetime, limit: int | None = None) -> Trades:
        """Return the trades made in ``[start, end)``, at most the first `limit` of them.

        Ids count from 0 at the listing of the asset and go on through a change of name. The cost grows with the
        minutes looked at.
        """
        listing = self.listing(symbol)
        listed_us, stop_us = _life(listing, end)
        return self._collect(listing.asset, max(to_us(start), listed_us), stop_us, limit)

    def agg_trades_from(self, symbol: Symbol, trade_id: int, *, seen_at: datetime, limit: int = 500) -> Trades:
        """Return the trades from `trade_id` on that were made before `seen_at`, at most `limit`."""
        listing = self.listing(symbol)
        listed_us, stop_us = _life(listing, seen_at)
        if stop_us <= listed_us or trade_id >= self._tape.next_id(listing.asset, stop_us):
            return NO_TRADES
        start_us = max(self._tape.minute_of_trade(listing.asset, max(0, trade_id)), listed_us)
        skipped = max(0, trade_id - self._tape.next_id(listing.asset, start_us))
        return self._collect(listing.asset, start_us, stop_us, skipped + limit)[skipped:]

    def depth(self, symbol: Symbol, moment: datetime, *, limit: int = 100) -> Book:
        """Return the book as it is in the tenth of a second that holds `moment`.

        Raises
        ------
        NoDataError
            If the symbol is not traded then.
        BadInputError
            If `limit` is not between 1 and 5,000, or the symbol is unknown.
        """
        if not 1 <= limit <= MAX_LEVELS:
            raise BadInputError("not a number of levels", value=limit, todo=f"use 1 to {MAX_LEVELS}")
        return self._book(self._traded(self.listing(symbol), moment), to_us(moment), limit)

    def ticker_24h(self, symbol: Symbol, moment: datetime) -> Ticker:
        """Return what happened in the last 24 hours.

        Raises
        ------
        NoDataError
            If the symbol is not traded at `moment`.
        BadInputError
            If the symbol is unknown.
        """
        return self._ticker(self._traded(self.listing(symbol), moment), to_us(moment))

    def coins(self, moment: datetime, *, count: int = 100) -> tuple[Coin, ...]:
        """Return the assets and as many made-up coins as make `count` rows, the largest market cap first.

        Prices are those of the last whole minute; an asset is there from the minute after its listing.
        """
        now_us = to_us(moment) // MINUTE_US * MINUTE_US
        known = [asset for asset in self.assets if to_us(asset.listed_at) < now_us]
        rows = [self._coin(asset, now_us) for asset in (*known, *fillers(max(0, count - len(known))))]
        rows.sort(key=lambda coin: (-coin.market_cap, coin.coin_id))
        return tuple(replace(coin, market_cap_rank=rank) for rank, coin in enumerate(rows, 1))

    def coin_klines(self, coin_id: str, interval: Interval, *, start: datetime, end: datetime) -> tuple[Asset, Bars]:
        """Return an asset or a made-up coin and its bars that open in ``[start, end)``, whether it is listed or not.

        Raises
        ------
        BadInputError
            If there is no such coin.
        """
        known = (*self.assets, *fillers(MOST_FILLERS))
        asset = next((one for one in known if one.coin_id == coin_id), None)
        if asset is None:
            raise BadInputError("no such coin in the sandbox", value=coin_id, todo="use one like bitcoin")
        first_us, last_us = max(to_us(start), to_us(interval.ceil(asset.listed_at))), to_us(end)
        if first_us >= last_us:
            return asset, NO_BARS
        edges = opens(interval, first_us, last_us)
        pieces = self._reader(interval)(asset, int(edges[0]), int(edges[-1]))
        return asset, gather(join([gather(piece, edges) for piece in pieces]), edges)

    def _reader(self, interval: Interval) -> Callable[[Asset, int, int], Iterator[Bars]]:
        """Return what reads the longest pieces of which bars of `interval` are made."""
        if interval == _SECOND:
            return self._tape.seconds
        # Days, weeks and months begin at midnight.
        is_long = interval.is_calendar or interval.microseconds % DAY_US == 0
        return self._tape.days if is_long else self._tape.bars

    def _traded(self, listing: Listing, moment: datetime) -> Listing:
        if not listing.is_trading(utc(moment)):
            todo = f"it was listed at {listing.listed_at.isoformat()}"
            if listing.delisted_at is not None:
                todo += f" and left at {listing.delisted_at.isoformat()}"
            raise NoDataError("the symbol is not traded at this time", value=listing.symbol, todo=todo)
        return listing

    def _collect(self, asset: Asset, start_us: int, end_us: int, limit: int | None) -> Trades:
        parts: list[Trades] = []
        missing = limit
        for minute_us in range(start_us - start_us % MINUTE_US, end_us, MINUTE_US):
            if missing is not None and missing <= 0:
                break
            part = self._tape.trades(asset, minute_us).between(start_us, end_us)[:missing]
            missing = None if missing is None else missing - len(part)
            parts.append(part)
        return join_trades(parts) if parts else NO_TRADES

    def _book(self, listing: Listing, moment_us: int, limit: int) -> Book:
        asset = listing.asset
        slot = moment_us // SLOT_US
        price = int(self._tape.last_trade(asset, slot * SLOT_US).price[0])
        size = _BOOK_TRADES * asset.trade_usd * 10 ** (asset.price_decimals + asset.quantity_decimals) / price
        stream = Stream.of(self.seed, f"{asset.coin_id}/book")
        return make_book(stream, slot=slot, last_price=price, size=size, limit=limit)

    def _ticker(self, listing: Listing, now_us: int) -> Ticker:
        asset = listing.asset
        first_us = _day_before(listing, now_us)
        day = self._day(listing, now_us)
        book = self._book(listing, now_us, 1)
        last = self._tape.last_trade(asset, max(now_us, to_us(listing.listed_at)))
        first_id, next_id = self._tape.next_id(asset, first_us), self._tape.next_id(asset, now_us)
        return Ticker(
            **{field.name: getattr(day, field.name) for field in fields(day)},
            last_quantity=int(last.quantity[0]),
            previous_close=int(self._tape.last_trade(asset, first_us).price[0]),
            bid=int(book.bid_price[0]),
            bid_quantity=int(book.bid_quantity[0]),
            ask=int(book.ask_price[0]),
            ask_quantity=int(book.ask_quantity[0]),
            num_trades=next_id - first_id,
            first_id=first_id if next_id > first_id else -1,
            last_id=next_id - 1 if next_id > first_id else -1,
        )

    def _day(self, listing: Listing, now_us: int) -> Day:
        first_us = _day_before(listing, now_us)
        bars = join(list(self._tape.bars(listing.asset, first_us, now_us)))
        of_day = partial(Day, listing=listing, open_time=to_datetime(first_us), close_time=to_datetime(now_us))
        if not len(bars):
            before = int(self._tape.last_trade(listing.asset, first_us).price[0])
            return of_day(open=before, high=before, low=before, last=before, volume=0, quote_volume=0)
        return of_day(
            open=int(bars.open[0]),
            high=int(bars.high.max()),
            low=int(bars.low.min()),
            last=int(bars.close[-1]),
            volume=int(bars.volume.sum()),
            quote_volume=int(bars.quote_volume.sum()),
        )

    def _coin(self, asset: Asset, now_us: int) -> Coin:
        listing = coin_listing(asset, to_datetime(now_us))
        first_hour, last_hour = -(-to_us(asset.listed_at) // _HOUR_US), now_us // _HOUR_US
        if asset not in self.assets:
            # Years of a coin that is only there to fill the table are not worth the time that they take to make.
            first_hour = max(first_hour, (last_hour // _BLOCK_HOURS - 1) * _BLOCK_HOURS)
        hours = self._tape.skeleton.extremes(asset, min(first_hour, last_hour), last_hour)
        high_at, low_at = to_datetime(hours.high_hour * _HOUR_US), to_datetime(hours.low_hour * _HOUR_US)
        return make_coin(self._day(listing, now_us), hours, high_at=high_at, low_at=low_at)


def _day_before(listing: Listing, now_us: int) -> int:
    """Return when the window of the last 24 hours begins, in microseconds."""
    return max(-(-now_us // MINUTE_US) * MINUTE_US - DAY_US, to_us(listing.listed_at))


def _life(listing: Listing, seen_at: datetime | None) -> tuple[int, int]:
    """Return when the listing starts and when it ends for one who looks at `seen_at`, in microseconds."""
    ends = [moment for moment in (listing.delisted_at, seen_at) if moment is not None]
    stop_us = min((to_us(moment) for moment in ends), default=to_us(datetime(2101, 1, 1, tzinfo=UTC)))
    return to_us(listing.listed_at), stop_us
