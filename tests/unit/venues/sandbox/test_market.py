"""What an exchange can be asked: bars of every interval, listings, tickers, coins; and that they agree."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.domain.errors import BadInputError, NoDataError
from assay.domain.interval import CODES, Interval
from assay.domain.symbol import Symbol
from assay.venues.sandbox.assets import DEFAULT_ASSETS
from assay.venues.sandbox.bars import COLUMNS, gather, opens, to_us
from assay.venues.sandbox.market import Market
from assay.venues.sandbox.overview import coin_rows
from tests.unit.venues.sandbox.reading import BTC, DASH, DAY, DOGE, ETH, HOUR, MINUTE, at, same

MARKET = Market(12)
XMR, MATIC, POL, ENA = (Symbol.parse(f"{base}-USDT") for base in ("XMR", "MATIC", "POL", "ENA"))


@pytest.mark.parametrize("code", CODES[2:])
def test_long_bars_are_made_of_minutes(code: str) -> None:
    interval = Interval.parse(code)
    start = interval.floor(at(2024, 2, 20))
    end = interval.close_time(interval.floor(at(2024, 3, 12)))
    bars = MARKET.klines(DASH, interval, start=start, end=end)
    assert len(bars) == interval.count(start, end)
    minutes = MARKET.klines(DASH, MINUTE, start=start, end=end)
    assert same(bars, gather(minutes, opens(interval, to_us(start), to_us(end))))


def test_months_are_made_of_hours_and_weeks_of_days() -> None:
    for long, short, start, end in (
        ("1M", HOUR, at(2023, 11, 1), at(2024, 4, 1)),
        ("1w", DAY, at(2023, 12, 25), at(2024, 3, 4)),
    ):
        bars = MARKET.klines(BTC, Interval.parse(long), start=start, end=end)
        parts = MARKET.klines(BTC, short, start=start, end=end)
        assert same(bars, gather(parts, opens(Interval.parse(long), to_us(start), to_us(end))))


@pytest.mark.parametrize("code", ["1d", "3d", "1w", "1M"])
@pytest.mark.parametrize(
    ("symbol", "start", "seen_at"),
    [
        (ENA, at(2024, 3, 1), at(2024, 5, 20, 7, 8)),  # listed at eight in the morning
        (ENA, at(2024, 4, 2, 8), at(2024, 4, 2, 11, 59)),  # on its first day
        (XMR, at(2024, 1, 1), at(2024, 6, 1)),  # delisted at three in the night
        (POL, at(2024, 9, 1), at(2024, 9, 15)),  # renamed at ten in the morning
    ],
    ids=["listed", "first day", "delisted", "renamed"],
)
def test_long_bars_are_made_of_minutes_at_the_ends_of_a_life(
    code: str, symbol: Symbol, start: datetime, seen_at: datetime
) -> None:
    interval = Interval.parse(code)
    start = interval.floor(start)
    bars = MARKET.klines(symbol, interval, start=start, end=seen_at, seen_at=seen_at)
    minutes = MARKET.klines(symbol, MINUTE, start=start, end=seen_at, seen_at=seen_at)
    assert len(bars)
    assert same(bars, gather(minutes, opens(interval, to_us(start), to_us(seen_at))))


WHOLE = MARKET.klines(DOGE, MINUTE, start=at(2024, 5, 20), end=at(2024, 8, 20))


@given(first=st.integers(0, 120_000), length=st.integers(1, 6_000))
@settings(max_examples=40)
def test_any_window_is_a_part_of_the_whole(first: int, length: int) -> None:
    start = at(2024, 5, 20) + first * timedelta(minutes=1)
    bars = MARKET.klines(DOGE, MINUTE, start=start, end=start + length * timedelta(minutes=1))
    assert same(bars, WHOLE[first : first + length])


def test_window_off_the_grid_holds_the_bars_that_open_in_it() -> None:
    bars = MARKET.klines(BTC, HOUR, start=at(2024, 1, 1, 0, 30), end=at(2024, 1, 1, 3))
    assert bars.open_time.tolist() == [to_us(at(2024, 1, 1, 1)), to_us(at(2024, 1, 1, 2))]
    assert len(MARKET.klines(BTC, HOUR, start=at(2024, 1, 1, 0, 30), end=at(2024, 1, 1, 0, 40))) == 0
    assert len(MARKET.klines(BTC, HOUR, start=at(2024, 1, 2), end=at(2024, 1, 1))) == 0


def test_bar_in_progress_is_made_of_the_trades_so_far() -> None:
    seen_at = at(2025, 3, 3, 9, 41, 17)
    bars = MARKET.klines(DOGE, HOUR, start=at(2025, 3, 3, 8), end=at(2025, 3, 4), seen_at=seen_at)
    trades = MARKET.agg_trades(DOGE, start=at(2025, 3, 3, 9), end=seen_at)
    closed = MARKET.klines(DOGE, HOUR, start=at(2025, 3, 3, 8), end=at(2025, 3, 3, 10))
    assert len(bars) == 2
    assert same(bars[:1], closed[:1])
    assert (bars.open[1], bars.close[1]) == (trades.price[0], trades.price[-1])
    assert (bars.high[1], bars.low[1]) == (trades.price.max(), trades.price.min())
    assert (bars.volume[1], bars.num_trades[1]) == (trades.quantity.sum(), len(trades))
    assert bars.quote_volume[1] == (trades.price * trades.quantity).sum()
    assert bars.volume[1] < closed.volume[1]
    assert bars.close_time[1] == to_us(at(2025, 3, 3, 10))


def test_bar_that_opens_now_is_not_seen_yet() -> None:
    bars = MARKET.klines(BTC, HOUR, start=at(2025, 3, 3, 8), end=at(2025, 3, 4), seen_at=at(2025, 3, 3, 10))
    assert bars.open_time.tolist() == [to_us(at(2025, 3, 3, hour)) for hour in (8, 9)]


def test_market_has_the_assets_that_were_promised() -> None:
    names = {listing.symbol.base for listing in MARKET.listings}
    assert {"BTC", "ETH", "XRP", "ADA", "DOGE", "BNB", "DASH"} <= names
    assert sum(listing.is_trading(at(2026, 1, 1)) for listing in MARKET.listings) >= 20
    assert {listing.symbol.quote for listing in MARKET.listings} == {"USDT"}


def test_nothing_is_traded_before_its_listing() -> None:
    listed = at(2024, 4, 2, 8)
    minutes = MARKET.klines(ENA, MINUTE, start=listed - timedelta(days=3), end=listed + timedelta(hours=1))
    assert (len(minutes), minutes.open_time[0]) == (60, to_us(listed))
    day = MARKET.klines(ENA, DAY, start=at(2024, 3, 1), end=at(2024, 4, 3))
    assert day.open_time.tolist() == [to_us(at(2024, 4, 2))]
    rest = MARKET.klines(ENA, MINUTE, start=listed, end=at(2024, 4, 3))
    assert day.volume[0] == rest.volume.sum()
    assert not MARKET.listing(ENA).is_trading(listed - timedelta(microseconds=1))
    assert MARKET.listing(ENA).is_trading(listed)


def test_nothing_is_traded_after_the_delisting() -> None:
    gone = at(2024, 2, 20, 3)
    minutes = MARKET.klines(XMR, MINUTE, start=gone - timedelta(minutes=10), end=gone + timedelta(days=1))
    assert (len(minutes), minutes.close_time[-1]) == (10, to_us(gone))
    month = MARKET.klines(XMR, Interval.parse("1M"), start=at(2024, 2, 1), end=at(2024, 6, 1))
    hours = MARKET.klines(XMR, HOUR, start=at(2024, 2, 1), end=at(2024, 6, 1))
    assert (len(month), len(hours)) == (1, 19 * 24 + 3)
    assert month.volume[0] == hours.volume.sum()
    assert len(MARKET.agg_trades(XMR, start=gone, end=gone + timedelta(hours=1))) == 0
    with pytest.raises(NoDataError):
        MARKET.ticker_24h(XMR, gone)


def test_series_goes_on_under_its_new_name() -> None:
    moment = at(2024, 9, 13, 10)
    window = {"start": moment - timedelta(hours=2), "end": moment + timedelta(hours=2)}
    old, new = (MARKET.klines(symbol, MINUTE, **window) for symbol in (MATIC, POL))
    assert (len(old), len(new)) == (120, 120)
    assert old.close_time[-1] == new.open_time[0] == to_us(moment)
    assert old.close[-1] == new.open[0]
    assert [listing.is_trading(moment) for listing in map(MARKET.listing, (MATIC, POL))] == [False, True]


def test_unknown_symbols_and_times_are_refused() -> None:
    with pytest.raises(BadInputError, match="no such symbol"):
        MARKET.listing(Symbol.parse("BTC-EUR"))
    with pytest.raises(BadInputError, match="without a zone"):
        MARKET.klines(BTC, HOUR, start=datetime(2024, 1, 1), end=at(2024, 1, 2))
    with pytest.raises(BadInputError, match="no market on that day"):
        MARKET.depth(BTC, at(2101, 1, 2))
    assert len(MARKET.klines(BTC, HOUR, start=at(2101, 1, 1), end=at(2101, 1, 2))) == 0
    assert len(MARKET.klines(BTC, HOUR, start=at(2100, 12, 31), end=at(2101, 1, 1))) == 24
    assert len(MARKET.klines(BTC, HOUR, start=at(1970, 1, 1), end=at(2017, 8, 17, 4))) == 0


def test_ticker_is_made_of_the_trades_of_a_day() -> None:
    moment = at(2025, 3, 3, 14, 7, 31)
    ticker = MARKET.ticker_24h(DASH, moment)
    trades = MARKET.agg_trades(DASH, start=at(2025, 3, 2, 14, 8), end=moment)
    assert (ticker.open_time, ticker.close_time) == (at(2025, 3, 2, 14, 8), moment)
    assert (ticker.num_trades, ticker.first_id) == (len(trades), trades.trade_id[0])
    assert (ticker.last_id, ticker.last_quantity) == (trades.trade_id[-1], trades.quantity[-1])
    assert (ticker.open, ticker.last) == (trades.price[0], trades.price[-1])
    assert (ticker.high, ticker.low) == (trades.price.max(), trades.price.min())
    assert ticker.volume == trades.quantity.sum()
    assert ticker.quote_volume == (trades.price * trades.quantity).sum()
    assert ticker.weighted_average == pytest.approx(np.average(trades.price, weights=trades.quantity))
    assert ticker.change == ticker.last - ticker.open
    assert ticker.change_pct == pytest.approx((ticker.last / ticker.open - 1) * 100)
    book = MARKET.depth(DASH, moment, limit=5)
    assert (ticker.bid, ticker.ask) == (book.bid_price[0], book.ask_price[0])


def test_ticker_of_a_new_listing_starts_with_it() -> None:
    listed = at(2024, 4, 2, 8)
    ticker = MARKET.ticker_24h(ENA, listed + timedelta(hours=1, seconds=5))
    assert ticker.open_time == listed
    assert ticker.first_id == 0
    first = MARKET.ticker_24h(ENA, listed)
    assert (first.num_trades, first.first_id, first.last_id) == (0, -1, -1)
    assert first.open == first.last == first.high == ticker.open


def test_units_on_the_wire_are_exact() -> None:
    listing = MARKET.listing(ETH)
    assert (listing.tick, listing.lot) == (Decimal("0.01"), Decimal("0.0001"))
    assert listing.price_text(224_001) == "2240.01000000"
    assert listing.quantity_text(12_345) == "1.23450000"
    assert listing.notional_text(224_001 * 12_345) == "2765.29234500"
    assert Decimal(listing.price_text(224_001)) * Decimal(listing.quantity_text(12_345)) == Decimal("2765.292345")
    for one in DEFAULT_ASSETS:
        assert one.price_decimals + one.quantity_decimals <= 8


def test_coins_fill_a_table_of_a_hundred_and_agree_with_the_exchange() -> None:
    moment = at(2025, 3, 3, 14, 7, 31)
    coins = coin_rows(MARKET, moment)
    assert [coin.market_cap_rank for coin in coins] == list(range(1, 101))
    assert len({coin.coin_id for coin in coins}) == 100
    assert len({coin.symbol for coin in coins}) < 100  # tickers collide, as real ones do
    caps = [coin.market_cap for coin in coins]
    assert caps == sorted(caps, reverse=True)
    ids = {coin.coin_id: coin for coin in coins}
    assert {asset.coin_id for asset in DEFAULT_ASSETS} - set(ids) == {"kite-2"}  # listed later
    ticker = MARKET.ticker_24h(BTC, at(2025, 3, 3, 14, 7))
    bitcoin = ids["bitcoin"]
    assert bitcoin.price == float(MARKET.listing(BTC).price_text(ticker.last))
    assert bitcoin.market_cap == pytest.approx(bitcoin.price * 19_580_000)
    assert bitcoin.updated_at == ticker.close_time
    assert ids["matic-network"].symbol == "pol"
    assert ids["monero"].price > 0  # gone from this exchange, but not from the world


def test_extremes_of_a_coin_are_those_of_its_hours() -> None:
    moment = at(2017, 9, 30, 6, 30)
    bitcoin = coin_rows(MARKET, moment, count=2)[0]
    hours = MARKET.klines(BTC, HOUR, start=at(2017, 8, 17), end=moment, seen_at=moment)
    opens_at, prices = hours.open_time, hours.open / 100
    day = hours[-24:]
    highest, lowest = max(prices.max(), bitcoin.high_24h), min(prices.min(), bitcoin.low_24h)
    assert (bitcoin.ath, bitcoin.atl) == (highest, lowest)
    assert bitcoin.atl <= bitcoin.low_24h <= bitcoin.price <= bitcoin.high_24h <= bitcoin.ath
    assert day.high.max() / 100 >= bitcoin.price
    found = [to_us(one) for one in (bitcoin.ath_at, bitcoin.atl_at)]
    expected = [opens_at[prices.argmax()], opens_at[prices.argmin()]]
    now = to_us(moment)
    assert all(one in {other, now} for one, other in zip(found, expected, strict=True))


DIGEST = """
import hashlib
from datetime import UTC, datetime
from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.venues.sandbox.bars import COLUMNS
from assay.venues.sandbox.market import Market
market, total = Market(2026, edge=0.05), hashlib.sha256()
for name in ("DASH-USDT", "BTC-USDT"):
    bars = market.klines(Symbol.parse(name), Interval.parse("1m"), start=datetime(2024, 5, 1, tzinfo=UTC),
                         end=datetime(2024, 6, 9, tzinfo=UTC))
    for column in COLUMNS:
        total.update(getattr(bars, column).astype("<i8").tobytes())
