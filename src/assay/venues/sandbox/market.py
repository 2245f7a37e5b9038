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

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime

from assay.domain.errors import BadInputError, NoDataError
from assay.domain.interval import Interval, utc
from assay.domain.symbol import Symbol
from assay.venues.sandbox.assets import DEFAULT_ASSETS, Asset, Listing, join_lives
from assay.venues.sandbox.bars import MINUTE_US, NO_BARS, Bars, gather, join, opens, to_datetime, to_us
from assay.venues.sandbox.book import MAX_LEVELS, SLOT_US, Book, make_book
from assay.venues.sandbox.draws import Stream
from assay.venues.sandbox.scenarios import Scenario
from assay.venues.sandbox.tape import Tape
from assay.venues.sandbox.ticker import Ticker, day_before, make_day
from assay.venues.sandbox.trades import NO_TRADES, Trades, join_trades

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
    scenarios : sequence of Scenario, optional
        What happens to them besides; see :mod:`assay.venues.sandbox.scenarios`.

    Attributes
    ----------
    listings : tuple of Listing
        One a symbol, in the order of the assets.
    tape : Tape
        Minutes and trades of every asset.
    name : str
        Which market it is, for people.

    Raises
    ------
    BadInputError
        If the edge is not between 0 and 0.5, or a scenario cannot be.
    """

    def __init__(
        self,
        seed: int,
        *,
        edge: float = 0.0,
        assets: Sequence[Asset] = DEFAULT_ASSETS,
        scenarios: Sequence[Scenario] = (),
    ) -> None:
        for scenario in scenarios:
            assets = scenario.change(assets)
        self.assets = tuple(assets)
        lives: dict[Symbol, list[Listing]] = {}
        for listing in (listing for asset in assets for listing in asset.listings()):
            lives.setdefault(listing.symbol, []).append(listing)
        self._by_symbol = {symbol: join_lives(several) for symbol, several in lives.items()}
        self.listings = tuple(self._by_symbol.values())
        self.tape = Tape(seed, edge=edge)
        self.seed = seed
        told = [f"an edge of {edge:g}"] if edge else []
        told += [scenario.name for scenario in scenarios]
        self.name = f"seed {seed}" + (f" with {' and '.join(told)}" if told else "")

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
        _, stop_us = _life(listing, seen_at)
        first_us = max(to_us(start), to_us(interval.floor(listing.listed_at)))
        last_us = min(to_us(end), stop_us)
        if first_us >= last_us:
            return NO_BARS
        edges = opens(interval, first_us, last_us)
        if edges.size == 1:
            return NO_BARS
        pieces: list[Bars] = []
        for life in listing.lives:
            listed_us, stop_us = _life(life, seen_at)
            begin, stop = max(int(edges[0]), listed_us), min(int(edges[-1]), stop_us)
            if begin < stop:
                pieces += [gather(one, edges) for one in self.tape.pieces(interval, life.asset, begin, stop)]
        # Twice, since a week may lie in two pieces.
        return gather(join(pieces), edges)

    def agg_trades(self, symbol: Symbol, *, start: datetime, end: datetime, limit: int | None = None) -> Trades:
        """Return the trades made in ``[start, end)``, at most the first `limit` of them.

        Ids count from 0 at the listing of the symbol, and where an asset changed its name from that of the first. The
        cost grows with the minutes looked at.
        """
        found = NO_TRADES
        for life, first_id in self._lives(symbol):
            listed_us, stop_us = _life(life, end)
            missing = None if limit is None else limit - len(found)
            more = self._collect(life.asset, max(to_us(start), listed_us), stop_us, missing)
            found = join_trades([found, _numbered(more, first_id)])
        return found

    def agg_trades_from(self, symbol: Symbol, trade_id: int, *, seen_at: datetime, limit: int = 500) -> Trades:
        """Return the trades from `trade_id` on that were made before `seen_at`, at most `limit`."""
        found = NO_TRADES
        for life, first_id in self._lives(symbol):
            listed_us, stop_us = _life(life, seen_at)
            wanted = max(0, trade_id - first_id)
            missing = limit - len(found)
            if missing <= 0 or stop_us <= listed_us or wanted >= self.tape.next_id(life.asset, stop_us):
                continue
            start_us = max(self.tape.minute_of_trade(life.asset, wanted), listed_us)
            skipped = max(0, wanted - self.tape.next_id(life.asset, start_us))
            more = self._collect(life.asset, start_us, stop_us, skipped + missing)[skipped:]
            found = join_trades([found, _numbered(more, first_id)])
        return found

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

    def _lives(self, symbol: Symbol) -> Iterator[tuple[Listing, int]]:
        """Yield what a symbol meant, in order, and the id of the first trade of each."""
        first_id = 0
        for life in self.listing(symbol).lives:
            yield life, first_id
            if life.delisted_at is not None:
                first_id += self.tape.next_id(life.asset, to_us(life.delisted_at))

    def _traded(self, listing: Listing, moment: datetime) -> Listing:
        """Return what the symbol means at `moment`."""
        for life in listing.lives:
            if life.is_trading(utc(moment)):
                return life
        todo = f"it was listed at {listing.listed_at.isoformat()}"
        if listing.delisted_at is not None:
            todo += f" and left at {listing.delisted_at.isoformat()}"
        raise NoDataError("the symbol is not traded at this time", value=listing.symbol, todo=todo)

    def _collect(self, asset: Asset, start_us: int, end_us: int, limit: int | None) -> Trades:
        parts: list[Trades] = []
        missing = limit
        for minute_us in range(start_us - start_us % MINUTE_US, end_us, MINUTE_US):
            if missing is not None and missing <= 0:
                break
            part = self.tape.trades(asset, minute_us).between(start_us, end_us)[:missing]
            missing = None if missing is None else missing - len(part)
            parts.append(part)
        return join_trades(parts) if parts else NO_TRADES

    def _book(self, listing: Listing, moment_us: int, limit: int) -> Book:
        asset = listing.asset
        slot = moment_us // SLOT_US
        price = int(self.tape.last_trade(asset, slot * SLOT_US).price[0])
        size = _BOOK_TRADES * asset.trade_usd * 10 ** (asset.price_decimals + asset.quantity_decimals) / price
        stream = Stream.of(self.seed, f"{asset.coin_id}/book")
        ticks = asset.ticks_at(to_datetime(moment_us))
        book = make_book(stream, slot=slot, last_price=max(1, price // ticks), size=size, limit=limit)
        if ticks == 1:
            return book
        return replace(book, bid_price=book.bid_price * ticks, ask_price=book.ask_price * ticks)

    def _ticker(self, listing: Listing, now_us: int) -> Ticker:
        asset, tape = listing.asset, self.tape
        first_us = day_before(listing, now_us)
        day = make_day(tape, listing, now_us)
        book = self._book(listing, now_us, 1)
        last = tape.last_trade(asset, max(now_us, to_us(listing.listed_at)))
        earlier = next(first for life, first in self._lives(listing.symbol) if life == listing)
        first_id, next_id = tape.next_id(asset, first_us) + earlier, tape.next_id(asset, now_us) + earlier
        return Ticker(
            **{field.name: getattr(day, field.name) for field in fields(day)},
            last_quantity=int(last.quantity[0]),
            previous_close=int(tape.last_trade(asset, first_us).price[0]),
            bid=int(book.bid_price[0]),
            bid_quantity=int(book.bid_quantity[0]),
            ask=int(book.ask_price[0]),
            ask_quantity=int(book.ask_quantity[0]),
            num_trades=next_id - first_id,
            first_id=first_id if next_id > first_id else -1,
            last_id=next_id - 1 if next_id > first_id else -1,
        )


def _numbered(trades: Trades, first_id: int) -> Trades:
    return replace(trades, trade_id=trades.trade_id + first_id) if first_id else trades


def _life(listing: Listing, seen_at: datetime | None) -> tuple[int, int]:
    """Return when the listing starts and when it ends for one who looks at `seen_at`, in microseconds."""
    ends = [moment for moment in (listing.delisted_at, seen_at) if moment is not None]
    stop_us = min((to_us(moment) for moment in ends), default=to_us(datetime(2101, 1, 1, tzinfo=UTC)))
    return to_us(listing.listed_at), stop_us
