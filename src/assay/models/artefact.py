"""A fitted model as one file, and back: a header in words and plain arrays, never code.

The first line is ``assay-model``, the format, and the SHA-256 of all that follows; the second a header in JSON; then
come the arrays, one after the other. Nothing of a file is used before its hash, its header and every array have been
checked, and before the model answers a set of probe rows as it did where it was made.

>>> import numpy as np
>>> from assay.models.registry import new_direction
>>> model = new_direction("base_rate", ("rsi_14",)).fit(np.zeros((4, 1)), np.array([1.0, 1.0, 1.0, 0.0]))
>>> kept = pack(Artefact("direction", model, ("rsi_14",), feature_set="direction:v1"))
>>> unpack(kept, columns=("rsi_14",)).estimator.predict_proba(np.zeros((1, 1))).tolist()
[0.75]
>>> unpack(kept[:-1])
Traceback (most recent call last):
assay.domain.errors.BadInputError: a model's file is damaged: '... bytes'; take it from where it was whole, or ...
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError
from assay.models.estimator import check_columns
from assay.models.learned import Particular
from assay.models.registry import TASKS, Model, StorableDirection, StorableValue, Task, new_estimator

FORMAT = 1
_MAGIC = b"assay-model"
_KINDS: Mapping[str, type[np.generic]] = {"float64": np.float64, "int32": np.int32}
_HEADER = {"arrays": list, "columns": list, "estimator": str, "feature_set": str, "model_hash": str,
           "parameters": dict, "task": str}  # fmt: skip
_LONGEST_LINE = 200
_PROBES = 1024
_MOST_DIMENSIONS = 2
_AGAIN = "take it from where it was whole, or train the model again"


@dataclass(frozen=True, slots=True, eq=False)
class Artefact:
    """A fitted estimator and what its rows have to be.

    Attributes
    ----------
    task : str
        ``direction`` or ``value``.
    estimator : StorableDirection or StorableValue
        One of the registry, fitted.
    columns : tuple of str
        Names of the features, in order.
    feature_set : str
        Name, version and hash of the computation of the features.
    """

    task: Task
    estimator: Model
    columns: tuple[str, ...]
    feature_set: str

    @property
    def model_hash(self) -> str:
        """As :func:`model_hash`."""
        return model_hash(self.task, self.estimator, self.columns)


def model_hash(task: Task, estimator: Model, columns: Sequence[str]) -> str:
    """Return 16 hexadecimal digits of what a fitted model says of probe rows: equal hashes, equal models.

    The rows follow from the columns' names alone. They are of every size from a millionth to a million, and a third of
    them between 0 and 100, so that features of any unit are asked about.
    """
    rows = probe_rows(columns)
    if isinstance(estimator, Particular):
        rows = estimator.allowed(rows)
    if task == "direction":
        said = cast("StorableDirection", estimator).predict_proba(rows)
    else:
        said = cast("StorableValue", estimator).predict(rows)
    return hashlib.sha256(said.astype("<f8").tobytes()).hexdigest()[:16]


def probe_rows(columns: Sequence[str]) -> NDArray[np.float64]:
    """Return the rows by which models over these columns are told apart, shape (1024, n_features)."""
    seed = int.from_bytes(hashlib.sha256(json.dumps(list(columns)).encode()).digest()[:8], "big")
    rng = np.random.default_rng(seed)
    shape = (_PROBES, len(columns))
    rows = rng.choice((-1.0, 1.0), size=shape) * 10.0 ** rng.uniform(-6.0, 6.0, size=shape)
    rows[::3] = rng.uniform(0.0, 100.0, size=rows[::3].shape)
    return rows


def pack(artefact: Artefact) -> bytes:
    """Return the file of a fitted model; the same model gives the same bytes.

    Raises
    ------
    NotFittedError
        If it was not fitted.
    """
    learned = {name: np.ascontiguousarray(array) for name, array in sorted(artefact.estimator.learned.items())}
    header = {
        "task": artefact.task,
        "estimator": artefact.estimator.name,
        "parameters": dict(artefact.estimator.parameters),
        "columns": list(artefact.columns),
        "feature_set": artefact.feature_set,
        "model_hash": artefact.model_hash,
        "arrays": [[name, str(array.dtype), list(array.shape)] for name, array in learned.items()],
    }
    rest = json.dumps(header, sort_keys=True, allow_nan=False).encode() + b"\n"
    rest += b"".join(array.astype(array.dtype.newbyteorder("<")).tobytes() for array in learned.values())
    return b"%s %d %s\n" % (_MAGIC, FORMAT, hashlib.sha256(rest).hexdigest().encode()) + rest


def unpack(content: bytes, *, columns: Sequence[str] | None = None) -> Artefact:
    """Return the fitted model of a file.

    Parameters
    ----------
    content : bytes
        Of the whole file.
    columns : sequence of str, optional
        Those that the caller has; others are refused, and so is another order.

    Raises
    ------
    BadInputError
        If it is no model, of another format, damaged, not for these columns, or answers otherwise than where it was
        made.
    """
    header, body = _opened(content)
    arrays = _arrays(header["arrays"], body)
    names = tuple(str(name) for name in header["columns"])
    if columns is not None:
        check_columns(columns, names)
    task = header["task"]
    if task not in TASKS:
        raise _damaged(f"task {task}")
    estimator = new_estimator(task, header["estimator"], names, header["parameters"]).taught(arrays)
    artefact = Artefact(task, estimator, names, header["feature_set"])
    if artefact.model_hash != header["model_hash"]:
        todo = "train it again with this version of Assay, on this machine"
        raise BadInputError("a model answers otherwise than where it was made", value=header["model_hash"], todo=todo)
    return artefact


def _opened(content: bytes) -> tuple[dict[str, Any], memoryview]:
    """Return header and arrays' bytes, once the hash of both is right."""
    first, _, rest = content[:_LONGEST_LINE].partition(b"\n")
    words = first.split(b" ")
    if words[0] != _MAGIC:
        raise BadInputError("not a file of a model", value=_shown(content), todo="name one that Assay has written")
    if len(words) != 3 or not words[1].isdigit():
        raise _damaged(f"{len(content)} bytes")
    if int(words[1]) != FORMAT:
        todo = f"this version reads format {FORMAT}: use the version that wrote it, or train the model again"
        raise BadInputError("a model's file has another format", value=int(words[1]), todo=todo)
    rest = content[len(first) + 1 :]
    if hashlib.sha256(rest).hexdigest().encode() != words[2]:
        raise _damaged(f"{len(content)} bytes")
    line, _, _ = rest.partition(b"\n")
    try:
        header = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _damaged("header") from error
    _check_header(header)
    return header, memoryview(rest)[len(line) + 1 :]