print(total.hexdigest())
"""


def test_other_processes_have_the_same_market() -> None:
    seen = set()
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        answer = subprocess.run([sys.executable, "-c", DIGEST], env=environment, capture_output=True, text=True)
        assert answer.returncode == 0, answer.stderr
        seen.add(answer.stdout.strip())
    total = hashlib.sha256()
    market = Market(2026, edge=0.05)
    for symbol in (BTC, DASH):
        market.ticker_24h(symbol, at(2030, 1, 1))  # what was asked before does not matter
    for symbol in (DASH, BTC):
        bars = market.klines(symbol, MINUTE, start=at(2024, 5, 1), end=at(2024, 6, 9))
        for column in COLUMNS:
            total.update(getattr(bars, column).astype("<i8").tobytes())
    assert seen == {total.hexdigest()}
    # Origin of the number: this program. It is here so that the market of a seed changes by decision only, and so
    # that a machine on which it is another one is found.
    assert total.hexdigest() == "37a9f208502e10cfa39bebe8a2f738d97b51efdfabf95dabf7913e9c570bba29"


def test_seeds_have_markets_of_their_own() -> None:
    closes = {
        int(Market(seed).klines(BTC, DAY, start=at(2024, 5, 1), end=at(2024, 5, 2)).close[0]) for seed in range(5)
    }
    assert len(closes) == 5
