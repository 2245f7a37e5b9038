"""Which bars cannot be, and why."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from assay.domain.interval import Interval
from assay.domain.kline import Kline

GOOD = Kline(Interval.parse("1h"), datetime(2024, 1, 1, 9, tzinfo=UTC), 100.0, 110.0, 90.0, 105.0, 12.5)


def test_bar_with_consistent_prices_has_no_defect() -> None:
    assert GOOD.defect() is None
    assert GOOD.close_time == GOOD.open_time + timedelta(hours=1)


def test_flat_bar_without_trades_has_no_defect() -> None:
    assert replace(GOOD, open=100.0, high=100.0, low=100.0, close=100.0, volume=0.0).defect() is None


@pytest.mark.parametrize("column", ["open", "high", "low", "close", "volume"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_value_that_is_not_finite_is_a_defect(column: str, value: float) -> None:
    changes: dict[str, Any] = {column: value}
    assert replace(GOOD, **changes).defect() == "not finite"


@pytest.mark.parametrize(
    ("changes", "defect"),
    [
        ({"low": 0.0}, "price not positive"),
        ({"open": -1.0}, "price not positive"),
        ({"volume": -0.1}, "negative volume"),
        ({"high": 104.9}, "high or low inside the body"),  # below the close
        ({"low": 100.1}, "high or low inside the body"),  # above the open
        ({"high": 89.0}, "high or low inside the body"),  # below the low
        ({"open_time": datetime(2024, 1, 1, 9, 28, 14, 789_000, tzinfo=UTC)}, "off grid"),
    ],
)
def test_impossible_bar_names_its_defect(changes: dict[str, Any], defect: str) -> None:
    assert replace(GOOD, **changes).defect() == defect
