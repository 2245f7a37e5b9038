"""The direction model once more, written from scratch with other people's parts: what the pipeline is checked against.

It shares no line with the product. Definitions, all that it needs:

- rows are closed hourly bars in order of time; t is a bar's close, one hour after its open;
- log_return_k: log(close / close k rows before), only if that row opened exactly k hours before;
- rsi_14, ema_12, ema_26: TA-Lib over the rows as they are, missing hours skipped; close_to_ema = close / ema - 1;
- label: 1 if the bar that opens exactly `horizon` hours later closes higher, 0 if lower or equal, else none;
- rows with all six features and a label are cut into ``folds + 1`` blocks at ``k * n // (folds + 1)``; each block but
  the first is foretold from the rows before it whose label was known (t + horizon) when the block's first t came;
- standardised logistic regression (C = 1) against the majority of the same training rows, a tie being "not up".
"""

from __future__ import annotations

import numpy as np
import polars as pl
import talib
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

HOUR = 3_600_000_000
FEATURES = ["log_return_1", "log_return_6", "log_return_24", "rsi_14", "close_to_ema_12", "close_to_ema_26"]


def direction_table(open_time: NDArray[np.int64], close: NDArray[np.float64], horizon: int = 24) -> pl.DataFrame:
    """Return open_time, the six features and the label of every row; null where there is none."""
    table = pl.DataFrame({"open_time": open_time, "close": close}).with_columns(
        pl.Series("rsi_14", talib.RSI(close, 14)),
        pl.Series("close_to_ema_12", close / talib.EMA(close, 12) - 1),
        pl.Series("close_to_ema_26", close / talib.EMA(close, 26) - 1),
    )
    for k in (1, 6, 24):
        whole = pl.col("open_time") - pl.col("open_time").shift(k) == k * HOUR
        change = (pl.col("close") / pl.col("close").shift(k)).log()
        table = table.with_columns(pl.when(whole).then(change).alias(f"log_return_{k}"))
    later = table.select(pl.col("open_time") - horizon * HOUR, pl.col("close").alias("later_close"))
    table = table.join(later, on="open_time", how="left", maintain_order="left")
    label = (pl.col("later_close") > pl.col("close")).cast(pl.Float64).alias("label")
    return table.with_columns(label).with_columns(pl.col(FEATURES).fill_nan(None))


def direction_scores(
    open_time: NDArray[np.int64], close: NDArray[np.float64], horizon: int = 24, folds: int = 6
) -> dict[str, float]:
    """Return the scores of the model and its baseline over all test blocks together.

    ``margin`` is the smallest distance of a probability from one half: what a rounding difference would have to reach
    to change any of the scores.
    """
    rows = direction_table(open_time, close, horizon).drop_nulls()
    inputs, label = rows.select(FEATURES).to_numpy(), rows["label"].to_numpy()
    closes_at = rows["open_time"].to_numpy() + HOUR
    n, actual, said, usual, margins = len(rows), [], [], [], []
    for k in range(1, folds + 1):
        begin, end = k * n // (folds + 1), (k + 1) * n // (folds + 1)
        known = closes_at + horizon * HOUR <= closes_at[begin]
        model = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, tol=1e-10, solver="newton-cholesky"))
        model.fit(inputs[known], label[known])
        actual.append(label[begin:end])
        said.append(model.predict(inputs[begin:end]))
        usual.append(np.full(end - begin, float(label[known].mean() > 0.5)))
        margins.append(np.abs(model.predict_proba(inputs[begin:end])[:, 1] - 0.5).min())
    happened, forecast, majority = np.concatenate(actual), np.concatenate(said), np.concatenate(usual)
    return {
        "n": float(happened.size),
        "accuracy": float(accuracy_score(happened, forecast)),
        "precision": float(precision_score(happened, forecast)),
        "recall": float(recall_score(happened, forecast)),
        "f1": float(f1_score(happened, forecast)),
        "baseline_accuracy": float(accuracy_score(happened, majority)),
        "margin": float(min(margins)),
    }
