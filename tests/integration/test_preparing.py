"""What an installation has done once for every new home: it is taken, and is enough."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from assay.domain.errors import HomeError
from assay.lake import home as homes
from assay.lake.home import PREPARED, open_home


def test_a_new_home_takes_what_is_prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = tmp_path / "prepared"
    (prepared / "numba" / "venues_1").mkdir(parents=True)
    (prepared / "numba" / "venues_1" / "loop.nbi").write_bytes(b"compiled")
    monkeypatch.setattr(homes, "PREPARED", prepared)
    home = open_home(tmp_path / "home")
    taken = home.cache / "numba" / "venues_1" / "loop.nbi"
    assert taken.read_bytes() == b"compiled"
    taken.write_bytes(b"its own")  # a copy, not a link: one home never changes another
    assert open_home(tmp_path / "home").cache == home.cache
    assert taken.read_bytes() == b"its own"
    assert (open_home(tmp_path / "other").cache / "numba" / "venues_1" / "loop.nbi").read_bytes() == b"compiled"


def test_without_anything_prepared_a_home_is_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(homes, "PREPARED", tmp_path / "nothing")
    home = open_home(tmp_path / "home")
    assert not (home.cache / "numba").exists()
    # A part that cannot be copied whole is left out.
    (tmp_path / "half" / "numba").mkdir(parents=True)
    (tmp_path / "half" / "numba" / "gone").symlink_to(tmp_path / "not there")
    monkeypatch.setattr(homes, "PREPARED", tmp_path / "half")
    assert not (open_home(tmp_path / "second").cache / "numba").exists()


def test_a_home_that_was_not_finished_is_gone_on_with_and_a_strangers_files_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "prepared" / "numba").mkdir(parents=True)
    (tmp_path / "prepared" / "numba" / "loop.nbi").write_bytes(b"compiled")
    monkeypatch.setattr(homes, "PREPARED", tmp_path / "prepared")
    root = tmp_path / "home"
    (root / "cache" / "numba").mkdir(parents=True)
    (root / "cache" / "numba" / "loop.nbi").write_bytes(b"comp")  # stopped while it was copied, or another's beside it
    assert (open_home(root).cache / "numba" / "loop.nbi").read_bytes() == b"compiled"
    strange = tmp_path / "strange"
    (strange / "cache").mkdir(parents=True)
    (strange / "cache" / "mine.txt").write_text("mine")
    with pytest.raises(HomeError, match="not Assay's"):
        open_home(strange)


_COMPILE = """
import json, sys
from pathlib import Path
from assay.pipelines import steps
from assay.pipelines.workspace import open_workspace
from assay.settings import Settings
workspace = open_workspace(Settings(home=Path(sys.argv[1])))
there = {path.name for path in workspace.home.cache.rglob("*.nbc")}
steps.prepare(workspace)
now = {path.name for path in workspace.home.cache.rglob("*.nbc")}
print(json.dumps({"there": len(there), "new": sorted(now - there)}))
"""


def test_what_make_install_prepared_is_all_that_a_new_home_needs(tmp_path: Path) -> None:
    if not PREPARED.exists():
        pytest.skip("nothing is prepared: run `assay prepare`")
    words = [sys.executable, "-c", _COMPILE, str(tmp_path / "home")]
    found = json.loads(subprocess.run(words, capture_output=True, check=True, text=True, timeout=300).stdout)
    assert found["there"] > 10
    assert found["new"] == []
