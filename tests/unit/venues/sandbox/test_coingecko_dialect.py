"""CoinGecko in the box: rows read through Assay's own parser as the market's coins."""

from __future__ import annotations

import pytest

from assay.venues.coingecko.parse import read_error
from assay.venues.coingecko.spec import SPEC
from assay.venues.requests import coin_markets_request
from assay.venues.sandbox.dialects.coingecko import ROWS
from assay.venues.sandbox.overview import coin_rows
from tests.unit.venues.sandbox.asking import MARKET, NOON, Asking
from tests.unit.venues.sandbox.reading import at

PATH = "/coins/markets"


def test_first_hundred_are_the_market_s_coins_largest_first() -> None:
    parsed = Asking().read(coin_markets_request(SPEC))
    coins = coin_rows(MARKET, NOON, count=ROWS)[:100]
    assert parsed.rejected.height == 0
    rows = parsed.rows.to_dict(as_series=False)
    assert rows["coin_id"] == [coin.coin_id for coin in coins]
    assert rows["asset"] == [coin.symbol.upper() for coin in coins]
    for column, name in (
        ("price", "price"),
        ("market_cap", "market_cap"),
        ("market_cap_rank", "market_cap_rank"),
        ("fully_diluted_valuation", "fully_diluted_valuation"),
        ("total_volume", "total_volume"),
        ("high_24h", "high_24h"),
        ("price_change_24h_pct", "change_pct_24h"),
        ("circulating_supply", "circulating_supply"),
        ("max_supply", "max_supply"),
        ("all_time_high", "ath"),
        ("all_time_low_at", "atl_at"),
        ("event_time", "updated_at"),
    ):
        assert rows[column] == [getattr(coin, name) for coin in coins], column
    assert rows["quote"] == ["USD"] * 100
    assert max(rows["all_time_high_change_pct"]) <= 0.0 <= min(rows["all_time_low_change_pct"])


def test_rupees_are_dollars_at_the_rate_of_the_day_in_every_amount() -> None:
    asking = Asking()
    dollars, rupees = (asking.read(coin_markets_request(SPEC, quote=quote)).rows for quote in ("usd", "inr"))
    assert rupees["quote"].to_list() == ["INR"] * 100
    same = (
        "coin_id",
        "market_cap_rank",
        "circulating_supply",
        "price_change_24h_pct",
        "all_time_high_at",
        "event_time",
    )
    for column in same:
        assert rupees[column].equals(dollars[column]), column
    money = ("price", "market_cap", "fully_diluted_valuation", "total_volume", "high_24h", "low_24h", "all_time_high")
    for column in money:
        # 83.605 on 2024-05-01: 83 + 121 days of half a paisa.
        assert rupees[column].drop_nulls().to_list() == pytest.approx(
            [83.605 * value for value in dollars[column].drop_nulls()], rel=1e-15
        ), column


def test_there_are_more_than_a_hundred_coins_at_any_time() -> None:
    for now in (at(2018, 1, 1), NOON, at(2027, 6, 1)):
        rows = Asking(now=now).json("coingecko", PATH, vs_currency="usd", per_page=250)
        assert 100 < len(rows) <= ROWS


def test_pages_follow_each_other() -> None:
    asking = Asking()
    whole = asking.json("coingecko", PATH, vs_currency="usd", per_page=20)
    pages = [asking.json("coingecko", PATH, vs_currency="usd", per_page=10, page=page) for page in (1, 2, 99)]
    assert pages[0] + pages[1] == whole
    assert pages[2] == []


def test_ids_and_order_choose_the_rows() -> None:
    asking = Asking()
    asked = {"vs_currency": "usd", "ids": "dash,bitcoin,nothing"}
    assert [row["id"] for row in asking.json("coingecko", PATH, **asked)] == ["bitcoin", "dash"]
    volumes = [row["total_volume"] for row in asking.json("coingecko", PATH, vs_currency="usd", order="volume_desc")]
    assert volumes == sorted(volumes, reverse=True)


@pytest.mark.parametrize("params", [{}, {"vs_currency": "groats"}])
def test_unknown_currency_is_refused_in_its_words(params: dict[str, str]) -> None:
    answer = Asking().answer("coingecko", PATH, **params)
    error = read_error(answer.body)
    assert answer.status == 422
    assert error is not None
    assert "vs_currency" in error.message
