"""Decimal text becomes the float that Python's ``float`` makes of it, bit for bit."""

from __future__ import annotations

import struct

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assay.venues.crossing import to_float64

DIGITS = st.text("0123456789", min_size=1, max_size=25)
DECIMALS = st.builds(
    lambda sign, whole, rest: f"{sign}{whole}{rest and '.' + rest}", st.sampled_from(["", "-"]), DIGITS, DIGITS
)


def crossed(*texts: str | None) -> list[float | None]:
    return pl.DataFrame({"x": pl.Series(texts, dtype=pl.String)}).select(to_float64("x")).to_series().to_list()


@given(text=DECIMALS | st.floats(allow_nan=False, allow_infinity=False).map(repr))
@example(text="9007199254740993")  # halfway between two floats: ties to even
@example(text="9007199254740993.0000001")
@example(text="0.1")
@example(text="-0")
@example(text="5e-324")
@example(text="2.4703282292062327208e-324")  # just below half of the smallest float
@example(text="1.7976931348623157e308")
def test_number_is_the_nearest_float(text: str) -> None:
    (value,) = crossed(text)
    assert value is not None
    assert struct.pack("<d", value) == struct.pack("<d", float(text))


@pytest.mark.parametrize(
    "text",
    ["", " ", "1 ", " 1", "+1", ".5", "5.", "1,5", "1_0", "0x10", "nan", "NaN", "inf", "-Infinity", "١", "1e", "--1"],
)
def test_what_is_no_json_number_is_null(text: str) -> None:
    assert crossed(text, "1", None) == [None, 1.0, None]


def test_number_beyond_all_floats_is_infinite_for_the_rules_to_refuse() -> None:
    assert crossed("1e999", "-1e999") == [float("inf"), float("-inf")]
