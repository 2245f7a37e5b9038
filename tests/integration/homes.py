"""Homes of tests that cost little: made once for all workers of a run, with one copy of what is the same in each.

A build of a small home is mostly what DuckDB and dbt do before they look at a row. Its second thread has nothing to do
there and still costs as much as the first, so tests build with one; those of the identity of tables build with two.
"""

from __future__ import annotations

import contextlib
import importlib.resources
import os
import pickle
import platform
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import duckdb
import pytest

from assay.lake.catalog import EXTENSIONS
from assay.lake.home import PREPARED
from assay.lake.lock import file_lock
from assay.pipelines import dbt
from assay.pipelines.workspace import open_workspace
from assay.settings import LakeSettings, Settings

ONE_THREAD = LakeSettings(threads=1)
PROJECT = "partial_parse.msgpack"
KERNELS = "TESTS_KERNELS"
"""Variable that says where the kernels of this run are; children of a test have it as well."""
_VARIABLE = "ASSAY_LAKE__THREADS"
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
Made = TypeVar("Made")


def folder_of_run(factory: pytest.TempPathFactory) -> Path:
    """Return a folder that all workers of this run have in common."""
    base = factory.getbasetemp()
    # Workers of one run have folders beside each other.
    return (base.parent if base.name.startswith("popen-") else base) / "made"


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Made]) -> Made:
    """Return what `make` makes below a folder of that name, or what another worker of this run made of it.

    What is made must be picklable, and nobody may change it: tests that write take a copy.
    """
    folder = folder_of_run(factory) / name
    folder.mkdir(parents=True, exist_ok=True)
    with file_lock(folder / "lock", timeout_s=1_800):
        kept = folder / "made.pickle"
        if not kept.exists():
            made = make(folder)
            kept.write_bytes(pickle.dumps(made))
            return made
        found: Made = pickle.loads(kept.read_bytes())
        return found


def share_caches(home: Path) -> None:
    """Let a new home use the extensions where their packages have them, and the kernels that others have compiled.

    A copy of its own would be 70 MB and some seconds of compiling, and the same in every home.
    """
    kernels, own = os.environ.get(KERNELS), home / "cache" / "numba"
    if kernels and not own.is_symlink():
        shutil.rmtree(own, ignore_errors=True)  # what the installation gave it, which is in the shared ones as well
        with contextlib.suppress(FileExistsError):
            shutil.copytree(PREPARED / "numba", kernels) if PREPARED.exists() else Path(kernels).mkdir(parents=True)
        (home / "cache").mkdir(exist_ok=True)
        with contextlib.suppress(FileExistsError):
            own.symlink_to(kernels)
    system = f"{platform.system().lower()}_{_MACHINES.get(platform.machine(), platform.machine())}"
    version = f"v{duckdb.__version__}"
    folder = home / "cache" / "duckdb" / version / system
    folder.mkdir(parents=True, exist_ok=True)
    for name in EXTENSIONS:
        file = Path(str(importlib.resources.files(f"duckdb_extension_{name}"))) / "extensions" / version
        with contextlib.suppress(FileExistsError):
            (folder / f"{name}.duckdb_extension").symlink_to(file / f"{name}.duckdb_extension")


def share_caches_of(home: Path) -> None:
    """Do so if a home of ours is there: a command makes its own, and has to find nothing where none is."""
    is_ours = (home / "assay-home.json").exists() and (home / "cache" / "duckdb").is_dir()
    if is_ours and not (home / "cache" / "numba").is_symlink():
        share_caches(home)


def share_project(home: Path) -> None:
    """Let another process that builds in the home find dbt's project as it was read once in this run.

    To read it anew takes each process three seconds.
    """
    kernels, own = os.environ.get(KERNELS), home / "cache" / "dbt" / "target" / PROJECT
    if not kernels or not (home / "cache").is_dir() or own.exists():
        return
    Path(kernels).mkdir(parents=True, exist_ok=True)
    with file_lock(Path(kernels) / "project.lock", timeout_s=1_800):
        read = open_workspace(Settings(home=Path(kernels) / "project"))
        shared = read.home.cache / "dbt" / "target" / PROJECT
        if not shared.exists():
            dbt._projects.clear()
            dbt.prepare(read)
    own.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(shared, own)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let commands of this process build with one thread for the block, unless a test says how many."""
    is_ours = _VARIABLE not in os.environ
    if is_ours:
        os.environ[_VARIABLE] = "1"
    try:
        yield
    finally:
        if is_ours:
            del os.environ[_VARIABLE]
