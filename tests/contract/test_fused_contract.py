"""A set in one compiled function gives bit for bit what its Steps give one by one, whatever kind they are of."""

from __future__ import annotations

import math

import numpy as np
import pytest

from assay.domain.errors import BadInputError
from assay.features.bars import VALUE_COLUMNS, Bars, FloatArray, IntArray
from assay.features.drivers import run_batch
from assay.features.fused import ABSENT
from assay.features.higher import Higher
from assay.features.indicators.ema import Ema
from assay.features.indicators.log_return import LogReturn
from assay.features.indicators.rsi import Rsi
from assay.features.many import ManyStreams, run_many
from assay.features.over import Over
from assay.features.registry import STEPS
from assay.features.sets import FeatureSet, SetState
from assay.features.state import StateError
from assay.features.step import Step
from tests.contract.step_cases import Case, instances, made_cases, short
from tests.unit.features.made_bars import HOUR, same_bits, walk

pytestmark = pytest.mark.usefixtures("shared_kernels")
STATELESS = [step for make in STEPS.values() if not (step := make()).inputs]
MIXED = FeatureSet(
    "mixed",
    1,
    (
        short(STEPS["bollinger"], 3),
        Ema(3),
        *STATELESS[:1],
        LogReturn(2),
        short(STEPS["stochastic"], 3),
        Over(Ema(2), Rsi(3)),
        Higher(Rsi(2), "4h"),
    ),
)


def rows_of(bars: Bars) -> tuple[IntArray, FloatArray]:
    return np.column_stack([bars.open_time, bars.close_time]), np.column_stack(bars.columns)


def check_stream_equals_batch(chosen: FeatureSet, case: Case) -> None:
    whole = chosen.run(case.bars)
    alone = [run_batch(step, case.bars)[0] for step in chosen.steps]
    assert same_bits(whole.matrix, np.column_stack(alone))
    stream, middle = chosen.stream(), case.cuts[0]
    for row in range(len(case.bars)):
        if row == middle:
            stream = chosen.stream(SetState.restore(stream.state.save()))
        bar = case.bars.bar(row)
        before = stream.state.save()
        stream.preview(bar._replace(close=bar.close * 1.5))
        foretold = stream.preview(bar)
        assert stream.state.save() == before
        found = stream.update(bar)
        assert same_bits(found, whole.matrix[row])
        assert same_bits(found, foretold)
    assert stream.state.save() == whole.state.save()


@pytest.mark.parametrize("case", made_cases())
def test_stream_of_a_set_equals_its_steps_one_by_one(case: Case) -> None:
    check_stream_equals_batch(MIXED, case)


@pytest.mark.soak
@pytest.mark.parametrize("first", range(8))
def test_stream_of_any_set_equals_its_steps_one_by_one(first: int) -> None:
    every: list[Step] = instances(STEPS.values(), [3])
    for case in made_cases():
        check_stream_equals_batch(FeatureSet("some", 1, tuple(every[first::8])), case)


def test_many_series_in_one_call_equal_each_alone() -> None:
    """Seven series with holes of their own: where one has no bar the others go on."""
    series = [walk(60, seed=seed, scale=10.0**seed) for seed in range(7)]
    rows = [rows_of(bars) for bars in series]
    rng = np.random.default_rng(1)
    is_there = rng.random((60, len(series))) < 0.8
    streams = ManyStreams(MIXED, len(series))
    found = np.empty((60, len(series), len(MIXED.columns)))
    for row in range(60):
        times = np.array([one[0][row] for one in rows])
        times[~is_there[row], 0] = ABSENT
        values = np.array([one[1][row] for one in rows])
        foretold = streams.preview(times, values)
        if row == 30:
            streams = ManyStreams(MIXED, len(series), {place: streams.state(place) for place in range(len(series))})
        streams.update(times, values, out=found[row])
        assert same_bits(found[row], foretold)
    for place, bars in enumerate(series):
        here = np.flatnonzero(is_there[:, place])
        run = MIXED.run(
            Bars(
                *(
                    np.ascontiguousarray(getattr(bars, name)[here])
                    for name in ("open_time", "close_time", *VALUE_COLUMNS)
                )
            )
        )
        assert same_bits(found[here, place], run.matrix)
        assert streams.state(place).save() == run.state.save()
        assert np.isnan(found[~is_there[:, place], place]).all()


@pytest.mark.parametrize("threads", [1, 3])
def test_histories_of_many_series_equal_each_alone_on_any_number_of_threads(threads: int) -> None:
    series = {f"S{seed}": walk(200 + seed, seed=seed) for seed in range(5)}
    half = {name: MIXED.run(bars.rows(0, 100)) for name, bars in series.items()}
    rest = {name: bars.rows(100, len(bars)) for name, bars in series.items()}
    runs = run_many(MIXED, rest, {name: run.state for name, run in half.items()}, threads=threads)
    assert list(runs) == list(series)
    for name, bars in series.items():
        whole = MIXED.run(bars)
        assert same_bits(np.vstack([half[name].matrix, runs[name].matrix]), whole.matrix)
        assert runs[name].state.save() == whole.state.save()


def test_a_bar_that_is_refused_changes_nothing_of_any_series() -> None:
    bars = walk(40)
    times, values = rows_of(bars)
    streams, stream = ManyStreams(MIXED, 3), MIXED.stream()
    for row in range(30):
        streams.update(np.repeat(times[row][None], 3, axis=0), np.repeat(values[row][None], 3, axis=0))
        stream.update(bars.bar(row))
    saved = [streams.state(place).save() for place in range(3)]
    again, infinite = np.repeat(times[30][None], 3, axis=0), np.repeat(values[30][None], 3, axis=0)
    again[2] = times[29]
    with pytest.raises(BadInputError, match="opens before the last one closed"):
        streams.update(again, infinite)
    again[2] = times[30]
    infinite[1, 8] = -math.inf
    with pytest.raises(BadInputError, match="an infinite value"):
        streams.update(again, infinite)
    with pytest.raises(BadInputError, match="opens before the last one closed"):
        stream.update(bars.bar(29))
    with pytest.raises(BadInputError, match="an infinite value"):
        stream.preview(bars.bar(30)._replace(volume=math.inf))
    assert [streams.state(place).save() for place in range(3)] == saved
    assert stream.state.save() == saved[0]


def test_arrays_of_another_shape_and_states_of_another_set_are_refused() -> None:
    streams = ManyStreams(MIXED, 2)
    times, values = np.array([[0, HOUR]] * 2), np.ones((2, 9))
    for wrong in ((times[:1], values), (times, values[:, :8]), (times[:, :1], values)):
        with pytest.raises(BadInputError, match="arrays of another shape"):
            streams.update(*wrong)
    with pytest.raises(BadInputError, match="arrays of another shape"):
        streams.update(times, values, out=np.empty((len(MIXED.columns), 2)).T)
    with pytest.raises(StateError):
        ManyStreams(MIXED, 2, {0: FeatureSet("x", 1, (Ema(3),)).start()})
    with pytest.raises(BadInputError, match="no such place"):
        ManyStreams(MIXED, 2, {2: MIXED.start()})


def test_a_state_taken_from_a_stream_stays_as_it_was() -> None:
    bars = walk(20)
    stream = MIXED.stream()
    for row in range(10):
        stream.update(bars.bar(row))
    state = stream.state
    saved = state.save()
    for row in range(10, 20):
        stream.update(bars.bar(row))
    assert state.save() == saved
