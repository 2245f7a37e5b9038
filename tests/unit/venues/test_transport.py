"""What an answer asks of its caller, read from its headers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.venues.transport import Response, TransportError
from tests.unit.venues.fake_time import NOON
from tests.unit.venues.scripted_server import QUESTION


def asked(**headers: str) -> float | None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(429, named, b"", asked_at=NOON, received_at=NOON).retry_after_s


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        (" 17 ", 17.0),
        ("1.5", 1.5),
        ("Mon, 01 Jan 2024 12:00:30 GMT", 30.0),
        ("Mon, 01 Jan 2024 13:00:30 +0100", 30.0),
        ("Monday, 01-Jan-24 12:00:30 GMT", 30.0),
        ("Mon, 01 Jan 2024 11:00:00 GMT", 0.0),
    ],
)
def test_seconds_and_dates_are_both_understood(text: str, seconds: float) -> None:
    assert asked(retry_after=text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-5", "1e9", "nan", "9" * 400, "٣", "Mon, 99 Jan 2024 12:00:00 GMT"])
def test_nonsense_asks_for_nothing(text: str) -> None:
    assert asked(retry_after=text) is None


def test_without_the_header_nothing_is_asked() -> None:
    assert asked() is None


def test_date_counts_from_the_venues_clock_and_not_from_ours() -> None:
    # Our clock says 12:00:00, the venue's 11:58:00; it asks to wait until its 11:58:10, which is 10 s and not 0.
    assert asked(retry_after="Mon, 01 Jan 2024 11:58:10 GMT", date="Mon, 01 Jan 2024 11:58:00 GMT") == 10.0


def test_date_counts_from_our_clock_when_the_venue_does_not_tell_its_own() -> None:
    assert asked(retry_after="Mon, 01 Jan 2024 12:00:10 GMT", date="tomorrow") == 10.0


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_header_is_too_strange_to_be_read(text: str, date: str) -> None:
    seconds = asked(retry_after=text, date=date)
    assert seconds is None or seconds >= 0


@given(st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1)), st.integers(0, 10**6))
def test_date_so_many_seconds_ahead_asks_for_so_many_seconds(start: datetime, ahead: int) -> None:
    start = start.replace(microsecond=0, tzinfo=UTC)
    form = "%a, %d %b %Y %H:%M:%S GMT"
    later = start + timedelta(seconds=ahead)
    assert asked(date=start.strftime(form), retry_after=later.strftime(form)) == ahead


def test_error_names_the_venue_and_the_endpoint_but_no_parameter() -> None:
    error = TransportError("no connection", request=QUESTION, was_sent=False)
    assert "binance klines" in str(error)
    assert "BTCUSDT" not in str(error)
