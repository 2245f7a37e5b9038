"""Binance's futures in the box: they read through Assay's own parser, and are spot's bars at a fixed premium."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from assay.domain.interval import Interval
from assay.venues.binance.spec import SPEC as SPOT
from assay.venues.binance_usdm.spec import SPEC
from assay.venues.datasets import FUNDING_RATES
from assay.venues.parsed import Parsed
from assay.venues.registry import find_venue
from assay.venues.requests import ask, instruments_request, klines_request
from assay.venues.sandbox.futures import Futures
from assay.venues.spec import Request, Role, VenueSpec
from tests.unit.venues.sandbox.asking import MARKET, NOON, Asking, exact
from tests.unit.venues.sandbox.reading import BTC, HOUR, at


def read(asking: Asking, spec: VenueSpec, request: Request) -> Parsed:
    path = asking.exchange.prefixes[spec.name] + request.path
    answer = asking.exchange.answer(path, dict(request.sent))
    assert answer.status == 200, answer.body
    return find_venue(spec.name).handlers[request.endpoint](answer.body, request, asked_at=asking.clock.now())


def test_bars_of_the_future_are_spot_s_at_a_fixed_premium() -> None:
    span = {"interval": HOUR, "start": at(2024, 5, 1), "end": at(2024, 5, 1, 6)}
    spot, future = (read(Asking(), spec, klines_request(spec, BTC, **span)).rows for spec in (SPOT, SPEC))  # type: ignore[arg-type]
    premium = (future.select("open", "high", "low", "close") - spot.select("open", "high", "low", "close")).to_numpy()
    assert premium.round(6).ravel().tolist() == [21.85] * 24  # 0.05 % of 43,700
    assert (future["volume"] / spot["volume"]).round(9).to_list() == [3.0] * 6
    average = future["quote_volume"] / future["volume"] - spot["quote_volume"] / spot["volume"]
    assert average.round(6).to_list() == [21.85] * 6


@pytest.mark.parametrize("code", ["1h", "1d", "1w"])
def test_long_bars_are_made_of_short_ones(code: str) -> None:
    interval, futures = Interval.parse(code), Futures(MARKET)
    start = interval.floor(at(2024, 4, 20))
    [whole] = range(len(bars := futures.klines(BTC, interval, start=start, end=start + interval.duration)))
    parts = futures.klines(BTC, Interval.parse("15m"), start=start, end=start + interval.duration)
    assert (bars.open[whole], bars.close[whole]) == (parts.open[0], parts.close[-1])
    assert (bars.high[whole], bars.low[whole]) == (parts.high.max(), parts.low.min())
    assert bars.quote_volume[whole] == parts.quote_volume.sum()


def test_funding_is_paid_every_eight_hours_and_has_the_price_of_its_moment() -> None:
    span = {Role.START: at(2024, 4, 29), Role.LAST: at(2024, 6, 1)}
    request = ask(SPEC, FUNDING_RATES, {Role.SYMBOL: "BTCUSDT", **span, Role.LIMIT: 1_000})
    rows = read(Asking(), SPEC, request).rows
    assert rows["funding_time"].to_list() == list(Interval.parse("8h").opens(at(2024, 4, 29), NOON))
    minute = Interval.parse("1m")
    before = Futures(MARKET).klines(BTC, minute, start=at(2024, 4, 30) - timedelta(minutes=1), end=at(2024, 4, 30))
    assert rows["mark_price"][3] == exact(before.close[0], 2)
    assert rows["funding_rate"].abs().max() <= 0.003  # type: ignore[operator]
    assert rows["funding_rate"].n_unique() > 5
    short = ask(SPEC, FUNDING_RATES, {Role.SYMBOL: "BTCUSDT", **span, Role.LIMIT: 2})
    assert read(Asking(), SPEC, short).rows.equals(rows[:2])


def test_instruments_are_perpetual_contracts() -> None:
    rows = read(Asking(), SPEC, instruments_request(SPEC)).rows
    btc = rows.row(by_predicate=pl.col("symbol") == "BTC-USDT", named=True)
    assert (btc["tick_size"], btc["lot_size"], btc["min_notional"], btc["is_trading"]) == (0.01, 1e-5, 5.0, True)


def test_symbol_that_is_none_is_refused_in_the_venue_s_words() -> None:
    answer = Asking().answer("binance_usdm", "/fapi/v1/klines", symbol="NOSUCHUSDT", interval="1h")
    assert (answer.status, answer.body) == (400, b'{"code":-1121,"msg":"Invalid symbol."}')
    assert Asking().answer("binance_usdm", "/fapi/v1/klines", symbol="BTCUSDT", interval="1s").status == 400
