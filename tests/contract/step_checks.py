"""The one list of checks that every Step passes.

``PROPERTIES`` hold on any bars, with holes, NaN and cuts anywhere; ``FACTS`` need no bars but those they make.
Add a check here and every indicator is held to it, a user's own included.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from assay.domain.errors import BadInputError
from assay.features.bars import VALUE_COLUMNS, Bar, Bars, FloatArray
from assay.features.drivers import Stream, run_batch
from assay.features.state import StateError, StepState
from assay.features.step import Step, identity
from tests.unit.features.made_bars import HOUR, START, hourly, same_bits, walk


@dataclass(frozen=True)
class Case:
    """Bars, and row numbers at which to cut them, in rising order and possibly repeated."""

    bars: Bars
    cuts: tuple[int, ...]


def _with(bars: Bars, columns: dict[str, FloatArray]) -> Bars:
    there = {name: getattr(bars, name) for name in ("open_time", "close_time", *VALUE_COLUMNS)}
    return Bars(**(there | columns))


# Properties


def check_compiled_code_equals_the_kernel_run_in_python(step: Step, case: Case) -> None:
    state, window = step.init()
    rows = []
    for row in range(len(case.bars)):
        state, outputs = step.kernel(state, window, case.bars.bar(row), step.params)
        rows.append(outputs)
    expected = np.array(rows, dtype=np.float64).reshape(-1, len(step.outputs))
    values, after = run_batch(step, case.bars)
    assert same_bits(values, expected)
    assert same_bits(np.array(after.values), np.array(state))
    assert same_bits(after.window, window)


def check_stream_equals_batch(step: Step, case: Case) -> None:
    stream = Stream(step)
    rows = [stream.update(case.bars.bar(row)) for row in range(len(case.bars))]
    values, state = run_batch(step, case.bars)
    assert same_bits(values, np.array(rows, dtype=np.float64).reshape(-1, len(step.outputs)))
    assert stream.save() == state.to_bytes()


def check_chunks_with_saved_states_equal_one_pass(step: Step, case: Case) -> None:
    state, parts, edges = None, [], (0, *case.cuts, len(case.bars))
    for start, stop in itertools.pairwise(edges):
        values, state = run_batch(step, case.bars.rows(start, stop), state)
        state = StepState.from_bytes(state.to_bytes())
        parts.append(values)
    whole, end = run_batch(step, case.bars)
    assert same_bits(np.concatenate(parts), whole)
    assert state is not None
    assert state.to_bytes() == end.to_bytes()


def check_stream_restored_midway_goes_on_alike(step: Step, case: Case) -> None:
    middle = case.cuts[0] if case.cuts else len(case.bars) // 2
    stream = Stream(step)
    for row in range(middle):
        stream.update(case.bars.bar(row))
    saved = stream.save()
    rest = [case.bars.bar(row) for row in range(middle, len(case.bars))]
    expected = [stream.update(bar) for bar in rest]
    stream.restore(saved)
    rewound = [stream.update(bar) for bar in rest]
    fresh = Stream(step, StepState.from_bytes(saved))
    restarted = [fresh.update(bar) for bar in rest]
    assert same_bits(np.array(expected), np.array(rewound))
    assert same_bits(np.array(expected), np.array(restarted))
    assert stream.save() == fresh.save()


def check_preview_changes_nothing_and_foretells_the_update(step: Step, case: Case) -> None:
    stream = Stream(step)
    for row in range(len(case.bars)):
        bar = case.bars.bar(row)
        before = stream.save()
        stream.preview(bar._replace(close=bar.close * 1.5, high=bar.high * 2.0))
        foretold = stream.preview(bar)
        assert stream.save() == before
        assert same_bits(np.array(foretold), np.array(stream.update(bar)))


def check_the_future_changes_nothing(step: Step, case: Case) -> None:
    row = case.cuts[0] if case.cuts else len(case.bars) // 2
    whole, _ = run_batch(step, case.bars)
    alone, _ = run_batch(step, case.bars.rows(0, row))
    doubled = {name: getattr(case.bars, name).copy() for name in VALUE_COLUMNS}
    for column in doubled.values():
        column[row:] *= 2.0
    altered, _ = run_batch(step, _with(case.bars, doubled))
    assert same_bits(whole[:row], alone)
    assert same_bits(whole[:row], altered[:row])


def check_a_bar_with_nan_input_is_nan_and_otherwise_missing(step: Step, case: Case) -> None:
    values, state = run_batch(step, case.bars)
    usable = ~np.isnan([getattr(case.bars, name) for name in step.inputs]).any(axis=0)
    there = ("open_time", "close_time", *VALUE_COLUMNS)
    compacted, end = run_batch(step, Bars(*(getattr(case.bars, name)[usable] for name in there)))
    assert np.isnan(values[~usable]).all()
    assert same_bits(values[usable], compacted)
    assert state.values == end.values or same_bits(np.array(state.values), np.array(end.values))
    assert same_bits(state.window, end.window)


def check_only_the_declared_inputs_are_read(step: Step, case: Case) -> None:
    values, _ = run_batch(step, case.bars)
    unread = [name for name in VALUE_COLUMNS if name not in step.inputs]
    blank = np.full(len(case.bars), math.nan)
    altered, _ = run_batch(step, _with(case.bars, dict.fromkeys(unread, blank)))
    assert same_bits(values, altered)


def check_a_run_leaves_its_arguments_alone_and_repeats_itself(step: Step, case: Case) -> None:
    start = StepState.start(step)
    before = start.to_bytes()
    first, end = run_batch(step, case.bars, start)
    second, again = run_batch(step, case.bars, start)
    assert start.to_bytes() == before
    assert same_bits(first, second)
    assert end.to_bytes() == again.to_bytes()


PROPERTIES: tuple[Callable[[Step, Case], None], ...] = (
    check_compiled_code_equals_the_kernel_run_in_python,
    check_stream_equals_batch,
    check_chunks_with_saved_states_equal_one_pass,
    check_stream_restored_midway_goes_on_alike,
    check_preview_changes_nothing_and_foretells_the_update,
    check_the_future_changes_nothing,
    check_a_bar_with_nan_input_is_nan_and_otherwise_missing,
    check_only_the_declared_inputs_are_read,
    check_a_run_leaves_its_arguments_alone_and_repeats_itself,
)


# Facts


def check_first_value_comes_exactly_after_the_warmup(step: Step) -> None:
    values, _ = run_batch(step, walk(step.warmup + 50))
    assert np.isnan(values[: step.warmup]).any(axis=1).all()
    assert np.isfinite(values[step.warmup :]).all()


def check_constant_bars_give_a_constant_value(step: Step) -> None:
    count = step.warmup + 500
    flat = np.full(count, 0.1)
    opened = START + np.arange(count) * HOUR
    values, _ = run_batch(step, Bars(opened, opened + HOUR, flat, flat, flat, flat, flat, flat, flat, flat))
    settled = values[step.warmup :]
    assert np.isfinite(settled).all()
    np.testing.assert_allclose(settled, np.broadcast_to(settled[0], settled.shape), rtol=1e-12, atol=1e-12)


def check_tiny_and_huge_prices_stay_finite(step: Step) -> None:
    for scale in (1e-12, 1e12):
        values, _ = run_batch(step, walk(step.warmup + 200, scale=scale))
        assert np.isfinite(values[step.warmup :]).all(), scale


def check_every_input_matters(step: Step) -> None:
    bars = walk(step.warmup + 20)
    for name in step.inputs:
        changed: FloatArray = getattr(bars, name) * np.linspace(1.0, 2.0, len(bars)) ** 2
        before, _ = run_batch(step, bars)
        after, _ = run_batch(step, _with(bars, {name: changed}))
        assert not same_bits(before, after), name


def check_other_parameters_are_another_step(step: Step) -> None:
    for field in dataclasses.fields(step):  # type: ignore[arg-type]
        other = dataclasses.replace(step, **{field.name: getattr(step, field.name) + 1})  # type: ignore[type-var]
        assert identity(other) != identity(step)
        assert not set(other.outputs) & set(step.outputs)
        with pytest.raises(StateError, match="another step"):
            Stream(other, StepState.start(step))


def check_impossible_parameters_are_refused(step: Step) -> None:
    for field in dataclasses.fields(step):  # type: ignore[arg-type]
        for value in (-1, 0, math.nan, "12"):
            with pytest.raises(BadInputError):
                dataclasses.replace(step, **{field.name: value})  # type: ignore[type-var]


def check_old_bars_are_refused_and_change_nothing(step: Step) -> None:
    bars = walk(step.warmup + 5)
    stream = Stream(step)
    for row in range(len(bars)):
        stream.update(bars.bar(row))
    saved = stream.save()
    for bar in (
        bars.bar(len(bars) - 1),
        bars.bar(0),
        bars.bar(len(bars) - 1)._replace(open_time=bars.open_time[-1] + 1),
    ):
        with pytest.raises(BadInputError, match="opens before"):
            stream.update(bar)
    later = Bar(int(bars.close_time[-1]), int(bars.close_time[-1]) + HOUR, *[math.inf] * 5)
    with pytest.raises(BadInputError, match="infinite"):
        stream.update(later)
    with pytest.raises(BadInputError, match="opens before"):
        run_batch(step, bars.rows(len(bars) - 1, len(bars)), stream.state)
    assert stream.save() == saved


def check_no_bars_give_no_rows_and_the_same_state(step: Step) -> None:
    values, state = run_batch(step, hourly([]))
    assert values.shape == (0, len(step.outputs))
    assert state.to_bytes() == StepState.start(step).to_bytes()


def check_documented(step: Step) -> None:
    docs = step.docs
    texts = (docs.title, docs.formula, docs.gap_rule, docs.nan_rule, docs.reference, *docs.units)
    assert all(text.strip() for text in texts)
    assert len(docs.units) == len(step.outputs) == len(set(step.outputs))
    assert all(name == name.lower() and name.isidentifier() for name in step.outputs)
    assert set(step.inputs) <= set(VALUE_COLUMNS)
    assert type(step).__doc__
    assert type(step)() is not None, "every parameter has a default"


FACTS: tuple[Callable[[Step], None], ...] = (
    check_first_value_comes_exactly_after_the_warmup,
    check_constant_bars_give_a_constant_value,
    check_tiny_and_huge_prices_stay_finite,
    check_every_input_matters,
    check_other_parameters_are_another_step,
    check_impossible_parameters_are_refused,
    check_old_bars_are_refused_and_change_nothing,
    check_no_bars_give_no_rows_and_the_same_state,
    check_documented,
)
