"""Later bars read as if they were there: shifts, centred windows, smoothing both ways, fills from behind."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from assay.evidence.causality import Leak
from tests.leaks import bars
from tests.leaks.bars import Frame
from tests.leaks.cases import CASES


@CASES.leak(Leak.FUTURE_VALUE, "change", lag=1)
def shift_minus_one(hours: Frame) -> Frame:
    """`shift(-1)`: the next bar's return as a feature."""
    return (hours["close"].shift(-1) / hours["close"] - 1).rename("change")


@CASES.twin()
def shift_one(hours: Frame) -> Frame:
    """The return of the bar itself."""
    return (hours["close"] / hours["close"].shift(1) - 1).rename("change")


@CASES.leak(Leak.FUTURE_VALUE, "chikou", lag=26, is_seldom=True)
def lagging_span(hours: Frame) -> Frame:
    """Ichimoku's lagging span, drawn 26 bars back, as a feature."""
    return hours[["close"]].assign(chikou=hours["close"].shift(-26))


@CASES.twin(is_seldom=True)
def lagging_span_compared(hours: Frame) -> Frame:
    """The close against the close 26 bars ago, which is what the span is for."""
    return hours[["close"]].assign(chikou=hours["close"] - hours["close"].shift(26))


@CASES.leak(Leak.FUTURE_VALUE, "scaled", lag=24)
def scaled_by_future_volatility(hours: Frame) -> Frame:
    """A return over the volatility of the 24 bars that follow."""
    change = np.log(hours["close"]).diff()
    return (change / change.rolling(24).std().shift(-24)).rename("scaled")


@CASES.twin()
def scaled_by_past_volatility(hours: Frame) -> Frame:
    """A return over the volatility of the 24 bars before."""
    change = np.log(hours["close"]).diff()
    return (change / change.rolling(24).std().shift(1)).rename("scaled")


@CASES.leak(Leak.FUTURE_VALUE, "worst", lag=23)
def rolling_over_reversed_rows(hours: Frame) -> Frame:
    """A rolling minimum over the rows turned round."""
    return hours["low"][::-1].rolling(24).min()[::-1].rename("worst")


@CASES.twin(is_seldom=True)
def rolling_forwards(hours: Frame) -> Frame:
    """The rolling minimum of the last 24 bars."""
    return hours["low"].rolling(24).min().rename("worst")


@CASES.leak(Leak.FUTURE_VALUE, "next_high", lag=1, frame=bars.panel)
def sql_lead(panel: pl.DataFrame) -> pl.DataFrame:
    """`lead()` where `lag()` was meant, in SQL."""
    import duckdb

    text = (
        "select symbol, open_time, lead(high) over (partition by symbol order by open_time) as next_high from panel "
        "order by open_time, symbol"
    )
    return duckdb.sql(text).pl()


@CASES.twin(frame=bars.panel, is_seldom=True)
def sql_lag(panel: pl.DataFrame) -> pl.DataFrame:
    """`lag()`, in SQL."""
    import duckdb

    text = (
        "select symbol, open_time, lag(high) over (partition by symbol order by open_time) as last_high from panel "
        "order by open_time, symbol"
    )
    return duckdb.sql(text).pl()


@CASES.leak(Leak.CENTRED_WINDOW, "smooth", lag=10)
def centred_mean(hours: Frame) -> Frame:
    """A moving average with `center=True`."""
    return hours["close"].rolling(21, center=True).mean().rename("smooth")


@CASES.twin()
def trailing_mean(hours: Frame) -> Frame:
    """A moving average of the last 21 bars."""
    return hours["close"].rolling(21).mean().rename("smooth")


@CASES.leak(Leak.CENTRED_WINDOW, "smooth", lag=5, is_seldom=True)
def savitzky_golay(hours: Frame) -> Frame:
    """A Savitzky-Golay filter, which looks as far ahead as behind."""
    from scipy.signal import savgol_filter

    return hours[[]].assign(smooth=savgol_filter(hours["close"], 11, 3))


@CASES.twin(is_seldom=True)
def one_sided_filter(hours: Frame) -> Frame:
    """A filter that runs forwards only."""
    from scipy.signal import lfilter

    return hours[[]].assign(smooth=lfilter([0.1], [1.0, -0.9], hours["close"]))


