"""On which rows the parts of a fitted pipeline were fitted: each is fitted again on the training rows and compared.

>>> from sklearn.linear_model import LogisticRegression
>>> from sklearn.pipeline import make_pipeline
>>> from sklearn.preprocessing import StandardScaler
>>> rng = np.random.default_rng(0)
>>> x = rng.normal(size=(200, 3)) + np.linspace(0, 3, 200)[:, None]
>>> y, rows = (rng.random(200) > 0.5).astype(int), np.arange(200)
>>> model = make_pipeline(StandardScaler(), LogisticRegression())
>>> audit_fit(model.fit(x[:100], y[:100]), x, y, train=rows[:100], test=rows[100:]).is_causal
True
>>> found = audit_fit(model.fit(x, y), x, y, train=rows[:100], test=rows[100:])
>>> [(one.kind.value, one.column) for one in found.findings]
[('fitted_on_the_future', 'standardscaler'), ('fitted_on_the_future', 'logisticregression')]
"""

from __future__ import annotations

import copy
import hashlib
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from assay.domain.errors import BadInputError
from assay.evidence.causality import frames
from assay.evidence.causality.certificate import Certificate
from assay.evidence.causality.findings import Audit, Check, Evidence, Finding, Leak
from assay.evidence.causality.frames import FloatArray, IntArray
from assay.evidence.causality.words import TODO

_TOLERANCE = 1e-6
"""Solvers stop near the same place, not at it."""
_SAYS = ("predict_proba", "decision_function", "predict")


def audit_fit(
    pipeline: Any,  # noqa: ANN401  # anything with fit
    x: Any,  # noqa: ANN401  # a frame or an array
    y: Any,  # noqa: ANN401
    *,
    train: Any,  # noqa: ANN401
    test: Any,  # noqa: ANN401
) -> Audit:
    """Check that every part of a fitted pipeline is what the training rows alone make of it.

    Parameters
    ----------
    pipeline : fitted scikit-learn Pipeline, or any object with ``fit`` and ``transform`` or ``predict``
    x : DataFrame or array, shape (n_rows, n_features)
        All rows, those to be tested included.
    y : array, shape (n_rows,)
        The targets.
    train, test : array of int
        Row numbers.

    Returns
    -------
    Audit
        ``fitted_on_the_future``, or ``target_encoding`` for an encoder that reads the targets, with the part's name as
        the column.

    Raises
    ------
    BadInputError
        If it is not fitted, cannot be fitted again, or row numbers are none of these rows.
    """
    learned, tested = _row_numbers(train, len(x)), _row_numbers(test, len(x))
    everything, whole = np.sort(np.concatenate([learned, tested])), np.arange(len(x))
    findings: list[Finding] = []
    checks: list[Check] = []
    for name, part, given in _parts(pipeline, x):
        said = _says(part, given, name)
        if said is None:
            continue
        again, repeated = (_refitted(part, given, y, learned, name=name) for _ in range(2))
        is_steady = _distance(again, repeated) <= _TOLERANCE
        apart = _distance(said, again)
        is_clean = apart <= _TOLERANCE or not is_steady
        if not is_clean:
            of_all = min(_distance(said, _refitted(part, given, y, rows, name=name)) for rows in (everything, whole))
            findings.append(_finding(name, part, (apart, of_all), tested.size))
        what = "fitted again on the training rows alone, with the same result"
        if not is_steady:
            what = "fitted again twice, with two results: give it a seed, or it cannot be told"
        checks.append(Check(f"fit of {name}", what, len(x), len(x) if is_steady else 0, is_clean))
    if not checks:
        raise BadInputError(
            "nothing in it that is fitted", value=type(pipeline).__name__, todo="give a fitted pipeline"
        )
    name = type(pipeline).__name__
    passed = [one for one in checks if one.outcome == "passed"]
    is_certain = passed and not findings
    return Audit(name, tuple(checks), tuple(findings), _certificate(pipeline, x, checks) if is_certain else None)


def _certificate(pipeline: Any, x: Any, checks: list[Check]) -> Certificate:  # noqa: ANN401
    parts = [part for _, part in getattr(pipeline, "steps", [("", pipeline)])]
    code = ",".join(f"{type(part).__module__}.{type(part).__qualname__}" for part in parts)
    rows = np.ascontiguousarray(_numbers(x), dtype="<f8")
    return Certificate.of(
        type(pipeline).__name__,
        code=code,
        config=repr(pipeline),
        data_version=hashlib.sha256(rows.tobytes()).hexdigest()[:16],
        checks=tuple(one.name for one in checks if one.outcome == "passed"),
        density=min(one.density for one in checks),
    )


