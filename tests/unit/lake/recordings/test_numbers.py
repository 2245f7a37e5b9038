from __future__ import annotations

import math
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.lake.recordings import to_float64
from assay.lake.recordings.numbers import to_count

digits = st.text("0123456789", min_size=1, max_size=30)


@given(st.lists(st.tuples(st.sampled_from(["", "+", "-"]), digits, digits, st.integers(-330, 330)), min_size=1))
def test_text_is_rounded_like_python_does(parts: list[tuple[str, str, str, int]]) -> None:
    texts = [f"{sign}{whole}.{rest}" for sign, whole, rest, _ in parts]
    texts += [f"{text}e{exponent}" for text, (*_, exponent) in zip(texts, parts, strict=True)]
    read = to_float64(pl.Series(texts)).to_list()
    assert [number.hex() for number in read] == [float(text).hex() for text in texts]


@given(st.floats(allow_nan=False))
def test_every_float_survives_its_own_text(number: float) -> None:
    assert to_float64(pl.Series([repr(number)]))[0] == number


@pytest.mark.parametrize(
    "text", ["", " 1", "1 ", "1_000", "1,5", "0x10", "1.5abc", "abc", "--1", "1e", ".", "e5", "١٢", "1d", "NaN%"]
)
def test_text_that_is_no_number_becomes_null(text: str) -> None:
    assert to_float64(pl.Series([text])).to_list() == [None]


def test_words_for_no_number_stay_for_the_caller_to_refuse() -> None:
    read = to_float64(pl.Series(["nan", "NaN", "inf", "-Infinity"])).to_list()
    assert math.isnan(read[0])
    assert math.isnan(read[1])
    assert read[2:] == [math.inf, -math.inf]


def test_decimals_are_rounded_once() -> None:
    # 90071992547409931 / 10 is 2**53 + 1.1: as text it rounds to 2**53 + 2. Rounded first as an integer (to
    # 90071992547409936) and then divided, it would be rounded twice.
    exact = [Decimal("9007199254740993.1"), Decimal("0.1"), Decimal("123456789012345678.7")]
    series = pl.Series(exact, dtype=pl.Decimal(30, 8))
    assert to_float64(series).to_list() == [float(one) for one in exact]


def test_nulls_and_narrow_types_are_kept() -> None:
    assert to_float64(pl.Series([1, None], dtype=pl.Int32)).to_list() == [1.0, None]
    assert to_float64(pl.Series([0.5], dtype=pl.Float32)).to_list() == [0.5]


def test_counts_are_whole_numbers_only() -> None:
    texts = pl.Series(["171", "171.0", "171.5", "nan", "inf", "1e3", "x", None])
    assert to_count(texts).to_list() == [171, 171, None, None, None, 1000, None, None]
    assert to_count(pl.Series([3.0, 3.5, math.nan])).to_list() == [3, None, None]
