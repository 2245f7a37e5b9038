"""The loops of backtests as a home runs them: compiled, or plain where the compiler would take longer than the bars."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import cast

from assay.backtest.loop import advance
from assay.backtest.progress import Loop
from assay.backtest.signal_loop import follow
from assay.backtest.sweeping import INTERPRETED, Loops, SignalLoop
from assay.features.compile import compile_loop, use_cache_dir
from assay.features.fingerprint import fingerprint
from assay.pipelines.workspace import Workspace

_NAME = "backtest"
# The plain loop takes 1 to 20 microseconds a bar, as much as happens in it. To load a compiled one takes half a second,
# to compile it ten.
_FEW_TO_LOAD_FOR, _FEW_TO_COMPILE_FOR = 30_000, 300_000


def loop_for(workspace: Workspace, bars: int) -> Loop:
    """Return the loop: compiled, unless so few bars are sooner done without; the bits are the same."""
    return loops_for(workspace, bars).advance


def loops_for(workspace: Workspace, bars: int) -> Loops:
    """Return the loop and that of sweeps: compiled, unless so few bars, of all runs together, are sooner done without.

    The bits are the same.
    """
    cache = workspace.home.cache / "numba"
    if bars <= _FEW_TO_LOAD_FOR or (bars <= _FEW_TO_COMPILE_FOR and not _is_kept(cache)):
        return INTERPRETED
    return Loops(compiled_loop(cache), compiled_signal_loop(cache))


@functools.cache
def compiled_loop(cache: Path) -> Loop:
    """Return the loop of a backtest, compiled; some seconds at its first call, then kept below `cache`.

    It gives the bits that the plain one gives: no fastmath, and the same functions.
    """
    use_cache_dir(cache)
    return cast("Loop", compile_loop(advance, _NAME, {}, are_inlined=False, are_lent=True))


@functools.cache
def compiled_signal_loop(cache: Path) -> SignalLoop:
    """Return the quick loop of sweeps, as :func:`compiled_loop`."""
    use_cache_dir(cache)
    return cast("SignalLoop", compile_loop(follow, _NAME, {}, are_lent=True))


def _is_kept(cache: Path) -> bool:
    """Say whether the loop of this code was compiled before, by the installation or by this home."""
    return any(cache.glob(f"*/*.{_NAME}_{fingerprint(advance)}-*.nbi"))
