from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.domain.errors import BadInputError
from assay.features.drivers import run_batch
from assay.features.indicators.close_to_ema import CloseToEma
from assay.features.indicators.ema import Ema
from assay.features.indicators.log_return import LogReturn
from assay.features.indicators.rsi import Rsi
from assay.features.sets import (
    DIRECTION,
    FEATURE_SETS,
    NEXT_BAR,
    NEXT_BAR_FLOW,
    RETURNS_AND_RISK,
    TECHNICAL,
    FeatureSet,
    SetState,
    find_set,
)
from assay.features.state import StateError
from tests.unit.features.made_bars import hourly, needs_recordings, recorded_btc, same_bits, walk

SHORT = FeatureSet("short", 1, (LogReturn(1), LogReturn(3), Rsi(3), CloseToEma(4)))


def test_columns_of_the_sets() -> None:
    means = ("sma_20", "sma_50", "sma_200", "ema_12", "ema_26")
    macd = ("macd_12_26_9", "macd_signal_12_26_9", "macd_histogram_12_26_9")
    bands = tuple(f"bb_{name}_20_2" for name in ("upper", "middle", "lower", "width", "position"))
    volatility = ("realised_volatility_24", "realised_volatility_annualised_24")
    assert TECHNICAL.columns == (*means, "rsi_14", *macd, *bands, *volatility)
    risk = tuple(f"realised_volatility{year}_{days}_1d" for days in (30, 60, 90) for year in ("", "_annualised"))
    assert RETURNS_AND_RISK.columns == ("log_return_1", "price_momentum_1", *risk, "cumulative_return", "drawdown")
    spans = ("log_return_1", "log_return_6", "log_return_24")
    assert DIRECTION.columns == (*spans, "rsi_14", "close_to_ema_12", "close_to_ema_26")
    # 200 closes; 91 days of hours, whose last closes the 90th daily return; 26 closes.
    assert [one.warmup for one in (TECHNICAL, RETURNS_AND_RISK, DIRECTION)] == [199, 91 * 24 - 1, 25]
    sets = (TECHNICAL, RETURNS_AND_RISK, DIRECTION, NEXT_BAR, NEXT_BAR_FLOW)
    assert {one.name: one for one in sets} == FEATURE_SETS


@pytest.mark.parametrize("chosen", [TECHNICAL, RETURNS_AND_RISK, DIRECTION, SHORT], ids=lambda chosen: chosen.name)
def test_each_column_is_what_its_step_gives_alone(chosen: FeatureSet) -> None:
    count = chosen.warmup + 50
    bars = walk(count)
    matrix = chosen.run(bars).matrix
    assert matrix.shape == (count, len(chosen.columns))
    assert same_bits(matrix, np.column_stack([run_batch(step, bars)[0] for step in chosen.steps]))
    assert np.isnan(matrix[chosen.warmup - 1]).any()
    assert np.isfinite(matrix[chosen.warmup :]).all()


def test_daily_volatility_is_that_of_the_closes_of_the_days_that_are_over() -> None:
    bars = walk(40 * 24 + 7)
    column = RETURNS_AND_RISK.columns.index("realised_volatility_annualised_30_1d")
    found = RETURNS_AND_RISK.run(bars).matrix[:, column]
    closes = bars.close[23::24]  # the 40 last hours of a day
    returns = np.diff(np.log(closes))
    expected = [returns[day - 30 : day].std(ddof=1) * np.sqrt(365) for day in range(30, 40)]
    assert np.isnan(found[: 31 * 24 - 1]).all()
    # It stands through the 24 hours from the last one of a day, and the last day's through the hours of an open one.
    np.testing.assert_allclose(found[31 * 24 - 1 :], np.repeat(expected, 24)[: 40 * 24 + 7 - (31 * 24 - 1)], rtol=1e-9)


@settings(deadline=None)
@given(st.lists(st.integers(0, 79), unique=True, max_size=6).map(sorted), st.integers(0, 79))
def test_resuming_from_any_checkpoint_equals_one_pass(rows: list[int], hole: int) -> None:
    hours = [hour + (5 if hour > hole else 0) for hour in range(80)]
    bars = hourly(walk(80).close, hours=hours)
    whole = SHORT.run(bars)
    run = SHORT.run(bars, checkpoint_at=rows)
    assert same_bits(run.matrix, whole.matrix)
    assert run.state.save() == whole.state.save()
    assert len(run.checkpoints) == len(rows)
    for row, checkpoint in zip(rows, run.checkpoints, strict=True):
        assert checkpoint.last_close_time == bars.close_time[row]
        rest = SHORT.run(bars.rows(row + 1, 80), SetState.restore(checkpoint.save()))
        assert same_bits(rest.matrix, whole.matrix[row + 1 :])
        assert rest.state.save() == whole.state.save()