@CASES.leak(Leak.CENTRED_WINDOW, "smooth", lag=4, is_seldom=True)
def convolved(hours: Frame) -> Frame:
    """`np.convolve(..., "same")` as a moving average."""
    return hours[[]].assign(smooth=np.convolve(hours["close"], np.ones(9) / 9, "same"))


@CASES.twin(is_seldom=True)
def convolved_and_cut(hours: Frame) -> Frame:
    """The full convolution, cut to the rows: each sum ends with its own row."""
    return hours[[]].assign(smooth=np.convolve(hours["close"], np.ones(9) / 9, "full")[: len(hours)])


@CASES.leak(Leak.CENTRED_WINDOW, "is_top", lag=2)
def pivot_drawn_at_the_pivot(hours: Frame) -> Frame:
    """A swing high marked at its own bar, two bars before anybody can know it."""
    return (hours["high"] == hours["high"].rolling(5, center=True).max()).astype(float).rename("is_top")


@CASES.twin()
def pivot_when_confirmed(hours: Frame) -> Frame:
    """A swing high marked when two lower bars have confirmed it."""
    return (hours["high"].shift(2) == hours["high"].rolling(5).max()).astype(float).rename("is_top")


@CASES.leak(Leak.FILL, "supply", frame=bars.hours_with_supply)
def backward_fill(hours: Frame) -> Frame:
    """`bfill()`: tonight's number used since this morning."""
    return hours[["supply"]].bfill()


@CASES.twin(frame=bars.hours_with_supply)
def forward_fill(hours: Frame) -> Frame:
    """`ffill()`: last night's number until the next is there."""
    return hours[["supply"]].ffill()


@CASES.leak(Leak.FILL, "supply", frame=bars.hours_with_supply)
def interpolated(hours: Frame) -> Frame:
    """`interpolate()`: a line from last night's number to tonight's."""
    return hours[["supply"]].interpolate()


@CASES.leak(Leak.FILL, "price", frame=bars.hours_with_holes)
def hole_interpolated(hours: Frame) -> Frame:
    """Missing hours put in, on a line to the first price after them."""
    return hours["close"].asfreq("h").interpolate().to_frame("price")


@CASES.twin(frame=bars.hours_with_holes)
def hole_filled_forwards(hours: Frame) -> Frame:
    """A mean over 24 hours in which missing ones count with the last price before them."""
    return hours["close"].asfreq("h").ffill().rolling(24).mean().reindex(hours.index).to_frame("price")


@CASES.leak(Leak.FILL, "price", frame=bars.panel)
def filled_before_the_listing(panel: pl.DataFrame) -> pl.DataFrame:
    """Closes on a full grid filled backwards: a coin has a price before it was listed."""
    coins = pl.DataFrame({"symbol": ["NEW", "OLD"]})
    grid = panel.select(pl.col("open_time").unique().sort()).join(coins, how="cross")
    closes = grid.join(panel.select("symbol", "open_time", "close"), on=["symbol", "open_time"], how="left")
    return closes.select("symbol", "open_time", price=pl.col("close").backward_fill().over("symbol"))


@CASES.twin(frame=bars.panel)
def filled_after_the_delisting(panel: pl.DataFrame) -> pl.DataFrame:
    """A coin's last price kept after it is gone: stale, but known."""
    listed = panel.filter(pl.col("symbol").is_in(["NEW", "OLD"]))
    wide = listed.pivot("symbol", index="open_time", values="close").sort("open_time")
    filled = wide.select("open_time", pl.exclude("open_time").forward_fill())
    long = filled.unpivot(index="open_time", variable_name="symbol", value_name="price").drop_nulls()
    return long.with_columns(known_at=pl.col("open_time") + timedelta(hours=1, seconds=2))


@CASES.leak(Leak.LAST_ROW_DEFAULT, "supply", frame=bars.hours_with_supply)
def last_row_as_default(hours: Frame) -> Frame:
    """Where there is no value, the last one of the table."""
    return hours[["supply"]].fillna(hours["supply"].dropna().iloc[-1])


@CASES.twin(frame=bars.hours_with_supply, is_seldom=True)
def first_row_as_default(hours: Frame) -> Frame:
    """Where there is no value, the first one of the table."""
    return hours[["supply"]].fillna(hours["supply"].iloc[0])
