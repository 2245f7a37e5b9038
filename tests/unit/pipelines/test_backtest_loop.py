"""Which loop a home takes: the compiler has to be worth its time, and what was compiled before is taken sooner."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.backtest.loop import advance
from assay.backtest.sweeping import INTERPRETED
from assay.features.fingerprint import fingerprint
from assay.pipelines.backtest_loop import compiled_loop, compiled_signal_loop, loop_for, loops_for
from assay.pipelines.workspace import Workspace, open_workspace
from assay.settings import Settings


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Return a home that was given nothing by the installation; the cache of the compiler is put back afterwards."""
    monkeypatch.setattr("assay.lake.home.PREPARED", tmp_path / "nothing")
    monkeypatch.setattr("assay.pipelines.backtest_loop.use_cache_dir", lambda _directory: None)
    return open_workspace(Settings(home=tmp_path / "home"))


@pytest.mark.parametrize(
    ("bars", "is_kept", "is_compiled"),
    [(30_000, True, False), (30_001, True, True), (300_000, False, False), (300_001, False, True)],
)
def test_loops_are_compiled_where_it_is_worth_it(
    workspace: Workspace, bars: int, *, is_kept: bool, is_compiled: bool
) -> None:
    cache = workspace.home.cache / "numba"
    if is_kept:
        kept = cache / "backtest_0" / f"loop.backtest_{fingerprint(advance)}-91.py311.nbi"
        kept.parent.mkdir(parents=True)
        kept.touch()
    compiled = compiled_loop(cache), compiled_signal_loop(cache)
    assert loops_for(workspace, bars) == (compiled if is_compiled else INTERPRETED)
    assert loop_for(workspace, bars) is (compiled[0] if is_compiled else advance)
