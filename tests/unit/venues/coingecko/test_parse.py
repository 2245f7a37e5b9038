"""CoinGecko's answers: what may be null is null, the id is the key, and errors come in three forms."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.domain.errors import TransientError
from assay.domain.symbol import Symbol
from assay.venues.coingecko.parse import HANDLERS, read_error
from assay.venues.coingecko.spec import SPEC
from assay.venues.errors import VenueError
from assay.venues.parsed import Parsed
from assay.venues.requests import coin_markets_request

COIN: dict[str, object] = {
    "id": "bitcoin", "symbol": "btc", "name": "Bitcoin", "current_price": 42981, "market_cap": 815292625876,
    "market_cap_rank": 1, "total_volume": 34510847569, "last_updated": "2022-01-06T06:54:36.248Z", "roi": None,
    "ath": 69045, "ath_date": "2021-11-10T14:24:11.849Z", "atl": 67.81, "atl_date": "2013-07-06T00:00:00.000Z",
}  # fmt: skip


def coins(*rows: object, quote: str = "usd") -> Parsed:
    request = coin_markets_request(SPEC, quote=quote)
    return HANDLERS["coins_markets"](json.dumps(rows).encode(), request, asked_at=datetime(2022, 1, 7, tzinfo=UTC))


def test_whole_and_broken_amounts_are_floats_and_moments_are_utc() -> None:
    (row,) = coins(COIN, quote="inr").rows.rows(named=True)
    assert (row["coin_id"], row["asset"], row["quote"]) == ("bitcoin", "BTC", "INR")
    assert (row["price"], row["all_time_low"], row["market_cap_rank"]) == (42981.0, 67.81, 1)
    assert row["event_time"] == datetime(2022, 1, 6, 6, 54, 36, 248_000, tzinfo=UTC)
    assert row["all_time_high_at"] == datetime(2021, 11, 10, 14, 24, 11, 849_000, tzinfo=UTC)


def test_moment_in_another_zone_is_the_same_moment() -> None:
    (row,) = coins({**COIN, "last_updated": "2022-01-06T12:24:36.248+05:30"}).rows.rows(named=True)
    assert row["event_time"] == datetime(2022, 1, 6, 6, 54, 36, 248_000, tzinfo=UTC)


def test_what_is_absent_or_null_is_null() -> None:
    new = {**COIN, "current_price": None, "market_cap": None, "market_cap_rank": None, "last_updated": None}
    (row,) = coins(new).rows.rows(named=True)
    assert {
        row[name] for name in ("price", "market_cap", "market_cap_rank", "max_supply", "roi_times", "event_time")
    } == {None}


def test_two_assets_with_one_ticker_stay_two_rows() -> None:
    found = coins(COIN, {**COIN, "id": "bitcoin-2"})
    assert found.rows.select("coin_id", "asset").rows() == [("bitcoin", "BTC"), ("bitcoin-2", "BTC")]


def test_roi_is_taken_apart() -> None:
    (row,) = coins({**COIN, "roi": {"times": 105.5, "currency": "btc", "percentage": 10550.0}}).rows.rows(named=True)
    assert (row["roi_times"], row["roi_currency"], row["roi_pct"]) == (105.5, "btc", 10550.0)


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"current_price": -1}, "price is negative"),
        ({"current_price": "1"}, "not as documented: Expected `float | null`, got `str` - at `$.current_price`"),
        ({"id": ""}, "not as documented: Expected `str` of length >= 1 - at `$.id`"),
        ({"last_updated": "yesterday"}, "not as documented: Invalid RFC3339 encoded datetime - at `$.last_updated`"),
        ({"ath_date": "2021-11-10T14:24:11"}, "not as documented: Expected `datetime` with a timezone component"),
    ],
)
def test_coin_that_cannot_be_is_set_aside(fields: dict[str, object], cause: str) -> None:
    found = coins(COIN, {**COIN, **fields})
    assert found.rejected["position"].to_list() == [1]
    assert found.rejected["cause"][0].startswith(cause)


@given(st.floats(min_value=0, allow_nan=False, allow_infinity=False))
def test_number_of_the_json_is_the_float_that_python_reads(price: float) -> None:
    assert coins({**COIN, "current_price": price}).rows["price"].to_list() == [json.loads(json.dumps(price))]


@pytest.mark.parametrize(
    ("body", "code", "is_transient"),
    [
        ({"status": {"error_code": 429, "error_message": "slow down"}}, 429, True),
        ({"error": {"status": {"error_code": 10005, "error_message": "for subscribers"}}}, 10005, False),
        ({"error": "coin not found"}, 0, False),
    ],
)
def test_error_bodies_have_three_forms(body: object, code: int, is_transient: bool) -> None:
    error = read_error(json.dumps(body).encode())
    assert error is not None
    assert (error.code, isinstance(error, TransientError)) == (code, is_transient)
    with pytest.raises(VenueError):
        HANDLERS["coins_markets"](json.dumps(body).encode(), coin_markets_request(SPEC), asked_at=datetime.now(UTC))


def test_ids_and_assets_are_each_named_once() -> None:
    names = getattr(SPEC.symbols, "names", ())
    assert len({asset for asset, _ in names}) == len({name for _, name in names}) == len(names)
    assert SPEC.symbols.to_wire(Symbol("BTC", "USD")) == "bitcoin"
