"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from assay.domain.errors import StorageError
from assay.lake.storage import check_free_space, disk_full, storage_errors, write_atomically, write_if_absent


def test_the_first_writer_wins_and_the_second_is_told(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a"
    assert write_if_absent(path, b"first")
    assert not write_if_absent(path, b"second")
    assert path.read_bytes() == b"first"
    assert [one.name for one in path.parent.iterdir()] == ["a"]


def test_of_many_writers_at_once_exactly_one_is_told_that_it_wrote(tmp_path: Path) -> None:
    wrote: list[int] = []

    def write(number: int) -> None:
        if write_if_absent(tmp_path / "a", bytes([number]) * 100_000):
            wrote.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(wrote) == 1
    assert (tmp_path / "a").read_bytes() == bytes(wrote) * 100_000
    assert len(list(tmp_path.iterdir())) == 1


def test_replacing_leaves_the_new_content_and_nothing_else(tmp_path: Path) -> None:
    for content in (b"old and longer", b"new"):
        write_atomically(tmp_path / "a", content)
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == {"a": b"new"}


def test_a_name_that_the_disk_refuses_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="the name is too long for a file"):
        write_if_absent(tmp_path / ("x" * 300), b"content")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "what"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the disk quota is used up"),
        (errno.EFBIG, "a file would exceed the size limit"),
        (errno.EROFS, "the disk is read-only"),
        (errno.EACCES, "no permission"),
        (errno.EIO, "the disk failed"),
        (errno.ENAMETOOLONG, "the name is too long for a file"),
        (errno.ELOOP, "the disk refused"),
    ],
)
def test_each_refusal_of_the_disk_has_its_words(tmp_path: Path, number: int, what: str) -> None:
    with pytest.raises(StorageError) as caught, storage_errors(tmp_path):
        raise OSError(number, os.strerror(number))
    assert str(caught.value).startswith(what)
    assert str(tmp_path) in str(caught.value)
    assert caught.value.todo


def test_a_full_disk_is_read_out_of_what_libraries_say() -> None:
    for said in (
        'IO Error: Could not write file "x": No space left on device',
        "Failed to commit: database or disk is full",
        "[Errno 27] File too large",
    ):
        assert isinstance(disk_full(said), StorageError)
    assert disk_full("Binder Error: column full not found") is None


def test_too_little_room_is_refused_and_enough_is_not(tmp_path: Path) -> None:
    check_free_space(tmp_path, 1)
    with pytest.raises(StorageError, match="left on the disk"):
        check_free_space(tmp_path, 2**60)
