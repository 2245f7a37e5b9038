"""What costs a second or two when it is asked for first: done once, in the background, when the server begins."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator

from assay.domain.errors import AssayError
from assay.pipelines.workspace import Workspace
from assay.selectors.candles import CandleRequest, candles
from assay.selectors.dashboard import dashboard
from assay.selectors.pairs import pairs

_INDICATORS = ("ema:12", "rsi:14")
_log = logging.getLogger(__name__)


@contextlib.contextmanager
def in_background(workspace: Workspace) -> Iterator[Callable[[], None]]:
    """Yield a function that begins the work; the end of the block waits for what is under way and leaves out the rest.

    A thread that is simply left behind would be torn out of the database's code when the process ends.
    """
    is_over = threading.Event()
    thread = threading.Thread(target=warm, args=(workspace, is_over), name="warm")
    try:
        yield thread.start
    finally:
        is_over.set()
        if thread.ident is not None:
            thread.join()


def warm(workspace: Workspace, is_over: threading.Event) -> None:
    """Open the lake, read what the first page shows, and load the compiled indicators.

    What cannot be read now is not an error here: whoever asks for it is told.
    """
    try:
        dashboard(workspace)
        if is_over.is_set():
            return
        for pair in pairs(workspace)[:1]:
            symbol = f"{pair.venue}:{pair.market}:{pair.symbol}"
            candles(workspace, CandleRequest(symbol, pair.intervals[-1].interval, indicators=_INDICATORS))
    except AssayError as error:
        _log.info("not_warmed=%r", str(error))
