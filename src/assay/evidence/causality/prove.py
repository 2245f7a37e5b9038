"""The audit: every probe over one subject, what they found, and a certificate if that is nothing.

>>> import polars as pl
>>> hours = pl.datetime_range(pl.datetime(2026, 1, 1), pl.datetime(2026, 1, 20), "1h", eager=True)
>>> close = 100.0 + np.random.default_rng(0).normal(size=len(hours)).cumsum()
>>> bars = pl.DataFrame({"open_time": hours, "close": close})
>>> found = audit(lambda bars: bars.select("open_time", next=pl.col("close").shift(-3) / pl.col("close") - 1), bars)
>>> [(one.kind.value, one.column, one.lag) for one in found.findings]
[('future_value', 'next', 3)]
>>> audit(lambda bars: bars.select("open_time", past=pl.col("close").pct_change(3)), bars).is_causal
True
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from assay.domain.errors import BadInputError
from assay.evidence.causality import frames
from assay.evidence.causality.certificate import Certificate
from assay.evidence.causality.experiment import Experiment, Seen
from assay.evidence.causality.explain import explain, explain_rows, series_of_row, time_of_row
from assay.evidence.causality.findings import Audit, Check, Evidence, Finding, Leak
from assay.evidence.causality.moments import even, special
from assay.evidence.causality.output import BoolArray
from assay.evidence.causality.probes import ROWS, Sightings, by_comb, by_cuts, memory_of, spacing
from assay.evidence.causality.subject import Compute, Subject
from assay.evidence.causality.targets import told_by
from assay.evidence.causality.words import TODO, listed

Density = Literal["sampled", "full"]
_EACH = 4
"""Cuts at special places of one kind."""
LABEL_COLUMNS = ("until", "start", "end", "span_start", "span_end", "weight")
"""Columns that tell the span of a label, and belong to it where there is a target."""


def audit(
    subject: Subject | Compute,
    frame: Any,  # noqa: ANN401  # of either library
    *,
    sources: Mapping[str, Any] | None = None,
    density: Density = "sampled",
    seed: int = 0,
) -> Audit:
    """Check whether a computation sees the future.

    Parameters
    ----------
    subject : Subject or function
        Takes the frame, and the sources by their names.
    frame : DataFrame or Series of Polars or pandas
        Bars, or any table with a time; rows of several series may be in it.
    sources : mapping of str to DataFrame, optional
        Other tables that the computation joins: each is cut by when its own rows came.
    density : str, default "sampled"
        ``full`` cuts after every moment; ``sampled`` at some, and covers the rows in between by the comb where the
        computation forgets.
    seed : int
        Of the values that stand in for the future, and of the cuts.

    Returns
    -------
    Audit
        The same for the same arguments.

    Raises
    ------
    BadInputError
        If there is nothing to audit, or the computation fails on the whole frame.
    """
    experiment = Experiment(Subject.of(subject), frame, sources or {}, seed=seed)
    try:
        return audit_experiment(experiment, density=density, seed=seed)
    finally:
        experiment.state.put_back()


def audit_experiment(
    experiment: Experiment, *, density: Density, seed: int, only: tuple[str, ...] | None = None
) -> Audit:
    """Run every probe on an experiment, over all columns or some; as :func:`audit`."""
    if density not in {"sampled", "full"}:
        raise BadInputError("unknown density of an audit", value=density, todo="write sampled or full")
    subject = experiment.subject
    if subject.target and subject.target not in experiment.whole.columns:
        todo = f"the columns are {', '.join(experiment.whole.columns)}"
        raise BadInputError("no such target in what was computed", value=subject.target, todo=todo)
    skipped, findings = _repeated(experiment)
    checks = [_check(experiment, "repeated", "computed twice, with the same result", findings, density=1.0)]
    label = {subject.target, *LABEL_COLUMNS} if subject.target else set()
    left_out = [name in label or (only is not None and name not in only) for name in experiment.whole.columns]
    skipped |= np.array(left_out, dtype=np.bool_)
    if findings and skipped.all():
        # What differs after a cut would differ without one too: it says nothing of the future.
        checks.append(Check("truncation", "not possible where no two calls agree", len(experiment.whole.time), 0, True))
    else:
        probed, found = _probe(experiment, skipped, is_full=density == "full", rng=np.random.default_rng(seed))
        checks += probed
        findings += found
    if subject.target:
        told = _against_the_target(experiment, label)
        checks.append(_check(experiment, "target", f"columns held against {subject.target}", told, density=1.0))
        findings += told
    return _concluded(experiment, checks, findings)


def _repeated(experiment: Experiment) -> tuple[BoolArray, list[Finding]]:
    """Compute once more, and return which columns cannot be compared, and why."""
    whole = experiment.whole
    seen = experiment.again()
    cells = experiment.differ(seen)
    skipped = np.asarray(cells.any(axis=0), dtype=np.bool_)
    if not seen.present.all() or seen.own.size:
        skipped[:] = True
    if not skipped.any():
        return skipped, []
    names = listed(experiment.state.changes()) if experiment.is_stateful else ""
    if names:  # with the state put back it can be compared
        cause = f"a second call gives something else: {names} is kept from the first"
        return np.zeros_like(skipped), [_repeat_finding(experiment, Leak.HIDDEN_STATE, cause, seen)]
    apart = int((~seen.present).sum()) + seen.own.size
    what = f"other rows ({apart:,} of them)" if apart else f"other values ({int(cells.any(axis=1).sum()):,} rows)"
    cause = f"a second call on the same data gives {what}, so that nothing can be said of the future"
    return skipped, [_repeat_finding(experiment, Leak.NOT_DETERMINISTIC, cause, seen)] if whole.time.size else []


def _repeat_finding(experiment: Experiment, kind: Leak, cause: str, seen: Seen) -> Finding:
    whole, cells = experiment.whole, experiment.differ(seen)
    columns = np.flatnonzero(cells.any(axis=0))
    row = int(np.flatnonzero(cells.any(axis=1))[0]) if columns.size else None
    values: tuple[float | None, float | None] = (None, None)
    if row is not None:
        column = int(np.flatnonzero(cells[row])[0])
        values = float(whole.values[row, column]), float(seen.values[row, column])
    return Finding(
        kind,
        listed([whole.columns[one] for one in columns.tolist()]) if columns.size else "",
        cause,
        TODO[kind],
        row=row,
        time=None if row is None else time_of_row(experiment, row),
        series="" if row is None else series_of_row(experiment, row),
        before=values[0],
        after=values[1],
        evidence=Evidence("repeated", leaking=int(cells.any(axis=1).sum()), checked=len(cells)),
    )


def _probe(
    experiment: Experiment, skipped: BoolArray, *, is_full: bool, rng: np.random.Generator
) -> tuple[list[Check], list[Finding]]:
    """Cut, change and comb; return what was checked and what was found."""
    sightings = Sightings()
    by_cuts(experiment, even(experiment, is_full=is_full, rng=rng), skipped, sightings)
    apart = spacing(sightings.cuts, experiment.moments.size)
    leaking = np.zeros_like(skipped)
    leaking[[one for one in sightings.columns() if one >= 0]] = True
    quiet = ~skipped & ~leaking
    covered: dict[int, int] = {}
    if quiet.any() and not is_full and not sightings.of_rows():
        covered = by_comb(experiment, memory_of(experiment, rng), quiet, sightings, reach=apart)
    if quiet.any() and not is_full:
        # Where the comb has looked at every row, the special places are seen once more, from both sides of a hole.
        is_covered = len(covered) == int(quiet.sum())
        by_cuts(experiment, special(experiment, each=1 if is_covered else _EACH, rng=rng), skipped, sightings)
    findings = [explain(experiment, sightings, one) for one in sightings.columns() if one != ROWS]
    if sightings.of_rows():
        # A column that changes because rows come and go is not another leak.
        findings = [explain_rows(experiment, sightings), *(one for one in findings if one.kind in _OWN_KINDS)]
    return _described(experiment, sightings, covered, (apart, findings, quiet)), findings


_COPIES = (Leak.TARGET_COPY, Leak.TARGET_NEAR_COPY)
_OWN_KINDS = (Leak.FUTURE_VALUE, Leak.CENTRED_WINDOW, Leak.EVENT_TIME_JOIN, Leak.HIGHER_INTERVAL_BY_OPEN_TIME)


def _described(
    experiment: Experiment,
    sightings: Sightings,
    covered: dict[int, int],
    found: tuple[int, list[Finding], BoolArray],
) -> list[Check]:
    apart, findings, quiet = found
    cuts = np.unique(sightings.cuts)
    at_cut = int(np.isin(experiment.place, cuts).sum())
    is_last = int((experiment.place >= experiment.moments.size - 1).sum())
    exact = "bit for bit" if experiment.subject.tolerance == 0.0 else f"to {experiment.subject.tolerance:g}"
    what = f"data cut after {cuts.size:,} of {experiment.moments.size:,} moments, compared {exact}"
    if experiment.refused:
        what += f"; refused by the computation {experiment.refused:,} times"
    rows = experiment.whole.time.size
    by_cut = [one for one in findings if not one.evidence or one.evidence.probe in {"truncation", "perturbation"}]
    checks = [
        Check("truncation", what, rows, min(rows, at_cut + is_last), not by_cut),
        Check("perturbation", "other values put after some of the same moments", rows, at_cut, not by_cut),
    ]
    if at_cut + is_last >= rows:
        return checks
    ahead = min(covered.values(), default=0)
    is_all = bool(quiet.any()) and len(covered) == int(quiet.sum())
    names = listed([experiment.whole.columns[one] for one in np.flatnonzero(quiet).tolist() if one not in covered])
    what = f"single moments changed in step: no row reads 1 to {ahead:,} ahead, and the cuts are {apart:,} apart"
    if not is_all:
        what = f"not possible for {names or 'columns that leak'}, which remember too long: see the truncation"
    comb = [one for one in findings if one.evidence and one.evidence.probe == "comb"]
    is_complete = is_all and ahead >= apart
    return [*checks, Check("comb", what, rows, rows if is_complete else 0, not comb)]


def _against_the_target(experiment: Experiment, label: set[str]) -> list[Finding]:
    whole, name = experiment.whole, experiment.subject.target
    target = whole.values[:, whole.columns.index(name)]
    found = []
    for number, column in enumerate(whole.columns):
        told = None if column in label else told_by(whole.values[:, number], target)
        if told is None:
            continue
        if told.kind is Leak.TARGET_COPY:
            cause = f"it is the target {name!r} itself"
        elif np.isfinite(told.accuracy):
            cause = f"it alone gives the target {name!r} right in {told.accuracy:.2%} of rows it was not learned from"
        else:
            cause = f"it alone explains {told.share:.2%} of the target {name!r}"
        evidence = Evidence("target", leaking=len(target), checked=len(target))
        found.append(Finding(told.kind, column, cause, TODO[told.kind], lag=0, evidence=evidence))
    return found


def _check(experiment: Experiment, name: str, what: str, findings: list[Finding], *, density: float) -> Check:
    rows = experiment.whole.time.size
    return Check(name, what, rows, int(rows * density), not findings)


def _concluded(experiment: Experiment, checks: list[Check], findings: list[Finding]) -> Audit:
    subject = experiment.subject
    order = {kind: number for number, kind in enumerate(Leak)}
    unique = {(one.kind, one.column): one for one in reversed(findings)}
    # A column that is the target needs no second word on how it reads ahead.
    copies = {one.column for one in findings if one.kind in _COPIES}
    kept = [one for one in reversed(unique.values()) if one.column not in copies or one.kind in _COPIES]
    kept.sort(key=lambda one: (one.column, order[one.kind]))
    certificate = None
    if not kept:
        certificate = Certificate.of(
            subject.name,
            code=subject.source,
            config=subject.config,
            data_version=data_version(experiment),
            checks=tuple(one.name for one in checks if one.outcome == "passed"),
            density=max((one.density for one in checks if one.name in {"truncation", "comb"}), default=1.0),
        )
    return Audit(subject.name, tuple(checks), tuple(kept), certificate)


def data_version(experiment: Experiment) -> str:
    """Return 16 hexadecimal digits of the data that was given: keys, moments and numbers."""
    digest = hashlib.sha256()
    for name, table in (("", experiment.table), *sorted(experiment.sources.items())):
        digest.update(name.encode() + ",".join(table.names).encode())
        for array in (table.time, table.series, table.known):
            digest.update(array.astype("<i8").tobytes())
        for column in table.free:
            digest.update(
                column.encode() + frames.numbers_of(frames.column(table.frame, column)).astype("<f8").tobytes()
            )
    return digest.hexdigest()[:16]
