"""``assay features check``: the contract on every indicator of a file, and how fast each is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from assay.domain.interval import EPOCH
from assay.features.bars import VALUE_COLUMNS
from assay.features.compile import use_cache_dir
from assay.features.contract import Outcome, check_step
from assay.features.contract.cases import Case, walk
from assay.features.drivers import Stream, run_batch
from assay.features.own import read_file
from assay.features.registry import StepMaker
from assay.features.stability import history_needed
from assay.features.step import Step

_BATCH, _STREAM, _HISTORY = 100_000, 5_000, 4_000
_REPEATS = 5


@dataclass(frozen=True, slots=True)
class ExampleBars:
    """The smallest bars found that break a check.

    Attributes
    ----------
    open_time : list of str
        ISO 8601, UTC.
    columns : dict of str to list of float
        Every column of the bars; NaN where the source would not publish the value.
    inputs : tuple of str
        Those that the indicator says it reads.
    cuts : tuple of int
        Rows at which the bars were cut.
    """

    open_time: list[str]
    columns: dict[str, list[float]]
    inputs: tuple[str, ...]
    cuts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check: what is to hold, what does not (empty if it holds), of which parameters, and on which bars."""

    check: str
    passed: bool
    broken: str
    step: str
    example: ExampleBars | None


@dataclass(frozen=True, slots=True)
class StepCheck:
    """One indicator of a file.

    Attributes
    ----------
    name, identity : str
    checked_as : tuple of str
        Columns of each of the parameters that it was checked with.
    passed : bool
        Whether all checks hold.
    checks : tuple of CheckResult
    cases : int
        Stretches of bars that were tried.
    history : int or None
        Bars after which a fresh start gives the same values to 1e-9, on a random walk; None if more than 4,000, or if
        the check did not pass.
    batch_ns, stream_us : float or None
        Best time for a bar in a batch, in nanoseconds, and in a stream, in microseconds; None if a check did not pass.
    """

    name: str
    identity: str
    checked_as: tuple[str, ...]
    passed: bool
    checks: tuple[CheckResult, ...]
    cases: int
    history: int | None
    batch_ns: float | None
    stream_us: float | None


@dataclass(frozen=True, slots=True)
class FileCheck:
    """All indicators of a file, in the order in which they stand there."""

    file: str
    steps: tuple[StepCheck, ...]

    @property
    def passed(self) -> bool:
        """Whether all checks of all of them hold."""
        return all(step.passed for step in self.steps)

    def to_dict(self) -> dict[str, object]:
        """Return it as plain values for JSON."""
        return asdict(self) | {"passed": self.passed}


def check_file(path: Path, *, cache: Path, seed: int = 0, cases: int = 20) -> FileCheck:
    """Hold every indicator of a file against the contract.

    Parameters
    ----------
    path : Path
        A file like those that ``features.steps`` names; its code runs.
    cache : Path
        Where compiled kernels are kept.
    seed, cases : int
        Of the random bars, and how many stretches of them.

    Raises
    ------
    BadInputError
        If the file cannot be used at all.
    """
    use_cache_dir(cache)
    made = read_file(path)
    checked = tuple(_checked(make, seed, cases) for make in made.values())
    return FileCheck(str(path.expanduser().absolute()), checked)


def _checked(make: StepMaker, seed: int, cases: int) -> StepCheck:
    found, step = check_step(make, seed=seed, cases=cases), make()
    results = tuple(_result(one, step) for one in found.outcomes)
    history = batch_ns = stream_us = None
    if found.is_kept:
        history = history_needed(step, walk(2 * _HISTORY))
        batch_ns, stream_us = _speed(step)
    return StepCheck(
        step.name, found.step, found.steps, found.is_kept, results, found.cases, history, batch_ns, stream_us
    )


def _result(outcome: Outcome, step: Step) -> CheckResult:
    example = None if outcome.example is None else _shown(outcome.example, step)
    return CheckResult(outcome.check, outcome.is_kept, outcome.broken, outcome.step, example)


def _shown(case: Case, step: Step) -> ExampleBars:
    opened = [(EPOCH + timedelta(microseconds=one)).isoformat() for one in case.bars.open_time.tolist()]
    columns = {name: getattr(case.bars, name).tolist() for name in VALUE_COLUMNS}
    return ExampleBars(opened, columns, step.inputs, case.cuts)


def _speed(step: Step) -> tuple[float, float]:
    bars = walk(_BATCH)
    batch = _best(lambda: run_batch(step, bars)) / _BATCH
    rows = [bars.bar(row) for row in range(_STREAM)]

    def feed() -> None:
        stream = Stream(step)
        for bar in rows:
            stream.update(bar)

    return batch * 1e9, _best(feed) / _STREAM * 1e6


def _best(work: Callable[[], object]) -> float:
    """Return the shortest of some times, in seconds: what disturbs only ever adds."""
    taken = []
    for _ in range(_REPEATS):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return min(taken)
