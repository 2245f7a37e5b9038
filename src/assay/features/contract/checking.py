"""The whole contract on one indicator, with the smallest bars found that break it.

>>> from assay.features.indicators.ema import Ema
>>> checked = check_step(Ema, cases=1)
>>> checked.is_kept, checked.outcomes[0].check
(True, 'the kernel runs, and compiles')
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assay.domain.errors import AssayError
from assay.features.bars import VALUE_COLUMNS, Bars
from assay.features.contract.broken import ContractError, expect
from assay.features.contract.cases import (
    HOUR,
    LONGEST,
    START,
    Case,
    instances,
    made_cases,
    random_cases,
    walk,
    with_columns,
)
from assay.features.contract.facts import FACTS
from assay.features.contract.properties import PROPERTIES, check_a_feature_set_with_it_streams_as_its_batch
from assay.features.drivers import run_batch
from assay.features.own import first_line, line_of
from assay.features.registry import StepMaker
from assay.features.step import Step, identity

RUNS = "the kernel runs, and compiles"
_SHORT = (2, 3)
_LONG = 2_000
_MOST_BARS = 600
_MOST_TRIES = 400


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What one check said.

    Attributes
    ----------
    check : str
        What is to hold, in words.
    broken : str
        What does not; empty where it holds.
    step : str
        Identity of the Step, with the parameters that break it; empty where it holds.
    example : Case or None
        The smallest bars found that break it; None where it holds, or the check makes its own.
    """

    check: str
    broken: str = ""
    step: str = ""
    example: Case | None = None

    @property
    def is_kept(self) -> bool:
        """Whether it holds."""
        return not self.broken


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """What the contract said of one indicator.

    Attributes
    ----------
    step : str
        Identity of it with its usual parameters.
    steps : tuple of str
        Columns of each of the parameters it was checked with: the usual ones, and short lengths.
    outcomes : tuple of Outcome
        One for each check; only the first if the kernel does not compile.
    cases : int
        Stretches of bars that the properties were checked on.
    """

    step: str
    steps: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    cases: int

    @property
    def is_kept(self) -> bool:
        """Whether all of it holds."""
        return all(outcome.is_kept for outcome in self.outcomes)


def check_step(make: StepMaker, *, seed: int = 0, cases: int = 20) -> Checked:
    """Run every check on an indicator, with its usual parameters and with short lengths.

    Parameters
    ----------
    make : class of a Step
    seed : int
        Of the random bars; the same seed gives the same bars.
    cases : int
        Random stretches of bars, besides those that are always tried.
    """
    steps = instances([make], _SHORT)
    usual, named = identity(steps[0]), tuple(", ".join(step.outputs) for step in steps)
    steps.sort(key=lambda step: step.warmup)  # what breaks with few bars is easier to see
    runs = _first_broken(RUNS, _runs, steps)
    if not runs.is_kept:
        return Checked(usual, named, (runs,), 0)
    longest = min(_MOST_BARS, max(LONGEST, 2 * min(step.warmup for step in steps) + 20))
    tried = (*made_cases(), *random_cases(np.random.default_rng(seed), cases, longest=longest))
    properties = [_property(check, steps, tried) for check in PROPERTIES]
    properties.append(_property(check_a_feature_set_with_it_streams_as_its_batch, steps[:1], tried))
    facts = [_first_broken(_words(check), check, steps) for check in FACTS]
    return Checked(usual, named, (runs, *properties, *facts), len(tried))


def smallest(check: Callable[[Step, Case], None], step: Step, case: Case) -> Case:
    """Return few and simple bars on which `check` fails as it does on `case`.

    Rows are left out as long as it does, then cuts; then columns stand still, holes close and digits go.
    """
    kind = _failure(check, step, case)
    tries = 0

    def still(candidate: Case) -> bool:
        nonlocal tries
        tries += 1
        return tries <= _MOST_TRIES and _failure(check, step, candidate) == kind

    size = len(case.bars) // 2
    while size:
        start = 0
        while start < len(case.bars):
            fewer = _without(case, start, start + size)
            if still(fewer):
                case = fewer
            else:
                start += size
        size //= 2
    for simpler in _simpler:
        case = next((candidate for candidate in simpler(case) if still(candidate)), case)
    return case


