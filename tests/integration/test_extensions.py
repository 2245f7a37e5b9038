"""DuckDB's extensions: binaries in the home, whose signatures are checked unless they are those seen before."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.domain.errors import HomeError
from assay.lake import catalog
from assay.lake.catalog import open_catalog
from assay.pipelines.workspace import open_workspace
from assay.settings import Settings


def test_extension_that_was_changed_after_it_was_checked_is_refused(tmp_path: Path) -> None:
    home = open_workspace(Settings(home=tmp_path / "home")).home
    open_catalog(home).close()
    open_catalog(home).close()  # not checked again, and loaded
    (file,) = home.extensions.rglob("ducklake.duckdb_extension")
    changed = bytearray(file.read_bytes())
    changed[len(changed) // 2] ^= 1
    beside = file.with_suffix(".new")
    beside.write_bytes(changed)  # not into the file, which this process has mapped
    beside.replace(file)
    for _ in range(2):
        with pytest.raises(HomeError, match="a DuckDB extension cannot be loaded"):
            open_catalog(home)


@pytest.mark.parametrize("noted", ["", "{}", "[[1]]", '[["a", 1, 1, 1]]', "[[1, 2, 3, 4]]", "null", "7"])
def test_note_of_what_was_checked_is_not_believed_of_other_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, noted: str
) -> None:
    home = open_workspace(Settings(home=tmp_path / "home")).home
    monkeypatch.setattr(catalog, "_checked", set())  # as in a process that has just begun
    open_catalog(home).close()
    (note,) = home.extensions.glob("checked.json")
    right = note.read_bytes()
    note.write_text(noted, encoding="utf-8")
    monkeypatch.setattr(catalog, "_checked", set())
    loads: list[str] = []
    monkeypatch.setattr(catalog, "_load_extensions", lambda *_: loads.append("checked"))
    catalog.check_extensions(home)
    assert (loads, note.read_bytes()) == (["checked"], right)
    monkeypatch.setattr(catalog, "_checked", set())
    catalog.check_extensions(home)  # a process that finds the note does not check again
    assert loads == ["checked"]
