"""I: indicators. What is done of each row stands in README.md."""

# ruff: noqa: N802  # the ids of the rows are written as in the scope

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest
import talib
from numpy.typing import NDArray

from assay.domain.interval import parse_moment
from assay.features.sets import TECHNICAL
from assay.pipelines.steps import bars_of
from tests.parity.conftest import BTC, Lake, select


@dataclass(frozen=True, slots=True, eq=False)
class Published:
    """The closed bars of BTC-USDT, and the columns that the lake gives for them; NaN where it gives none."""

    bars: pl.DataFrame
    columns: dict[str, NDArray[np.float64]]


@pytest.fixture(scope="module")
def published(lake: Lake) -> Published:
    rows = select(
        lake.home,
        "select * from silver.crypto_prices_cleaned "
        "join silver.technical_indicators using (venue, market, symbol, interval, open_time) "
        f"where {BTC} order by open_time",
    )
    frame = pl.DataFrame(rows, infer_schema_length=None)
    times = [pl.Series(name, map(parse_moment, frame[name])) for name in ("open_time", "close_time")]
    columns = {name: frame[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in TECHNICAL.columns}
    return Published(frame.with_columns(times), columns)


@pytest.mark.parametrize("n", [12, 26])
def test_I01_ema_equals_talib_and_warms_up_as_long(published: Published, n: int) -> None:
    expected = talib.EMA(published.bars["close"].to_numpy(), n)
    found = published.columns[f"ema_{n}"]
    assert np.isnan(found).sum() == n - 1
    np.testing.assert_allclose(found, expected, rtol=1e-9, equal_nan=True)


def test_I01_ema_fed_bar_by_bar_equals_the_table_bit_for_bit(published: Published) -> None:
    _assert_stream_equals_table(published, ("ema_12", "ema_26"))


def test_I02_rsi_equals_talib_and_warms_up_as_long(published: Published) -> None:
    expected = talib.RSI(published.bars["close"].to_numpy(), 14)
    found = published.columns["rsi_14"]
    assert np.isnan(found).sum() == 14
    np.testing.assert_allclose(found, expected, rtol=1e-9, equal_nan=True)


def test_I02_rsi_fed_bar_by_bar_equals_the_table_bit_for_bit(published: Published) -> None:
    _assert_stream_equals_table(published, ("rsi_14",))


def _assert_stream_equals_table(published: Published, columns: tuple[str, ...]) -> None:
    """Feed the bars one by one, stopping once to save the state and go on from it."""
    bars = bars_of(published.bars)
    half = len(bars) // 2
    first = TECHNICAL.stream()
    rows = [first.update(bars.bar(i)) for i in range(half)]
    second = TECHNICAL.stream(type(first.state).restore(first.state.save()))
    rows += [second.update(bars.bar(i)) for i in range(half, len(bars))]
    streamed = np.array(rows)
    for name in columns:
        column = np.ascontiguousarray(streamed[:, TECHNICAL.columns.index(name)])
        np.testing.assert_array_equal(column, published.columns[name])
