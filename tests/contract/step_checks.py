"""The list of checks that every Step passes on any bars, with holes, NaN and cuts anywhere.

Those that need no bars but their own are in ``step_facts.py``. Add a check to either and every indicator is held to
it, a user's own included.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np

from assay.features.bars import VALUE_COLUMNS, Bars, FloatArray
from assay.features.drivers import Stream, run_batch
from assay.features.state import StepState
from assay.features.step import Step
from tests.contract.step_cases import Case, with_columns
from tests.unit.features.made_bars import same_bits


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
    altered, _ = run_batch(step, with_columns(case.bars, doubled))
    assert same_bits(whole[:row], alone)
    assert same_bits(whole[:row], altered[:row])


def check_a_bar_with_nan_input_is_nan_and_otherwise_missing(step: Step, case: Case) -> None:
    values, state = run_batch(step, case.bars)
    is_nan = np.isnan([getattr(case.bars, name) for name in step.inputs])
    usable = ~is_nan.any(axis=0) if step.inputs else np.ones(len(case.bars), dtype=bool)
    there = ("open_time", "close_time", *VALUE_COLUMNS)
    compacted, end = run_batch(step, Bars(*(getattr(case.bars, name)[usable] for name in there)))
    assert np.isnan(values[~usable]).all()
    assert same_bits(values[usable], compacted)
    assert state.values == end.values or same_bits(np.array(state.values), np.array(end.values))
    assert same_bits(state.window, end.window)


def check_a_restated_bar_costs_the_bars_since_the_last_state_before_it(step: Step, case: Case) -> None:
    state, kept, edges = None, [], (0, *case.cuts, len(case.bars))
    for start, stop in itertools.pairwise(edges):
        state = run_batch(step, case.bars.rows(start, stop), state)[1]
        kept.append((stop, state.to_bytes()))
    if not len(case.bars):
        return
    restated = case.cuts[-1] - 1 if case.cuts and case.cuts[-1] else len(case.bars) - 1
    columns: dict[str, FloatArray] = {name: getattr(case.bars, name).copy() for name in VALUE_COLUMNS}
    for column in columns.values():
        column[restated] *= 1.25
    corrected = with_columns(case.bars, columns)
    whole, end = run_batch(step, corrected)
    opened = int(corrected.open_time[restated])
    usable = [(row, StepState.from_bytes(saved)) for row, saved in kept]
    row, before = max(
        ((row, one) for row, one in usable if one.last_close_time <= opened),
        key=lambda found: found[0],
        default=(0, StepState.start(step)),
    )
    again, after = run_batch(step, corrected.rows(row, len(corrected)), before)
    assert row <= restated
    assert same_bits(again, whole[row:])
    assert after.to_bytes() == end.to_bytes()


def check_only_the_declared_inputs_are_read(step: Step, case: Case) -> None:
    values, _ = run_batch(step, case.bars)
    unread = [name for name in VALUE_COLUMNS if name not in step.inputs]
    blank = np.full(len(case.bars), math.nan)
    altered, _ = run_batch(step, with_columns(case.bars, dict.fromkeys(unread, blank)))
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
    check_a_restated_bar_costs_the_bars_since_the_last_state_before_it,
    check_only_the_declared_inputs_are_read,
    check_a_run_leaves_its_arguments_alone_and_repeats_itself,
)
