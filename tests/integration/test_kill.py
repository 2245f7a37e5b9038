"""kill -9 at any moment of import and build, then the same again: the same lake as if nothing had happened."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.integration.conftest import MakeWorkspace, hashes
from tests.integration.homes import share_project
from tests.made_klines import hourly, write_csv

SCRIPT = Path(__file__).with_name("import_and_build.py")
ROOT = Path(__file__).parents[2]


def _start(home: Path, folder: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    words = [sys.executable, str(SCRIPT), str(home), str(folder)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)


def _finish(home: Path, folder: Path) -> float:
    """Run to the end and return how many seconds it took from the first import on."""
    with _start(home, folder) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "importing\n"
        started = time.perf_counter()
        output, _ = process.communicate(timeout=600)
        assert process.returncode == 0, output
        assert output.endswith("done\n"), output
        return time.perf_counter() - started


def _kill_after(home: Path, folder: Path, seconds: float) -> bool:
    """Kill the process that long after it began to import; return whether it was still at work."""
    with _start(home, folder) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        return process.wait() == -signal.SIGKILL


def _recordings(folder: Path) -> tuple[Path, Path]:
    """Write two waves of files: a history, and a later one that also restates and fills a hole."""
    rows = hourly(1_200, holes=((300, 350), (800, 801)))
    whole = hourly(1_200)
    for number in range(4):
        write_csv(folder / "first" / f"{number}.csv", rows[number * 250 : number * 250 + 260])
    later = [row.restated(1.03) for row in rows[500:520]]
    write_csv(folder / "second" / "hole.csv", [*whole[290:352], *rows[352:360]])
    write_csv(folder / "second" / "restated.csv", later)
    write_csv(folder / "second" / "next.csv", rows[1_000:])
    return folder / "first", folder / "second"


def _prove(make_workspace: MakeWorkspace, tmp_path: Path, *, kills: int, seed: int) -> None:
    waves = _recordings(tmp_path / "files")
    reference = make_workspace("reference")
    share_project(reference.home.root)
    took = min([_finish(reference.home.root, folder) for folder in waves])
    expected = hashes(reference)
    rng = random.Random(seed)
    killed, homes = 0, 0
    while killed < kills:
        home = make_workspace(f"killed-{homes}").home.root
        if homes:  # dbt reads its project in the first one only, which takes as long as all the rest
            share_project(home)
        killed_here = 0
        for folder in waves:
            # A process that was quicker than its killer has done the work: the next kill needs other work to hit.
            while killed + killed_here < kills and _kill_after(home, folder, rng.uniform(0.0, took)):
                killed_here += 1
            _finish(home, folder)
        assert hashes(make_workspace(f"killed-{homes}")) == expected
        # A killed writer may leave its own temporary file, which nothing reads.
        assert len([path for path in home.rglob("*.tmp") if path.is_file()]) <= killed_here
        killed, homes = killed + killed_here, homes + 1
        assert homes <= 10 * kills, "the kills hit nothing"


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(5))
def test_killed_forty_times_the_lake_is_the_same(make_workspace: MakeWorkspace, tmp_path: Path, seed: int) -> None:
    _prove(make_workspace, tmp_path, kills=8, seed=seed)
