"""A planted mistake and its honest twin: one small function each, as a user writes it, and what the prover must say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from assay.evidence.causality import Audit, Leak, Subject, audit
from tests.leaks import bars

Function = Callable[..., Any]
Given: TypeAlias = Any
Run = Callable[["Case"], Audit]

NO_SOURCES: Mapping[str, Callable[[], Any]] = {}


@dataclass(frozen=True, slots=True)
class Case:
    """One function, what it is given, and what the prover must say of it.

    `kind` is None for an honest one. `lag` is in bars, and None where there is no one number. `also` may be found in
    the same column, and is right. `is_seldom`: much like another one, and only run with the long proofs.
    """

    function: Function
    kind: Leak | None
    column: str
    lag: int | None
    frame: Callable[[], Any]
    run: Run
    target: str = ""
    also: tuple[Leak, ...] = ()
    is_seldom: bool = False
    sources: Mapping[str, Callable[[], Any]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.function.__name__

    @property
    def what(self) -> str:
        """The mistake in words: the first line of the function's docstring."""
        return (self.function.__doc__ or "").strip().splitlines()[0].rstrip(".")

    def audit(self) -> Audit:
        return self.run(self)


def columns(case: Case) -> Audit:
    """Audit a function that makes columns of a frame."""
    sources = {name: make() for name, make in case.sources.items()}
    return audit(Subject(case.name, case.function, target=case.target), case.frame(), sources=sources)


def labels(case: Case) -> Audit:
    """Audit a function that makes labels: value, start and end of each."""
    from assay.evidence.causality import audit_label

    return audit_label(Subject(case.name, case.function, target="value"), case.frame())


def fits(case: Case) -> Audit:
    """Audit what was fitted on what: the function gives the fitted thing, x, y, train and test."""
    pipeline, x, y, train, test = case.function(case.frame())
    from assay.evidence.causality import audit_fit

    return audit_fit(pipeline, x, y, train=train, test=test)


def splits(case: Case) -> Audit:
    """Audit how rows were split: the function gives known_at, until, train and test."""
    known_at, until, train, test = case.function(case.frame())
    from assay.evidence.causality import audit_split

    return audit_split(known_at, train=train, test=test, until=until)


@dataclass(frozen=True, slots=True)
class Cases:
    """Where the decorators put the functions."""

    planted: list[Case] = field(default_factory=list)
    honest: list[Case] = field(default_factory=list)

    def leak(  # what is expected stands beside the function
        self,
        kind: Leak,
        column: str = "",
        *,
        lag: int | None = None,
        frame: Callable[[], Any] = bars.hours,
        run: Run = columns,
        **more: Given,
    ) -> Callable[[Function], Function]:
        """Plant the function: the prover must find this kind, in this column."""

        def keep(function: Function) -> Function:
            self.planted.append(Case(function, kind, column, lag, frame, run, **more))
            return function

        return keep

    def twin(
        self, *, frame: Callable[[], Any] = bars.hours, run: Run = columns, **more: Given
    ) -> Callable[[Function], Function]:
        """Keep the function as an honest one: nothing may be found."""

        def keep(function: Function) -> Function:
            self.honest.append(Case(function, None, "", None, frame, run, **more))
            return function

        return keep


CASES = Cases()
