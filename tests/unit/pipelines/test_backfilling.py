"""What a backfill asks of whom."""

from __future__ import annotations

import pytest

from assay.domain.errors import BadInputError
from assay.pipelines.backfilling import Backfill, can_be_had, plan_backfill
from assay.pipelines.ingesting import VenuePlan
from assay.settings import Settings
from assay.settings.ingest import BinanceArchiveSettings, BinanceSettings, VenuesSettings
from tests.unit.venues.sandbox.reading import BTC, at

NOW = at(2024, 5, 20)
SANDBOX = "http://127.0.0.1:8900/binance"


def planned(settings: Settings | None = None, **wanted: object) -> VenuePlan:
    words: dict[str, object] = {"symbols": ("BTC",), "interval": "1m", "since": "2020-01", **wanted}
    [plan] = plan_backfill(settings or Settings(), Backfill(**words), NOW).venues  # type: ignore[arg-type]
    return plan


def base_urls(binance: str | None, archive: str | None, *, enabled: bool = True) -> Settings:
    own = BinanceArchiveSettings(enabled=enabled, base_url=archive)
    return Settings(venues=VenuesSettings(binance=BinanceSettings(base_url=binance), binance_archive=own))


@pytest.mark.parametrize(
    ("since", "start"),
    [
        ("2020", at(2020, 1, 1)),
        ("2020-03", at(2020, 3, 1)),
        ("2020-03-04", at(2020, 3, 4)),
        ("2020-03-04T05:00Z", at(2020, 3, 4, 5)),
        ("30d", at(2024, 4, 20)),
    ],
)
def test_a_beginning_is_written_as_shortly_as_one_likes(since: str, start: object) -> None:
    assert planned(since=since).series[0].start == start


def test_market_and_venue_choose_the_api() -> None:
    spot, futures = planned(), planned(market="usdm")
    assert (str(spot.series[0].series), spot.spec.name) == ("binance:spot:BTC-USDT:1m", "binance")
    assert (str(futures.series[0].series), futures.spec.name) == ("binance:usdm:BTC-USDT:1m", "binance_usdm")
    wazirx = planned(venue="wazirx")
    assert (str(wazirx.series[0].series), wazirx.archive) == ("wazirx:spot:BTC-INR:1m", None)
    for archive in (spot.archive, futures.archive):
        assert archive is not None
        assert archive.base_url == "https://data.binance.vision"


def test_archive_is_left_out_where_it_is_not_wanted_or_would_be_another_market() -> None:
    assert planned(use_archive=False).archive is None
    assert planned(base_urls(None, None, enabled=False)).archive is None
    assert planned(base_urls(SANDBOX, None)).archive is None
    assert planned(base_urls("https://api3.binance.com", None)).archive is not None
    both = planned(base_urls(SANDBOX, SANDBOX + "_archive")).archive
    assert both is not None
    assert both.base_url == SANDBOX + "_archive"


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"symbols": ()}, "nothing to load"),
        ({"venue": "nowhere"}, "no such history"),
        ({"venue": "wazirx", "market": "usdm"}, "no such history"),
        ({"market": "margin"}, "unknown market"),
        ({"interval": "7q"}, "unknown interval"),
        ({"market": "usdm", "interval": "1s"}, "no venue that is asked has such bars"),
        ({"since": "soon"}, "not a date or time"),
        ({"since": "2030"}, "a range without bars"),
        ({"symbols": ("BTC-KRW",)}, "trades such a pair"),
    ],
)
def test_what_cannot_be_had_is_said(wanted: dict[str, object], said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        planned(**wanted)  # type: ignore[arg-type]


def test_a_venue_that_is_switched_off_is_not_asked_unless_it_is_named() -> None:
    assert can_be_had(Settings(), "binance", "spot", BTC)
    assert not can_be_had(Settings(), "binance", "usdm", BTC)
    assert not can_be_had(Settings(), "wazirx", "usdm", BTC)