def restate_and_resume(chosen: FeatureSet, restated: int, months: list[int]) -> None:
    """Change one old bar, recompute from the last checkpoint before it, and compare with recomputing everything."""
    bars = recorded_btc()
    old = chosen.run(bars, checkpoint_at=months)
    close = bars.close.copy()
    close[restated] *= 1.001
    corrected = dataclasses.replace(bars, close=close)
    usable = [state for state in old.checkpoints if state.last_close_time <= bars.open_time[restated]]
    assert 0 < len(usable) < len(months)
    start = int(np.searchsorted(bars.open_time, usable[-1].last_close_time))
    suffix = chosen.run(corrected.rows(start, len(bars)), SetState.restore(usable[-1].save()))
    whole = chosen.run(corrected)
    assert same_bits(np.vstack([old.matrix[:start], suffix.matrix]), whole.matrix)
    assert not same_bits(old.matrix[restated], whole.matrix[restated])


@needs_recordings
@pytest.mark.recorded
@pytest.mark.parametrize("chosen", [TECHNICAL, RETURNS_AND_RISK, DIRECTION], ids=lambda chosen: chosen.name)
def test_a_restated_bar_costs_the_time_since_the_last_monthly_checkpoint(chosen: FeatureSet) -> None:
    month = recorded_btc().open_time.astype("datetime64[us]").astype("datetime64[M]")
    ends = np.flatnonzero(month[1:] != month[:-1]).tolist()
    assert len(ends) == 58
    restate_and_resume(chosen, restated=30_000, months=ends)


def test_a_run_writes_where_it_is_told_and_refuses_a_place_that_does_not_fit() -> None:
    bars, out = walk(50), np.full((len(SHORT.columns), 50), 7.0)
    run = SHORT.run(bars, checkpoint_at=[20], out=out)
    assert np.shares_memory(run.matrix, out)
    assert same_bits(run.matrix, SHORT.run(bars).matrix)
    for wrong in (out.T, out[:, :49], out[:, ::-1], out.astype(np.float32), np.broadcast_to(0.0, out.shape)):
        with pytest.raises(BadInputError, match="nowhere to write"):
            SHORT.run(bars, out=wrong)  # type: ignore[arg-type]  # one is of float32


def test_stream_equals_run_and_can_be_saved() -> None:
    bars = walk(60)
    stream = SHORT.stream()
    rows = []
    for row in range(60):
        if row == 30:
            stream = SHORT.stream(SetState.restore(stream.state.save()))
        foretold = stream.preview(bars.bar(row))
        rows.append(stream.update(bars.bar(row)))
        assert same_bits(foretold, rows[-1])
    run = SHORT.run(bars)
    assert same_bits(np.array(rows), run.matrix)
    assert stream.state.save() == run.state.save()


def test_hash_changes_with_name_version_parameters_and_order() -> None:
    a, b = Ema(12), Ema(26)
    variants = [
        FeatureSet("x", 1, (a, b)),
        FeatureSet("y", 1, (a, b)),
        FeatureSet("x", 2, (a, b)),
        FeatureSet("x", 1, (b, a)),
        FeatureSet("x", 1, (a, Ema(27))),
        FeatureSet("x", 1, (a,)),
    ]
    assert len({variant.hash for variant in variants}) == len(variants)
    assert FeatureSet("x", 1, (Ema(12), Ema(26))).hash == variants[0].hash


def test_state_of_another_set_is_refused() -> None:
    for other in (TECHNICAL, FeatureSet("x", 1, DIRECTION.steps[:2])):
        with pytest.raises(StateError):
            DIRECTION.run(walk(3), other.start())
    with pytest.raises(StateError, match="another step"):
        DIRECTION.stream(FeatureSet("x", 1, (*DIRECTION.steps[:-1], CloseToEma(27))).start())


@pytest.mark.parametrize("rows", [[3, 2], [2, 2], [-1], [10]], ids=["falling", "repeated", "negative", "past-the-end"])
def test_checkpoint_rows_out_of_order_or_range_are_refused(rows: list[int]) -> None:
    with pytest.raises(BadInputError, match="checkpoint rows"):
        SHORT.run(walk(10), checkpoint_at=rows)


def test_sets_without_steps_or_with_a_column_twice_are_refused() -> None:
    for steps in ((), (Ema(12), Rsi(14), Ema(12))):
        with pytest.raises(BadInputError, match="not a feature set"):
            FeatureSet("x", 1, steps)


def test_unknown_set_names_the_nearest() -> None:
    assert find_set("direction") is DIRECTION
    with pytest.raises(BadInputError, match="did you mean technical"):
        find_set("technicals")
    names = "direction, next_bar, next_bar_flow, returns_and_risk, technical"
    with pytest.raises(BadInputError, match=f"use one of {names}"):
        find_set("zzz")
