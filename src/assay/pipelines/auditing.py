"""Audits of what Assay computes and of what people bring.

An indicator is a function of a state and a bar: fed one bar at a time it cannot see the next. So for indicators and
sets the proof is that the stream gives, bit for bit, what the batch gives; all else is computed again without its
future.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl

from assay.domain.errors import BadInputError
from assay.domain.instrument import resolve
from assay.domain.interval import EPOCH, Interval
from assay.evidence.causality import Audit, Certificate, Check, Evidence, Finding, LabelColumns, Leak, Subject, audit
from assay.evidence.causality.labels import audit_label
from assay.evidence.causality.prove import Density
from assay.evidence.causality.source import source_of
from assay.evidence.promotion import Features
from assay.features.bars import VALUE_COLUMNS, Bars
from assay.features.compile import use_cache_dir
from assay.features.declared import DeclaredSet, set_of_texts
from assay.features.drivers import Stream
from assay.features.labels import LabelRule, parse_label
from assay.features.registry import STEPS, known_steps
from assay.features.sets import FEATURE_SETS, FeatureSet
from assay.features.step import Step, identity
from assay.lake import reads
from assay.lake.reads import Span
from assay.pipelines import audited_files, feature_sets, steps
from assay.pipelines.made_bars import made_bars
from assay.pipelines.workspace import Workspace, open_workspace
from assay.settings import Settings

EVERYTHING = "all"
SHIPPED_LABELS = ("direction_24h", "return_24h", "delta_1h", "triple_barrier_24h_2_2")
"""Labels that stand for all: one of each kind."""
_COLUMNS = ("open_time", "close_time", *(name for name in VALUE_COLUMNS if name != "reference"), "available_at")
_TODO = "name an indicator, a feature set, a label, FILE.py:function, FILE.sql, a .parquet or .csv file, or all"
LABEL_NAME = re.compile("direction_|return_|delta_|triple_barrier")
"""How names of labels begin; ``direction`` alone is a feature set."""
_LABEL = LabelColumns("value", "start", "end")


@dataclass(frozen=True, slots=True)
class AuditRequest:
    """What to audit, on which bars.

    Attributes
    ----------
    subject : str
        ``rsi:14``, ``technical``, ``direction_24h``, ``features.py:trend``, ``model.sql``, ``table.parquet``, ``all``.
    label : str
        With a feature set: the label that its columns are held against, as in a training table.
    symbol : str
        Bars of this series, in any spelling; empty for `bars`, or made ones.
    interval : str
    span : Span
        Which of its bars.
    bars : Path, optional
        A file of bars: Parquet or CSV, with open_time and prices.
    target, known_at : str
        Columns of what a function, a SQL model or a file gives: the label, and from when on a row may be used.
    density : str
        ``sampled`` or ``full``.
    seed : int
    """

    subject: str
    label: str = ""
    symbol: str = ""
    interval: str = "1h"
    span: Span = reads.EVERYTHING
    bars: Path | None = None
    target: str = ""
    known_at: str = ""
    density: Density = "sampled"
    seed: int = 0


def audit_named(settings: Settings, request: AuditRequest) -> list[Audit]:
    """Audit what `request` names, and return one audit for each thing that it stands for.

    A home is only needed for bars of its series, and for indicators and sets of people's own.

    Raises
    ------
    BadInputError
        If it names nothing, a file cannot be read, or the computation fails on the bars.
    NoDataError
        If the lake has no such series.
    HomeError
        If bars of a series are asked for and there is no home.
    """
    is_there = settings.home.is_dir() and any(settings.home.iterdir())
    workspace = open_workspace(settings, create=False) if is_there or request.symbol else None
    if workspace:
        use_cache_dir(workspace.home.cache / "numba")
    interval = Interval.parse(request.interval)
    path = Path(request.subject.partition(":")[0]).expanduser()
    if path.suffix in {".parquet", ".csv"}:
        frame = audited_files.read_table(path)
        subject = Subject(path.name, _as_it_is, target=request.target, known_at=request.known_at, code=path.name)
        return [audit(subject, frame, density=request.density, seed=request.seed)]
    frame = _bars(workspace, request, interval)
    if path.suffix in {".py", ".sql"}:
        return [audited_files.audit_file(request.subject, frame, _options(request))]
    if request.subject == EVERYTHING:
        return list(_shipped(frame, interval, density=request.density, seed=request.seed))
    return [_one(settings, workspace, request, (frame, interval))]


def prove_by_stream(feature_set: FeatureSet, bars: Bars, name: str = "") -> Audit:
    """Feed a feature set one bar at a time and hold each row against the batch, bit for bit: a proof, at O(n).

    A stream has no future to see, and every row is compared.
    """
    name = name or feature_set.name
    batch = np.ascontiguousarray(feature_set.run(bars).matrix)
    # One indicator needs no program that is compiled for a whole set.
    stream = feature_set.stream() if len(feature_set.steps) > 1 else Stream(feature_set.steps[0])
    fed = np.array([stream.update(bars.bar(row)) for row in range(len(bars))]).reshape(batch.shape)
    apart = (batch.view(np.uint64) != fed.view(np.uint64)) & ~(np.isnan(batch) & np.isnan(fed))
    findings = tuple(
        _disagreement(feature_set, bars, (batch, fed), column) for column in np.flatnonzero(apart.any(0)).tolist()
    )
    what = "fed one bar at a time: the same bit for bit as all at once"
    checks = (Check("stream", what, len(bars), len(bars), not findings),)
    certificate = None
    if not findings:
        is_of, data = features_of(feature_set), steps.data_version_of(bars)
        certificate = Certificate.of(
            name, code=is_of.code, config=is_of.config, data_version=data, checks=("stream",), density=1.0
        )
    return Audit(name, checks, findings, certificate)


def features_of(feature_set: FeatureSet, rule: LabelRule | None = None) -> Features:
    """Return a feature set as it is computed now, in the words that certificates of it use; with the label, if any."""
    code = "\n".join(identity(step) for step in feature_set.steps)
    config = f"{feature_set.name}/{feature_set.version}"
    return Features(steps.identity(feature_set), code=code, config=config, label=label_text(rule) if rule else "")


def label_text(rule: LabelRule) -> str:
    """Return text that changes when a label is another one, or is computed otherwise."""
    return f"{rule!r}\n{source_of(LabelRule.of)}\n{source_of(rule.computation)}"


def label_subject(rule: LabelRule, interval: Interval) -> Subject:
    """Return a label as a subject: from bars to the answer of each and the span that it declares."""

    def label(klines: pl.DataFrame) -> pl.DataFrame:
        made = rule.of(_as_bars(klines), interval)
        spans = {"start": made.span_start, "end": made.span_end}
        return klines.select("open_time").with_columns(
            pl.Series("value", made.value), *(pl.Series(name, at) for name, at in spans.items())
        )

    return Subject(rule.name, label, config=f"{rule!r} of {interval}", tolerance=0.0)


def set_subject(feature_set: FeatureSet, *, rule: LabelRule | None = None, interval: Interval) -> Subject:
    """Return a feature set as a subject, with the column of a label beside it where one is given."""

    def table(klines: pl.DataFrame) -> pl.DataFrame:
        bars = _as_bars(klines)
        matrix = feature_set.run(bars).matrix
        columns = [pl.Series(name, matrix[:, at]) for at, name in enumerate(feature_set.columns)]
        if rule:
            columns.append(pl.Series(rule.column, rule.of(bars, interval).value))
        return klines.select("open_time").with_columns(columns)

    name = f"{feature_set.name} with {rule.name}" if rule else feature_set.name
    code = "\n".join(identity(step) for step in feature_set.steps)
    target = rule.column if rule else ""
    return Subject(
        name, table, target=target, config=f"{steps.identity(feature_set)} {rule!r}", code=code, tolerance=0.0
    )


def _options(request: AuditRequest) -> audited_files.FileOptions:
    return audited_files.FileOptions(request.target, request.known_at, request.density, request.seed)


def _one(
    settings: Settings, workspace: Workspace | None, request: AuditRequest, on: tuple[pl.DataFrame, Interval]
) -> Audit:
    (frame, interval), usual = on, timedelta(hours=settings.model.horizon_hours)
    if LABEL_NAME.match(request.subject) and not _is_own(workspace, request.subject):
        rule = parse_label(request.subject, usual_horizon=usual)
        rule.check(interval)
        return audit_label(
            label_subject(rule, interval), frame, columns=_LABEL, density=request.density, seed=request.seed
        )
    chosen = _chosen(workspace, request.subject, interval)
    if not request.bars:  # those of a file are as long as they are
        feature_sets.check_bars(DeclaredSet(chosen), interval)
    if not request.label:
        return prove_by_stream(chosen, _as_bars(frame), request.subject)
    held_against = parse_label(request.label, usual_horizon=usual)
    subject = set_subject(chosen, rule=held_against, interval=interval)
    proof = prove_by_stream(chosen, _as_bars(frame), request.subject)
    return _with_label((proof, subject, label_subject(held_against, interval)), frame, request.density, request.seed)


def audited_bars(klines: pl.DataFrame) -> str:
    """Return what the certificate of :func:`audit_training` calls these bars."""
    return steps.data_version_of(_as_bars(_with_reference(klines, seed=0)))


def audit_stream(chosen: FeatureSet, klines: pl.DataFrame) -> Audit:
    """Audit a feature set alone on the bars of a series, by :func:`prove_by_stream`."""
    return prove_by_stream(chosen, _as_bars(_with_reference(klines, seed=0)))


def audit_training(chosen: FeatureSet, rule: LabelRule, klines: pl.DataFrame, interval: Interval) -> Audit:
    """Audit a feature set and its label as a model learns from them, on the bars that it learns from.

    The certificate, where there is one, says what :func:`features_of` says of both, so that a promotion can hold it
    against the code of its day; the same bars give the same one.

    Raises
    ------
    BadInputError
        If the computation fails on these bars.
    """
    frame = _with_reference(klines, seed=0)
    bars = _as_bars(frame)
    parts = prove_by_stream(chosen, bars), set_subject(chosen, rule=rule, interval=interval)
    found = _with_label((*parts, label_subject(rule, interval)), frame, "sampled", 0)
    if found.certificate is None:
        return found
    is_of, names = features_of(chosen), tuple(dict.fromkeys(check.name for check in found.checks))
    certificate = Certificate.of(
        chosen.name, code=is_of.code, config=is_of.config, data_version=steps.data_version_of(bars), checks=names,
        density=found.certificate.density,
    )  # fmt: skip
    return replace(found, certificate=certificate.with_label(label_text(rule)))


def _with_label(parts: tuple[Audit, Subject, Subject], frame: pl.DataFrame, density: Density, seed: int) -> Audit:
    """Return the audit of a set, proven by its stream already, with a label beside it, and of the label itself."""
    proof, subject, answers = parts
    table = audit(subject, frame, density=density, seed=seed)
    label = audit_label(answers, frame, columns=_LABEL, seed=seed)
    findings = (*proof.findings, *table.findings, *label.findings)
    checks = (*proof.checks, *table.checks, *(check for check in label.checks if check.name == "span"))
    return Audit(table.subject, checks, findings, None if findings else table.certificate)


def _is_own(workspace: Workspace | None, subject: str) -> bool:
    """Whether an indicator of people's own is called so, whatever its name begins with."""
    if workspace:
        feature_sets.find_own_steps(workspace)
    return re.split("[:@]", subject)[0] in known_steps()


