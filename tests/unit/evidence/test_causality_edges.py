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
from assay.evidence.causality.report import report_html
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


def test_what_is_not_the_same_twice_is_said_to_be_just_that() -> None:
    def jittered(rows: pl.DataFrame) -> pl.DataFrame:
        return rows.select("open_time", x=pl.col("close") + np.random.default_rng().normal(size=len(rows)))

    found = audit(jittered, klines())
    assert found.verdict == "not proven: no two calls agree"
    ((one,),) = [found.findings]
    assert (one.kind, one.column, one.row) == (Leak.NOT_DETERMINISTIC, "x", 0)
    assert "a second call on the same data gives other values (400 rows)" in one.cause
    assert one.before is not None
    assert one.after is not None
    assert f": {one.before:.8g} in the first call, {one.after:.8g} in the second" in one.text()
    assert "no value" not in found.text()
    assert [check.outcome for check in found.checks] == ["failed", "not done"]
    page = report_html([found])
    assert "1 of 1 not proven: no two calls agree." in page
    assert "in the first call" in page


def test_rows_that_are_drawn_anew_are_not_said_to_be_chosen_by_the_future() -> None:
    def drawn(rows: pl.DataFrame) -> pl.DataFrame:
        return rows.select("open_time", "close").filter(pl.Series(np.random.default_rng().random(len(rows)) > 0.3))

    found = audit(drawn, klines())
    assert [one.kind for one in found.findings] == [Leak.NOT_DETERMINISTIC]
    assert "gives other rows" in found.findings[0].cause


@pytest.mark.parametrize("count", [1, 10])
def test_function_that_returns_the_last_rows_alone_is_told_to_return_all(count: int) -> None:
    def last(rows: pl.DataFrame) -> pl.DataFrame:
        return rows.select("open_time", x=pl.col("close").pct_change(3)).tail(count)

    ((one,),) = [audit(last, klines()).findings]
    assert one.kind is Leak.ROWS_CHOSEN_BY_THE_FUTURE
    assert f"only the last {count} of 400 rows are returned" in one.cause
    assert one.todo.startswith("return a row for each row given")
    assert "no value" not in one.text()
    with pytest.raises(BadInputError, match="return a row for each row given, or keep the column of their time"):
        audit(lambda rows: last(rows).drop("open_time"), klines())


def test_panel_without_its_key_is_told_to_keep_it() -> None:
    rows = klines().select("open_time", "close")
    panel = pl.concat([rows[7 * at :].with_columns(symbol=pl.lit(name)) for at, name in enumerate("ZAM")])

    def change(rows: pl.DataFrame) -> pl.DataFrame:
        return rows.sort("symbol", "open_time").with_columns(x=pl.col("close").pct_change(3).over("symbol"))

    ((one,),) = [audit(lambda rows: change(rows).select("open_time", "x"), panel).findings]
    assert "symbol is not returned" in one.cause
    assert one.todo == "return a row for each row given, in their order, or keep the key column symbol"
    assert audit(lambda rows: change(rows).select("symbol", "open_time", "x"), panel).is_causal


@pytest.mark.parametrize(("missing", "kinds"), [(0, []), (1, [Leak.LABEL_SPAN])])
def test_label_that_is_null_has_no_span_to_keep(missing: int, kinds: list[Leak]) -> None:
    """Moves of less than a per cent have no answer, and a span that ends where it begins."""

    def direction(rows: pl.DataFrame) -> pl.DataFrame:
        closes = pl.col("open_time").dt.offset_by("1h")
        move = pl.col("close").shift(-3) / pl.col("close") - 1.0
        is_large = move.abs() > 0.01
        return rows.select(
            "open_time",
            value=pl.when(is_large).then((move > 0.0).cast(pl.Float64)),
            start=closes,
            end=pl.when(is_large).then(closes.dt.offset_by(f"{3 - missing}h")).otherwise(closes),
        )

    rng = np.random.default_rng(0)
    moments = pl.datetime_range(datetime(2026, 1, 1), datetime(2026, 1, 20), "1h", eager=True)
    close = 100.0 * np.exp(0.01 * rng.normal(size=len(moments)).cumsum())
    found = audit_label(direction, pl.DataFrame({"open_time": moments, "close": close}))
    assert [one.kind for one in found.findings] == kinds
    if not kinds:  # and every row with an answer was looked at
        assert {check.name: check.outcome for check in found.checks}["comb"] == "passed"