def _check_header(header: object) -> None:
    """Refuse a header whose hash is right but which this program would not have written."""
    if not isinstance(header, dict) or set(header) != set(_HEADER):
        raise _damaged("header")
    for name, kind in _HEADER.items():
        if not isinstance(header[name], kind):
            raise _damaged(f"header, {name}")
    if not all(isinstance(name, str) for name in header["columns"]):
        raise _damaged("header, columns")


def _arrays(told: list[Any], body: memoryview) -> dict[str, NDArray[Any]]:
    """Cut the body into arrays, which have to be exactly as long as it is."""
    arrays: dict[str, NDArray[Any]] = {}
    at = 0
    for one in told:
        try:
            name, kind, shape = one
            dtype = np.dtype(_KINDS[kind]).newbyteorder("<")
            sizes = _sizes(shape, most=len(body))
        except (TypeError, ValueError, KeyError) as error:
            raise _damaged("header, arrays") from error
        length = math.prod(sizes) * dtype.itemsize
        if not isinstance(name, str) or name in arrays or at + length > len(body):
            raise _damaged("header, arrays")
        array = np.frombuffer(body[at : at + length], dtype=dtype).reshape(sizes)
        arrays[name] = array.astype(_KINDS[kind])
        at += length
    if at != len(body):
        raise _damaged("arrays")
    return arrays


def _sizes(told: Sequence[object], *, most: int) -> tuple[int, ...]:
    sizes = tuple(size for size in told if type(size) is int and 0 <= size <= most)
    if len(sizes) != len(told) or len(sizes) > _MOST_DIMENSIONS:
        raise ValueError(told)
    return sizes


def _damaged(where: str) -> BadInputError:
    return BadInputError("a model's file is damaged", value=where, todo=_AGAIN)


def _shown(content: bytes) -> str:
    return f"{len(content)} bytes that begin with {content[:12]!r}" if content else "an empty file"
