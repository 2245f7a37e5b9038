"""Evidence besides the verdicts, of rows of two series side by side: each series knows its own outcomes alone."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from assay.evidence.claim import Claim
from assay.features.declared import declared_set
from assay.models.registry import new_direction, new_value
from assay.models.splits import walk_forward
from assay.models.walk_forward import foretell, foretold
from assay.pipelines import weighing
from assay.pipelines.training_rows import Rows
from assay.pipelines.weighing import naive_forecasts, weigh
from assay.settings import ModelSettings, Settings

HOUR = 3_600_000_000
MOMENTS = 600
CHOSEN = declared_set({"name": "made", "version": 1, "steps": ["rsi:14", "log_return:1", "volume_ratio:24"]})
QUICK = Settings(model=ModelSettings(bootstrap_samples=100))


def pooled_rows(*, horizon: int = 1) -> Rows:
    """Return rows of two series: the price of the first always rises, that of the second always falls."""
    rng = np.random.default_rng(1)
    at = np.repeat(np.arange(MOMENTS) * HOUR, 2)
    returns = np.tile([0.01, -0.01], MOMENTS)
    keys = {"venue": "binance", "market": "spot", "interval": "1h"}
    frame = pl.DataFrame({"symbol": ["BTC-USDT", "ETH-USDT"] * MOMENTS}).with_columns(
        **{name: pl.lit(value) for name, value in keys.items()}
    )
    matrix = rng.normal(size=(at.size, len(CHOSEN.names)))
    matrix[:, 1] += 2.0 * np.sign(returns)
    return Rows(CHOSEN.names, matrix, (returns > 0).astype(float), at, at + horizon * HOUR, returns, frame)


def test_baselines_of_a_series_know_nothing_of_another() -> None:
    rows = pooled_rows()
    for name, said in naive_forecasts(rows, "direction").items():
        known = rows.at >= (24 if name == "seasonal_naive" else 1) * HOUR
        assert (said[known] == rows.labels[known]).all(), name
        assert (said[~known] == 0.0).all(), name
    values = Rows(rows.columns, rows.matrix, rows.forward_return, rows.at, rows.until, rows.forward_return, rows.frame)
    said_of = naive_forecasts(values, "value")
    assert (said_of["last_value"] == 0.0).all()
    assert said_of["drift"][2:] == pytest.approx(rows.forward_return[2:])


def walked(rows: Rows, folds: int = 4, chosen_on: int = 0) -> weighing.Tested:
    estimator, usual = new_direction("logistic", rows.columns), new_direction("base_rate", rows.columns)
    cut = walk_forward(rows.at, rows.until, folds=folds)
    said, other = (foretold(one, features=rows.matrix, targets=rows.labels, folds=cut) for one in (estimator, usual))
    model = estimator.clone().fit(rows.matrix, rows.labels)
    return weighing.Tested(model, cut, np.concatenate([fold.test for fold in cut]), said, other, chosen_on=chosen_on)


def test_what_a_search_chose_on_is_no_part_of_the_evidence() -> None:
    rows = pooled_rows()
    claim = Claim("two", "1 h", 1, folds=4, block_bars=24)
    whole, later = (weigh(rows, walked(rows, chosen_on=on), claim, chosen=CHOSEN, settings=QUICK) for on in (0, 2))
    assert json.loads(json.dumps(later, allow_nan=False)) == later
    assert whole["scores"] == later["scores"]  # half of the folds is what a search would choose on
    counts = [sum(one["rows"] for one in found["regimes"]["volatility"]) for found in (whole, later)]  # type: ignore[index]
    assert counts[1] < counts[0] <= 2 * MOMENTS * 4 / 5
    assert (whole["ablation"]["folds"], later["ablation"]["folds"]) == (4, 2)  # type: ignore[index]
    groups = {one["name"]: one["answer"] for one in later["ablation"]["groups"]}  # type: ignore[index]
    assert groups == {"momentum": "nothing_found", "returns": "adds", "volume": "nothing_found"}


def test_fewer_moments_than_the_horizon_has_bars_leave_the_baselines_out() -> None:
    rows = pooled_rows(horizon=400)
    estimator = new_value("drift", rows.columns)
    cut = walk_forward(rows.at, rows.at + HOUR, folds=2)
    said = foretold(estimator, features=rows.matrix, targets=rows.forward_return, folds=cut)
    values = Rows(rows.columns, rows.matrix, rows.forward_return, rows.at, rows.until, rows.forward_return, rows.frame)
    model = estimator.clone().fit(rows.matrix, rows.forward_return)
    assert (foretell(model, rows.matrix) == pytest.approx(0.0)) is True
    of = weighing.Tested(model, cut, np.concatenate([fold.test for fold in cut]), said, said)
    found = weigh(values, of, Claim("two", "400 h", 400, folds=2), chosen=CHOSEN, settings=QUICK)
    assert set(found) == {"scores", "regimes"}
