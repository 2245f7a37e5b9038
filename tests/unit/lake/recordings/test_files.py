from __future__ import annotations

import gzip
import os
import random
from pathlib import Path

import polars as pl
import pytest

from assay.domain.errors import BadInputError
from assay.lake.recordings import find_files, read_recording
from tests.unit.lake.recordings.writing import csv_of, read_text, row, spec

GOOD = csv_of(row(0), row(1))


def test_folder_gives_its_recordings_sorted_and_nothing_else(tmp_path: Path) -> None:
    for name in ("b.csv", "a.parquet", "notes.md", "sub/c.csv.gz", "sub/d.zip"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert [one.relative_to(tmp_path).as_posix() for one in find_files(tmp_path)] == [
        "a.parquet",
        "b.csv",
        "sub/c.csv.gz",
    ]


def test_single_file_is_its_own_list(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(GOOD)
    assert find_files(tmp_path / "a.csv") == [tmp_path / "a.csv"]


def test_folder_without_recordings_says_what_it_takes(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("nothing")
    with pytest.raises(BadInputError, match=r"no recording in the folder.*\.csv\.gz"):
        find_files(tmp_path)


def test_missing_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no such file or folder"):
        find_files(tmp_path / "nowhere")
    with pytest.raises(BadInputError, match="no such file"):
        read_recording(tmp_path / "nowhere.csv", spec())


def test_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bars.csv").mkdir()
    with pytest.raises(BadInputError, match="a folder where a file is expected"):
        read_recording(tmp_path / "bars.csv", spec())


def test_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "bars.csv")
    with pytest.raises(BadInputError, match="not a file"):
        read_recording(tmp_path / "bars.csv", spec())


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("bars.zip", b"PK", "unpack it first"),
        ("bars.xlsx", b"PK", "not a kind of file that is read"),
        ("bars.csv", b"", "the file is empty"),
        ("bars.csv", b"\n \r\n\n", "the file is empty"),
        ("bars.csv.gz", gzip.compress(b"", mtime=0), "the file is empty"),
        ("bars.csv", b"open_time,open,high,low,close,volume\n", "a header and no rows"),
        ("bars.csv.gz", b"open_time,open", "not a gzip file, though named .gz"),
        ("bars.csv", gzip.compress(GOOD.encode(), mtime=0), "name it .csv.gz"),
        ("bars.csv", b"PAR1....PAR1", "name it .parquet"),
        ("bars.csv", b"a,b\n\x00\x01\x02", "a binary file, not text"),
        ("bars.csv", GOOD.encode("utf-16"), "a binary file, not text"),
        ("bars.csv", GOOD.encode() + b"\xff\xfe", "is not UTF-8"),
        ("bars.parquet", GOOD.encode(), "not a readable Parquet file"),
    ],
)
def test_file_of_no_use_is_refused_in_one_line(tmp_path: Path, name: str, body: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(body)
    with pytest.raises(BadInputError, match=message) as caught:
        read_recording(tmp_path / name, spec())
    assert "\n" not in str(caught.value)


def test_random_bytes_named_csv_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bars.csv").write_bytes(random.Random(1).randbytes(4096))
    with pytest.raises(BadInputError, match="a binary file, not text"):
        read_recording(tmp_path / "bars.csv", spec())


def test_truncated_gzip_says_how_much_could_be_unpacked(tmp_path: Path) -> None:
    whole = gzip.compress(csv_of(*(row(hour, 10, 12, 9, 11 + hour / 1e6) for hour in range(2000))).encode())
    (tmp_path / "bars.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInputError, match=r"truncated.*only [0-9,]{4,} bytes of text"):
        read_recording(tmp_path / "bars.csv.gz", spec())


def test_damaged_gzip_is_refused(tmp_path: Path) -> None:
    body = bytearray(gzip.compress(GOOD.encode(), mtime=0))
    body[-6] ^= 0xFF  # in the check sum, so that everything before it unpacks
    (tmp_path / "bars.csv.gz").write_bytes(body)
    with pytest.raises(BadInputError, match="damaged"):
        read_recording(tmp_path / "bars.csv.gz", spec())


def test_gzip_of_several_members_is_read_to_the_end(tmp_path: Path) -> None:
    head, tail = GOOD.encode(), f"{row(2)}\n".encode()
    (tmp_path / "bars.csv.gz").write_bytes(gzip.compress(head) + gzip.compress(tail) + b"\0\0")
    assert read_recording(tmp_path / "bars.csv.gz", spec()).report.accepted == 3


def test_parquet_with_flipped_bytes_never_ends_in_a_traceback(tmp_path: Path) -> None:
    table = pl.DataFrame(
        {"time": [1_704_067_200 + 3600 * hour for hour in range(500)]}
        | {name: [float(hour + 1) for hour in range(500)] for name in ("open", "high", "low", "close", "volume")}
    )
    table.write_parquet(tmp_path / "whole.parquet")
    whole = (tmp_path / "whole.parquet").read_bytes()
    rng = random.Random(7)
    refused = 0
    for _ in range(60):
        body = bytearray(whole)
        for _ in range(8):
            body[rng.randrange(len(body))] ^= rng.randrange(1, 256)
        (tmp_path / "bars.parquet").write_bytes(body)
        try:
            assert read_recording(tmp_path / "bars.parquet", spec()).report.is_balanced
        except BadInputError:
            refused += 1
    assert refused > 30


def test_truncated_parquet_is_refused(tmp_path: Path) -> None:
    pl.DataFrame({"time": [1], "open": [1.0]}).write_parquet(tmp_path / "bars.parquet")
    body = (tmp_path / "bars.parquet").read_bytes()
    (tmp_path / "bars.parquet").write_bytes(body[:-10])
    with pytest.raises(BadInputError, match="not a readable Parquet file"):
        read_recording(tmp_path / "bars.parquet", spec())


def test_body_is_the_file_byte_for_byte(tmp_path: Path) -> None:
    recording = read_text(tmp_path, GOOD, name="bars.csv.gz")
    assert recording.body == (tmp_path / "bars.csv.gz").read_bytes()
    assert recording.content_format == "csv.gz"


def test_progress_rises_to_one(tmp_path: Path) -> None:
    (tmp_path / "bars.csv").write_text(GOOD)
    told: list[float] = []
    read_recording(tmp_path / "bars.csv", spec(), progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
