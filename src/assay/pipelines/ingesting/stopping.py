"""Running tasks to their end, or to an end in order when the process is told to stop.

A signal handler that raises does so in the middle of the event loop: the wake-up of a task may be lost with it, and
whoever waits for that task then waits for ever. asyncio therefore turns Ctrl-C into a cancellation; here SIGTERM
becomes one too.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Coroutine
from types import FrameType
from typing import TypeVar

T = TypeVar("T")


def run_tasks(work: Coroutine[object, object, T]) -> T:
    """Run `work` in an event loop of its own and return its result.

    SIGTERM cancels it; once its tasks have ended, the signal goes to the handler that was there before. Without such a
    handler, and outside the main thread, signals do what they always do.
    """
    handler = signal.getsignal(signal.SIGTERM)
    if not callable(handler) or threading.current_thread() is not threading.main_thread():
        return asyncio.run(work)
    received: list[int] = []
    # asyncio makes a cancellation of Ctrl-C where Python's own handler would have got it.
    interrupted = signal.getsignal(signal.SIGINT)
    if callable(interrupted):
        signal.signal(signal.SIGINT, signal.default_int_handler)

    async def cancellable() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def stop(number: int, _frame: FrameType | None) -> None:
            received.append(number)
            loop.call_soon_threadsafe(task.cancel)

        signal.signal(signal.SIGTERM, stop)
        try:
            return await work
        finally:
            # What comes now is too late to cancel anything, and is kept for the end.
            signal.signal(signal.SIGTERM, lambda number, _frame: received.append(number))

    try:
        return asyncio.run(cancellable())
    finally:
        signal.signal(signal.SIGTERM, handler)
        if callable(interrupted):
            signal.signal(signal.SIGINT, interrupted)
        if received:
            signal.raise_signal(signal.SIGTERM)