def _row_numbers(given: Any, count: int) -> IntArray:  # noqa: ANN401
    rows = np.asarray(given)
    rows = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
    if not rows.size or rows.dtype.kind not in "iu" or rows.min() < 0 or rows.max() >= count:
        raise BadInputError("no rows of the table", value=given, todo=f"give row numbers below {count}")
    return np.sort(rows).astype(np.int64)


def _parts(pipeline: Any, x: Any) -> Iterator[tuple[str, Any, Any]]:  # noqa: ANN401
    """Yield each part by name, and what comes into it when the parts before are as they are."""
    steps = getattr(pipeline, "steps", None)
    if not steps:
        yield type(pipeline).__name__.lower(), pipeline, x
        return
    for name, part in steps:
        if part is None or part == "passthrough":
            continue
        yield name, part, x
        if hasattr(part, "transform"):
            x = _quietly(part.transform, x)


def _says(part: Any, x: Any, name: str) -> FloatArray | None:  # noqa: ANN401
    """Return what a part makes of all rows, as numbers of shape (n_rows, n_outputs)."""
    method = next((getattr(part, one) for one in ("transform", *_SAYS) if hasattr(part, one)), None)
    if method is None:
        return None
    try:
        said = _quietly(method, x)
    except Exception as error:
        todo = "give the pipeline as it was fitted, and the rows it takes"
        raise BadInputError(f"{name} cannot be used on these rows", value=error, todo=todo) from error
    return _numbers(said)


def _numbers(values: Any) -> FloatArray:  # noqa: ANN401
    """Return a frame or an array as a matrix of numbers, shape (n_rows, n_columns)."""
    values = values.toarray() if hasattr(values, "toarray") else values
    if frames.is_pandas(values) or frames.is_polars(values):
        names = frames.names_of(values)
        return np.column_stack([frames.numbers_of(frames.column(values, one)) for one in names])
    array = np.asarray(values)
    return frames.numbers_of(array).reshape(len(array), -1) if array.ndim == 1 else array.astype(np.float64)


def _refitted(part: Any, x: Any, y: Any, rows: IntArray, *, name: str) -> FloatArray:  # noqa: ANN401
    fresh = _fresh(part)
    try:
        _quietly(fresh.fit, _of(x, rows), None if y is None else _of(y, rows))
    except Exception as error:
        raise BadInputError(f"{name} cannot be fitted again", value=error, todo="give targets that it takes") from error
    said = _says(fresh, x, name)
    assert said is not None
    return said


def _fresh(part: Any) -> Any:  # noqa: ANN401
    if hasattr(part, "get_params"):
        from sklearn.base import clone  # noqa: PLC0415  # only for what is made with it

        return clone(part)
    return copy.deepcopy(part)


def _of(values: Any, rows: IntArray) -> Any:  # noqa: ANN401
    if frames.is_pandas(values):
        return values.iloc[rows]
    return values[rows]


def _distance(left: FloatArray, right: FloatArray) -> float:
    """Return the largest difference, as a part of the usual size of its column; infinite if shapes differ."""
    if left.shape != right.shape:
        return float("inf")
    both = np.isnan(left) & np.isnan(right)
    size = np.maximum(np.nanmean(np.abs(np.where(both, np.nan, left)), axis=0), 1e-12)
    apart = np.where(both, 0.0, np.abs(left - right) / size)
    return float(np.where(np.isnan(apart), np.inf, apart).max(initial=0.0))


def _quietly(call: Any, *given: Any) -> Any:  # noqa: ANN401
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call(*given)


def _finding(name: str, part: Any, distances: tuple[float, float], tested: int) -> Finding:  # noqa: ANN401
    apart, of_all = distances
    kind_of_part = type(part).__name__
    kind = Leak.TARGET_ENCODING if "TargetEncoder" in kind_of_part else Leak.FITTED_ON_THE_FUTURE
    if of_all <= _TOLERANCE:
        cause = f"{kind_of_part} is what a fit on all rows gives, the {tested:,} to be tested included"
    else:
        cause = (
            f"{kind_of_part} is not what a fit on the training rows gives: it differs by {apart:.3g} of its usual size"
        )
    evidence = Evidence("fit", leaking=tested, checked=tested)
    return Finding(kind, name, cause, TODO[kind], evidence=evidence)
