"""The history of a coin: three lists of points, joined by their times."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from assay.domain.errors import BadInputError
from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.pipelines.ingesting import Wanted, plan_ingest
from assay.pipelines.ingesting.coin_history import history_questions
from assay.settings import Settings
from assay.venues.coingecko.parse import parse_market_chart
from assay.venues.coingecko.spec import SPEC
from assay.venues.requests import coin_history_request
from assay.venues.sandbox.coins import ALL_VENUES
from tests.unit.venues.sandbox.asking import MARKET, Asking
from tests.unit.venues.sandbox.reading import BTC, HOUR, at

ETH_INR = Symbol.parse("ETH-INR")
START, END = datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)
REQUEST = coin_history_request(SPEC, ETH_INR, start=START, end=END)


def test_coin_is_named_by_its_id_and_the_currency_is_free() -> None:
    assert REQUEST.path == "/coins/ethereum/market_chart/range"
    assert REQUEST.query == "from=1706745600&to=1709251199&vs_currency=inr"
    with pytest.raises(BadInputError, match="no id is known"):
        coin_history_request(SPEC, Symbol.parse("NOPE-USD"), start=START, end=END)


def test_points_are_joined_by_their_times() -> None:
    first, second, third = 1706745641331, 1706749247420, 1706752847420
    body = {
        "prices": [[first, 2.5], [second, None], [third, 3.5]],
        "market_caps": [[first, 0.0], [second, 20.0]],
        "total_volumes": [[third, 7.0], [first, 0.0]],
    }
    parsed = parse_market_chart(json.dumps(body).encode(), REQUEST, asked_at=END)
    assert parsed.rows.select("coin_id", "quote", "price", "market_cap", "total_volume").rows() == [
        ("ethereum", "INR", 2.5, None, 0.0),
        ("ethereum", "INR", 3.5, None, 7.0),
    ]
    assert parsed.rows["event_time"][0] == datetime(2024, 2, 1, 0, 0, 41, 331_000, tzinfo=UTC)
    assert parsed.rejected.rows() == [(1, "a point without a price", f"[{second},null]")]


def test_points_of_the_sandbox_are_the_prices_of_its_market() -> None:
    asking = Asking(now=at(2024, 5, 1, 12, 34))
    start, end = at(2024, 4, 1), at(2024, 5, 1)
    rows = asking.read(coin_history_request(SPEC, Symbol.parse("BTC-USD"), start=start, end=end)).rows
    bars = MARKET.klines(BTC, HOUR, start=start - timedelta(hours=25), end=end)
    # The point at midnight closes the hour before it.
    assert rows["price"].to_list() == (bars.close[24:-1] / 100).tolist()
    assert rows["event_time"][0] == start + timedelta(seconds=3)
    paid = bars.quote_volume[1:25].sum() / 10**7  # two decimals of the price, five of the quantity
    assert rows["total_volume"][0] == pytest.approx(ALL_VENUES * paid)
    assert rows.height == 30 * 24


def test_history_that_reaches_the_present_ends_with_its_price() -> None:
    asking = Asking(now=at(2024, 5, 20, 12, 34))
    rows = asking.read(
        coin_history_request(SPEC, Symbol.parse("BTC-USD"), start=at(2024, 5, 1), end=at(2024, 6, 1))
    ).rows
    assert rows["event_time"][-1] == asking.clock.now()
    assert rows["event_time"][-2] == at(2024, 5, 20, 12, 0, 3)


@pytest.mark.parametrize(
    ("path", "params", "status"),
    [
        ("/coins/nope/market_chart/range", {"vs_currency": "usd", "from": 1714521600, "to": 1714525200}, 404),
        ("/coins/bitcoin/market_chart/range", {"vs_currency": "eur", "from": 1714521600, "to": 1714525200}, 422),
        ("/coins/bitcoin/market_chart/range", {"vs_currency": "usd", "from": 1577836800, "to": 1580515200}, 401),
        ("/coins/bitcoin/market_chart/range", {"vs_currency": "usd", "from": 2, "to": 1}, 422),
    ],
)
def test_sandbox_refuses_as_documented(path: str, params: dict[str, object], status: int) -> None:
    assert Asking().answer("coingecko", path, **params).status == status


def test_months_before_the_reach_are_left_out() -> None:
    within = START - timedelta(days=40), END + timedelta(days=3)
    reach, settle = START - timedelta(days=20), timedelta(hours=2)
    found = list(history_questions(SPEC, ETH_INR, within, reach=reach, settle=settle))
    assert [request.param("from") for request, _ in found] == ["1706745600", "1709251200"]
    assert [slot for _, slot in found] == [END.isoformat(), ""]


def test_days_come_in_questions_of_more_than_ninety_days() -> None:
    within = at(2023, 12, 31), at(2024, 9, 3, 8)
    found = [
        *history_questions(SPEC, ETH_INR, within, reach=at(2020, 1, 1), settle=timedelta(hours=2), step=Interval("1d"))
    ]
    assert [slot[:10] for _, slot in found] == ["2024-01-01", "2024-05-01", "2024-09-01", ""]
    for request, _ in found:
        first, last = (int(request.param(name) or 0) for name in ("from", "to"))
        assert last - first > 90 * 86_400
    # What began before the provider's reach would be refused.
    late = history_questions(
        SPEC, ETH_INR, within, reach=at(2024, 1, 2), settle=timedelta(hours=2), step=Interval("1d")
    )
    assert [slot[:10] for _, slot in late] == ["2024-09-01", ""]


def test_days_of_the_sandbox_stand_at_midnight_and_have_the_price_of_then() -> None:
    asking = Asking(now=at(2024, 9, 1, 12, 34))
    symbol, within = Symbol.parse("BTC-USD"), (at(2024, 5, 1), at(2024, 9, 1, 12, 34))
    request, slot = next(
        history_questions(SPEC, symbol, within, reach=at(2024, 1, 1), settle=timedelta(hours=2), step=Interval("1d"))
    )
    assert slot == "2024-09-01T00:00:00+00:00"
    rows = asking.read(request).rows
    assert rows["event_time"].to_list() == [at(2024, 5, 1) + timedelta(days=number) for number in range(123)]
    bars = MARKET.klines(BTC, Interval("1d"), start=at(2024, 4, 30), end=at(2024, 8, 31))
    assert rows["price"].to_list() == (bars.close / 100).tolist()


def test_intervals_choose_the_steps_and_others_are_refused() -> None:
    def asked(*intervals: str) -> list[str | None]:
        wanted = Wanted(("coingecko:coin_history",), ("BTC",), intervals, "2024-05-02")
        [venue] = plan_ingest(Settings(), wanted, at(2024, 7, 2)).venues
        return [one.request.param("from") for one in venue.snapshots]

    months = [str(int(at(2024, month, 1).timestamp())) for month in (5, 6, 7)]
    assert asked() == asked("1h") == months
    assert asked("1d") == months[:1]
    assert asked("1h", "1d") == [*months, months[0]]
    with pytest.raises(BadInputError, match=r"no venue that is asked has such bars: '4h'; they have 1h, 1d"):
        asked("4h")
