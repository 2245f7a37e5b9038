"""How numbers and moments are written."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.web import formats

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
FLOATS = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.00"),
        (1.0, "1.000"),
        (9.9999, "10.000"),
        (10.0, "10.00"),
        (1_234_567.891, "1,234,567.89"),
        (0.5, "0.5000"),
        (0.00001234, "0.00001234"),
        (1e-20, "0.000000000000"),
        (-3.5, "−3.500"),
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "–"),
    ],
)
def test_price_has_the_digits_that_tell(value: float | None, text: str) -> None:
    assert formats.price(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (999, "999"),
        (999.9, "999.9"),
        (999.99, "1.000K"),
        (1_000, "1.000K"),
        (999_949, "999.9K"),
        (999_960, "1.000M"),
        (12_345_678, "12.35M"),
        (9_999_400_000, "9.999B"),
        (1.3e12, "1.300T"),
        (-2.5e9, "−2.500B"),
        (0.25, "0.250"),
    ],
)
def test_amount_has_four_digits_and_the_right_letter(value: float, text: str) -> None:
    assert formats.amount(value) == text


@given(FLOATS)
def test_amount_never_shows_a_thousand_of_a_letter(value: float) -> None:
    digits = formats.amount(value).lstrip("−").rstrip("KMBT").replace(",", "")
    assert formats.amount(value)[-1] == "T" or float(digits) < 1_000


@given(FLOATS.filter(lambda value: abs(value) >= 1_000))
def test_amount_is_within_a_twentieth_of_a_percent(value: float) -> None:
    text = formats.amount(value).replace("−", "-").replace(",", "")
    scale = {"K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}[text[-1]]
    assert float(text[:-1]) * scale == pytest.approx(value, rel=6e-4)


def test_currency_stands_where_its_readers_expect_it() -> None:
    assert formats.money(-64_250.5) == "−$64,250.50"
    assert formats.money(64_250.5, "INR") == "₹64,250.50"
    assert formats.money(64_250.5, "USDT") == "64,250.50\u202fUSDT"
    assert formats.money(None, "USDT") == "–"


@pytest.mark.parametrize(("value", "text"), [(0.004, "0.00"), (-0.004, "0.00"), (0.005, "+0.01"), (-12.345, "−12.35")])
def test_change_has_a_sign_unless_it_is_nothing(value: float, text: str) -> None:
    assert formats.pct(value + 1e-12 * (value > 0)) == f"{text}\u202f%"


@given(st.floats(min_value=0, max_value=1, exclude_min=True, exclude_max=True))
def test_share_that_is_not_whole_is_never_shown_as_whole_or_nothing(fraction: float) -> None:
    assert formats.share(fraction) not in ("100\u202f%", "100.0\u202f%", "0\u202f%", "0.0\u202f%")


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(seconds=59), "59 s"),
        (timedelta(seconds=61), "1 min"),
        (timedelta(hours=23, minutes=59), "23 h 59 min"),
        (timedelta(days=1), "1 d"),
        (timedelta(days=1, hours=5), "1 d 5 h"),
        (timedelta(days=30, hours=5), "30 d"),
        (130.945, "2 min"),
        (None, "–"),
    ],
)
def test_length_of_time_is_in_its_largest_units(length: timedelta | float | None, text: str) -> None:
    assert formats.span(length) == text


def test_age_does_not_change_within_a_minute() -> None:
    ages = {formats.age(NOON, NOON + timedelta(minutes=5, seconds=second)) for second in range(60)}
    assert ages == {"5 min ago"}


def test_moment_ahead_is_said_to_be_ahead() -> None:
    assert formats.age(NOON + timedelta(hours=3), NOON) == "in 3 h"


def test_moment_is_in_utc_and_says_so() -> None:
    assert formats.moment(NOON) == "2026-01-01 12:00 UTC"
    assert formats.moment(NOON + timedelta(seconds=7), with_zone=False) == "2026-01-01 12:00:07"


@pytest.mark.parametrize("value", [None, math.nan, 0.0])
def test_no_change_is_neither_up_nor_down(value: float | None) -> None:
    assert (formats.direction(value), formats.sign_of(value)) == ("flat", "")


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=119), "119 min ago"),
        (timedelta(hours=2), "2 h ago"),
        (timedelta(hours=47, minutes=59), "47 h ago"),
        (timedelta(days=2), "2 d ago"),
    ],
)
def test_age_has_one_unit(length: timedelta, text: str) -> None:
    assert formats.age(NOON, NOON + length) == text


def test_what_a_template_does_not_find_is_nothing() -> None:
    """Django gives filters an empty text for an attribute of what is not there, as of a paper without scores."""
    empty: Any = ""
    assert {formats.share(empty), formats.count(empty), formats.moment(empty), formats.span(empty)} == {formats.NOTHING}
    assert formats.age(empty, NOON) == formats.NOTHING
