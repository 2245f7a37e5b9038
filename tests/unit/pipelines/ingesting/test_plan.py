"""From words to questions: what each venue is asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from assay.domain.errors import BadInputError
from assay.domain.symbol import Symbol
from assay.pipelines.ingesting import IngestPlan, VenuePlan, Wanted, plan_ingest
from assay.pipelines.ingesting.access import account_of
from assay.pipelines.ingesting.sources import read_sources
from assay.pipelines.ingesting.wanted import read_time
from assay.settings import IngestSettings, Settings, VenuesSettings
from assay.settings.ingest import MAJORS
from assay.venues.registry import find_spec, venue_names

NOW = datetime(2024, 6, 1, 12, 34, 56, tzinfo=UTC)


def planned(wanted: Wanted, settings: Settings | None = None) -> IngestPlan:
    return plan_ingest(settings or Settings(), wanted, NOW)


def venue(plan: IngestPlan, name: str) -> VenuePlan:
    return next(one for one in plan.venues if one.spec.name == name)


def series(plan: IngestPlan) -> list[str]:
    return [str(one.series) for one in (line for one in plan.venues for line in one.series)]


def test_nothing_said_means_everything_of_every_enabled_venue() -> None:
    plan = planned(Wanted())
    assert [one.spec.name for one in plan.venues] == ["binance", "coingecko", "wazirx"]
    assert len(venue(plan, "binance").series) == len(venue(plan, "wazirx").series) == len(MAJORS)
    assert {str(one.series.symbol.quote) for one in venue(plan, "wazirx").series} == {"INR"}
    datasets = {one.spec.name: {each.dataset for each in one.snapshots} for one in plan.venues}
    assert datasets["binance"] == {"tickers", "order_books", "instruments"}
    assert datasets["coingecko"] == {"coin_markets"}
    assert [one.request.param("vs_currency") for one in venue(plan, "coingecko").snapshots] == ["usd", "inr"]
    assert datasets["wazirx"] == {"tickers"}


def test_no_default_asset_reads_as_a_pair() -> None:
    # An asset alone takes the venue's quote; one such as WBTC would be read as W in BTC.
    for asset in MAJORS:
        with pytest.raises(BadInputError):
            Symbol.from_spelling(asset)


def test_venue_that_is_not_enabled_is_asked_only_if_it_is_named() -> None:
    settings = Settings(venues=VenuesSettings.model_validate({"wazirx": {"enabled": False}}))
    assert [one.spec.name for one in planned(Wanted(), settings).venues] == ["binance", "coingecko"]
    assert [one.spec.name for one in planned(Wanted(("wazirx",)), settings).venues] == ["wazirx"]
    nobody = Settings(venues=VenuesSettings.model_validate({name: {"enabled": False} for name in venue_names()}))
    with pytest.raises(BadInputError, match="no venue is enabled"):
        planned(Wanted(), nobody)


def test_symbols_in_any_spelling_go_to_the_venues_that_can_spell_them() -> None:
    klines = ("binance:klines", "wazirx:klines")
    plan = planned(Wanted(klines, ("BTCUSDT", "eth/usdt", "btcinr", "XRP", "BTC-USDT"), ("1h",)))
    assert series(plan) == [
        "binance:spot:BTC-USDT:1h", "binance:spot:ETH-USDT:1h", "binance:spot:XRP-USDT:1h",
        "wazirx:spot:BTC-USDT:1h", "wazirx:spot:ETH-USDT:1h", "wazirx:spot:BTC-INR:1h", "wazirx:spot:XRP-INR:1h",
    ]  # fmt: skip
    named = {str(one.series): one.is_named for part in plan.venues for one in part.series}
    assert named["binance:spot:BTC-USDT:1h"]
    assert not named["wazirx:spot:XRP-INR:1h"]


def test_asset_that_is_asked_of_one_venue_has_to_be_there() -> None:
    assert planned(Wanted(("binance:klines",), ("FOO",))).venues[0].series[0].is_named
    assert not planned(Wanted(("binance:klines",))).venues[0].series[0].is_named


def test_order_books_are_those_of_the_symbols_that_were_asked_for() -> None:
    snapshots = planned(Wanted(("binance:order_books",), ("BTC", "ETH-BTC"))).venues[0].snapshots
    assert [one.request.param("symbol") for one in snapshots] == ["BTCUSDT", "ETHBTC"]
    assert {one.request.param("limit") for one in snapshots} == {"100"}


def test_short_bars_begin_later_than_long_ones_unless_a_beginning_is_given() -> None:
    parts = planned(Wanted(("binance:klines",), ("BTC",), ("1m", "1h"))).venues[0].series
    assert [NOW - one.start > timedelta(days=300) for one in parts] == [False, True]
    parts = planned(Wanted(("binance:klines",), ("BTC",), ("1m", "1h"), "2024-05-01")).venues[0].series
    assert {one.start for one in parts} == {datetime(2024, 5, 1, tzinfo=UTC)}


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-05-01", "2024-05-01T00:00:00+00:00"),
        ("2024-05-01T09:00:00+05:30", "2024-05-01T03:30:00+00:00"),
        ("1d", "2024-05-31T00:00:00+00:00"),
        ("90m", "2024-06-01T11:04:56+00:00"),
    ],
)
def test_time_is_a_moment_or_a_length_before_now(text: str, moment: str) -> None:
    assert read_time(text, NOW).isoformat() == moment


def test_end_in_the_future_is_no_end() -> None:
    plan = planned(Wanted(("binance:klines",), ("BTC",), since="1d", until="9999-12-31T23:59:59"))
    assert plan.venues[0].series[0].end is None
    plan = planned(Wanted(("binance:klines",), ("BTC",), since="0001-01-01"))
    assert plan.venues[0].series[0].start.year == 1970


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Wanted(("binanse",)), "did you mean binance?"),
        (Wanted(("binance:kline",)), "did you mean binance:klines?"),
        (Wanted(("coingecko:klines",)), "did you mean coingecko"),
        (Wanted(("zzz",)), "use one of binance"),
        (Wanted(("binance",), ("BTC-INR",)), "such as BTC-USDT"),
        (Wanted(("binance",), ("what?",)), "not a symbol"),
        (Wanted(("coingecko",), ("BTC",)), "only venues that trade"),
        (Wanted(("wazirx",), intervals=("1s",)), "they have 1m"),
        (Wanted(("coingecko",), intervals=("1h",)), "no klines at all"),
        (Wanted(("binance",), intervals=("7m",)), "unknown interval"),
        (Wanted(since="tomorrow"), "30d for 30 days ago"),
        (Wanted(since="2030-01-01"), "a range without bars"),
        (Wanted(since="2024-01-02", until="2024-01-02"), "a range without bars"),
        (Wanted(since="999999d"), "before all time"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_can(wanted: Wanted, said: str) -> None:
    with pytest.raises(BadInputError) as caught:
        planned(wanted)
    assert said in str(caught.value)


def test_settings_for_a_venue_without_the_interval_are_no_error() -> None:
    settings = Settings(ingest=IngestSettings(intervals=("3d", "1h")))
    plan = planned(Wanted(), settings)
    assert {one.series.interval.code for one in venue(plan, "wazirx").series} == {"1h"}
    assert {one.series.interval.code for one in venue(plan, "binance").series} == {"1h", "3d"}


def test_each_source_is_named_once_however_it_is_asked_for() -> None:
    assert [str(one) for one in read_sources(["binance:tickers", "binance"])] == [
        "binance:tickers", "binance:klines", "binance:order_books", "binance:instruments",
    ]  # fmt: skip


def test_address_of_a_sandbox_has_an_account_of_its_own_and_documented_addresses_share_one() -> None:
    spec = find_spec("binance")
    real = {account_of(VenuePlan(spec, url)) for url in (spec.base_url, *spec.other_base_urls)}
    assert real == {"binance"}
    others = {account_of(VenuePlan(spec, f"http://127.0.0.1:{port}/binance")) for port in (1, 2)}
    assert len(others) == 2
    assert "binance" not in others
