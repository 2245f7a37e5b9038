"""Labels look ahead on purpose; what is checked is that they look no further than they declare, and not backwards.

>>> import polars as pl
>>> hours = pl.datetime_range(pl.datetime(2026, 1, 1), pl.datetime(2026, 1, 20), "1h", eager=True)
>>> bars = pl.DataFrame({"open_time": hours, "close": np.random.default_rng(0).normal(size=len(hours)).cumsum()})
>>> def rises(bars):
...     closes = pl.col("open_time").dt.offset_by("1h")
...     value = (pl.col("close").shift(-3) > pl.col("close")).cast(float)
...     return bars.select("open_time", value=value, start=closes, end=closes.dt.offset_by("2h"))
>>> [(one.kind.value, one.lag) for one in audit_label(Subject.of(rises, target="value"), bars).findings]
[('label_span', 3)]
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from assay.domain.errors import BadInputError
from assay.evidence.causality import frames
from assay.evidence.causality.experiment import END, Experiment, spread
from assay.evidence.causality.explain import series_of_row, time_of_row
from assay.evidence.causality.findings import Audit, Check, Evidence, Finding, Leak
from assay.evidence.causality.frames import IntArray
from assay.evidence.causality.output import Output
from assay.evidence.causality.prove import Density, audit_experiment
from assay.evidence.causality.reach import bars_between
from assay.evidence.causality.subject import Compute, Subject
from assay.evidence.causality.words import TODO, bars

_CUTS = 8


@dataclass(frozen=True, slots=True)
class LabelColumns:
    """How the columns of a table of labels are called: the answer, and the span ``[start, end)`` of time it uses."""

    value: str = "value"
    start: str = "start"
    end: str = "end"


def audit_label(
    subject: Subject | Compute,
    frame: Any,  # noqa: ANN401  # of either library
    *,
    columns: LabelColumns | None = None,
    density: Density = "sampled",
    seed: int = 0,
) -> Audit:
    """Check a computation of labels against the spans that it declares.

    Parameters
    ----------
    subject : Subject or function
        Returns a table with the answer, and the start and end of its span: moments, or microseconds.
    frame : DataFrame
        Bars.
    columns : LabelColumns, optional
        How they are called; by default value, start and end.
    density, seed
        As of :func:`~assay.evidence.causality.prove.audit`.

    Returns
    -------
    Audit
        ``label_span`` where something after the end is used, ``label_feature_overlap`` where the span begins before the
        row is known, or the answer is known when it begins. A label that is null has no span.

    Raises
    ------
    BadInputError
        If one of the columns is missing, or the computation fails on the whole frame.
    """
    named = columns or LabelColumns()
    # Spans are of the time in which things happen: when a row came is another matter.
    frame = frames.without(frame, "available_at")
    experiment = Experiment(
        dataclasses.replace(Subject.of(subject), known_at=named.end, target=""), frame, {}, seed=seed
    )
    found = set(experiment.whole.columns)
    for name in (named.value, named.start):
        if name not in found:
            todo = f"return a table with {named.value}, {named.start} and {named.end}"
            raise BadInputError("no such column in a table of labels", value=name, todo=todo)
    experiment.whole = _without_spans_of_nothing(experiment.whole, named)
    if (experiment.whole.known == END).all():
        todo = f"fill {named.end} where there is a {named.value}"
        raise BadInputError("no label with an end of its span", value=named.end, todo=todo)
    begins = _starts(experiment, named)
    audit = audit_experiment(experiment, density=density, seed=seed, only=(named.value,))
    findings = [_as_label(experiment, one) for one in audit.findings]
    early = _begins_early(experiment, begins)
    known = [] if early or findings else _is_known(experiment, named, begins)
    experiment.state.put_back()
    rows = experiment.whole.time.size
    check = Check("span", "each span begins where its row is known, and not after the answer", rows, rows, not early)
    kept = (*findings, *early, *known)
    certificate = None if kept else audit.certificate
    return Audit(audit.subject, (*audit.checks, check), kept, certificate)


def _without_spans_of_nothing(whole: Output, named: LabelColumns) -> Output:
    """Return the labels with no end where there is no value: one that is null uses no time, whatever its span says."""
    is_null = np.isnan(whole.values[:, whole.columns.index(named.value)])
    return dataclasses.replace(whole, known=np.where(is_null, END, whole.known))


def _starts(experiment: Experiment, named: LabelColumns) -> IntArray:
    values = experiment.whole.values[:, experiment.whole.columns.index(named.start)]
    is_there = np.isfinite(values) & (experiment.whole.known != END)
    return np.where(is_there, values, np.iinfo(np.int64).max / 2).astype(np.int64)


def _key_known(experiment: Experiment) -> IntArray:
    """Return when the input row of each label was usable."""
    table, whole = experiment.table, experiment.whole
    if whole.rows is not None:
        return table.usable[whole.rows]
    order = np.argsort(table.time, kind="stable")
    at = np.minimum(np.searchsorted(table.time[order], whole.time), len(table) - 1)
    return table.usable[order][at]


def _as_label(experiment: Experiment, finding: Finding) -> Finding:
    if finding.kind in {Leak.NOT_DETERMINISTIC, Leak.HIDDEN_STATE} or finding.row is None:
        return finding
    known = int(_key_known(experiment)[finding.row])
    span = bars_between(experiment, finding.row, known, int(experiment.whole.known[finding.row]))
    lag = span + (finding.lag or 0)
    cause = f"the label declares a span of {bars(span)} and reads {bars(lag)} ahead ({finding.cause})"
    return dataclasses.replace(finding, kind=Leak.LABEL_SPAN, cause=cause, todo=TODO[Leak.LABEL_SPAN], lag=lag)


def _begins_early(experiment: Experiment, begins: IntArray) -> list[Finding]:
    whole, known = experiment.whole, _key_known(experiment)
    early = np.flatnonzero(begins < known)
    if not early.size:
        return []
    row = int(early[0])
    minutes = (int(known[row]) - int(begins[row])) / 60e6
    cause = f"the span begins {minutes:,.0f} minutes before its row is known: part of the answer is in the features"
    kind = Leak.LABEL_FEATURE_OVERLAP
    evidence = Evidence("span", leaking=int(early.size), checked=int(whole.time.size))
    return [_finding(experiment, kind, cause, row, evidence)]


def _is_known(experiment: Experiment, named: LabelColumns, begins: IntArray) -> list[Finding]:
    """Compute at some moments, and look whether spans that have only begun have their answer."""
    column = experiment.whole.columns.index(named.value)
    values, starts, ends = experiment.whole.values[:, column], experiment.place_of(begins), experiment.place
    asked = answered = 0
    row = -1
    for cut in spread(range(experiment.moments.size // 4, experiment.moments.size - 1), _CUTS):
        # The last span to begin: of others part has passed.
        open_ = np.flatnonzero((starts == cut) & (ends > cut) & np.isfinite(values))
        seen = experiment.until(int(experiment.moments[cut])) if open_.size else None
        if seen is None:
            continue
        same = seen.present[open_] & ~experiment.overlay.differ(experiment.whole.values, seen.values)[open_, column]
        asked, answered = asked + open_.size, answered + int(same.sum())
        row = int(open_[same][0]) if same.any() else row
    if row < 0 or answered < 0.9 * asked:
        return []
    cause = "the answer is known when its span begins: it depends on nothing that comes after"
    evidence = Evidence("span", leaking=answered, checked=asked)
    return [_finding(experiment, Leak.LABEL_FEATURE_OVERLAP, cause, row, evidence, named.value)]


def _finding(  # noqa: PLR0917
    experiment: Experiment, kind: Leak, cause: str, row: int, evidence: Evidence, column: str = "value"
) -> Finding:
    time, series = time_of_row(experiment, row), series_of_row(experiment, row)
    return Finding(kind, column, cause, TODO[kind], row=row, time=time, series=series, evidence=evidence)
