"""The checks that every Step passes on any bars, with holes, NaN and cuts anywhere.

Those that need no bars but their own are in ``facts.py``. Each raises
:class:`~assay.features.contract.broken.ContractError`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np

from assay.features.bars import VALUE_COLUMNS, Bars, FloatArray
from assay.features.contract.broken import ContractError, expect, expect_same, same_bits
from assay.features.contract.cases import Case, with_columns
from assay.features.drivers import Stream, run_batch
from assay.features.indicators.log_return import LogReturn
from assay.features.sets import FeatureSet
from assay.features.state import StepState
from assay.features.step import Step


def check_compiled_code_equals_the_kernel_run_in_python(step: Step, case: Case) -> None:
    """Hold the compiled kernel against the same function run as it is written."""
    state, window = step.init()
    rows = []
    for row in range(len(case.bars)):
        state, outputs = step.kernel(state, window, case.bars.bar(row), step.params)
        rows.append(outputs)
    values, after = run_batch(step, case.bars)
    names = "compiled", "in Python"
    expect_same(values, _matrix(rows, step), "compiled code and the kernel run in Python differ", names)
    what = "compiled code and the kernel run in Python leave another"
    expect_same(np.array(after.values), np.array(state, dtype=np.float64), f"{what} state", names)
    expect_same(after.window, window, f"{what} window", names)


def check_stream_equals_batch(step: Step, case: Case) -> None:
    """Feed the bars one by one, and all at once."""
    stream = Stream(step)
    rows = [stream.update(case.bars.bar(row)) for row in range(len(case.bars))]
    values, state = run_batch(step, case.bars)
    expect_same(_matrix(rows, step), values, "stream and batch differ", ("stream", "batch"))
    expect(stream.save() == state.to_bytes(), "stream and batch leave another state")


def check_chunks_with_saved_states_equal_one_pass(step: Step, case: Case) -> None:
    """Cut the bars anywhere, and save and restore the state at each cut."""
    state, parts, edges = None, [], (0, *case.cuts, len(case.bars))
    for start, stop in itertools.pairwise(edges):
        values, state = run_batch(step, case.bars.rows(start, stop), state)
        state = StepState.from_bytes(state.to_bytes())
        parts.append(values)
    whole, end = run_batch(step, case.bars)
    expect_same(np.concatenate(parts), whole, "chunks and one pass differ", ("chunks", "one pass"))
    expect(state is not None and state.to_bytes() == end.to_bytes(), "chunks and one pass leave another state")


def check_stream_restored_midway_goes_on_alike(step: Step, case: Case) -> None:
    """Save a stream in the middle, go on, go back, and begin another from what was saved."""
    middle = case.cuts[0] if case.cuts else len(case.bars) // 2
    stream = Stream(step)
    for row in range(middle):
        stream.update(case.bars.bar(row))
    saved = stream.save()
    rest = [case.bars.bar(row) for row in range(middle, len(case.bars))]
    expected = _matrix([stream.update(bar) for bar in rest], step)
    stream.restore(saved)
    rewound = _matrix([stream.update(bar) for bar in rest], step)
    fresh = Stream(step, StepState.from_bytes(saved))
    restarted = _matrix([fresh.update(bar) for bar in rest], step)
    names = "restored", "gone on"
    expect_same(rewound, expected, f"a stream restored after {middle} bars goes on otherwise", names)
    expect_same(restarted, expected, f"another stream restored after {middle} bars goes on otherwise", names)
    expect(stream.save() == fresh.save(), "restored streams come to another state")


def check_preview_changes_nothing_and_foretells_the_update(step: Step, case: Case) -> None:
    """Look at bars that are still open."""
    stream = Stream(step)
    for row in range(len(case.bars)):
        bar = case.bars.bar(row)
        before = stream.save()
        stream.preview(bar._replace(close=bar.close * 1.5, high=bar.high * 2.0))
        foretold = stream.preview(bar)
        expect(stream.save() == before, "a preview changes the state", f"row {row}")
        updated = stream.update(bar)
        names = "preview", "update"
        expect_same(np.array(foretold), np.array(updated), f"preview and update differ at row {row}", names)


def check_the_future_changes_nothing(step: Step, case: Case) -> None:
    """Leave out the bars after a row, and double them."""
    row = case.cuts[0] if case.cuts else len(case.bars) // 2
    whole, _ = run_batch(step, case.bars)
    alone, _ = run_batch(step, case.bars.rows(0, row))
    doubled = {name: getattr(case.bars, name).copy() for name in VALUE_COLUMNS}
    for column in doubled.values():
        column[row:] *= 2.0
    altered, _ = run_batch(step, with_columns(case.bars, doubled))
    what = f"a value depends on bars after it (from row {row} on)"
    expect_same(whole[:row], alone, what, ("with them", "without"))
    expect_same(whole[:row], altered[:row], what, ("as they were", "doubled"))


def check_a_bar_with_nan_input_is_nan_and_otherwise_missing(step: Step, case: Case) -> None:
    """Leave out the bars that lack one of the inputs."""
    values, state = run_batch(step, case.bars)
    is_nan = np.isnan([getattr(case.bars, name) for name in step.inputs])
    usable = ~is_nan.any(axis=0) if step.inputs else np.ones(len(case.bars), dtype=bool)
    there = ("open_time", "close_time", *VALUE_COLUMNS)
    compacted, end = run_batch(step, Bars(*(getattr(case.bars, name)[usable] for name in there)))
    wrong = np.flatnonzero(~usable & ~np.isnan(values).all(axis=1))
    if wrong.size:
        row = int(wrong[0])
        raise ContractError("a bar with NaN in an input has a value", value=f"row {row}: {values[row].tolist()}")
    names = "with bars of NaN", "without them"
    expect_same(values[usable], compacted, "a bar with NaN in an input changes later values", names)
    is_same = state.values == end.values or same_bits(np.array(state.values), np.array(end.values))
    expect(is_same and same_bits(state.window, end.window), "a bar with NaN in an input changes the state")


def check_a_restated_bar_costs_the_bars_since_the_last_state_before_it(step: Step, case: Case) -> None:
    """Correct a bar, and go on from the last state before it."""
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
    expect(row <= restated, "a state claims to be before a bar that it has seen", f"row {restated}")
    what = f"going on from the state before a restated bar (row {restated}) differs"
    expect_same(again, whole[row:], what, ("gone on", "all anew"))
    expect(after.to_bytes() == end.to_bytes(), f"{what}: it comes to another state")


def check_only_the_declared_inputs_are_read(step: Step, case: Case) -> None:
    """Blank the columns that the Step does not name in `inputs`."""
    values, _ = run_batch(step, case.bars)
    unread = [name for name in VALUE_COLUMNS if name not in step.inputs]
    if same_bits(values, _blanked(step, case, unread)):
        return
    for name in unread:
        what = f"{name} is read, which `inputs` does not name"
        expect_same(values, _blanked(step, case, [name]), what, ("with it", "with NaN in its place"))
    raise ContractError("columns are read that `inputs` does not name", value=", ".join(unread))


def _blanked(step: Step, case: Case, names: Sequence[str]) -> FloatArray:
    blank = np.full(len(case.bars), math.nan)
    return run_batch(step, with_columns(case.bars, dict.fromkeys(names, blank)))[0]


def check_a_run_leaves_its_arguments_alone_and_repeats_itself(step: Step, case: Case) -> None:
    """Run twice from one state."""
    start = StepState.start(step)
    before = start.to_bytes()
    first, end = run_batch(step, case.bars, start)
    second, again = run_batch(step, case.bars, start)
    expect(start.to_bytes() == before, "a run changes the state it begins with")
    expect_same(first, second, "the same run twice differs", ("first", "second"))
    expect(end.to_bytes() == again.to_bytes(), "the same run twice leaves another state")


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


def check_a_feature_set_with_it_streams_as_its_batch(step: Step, case: Case) -> None:
    """Run it in a set, where its kernel becomes part of one compiled function for a bar.

    Not one of :data:`PROPERTIES`: to compile it for each of many Steps takes minutes, and sets have tests of their own.
    """
    chosen = FeatureSet("checked", 1, (step, LogReturn(1) if step.name != LogReturn.name else LogReturn(2)))
    stream = chosen.stream()
    rows = [stream.update(case.bars.bar(row)) for row in range(len(case.bars))]
    run = chosen.run(case.bars)
    found = np.array(rows, dtype=np.float64).reshape(-1, len(chosen.columns))
    expect_same(found, run.matrix, "stream and batch of a feature set differ", ("stream", "batch"))
    expect(stream.state.save() == run.state.save(), "stream and batch of a feature set leave another state")


def _matrix(rows: list[tuple[float, ...]], step: Step) -> FloatArray:
    return np.array(rows, dtype=np.float64).reshape(-1, len(step.outputs))