def _property(check: Callable[[Step, Case], None], steps: Iterable[Step], cases: Iterable[Case]) -> Outcome:
    tried = tuple(cases)
    name = _words(check)
    for step in steps:
        for case in tried:
            if _failure(check, step, case):
                example = smallest(check, step, case)
                said = _said(functools.partial(check, step, example), step)
                return Outcome(name, said, identity(step), example)
    return Outcome(name)


def _first_broken(name: str, check: Callable[[Step], object], steps: Iterable[Step]) -> Outcome:
    for step in steps:
        said = _said(functools.partial(check, step), step)
        if said:
            return Outcome(name, said, identity(step))
    return Outcome(name)


def _runs(step: Step) -> None:
    """Run the kernel in Python, which tells the line where it fails, and compiled."""
    bars = walk(max(step.warmup + 3, _LONG))  # long enough for what overflows or runs out of its window in time
    state, window = step.init()
    for row in range(len(bars)):
        state, outputs = step.kernel(state, window, bars.bar(row), step.params)
        expect(len(outputs) == len(step.outputs), "the kernel gives another number of outputs", len(outputs))
    values, _ = run_batch(step, bars)
    endless = np.flatnonzero(np.isinf(values).any(axis=1))
    expect(not endless.size, "an infinite value", f"at row {endless[0]}" if endless.size else None)


def _said(check: Callable[[], object], step: Step) -> str:
    """Return what a check says is broken; empty if it holds."""
    try:
        check()
    except ContractError as broken:
        return str(broken)
    except Exception as error:  # noqa: BLE001  # it is somebody's own code: whatever it raises is the answer
        path = Path(step.kernel.__code__.co_filename)  # it is a plain function
        told = str(error) if isinstance(error, AssayError) else f"{type(error).__name__}: {first_line(error)}"
        return f"{told} (in {path.name}{line_of(error, path)})" if line_of(error, path) else told
    return ""


def _failure(check: Callable[[Step, Case], None], step: Step, case: Case) -> str:
    """Return of which kind the failure of a check is; empty if it holds."""
    try:
        check(step, case)
    except ContractError as broken:
        return "".join(one for one in broken.what if not one.isdigit())
    except Exception as error:  # noqa: BLE001  # as above
        return type(error).__name__
    return ""


def _words(check: Callable[..., object]) -> str:
    words = getattr(check, "__name__", "").removeprefix("check_").replace("_", " ")
    return words.replace(" nan ", " NaN ").replace(" python", " Python")


def _without(case: Case, start: int, stop: int) -> Case:
    kept = np.r_[0:start, min(stop, len(case.bars)) : len(case.bars)]
    gone = min(stop, len(case.bars)) - start
    cuts = tuple(cut if cut <= start else max(start, cut - gone) for cut in case.cuts)
    return Case(_rows(case.bars, kept), cuts)


def _rows(bars: Bars, kept: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Bars:
    return Bars(*(getattr(bars, name)[kept] for name in ("open_time", "close_time", *VALUE_COLUMNS)))


def _fewer_cuts(case: Case) -> Iterable[Case]:
    yield Case(case.bars, ())
    yield from (Case(case.bars, (cut,)) for cut in sorted(set(case.cuts)))


def _standing_still(name: str, case: Case) -> Iterable[Case]:
    yield Case(with_columns(case.bars, {name: np.ones(len(case.bars))}), case.cuts)


def _around_hundred(case: Case) -> Iterable[Case]:
    known = case.bars.close[np.isfinite(case.bars.close)]
    if known.size and known[0] > 0.0:
        scaled = {name: getattr(case.bars, name) * (100.0 / known[0]) for name in VALUE_COLUMNS}
        yield Case(with_columns(case.bars, scaled), case.cuts)


def _without_holes(case: Case) -> Iterable[Case]:
    opened = START + np.arange(len(case.bars), dtype=np.int64) * HOUR
    values = (getattr(case.bars, name) for name in VALUE_COLUMNS)
    yield Case(Bars(opened, opened + HOUR, *values), case.cuts)


def _rounded(case: Case) -> Iterable[Case]:
    for digits in (1, 2, 4):
        columns = {
            name: np.array([float(f"{value:.{digits}g}") for value in getattr(case.bars, name)])
            for name in VALUE_COLUMNS
        }
        yield Case(with_columns(case.bars, columns), case.cuts)


_simpler: tuple[Callable[[Case], Iterable[Case]], ...] = (
    _fewer_cuts,
    _without_holes,
    _around_hundred,
    _rounded,
    *(functools.partial(_standing_still, name) for name in VALUE_COLUMNS),
)
