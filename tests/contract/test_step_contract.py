"""Every registered Step passes every check; and each check is shown to fail on a Step made wrong on purpose."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.domain.errors import BadInputError
from assay.features.bars import Bar, FloatArray
from assay.features.ema import Ema, ema_kernel
from assay.features.registry import STEPS
from assay.features.rsi import Rsi
from assay.features.step import Kernel, Step, StepDocs, Values
from tests.contract import step_checks
from tests.contract.step_checks import FACTS, PROPERTIES, Case
from tests.unit.features.made_bars import hourly, needs_recordings, recorded_btc, walk

SHORT = (2, 5)
INSTANCES = [step for make in STEPS.values() for step in (make(), *(make(n) for n in SHORT))]
IDS = [step.outputs[0] for step in INSTANCES]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Bars of any scale with moves, flat stretches, holes and NaN in any place, and some cuts."""
    moves = st.sampled_from([0.0, 0.0, 0.01, -0.01, 0.3, -0.3]) | st.floats(-0.5, 0.5)
    steps = st.tuples(moves, st.sampled_from([1, 1, 1, 1, 1, 2, 25]), st.sampled_from([False] * 6 + [True]))
    rows = draw(st.lists(steps, max_size=60))
    scale = draw(st.sampled_from([1e-10, 1.0, 30_000.0, 1e10]))
    close = scale * np.exp(np.cumsum([move for move, _, _ in rows]))
    bars = hourly(close, hours=np.cumsum([hours for _, hours, _ in rows], dtype=np.int64).tolist())
    blank = np.array([is_nan for _, _, is_nan in rows], dtype=bool)
    holed = {name: np.where(blank, math.nan, getattr(bars, name)) for name in ("high", "close", "volume")}
    cuts = draw(st.lists(st.integers(0, len(rows)), max_size=5).map(sorted))
    return Case(dataclasses.replace(bars, **holed), tuple(cuts))


@pytest.mark.parametrize("check", PROPERTIES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("step", INSTANCES, ids=IDS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
@given(case=cases())
def test_property_of_every_step(step: Step, check: Callable[[Step, Case], None], case: Case) -> None:
    check(step, case)


@pytest.mark.parametrize("check", FACTS, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("step", INSTANCES, ids=IDS)
def test_fact_about_every_step(step: Step, check: Callable[[Step], None]) -> None:
    check(step)


@needs_recordings
@pytest.mark.recorded
@pytest.mark.parametrize("check", PROPERTIES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("step", [make() for make in STEPS.values()], ids=list(STEPS))
def test_property_of_every_step_on_real_bars_with_real_gaps(step: Step, check: Callable[[Step, Case], None]) -> None:
    bars = recorded_btc().rows(7400, 8400)  # 11, 2 and 8 hours pass before rows 70, 95 and 250
    assert np.flatnonzero(bars.open_time[1:] != bars.close_time[:-1]).tolist() == [69, 94, 249]
    check(step, Case(bars, (1, 70, 71, 94, 600)))


# Steps made wrong, and the check that must notice.


@dataclass(frozen=True)
class Faulty(Ema):
    """An EMA with whichever part replaced by a test."""

    fault: Kernel = ema_kernel
    late: int = 0

    @property
    def kernel(self) -> Kernel:
        return self.fault

    @property
    def warmup(self) -> int:
        return self.n - 1 + self.late


def kernel_that_forgets_nan(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    count, value = state
    n, weight = params
    value = weight * bar.close + (1.0 - weight) * value if count >= n else value + bar.close / n
    return (count + 1.0, value), (value if count + 1.0 >= n else math.nan,)


def kernel_that_reads_the_high(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    state, outputs = ema_kernel(state, window, bar, params)
    return state, (outputs[0] + (0.0 if math.isnan(bar.high) else bar.high),)


def kernel_that_counts_bars(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    return (state[0] + 1.0, 0.0), (state[0] + 1.0,)


HIDDEN = [0.0]


def kernel_that_hides_state(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    HIDDEN[0] += bar.close
    return state, (HIDDEN[0],)


def test_a_step_that_keeps_nan_is_noticed() -> None:
    bars = walk(40)
    close = bars.close.copy()
    close[20] = math.nan
    case = Case(dataclasses.replace(bars, close=close), ())
    with pytest.raises(AssertionError):
        step_checks.check_a_bar_with_nan_input_is_nan_and_otherwise_missing(Faulty(3, kernel_that_forgets_nan), case)


def test_a_step_that_reads_an_undeclared_column_is_noticed() -> None:
    with pytest.raises(AssertionError):
        step_checks.check_only_the_declared_inputs_are_read(Faulty(3, kernel_that_reads_the_high), Case(walk(40), ()))


def test_a_step_that_ignores_its_input_is_noticed() -> None:
    with pytest.raises(AssertionError):
        step_checks.check_every_input_matters(Faulty(3, kernel_that_counts_bars))


def test_a_step_that_drifts_on_constant_bars_is_noticed() -> None:
    with pytest.raises(AssertionError):
        step_checks.check_constant_bars_give_a_constant_value(Faulty(3, kernel_that_counts_bars))


@pytest.mark.parametrize("late", [-1, 1])
def test_a_step_that_states_a_wrong_warmup_is_noticed(late: int) -> None:
    with pytest.raises(AssertionError):
        step_checks.check_first_value_comes_exactly_after_the_warmup(Faulty(3, late=late))


def test_a_kernel_that_reads_a_list_of_its_module_is_refused() -> None:
    with pytest.raises(BadInputError, match="reads what may change: 'HIDDEN'"):
        step_checks.check_stream_equals_batch(Faulty(3, kernel_that_hides_state), Case(walk(10), ()))


def test_a_kernel_written_inside_a_function_is_refused() -> None:
    hidden = [0.0]

    def kernel(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
        hidden[0] += bar.close
        return state, (hidden[0],)

    with pytest.raises(BadInputError, match="not a kernel"):
        step_checks.check_stream_equals_batch(Faulty(3, kernel), Case(walk(10), ()))


def kernel_that_writes_past_its_window(
    state: Values, window: FloatArray, bar: Bar, params: Values
) -> tuple[Values, Values]:
    window[int(params[0])] = bar.close
    return state, (bar.close,)


def test_a_kernel_that_writes_past_its_window_is_stopped_in_compiled_code_too() -> None:
    with pytest.raises(IndexError):
        step_checks.check_stream_equals_batch(Faulty(3, kernel_that_writes_past_its_window), Case(walk(10), ()))


def test_a_step_without_documentation_is_noticed() -> None:
    class Silent(Rsi):
        docs = StepDocs("", "", ("0 to 100",), "", "", "")

    with pytest.raises(AssertionError):
        step_checks.check_documented(Silent())


def test_drawn_bars_are_long_enough_to_leave_the_warmup_of_every_kind_of_step() -> None:
    """The properties would say little about a Step whose only instances need more bars than are drawn."""
    assert all(any(step.name == name and step.warmup <= 5 for step in INSTANCES) for name in STEPS)
