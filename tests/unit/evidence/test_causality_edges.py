"""Tables as people return them, and computations that do not keep to the rules."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import polars as pl
import pytest

from assay.domain.errors import BadInputError
from assay.evidence.causality import Leak, audit, audit_fit, audit_label, audit_split
from tests.leaks import bars

Frame: TypeAlias = Any
"""A frame or a series of pandas, which has no types."""


def numbered() -> Frame:
    """Bars whose rows are counted, with the open time as a column, as read from a file."""
    return bars.hours().head(400).reset_index()


def klines() -> pl.DataFrame:
    return pl.from_pandas(numbered())


def test_second_of_two_columns_of_one_name_is_looked_at() -> None:
    def twice(hours: Frame) -> Frame:
        return pd.concat([hours["close"].rolling(3).mean(), hours["close"].shift(-1)], axis=1)

    found = audit(twice, bars.hours().head(400))
    assert [(one.kind, one.column, one.lag) for one in found.findings] == [(Leak.FUTURE_VALUE, "close_2", 1)]


def test_rows_that_are_counted_anew_are_told_by_their_time() -> None:
    def mean(hours: Frame) -> Frame:
        return hours[["open_time"]].assign(x=hours["close"].rolling(24).mean()).dropna().reset_index(drop=True)

    def following(hours: Frame) -> Frame:
        return hours[["open_time"]].assign(x=hours["close"].shift(-2)).dropna().reset_index(drop=True)

    assert audit(mean, numbered()).is_causal
    # Rows that fall away at the end are found first; the value is named as well.
    assert (Leak.FUTURE_VALUE, "x", 2) in [
        (one.kind, one.column, one.lag) for one in audit(following, numbered()).findings
    ]


def test_rows_counted_anew_without_a_time_do_not_break_the_audit() -> None:
    found = audit(lambda hours: hours["close"][hours["volume"] > 20].reset_index(drop=True), numbered())
    assert not found.is_causal  # nobody can tell which rows these are


def test_group_before_the_labels_is_read_past() -> None:
    panel = bars.panel().drop("close_time", "available_at").to_pandas()
    assert audit(lambda rows: rows.groupby("symbol")["close"].rolling(5).mean(), panel).is_causal


@pytest.mark.parametrize("back", [1, -1])
def test_lists_are_compared(back: int) -> None:
    def pair(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.select("open_time", x=pl.concat_list("close", pl.col("close").shift(back)))

    assert [one.lag for one in audit(pair, klines()).findings] == ([] if back == 1 else [1])


def test_mean_of_a_longer_bar_is_no_centred_window() -> None:
    def mean(hours: Frame) -> Frame:
        return hours["close"] / hours["close"].resample("4h").mean().reindex(hours.index, method="ffill")

    rng = np.random.default_rng(3)
    index = pd.date_range("2024-01-01", periods=1000, freq="h", tz="UTC", name="open_time")
    frame = pd.DataFrame({"close": 100 * np.exp(np.cumsum(rng.normal(0, 0.006, 1000)))}, index=index)
    assert [one.kind for one in audit(mean, frame).findings] == [Leak.HIGHER_INTERVAL_BY_OPEN_TIME]


def test_computation_that_ends_the_program_is_refused() -> None:
    with pytest.raises(BadInputError, match="SystemExit"):
        audit(lambda _: sys.exit(0), klines())


def test_error_of_an_output_has_no_circle_of_causes() -> None:
    with pytest.raises(BadInputError, match="returns no table") as raised:
        audit(lambda _: iter(()), klines())
    assert raised.value.__cause__ is not raised.value


def test_table_of_nothing_has_no_certificate() -> None:
    with pytest.raises(BadInputError, match="without rows"):
        audit(pl.DataFrame.clear, klines())
    with pytest.raises(BadInputError, match="without columns"):
        audit(lambda hours: hours[[]], bars.hours())


def test_texts_are_no_times() -> None:
    frame = pl.DataFrame({"open_time": ["2024-01-01", "foo"], "close": [1.0, 2.0]})
    with pytest.raises(BadInputError, match="column of times"):
        audit(lambda one: one, frame)
    with pytest.raises(BadInputError, match="column of times"):
        audit(lambda one: one, frame.to_pandas())


def test_fit_that_cannot_be_repeated_has_no_certificate() -> None:
    from sklearn.ensemble import RandomForestRegressor

    rng, rows = np.random.default_rng(0), np.arange(120)
    x, y = rng.normal(size=(120, 3)), rng.normal(size=120)
    found = audit_fit(RandomForestRegressor(3).fit(x, y), x, y, train=rows[:60], test=rows[60:])
    assert [one.outcome for one in found.checks] == ["not done"]
    assert found.certificate is None


def test_labels_without_spans_are_none() -> None:
    def label(frame: pl.DataFrame) -> pl.DataFrame:
        none = pl.lit(None, dtype=pl.Datetime("us", "UTC"))
        return frame.select("open_time", value=pl.col("close").shift(-2), start=none, end=none)

    with pytest.raises(BadInputError, match="no label with an end"):
        audit_label(label, klines())


def test_split_needs_an_end_for_each_row() -> None:
    times = pl.Series([datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in range(20)])
    with pytest.raises(BadInputError, match="not an end for each row"):
        audit_split(times, train=[0, 1], test=[5], until=times.head(3))
