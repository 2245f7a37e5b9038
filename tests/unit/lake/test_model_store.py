"""A model that is registered is whole, is what it says, and is there once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assay.domain.errors import BadInputError, NoDataError
from assay.domain.model_key import ModelKey
from assay.domain.points import Point, observed
from assay.lake.model_store import (
    FOLDER,
    find_version,
    read_artefact,
    read_keys,
    read_version,
    read_versions,
    register,
)
from assay.lake.model_tests import KeptTest, count_looks, keep_test
from assay.lake.sealed import DamagedError, LocalDocuments
from tests.unit.lake.registered import ADA, BOB, KEY, NOON, PAPER, model, paper


@pytest.fixture
def documents(tmp_path: Path) -> LocalDocuments:
    return LocalDocuments(tmp_path)


def test_a_version_is_read_as_it_was_registered(documents: LocalDocuments, tmp_path: Path) -> None:
    certified = replace(PAPER, certificate={"checks": ["stream"], "density": 0.25})
    made = register(documents, certified, b"bytes", ADA)
    found = read_version(documents, KEY, made.version)
    assert found == made
    assert found.paper.document() == certified.document()
    assert read_artefact(documents, found) == b"bytes"
    stray = tmp_path / FOLDER / "direction_24h copy" / "a b" / "versions" / "a.json"
    stray.parent.mkdir(parents=True)
    stray.write_text("not of the registry")
    assert read_keys(documents) == [KEY], "what has the name of no key stops nobody"


def test_the_same_model_again_is_the_same_version_and_the_first_author_stays(documents: LocalDocuments) -> None:
    first, again = model(documents, 1), model(documents, 1, BOB)
    assert again == first
    assert again.author == ADA
    assert len(documents.names(FOLDER)) == 2


def test_another_artefact_or_another_word_of_the_paper_is_another_version(documents: LocalDocuments) -> None:
    papers = (PAPER, replace(PAPER, evidence={}), replace(PAPER, seen_until=NOON), replace(PAPER, model_hash="00fe"))
    versions = {register(documents, one, artefact, ADA).version for one in papers for artefact in (b"a", b"b")}
    assert len(versions) == 8
    assert len([name for name in documents.names(FOLDER) if "artefacts" in name]) == 2


def test_versions_are_told_in_order_of_time_and_found_by_how_they_begin(documents: LocalDocuments) -> None:
    later, earlier = model(documents, 1, BOB), model(documents, 2, ADA)
    assert [one.version for one in read_versions(documents, KEY)] == [earlier.version, later.version]
    assert find_version(documents, KEY, later.version[:6]) == later
    for text in ("zz", "", "../../x", later.version + "0"):
        with pytest.raises(NoDataError, match=f"no such model for direction_24h of .*there are .*{later.version}"):
            find_version(documents, KEY, text)
    with pytest.raises(NoDataError, match="no such model"):
        read_version(documents, KEY, "../../x")
    with pytest.raises(NoDataError, match="train one first"):
        find_version(documents, ModelKey("delta_1h", "coingecko"), "a")
    for number in range(3, 40):
        model(documents, number)
    beginnings = [one.version[0] for one in read_versions(documents, KEY)]
    common = max(beginnings, key=beginnings.count)
    with pytest.raises(BadInputError, match="several models begin like that"):
        find_version(documents, KEY, common)


@pytest.mark.parametrize("point", [Point.FILE_WRITTEN, Point.FILE_NAMED])
@pytest.mark.parametrize("hit", [1, 2])
def test_a_writer_that_dies_leaves_a_whole_version_or_none(documents: LocalDocuments, point: Point, hit: int) -> None:
    points: list[Point] = []

    def die(reached: Point) -> None:
        points.append(reached)
        if points.count(point) == hit:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), observed(die):
        model(documents, 1)
    is_there = (point, hit) == (Point.FILE_NAMED, 2)
    assert len(read_versions(documents, KEY)) == is_there
    made = model(documents, 1)
    assert read_artefact(documents, made) == b"model 1"
    assert read_versions(documents, KEY) == [made]


def test_a_damaged_artefact_is_named_with_its_model_and_not_registered_over(documents: LocalDocuments) -> None:
    made = model(documents, 1)
    path = documents.root / made.artefact_name
    for damaged in (b"model 2", b"model", b""):
        path.write_bytes(damaged)
        for ask in (lambda: read_artefact(documents, made), lambda: model(documents, 1)):
            with pytest.raises(DamagedError, match=f"artefact of model {made.version} is damaged: '{path}'"):
                ask()
    path.unlink()
    with pytest.raises(DamagedError, match="is missing"):
        read_artefact(documents, made)
    model(documents, 1)  # what is gone may be put there again
    assert read_artefact(documents, made) == b"model 1"


def test_a_damaged_or_foreign_paper_is_named(documents: LocalDocuments) -> None:
    one, two = model(documents, 1), model(documents, 2)
    paths = [documents.root / FOLDER / KEY.folder / "versions" / f"{made.version}.json" for made in (one, two)]
    whole = paths[0].read_bytes()
    paths[0].write_bytes(whole.replace(b"no_skill", b"skill"))
    with pytest.raises(DamagedError, match=f"a file is damaged: '{paths[0]}'"):
        read_versions(documents, KEY)
    assert read_version(documents, KEY, two.version) == two
    paths[0].write_bytes(paths[1].read_bytes())
    with pytest.raises(DamagedError, match="name of another"):
        read_version(documents, KEY, one.version)
    paths[0].write_bytes(whole)
    (paths[0].parent / "notes.txt").write_text("mine")
    with pytest.raises(DamagedError, match=r"no model version: .*notes\.txt"):
        read_versions(documents, KEY)


def test_what_cannot_be_is_refused_before_anything_is_written(documents: LocalDocuments) -> None:
    day = timedelta(days=1)
    changes: tuple[dict[str, Any], ...] = (
        {"trained_until": PAPER.trained_from - day},
        {"seen_until": PAPER.trained_until - day},
        {"trained_from": datetime(2020, 1, 1)},
    )
    for change in changes:
        with pytest.raises(BadInputError, match="cannot have learned at these moments"):
            replace(PAPER, **change)
    for loose in ("numpy", "numpy>=2", "numpy==", "numpy==2 ; x", "http://x"):
        with pytest.raises(BadInputError, match="not pinned"):
            replace(PAPER, requirements=(loose,))
    with pytest.raises(BadInputError, match="artefact is empty"):
        register(documents, PAPER, b"", ADA)
    with pytest.raises(BadInputError, match="not a value of JSON"):
        register(documents, replace(PAPER, evidence={"accuracy": float("nan")}), b"a", ADA)
    assert documents.names(FOLDER) == []


@pytest.mark.parametrize(
    ("task", "source"),
    [("", "coingecko"), ("../x", "a"), ("a/b", "a"), ("a", "a/b"), ("a", ""), ("a", "a,b"), ("A", "a")],
)
def test_a_key_that_is_no_name_is_refused(task: str, source: str) -> None:
    with pytest.raises(BadInputError, match="not a"):
        ModelKey(task, source)


def test_looks_at_the_same_outcomes_are_counted_once_each(documents: LocalDocuments) -> None:
    day = timedelta(days=1)
    test = KeptTest("one", "base_rate", NOON, NOON + 30 * day, "d1", {"low": 0.01})

    def looks(first: int, until: int) -> int:
        return count_looks(documents, KEY, first_at=NOON + first * day, until=NOON + until * day)

    assert looks(0, 30) == 0
    assert keep_test(documents, KEY, test, ADA)
    assert not keep_test(documents, KEY, replace(test, found={"low": 0.02}), BOB)
    assert keep_test(documents, KEY, replace(test, challenger="two"), BOB)
    assert keep_test(
        documents, KEY, replace(test, challenger="two", first_at=NOON + 29 * day, until=NOON + 60 * day), BOB
    )
    assert [looks(0, 30), looks(29, 30), looks(30, 60), looks(0, 29), looks(60, 90), looks(-9, 0)] == [3, 3, 1, 2, 0, 0]
    damaged = documents.root / documents.names(FOLDER)[0]
    damaged.write_bytes(damaged.read_bytes()[:-1])
    with pytest.raises(DamagedError, match=damaged.name):
        looks(0, 30)


def test_papers_of_the_tests_differ() -> None:
    assert paper(1) != paper(2)
