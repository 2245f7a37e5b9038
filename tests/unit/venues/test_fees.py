"""Fees as of a date: the settings first, then what the venue charges everybody, else nothing."""

from __future__ import annotations

from datetime import UTC, datetime

from assay.venues.fees import fee_at

OWN = ["binance:spot=7.5/7.5@2024-01-31", "binance:spot=-1/4.5@2024-06-01", "kraken:spot=16/26"]


def test_own_fees_hold_from_their_date_and_the_latest_wins() -> None:
    moments = [datetime(2024, month, 30 if month != 6 else 1, tzinfo=UTC) for month in (1, 3, 6)]
    found = [fee_at("binance", "spot", moment, OWN) for moment in moments]
    assert [(one.maker_bps, one.taker_bps) for one in found if one] == [(10.0, 10.0), (7.5, 7.5), (-1.0, 4.5)]
    assert [one.source == "settings" for one in found if one] == [False, True, True]


def test_venue_without_a_schedule_has_no_fees_unless_they_are_set() -> None:
    moment = datetime(2024, 5, 1, tzinfo=UTC)
    assert fee_at("kraken", "spot", moment) is None
    found = fee_at("kraken", "spot", moment, OWN)
    assert found is not None
    assert found.taker_bps == 26.0
