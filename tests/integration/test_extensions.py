"""DuckDB's extensions: binaries in the home, whose signatures are checked unless they are those seen before."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.domain.errors import HomeError
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
