"""Running the command the way a person does, and copies of a home that cost little."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from assay.cli import main
from tests.integration.homes import one_thread, share_caches_of, share_project

PATIENCE_S = 600.0
"""How long anything that has to end is waited for: it says nothing about how fast it is."""
SERIES = ("--venue", "binance", "--symbol", "BTC-USDT", "--interval", "1h")


@dataclass(frozen=True, slots=True)
class Said:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:  # noqa: ANN401  # JSON is anything
        """The one JSON document on stdout."""
        return json.loads(self.out)

    def is_one_line(self) -> bool:
        """Whether stdout is empty and stderr is one line that begins as all failures do."""
        return self.out == "" and self.err.startswith("assay: error: ") and self.err.count("\n") == 1


class Command:
    """The command in this process, with its output taken from pytest."""

    def __init__(self, capture: pytest.CaptureFixture[str], home: Path) -> None:
        self._capture = capture
        self.home = home

    def __call__(self, *words: str | Path) -> Said:
        self._capture.readouterr()
        share_caches_of(self.home)
        with one_thread():
            code = main(["--home", str(self.home), *map(str, words)])
        shown = self._capture.readouterr()
        return Said(code, shown.out, shown.err)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        said = self("query", sql, "--json")
        assert said.code == 0, said.err
        return list(said.document)


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a child that finds this tree and builds with one thread, as :mod:`homes` says why."""
    return {
        "ASSAY_LAKE__THREADS": "1",
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        **more,
    }


def words_of(home: Path, *words: str | Path) -> list[str]:
    """Return the command line of a child."""
    return [sys.executable, "-m", "assay.cli", "--home", str(home), *map(str, words)]


def child(home: Path, *words: str | Path, **more: str) -> subprocess.Popen[str]:
    """Start the command in a process of its own."""
    share_caches_of(home)
    if words[0] in ("build", "run"):
        share_project(home)
    return subprocess.Popen(
        words_of(home, *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(**more)
    )


def finished(process: subprocess.Popen[str]) -> Said:
    """Wait for a child, and return what it said."""
    out, err = process.communicate(timeout=PATIENCE_S)
    return Said(process.returncode, out, err)


def finished_all(processes: Sequence[subprocess.Popen[str]]) -> list[Said]:
    """Wait for children that run at once."""
    return [finished(process) for process in processes]


def clone(home: Path, target: Path) -> Path:
    """Copy a home that nobody writes to; the extensions, which are large and never change, are linked.

    Others may read it at the same time. SQLite's files for its readers come and go with them, and hold nothing that the
    database does not; kernels lie in a folder that all homes share, in which others write at any moment.
    """
    kernels = home / "cache" / "numba"

    def shared(folder: str, names: list[str]) -> list[str]:
        return [kernels.name] if Path(folder) == kernels.parent and kernels.is_symlink() else []

    def copy(source: str, to: str) -> str:
        if source.endswith(".duckdb_extension"):
            os.link(source, to)
            return to
        try:
            return str(shutil.copy2(source, to))
        except FileNotFoundError:
            if not source.endswith(("-wal", "-shm")):
                raise
            return to

    shutil.copytree(home, target, copy_function=copy, ignore=shared)
    if kernels.is_symlink():
        (target / "cache" / "numba").symlink_to(kernels.readlink())
    return target
