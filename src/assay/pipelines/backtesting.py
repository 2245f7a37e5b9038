"""The loop of the backtests, compiled: where a strategy, bars and costs of the lake are to meet."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import cast

from assay.backtest.loop import advance
from assay.backtest.progress import Loop
from assay.features.compile import compile_loop, use_cache_dir


@functools.cache
def compiled_loop(cache: Path) -> Loop:
    """Return the loop of a backtest, compiled; some seconds at its first call, then kept below `cache`.

    It gives the bits that the plain one gives: no fastmath, and the same functions.
    """
    use_cache_dir(cache)
    return cast("Loop", compile_loop(advance, "backtest", {}, are_inlined=False))
