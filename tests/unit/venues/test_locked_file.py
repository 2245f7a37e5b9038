"""A file that processes replace in turn, killed at every step of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from assay.domain.points import Point, observed
from assay.venues.locked_file import LockedFile

# Kills itself at the n-th time that it opens, removes or renames a file on the way from the old text to the new one.
KILLED_AT = """
import os, signal, sys
from pathlib import Path
from assay.venues.locked_file import LockedFile
steps = [int(sys.argv[2])]
def count(event, arguments):
    if event in ("open", "os.remove", "os.rename") and "state" in str(arguments[0]):
        if steps[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        steps[0] -= 1
with LockedFile(Path(sys.argv[1])).held() as file:
    file.replace("old" * 10_000)
    sys.addaudithook(count)
    file.replace("new" * 20_000)
"""


def run_killed_at(path: Path, step: int) -> int:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(part for part in sys.path if part)}
    words = [sys.executable, "-c", KILLED_AT, str(path), str(step)]
    return subprocess.run(words, env=environment, timeout=600).returncode


@pytest.mark.parametrize(
    ("step", "expected"),
    [(0, "old" * 10_000), (1, "old" * 10_000), (2, "new" * 20_000)],
    ids=["before the draft", "before the old one goes", "before the new one has its name"],
)
def test_writer_killed_at_any_step_leaves_a_whole_text_and_no_lock(tmp_path: Path, step: int, expected: str) -> None:
    path = tmp_path / "state.json"
    assert run_killed_at(path, step) == -signal.SIGKILL
    with LockedFile(path).held() as file:
        assert file.read() == expected
        file.replace("next")
        assert file.read() == "next"
    assert sorted(found.name for found in tmp_path.iterdir()) == ["state.json", "state.lock"]


@pytest.mark.parametrize("point", [Point.STATE_BEGUN, Point.STATE_WRITTEN, Point.STATE_REMOVED])
def test_writer_killed_after_another_one_leaves_a_whole_text(tmp_path: Path, point: Point) -> None:
    path = tmp_path / "state.json"
    assert run_killed_at(path, 2) == -signal.SIGKILL  # all there is has the other name, which the next one writes to

    def stop(reached: Point) -> None:
        if reached is point:
            raise KeyboardInterrupt

    with LockedFile(path).held() as file, observed(stop), pytest.raises(KeyboardInterrupt):
        file.replace("third")
    with LockedFile(path).held() as file:
        assert file.read() == ("third" if point is Point.STATE_REMOVED else "new" * 20_000)


def test_there_is_no_step_beyond_those(tmp_path: Path) -> None:
    assert run_killed_at(tmp_path / "state.json", 3) == 0


def test_half_a_draft_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    with LockedFile(path).held() as file:
        file.replace("whole")
        (tmp_path / "state.draft").write_text("ha")
        assert file.read() == "whole"


def test_threads_that_add_one_in_turn_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "count"

    def add() -> None:
        for _ in range(100):
            with LockedFile(path).held() as file:
                file.replace(str(int(file.read() or 0) + 1))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() == "400"
