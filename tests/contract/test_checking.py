"""`check_step` holds an indicator to the whole contract, and shows the smallest bars found that break it."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
import pytest

from assay.features.bars import Bar, FloatArray
from assay.features.contract import FACTS, PROPERTIES, Outcome, check_step
from assay.features.contract.cases import random_cases
from assay.features.contract.checking import RUNS
from assay.features.indicators.ema import Ema, ema_kernel
from assay.features.step import Kernel, Values

pytestmark = pytest.mark.usefixtures("shared_kernels")


def failing(make: type, **how: int) -> dict[str, Outcome]:
    checked = check_step(make, **how)
    return {one.check: one for one in checked.outcomes if not one.is_kept}


def test_a_shipped_indicator_holds_all_of_it() -> None:
    checked = check_step(Ema, cases=3)
    assert checked.is_kept
    assert checked.outcomes[0].check == RUNS
    assert len(checked.outcomes) == 1 + len(PROPERTIES) + 1 + len(FACTS)
    assert (checked.steps, checked.cases) == (("ema_12", "ema_2", "ema_3"), 9)


def kernel_that_reads_the_low_after_a_hole(
    state: Values, window: FloatArray, bar: Bar, params: Values
) -> tuple[Values, Values]:
    state, outputs = ema_kernel(state, window, bar, params)
    return state, (outputs[0] + (bar.low if bar.open_time % 86_400_000_000 == 0 and not math.isnan(bar.low) else 0.0),)


@dataclass(frozen=True)
class Nightly(Ema):
    """An average that looks at the low at midnight."""

    @property
    def kernel(self) -> Kernel:
        return kernel_that_reads_the_low_after_a_hole


def test_what_breaks_it_is_shown_with_few_and_simple_bars() -> None:
    found = failing(Nightly, cases=3)
    assert set(found) >= {"only the declared inputs are read", "a hole does what the gap rule says"}
    broken = found["only the declared inputs are read"]
    assert broken.broken.startswith("low is read, which `inputs` does not name: 'row ")
    assert broken.step.startswith("ema(n=2)")
    example = broken.example
    assert example is not None
    # Two bars of which one opens at midnight: one more, and an average of two has no value.
    assert len(example.bars) == 2
    assert (example.bars.open_time % 86_400_000_000 == 0).any()
    assert example.bars.volume.tolist() == example.bars.high.tolist() == [1.0, 1.0]
    assert found["a hole does what the gap rule says"].example is None


def kernel_that_overflows_in_time(
    state: Values, _window: FloatArray, bar: Bar, _params: Values
) -> tuple[Values, Values]:
    if math.isnan(bar.close):
        return state, (math.nan,)
    return (state[0] + 1.0, state[1]), (bar.close if state[0] < 1_500.0 else math.inf,)


@dataclass(frozen=True)
class Bursting(Ema):
    """An average that is infinite after a while."""

    @property
    def kernel(self) -> Kernel:
        return kernel_that_overflows_in_time


def test_what_goes_wrong_only_after_many_bars_is_found() -> None:
    found = failing(Bursting, cases=0)
    assert found["the kernel runs, and compiles"].broken == "an infinite value: 'at row 1500'"


def test_a_kernel_that_does_not_run_is_all_that_is_said() -> None:
    class Broken(Ema):
        @property
        def kernel(self) -> Kernel:
            return kernel_that_asks_for_what_no_bar_has

    checked = check_step(Broken, cases=1)
    (only,) = checked.outcomes
    line = kernel_that_asks_for_what_no_bar_has.__code__.co_firstlineno + 3
    assert only.broken == f"AttributeError: 'Bar' object has no attribute 'closing' (in test_checking.py, line {line})"


def kernel_that_asks_for_what_no_bar_has(
    state: Values, _window: FloatArray, bar: Bar, _params: Values
) -> tuple[Values, Values]:
    return state, (bar.closing,)  # type: ignore[attr-defined]


def test_parameters_that_nobody_checks_and_empty_docs_are_said() -> None:
    class Careless(Ema):
        docs = dataclasses.replace(Ema.docs, reference=" ")

        def __post_init__(self) -> None:
            """Check nothing."""

    found = failing(Careless, cases=0)
    assert found["impossible parameters are refused"].broken.startswith(
        "an impossible parameter is taken: 'n=-1000000007'; check parameters in __post_init__"
    )
    assert found["documented"].broken == "a part of the documentation is empty: 'docs.reference'"


def test_the_same_seed_gives_the_same_bars() -> None:
    def made(seed: int) -> list[bytes]:
        return [case.bars.close.tobytes() for case in random_cases(np.random.default_rng(seed), 5, longest=300)]

    assert made(1) == made(1) != made(2)
    for case in random_cases(np.random.default_rng(3), 20, longest=300):
        assert 1 <= len(case.bars) <= 300
        assert list(case.cuts) == sorted(case.cuts)
        assert all(0 <= cut <= len(case.bars) for cut in case.cuts)
