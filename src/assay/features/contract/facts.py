"""The checks that every Step passes on bars that the check makes.

What holds on any bars is in ``properties.py``. Each raises :class:`~assay.features.contract.broken.ContractError`.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
from collections.abc import Callable, Iterator

import numpy as np

from assay.domain.errors import BadInputError
from assay.features.bars import VALUE_COLUMNS, Bar, FloatArray
from assay.features.contract.broken import ContractError, expect, expect_close, expect_same, same_bits
from assay.features.contract.cases import HOUR, hourly, walk, with_columns
from assay.features.drivers import Stream, run_batch
from assay.features.stability import history_needed
from assay.features.state import StateError, StepState
from assay.features.step import Step, identity

LONGEST_HISTORY = 1000
"""Bars, and 40 warm-ups, after which a Step whose docs do not call it endless has forgotten what was before."""
_IMPOSSIBLE = (-1_000_000_007, math.nan, math.inf, "twelve", None)


def expect_settled(step: Step, values: FloatArray, when: str) -> None:
    """Raise ContractError unless all values are numbers, but for what the documentation says is undefined."""
    if np.isinf(values).any():
        row = int(np.argwhere(np.isinf(values))[0][0])
        raise ContractError(f"an infinite value {when}", value=f"row {row} of them: {values[row].tolist()}")
    if not step.docs.undefined and np.isnan(values).any():
        row = int(np.argwhere(np.isnan(values))[0][0])
        raise ContractError(
            f"no value {when}",
            value=f"row {row} of them: {values[row].tolist()}",
            todo="mend the warm-up or the kernel, or say in docs.undefined when there is none",
        )


def check_first_value_comes_exactly_after_the_warmup(step: Step) -> None:
    """Hold `warmup` to its word."""
    values, _ = run_batch(step, walk(step.warmup + 50))
    whole = np.flatnonzero(~np.isnan(values[: step.warmup]).any(axis=1))
    if whole.size:
        row = int(whole[0])
        what = f"a value comes before the warm-up of {step.warmup} bars is over"
        raise ContractError(what, value=f"row {row}: {values[row].tolist()}")
    expect_settled(step, values[step.warmup :], f"after the warm-up of {step.warmup} bars")


def check_constant_bars_give_a_constant_value(step: Step) -> None:
    """Look for a drift on bars that are all the same."""
    if not step.inputs:  # it tells the time, which goes on
        return
    count = step.warmup + 500
    flat = dict.fromkeys(VALUE_COLUMNS, np.full(count, 0.1))
    values, _ = run_batch(step, with_columns(walk(count), flat))
    settled = values[step.warmup :]
    expect_settled(step, settled, "on constant bars after the warm-up")
    if not step.docs.endless:  # a running total of constant bars goes on as well
        first = np.broadcast_to(settled[0], settled.shape)
        expect_close(settled, first, "values drift on constant bars", ("later", "first"), rtol=1e-12)


def check_tiny_and_huge_prices_stay_finite(step: Step) -> None:
    """Scale the prices by 1e-12 and 1e12."""
    for scale in (1e-12, 1e12):
        values, _ = run_batch(step, walk(step.warmup + 200, scale=scale))
        expect_settled(step, values[step.warmup :], f"after the warm-up, at prices around {scale:g}")


def check_every_input_matters(step: Step) -> None:
    """Change each of `inputs` in turn."""
    bars = walk(step.warmup + 20)
    for name in step.inputs:
        changed: FloatArray = getattr(bars, name) * np.linspace(1.0, 2.0, len(bars)) ** 2
        before, _ = run_batch(step, bars)
        after, _ = run_batch(step, with_columns(bars, {name: changed}))
        expect(not same_bits(before, after), "an input is named that changes nothing", name)


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
    """Change each parameter: columns have other names, and states are refused."""
    changed = list(others(step))
    has_parameters = bool(dataclasses.fields(step))  # type: ignore[arg-type]
    expect(bool(changed) == has_parameters, "no parameter can be another than the usual one")
    for other in changed:
        expect(identity(other) != identity(step), "a parameter is not part of the identity", other)
        shared = set(other.outputs) & set(step.outputs)
        expect(not shared, "other parameters give a column of the same name", f"{', '.join(shared)} of {other}")
        try:
            Stream(other, StepState.start(step))
        except StateError:
            continue
        raise ContractError("the state of other parameters is taken", value=other)


def check_impossible_parameters_are_refused(step: Step) -> None:
    """Give each parameter what no parameter can be."""
    for field in dataclasses.fields(step):  # type: ignore[arg-type]
        for value in _IMPOSSIBLE:
            given = f"{field.name}={value!r}"
            todo = "check parameters in __post_init__, with check_length or check_factor"
            try:
                dataclasses.replace(step, **{field.name: value})  # type: ignore[type-var]
            except BadInputError:
                continue
            except Exception as error:
                what = f"an impossible parameter raises {type(error).__name__} and not BadInputError"
                raise ContractError(what, value=given, todo=todo) from error
            raise ContractError("an impossible parameter is taken", value=given, todo=todo)


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
        hole = f"with {missing} bars missing after row {before - 1}"
        names = "with the hole", "without"
        expect_same(values[:before], whole[:before], f"values before a hole change {hole}", names)
        if re.match(r"(as \w+: )?a missing bar is skipped", rule):
            expect_same(values, whole, f"a missing bar is not skipped, as docs.gap_rule says, {hole}", names)
        elif rule.startswith("NaN while"):
            fresh, _ = run_batch(step, holed.rows(before, count))
            after = values[before:]
            what = f"values after a hole are not those of a fresh start, as docs.gap_rule says, {hole}"
            expect_same(np.isnan(after) * 1.0, np.isnan(fresh) * 1.0, f"{what}: 1 is NaN", ("gone on", "fresh"))
            expect_close(after, fresh, what, ("gone on", "fresh"), rtol=1e-9)


def check_history_wears_off_unless_called_endless(step: Step) -> None:
    """Begin anew: what never wears off shows on bars that move, or on some that stand still after they moved."""
    count = 40 * (step.warmup + 1) + LONGEST_HISTORY
    moving = walk(2 * count)
    still = {name: np.where(np.arange(2 * count) < count // 2, getattr(moving, name), 50.0) for name in VALUE_COLUMNS}
    needed = history_needed(step, moving, starts=4)
    if not step.docs.endless:
        if needed is None:
            todo = "say in docs.endless why a value depends on every bar since the first, or let it forget"
            raise ContractError(f"a fresh start has not come to the same values after {count} bars", todo=todo)
    elif needed is not None and history_needed(step, with_columns(moving, still), starts=4) is not None:
        what = "docs.endless is said of values that forget"
        raise ContractError(what, value=f"{needed} bars are enough", todo="leave it empty")


def check_old_bars_are_refused_and_change_nothing(step: Step) -> None:
    """Feed a stream bars that it has seen, and infinite values."""
    bars = walk(step.warmup + 5)
    stream = Stream(step)
    for row in range(len(bars)):
        stream.update(bars.bar(row))
    saved = stream.save()
    last = bars.bar(len(bars) - 1)
    later = Bar(int(bars.close_time[-1]), int(bars.close_time[-1]) + HOUR, *[math.inf] * 5)
    for bar in (last, bars.bar(0), last._replace(open_time=last.open_time + 1)):
        _expect_refused(lambda bar=bar: stream.update(bar), "opens before", bar)  # type: ignore[misc]
    _expect_refused(lambda: stream.update(later), "infinite", later)
    _expect_refused(lambda: run_batch(step, bars.rows(len(bars) - 1, len(bars)), stream.state), "opens before", last)
    expect(stream.save() == saved, "a bar that is refused changes the state")


def _expect_refused(feed: Callable[[], object], why: str, bar: Bar) -> None:
    try:
        feed()
    except BadInputError as error:
        expect(why in error.what, "a bar is refused for another reason", error)
        return
    raise ContractError("a bar that is old or infinite is taken", value=bar)


def check_no_bars_give_no_rows_and_the_same_state(step: Step) -> None:
    """Run over nothing."""
    values, state = run_batch(step, hourly([]))
    expect(values.shape == (0, len(step.outputs)), "no bars give rows", values.shape)
    expect(state.to_bytes() == StepState.start(step).to_bytes(), "no bars change the state")


def check_documented(step: Step) -> None:
    """Look whether everything is said that a page shows."""
    docs = step.docs
    texts = {name: getattr(docs, name) for name in ("title", "formula", "gap_rule", "nan_rule", "reference")}
    texts |= {f"units[{place}]": unit for place, unit in enumerate(docs.units)}
    for name, text in texts.items():
        expect(bool(text.strip()), "a part of the documentation is empty", f"docs.{name}")
    for name in ("undefined", "endless"):
        expect(getattr(docs, name) == getattr(docs, name).strip(), "blanks around a text", f"docs.{name}")
    expect(len(docs.units) == len(step.outputs) == len(set(step.outputs)), "not one unit for each output", docs.units)
    named = all(name == name.lower() and name.isidentifier() for name in step.outputs)
    expect(named, "outputs are written in small letters, digits and _", step.outputs)
    expect(set(step.inputs) <= set(VALUE_COLUMNS), "inputs are columns of a bar", step.inputs)
    own = type(step).__doc__ or ""  # a dataclass without one gets its signature
    expect(bool(own.strip()) and not own.startswith(f"{type(step).__name__}("), "the class has no docstring")
    type(step)()  # every parameter has a default


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
