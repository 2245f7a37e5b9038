"""Which directory may be a home, and what making one leaves behind."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from assay.domain.errors import AssayError, HomeError
from assay.lake.home import FORMAT, home_format, open_home, raise_format


def test_an_absent_directory_becomes_a_home_that_is_whole_and_marked(tmp_path: Path) -> None:
    home = open_home(tmp_path / "deep" / "home")
    assert all(path.is_dir() for path in (home.bronze, home.tables, home.extensions, home.runs))
    assert json.loads((home.root / "assay-home.json").read_bytes()) == {"format": FORMAT}
    assert open_home(tmp_path / "deep" / "home", create=False) == home


def test_a_settings_file_alone_makes_no_foreign_directory(tmp_path: Path) -> None:
    (tmp_path / "assay.yaml").write_text("log_level: INFO", encoding="utf-8")
    assert open_home(tmp_path).root == tmp_path


def test_a_home_whose_making_was_stopped_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "bronze").mkdir()
    (tmp_path / "lake" / "data").mkdir(parents=True)
    (tmp_path / ".assay-home.json.00ff.tmp").write_text("{", encoding="utf-8")
    assert open_home(tmp_path).bronze.is_dir()


def test_somebody_elses_folder_called_bronze_is_not_taken_for_ours(tmp_path: Path) -> None:
    (tmp_path / "bronze").mkdir()
    (tmp_path / "bronze" / "statue.jpg").write_bytes(b"")
    with pytest.raises(HomeError, match=r"not Assay's \(bronze\)"):
        open_home(tmp_path)


def test_nothing_is_made_where_nothing_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(HomeError, match="there is no Assay home"):
        open_home(tmp_path / "home", create=False)
    assert not (tmp_path / "home").exists()


def test_a_backslash_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(HomeError, match="has a backslash"):
        open_home(tmp_path / "a\\b")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "marker", ["", "{}", "[1]", "null", '{"format": "1"}', '{"format": 99}', '{"format": 0}', '{"format": true}']
)
def test_a_marker_that_does_not_say_this_format_is_refused(tmp_path: Path, marker: str) -> None:
    (tmp_path / "assay-home.json").write_text(marker, encoding="utf-8")
    with pytest.raises(HomeError):
        open_home(tmp_path)


def test_a_home_of_the_first_format_is_taken_up_as_it_is_and_raised_once_asked(tmp_path: Path) -> None:
    marker = tmp_path / "assay-home.json"
    marker.write_text('{"format": 1}\n', encoding="utf-8")
    home = open_home(tmp_path)
    assert home_format(home) == 1
    assert marker.read_text(encoding="utf-8") == '{"format": 1}\n'
    for _ in range(2):
        raise_format(home)
        assert home_format(open_home(tmp_path)) == FORMAT == 2


def test_a_home_that_was_raised_is_refused_by_a_program_that_knows_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = open_home(tmp_path)
    monkeypatch.setattr("assay.lake.home.FORMAT", 1)
    with pytest.raises(HomeError, match=r"another version: 'format 2'; .*use the newer program"):
        open_home(tmp_path)
    with pytest.raises(HomeError, match="another version"):
        raise_format(home)


def test_a_path_through_a_file_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(AssayError):
        open_home(tmp_path / "file" / "home")


def test_many_may_make_the_same_home_at_once(tmp_path: Path) -> None:
    errors: list[Exception] = []
    barrier = threading.Barrier(8)

    def make(root: Path) -> None:
        barrier.wait()
        try:
            open_home(root)
        except Exception as error:
            errors.append(error)

    for number in range(20):
        threads = [threading.Thread(target=make, args=(tmp_path / str(number),)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert errors == []
