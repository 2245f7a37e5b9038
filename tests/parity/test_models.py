"""M: models and evidence. What is done of each row stands in README.md."""

# ruff: noqa: N802  # the ids of the rows are written as in the scope

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from assay.domain.interval import Interval, parse_moment
from assay.features.bars import Bars
from assay.features.labels import direction_label, parse_label
from tests.integration.oracle_direction import HOUR, direction_scores, direction_table
from tests.parity.conftest import BTC, HOLE, LATE, Run, select


def _closed_bars(run: Run) -> pl.DataFrame:
    rows = select(
        run.home,
        f"select open_time, open, high, low, close "
        f"from silver.crypto_prices_cleaned where {BTC} and is_closed order by open_time",
    )
    opened = [round(parse_moment(row["open_time"]).timestamp() * 1e6) for row in rows]
    prices = {name: [row[name] for row in rows] for name in ("open", "high", "low", "close")}
    return pl.DataFrame({"open_time": opened, **prices})


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


def test_M05_return_and_difference_are_those_of_the_bar_that_closes_then(at_once: Run) -> None:
    bars = _closed_bars(at_once)
    later = bars.select(pl.col("open_time") - 6 * HOUR, later="close")
    joined = bars.join(later, on="open_time", how="left", maintain_order="left")
    expected = {"return": pl.col("later") / pl.col("close") - 1, "delta": pl.col("later") - pl.col("close")}
    for name, formula in expected.items():
        label = parse_label(f"{name}_6h").of(_as_bars(bars), Interval.parse("1h"))
        values = joined.select(formula.fill_null(np.nan)).to_series().to_numpy()
        np.testing.assert_allclose(label.value, values, rtol=1e-12, atol=1e-12)
        assert label.is_defined.sum() > 100


def test_M05_triple_barrier_and_its_weights_equal_a_walk_along_every_path(at_once: Run) -> None:
    bars, hour = _closed_bars(at_once), Interval.parse("1h")
    rule = parse_label("triple_barrier_12h_1_1.5_48")
    label = rule.of(_as_bars(bars), hour)
    rows = {row["open_time"]: row for row in bars.iter_rows(named=True)}
    spans = []
    for at, (opened, row) in enumerate(rows.items()):
        past = [rows.get(opened - back * HOUR) for back in range(49)]
        value, steps = np.nan, 12
        if all(past):
            closes = np.array([one["close"] for one in reversed(past) if one])
            deviation = np.std(np.diff(np.log(closes)), ddof=1) * np.sqrt(12)
            path = [rows.get(opened + step * HOUR) for step in range(1, 13)]
            value, steps = _first_reached(path, row["close"] * np.exp([deviation, -1.5 * deviation]))
        assert label.value[at] == pytest.approx(value, nan_ok=True)
        assert label.span_end[at] - label.span_start[at] == steps * HOUR
        if not np.isnan(value):
            spans.append((at, opened // HOUR + 1, opened // HOUR + 1 + steps))
    live = [sum(start <= moment < end for _, start, end in spans) for moment in range(spans[0][1], spans[-1][2])]
    weights = label.weights()
    assert {label.value[at] for at, _, _ in spans} == {-1.0, 0.0, 1.0}
    for at, start, end in spans:
        shared = live[start - spans[0][1] : end - spans[0][1]]
        assert weights[at] == pytest.approx(np.mean(1 / np.array(shared)), rel=1e-12)


def _first_reached(path: list[dict[str, float] | None], prices: NDArray[np.float64]) -> tuple[float, int]:
    above, below = prices
    for step, bar in enumerate(path, 1):
        if bar is None:
            return np.nan, 12
        if bar["high"] >= above or bar["low"] <= below:
            is_above_first = bar["open"] >= above or bar["low"] > below
            return (1.0 if is_above_first and bar["open"] > below else -1.0), step
    return 0.0, 12


def _as_bars(bars: pl.DataFrame) -> Bars:
    opened = bars["open_time"].to_numpy()
    first, high, low, close = (bars[name].to_numpy() for name in ("open", "high", "low", "close"))
    return Bars(opened, opened + HOUR, first, high, low, close, np.ones(len(bars)))


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
