"""Whether a split into rows to learn from and rows to be tested on goes with time.

>>> import numpy as np
>>> hours = np.arange(100) * 3_600_000_000
>>> audit_split(hours, train=np.arange(60), test=np.arange(60, 100)).is_causal
True
>>> rng = np.random.default_rng(0).permutation(100)
>>> [one.kind.value for one in audit_split(hours, train=rng[:70], test=rng[70:]).findings]
['shuffled_split']
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from assay.domain.errors import BadInputError
from assay.evidence.causality.findings import Audit, Check, Evidence, Finding, Leak
from assay.evidence.causality.frames import IntArray, microseconds_of
from assay.evidence.causality.words import TODO

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FEW_BLOCKS = 20


def audit_split(
    known_at: Any,  # noqa: ANN401  # an array or a column of either library
    *,
    train: Any,  # noqa: ANN401
    test: Any,  # noqa: ANN401
    until: Any = None,  # noqa: ANN401
    name: str = "split",
) -> Audit:
    """Check that no row that is learned from came, or was answered, after the test began.

    Parameters
    ----------
    known_at : array of moments or microseconds, shape (n_rows,)
        When each row was known: the moment of its forecast.
    train, test : array of int
        Row numbers.
    until : array of moments or microseconds, shape (n_rows,), optional
        Where the span of each row's label ends.
    name : str

    Returns
    -------
    Audit
        ``shuffled_split`` where rows to learn from lie behind the first to be tested; else ``label_feature_overlap``
        where their labels end behind it.

    Raises
    ------
    BadInputError
        If row numbers are none of these rows, are in both parts, or a part is empty.
    """
    known = microseconds_of(known_at)
    learned, tested = _rows(train, known.size, "train"), _rows(test, known.size, "test")
    if np.intersect1d(learned, tested).size:
        row = int(np.intersect1d(learned, tested)[0])
        raise BadInputError("a row is learned from and tested on", value=row, todo="give each row to one part")
    first = int(known[tested].min())
    findings = _shuffled(known, learned, tested, first)
    checks = [
        Check("order", "rows to learn from come before those to be tested", learned.size, learned.size, not findings)
    ]
    if until is not None:
        ends = microseconds_of(until)
        if ends.size != known.size:
            raise BadInputError("not an end for each row", value=ends.size, todo=f"give {known.size:,} ends of spans")
        overlap = [] if findings else _overlapping(known, ends, learned, first)
        what = "labels to learn from end before the test begins"
        checks.append(Check("purge", what, learned.size, learned.size, not (overlap or findings)))
        findings += overlap
    return Audit(name, tuple(checks), tuple(findings))


def _rows(given: Any, count: int, part: str) -> IntArray:  # noqa: ANN401
    rows = np.asarray(given)
    rows = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
    if not rows.size or rows.dtype.kind not in "iu" or rows.min() < 0 or rows.max() >= count:
        raise BadInputError(f"no rows of the table to {part} on", value=given, todo=f"give row numbers below {count}")
    return rows.astype(np.int64)


def _shuffled(known: IntArray, learned: IntArray, tested: IntArray, first: int) -> list[Finding]:
    after = learned[known[learned] >= first]
    if not after.size:
        return []
    order = np.argsort(known[np.concatenate([learned, tested])], kind="stable")
    blocks = int(np.abs(np.diff((order >= learned.size).astype(int))).sum()) + 1
    share = after.size / learned.size
    how = "rows were shuffled" if blocks > _FEW_BLOCKS else f"the split has {blocks} blocks in time"
    cause = f"{how}: {share:.0%} of the rows to learn from came after the first that is tested"
    kind, row = Leak.SHUFFLED_SPLIT, int(after[0])
    evidence = Evidence("split", cut=first, leaking=int(after.size), checked=int(learned.size))
    return [Finding(kind, "", cause, TODO[kind], row=row, time=_moment(known[row]), evidence=evidence)]


def _overlapping(known: IntArray, until: IntArray, learned: IntArray, first: int) -> list[Finding]:
    overlap = learned[until[learned] > first]
    if not overlap.size:
        return []
    hours = (int(until[overlap].max()) - first) / 3.6e9
    cause = (
        f"labels of {overlap.size:,} rows to learn from end up to {hours:,.1f} hours after the test begins: not purged"
    )
    kind, row = Leak.LABEL_FEATURE_OVERLAP, int(overlap[0])
    evidence = Evidence("split", cut=first, leaking=int(overlap.size), checked=int(learned.size))
    return [Finding(kind, "", cause, TODO[kind], row=row, time=_moment(known[row]), evidence=evidence)]


def _moment(known: int) -> datetime:
    return _EPOCH + timedelta(microseconds=int(known))
