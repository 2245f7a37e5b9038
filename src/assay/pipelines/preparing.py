"""What every new home would do by itself, done once for the installation: loops compiled, dbt's project read.

Neither knows anything of a home. A home takes a copy when it is made (:func:`assay.lake.home.open_home`), so that no
two of them write to one place.
"""

from __future__ import annotations

import contextlib
import gc
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assay.backtest.engine import run
from assay.backtest.market import Market
from assay.backtest.signals import Signals
from assay.backtest.sweeping import Loops, Setting
from assay.domain.errors import StorageError
from assay.lake.home import PREPARED
from assay.lake.storage import storage_errors
from assay.pipelines import dbt, steps
from assay.pipelines.backtest_loop import compiled_loop, compiled_signal_loop
from assay.pipelines.workspace import Workspace, open_workspace
from assay.settings import Settings
from assay.venues import scan

_PARTS = ("numba", "dbt/target/partial_parse.msgpack")


@dataclass(frozen=True, slots=True)
class Prepared:
    """What new homes begin with.

    Attributes
    ----------
    place : str
        Where it is: beside the code, as compiled Python is.
    files, size_bytes : int
    seconds : float
        That it took to make it.
    """

    place: str
    files: int
    size_bytes: int
    seconds: float


def prepare_installation() -> Prepared:
    """Compile the loops that most homes run and read dbt's project, in place of what was prepared before.

    Raises
    ------
    StorageError
        If the installation may not be written to; homes then do it by themselves.
    """
    begun = time.perf_counter()
    beside = PREPARED.with_name(f"{PREPARED.name}.new")
    try:
        with storage_errors(PREPARED):
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir(parents=True)
    except StorageError as error:
        todo = "run this as who installed Assay; without it every new home compiles for itself"
        raise StorageError("the installation cannot be written to", value=PREPARED.parent, todo=todo) from error
    with storage_errors(PREPARED), tempfile.TemporaryDirectory(dir=beside) as scratch:
        workspace = open_workspace(Settings(home=Path(scratch) / "home"))
        with _without_collector():
            _make(workspace)
        for part in _PARTS:
            (beside / part).parent.mkdir(parents=True, exist_ok=True)
            (workspace.home.cache / part).rename(beside / part)
    with storage_errors(PREPARED):
        shutil.rmtree(PREPARED, ignore_errors=True)
        beside.rename(PREPARED)
        sizes = [path.stat().st_size for path in PREPARED.rglob("*") if path.is_file()]
    return Prepared(str(PREPARED), len(sizes), sum(sizes), round(time.perf_counter() - begun, 3))


@contextlib.contextmanager
def _without_collector() -> Iterator[None]:
    """Let nobody look for garbage: compilers make objects by the million, and a tenth of their time goes into that."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _make(workspace: Workspace) -> None:
    # Without what was prepared before: of code that has changed since, old copies would be kept for good.
    for part in _PARTS:
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(workspace.home.cache / Path(part).parts[0])
    workspace.say("compiling")
    steps.prepare(workspace)
    _compile_backtests(workspace)
    scan.prepare()
    workspace.say("reading dbt's project")
    dbt.prepare(workspace)


def _compile_backtests(workspace: Workspace) -> None:
    """Compile the loops of backtests, which take longer than all Steps together, by running them over two bars."""
    opened, price = np.arange(2) * 3_600_000_000, np.ones(2)
    market = Market(("BTC-USDT",), opened, opened + opened[1], price, price, price, price)
    cache = workspace.home.cache / "numba"
    loops = Loops(compiled_loop(cache), compiled_signal_loop(cache))
    run(Signals(), market, loop=loops.advance)
    Setting(market, loops=loops).outcome(Signals())
