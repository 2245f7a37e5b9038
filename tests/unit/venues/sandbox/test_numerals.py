"""Pages of numbers: the text is what one number after the other would give."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.venues.sandbox.dialects.numerals import Numbers, json_rows

UNITS = st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=20)


@given(units=UNITS, decimals=st.integers(0, 8))
def test_decimals_are_written_as_decimal_writes_them(units: list[int], decimals: int) -> None:
    page = json_rows([Numbers(np.array(units), decimals, 8), Numbers(np.array(units)), b'"0"'])
    expected = [[f"{Decimal(one).scaleb(-decimals, None):.8f}", one, "0"] for one in units]
    assert bytes(page) == msgspec.json.encode(expected)


@pytest.mark.parametrize("unit", [0, 9, 10, 9_999, 10_000, 10**8 - 1, 10**8, 10**18 - 1, 10**18])
def test_numbers_at_the_edges_of_their_widths(unit: int) -> None:
    page = json_rows([Numbers(np.array([unit, 1])), Numbers(np.array([unit, 1]), 2, 2)])
    expected = [[one, f"{one // 100}.{one % 100:02d}"] for one in (unit, 1)]
    assert bytes(page) == msgspec.json.encode(expected)


def test_no_rows_are_an_empty_list() -> None:
    assert bytes(json_rows([Numbers(np.empty(0, dtype=np.int64)), b'"0"'])) == b"[]"