def _chosen(workspace: Workspace | None, name: str, interval: Interval) -> FeatureSet:
    """Return the set of that name, or the one of the indicators named."""
    try:
        if workspace:
            return feature_sets.chosen_set(workspace, name, interval).feature_set
        return FEATURE_SETS[name] if name in FEATURE_SETS else set_of_texts(name.split(","), interval).feature_set
    except BadInputError as error:
        raise BadInputError(error.what, value=error.value, todo=f"{error.todo}; or {_TODO}") from error


def _shipped(frame: pl.DataFrame, interval: Interval, *, density: Density, seed: int) -> Iterator[Audit]:
    """Audit every indicator with its usual parameters, every set, and a label of each kind."""
    bars = _as_bars(frame)
    for name, make in sorted(STEPS.items()):
        step: Step = make()
        yield prove_by_stream(FeatureSet(name, 1, (step,)), bars, name)
    for name, feature_set in sorted(FEATURE_SETS.items()):
        yield prove_by_stream(feature_set, bars, name)
    for text in SHIPPED_LABELS:
        rule = parse_label(text)
        yield audit_label(label_subject(rule, interval), frame, columns=_LABEL, density=density, seed=seed)


def _bars(workspace: Workspace | None, request: AuditRequest, interval: Interval) -> pl.DataFrame:
    if request.bars:
        return audited_files.read_table(request.bars)
    if not request.symbol:
        return made_bars(interval, seed=request.seed)
    assert workspace is not None
    with workspace.lake() as lake:
        places = workspace.settings.preferred_places
        found = resolve(request.symbol, reads.list_series(lake), places=places, interval=request.interval)
        klines = reads.read_klines(lake, found.series, request.span, _COLUMNS)
    return _with_reference(klines, seed=request.seed)


