"""Packs and backups on a disk and in an object store: what is in them is what was put in, to the byte."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from assay.domain.errors import StorageError
from assay.lake import bronze, content, quarantine
from assay.lake.bronze import BatchHeader, write_batch
from assay.lake.bronze_copy import copy_bronze
from assay.lake.bronze_store import BronzeStore, LocalBronze, batches_of
from assay.lake.catalog import connect
from assay.lake.compaction import compact
from assay.lake.day_notes import DayNotes
from assay.lake.home import Home
from assay.lake.places import S3Url
from assay.lake.retention import old_bodies
from assay.lake.s3 import S3Folder
from assay.lake.s3_bronze import s3_bronze
from tests.integration.command import Command, clone
from tests.integration.servers import KEYS, ObjectStore, object_store
from tests.integration.test_s3 import BODY, NOTHING, QUARANTINED, header, rows


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    with object_store() as found:
        yield found


@pytest.fixture(params=["disk", "s3"])
def place(request: pytest.FixtureRequest, store: ObjectStore, tmp_path: Path) -> BronzeStore:
    """Return an empty bronze of each kind."""
    if request.param == "disk":
        (tmp_path / "bronze").mkdir()
        return LocalBronze(tmp_path / "bronze")
    return s3_bronze(store.place(), store.access)


def write_day(place: BronzeStore) -> list[BatchHeader]:
    """Write six batches of one day, two of them with rows set aside, and one of the next day."""
    written = []
    for number in range(7):
        one = header(f"{number:02x}ff00ff", day=1 + number // 6)
        named = pl.lit(one.batch_id).alias("batch_id")
        left = (QUARANTINED if number < 2 else NOTHING).with_columns(named)
        body = BODY + str(number).encode()
        one = replace(one, body_sha256=hashlib.sha256(body).hexdigest(), counts={"quarantined": left.height})
        write_batch(place, one, body=body, rows=rows(number + 1).with_columns(named), quarantined=left)
        written.append(one)
    return written


def check_day(place: BronzeStore, written: list[BatchHeader]) -> None:
    """Everything of the batches is found as it was written."""
    found = {one: file for day, _ in place.days("klines") for one, file in batches_of(place, day).items()}
    assert sorted(found) == [one.batch_id for one in written]
    assert sorted((one for one, _ in bronze.read_headers_of(found)), key=lambda one: one.batch_id) == written
    ids = bronze.read_batches(found, ["batch_id", "close"])["batch_id"]
    assert sorted(ids) == [f"{number:02x}ff00ff" for number in range(7) for _ in range(number + 1)]
    for one in written:
        assert hashlib.sha256(bronze.read_body(place, one)).hexdigest() == one.body_sha256
        assert bronze.find_batch(place, one) is not None
    assert {one.header.batch_id for one in quarantine.quarantined_batches(place)} == {"00ff00ff", "01ff00ff"}
    assert quarantine.find_quarantined(place, "01ff00").rows()["cause"].to_list() == ["close is NaN"]


def test_batches_in_a_pack_are_read_as_they_were_written(place: BronzeStore, tmp_path: Path) -> None:
    written, home = write_day(place), Home(tmp_path / "home")

    def put_together(after: timedelta, *, is_dry: bool = False) -> tuple[int, int, int]:
        moment = datetime.now(UTC) + after
        done = compact(
            place, DayNotes(home, "compacted"), before=date(2025, 6, 2), replaced_before=moment, is_dry=is_dry
        )
        return done.batches, done.packs, done.removed

    assert put_together(timedelta(), is_dry=True) == (6, 0, 0)
    assert put_together(-timedelta(days=1)) == (6, 1, 0)
    check_day(place, written)
    assert put_together(-timedelta(days=1)) == (0, 0, 0)
    assert put_together(timedelta(days=1), is_dry=True) == (0, 0, 14)
    assert put_together(timedelta(days=1)) == (0, 0, 14)
    check_day(place, written)
    # A batch, its body; a pack, its bodies of two kinds, and its list; what was set aside of it, and the list of that.
    assert sum(len(place.listed(day)) for day, _ in place.days()) == 2 + 4 + 2
    assert not write_batch(place, written[3], body=BODY, rows=rows(), quarantined=NOTHING)
    for expected in (["06ff00ff.body.csv.zst", "pack"], []):
        notes = DayNotes(home, "bodies")
        found = [one for _, files in old_bodies(place, notes, before=date(2025, 6, 3)) for one in files]
        assert sorted(one.file.partition("-")[0] for one in found) == expected
        place.remove([one.name for one in found])
    for one in written:
        with contextlib.nullcontext() if one in written[:2] else pytest.raises(StorageError):
            assert bronze.read_body(place, one)


def test_a_pack_is_copied_with_all_that_belongs_to_it(place: BronzeStore, tmp_path: Path) -> None:
    source = LocalBronze(tmp_path / "own")
    written = write_day(source)
    notes = DayNotes(Home(tmp_path / "home"), "compacted")
    for after in (-1, 1):
        moment = datetime.now(UTC) + timedelta(days=after)
        compact(source, notes, before=date(2025, 6, 2), replaced_before=moment)
    for is_new in (True, False):
        assert list(copy_bronze(source.root, place)) == [is_new] * 7
        check_day(place, written)


def test_packs_that_others_put_there_are_found_after_a_look_at_everything(store: ObjectStore, tmp_path: Path) -> None:
    packed = LocalBronze(tmp_path / "packed")
    written = write_day(packed)
    for _ in range(2):
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        compact(packed, DayNotes(Home(tmp_path), "x"), before=date(2025, 6, 2), replaced_before=tomorrow)
    other = s3_bronze(store.place(), store.access)
    for path in sorted(one for one in packed.root.rglob("*") if one.is_file()):
        other.folder.put(packed.name_of(path), path.read_bytes())
    other.index()
    check_day(other, written)


def test_a_home_is_backed_up_to_the_store_and_restored_from_it(
    store: ObjectStore, built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in {**KEYS, "ASSAY_LAKE__S3__ENDPOINT_URL": store.endpoint_url}.items():
        monkeypatch.setenv(name, text)
    to, assay = store.place(), Command(capsys, clone(built, tmp_path / "home"))
    first = assay("backup", to, "--json")
    assert first.code == 0, first.err
    again = assay("backup", to, "--json").document
    assert (again["files"], again["new_files"]) == (first.document["files"], 0)
    elsewhere = Command(capsys, tmp_path / "restored")
    done = elsewhere("restore", to, "--json")
    assert done.code == 0, done.err
    with connect(Home(built), read_only=True) as lake:
        digest = content.content_hash(lake, (*content.SILVER, *content.GOLD))
    assert (done.document["files"], done.document["content_hash"]) == (first.document["files"], digest)
    held = {
        path.relative_to(root): path.read_bytes()
        for root in (built, elsewhere.home) for path in (root / "bronze").rglob("*.*") if path.is_file()
    }  # fmt: skip
    assert len(held) == sum(1 for path in (built / "bronze").rglob("*.*") if path.is_file())
    folder = S3Folder(S3Url.parse(to), store.access)
    damaged = max(folder.names_below("objects"), key=lambda one: one.bytes)
    folder.put(damaged.name, b"x" + folder.get(damaged.name)[1:])
    assert Command(capsys, tmp_path / "third")("restore", to).is_one_line()
    assert not (tmp_path / "third").exists()
