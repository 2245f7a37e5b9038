"""Coarser bars are what one would make of the stored ones by hand, on the grid of the interval."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from assay.domain.interval import CODES, Interval
from assay.selectors.bars import can_make, resample, source_of

HOUR = Interval.parse("1h")
MINUTE = Interval.parse("1m")
START = datetime(2023, 12, 20, 5, tzinfo=UTC)
SUMS = ("volume", "quote_volume", "taker_buy_volume", "num_trades")


def made(
    count: int, *, stored: Interval = HOUR, start: datetime = START, seed: int = 3, holes: float = 0.0
) -> pl.DataFrame:
    """Return bars of a random walk, some of them missing; the last one is not closed."""
    rng = np.random.default_rng(seed)
    opened = [start + n * stored.duration for n in range(count)]
    prices = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (count, 4)), axis=0))
    frame = pl.DataFrame(
        {
            "open_time": opened,
            "close_time": [moment + stored.duration for moment in opened],
            "open": prices[:, 0],
            "high": prices.max(axis=1),
            "low": prices.min(axis=1),
            "close": prices[:, 3],
            **{name: np.round(rng.lognormal(3, 1, count), 3) for name in SUMS},
            "is_closed": np.arange(count) < count - 1,
            "is_outlier": rng.random(count) < 0.02,
        },
        schema_overrides={"open_time": pl.Datetime("us", "UTC"), "close_time": pl.Datetime("us", "UTC")},
    )
    frame = frame.filter(pl.Series(rng.random(count) >= holes)) if holes else frame
    before = pl.col("close_time").shift(1)
    missing = (pl.col("open_time") - before).dt.total_microseconds().fill_null(0) // stored.microseconds
    columns = [*frame.columns[:-2], "is_closed", "missing_bars", "is_outlier"]
    return frame.with_columns(missing.alias("missing_bars")).select(columns)


def by_hand(bars: pl.DataFrame, stored: Interval, interval: Interval) -> list[dict[str, object]]:
    """Walk over the bars one by one."""
    groups: dict[datetime, list[dict[str, object]]] = {}
    for row in bars.iter_rows(named=True):
        groups.setdefault(interval.floor(row["open_time"]), []).append(row)
    told: list[dict[str, object]] = []
    for number, (opened, rows) in enumerate(groups.items()):
        closes = interval.close_time(opened)
        is_last = number == len(groups) - 1
        ends = rows[-1]["close_time"]
        slots = ((ends if is_last else closes) - opened) // stored.duration  # type: ignore[operator]
        told.append(
            {
                "open_time": opened,
                "close_time": closes,
                "open": rows[0]["open"],
                "high": max(row["high"] for row in rows),  # type: ignore[type-var]
                "low": min(row["low"] for row in rows),  # type: ignore[type-var]
                "close": rows[-1]["close"],
                **{name: math.fsum(row[name] for row in rows) for name in SUMS},  # type: ignore[misc]
                "is_closed": all(row["is_closed"] for row in rows) and (not is_last or ends == closes),
                "missing_bars": slots - len(rows),
                "is_outlier": any(row["is_outlier"] for row in rows),
            }
        )
    return told


@pytest.mark.parametrize("code", ["2h", "4h", "8h", "12h", "1d", "3d", "1w", "1M"])
@pytest.mark.parametrize("holes", [0.0, 0.4, 0.97])
def test_every_coarser_bar_is_what_a_walk_over_the_bars_gives(code: str, holes: float) -> None:
    bars, interval = made(24 * 75, holes=holes), Interval.parse(code)
    found = resample(bars, HOUR, interval)
    assert_frame_equal(found, pl.DataFrame(by_hand(bars, HOUR, interval), schema=found.schema), rel_tol=1e-12)


@pytest.mark.parametrize(("code", "every"), [("5m", "5m"), ("1h", "1h"), ("1d", "1d"), ("1w", "1w"), ("1M", "1mo")])
def test_polars_own_grouping_agrees(code: str, every: str) -> None:
    bars = made(60 * 24 * 9, stored=MINUTE, holes=0.1)
    found = resample(bars, MINUTE, Interval.parse(code))
    grouped = bars.group_by_dynamic("open_time", every=every, start_by="window").agg(
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        pl.col("volume").sum(),
    )
    assert_frame_equal(found.select(grouped.columns), grouped)


@settings(max_examples=60)
@given(st.lists(st.integers(0, 400), min_size=1, max_size=60, unique=True), st.sampled_from(["2h", "4h", "1d", "1w"]))
def test_bars_add_up_wherever_the_holes_are(positions: list[int], code: str) -> None:
    everything = made(401)
    bars = everything[sorted(positions)]
    interval = Interval.parse(code)
    found = resample(bars, HOUR, interval)
    assert found["volume"].sum() == pytest.approx(bars["volume"].sum())
    assert found["high"].max() == bars["high"].max()
    assert all(interval.is_aligned(moment) for moment in found["open_time"])
    assert found["open_time"].is_sorted()
    assert found["open_time"].n_unique() == found.height
    assert (found["missing_bars"] >= 0).all()
    per_bar = (found["close_time"] - found["open_time"]).dt.total_hours()
    count = found["open_time"].map_elements(
        lambda moment: (
            bars.filter(pl.col("open_time").is_between(moment, interval.close_time(moment), closed="left")).height
        ),
        return_dtype=pl.Int64,
    )
    assert (count + found["missing_bars"] <= per_bar).all()
    assert (count + found["missing_bars"] == per_bar)[:-1].all()


def test_a_sum_of_which_a_part_is_not_published_is_null() -> None:
    bars = made(48, start=datetime(2024, 1, 1, tzinfo=UTC))
    is_unknown = pl.int_range(pl.len()) == 30
    bars = bars.with_columns(pl.when(~is_unknown).then("quote_volume").alias("quote_volume"))
    found = resample(bars, HOUR, Interval.parse("1d"))
    assert found["quote_volume"].is_null().to_list() == [False, True]
    assert found["volume"].is_null().to_list() == [False, False]


def test_the_bar_that_still_forms_is_not_closed_and_lacks_nothing() -> None:
    bars = made(30, start=datetime(2024, 1, 1, tzinfo=UTC)).with_columns(pl.lit(True).alias("is_closed"))
    found = resample(bars, HOUR, Interval.parse("1d"))
    assert found["is_closed"].to_list() == [True, False]
    assert found["missing_bars"].to_list() == [0, 0]


def test_a_bar_in_which_the_series_begins_lacks_what_was_before() -> None:
    bars = made(24, start=datetime(2024, 1, 1, 6, tzinfo=UTC)).with_columns(pl.lit(True).alias("is_closed"))
    assert resample(bars, HOUR, Interval.parse("1d"))["missing_bars"].to_list() == [6, 0]


def test_one_interval_is_made_of_another_exactly_if_its_bars_hold_whole_ones() -> None:
    since, until = datetime(2023, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)
    intervals = [Interval.parse(code) for code in CODES if code not in ("1s", "1m", "3m", "5m", "15m", "30m")]
    for stored in intervals:
        for interval in intervals:
            edges = set(stored.opens(since - timedelta(days=40), until + timedelta(days=40)))
            is_whole = all(moment in edges for moment in interval.opens(since, until))
            assert can_make(stored, interval) == is_whole, (stored, interval)


def test_the_longest_stored_interval_that_fits_is_taken() -> None:
    stored = [Interval.parse(code) for code in ("1m", "1h", "4h", "1w")]
    codes = ("1m", "5m", "2h", "12h", "1d", "1w", "1M")
    taken = [source_of(stored, Interval.parse(code)) for code in codes]
    assert [str(one) for one in taken] == ["1m", "1m", "1h", "4h", "4h", "1w", "4h"]
    assert source_of(stored, Interval.parse("1s")) is None