def _with_reference(klines: pl.DataFrame, *, seed: int) -> pl.DataFrame:
    # What is held against another series is held against a made-up one: what it is, is no matter here.
    reference = made_bars(Interval.parse("1h"), seed=seed + 1, count=klines.height + 100)["reference"]
    return klines.with_columns(reference.head(klines.height))


def _as_bars(klines: pl.DataFrame) -> Bars:
    """Return a frame as bars; columns that it lacks are not published."""
    lacking = [name for name in ("open_time", "open", "high", "low", "close", "volume") if name not in klines.columns]
    if lacking:
        raise BadInputError("no such column in the bars", value=lacking[0], todo="give open_time, prices and volume")
    if "close_time" not in klines.columns:
        length = klines["open_time"].diff().drop_nulls().min()
        klines = klines.with_columns(close_time=pl.col("open_time") + pl.lit(length))
    names = [name for name in VALUE_COLUMNS if name in klines.columns]
    columns = {name: klines[name].cast(pl.Float64).to_numpy() for name in names}
    opened, closed = (klines[name].dt.epoch("us").to_numpy() for name in ("open_time", "close_time"))
    return Bars(opened, closed, **columns)


def _as_it_is(frame: pl.DataFrame) -> pl.DataFrame:
    return frame


def _disagreement(feature_set: FeatureSet, bars: Bars, results: tuple[np.ndarray, np.ndarray], column: int) -> Finding:
    batch, fed = (one[:, column] for one in results)
    rows = np.flatnonzero((batch != fed) & ~(np.isnan(batch) & np.isnan(fed)))
    row = int(rows[0])
    around = slice(max(0, row - 20), row + 21)
    evidence = Evidence(
        "stream",
        cut=int(bars.close_time[row]),
        times=tuple(bars.close_time[around].tolist()),
        with_future=tuple(batch[around].tolist()),
        without=tuple(fed[around].tolist()),
        leaking=int(rows.size),
        checked=len(bars),
    )
    return Finding(
        Leak.UNEXPLAINED,
        feature_set.columns[column],
        f"the batch and the stream give different numbers in {rows.size:,} rows",
        "compute both with the same kernel",
        row=row,
        time=EPOCH + timedelta(microseconds=int(bars.open_time[row])),
        before=float(fed[row]),
        after=float(batch[row]),
        evidence=evidence,
    )
