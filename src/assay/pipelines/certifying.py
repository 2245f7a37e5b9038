"""Certificates of what a model learns from: its features and its label, on the bars that it is taught.

A model of one series has them audited on its bars. Of a model of many, the features are fed one bar at a time on every
series, which is the proof; what is dearer, the label and the features beside it computed again with another future,
is done on one of them, and the certificate says on which.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from assay.domain.errors import TerminalError
from assay.domain.instrument import SeriesId
from assay.domain.model_key import ModelKey
from assay.evidence.causality import Audit, Certificate
from assay.evidence.causality.certificate import digest
from assay.evidence.promotion import read_certificate
from assay.features.declared import DeclaredSet
from assay.features.labels import LabelRule
from assay.features.own import running
from assay.lake.model_store import read_versions
from assay.lake.sealed import Documents
from assay.pipelines.auditing import audit_stream, audit_training, audited_bars, features_of


class RefusedError(TerminalError):
    """A model is not made, because nobody could trust it."""


class LeakError(RefusedError):
    """It is not made, because its features have no certificate; the exit code is that of ``assay audit``."""

    exit_code = 4


def certify(
    documents: Documents, key: ModelKey, chosen: DeclaredSet, *, rule: LabelRule, bars: Mapping[SeriesId, pl.DataFrame]
) -> Certificate:
    """Return a certificate of the features and the label of a model on these bars.

    That of a model of the same key on the same bars, if it holds for the code of today, the label's included; else
    there is an audit.

    Raises
    ------
    LeakError
        If the future is seen, or that it is not cannot be proven.
    DamagedError
        If the paper of such a model is damaged.
    """
    now, version_of = features_of(chosen.feature_set, rule), _data_version(bars)
    for version in read_versions(documents, key):
        if version.paper.certificate is None or version.paper.feature_set != now.identity:
            continue
        kept = read_certificate(version.paper.certificate)
        is_about_it = kept.data_version == version_of and kept.label_hash == digest(now.label)
        if is_about_it and not kept.why_stale(code=now.code, config=now.config):
            return kept
    sample = audited_series(bars)
    found = _audited(chosen, rule, sample, bars[sample])
    if len(bars) == 1:
        return found
    for series, klines in bars.items():
        if series != sample:
            with running(*chosen.feature_set.steps):
                _refuse_leaks(audit_stream(chosen.feature_set, klines), chosen, rule, series)
    made = Certificate.of(
        f"{chosen.feature_set.name} on {len(bars)} series of {key.source}, with {rule.name} on {sample}",
        code=now.code, config=now.config, data_version=version_of, checks=found.checks, density=found.density,
    )  # fmt: skip
    return made.with_label(now.label)


def audited_series(bars: Mapping[SeriesId, pl.DataFrame]) -> SeriesId:
    """Return the series on which the dearer part of an audit is done: the longest, of equal ones the first by name."""
    return min(bars, key=lambda one: (-bars[one].height, one.key))


def _audited(chosen: DeclaredSet, rule: LabelRule, series: SeriesId, klines: pl.DataFrame) -> Certificate:
    with running(*chosen.feature_set.steps):
        found = audit_training(chosen.feature_set, rule, klines, series.interval)
    _refuse_leaks(found, chosen, rule, series)
    assert found.certificate is not None
    return found.certificate


def _refuse_leaks(found: Audit, chosen: DeclaredSet, rule: LabelRule, series: SeriesId) -> None:
    if found.certificate is not None:
        return
    about, todo = "nothing could be looked at", ""
    if found.findings:
        first = found.findings[0]
        about, todo = f"{first.column}: {first.cause}" if first.column else first.cause, f"{first.todo}; "
    audit = f"assay audit {chosen.feature_set.name} --label {rule.name} --symbol {series.place}:{series.symbol}"
    raise LeakError(
        f"not trained, {found.subject} {found.verdict}: {about}", value=series, todo=f"{todo}`{audit}` shows it"
    )


def _data_version(bars: Mapping[SeriesId, pl.DataFrame]) -> str:
    """Return what a certificate calls these bars: of several series a hash over those of each."""
    each = [audited_bars(bars[series]) for series in sorted(bars)]
    return each[0] if len(each) == 1 else digest("\n".join(each))
