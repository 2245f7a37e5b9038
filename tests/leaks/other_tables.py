"""Other tables, other coins and corrections, joined as if they had been there when what they speak of happened."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from assay.evidence.causality import Leak
from tests.leaks import bars
from tests.leaks.bars import Frame
from tests.leaks.cases import CASES

SENTIMENT = {"sentiment": bars.sentiment}


@CASES.leak(Leak.EVENT_TIME_JOIN, "score", frame=bars.panel, sources=SENTIMENT)
def joined_by_event_time(panel: pl.DataFrame, sentiment: pl.DataFrame) -> pl.DataFrame:
    """A day's sentiment joined by the day it is about; it was published 36 hours later."""
    rows = panel.select("symbol", "open_time", "close_time").sort("close_time")
    return rows.join_asof(sentiment, left_on="close_time", right_on="event_time").select("symbol", "open_time", "score")


@CASES.twin(frame=bars.panel, sources=SENTIMENT)
def joined_by_availability(panel: pl.DataFrame, sentiment: pl.DataFrame) -> pl.DataFrame:
    """The latest sentiment that had been published by the close."""
    rows = panel.select("symbol", "open_time", "close_time").sort("close_time")
    found = rows.join_asof(sentiment.sort("available_at"), left_on="close_time", right_on="available_at")
    return found.select("symbol", "open_time", "score")


@CASES.leak(Leak.EVENT_TIME_JOIN, "score", frame=bars.panel, sources=SENTIMENT, is_seldom=True)
def joined_to_the_nearest(panel: pl.DataFrame, sentiment: pl.DataFrame) -> pl.DataFrame:
    """The sentiment published nearest to the close, be it after it."""
    rows = panel.select("symbol", "open_time", "close_time").sort("close_time")
    published = sentiment.sort("available_at")
    found = rows.join_asof(published, left_on="close_time", right_on="available_at", strategy="nearest")
    return found.select("symbol", "open_time", "score")


@CASES.leak(Leak.EVENT_TIME_JOIN, "against_btc", frame=bars.panel)
def other_coin_by_open_time(panel: pl.DataFrame) -> pl.DataFrame:
    """A coin against BTC at the same open time, also where BTC's bar came hours later."""
    btc = panel.filter(pl.col("symbol") == "BTC").select("open_time", btc=pl.col("close"))
    both = panel.join(btc, on="open_time", how="left", maintain_order="left")
    return both.select("symbol", "open_time", against_btc=pl.col("close") / pl.col("btc"))


@CASES.twin(frame=bars.panel)
def other_coin_by_availability(panel: pl.DataFrame) -> pl.DataFrame:
    """A coin against the last bar of BTC that had come by then."""
    btc = panel.filter(pl.col("symbol") == "BTC").select("available_at", "open_time", btc=pl.col("close"))
    # A late bar brings nothing where a newer one is there already.
    btc = btc.sort("available_at", "open_time").filter(pl.col("open_time") == pl.col("open_time").cum_max())
    rows = panel.sort("available_at")
    both = rows.join_asof(btc.drop("open_time"), on="available_at")
    return both.select("symbol", "open_time", "available_at", against_btc=pl.col("close") / pl.col("btc"))


@CASES.leak(Leak.EVENT_TIME_JOIN, "close", frame=bars.restated)
def latest_revision(restated: pl.DataFrame) -> pl.DataFrame:
    """`keep="last"` over revisions: corrections used on the day before they were made."""
    return restated.unique("open_time", keep="last", maintain_order=True).select("open_time", "close")


@CASES.twin(frame=bars.restated)
def first_revision(restated: pl.DataFrame) -> pl.DataFrame:
    """`keep="first"`: what was there when the bar had closed."""
    return restated.unique("open_time", keep="first", maintain_order=True).select("open_time", "close")


@CASES.leak(Leak.UNIVERSE_WITH_HINDSIGHT, "", frame=bars.panel)
def survivors_only(panel: pl.DataFrame) -> pl.DataFrame:
    """The coins that are still traded at the end of the table."""
    end = panel["open_time"].max()
    alive = pl.col("open_time").max().over("symbol") == end
    return panel.filter(alive).select("symbol", "open_time", "close")


@CASES.leak(Leak.UNIVERSE_WITH_HINDSIGHT, "", frame=bars.panel, is_seldom=True)
def best_of_the_whole_period(panel: pl.DataFrame) -> pl.DataFrame:
    """The two coins with the largest volume over the whole table."""
    total = panel.group_by("symbol").agg(pl.col("volume").sum()).top_k(2, by="volume")
    return panel.filter(pl.col("symbol").is_in(total["symbol"].implode())).select("symbol", "open_time", "close")


@CASES.twin(frame=bars.panel)
def coins_with_a_week_of_history(panel: pl.DataFrame) -> pl.DataFrame:
    """The coins that had been there for a week, row by row."""
    age = pl.col("open_time") - pl.col("open_time").min().over("symbol")
    return panel.filter(age >= timedelta(days=7)).select("symbol", "open_time", "close")


@CASES.leak(Leak.ROWS_CHOSEN_BY_THE_FUTURE, "", frame=bars.panel)
def rows_without_a_crash_ahead(panel: pl.DataFrame) -> pl.DataFrame:
    """Rows dropped because the next six bars were wild: "outliers"."""
    ahead = (pl.col("close").shift(-6) / pl.col("close") - 1).abs().over("symbol")
    return panel.filter(ahead.fill_null(0.0) < 0.02).select("symbol", "open_time", "close")


@CASES.twin(frame=bars.panel)
def rows_without_a_crash_behind(panel: pl.DataFrame) -> pl.DataFrame:
    """Rows dropped because the last six bars were wild."""
    behind = (pl.col("close") / pl.col("close").shift(6) - 1).abs().over("symbol")
    return panel.filter(behind.fill_null(0.0) < 0.02).select("symbol", "open_time", "close")


@CASES.leak(Leak.ROWS_CHOSEN_BY_THE_FUTURE, "", frame=bars.hours_with_holes)
def rows_before_a_hole_dropped(hours: Frame) -> Frame:
    """The last row before each hole dropped: an outage was seen coming."""
    following = hours.index.to_series().shift(-1)
    whole = (following - hours.index.to_series()).dt.total_seconds() <= 3600
    return hours.loc[whole | following.isna(), ["close"]]


@CASES.twin(frame=bars.hours_with_holes, is_seldom=True)
def rows_after_a_hole_dropped(hours: Frame) -> Frame:
    """The first row after each hole dropped."""
    whole = hours.index.to_series().diff().dt.total_seconds() <= 3600
    return hours.loc[whole, ["close"]]
