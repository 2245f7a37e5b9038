"""One writer at a time, and a holder that dies lets go."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assay.domain.errors import LakeBusyError
from assay.lake.lock import file_lock

HOLD = """
import fcntl, sys, time
held = open(sys.argv[1], "w")
held.write("process 4711")
held.flush()
fcntl.flock(held, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(600)
"""


def test_the_holder_is_named_in_the_file_and_the_next_one_gets_it(tmp_path: Path) -> None:
    path = tmp_path / "lake" / "writer.lock"
    for _ in range(2):
        with file_lock(path, timeout_s=0):
            assert path.read_text(encoding="utf-8") == f"process {os.getpid()}"


def test_a_second_writer_waits_says_so_once_and_gives_up(tmp_path: Path) -> None:
    said: list[str] = []
    started = time.monotonic()
    with (
        file_lock(tmp_path / "lock", timeout_s=0),
        pytest.raises(LakeBusyError, match=f"process {os.getpid()} is writing"),
        file_lock(tmp_path / "lock", timeout_s=0.3, on_wait=said.append),
    ):
        pytest.fail("two have it")
    assert time.monotonic() - started >= 0.3
    assert said == [f"waiting for process {os.getpid()} to finish writing to the lake"]


def test_a_holder_that_is_killed_lets_go(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(LakeBusyError, match="process 4711"), file_lock(tmp_path / "lock", timeout_s=0):
        pytest.fail("two have it")
    holder.kill()
    holder.wait()
    holder.stdout.close()
    with file_lock(tmp_path / "lock", timeout_s=600):
        assert (tmp_path / "lock").read_text(encoding="utf-8") == f"process {os.getpid()}"


def test_an_error_inside_lets_go(tmp_path: Path) -> None:
    with pytest.raises(KeyError), file_lock(tmp_path / "lock", timeout_s=0):
        raise KeyError("x")
    with file_lock(tmp_path / "lock", timeout_s=0):
        pass
