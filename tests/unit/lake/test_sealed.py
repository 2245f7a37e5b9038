"""Documents that never change: what is damaged is named, and the same value has one text."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from assay.domain.errors import BadInputError
from assay.lake.home import Home
from assay.lake.places import Places
from assay.lake.sealed import (
    Author,
    DamagedError,
    LocalDocuments,
    canonical,
    documents_of,
    identity,
    read_sealed,
    seal,
    take_over,
    unseal,
)

WHOLE = seal({"kind": "note", "format": 1, "text": "x"})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        WHOLE[:-1],
        WHOLE[1:],
        WHOLE + b"\n",
        WHOLE.replace(b'"x"', b'"y"'),
        hashlib.sha256(b"[1]").hexdigest().encode() + b"\n[1]",
        hashlib.sha256(b"{").hexdigest().encode() + b"\n{",
        hashlib.sha256(b"\xff").hexdigest().encode() + b"\n\xff",
    ],
)
def test_what_is_not_what_was_written_is_named(body: bytes) -> None:
    with pytest.raises(DamagedError, match=r"damaged: 'some/file'; restore"):
        unseal("some/file", body)


def test_every_single_changed_bit_is_seen() -> None:
    for at in range(len(WHOLE) * 8):
        changed = bytearray(WHOLE)
        changed[at // 8] ^= 1 << at % 8
        with pytest.raises(DamagedError):
            unseal("a", bytes(changed))


def test_kind_and_format_are_looked_at_before_the_rest(tmp_path: Path) -> None:
    documents = LocalDocuments(tmp_path)
    assert documents.create("a/b.json", WHOLE)
    assert read_sealed(documents, "a/b.json", kind="note", version=1)["text"] == "x"
    with pytest.raises(DamagedError, match="no letter"):
        read_sealed(documents, "a/b.json", kind="letter", version=1)
    with pytest.raises(BadInputError, match=r"of another format.*use the program that wrote it"):
        read_sealed(documents, "a/b.json", kind="note", version=2)
    with pytest.raises(DamagedError, match="missing"):
        read_sealed(documents, "a/c.json", kind="note", version=1)


def test_equal_values_have_one_identity_whatever_their_types() -> None:
    same = [{"a": 1, "b": [0.5]}, {"b": (0.5,), "a": 1.0}, {"a": np.int64(1), "b": [np.float64(0.5)]}]
    assert len({identity(one) for one in same}) == 1
    assert len({identity(one) for one in (0, 0.5, "0", None, [], [0], {}, {"0": 0})}) == 8


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}, b"x"])
def test_what_json_does_not_know_is_refused(value: object) -> None:
    with pytest.raises(BadInputError, match="not a value of JSON"):
        canonical({"a": value})


def test_names_leave_out_what_a_killed_writer_did_not_finish(tmp_path: Path) -> None:
    documents = LocalDocuments(tmp_path)
    assert documents.names("a") == []
    documents.create("a/two.json", b"2")
    documents.create("a/b/one.json", b"1")
    (tmp_path / "a" / ".two.json.00ff.tmp").write_bytes(b"half")
    assert documents.names("a") == ["a/b/one.json", "a/two.json"]
    assert documents.stamp("a/two.json") != documents.stamp("a/b/one.json")
    assert documents.stamp("a/three.json") is None


def test_they_lie_in_the_home_or_beside_bronze_that_lies_elsewhere(tmp_path: Path) -> None:
    assert documents_of(Home(tmp_path)) == LocalDocuments(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    assert documents_of(Home(tmp_path, Places(bronze=str(elsewhere)))) == LocalDocuments(elsewhere)


def test_taking_over_stops_in_a_folder_where_something_else_has_a_name(tmp_path: Path) -> None:
    source, target = LocalDocuments(tmp_path / "one"), LocalDocuments(tmp_path / "other")
    for name in ("m/x/1", "m/x/2", "m/y/1", "m/y/2", "m/y/3"):
        source.create(name, name.encode())
    target.create("m/x/1", b"another")
    target.create("m/y/1", b"m/y/1")
    assert take_over(source, target, "m") == (2, ["m/x/1", "m/x/2"])
    assert take_over(source, target, "m") == (0, ["m/x/1", "m/x/2"])
    assert target.names("m") == ["m/x/1", "m/y/1", "m/y/2", "m/y/3"]
    assert target.read("m/x/1") == b"another"


def test_nobody_is_no_author() -> None:
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    assert Author.read(Author("ada", moment).document()) == Author("ada", moment)
    for name, at in ((" ", moment), ("ada", moment.replace(tzinfo=None))):
        with pytest.raises(BadInputError, match="nobody"):
            Author(name, at)
