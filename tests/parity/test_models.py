"""M: models and evidence. What is done of each row stands in README.md."""

# ruff: noqa: N802  # the ids of the rows are written as in the scope

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from assay.domain.interval import parse_moment
from assay.features.labels import direction_label
from tests.integration.oracle_direction import HOUR, direction_scores, direction_table
from tests.parity.conftest import BTC, HOLE, LATE, Run, select


def _closed_bars(run: Run) -> pl.DataFrame:
    rows = select(
        run.home,
        f"select open_time, close from silver.crypto_prices_cleaned where {BTC} and is_closed order by open_time",
    )
    opened = [round(parse_moment(row["open_time"]).timestamp() * 1e6) for row in rows]
    return pl.DataFrame({"open_time": opened, "close": [row["close"] for row in rows]})


def test_M05_direction_labels_equal_those_of_an_independent_script(at_once: Run) -> None:
    bars = _closed_bars(at_once)
    opened, close = bars["open_time"].to_numpy(), bars["close"].to_numpy()
    label = direction_label(opened, close, horizon_us=24 * HOUR, interval_us=HOUR)
    table = direction_table(opened, close)
    expected = table["label"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    np.testing.assert_array_equal(label.value, expected)
    assert at_once.document["labelled_rows"] == table.drop_nulls().height


def test_M05_direction_is_undefined_across_a_hole_and_at_the_end(at_once: Run) -> None:
    bars = _closed_bars(at_once)
    opened, close = bars["open_time"].to_numpy(), bars["close"].to_numpy()
    label = direction_label(opened, close, horizon_us=24 * HOUR, interval_us=HOUR)
    undefined = np.flatnonzero(~label.is_defined)
    # The last 24 bars have no bar a day later yet, and for the 24 bars before the hole it lies in the hole of 25 hours.
    before_hole = np.flatnonzero(opened < opened[0] + HOLE[0] * HOUR)
    assert LATE[0] - HOLE[0] == 25
    expected = [*before_hole[-24:].tolist(), *range(len(opened) - 24, len(opened))]
    assert undefined.tolist() == expected


def test_M06_scores_equal_those_of_an_independent_script(at_once: Run) -> None:
    bars = _closed_bars(at_once)
    expected = direction_scores(bars["open_time"].to_numpy(), bars["close"].to_numpy())
    assert expected["margin"] > 1e-9  # no forecast hangs on a rounding difference
    evidence = at_once.document["evidence"]
    assert evidence["n"] == expected["n"]
    for name in ("accuracy", "precision", "recall", "f1"):
        assert evidence["model"][name]["value"] == pytest.approx(expected[name], abs=1e-9)
    assert evidence["baseline"]["accuracy"]["value"] == pytest.approx(expected["baseline_accuracy"], abs=1e-9)


def test_M06_a_random_walk_is_given_intervals_and_no_skill(at_once: Run) -> None:
    document = at_once.document
    evidence = document["evidence"]
    # A baseline that never says "up" has no precision; the model's four scores are all there.
    scores = [evidence["model"][name] for name in ("accuracy", "precision", "recall", "f1")]
    for one in (*scores, evidence["baseline"]["accuracy"]):
        assert one["low"] <= one["value"] <= one["high"]
    difference = evidence["accuracy_difference"]
    gap = evidence["model"]["accuracy"]["value"] - evidence["baseline"]["accuracy"]["value"]
    assert difference["value"] == pytest.approx(gap, abs=1e-12)
    assert difference["low"] < difference["high"]
    assert evidence["verdict"] in ("no_skill", "worse")
    assert document["prediction"]["signal"] == "ABSTAIN"
    # The forecast stands at the close of the last finished bar and looks one day ahead.
    as_of, until = (parse_moment(document["prediction"][name]) for name in ("as_of", "until"))
    assert (until - as_of).total_seconds() == 86_400
