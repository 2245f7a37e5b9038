"""The file of a model: what it is made of, and every way in which it can be wrong."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Callable

import numpy as np
import pytest

from assay.domain.errors import BadInputError
from assay.models.artefact import Artefact, model_hash, pack, probe_rows, unpack
from assay.models.logistic import Logistic

COLUMNS = ("log_return_1", "rsi_14")


@pytest.fixture(scope="module", name="model")
def _model() -> Logistic:
    rng = np.random.default_rng(5)
    features = rng.normal(size=(200, 2))
    return Logistic(COLUMNS).fit(features, (features[:, 0] > 0).astype(float))


@pytest.fixture(scope="module", name="kept")
def _kept(model: Logistic) -> bytes:
    return pack(Artefact("direction", model, COLUMNS, "direction:v1:0123456789abcdef"))


def with_header(kept: bytes, change: Callable[[dict[str, object]], object], tail: bytes = b"") -> bytes:
    """Return the file with another header and more bytes at its end, and a hash that is right."""
    _, line, body = kept.split(b"\n", 2)
    header = json.loads(line)
    changed = change(header)
    rest = json.dumps(header if changed is None else changed).encode() + b"\n" + body + tail
    return b"assay-model 1 " + hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest


def test_file_is_two_lines_of_text_and_the_arrays(kept: bytes, model: Logistic) -> None:
    first, line, body = kept.split(b"\n", 2)
    assert first == b"assay-model 1 " + hashlib.sha256(line + b"\n" + body).hexdigest().encode()
    header = json.loads(line)
    assert header["parameters"] == dict(model.parameters)
    assert header["arrays"] == [
        ["intercept", "float64", [1]], ["mean", "float64", [2]], ["scale", "float64", [2]], ["weights", "float64", [2]]
    ]  # fmt: skip
    assert np.frombuffer(body, "<f8")[-2:].tolist() == model.learned["weights"].tolist()
    assert with_header(kept, lambda header: None) == with_header(kept, lambda header: header)
    assert unpack(with_header(kept, lambda header: None)).model_hash == header["model_hash"]


def test_any_changed_byte_is_noticed(kept: bytes) -> None:
    for place in range(len(kept)):
        changed = bytearray(kept)
        changed[place] ^= 1
        with pytest.raises(BadInputError, match=r"damaged|not a file of a model|another format"):
            unpack(bytes(changed))


def test_any_lost_tail_is_noticed(kept: bytes) -> None:
    for length in range(len(kept)):
        with pytest.raises(BadInputError, match=r"damaged|not a file of a model"):
            unpack(kept[:length])
    with pytest.raises(BadInputError, match="damaged"):
        unpack(kept + b"\0")


@pytest.mark.parametrize("content", [b"", b"PK\3\4", pickle.dumps({"a": 1}), b"\n" * 300, b"{}", b"assay-models 1 x\n"])
def test_foreign_file_is_said_to_be_none(content: bytes) -> None:
    with pytest.raises(BadInputError, match="not a file of a model"):
        unpack(content)


def test_other_format_is_said_with_what_to_do(kept: bytes) -> None:
    with pytest.raises(BadInputError, match="has another format: '2'; this version reads format 1: use the version"):
        unpack(kept.replace(b"assay-model 1", b"assay-model 2"))


def test_other_columns_or_another_order_are_refused(kept: bytes) -> None:
    assert unpack(kept, columns=COLUMNS).columns == COLUMNS
    with pytest.raises(BadInputError, match="another order"):
        unpack(kept, columns=COLUMNS[::-1])
    with pytest.raises(BadInputError, match="'without rsi_14'"):
        unpack(kept, columns=COLUMNS[:1])


def test_model_that_answers_otherwise_than_where_it_was_made_is_refused(kept: bytes) -> None:
    with pytest.raises(BadInputError, match="answers otherwise than where it was made"):
        unpack(with_header(kept, lambda header: header.update(model_hash="0" * 16)))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda header: header.pop("columns"), "damaged"),
        (lambda header: header.update(more=1), "damaged"),
        (lambda header: header.update(columns=[1, 2]), "damaged"),
        (lambda header: header.update(columns=["rsi_14"]), "other columns"),
        (lambda header: header.update(task="volume"), "damaged: 'task volume'"),
        (lambda header: header.update(task="value"), "no estimator of a value has this name: 'logistic'"),
        (lambda header: header.update(estimator="os"), "no estimator of a direction has this name: 'os'"),
        (lambda header: header.update(estimator="base_rate"), "unknown parameter of base_rate"),
        (lambda header: header["parameters"].update(tolerance="no"), "tolerance is not a number"),
        (lambda header: header["parameters"].update(inverse_penalty=-1.0), "inverse_penalty out of range"),
        (lambda header: header["arrays"].pop(), "damaged"),
        (lambda header: header["arrays"].append(["x", "float64", [1]]), "damaged"),
        (lambda header: header["arrays"].append(["mean", "float64", [0]]), "damaged"),
        (lambda header: header["arrays"].append(["x", "object", [0]]), "damaged"),
        (lambda header: header["arrays"].append(["x", "float64", [0, 1 << 70]]), "damaged"),
        (lambda header: header["arrays"].append(["x", "float64", [0] * 65]), "damaged"),
        (lambda header: header["arrays"].append(["x", "float64", [0]]), "cannot be used: 'unknown array x'"),
        (lambda header: header["arrays"][0].__setitem__(2, [1 << 70]), "damaged"),
        (lambda header: header["arrays"][0].__setitem__(2, [-1]), "damaged"),
        (lambda header: header["arrays"][0].__setitem__(2, [True]), "damaged"),
        (lambda header: header["arrays"][0].__setitem__(2, None), "damaged"),
        (lambda header: header["arrays"][0].__setitem__(1, "int32"), "damaged"),
        (lambda header: header["arrays"][0].__setitem__(0, []), "damaged"),
        (lambda header: header.update(arrays=[7]), "damaged"),
        (lambda header: [], "damaged"),
        (lambda header: 7, "damaged"),
    ],
)
def test_header_that_this_program_would_not_write_is_refused(
    kept: bytes, change: Callable[[dict[str, object]], object], says: str
) -> None:
    def only(header: dict[str, object]) -> object:
        changed = change(header)
        return changed if changed in ([], 7) else None

    with pytest.raises(BadInputError, match=says):
        unpack(with_header(kept, only))


def test_header_nested_without_end_is_refused() -> None:
    rest = b"[" * 200_000 + b"\n"
    with pytest.raises(BadInputError, match="damaged: 'header'"):
        unpack(b"assay-model 1 " + hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest)


def test_probe_rows_follow_from_the_columns_and_are_of_every_size() -> None:
    rows = probe_rows(COLUMNS)
    assert rows.tobytes() == probe_rows(COLUMNS).tobytes()
    assert rows.tobytes() != probe_rows(COLUMNS[::-1]).tobytes()
    assert probe_rows(("a,b",)).tobytes() != probe_rows(("a", "b"))[:, :1].tobytes()
    assert np.abs(rows).min() < 1e-4
    assert np.abs(rows).max() > 1e4
    assert np.mean((rows > 0) & (rows < 100)) > 0.5


def test_hash_tells_models_apart_that_differ_in_one_weight(model: Logistic) -> None:
    learned = dict(model.learned)
    learned["weights"] = learned["weights"] * (1 + 1e-9)
    assert model_hash("direction", model.taught(learned), COLUMNS) != model_hash("direction", model, COLUMNS)
