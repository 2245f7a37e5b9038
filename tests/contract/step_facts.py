"""The list of checks that every Step passes on bars that the check makes.

What holds on any bars is in ``step_checks.py``.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from assay.domain.errors import BadInputError
from assay.features.bars import VALUE_COLUMNS, Bar, FloatArray
from assay.features.drivers import Stream, run_batch
from assay.features.stability import history_needed
from assay.features.state import StateError, StepState
from assay.features.step import Step, identity
from tests.contract.step_cases import with_columns
from tests.unit.features.made_bars import HOUR, hourly, same_bits, walk

LONGEST_HISTORY = 1000
"""Bars, and 40 warm-ups, after which a Step whose docs do not call it endless has forgotten what was before."""


def is_settled(step: Step, values: FloatArray) -> bool:
    """Whether all values are numbers, but for what the documentation says is undefined; none is infinite."""
    return bool(np.isfinite(values).all() or (step.docs.undefined and not np.isinf(values).any()))


def check_first_value_comes_exactly_after_the_warmup(step: Step) -> None:
    values, _ = run_batch(step, walk(step.warmup + 50))
    assert np.isnan(values[: step.warmup]).any(axis=1).all()
    assert is_settled(step, values[step.warmup :])


def check_constant_bars_give_a_constant_value(step: Step) -> None:
    if not step.inputs:  # it tells the time, which goes on
        return
    count = step.warmup + 500
    flat = dict.fromkeys(VALUE_COLUMNS, np.full(count, 0.1))
    values, _ = run_batch(step, with_columns(walk(count), flat))
    settled = values[step.warmup :]
    assert is_settled(step, settled)
    if not step.docs.endless:  # a running total of constant bars goes on as well
        np.testing.assert_allclose(settled, np.broadcast_to(settled[0], settled.shape), rtol=1e-12, atol=1e-12)


def check_tiny_and_huge_prices_stay_finite(step: Step) -> None:
    for scale in (1e-12, 1e12):
        values, _ = run_batch(step, walk(step.warmup + 200, scale=scale))
        assert is_settled(step, values[step.warmup :]), scale


def check_every_input_matters(step: Step) -> None:
    bars = walk(step.warmup + 20)
    for name in step.inputs:
        changed: FloatArray = getattr(bars, name) * np.linspace(1.0, 2.0, len(bars)) ** 2
        before, _ = run_batch(step, bars)
        after, _ = run_batch(step, with_columns(bars, {name: changed}))
        assert not same_bits(before, after), name


def others(step: Step) -> Iterator[Step]:
    """Yield the Step with each parameter in turn changed to another that is possible."""
    for field in dataclasses.fields(step):  # type: ignore[arg-type]
        if field.compare:
            yield from itertools.islice(_changed(step, field.name), 1)


def _changed(step: Step, name: str) -> Iterator[Step]:
    for value in _other_values(getattr(step, name)):
        try:
            changed: Step = dataclasses.replace(step, **{name: value})  # type: ignore[type-var]
        except BadInputError:
            continue
        if changed != step:
            yield changed


def _other_values(value: object) -> Iterator[object]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield from (value + 1, value - 1)
        if isinstance(value, float):
            yield from (value * 1.5, value / 2.0)
    elif isinstance(value, str):
        yield from ("1d", "America/New_York", "Europe/Berlin", "open", "high")
    elif dataclasses.is_dataclass(value):  # a Step within a Step
        yield from others(value)  # type: ignore[arg-type]


def check_other_parameters_are_another_step(step: Step) -> None:
    changed = list(others(step))
    assert bool(changed) == bool(dataclasses.fields(step))  # type: ignore[arg-type]
    for other in changed:
        assert identity(other) != identity(step)
        assert not set(other.outputs) & set(step.outputs)
        with pytest.raises(StateError, match="another step"):
            Stream(other, StepState.start(step))


def check_impossible_parameters_are_refused(step: Step) -> None:
    for field in dataclasses.fields(step):  # type: ignore[arg-type]
        for value in (-1_000_000_007, math.nan, math.inf, "twelve", None):
            with pytest.raises(BadInputError):
                dataclasses.replace(step, **{field.name: value})  # type: ignore[type-var]


def check_a_hole_does_what_the_gap_rule_says(step: Step) -> None:
    """Where a missing bar is skipped its place cannot be told; where a span is broken the Step begins anew after it."""
    rule = step.docs.gap_rule
    before = step.warmup + 30
    count, wide = before + step.warmup + 30, walk(before + step.warmup + 30)
    whole, _ = run_batch(step, wide)
    for missing in (1, 7):
        later = np.where(np.arange(count) < before, 0, missing * HOUR)
        holed = dataclasses.replace(wide, open_time=wide.open_time + later, close_time=wide.close_time + later)
        values, _ = run_batch(step, holed)
        assert same_bits(values[:before], whole[:before])
        if re.match(r"(as \w+: )?a missing bar is skipped", rule):
            assert same_bits(values, whole)
        elif rule.startswith("NaN while"):
            fresh, _ = run_batch(step, holed.rows(before, count))
            assert same_bits(np.isnan(values[before:]) * 1.0, np.isnan(fresh) * 1.0)
            np.testing.assert_allclose(values[before:], fresh, rtol=1e-9, atol=1e-12)


def check_history_wears_off_unless_called_endless(step: Step) -> None:
    """What never wears off shows on bars that move, or on some that stand still after they moved."""
    count = 40 * (step.warmup + 1) + LONGEST_HISTORY
    moving = walk(2 * count)
    still = {name: np.where(np.arange(2 * count) < count // 2, getattr(moving, name), 50.0) for name in VALUE_COLUMNS}
    needed = history_needed(step, moving, starts=4)
    if not step.docs.endless:
        assert needed is not None
    elif needed is not None:
        assert history_needed(step, with_columns(moving, still), starts=4) is None


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
    assert all(text == text.strip() for text in (docs.undefined, docs.endless))
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
    check_a_hole_does_what_the_gap_rule_says,
    check_history_wears_off_unless_called_endless,
    check_old_bars_are_refused_and_change_nothing,
    check_no_bars_give_no_rows_and_the_same_state,
    check_documented,
)
