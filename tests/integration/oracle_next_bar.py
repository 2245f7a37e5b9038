"""The feature set `next_bar` and what logistic regression makes of it, from scratch with other people's parts.

It shares no line with the product; :mod:`tests.integration.oracle_direction` does the same for the set `direction`.
Definitions, all that it needs:

- rows are closed hourly bars in order of time, missing hours skipped, except that what compares a close with one some
  hours before is there only if that hour is;
- label: 1 if the next hour closes higher than this one, 0 if lower or equal, none if it is missing;
- the newest fifth of the rows is left out; the others are cut into seven blocks, each but the first is foretold from
  the rows whose label was known an hour before the block's first forecast.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import talib
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FOLDS = 6
MONEY_FLOW = 2.0 * pl.col("close") - pl.col("high") - pl.col("low")


def next_bar_rows(bars: pl.DataFrame) -> pl.DataFrame:
    """Return the nineteen features, the label and the return of the next hour of each row that has them all.

    Parameters
    ----------
    bars : polars.DataFrame
        ``hour`` (whole hours since 1970, rising), ``open``, ``high``, ``low``, ``close``, ``volume``.
    """
    tops, bottoms, closes, volumes = (bars[name].to_numpy() for name in ("high", "low", "close", "volume"))
    close, volume, spread = pl.col("close"), pl.col("volume"), pl.col("high") - pl.col("low")
    table = bars.with_columns(
        pl.Series("rsi", talib.RSI(closes, 6)),
        pl.Series("ema_6", closes / talib.EMA(closes, 6) - 1),
        pl.Series("ema_24", closes / talib.EMA(closes, 24) - 1),
        pl.Series("mfi", talib.MFI(tops, bottoms, closes, volumes, 14)),
        *(
            _ago((close / close.shift(bars_ago)).log(), bars_ago).alias(f"r{bars_ago}")
            for bars_ago in (1, 3, 6, 12, 24)
        ),
        (pl.when(spread > 0).then(MONEY_FLOW / spread).otherwise(0.0) * volume).alias("flow"),
        (24 * volume / volume.rolling_sum(24)).alias("volume_ratio"),
        *(_williams(bars_ago).alias(f"w{bars_ago}") for bars_ago in (1, 24)),
        *(_ahead(start).alias(name) for name, start in (("ahead", close), ("ahead_of_open", pl.col("open").shift(-1)))),
    ).with_columns(
        (pl.col("flow").rolling_sum(6) / volume.rolling_sum(6)).alias("cmf"),
        *(_ago(pl.col("r1").shift(bars_ago), bars_ago).alias(f"before_{bars_ago}") for bars_ago in (1, 2)),
    )
    # Moving statistics of returns skip the hours that have none.
    moving = table.select("hour", "r1").drop_nulls().with_columns(
        *(pl.col("r1").rolling_std(bars_ago).alias(f"std_{bars_ago}") for bars_ago in (6, 24, 168)),
        ((pl.col("r1") - pl.col("r1").rolling_mean(24)) / pl.col("r1").rolling_std(24)).alias("z"),
    )  # fmt: skip
    table = table.join(moving.drop("r1"), on="hour", how="left", maintain_order="left")
    return table.drop("open", "high", "low", "close", "volume", "flow").fill_nan(None).drop_nulls()


def _ahead(start: pl.Expr) -> pl.Expr:
    is_next = pl.col("hour").shift(-1) == pl.col("hour") + 1
    return pl.when(is_next).then(pl.col("close").shift(-1) / start - 1)


def _ago(value: pl.Expr, bars_ago: int) -> pl.Expr:
    return pl.when(pl.col("hour") - pl.col("hour").shift(bars_ago) == bars_ago).then(value)


def _williams(bars: int) -> pl.Expr:
    top, bottom = pl.col("high").rolling_max(bars), pl.col("low").rolling_min(bars)
    return pl.when(top > bottom).then((pl.col("close") - top) / (top - bottom)).otherwise(0.0)


def next_bar_scores(rows: pl.DataFrame, outcome: str = "ahead") -> dict[str, float]:
    """Return how often the model and "what was more frequent before" are right, and what a trade earns before costs.

    `outcome` is ``ahead``, from this hour's close to the next one's, or ``ahead_of_open``, from the next hour's open.
    """
    ahead, hours = rows[outcome].to_numpy(), rows["hour"].to_numpy()
    inputs, label = rows.drop("ahead", "ahead_of_open", "hour").to_numpy(), ahead > 0
    learned = int(0.8 * len(rows))
    learned = int((hours[:learned] + 1 <= hours[learned]).sum())
    right, usual, earned = [], [], []
    for k in range(1, FOLDS + 1):
        block = slice(k * learned // (FOLDS + 1), (k + 1) * learned // (FOLDS + 1))
        known = hours + 2 <= hours[block.start]
        model = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, tol=1e-10, solver="newton-cholesky"))
        said = model.fit(inputs[known], label[known]).predict(inputs[block])
        right.append(said == label[block])
        usual.append(label[block] == (label[known].mean() > 0.5))
        earned.append(np.where(said, 1.0, -1.0) * ahead[block])
    whole: list[NDArray[np.float64]] = [np.concatenate(each).astype(np.float64) for each in (right, usual, earned)]
    return {
        "n": float(whole[0].size),
        "accuracy": float(whole[0].mean()),
        "baseline_accuracy": float(whole[1].mean()),
        "gross": float(whole[2].mean()),
    }
