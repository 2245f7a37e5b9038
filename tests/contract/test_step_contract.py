"""Every registered Step passes every check; and each check is shown to fail on a Step made wrong on purpose."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings

from assay.domain.errors import BadInputError
from assay.features.against import Against
from assay.features.bars import Bar, FloatArray
from assay.features.contract import FACTS, PROPERTIES, ContractError, facts, properties
from assay.features.higher import Higher
from assay.features.indicators.beta import Beta
from assay.features.indicators.ema import Ema, ema_kernel
from assay.features.indicators.log_return import LogReturn
from assay.features.indicators.rsi import Rsi
from assay.features.over import Over
from assay.features.registry import STEPS
from assay.features.step import NO_WINDOW, Kernel, Step, StepDocs, Values
from tests.contract.step_cases import LONGEST, Case, cases, instances, made_cases, recorded_case
from tests.unit.features.made_bars import needs_recordings, walk

pytestmark = pytest.mark.usefixtures("shared_kernels")
COMPOSED: list[Step] = [
    Over(Ema(3)),
    Over(LogReturn(3), Ema(3)),
    Higher(Rsi(3)),
    Over(Ema(2), Higher(LogReturn(1))),
    Higher(Over(Ema(3), "volume"), "1d"),
    Against(Beta(3)),
]
INSTANCES = [*instances(STEPS.values(), [3]), *COMPOSED]
IDS = [step.outputs[0] for step in INSTANCES]
SOAKED = [*instances(STEPS.values(), [2, 3, 5]), *COMPOSED]


def named(check: Callable[..., None]) -> str:
    return check.__name__.removeprefix("check_")


@pytest.mark.parametrize("check", PROPERTIES, ids=named)
@pytest.mark.parametrize("step", INSTANCES, ids=IDS)
def test_property_of_every_step(step: Step, check: Callable[[Step, Case], None]) -> None:
    for case in made_cases():
        check(step, case)


@pytest.mark.parametrize("check", FACTS, ids=named)
@pytest.mark.parametrize("step", INSTANCES, ids=IDS)
def test_fact_about_every_step(step: Step, check: Callable[[Step], None]) -> None:
    check(step)


@needs_recordings
@pytest.mark.recorded
@pytest.mark.parametrize("check", PROPERTIES, ids=named)
@pytest.mark.parametrize("step", [make() for make in STEPS.values()], ids=list(STEPS))
def test_property_of_every_step_on_real_bars_with_real_gaps(step: Step, check: Callable[[Step, Case], None]) -> None:
    check(step, recorded_case())


@pytest.mark.soak
@pytest.mark.parametrize("check", PROPERTIES, ids=named)
@pytest.mark.parametrize("step", SOAKED, ids=[step.outputs[0] for step in SOAKED])
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
@given(case=cases())
def test_property_of_every_step_on_any_bars(step: Step, check: Callable[[Step, Case], None], case: Case) -> None:
    check(step, case)


@pytest.mark.soak
@pytest.mark.parametrize("check", FACTS, ids=named)
@pytest.mark.parametrize("step", SOAKED, ids=[step.outputs[0] for step in SOAKED])
def test_fact_about_every_step_at_every_length(step: Step, check: Callable[[Step], None]) -> None:
    check(step)


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
    with pytest.raises(ContractError):
        properties.check_a_bar_with_nan_input_is_nan_and_otherwise_missing(Faulty(3, kernel_that_forgets_nan), case)


def test_a_step_that_reads_an_undeclared_column_is_noticed() -> None:
    with pytest.raises(ContractError):
        properties.check_only_the_declared_inputs_are_read(Faulty(3, kernel_that_reads_the_high), Case(walk(40), ()))


def test_a_step_that_ignores_its_input_is_noticed() -> None:
    with pytest.raises(ContractError):
        facts.check_every_input_matters(Faulty(3, kernel_that_counts_bars))


def test_a_step_that_drifts_on_constant_bars_is_noticed() -> None:
    with pytest.raises(ContractError):
        facts.check_constant_bars_give_a_constant_value(Faulty(3, kernel_that_counts_bars))


@pytest.mark.parametrize("late", [-1, 1])
def test_a_step_that_states_a_wrong_warmup_is_noticed(late: int) -> None:
    with pytest.raises(ContractError):
        facts.check_first_value_comes_exactly_after_the_warmup(Faulty(3, late=late))


def kernel_that_looks_at_the_clock(
    state: Values, window: FloatArray, bar: Bar, params: Values
) -> tuple[Values, Values]:
    state, outputs = ema_kernel(state, window, bar, params)
    return state, (outputs[0] * (1.0 + float(bar.open_time % 7_200_000_000)),)


def test_a_step_that_does_otherwise_than_its_gap_rule_says_is_noticed() -> None:
    with pytest.raises(ContractError):
        facts.check_a_hole_does_what_the_gap_rule_says(Faulty(3, kernel_that_looks_at_the_clock))

    class Broken(Ema):
        docs = dataclasses.replace(Ema.docs, gap_rule="NaN while a bar is missing among the last n")

    with pytest.raises(ContractError):
        facts.check_a_hole_does_what_the_gap_rule_says(Broken(3))


def kernel_that_adds_up(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    total = state[1] + (0.0 if math.isnan(bar.close) else bar.close)
    return (state[0], total), (total,)


def test_a_step_that_never_forgets_and_does_not_say_so_is_noticed_and_so_is_one_that_says_so_wrongly() -> None:
    class Endless(Ema):
        docs = dataclasses.replace(Ema.docs, endless="a running total")

    for wrong in (Faulty(3, kernel_that_adds_up), Endless(3)):
        with pytest.raises(ContractError):
            facts.check_history_wears_off_unless_called_endless(wrong)


def test_a_step_that_starts_differently_each_time_is_noticed_when_a_bar_is_restated() -> None:
    starts = iter(range(100))

    class Restless(Ema):
        def init(self) -> tuple[Values, FloatArray]:
            return (0.0, float(next(starts))), NO_WINDOW

    with pytest.raises(ContractError):
        properties.check_a_restated_bar_costs_the_bars_since_the_last_state_before_it(Restless(3), Case(walk(40), ()))


def test_a_kernel_that_reads_a_list_of_its_module_is_refused() -> None:
    with pytest.raises(BadInputError, match="reads what may change: 'HIDDEN'"):
        properties.check_stream_equals_batch(Faulty(3, kernel_that_hides_state), Case(walk(10), ()))


def test_a_kernel_written_inside_a_function_is_refused() -> None:
    hidden = [0.0]

    def kernel(state: Values, window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
        hidden[0] += bar.close
        return state, (hidden[0],)

    with pytest.raises(BadInputError, match="not a kernel"):
        properties.check_stream_equals_batch(Faulty(3, kernel), Case(walk(10), ()))


def kernel_that_writes_past_its_window(
    state: Values, window: FloatArray, bar: Bar, params: Values
) -> tuple[Values, Values]:
    window[int(params[0])] = bar.close
    return state, (bar.close,)


def test_a_kernel_that_writes_past_its_window_is_stopped_in_compiled_code_too() -> None:
    with pytest.raises(IndexError):
        properties.check_stream_equals_batch(Faulty(3, kernel_that_writes_past_its_window), Case(walk(10), ()))


def test_a_step_without_documentation_is_noticed() -> None:
    class Silent(Rsi):
        docs = StepDocs("", "", ("0 to 100",), "", "", "")

    with pytest.raises(ContractError):
        facts.check_documented(Silent())


def test_made_bars_are_long_enough_to_leave_the_warmup_of_every_kind_of_step() -> None:
    """The properties would say little about a Step whose only instances need more bars than are made."""
    late = {name for name in STEPS if not any(step.name == name and step.warmup < LONGEST // 2 for step in INSTANCES)}
    assert not late
